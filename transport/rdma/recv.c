// SPDX-License-Identifier: BSD-3-Clause
/*
 * recv.c - from a receive completion to np_req_begin().
 *
 * A host may reuse a receive buffer of ours before the completion of our answer is polled, so there
 * are more slots than receive buffers, and a capsule that finds none waits in line.
 *
 * Thread: the connection's reactor.
 * Depends: sgl.h, conn.h, req.h.
 */
#include "transport/rdma/recv.h"

#include "transport/rdma/sgl.h"

static void begin(struct np_rdma_slot *slot, struct np_rdma_recv *recv)
{
	struct np_rdma_conn *conn = slot->conn;
	struct np_sqe sqe = *recv->sqe;
	struct np_status status;

	status = np_sgl_parse(&sqe, recv->data, recv->bytes - (uint32_t)sizeof(sqe),
		conn->inline_bytes, &slot->req.data);
	slot->recv = recv;
	np_req_begin(&slot->req, &sqe, slot->req.data.kind == NP_DATA_INLINE ? recv->data : NULL,
		status);
}

static struct np_rdma_slot *slot_get(struct np_rdma_conn *conn)
{
	struct np_list *link = np_list_pop(&conn->free_slots);

	if (!link)
		return NULL;
	conn->slots_used++;
	return np_container_of(link, struct np_rdma_slot, link);
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

static void recv_done(struct np_rdma_op *op, const struct ibv_wc *wc)
{
	struct np_rdma_recv *recv = np_container_of(op, struct np_rdma_recv, op);
	struct np_rdma_conn *conn = recv->conn;
	struct np_rdma_slot *slot;

	conn->recvs_posted--;
	if (wc->status != IBV_WC_SUCCESS)
		np_rdma_conn_fail(conn, "receive failed: %s", ibv_wc_status_str(wc->status));
	if (conn->is_stopped) {
		np_rdma_conn_check_idle(conn);
		return;
	}
	if (conn->is_failed)
		return;
	recv->bytes = wc->byte_len;
	if (recv->bytes < sizeof(struct np_sqe)) {
		np_rdma_conn_fail(conn, "a capsule of %u bytes", recv->bytes);
		return;
	}
	slot = slot_get(conn);
	if (slot) {
		begin(slot, recv);
		return;
	}
	np_list_add_tail(&conn->recv_wait, &recv->link);
	conn->queue.reactor->nwaiting++;
}

void np_rdma_recv_init(struct np_rdma_recv *recv, struct np_rdma_conn *conn,
	const struct np_sqe *sqe, uint8_t *data)
{
	recv->op.done = recv_done;
	recv->conn = conn;
	recv->sqe = sqe;
	recv->data = data;
	np_list_init(&recv->link);
}

int np_rdma_recv_post(struct np_rdma_recv *recv)
{
	struct np_rdma_conn *conn = recv->conn;
	struct ibv_sge sges[NP_RDMA_RECV_SGES] = {
		{
			.addr = (uintptr_t)recv->sqe,
			.length = sizeof(*recv->sqe),
			.lkey = conn->mr->lkey,
		},
		{
			.addr = (uintptr_t)recv->data,
			.length = conn->inline_bytes,
			.lkey = conn->mr->lkey,
		},
	};
	struct ibv_recv_wr wr = {
		.wr_id = (uintptr_t)&recv->op,
		.sg_list = sges,
		.num_sge = NP_RDMA_RECV_SGES,
	};
	struct ibv_recv_wr *bad;
	int err;

	err = ibv_post_recv(conn->qp, &wr, &bad);
	if (err)
		return -err;
	conn->recvs_posted++;
	return 0;
}
