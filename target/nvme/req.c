// SPDX-License-Identifier: BSD-3-Clause
/*
 * req.c - the life of a request, in the order in which it happens:
 *         begin, buffer, pieces (pull, execute, push), complete, release.
 *
 * Thread: the reactor of req->queue.
 * Depends: ctrl.h, pool.h, transport.h.
 */
#include "target/nvme/req.h"

#include <assert.h>
#include <string.h>

#include "target/base/le.h"
#include "target/nvme/abort.h"
#include "target/nvme/auth.h"
#include "target/nvme/ctrl.h"
#include "target/nvme/fused.h"
#include "target/nvme/io.h"
#include "target/nvme/passthru.h"
#include "target/nvme/scrub.h"

/* In-capsule data goes to the drive as it lies, if it lies so; else it is copied first. */
#define NP_ICD_ALIGN 512u

static void np_req_count_inflight(struct np_queue *queue, int change)
{
	uint32_t inflight = atomic_load_explicit(&queue->inflight, memory_order_relaxed);

	atomic_store_explicit(&queue->inflight, inflight + (uint32_t)change, memory_order_relaxed);
}

/* ---- begin: which command is it, and is it allowed? --------------------------------------- */

static const struct np_cmd *np_req_find_io_cmd(const struct np_req *req)
{
	const struct np_cmd *cmd = np_cmd_find_io(req->sqe.opcode);

	if (!cmd && req->queue->ctrl)
		cmd = np_passthru_find(req->queue->ctrl->subsys, req->sqe.opcode);
	return cmd;
}

static const struct np_cmd *np_req_find_cmd(const struct np_req *req)
{
	const struct np_queue *queue = req->queue;
	bool is_admin = queue->qid == 0;

	if (req->sqe.opcode == NP_OPCODE_FABRICS)
		return np_cmd_find_fabrics(req->sqe.fabrics.fctype, is_admin);
	if (!is_admin)
		return np_req_find_io_cmd(req);
	assert(queue->ctrl); /* np_req_check() lets only Connect through before */
	if (queue->ctrl->subsys->is_discovery)
		return np_cmd_find_discovery(req->sqe.opcode);
	return np_cmd_find_admin(req->sqe.opcode);
}

static bool np_req_is_connect(const struct np_req *req)
{
	return req->sqe.opcode == NP_OPCODE_FABRICS &&
		req->sqe.fabrics.fctype == nvme_fabrics_type_connect;
}

static bool np_req_may_be_fused(const struct np_req *req)
{
	switch (np_fuse(req)) {
	case 0:
		return true;
	case NP_FUSE_FIRST:
		return req->cmd->flags & NP_CMD_FIRST;
	case NP_FUSE_SECOND:
		return req->cmd->flags & NP_CMD_SECOND;
	default:
		return false;
	}
}

/* Checks that hold for every command. Spec: NVM Express Base 2.0, 3.3.3.1 and 6.3. */
static struct np_status np_req_check(struct np_req *req, struct np_status sgl_status)
{
	struct np_queue *queue = req->queue;
	struct np_status status;

	/* Only Connect begins an association, and only once. */
	if ((queue->state == NP_QUEUE_LIVE) == np_req_is_connect(req))
		return np_req_bad(req, 0, 0, np_status_generic(NVME_SC_CMD_SEQ_ERROR));
	req->cmd = np_req_find_cmd(req);
	if (!req->cmd)
		return np_req_bad_opcode(req);
	if (!(req->cmd->flags & NP_CMD_UNPROVEN) && !np_auth_is_open(queue))
		return np_status_specific(NVME_SC_AUTH_REQUIRED);
	if (!np_req_may_be_fused(req))
		return np_req_bad_field(req, flags, 0);
	if ((req->sqe.flags & NP_SQE_PSDT_MASK) != NP_SQE_PSDT_SGL)
		return np_req_bad_field(req, flags, 6);
	if (queue->ctrl && !(req->cmd->flags & NP_CMD_NO_READY) && !np_ctrl_is_ready(queue->ctrl))
		return np_status_generic(NVME_SC_CMD_SEQ_ERROR);
	if (!np_status_is_ok(sgl_status))
		return np_req_bad(req, offsetof(struct np_sqe, sgl), 0, sgl_status);
	status = req->cmd->check(req, &req->bytes);
	if (!np_status_is_ok(status))
		return status;
	if (req->bytes != req->data.bytes)
		return np_req_bad(req, offsetof(struct np_sqe, sgl), 0,
			np_status_generic(NVME_SC_SGL_INVALID_DATA));
	if (req->data.kind == NP_DATA_INLINE && req->cmd->dir != NP_DIR_FROM_HOST)
		return np_req_bad_field(req, sgl, 0);
	return NP_SUCCESS;
}

/* ---- begin, continued: data or none ------------------------------------------------------- */

static bool np_req_needs_buf(const struct np_req *req)
{
	if (!req->bytes)
		return false;
	return req->data.kind != NP_DATA_INLINE ||
		(req->cmd->flags & (NP_CMD_TWICE | NP_CMD_ROOM)) ||
		(uintptr_t)req->icd % NP_ICD_ALIGN;
}

/* A command that is held back, by a limit or by the gate, holds nothing back itself: it has no buffer yet. */
static void np_req_enter(struct np_req *req)
{
	const bool is_io = req->queue->qid && req->ns && !(req->cmd->flags & NP_CMD_RESERVES);

	if (is_io && np_qos_holds(req))
		return;
	if (!is_io ||
		np_gate_enter(
			req->ns->gate, req->queue->reactor->index, &req->pass, np_io_extent(req)))
		np_req_start(req);
	else
		np_req_retry(req);
}

void np_req_begin_again(struct np_req *req)
{
	struct np_status status;

	if (req->fused) {
		np_fused_try(req->fused);
		return;
	}
	/* Meanwhile it may have been forbidden. */
	status = np_io_check_access(req);
	if (np_status_is_ok(status))
		np_req_enter(req);
	else
		np_req_complete(req, status);
}

void np_req_begin(
	struct np_req *req, const struct np_sqe *sqe, void *icd, struct np_status sgl_status)
{
	struct np_queue *queue = req->queue;
	struct np_status status;

	assert(req->step == NP_REQ_FREE);
	req->step = NP_REQ_BEGIN;
	req->sqe = *sqe;
	req->cqe = (struct np_cqe){0};
	req->cmd = NULL;
	req->ns = NULL;
	req->bytes = 0;
	req->icd = icd;
	req->va = NULL;
	req->piece_offset = 0;
	req->piece_bytes = 0;
	req->avoids_peer = false;
	req->is_charged = req->is_pushed = false;
	req->pass.number = 0;
	req->fused = NULL;
	req->smart = NULL;
	req->abort = NULL;
	req->error_loc = NP_ERROR_LOC_UNKNOWN;
	np_req_count_inflight(queue, 1);
	if (queue->qid)
		queue->reactor->ncommands++;
	np_stat_add(&queue->requests, 1);
	np_stat_add(&queue->reactor->stats.requests, 1);
	if (queue->ctrl && np_auth_is_open(queue))
		np_ctrl_touch(queue->ctrl);

	status = np_req_check(req, sgl_status);
	if (np_status_is_ok(status) && req->data.kind == NP_DATA_INLINE)
		req->icd += req->data.inline_offset;
	if (np_fused_may_take(req) && np_fused_takes(req, status))
		return;
	if (np_status_is_ok(status))
		np_req_enter(req);
	else
		np_req_complete(req, status);
}

void np_req_start(struct np_req *req)
{
	if (np_req_needs_buf(req)) {
		np_req_get_buf(req);
		return;
	}
	req->va = req->icd;
	req->piece_bytes = req->bytes;
	req->step = NP_REQ_EXECUTE;
	req->cmd->execute(req);
}

/* ---- pieces: pull, execute, push ---------------------------------------------------------- */

static uint32_t np_req_piece_size(const struct np_req *req)
{
	uint32_t left = req->bytes - req->piece_offset, most = req->buf.bytes;

	if (!(req->cmd->flags & NP_CMD_PIECES))
		return left;
	if (req->cmd->flags & NP_CMD_TWICE)
		most /= 2;
	if (req->ns && most > req->ns->backend->max_io_bytes)
		most = req->ns->backend->max_io_bytes;
	if (left <= most)
		return left;
	/* The next piece must begin on a page boundary, and on one of a block. */
	if (most >= NP_PAGE_BYTES)
		most -= most % NP_PAGE_BYTES;
	return req->ns ? most - most % req->ns->backend->block_bytes : most;
}

void np_req_next_piece(struct np_req *req)
{
	req->va = req->buf.va;
	req->piece_bytes = np_req_piece_size(req);
	if (!req->piece_bytes) {
		np_req_complete(req, np_status_generic(NVME_SC_INTERNAL));
		return;
	}
	if (req->data.kind == NP_DATA_INLINE) {
		memcpy(req->va, req->icd + req->piece_offset, req->piece_bytes);
	} else if (req->cmd->dir == NP_DIR_FROM_HOST) {
		req->step = NP_REQ_PULL;
		req->queue->transport->pull(req);
		return;
	}
	/* Commands that fill a structure rely on zeros; a read of a namespace overwrites them. */
	if (req->cmd->dir == NP_DIR_TO_HOST && !req->ns)
		memset(req->va, 0, req->piece_bytes);
	req->step = NP_REQ_EXECUTE;
	req->cmd->execute(req);
}

void np_req_pulled(struct np_req *req, int err)
{
	assert(req->step == NP_REQ_PULL);
	if (err) {
		np_req_complete(req, np_status_generic(NVME_SC_DATA_XFER_ERROR));
		return;
	}
	req->step = NP_REQ_EXECUTE;
	if (req->scrub)
		np_scrub_pulled(req);
	else if (req->abort)
		np_req_complete(req, np_status_aborted());
	else
		req->cmd->execute(req);
}

void np_req_pull_again(struct np_req *req)
{
	req->step = NP_REQ_PULL;
	req->queue->transport->pull(req);
}

static void np_req_advance(struct np_req *req)
{
	if (req->abort) {
		np_req_complete(req, np_status_aborted());
		return;
	}
	req->piece_offset += req->piece_bytes;
	np_req_next_piece(req);
}

void np_req_piece_done(struct np_req *req, struct np_status status)
{
	assert(req->step == NP_REQ_EXECUTE);
	if (!np_status_is_ok(status) ||
		(np_req_is_last_piece(req) && !np_req_must_watch_push(req))) {
		np_req_complete(req, status);
		return;
	}
	if (req->cmd->dir == NP_DIR_TO_HOST) {
		req->step = NP_REQ_PUSH;
		req->queue->transport->push(req);
		return;
	}
	np_req_advance(req);
}

void np_req_pushed(struct np_req *req, int err)
{
	assert(req->step == NP_REQ_PUSH);
	if (err) {
		np_req_complete(req, np_status_generic(NVME_SC_DATA_XFER_ERROR));
		return;
	}
	if (!np_req_had_memory(req)) {
		np_req_redo_piece(req);
	} else if (np_req_is_last_piece(req)) {
		req->is_pushed = true;
		np_req_complete(req, NP_SUCCESS);
	} else {
		np_req_advance(req);
	}
}

/* ---- complete and release ----------------------------------------------------------------- */

static void np_req_log_error(struct np_req *req, struct np_status status)
{
	struct nvme_error_log_page entry = {
		.sqid = htole16(req->queue->qid),
		.cmdid = req->sqe.cid,
		.status_field = htole16((uint16_t)(status.field << 1)),
		.parm_error_location = htole16((uint16_t)(req->error_loc == NP_ERROR_LOC_UNKNOWN
				? NP_ERROR_LOC_UNKNOWN
				: req->error_loc | req->error_bit << 8)),
		.nsid = req->sqe.opcode == NP_OPCODE_FABRICS ? 0 : req->sqe.nsid,
		.trtype = NVMF_TRTYPE_RDMA,
	};

	if (req->ns && req->bytes)
		entry.lba =
			htole64(np_le32(req->sqe.cdw10) | (uint64_t)np_le32(req->sqe.cdw11) << 32);
	np_errlog_add(&req->queue->ctrl->errlog, &entry);
}

struct np_status np_req_must_end(const struct np_req *req)
{
	if (req->queue->state == NP_QUEUE_DRAINING)
		return np_status_generic(NVME_SC_ABORT_QUEUE);
	return req->abort ? np_status_aborted() : NP_SUCCESS;
}

void np_req_give_up(struct np_req *req, struct np_status status)
{
	np_list_del(&req->link);
	if (req->step == NP_REQ_WAIT_BUF)
		np_pool_cancel(&req->waiter);
	np_req_complete(req, status);
}

void np_req_complete(struct np_req *req, struct np_status status)
{
	struct np_queue *queue = req->queue;

	assert(req->step != NP_REQ_FREE && req->step != NP_REQ_RESPOND);
	if (req->fused && np_fused_ended(req, status))
		return;
	np_scrub_end(req);
	np_gate_leave(&req->pass);
	if (req->abort)
		np_abort_answered(req, status);
	req->step = NP_REQ_RESPOND;
	if (queue->ctrl && atomic_load_explicit(&queue->ctrl->knows_delays, memory_order_relaxed))
		status = np_status_delayed(status);
	req->cqe.cid = req->sqe.cid;
	req->cqe.status = htole16((uint16_t)(status.field << 1));
	queue->sqhd = (uint16_t)((queue->sqhd + 1) % queue->sq_entries);
	req->cqe.sqhd = htole16(queue->sqhd_disabled ? UINT16_MAX : queue->sqhd);
	if (!np_status_is_ok(status)) {
		if (queue->ctrl && np_auth_is_open(queue)) {
			np_req_log_error(req, status);
			req->cqe.status |= htole16(NVME_SC_MORE << 1);
		}
		if (req->ns)
			np_stat_add(&req->ns->stats[queue->reactor->index].errors, 1);
	}
	if (!np_req_has_data_out(req))
		np_buf_put(&req->buf);
	if (queue->qid)
		queue->reactor->ncommands--;
	queue->transport->respond(req);
}

void np_req_complete_dw0(struct np_req *req, uint32_t dw0)
{
	req->cqe.dw0 = htole32(dw0);
	np_req_complete(req, NP_SUCCESS);
}

void np_req_release(struct np_req *req)
{
	assert(req->step == NP_REQ_RESPOND);
	np_buf_put(&req->buf);
	if (req->ns)
		np_ns_put(req->ns, req->queue->reactor->index);
	np_req_count_inflight(req->queue, -1);
	req->step = NP_REQ_FREE;
}
