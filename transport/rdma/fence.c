// SPDX-License-Identifier: BSD-3-Clause
/*
 * fence.c - one byte back from peer memory before the drive is told.
 *
 * Thread: the reactor of the connection.
 * Depends: conn.h, dev.h, rw.h.
 */
#include "transport/rdma/fence.h"

#include <errno.h>

#include "transport/rdma/conn.h"
#include "transport/rdma/dev.h"
#include "transport/rdma/rw.h"
#include "transport/rdma/stall.h"

bool np_rdma_fence_is_due(const struct np_rdma_slot *slot)
{
	return slot->conn->fence && slot->req.buf.pool && slot->req.buf.pool->region->is_peer;
}

static void post_now(struct np_rdma_later *later)
{
	struct np_rdma_fence *fence = np_container_of(later, struct np_rdma_fence, post);

	/* What is refused completes with an error, which ends its connection. */
	np_rdma_sendq_post(&fence->sq, fence->loop.near);
}

static void add(struct np_rdma_fence *fence, struct np_rdma_slot *slot)
{
	const struct np_req *req = &slot->req;
	struct ibv_sge sge = {
		.addr = (uintptr_t)req->va + req->piece_bytes - 1,
		.length = 1,
		.lkey = slot->conn->dev->mrs[req->buf.pool->region->id].lkey,
	};
	struct ibv_send_wr *wr =
		np_rdma_sendq_add(&fence->sq, &slot->fence_op, sge, IBV_WR_RDMA_WRITE);

	wr->send_flags = IBV_SEND_SIGNALED;
	wr->wr.rdma.remote_addr = (uintptr_t)fence->far;
	wr->wr.rdma.rkey = fence->far_mr->rkey;
	slot->inflight = 1;
	slot->is_fenced = true;
	if (np_list_is_empty(&fence->post.link))
		np_rdma_cq_at_end(fence->cq, &fence->post);
}

static void kick(struct np_rdma_fence *fence)
{
	struct np_rdma_slot *slot;

	while (np_rdma_sendq_room(&fence->sq) &&
		(slot = np_list_first(&fence->waiting, struct np_rdma_slot, link)) != NULL) {
		np_list_del(&slot->link);
		add(fence, slot);
	}
}

static void fence_done(struct np_rdma_op *op, const struct ibv_wc *wc)
{
	struct np_rdma_slot *slot = np_container_of(op, struct np_rdma_slot, fence_op);
	struct np_rdma_conn *conn = slot->conn;
	struct np_rdma_fence *fence = conn->fence;

	np_rdma_stall_progress(conn);
	fence->sq.free++;
	slot->inflight = 0;
	slot->is_fenced = false;
	if (conn->is_stopped)
		slot->err = -ECONNABORTED; /* the drive need not be troubled any more */
	if (wc->status != IBV_WC_SUCCESS) {
		slot->err = -EIO;
		atomic_store(&fence->is_broken, true);
		np_rdma_conn_fail(conn, "its peer memory could not be fenced: %s (%u)",
			ibv_wc_status_str(wc->status), wc->vendor_err);
	}
	np_rdma_settle(slot);
	kick(fence);
}

void np_rdma_fence_run(struct np_rdma_slot *slot)
{
	struct np_rdma_fence *fence = slot->conn->fence;

	slot->fence_op.done = fence_done;
	np_rdma_set_waited(slot, true);
	np_stat_add(&slot->conn->queue.fences, 1);
	if (np_rdma_sendq_room(&fence->sq) && np_list_is_empty(&fence->waiting))
		add(fence, slot);
	else
		np_list_add_tail(&fence->waiting, &slot->link);
}

void np_rdma_fence_abandon(struct np_rdma_conn *conn)
{
	struct np_list *pos, *tmp;

	if (!conn->fence)
		return;
	np_list_for_each_safe(pos, tmp, &conn->fence->waiting) {
		struct np_rdma_slot *slot = np_container_of(pos, struct np_rdma_slot, link);

		if (slot->conn != conn)
			continue;
		slot->err = -ECONNABORTED;
		np_rdma_settle(slot);
	}
}

void np_rdma_fence_init(struct np_rdma_fence *fence)
{
	fence->post.fn = post_now;
	np_list_init(&fence->post.link);
	np_list_init(&fence->waiting);
}
