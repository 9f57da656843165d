// SPDX-License-Identifier: BSD-3-Clause
/*
 * sendq.c - gather work requests, post them together, complete those that are refused.
 *
 * Thread: the connection's reactor.
 * Depends: sendq.h.
 */
#include "transport/rdma/sendq.h"

#include <assert.h>
#include <stdbool.h>

struct ibv_send_wr *np_rdma_sendq_add(struct np_rdma_sendq *sendq, struct np_rdma_op *op,
	struct ibv_sge sge, enum ibv_wr_opcode opcode)
{
	uint32_t i = sendq->count++;

	assert(i < NP_RDMA_SENDQ_BATCH && sendq->free);
	sendq->free--;
	sendq->sges[i] = sge;
	sendq->wrs[i] = (struct ibv_send_wr){
		.wr_id = (uintptr_t)op,
		.sg_list = &sendq->sges[i],
		.num_sge = 1,
		.opcode = opcode,
	};
	if (i)
		sendq->wrs[i - 1].next = &sendq->wrs[i];
	return &sendq->wrs[i];
}

/* Completes work requests [first, first + count), which are not used any more after that. */
static void refuse(struct np_rdma_sendq *sendq, uint32_t first, uint32_t count, int err)
{
	/* The chain goes on until its signalled end. */
	bool is_cut = first && !(sendq->wrs[first - 1].send_flags & IBV_SEND_SIGNALED);
	struct ibv_wc wcs[NP_RDMA_SENDQ_BATCH];

	/* done() may add work requests in the place of these. */
	for (uint32_t i = 0; i < count; i++) {
		const struct ibv_send_wr *wr = &sendq->wrs[first + i];
		bool is_end = wr->send_flags & IBV_SEND_SIGNALED;

		wcs[i] = (struct ibv_wc){
			.wr_id = is_cut && is_end ? 0 : wr->wr_id,
			.status = IBV_WC_LOC_QP_OP_ERR,
			.vendor_err = (uint32_t)err,
		};
		is_cut = is_cut && !is_end;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct np_rdma_op *op = (struct np_rdma_op *)(uintptr_t)wcs[i].wr_id;

		if (op)
			op->done(op, &wcs[i]);
	}
}

int np_rdma_sendq_post(struct np_rdma_sendq *sendq, struct ibv_qp *qp)
{
	uint32_t count = sendq->count;
	struct ibv_send_wr *bad = NULL;
	int err;

	if (!count)
		return 0;
	sendq->count = 0;
	err = ibv_post_send(qp, sendq->wrs, &bad);
	if (err) {
		/*
		 * Without a first refused one they all are in the queue, and may be carried out: so does
		 * rxe when its device goes away before the doorbell. They complete, or end with the QP.
		 */
		uint32_t posted = bad ? (uint32_t)(bad - sendq->wrs) : count;

		refuse(sendq, posted, count - posted, err);
	}
	return err;
}
