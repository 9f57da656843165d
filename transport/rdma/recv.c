// SPDX-License-Identifier: BSD-3-Clause
/*
 * recv.c - from a receive completion to np_req_begin().
 *
 * A host may send its next command before the completion of our answer is polled, so there are more
 * slots than commands that it may have, and a capsule that finds none waits in line.
 *
 * Thread: the connection's reactor.
 * Depends: sgl.h, conn.h, req.h.
 */
#include "transport/rdma/recv.h"

#include "target/base/le.h"
#include "transport/rdma/rw.h"
#include "transport/rdma/sgl.h"

static struct np_list *bucket(struct np_rdma_cq *cq, uint32_t qp_num)
{
	return &cq->conns[qp_num % NP_RDMA_CQ_BUCKETS];
}

void np_rdma_recv_attach(struct np_rdma_conn *conn)
{
	np_list_add_head(bucket(conn->cq, conn->qp_num), &conn->by_qp_num);
}

void np_rdma_recv_detach(struct np_rdma_conn *conn)
{
	np_list_del(&conn->by_qp_num);
}

/* Return: NULL for a capsule that came over a QP which is gone. */
static struct np_rdma_conn *find_conn(const struct np_rdma_rq *rq, uint32_t qp_num)
{
	struct np_list *pos;

	if (rq->conn)
		return rq->conn;
	np_list_for_each(pos, bucket(rq->cq, qp_num)) {
		struct np_rdma_conn *conn = np_container_of(pos, struct np_rdma_conn, by_qp_num);

		if (conn->qp_num == qp_num)
			return conn;
	}
	return NULL;
}

static void begin(struct np_rdma_slot *slot, struct np_rdma_recv *recv)
{
	struct np_rdma_conn *conn = slot->conn;
	struct np_sqe sqe = *recv->sqe;
	struct np_status status;
	void *icd = NULL;

	status = np_sgl_parse(&sqe, recv->data, recv->bytes - (uint32_t)sizeof(sqe),
		conn->inline_bytes, &slot->req.data);
	if (slot->req.data.kind == NP_DATA_INLINE) {
		icd = recv->data;
		slot->recv = recv;
	} else {
		np_rdma_recv_give_back(conn, recv);
	}
	np_req_begin(&slot->req, &sqe, icd, status);
}

static struct np_rdma_slot *slot_get(struct np_rdma_conn *conn)
{
	struct np_list *link = np_list_pop(&conn->free_slots);

	if (!link && conn->slots_made == conn->nslots)
		return NULL;
	conn->slots_used++;
	return link ? np_container_of(link, struct np_rdma_slot, link) : np_rdma_slot_make(conn);
}

struct np_req *np_rdma_find_req(struct np_queue *queue, uint16_t cid)
{
	struct np_rdma_conn *conn = np_container_of(queue, struct np_rdma_conn, queue);

	for (uint32_t i = 0; i < conn->slots_made; i++) {
		struct np_req *req = &conn->slots[i].req;

		if (np_req_is_open(req) && np_le16(req->sqe.cid) == cid)
			return req;
	}
	return NULL;
}

void np_rdma_slot_put(struct np_rdma_slot *slot)
{
	struct np_rdma_conn *conn = slot->conn;
	struct np_list *waiting = conn->is_failed ? NULL : np_list_pop(&conn->recv_wait);

	if (waiting) {
		conn->queue.reactor->nwaiting--;
		begin(slot, np_container_of(waiting, struct np_rdma_recv, link));
		return;
	}
	/* At the head: what was used last is in the cache. */
	np_list_add_head(&conn->free_slots, &slot->link);
	conn->slots_used--;
	np_rdma_conn_check_idle(conn);
}

/* Takes a capsule's receive completion. Return: false if the capsule is not to be looked at. */
static bool is_capsule(struct np_rdma_conn *conn, const struct ibv_wc *wc)
{
	if (wc->status != IBV_WC_SUCCESS)
		np_rdma_conn_fail(conn, "receive failed: %s", ibv_wc_status_str(wc->status));
	if (conn->is_failed || conn->is_stopped)
		return false;
	if (wc->byte_len < sizeof(struct np_sqe))
		np_rdma_conn_fail(conn, "a capsule of %u bytes", wc->byte_len);
	else if (conn->unanswered == conn->queue.depth)
		np_rdma_conn_fail(
			conn, "more commands than the %u that its queue holds", conn->queue.depth);
	return !conn->is_failed;
}

static void recv_done(struct np_rdma_op *op, const struct ibv_wc *wc)
{
	struct np_rdma_recv *recv = np_container_of(op, struct np_rdma_recv, op);
	struct np_rdma_conn *conn = find_conn(recv->rq, wc->qp_num);
	struct np_rdma_slot *slot;

	if (recv->rq->conn)
		conn->recvs_posted--;
	if (!conn || !is_capsule(conn, wc)) {
		/* What is shared serves others; what is the connection's own ends with it. */
		if (!recv->rq->conn)
			np_rdma_recv_post(recv);
		if (conn)
			np_rdma_conn_check_idle(conn);
		return;
	}
	recv->bytes = wc->byte_len;
	conn->unanswered++;
	slot = slot_get(conn);
	if (slot) {
		begin(slot, recv);
		return;
	}
	np_list_add_tail(&conn->recv_wait, &recv->link);
	conn->queue.reactor->nwaiting++;
}

void np_rdma_recv_init(struct np_rdma_recv *recv, struct np_rdma_rq *rq, uint32_t lkey,
	const struct np_sqe *sqe, uint8_t *data)
{
	recv->op.done = recv_done;
	recv->rq = rq;
	recv->lkey = lkey;
	recv->sqe = sqe;
	recv->data = data;
	np_list_init(&recv->link);
}

int np_rdma_recv_post(struct np_rdma_recv *recv)
{
	const struct np_rdma_rq *rq = recv->rq;
	struct ibv_sge sges[NP_RDMA_RECV_SGES] = {
		{
			.addr = (uintptr_t)recv->sqe,
			.length = sizeof(*recv->sqe),
			.lkey = recv->lkey,
		},
		{
			.addr = (uintptr_t)recv->data,
			.length = rq->inline_bytes,
			.lkey = recv->lkey,
		},
	};
	struct ibv_recv_wr wr = {
		.wr_id = (uintptr_t)&recv->op,
		.sg_list = sges,
		.num_sge = NP_RDMA_RECV_SGES,
	};
	struct ibv_recv_wr *bad;
	int err;

	if (!rq->conn)
		return -ibv_post_srq_recv(rq->srq, &wr, &bad);
	err = ibv_post_recv(rq->conn->qp, &wr, &bad);
	if (!err)
		rq->conn->recvs_posted++;
	return -err;
}

void np_rdma_recv_give_back(struct np_rdma_conn *conn, struct np_rdma_recv *recv)
{
	int err;

	/* Its own queue pair takes nothing any more; a shared queue is there for others. */
	if (conn->is_stopped && recv->rq->conn)
		return;
	err = np_rdma_recv_post(recv);
	if (err)
		np_rdma_conn_fail(conn, "a receive cannot be posted: error %d", -err);
}
