// SPDX-License-Identifier: BSD-3-Clause
/*
 * scrub.c - fetch again, read back, compare; and what to do if they differ.
 *
 *   buffer -> fetch -> read -> equal: next part, or done
 *                           -> differ: fetch -> the host changes its data: cannot tell, done
 *                                            -> it does not: distrust, write -> read -> equal: done
 *
 * A host may change its data while it is being written, and another command may write the same
 * blocks: neither says anything about peer memory. The first is found by fetching once more. The
 * second is not, and costs the use of peer memory; no data is lost by it.
 *
 * Thread: the reactor of req->queue.
 * Depends: ctrl.h, pool.h.
 */
#include "target/nvme/scrub.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "target/nvme/ctrl.h"
#include "target/nvme/io.h"

struct np_scrub {
	struct np_buf peer; /* the request's own buffer */
	uint8_t *va;
	uint32_t piece_offset, piece_bytes; /* of the request */
	uint32_t done_bytes, part_bytes;    /* of the piece: compared, being compared */
	enum np_scrub_step {
		NP_SCRUB_FIRST,  /* the data as it was written */
		NP_SCRUB_AGAIN,  /* has the host changed it? */
		NP_SCRUB_MENDED, /* written from host memory */
	} step;
};

bool np_scrub_is_due(const struct np_req *req)
{
	const struct np_ns *ns = req->ns;
	struct np_ns_use *use = &ns->use[req->queue->reactor->index];

	if (!ns->scrub_every || !req->buf.pool || !req->buf.pool->region->is_peer)
		return false;
	if (++use->since_scrub < ns->scrub_every)
		return false;
	use->since_scrub = 0;
	return true;
}

static struct np_ns_stats *np_scrub_stats(const struct np_req *req)
{
	return &req->ns->stats[req->queue->reactor->index];
}

/* The host's data is at req->va; the drive's comes behind it. */
static uint8_t *np_scrub_read_va(const struct np_req *req)
{
	return (uint8_t *)req->buf.va + req->buf.bytes / 2;
}

void np_scrub_end(struct np_req *req)
{
	struct np_scrub *scrub = req->scrub;

	if (!scrub)
		return;
	if (scrub->peer.pool) { /* else it still waits for the other one */
		np_buf_put(&req->buf);
		req->buf = scrub->peer;
	}
	req->va = scrub->va;
	req->piece_offset = scrub->piece_offset;
	req->piece_bytes = scrub->piece_bytes;
	req->scrub = NULL;
	free(scrub);
}

static void np_scrub_done(struct np_req *req, struct np_status status)
{
	np_scrub_end(req);
	np_req_piece_done(req, status);
}

/* ---- the operations ----------------------------------------------------------------------- */

/* Fetches the next part. */
static void np_scrub_fetch(struct np_req *req)
{
	struct np_scrub *scrub = req->scrub;
	uint32_t left = scrub->piece_bytes - scrub->done_bytes, most = req->buf.bytes / 2;

	most -= most % (most >= NP_PAGE_BYTES ? NP_PAGE_BYTES : req->ns->backend->block_bytes);
	scrub->part_bytes = left < most ? left : most;
	req->piece_offset = scrub->piece_offset + scrub->done_bytes;
	req->piece_bytes = scrub->part_bytes;
	/* The second time behind what is there, to be compared with it. */
	req->va = scrub->step == NP_SCRUB_AGAIN ? np_scrub_read_va(req) : req->buf.va;
	np_req_pull_again(req);
}

static void np_scrub_io_done(struct np_io *io, struct np_status status);

static void np_scrub_io(struct np_req *req, enum np_io_op op, uint8_t *va)
{
	np_io_prep_piece(req, op, va, np_scrub_io_done);
	np_io_submit(req);
}

/* ---- the findings ------------------------------------------------------------------------- */

static void np_scrub_right(struct np_req *req)
{
	struct np_scrub *scrub = req->scrub;

	scrub->done_bytes += scrub->part_bytes;
	if (scrub->done_bytes == scrub->piece_bytes) {
		np_scrub_done(req, NP_SUCCESS);
		return;
	}
	scrub->step = NP_SCRUB_FIRST;
	np_scrub_fetch(req);
}

/* Peer memory is out of service for this namespace and RNIC from now on. */
static void np_scrub_distrust(struct np_req *req)
{
	struct np_scrub *scrub = req->scrub;
	struct np_queue *queue = req->queue;
	struct np_ns *ns = req->ns;

	np_stat_add(&np_scrub_stats(req)->scrub_mismatches, 1);
	np_ns_set_path(ns, queue->rnic, NULL, NP_STAGED_LOST);
	ns->distrust(ns, queue->rnic, scrub->peer.pool->region, req->io.lba);
	scrub->step = NP_SCRUB_MENDED;
	np_scrub_io(req, NP_IO_WRITE, req->buf.va);
}

static void np_scrub_read_done(struct np_req *req)
{
	struct np_scrub *scrub = req->scrub;

	if (!memcmp(req->buf.va, np_scrub_read_va(req), scrub->part_bytes)) {
		np_scrub_right(req);
		return;
	}
	if (scrub->step == NP_SCRUB_MENDED) {
		np_scrub_done(req, np_status_media(NVME_SC_WRITE_FAULT));
		return;
	}
	scrub->step = NP_SCRUB_AGAIN;
	np_scrub_fetch(req);
}

static void np_scrub_io_done(struct np_io *io, struct np_status status)
{
	struct np_req *req = np_container_of(io, struct np_req, io);

	if (!np_status_is_ok(status)) {
		np_scrub_done(req, status);
		return;
	}
	if (io->op == NP_IO_WRITE)
		np_scrub_io(req, NP_IO_READ, np_scrub_read_va(req));
	else
		np_scrub_read_done(req);
}

void np_scrub_pulled(struct np_req *req)
{
	struct np_scrub *scrub = req->scrub;

	if (scrub->step == NP_SCRUB_FIRST) {
		np_scrub_io(req, NP_IO_READ, np_scrub_read_va(req));
		return;
	}
	if (!memcmp(req->buf.va, np_scrub_read_va(req), scrub->part_bytes)) {
		np_scrub_distrust(req);
		return;
	}
	np_stat_add(&np_scrub_stats(req)->scrub_unsure, 1);
	np_scrub_right(req);
}

/* ---- the beginning ------------------------------------------------------------------------ */

static void np_scrub_have_buf(struct np_req *req, struct np_buf buf)
{
	struct np_scrub *scrub = req->scrub;

	scrub->peer = req->buf;
	req->buf = buf;
	np_stat_add(&np_scrub_stats(req)->scrubs, 1);
	np_scrub_fetch(req);
}

static void np_scrub_granted(struct np_pool_waiter *waiter, struct np_buf buf)
{
	struct np_req *req = np_container_of(waiter, struct np_req, waiter);

	np_list_del(&req->link);
	np_scrub_have_buf(req, buf);
}

void np_scrub_begin(struct np_req *req)
{
	struct np_scrub *scrub = calloc(1, sizeof(*scrub));
	struct np_buf buf;

	assert(!req->scrub);
	/* Out of memory is no reason to fail a command that has been done. */
	if (!scrub) {
		np_req_piece_done(req, NP_SUCCESS);
		return;
	}
	scrub->va = req->va;
	scrub->piece_offset = req->piece_offset;
	scrub->piece_bytes = req->piece_bytes;
	req->scrub = scrub;
	if (np_req_take_buf(
		    req, req->queue->host_pool, 2 * req->piece_bytes, np_scrub_granted, &buf))
		np_scrub_have_buf(req, buf);
}
