// SPDX-License-Identifier: BSD-3-Clause
/*
 * rw.c - the jobs of a request slot: pull (READs), push (WRITEs), respond (WRITEs and a SEND).
 *
 * A job adds its work requests to the send queue, which are posted at the end of the reactor's turn.
 * Two limits are kept in software: room in the send queue, and READs that the host's RNIC takes at a
 * time. A job that finds too little of them waits in line; a pull adds what fits and goes on when
 * READs complete, so a request with more segments than credits ends too. Of a chain only the last
 * work request is signalled, but in an error each one completes: hence part_op.
 *
 * Thread: the connection's reactor.
 * Depends: sendq.h, sgl.h, recv.h, conn.h, req.h.
 */
#include "transport/rdma/rw.h"

#include <assert.h>
#include <errno.h>

#include "transport/rdma/fence.h"
#include "transport/rdma/recv.h"
#include "transport/rdma/sgl.h"
#include "transport/rdma/stall.h"

_Static_assert(NP_RDMA_SENDQ_BATCH > NP_MAX_SGL_SEGS, "the longest chain fits an empty batch");

static struct np_rdma_slot *slot_of(struct np_req *req)
{
	return np_container_of(req, struct np_rdma_slot, req);
}

static bool is_waiting(const struct np_rdma_slot *slot)
{
	return !np_list_is_empty(&slot->link);
}

void np_rdma_set_waited(struct np_rdma_slot *slot, bool is_waited)
{
	unsigned int *nwaiting = &slot->conn->queue.reactor->nwaiting;

	*nwaiting += (unsigned int)is_waited - (unsigned int)slot->is_waited;
	slot->is_waited = is_waited;
}

/* ---- posting ------------------------------------------------------------------------------- */

/* Has what is gathered posted at the end of the turn. */
static void post_later(struct np_rdma_conn *conn)
{
	if (np_list_is_empty(&conn->post.link))
		np_rdma_cq_at_end(conn->cq, &conn->post);
}

/*
 * Adds READs or WRITEs of segments [first, first + count) of the request's piece.
 * Return: the last one.
 */
static struct ibv_send_wr *add_rdma(struct np_rdma_slot *slot, const struct np_sgl_seg *segs,
	unsigned int first, unsigned int count, enum ibv_wr_opcode opcode)
{
	struct np_rdma_conn *conn = slot->conn;
	struct np_req *req = &slot->req;
	uint64_t va = (uintptr_t)req->va;
	struct ibv_send_wr *wr = NULL;
	uint32_t lkey;

	assert(req->buf.pool);
	lkey = conn->dev->mrs[req->buf.pool->region->id].lkey;
	for (unsigned int i = 0; i < first + count; i++) {
		struct ibv_sge sge = {va, segs[i].bytes, lkey};

		va += segs[i].bytes;
		if (i < first)
			continue;
		wr = np_rdma_sendq_add(&conn->sq, &slot->part_op, sge, opcode);
		wr->wr.rdma.remote_addr = segs[i].addr;
		wr->wr.rdma.rkey = segs[i].key;
		/* Each READ gives its credit back by itself. */
		if (opcode == IBV_WR_RDMA_READ)
			wr->send_flags = IBV_SEND_SIGNALED;
	}
	return wr;
}

static struct ibv_send_wr *add_send(struct np_rdma_slot *slot)
{
	struct np_rdma_conn *conn = slot->conn;
	const struct np_data *data = &slot->req.data;
	struct ibv_sge sge = {.length = sizeof(struct np_cqe)};
	struct ibv_send_wr *wr;

	if (conn->has_inline) {
		sge.addr = (uintptr_t)&slot->req.cqe;
	} else {
		struct np_cqe *copy = &conn->wire_cqes[slot - conn->slots];

		*copy = slot->req.cqe;
		sge.addr = (uintptr_t)copy;
		sge.lkey = conn->mr->lkey;
	}
	wr = np_rdma_sendq_add(&conn->sq, &slot->last_op, sge, IBV_WR_SEND);
	wr->send_flags = IBV_SEND_SOLICITED | (conn->has_inline ? IBV_SEND_INLINE : 0);
	if (data->invalidate && conn->dev->has_send_inv) {
		wr->opcode = IBV_WR_SEND_WITH_INV;
		wr->invalidate_rkey = data->invalidate_key;
	}
	return wr;
}

/* Adds what fits. Return: true when the job has nothing more to add. */
static bool post_reads(struct np_rdma_slot *slot)
{
	struct np_rdma_conn *conn = slot->conn;
	struct np_req *req = &slot->req;
	struct np_sgl_seg segs[NP_MAX_SGL_SEGS];
	unsigned int nsegs, count, room = np_rdma_sendq_room(&conn->sq);

	if (slot->err)
		return true;
	nsegs = np_rdma_map_piece(&req->data, req->piece_offset, req->piece_bytes, segs);
	count = nsegs - slot->posted;
	if (count > room)
		count = room;
	if (count > conn->read_credits)
		count = conn->read_credits;
	if (!count)
		return slot->posted == nsegs;
	add_rdma(slot, segs, slot->posted, count, IBV_WR_RDMA_READ);
	post_later(conn);
	conn->read_credits -= count;
	slot->posted = (uint16_t)(slot->posted + count);
	slot->inflight = (uint16_t)(slot->inflight + count);
	return slot->posted == nsegs;
}

static void over_respond(struct np_rdma_slot *slot, int err);

/* The WRITEs of a push or a response, and the SEND of the latter: all or nothing. */
static bool post_chain(struct np_rdma_slot *slot)
{
	struct np_rdma_conn *conn = slot->conn;
	struct np_req *req = &slot->req;
	bool has_send = slot->over == over_respond;
	struct np_sgl_seg segs[NP_MAX_SGL_SEGS];
	struct ibv_send_wr *last = NULL;
	unsigned int nsegs = 0;

	if (!has_send || np_req_has_data_out(req))
		nsegs = np_rdma_map_piece(&req->data, req->piece_offset, req->piece_bytes, segs);
	if (nsegs + has_send > np_rdma_sendq_room(&conn->sq))
		return false;
	if (nsegs)
		last = add_rdma(slot, segs, 0, nsegs, IBV_WR_RDMA_WRITE);
	if (has_send)
		last = add_send(slot);
	assert(last);
	last->wr_id = (uintptr_t)&slot->last_op;
	last->send_flags |= IBV_SEND_SIGNALED;
	post_later(conn);
	slot->chain = (uint16_t)(nsegs + has_send);
	slot->inflight = 1;
	/* Nobody waits for the end of an answer: it gives back a slot, and maybe a buffer. */
	if (has_send)
		np_rdma_set_waited(slot, false);
	return true;
}

/* ---- the end of a job ---------------------------------------------------------------------- */

void np_rdma_settle(struct np_rdma_slot *slot)
{
	if (slot->inflight || (is_waiting(slot) && !slot->err))
		return;
	np_list_del(&slot->link);
	np_rdma_set_waited(slot, false);
	slot->over(slot, slot->err);
}

static void settle_later(struct np_rdma_later *later)
{
	np_rdma_settle(np_container_of(later, struct np_rdma_slot, later));
}

static bool post_waiting(struct np_list *waiting, bool (*post_job)(struct np_rdma_slot *slot))
{
	struct np_rdma_slot *slot;

	while ((slot = np_list_first(waiting, struct np_rdma_slot, link))) {
		if (!post_job(slot))
			return false;
		np_list_del(&slot->link);
		np_rdma_settle(slot);
	}
	return true;
}

/* Responses first: they end requests, and a READ begins work. */
static void kick(struct np_rdma_conn *conn)
{
	if (conn->is_stopped) {
		np_rdma_conn_check_idle(conn);
		return;
	}
	if (post_waiting(&conn->send_wait, post_chain))
		post_waiting(&conn->read_wait, post_reads);
}

void np_rdma_post(struct np_rdma_conn *conn)
{
	int err;

	np_list_del(&conn->post.link);
	err = np_rdma_sendq_post(&conn->sq, conn->qp);
	if (err)
		np_rdma_conn_fail(conn, "work requests cannot be posted: error %d", err);
	/* A job may have waited for room in the batch. */
	if (!conn->is_stopped)
		kick(conn);
}

static void post_at_end(struct np_rdma_later *later)
{
	np_rdma_post(np_container_of(later, struct np_rdma_conn, post));
}

static void check_wc(struct np_rdma_slot *slot, const struct ibv_wc *wc)
{
	if (wc->status == IBV_WC_SUCCESS)
		return;
	slot->err = -EIO;
	np_rdma_conn_fail(slot->conn, "%s failed: %s (%u)", slot->verb,
		ibv_wc_status_str(wc->status), wc->vendor_err);
}

static void read_done(struct np_rdma_op *op, const struct ibv_wc *wc)
{
	struct np_rdma_slot *slot = np_container_of(op, struct np_rdma_slot, part_op);
	struct np_rdma_conn *conn = slot->conn;

	np_rdma_stall_progress(conn);
	conn->sq.free++;
	conn->read_credits++;
	slot->inflight--;
	check_wc(slot, wc);
	np_rdma_settle(slot);
	kick(conn);
}

/* Not signalled, so it completes only with an error; the end of its chain follows. */
static void write_failed(struct np_rdma_op *op, const struct ibv_wc *wc)
{
	check_wc(np_container_of(op, struct np_rdma_slot, part_op), wc);
}

static void chain_done(struct np_rdma_op *op, const struct ibv_wc *wc)
{
	struct np_rdma_slot *slot = np_container_of(op, struct np_rdma_slot, last_op);
	struct np_rdma_conn *conn = slot->conn;

	np_rdma_stall_progress(conn);
	conn->sq.free += slot->chain;
	slot->inflight = 0;
	check_wc(slot, wc);
	np_rdma_settle(slot);
	kick(conn);
}

static void over_fence(struct np_rdma_slot *slot, int err)
{
	np_req_pulled(&slot->req, err);
}

static void over_pull(struct np_rdma_slot *slot, int err)
{
	if (err || !np_rdma_fence_is_due(slot)) {
		np_req_pulled(&slot->req, err);
		return;
	}
	slot->verb = "fence";
	slot->over = over_fence;
	np_rdma_fence_run(slot);
}

static void over_push(struct np_rdma_slot *slot, int err)
{
	np_req_pushed(&slot->req, err);
}

static void over_respond(struct np_rdma_slot *slot, int err)
{
	(void)err; /* the connection is dying, nobody waits for this answer */
	np_req_release(&slot->req);
	np_rdma_slot_put(slot);
}

/* ---- the jobs ------------------------------------------------------------------------------ */

static void reset(struct np_rdma_slot *slot, const char *verb,
	void (*over)(struct np_rdma_slot *slot, int err),
	void (*part_done)(struct np_rdma_op *op, const struct ibv_wc *wc))
{
	slot->verb = verb;
	slot->over = over;
	slot->part_op.done = part_done;
	slot->posted = 0;
	slot->inflight = 0;
	slot->chain = 0;
	/*
	 * On a connection that failed nothing is answered either: that its data could not be fetched is
	 * no fault of the command, which the host sends again over another connection.
	 */
	slot->err = slot->conn->is_failed || slot->conn->is_stopped ? -ECONNABORTED : 0;
	np_rdma_set_waited(slot, true);
}

void np_rdma_pull(struct np_req *req)
{
	struct np_rdma_slot *slot = slot_of(req);
	struct np_rdma_conn *conn = slot->conn;

	reset(slot, "RDMA READ", over_pull, read_done);
	if (!slot->err &&
		(!np_list_is_empty(&conn->send_wait) || !np_list_is_empty(&conn->read_wait) ||
			!post_reads(slot)))
		np_list_add_tail(&conn->read_wait, &slot->link);
	if (!is_waiting(slot) && !slot->inflight)
		np_rdma_cq_later(conn->cq, &slot->later);
}

void np_rdma_push(struct np_req *req)
{
	struct np_rdma_slot *slot = slot_of(req);
	struct np_rdma_conn *conn = slot->conn;

	reset(slot, "RDMA WRITE", over_push, write_failed);
	if (!slot->err && (!np_list_is_empty(&conn->send_wait) || !post_chain(slot)))
		np_list_add_tail(&conn->send_wait, &slot->link);
	if (!is_waiting(slot) && !slot->inflight)
		np_rdma_cq_later(conn->cq, &slot->later);
}

void np_rdma_respond(struct np_req *req)
{
	struct np_rdma_slot *slot = slot_of(req);
	struct np_rdma_conn *conn = slot->conn;
	struct np_rdma_recv *recv = slot->recv;

	reset(slot, np_req_has_data_out(req) ? "RDMA WRITE or SEND" : "SEND", over_respond,
		write_failed);
	slot->recv = NULL;
	conn->unanswered--;
	/* Before the SEND: once the host has the answer it may send its next command. */
	if (recv)
		np_rdma_recv_give_back(conn, recv);
	if (!slot->err && (!np_list_is_empty(&conn->send_wait) || !post_chain(slot)))
		np_list_add_tail(&conn->send_wait, &slot->link);
	if (!is_waiting(slot) && !slot->inflight)
		np_rdma_settle(slot);
}

void np_rdma_rw_init(struct np_rdma_conn *conn)
{
	np_list_init(&conn->free_slots);
	np_list_init(&conn->read_wait);
	np_list_init(&conn->send_wait);
	np_list_init(&conn->post.link);
	conn->post.fn = post_at_end;
}

struct np_rdma_slot *np_rdma_slot_make(struct np_rdma_conn *conn)
{
	struct np_rdma_slot *slot = &conn->slots[conn->slots_made++];

	assert(conn->slots_made <= conn->nslots);
	slot->conn = conn;
	slot->req.queue = &conn->queue;
	slot->last_op.done = chain_done;
	slot->later.fn = settle_later;
	np_list_init(&slot->link);
	np_list_init(&slot->later.link);
	np_list_init(&slot->req.link);
	return slot;
}
