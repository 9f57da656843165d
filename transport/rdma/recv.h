/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * recv.h - capsules that arrive, and the request slots that they are put into.
 *
 * Thread: the connection's reactor, unless marked.
 * Depends: conn.h.
 */
#ifndef NP_RDMA_RECV_H
#define NP_RDMA_RECV_H

#include "transport/rdma/conn.h"

/*
 * Makes @recv ready for its first use. @data holds rq->inline_bytes, and like @sqe lies in the memory
 * of @lkey. Context: control thread.
 */
void np_rdma_recv_init(struct np_rdma_recv *recv, struct np_rdma_rq *rq, uint32_t lkey,
	const struct np_sqe *sqe, uint8_t *data);

/* Gives @recv to the RNIC. Context: also control, for the first time. Return: 0 or -errno. */
int np_rdma_recv_post(struct np_rdma_recv *recv);

/* np_rdma_recv_post() whose error ends @conn. */
void np_rdma_recv_give_back(struct np_rdma_conn *conn, struct np_rdma_recv *recv);

/* From now on capsules that come over conn->qp_num are for @conn. */
void np_rdma_recv_attach(struct np_rdma_conn *conn);

/* No capsule can come any more. */
void np_rdma_recv_detach(struct np_rdma_conn *conn);

/* For np_transport_ops. */
struct np_req *np_rdma_find_req(struct np_queue *queue, uint16_t cid);

/* Frees a slot whose request was released, and gives it to a capsule that waits. */
void np_rdma_slot_put(struct np_rdma_slot *slot);

#endif
