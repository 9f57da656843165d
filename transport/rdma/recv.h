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
 * Makes @recv ready for its first use. @data holds conn->inline_bytes, and like @sqe lies in
 * conn->mr. Context: control thread, while building.
 */
void np_rdma_recv_init(struct np_rdma_recv *recv, struct np_rdma_conn *conn,
	const struct np_sqe *sqe, uint8_t *data);

/* Gives @recv to the QP. Context: also control, while building. Return: 0 or -errno. */
int np_rdma_recv_post(struct np_rdma_recv *recv);

/* Frees a slot whose request was released, and gives it to a capsule that waits. */
void np_rdma_slot_put(struct np_rdma_slot *slot);

#endif
