/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sendq.h - a connection's send queue: what a turn of the reactor adds is posted with one doorbell.
 *
 * Thread: the connection's reactor.
 * Depends: cq.h, libibverbs.
 */
#ifndef NP_RDMA_SENDQ_H
#define NP_RDMA_SENDQ_H

#include <infiniband/verbs.h>
#include <stdint.h>

#include "transport/rdma/cq.h"

/* Work requests that are gathered at most; more than the largest chain, which must fit. */
#define NP_RDMA_SENDQ_BATCH 32

struct np_rdma_sendq {
	uint32_t entries; /* of the queue pair's send queue */
	uint32_t free; /* entries that nothing gathered or posted has; op->done() gives them back */
	uint32_t count; /* gathered, not posted yet */
	struct ibv_send_wr wrs[NP_RDMA_SENDQ_BATCH];
	struct ibv_sge sges[NP_RDMA_SENDQ_BATCH];
};

/* How many work requests can be added now. */
static inline uint32_t np_rdma_sendq_room(const struct np_rdma_sendq *sendq)
{
	uint32_t room = NP_RDMA_SENDQ_BATCH - sendq->count;

	return sendq->free < room ? sendq->free : room;
}

/**
 * np_rdma_sendq_add() - one more work request, which is not signalled
 * @op: called when it completes
 * @sge: local memory; must stay until then
 *
 * There must be room. Return: the work request, to be filled in further before it is posted.
 */
struct ibv_send_wr *np_rdma_sendq_add(struct np_rdma_sendq *sendq, struct np_rdma_op *op,
	struct ibv_sge sge, enum ibv_wr_opcode opcode);

/**
 * np_rdma_sendq_post() - hand over what was gathered
 * @qp: the queue pair
 *
 * A work request that the queue pair does not take completes within this call, with
 * IBV_WC_LOC_QP_OP_ERR and the verb's error as vendor_err. The end of a chain that is cut thereby
 * does not: the RNIC may use its first part until the queue pair is gone. Nor does any after an error
 * that names none.
 * Return: 0 or the verb's error, a positive errno.
 */
int np_rdma_sendq_post(struct np_rdma_sendq *sendq, struct ibv_qp *qp);

#endif
