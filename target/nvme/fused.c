// SPDX-License-Identifier: BSD-3-Clause
/*
 * fused.c - Compare and Write as one.
 *
 * The gate is shut for the blocks before anything is fetched. Then the two run as they always do, the
 * Write after the Compare has found no difference, each with the pieces and the memory that it would
 * have alone: at no time does the pair hold a buffer and wait for another one.
 *
 * Thread: the reactor of req->queue.
 * Depends: ctrl.h, gate.h, io.h.
 */
#include "target/nvme/fused.h"

#include <stdlib.h>

#include "target/nvme/ctrl.h"
#include "target/nvme/io.h"

struct np_fused {
	struct np_req *first, *second;
	bool is_shut; /* the gate, by this pair */
	struct np_gate_tour tour;
	struct np_msg msg;
};

/* Half of a pair, alone. */
static struct np_status np_fused_missing(struct np_req *req)
{
	return np_req_bad(req, offsetof(struct np_sqe, flags), 0,
		np_status_retryable(np_status_generic(NVME_SC_FUSED_MISSING)));
}

static struct np_status np_fused_failed(void)
{
	return np_status_retryable(np_status_generic(NVME_SC_FUSED_FAIL));
}

/* ---- the pair at work --------------------------------------------------------------------- */

/* May it still begin? What the host may do could have changed while the pair waited. */
static bool np_fused_may_run(struct np_req *req)
{
	struct np_status status = np_req_must_end(req);

	if (np_status_is_ok(status))
		status = np_io_check_access(req);
	if (np_status_is_ok(status))
		return true;
	np_req_complete(req, status);
	return false;
}

/* The blocks are the pair's. */
static void np_fused_run(struct np_msg *msg)
{
	struct np_fused *pair = np_container_of(msg, struct np_fused, msg);
	struct np_req *first = pair->first;

	if (!np_fused_may_run(first) || !np_fused_may_run(pair->second))
		return;
	np_gate_pass(
		first->ns->gate, first->queue->reactor->index, &first->pass, np_io_extent(first));
	np_req_start(first);
}

static void np_fused_have_blocks(struct np_gate_tour *tour)
{
	struct np_fused *pair = np_container_of(tour, struct np_fused, tour);

	pair->msg.fn = np_fused_run;
	np_reactor_send(pair->first->queue->reactor, &pair->msg);
}

void np_fused_try(struct np_fused *pair)
{
	struct np_req *first = pair->first, *second = pair->second;

	/* The limits have held back the first for both. */
	if (!second->is_charged)
		np_qos_charge(second);
	pair->is_shut = np_gate_shut(first->ns->gate, np_io_extent(first));
	if (!pair->is_shut) {
		np_req_retry(first);
		return;
	}
	pair->tour = (struct np_gate_tour){.gate = first->ns->gate,
		.extent = np_io_extent(first),
		.done = np_fused_have_blocks};
	np_gate_send(&pair->tour);
}

bool np_fused_ended(struct np_req *req, struct np_status status)
{
	struct np_fused *pair = req->fused;
	struct np_req *first = pair->first, *second = pair->second;
	const bool is_ok = np_status_is_ok(status);

	if (req == first && is_ok) {
		np_buf_put(&first->buf);
		np_req_start(second);
		return true;
	}
	first->fused = second->fused = NULL;
	if (pair->is_shut)
		np_gate_open(first->ns->gate);
	free(pair);
	if (req == first) {
		np_req_complete(first, status);
		np_req_complete(second, np_fused_failed());
		return true;
	}
	np_req_complete(first, is_ok ? NP_SUCCESS : np_fused_failed());
	return false;
}

/* ---- the two find each other -------------------------------------------------------------- */

static bool np_fused_is_match(const struct np_req *first, const struct np_req *second)
{
	return first->sqe.nsid == second->sqe.nsid && np_io_slba(first) == np_io_slba(second) &&
		np_io_nblocks(first) == np_io_nblocks(second);
}

static void np_fused_pair(struct np_req *first, struct np_req *second, struct np_status status)
{
	struct np_fused *pair = NULL;

	if (np_status_is_ok(status) && !np_fused_is_match(first, second))
		status = np_req_bad_field(second, cdw10, 0);
	if (np_status_is_ok(status)) {
		pair = calloc(1, sizeof(*pair));
		if (!pair)
			status = np_status_retryable(np_status_generic(NVME_SC_INTERNAL));
	}
	if (!pair) {
		np_req_complete(first, np_fused_failed());
		np_req_complete(second, status);
		return;
	}
	pair->first = first;
	pair->second = second;
	first->fused = second->fused = pair;
	if (!np_qos_holds(first))
		np_fused_try(pair);
}

bool np_fused_takes(struct np_req *req, struct np_status status)
{
	struct np_queue *queue = req->queue;
	struct np_req *first = np_list_first(&queue->first, struct np_req, link);
	const bool has_failed = queue->has_fused && !first;

	queue->has_fused = false;
	if (np_fuse(req) == NP_FUSE_SECOND && first) {
		np_list_del(&first->link);
		np_fused_pair(first, req, status);
		return true;
	}
	if (first)
		np_req_give_up(first, np_fused_missing(first));
	if (np_fuse(req) == NP_FUSE_SECOND) {
		np_req_complete(req, has_failed ? np_fused_failed() : np_fused_missing(req));
		return true;
	}
	if (np_fuse(req) != NP_FUSE_FIRST)
		return false;
	queue->has_fused = true;
	if (!np_status_is_ok(status))
		return false;
	np_list_add_tail(&queue->first, &req->link);
	return true;
}
