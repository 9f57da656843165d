/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rw.h - moves data and responses: RDMA READ, RDMA WRITE, SEND.
 *
 * Thread: the connection's reactor, unless marked.
 * Depends: conn.h.
 */
#ifndef NP_RDMA_RW_H
#define NP_RDMA_RW_H

#include "transport/rdma/conn.h"

/* Of struct np_transport_ops. */
void np_rdma_pull(struct np_req *req);
void np_rdma_push(struct np_req *req);
void np_rdma_respond(struct np_req *req);

/* Context: control thread, while building. */
void np_rdma_rw_init(struct np_rdma_conn *conn);

/* The connection's next slot, in use for the first time. There must be one. */
struct np_rdma_slot *np_rdma_slot_make(struct np_rdma_conn *conn);

/* Posts now what is gathered. Happens by itself at the end of the turn. */
void np_rdma_post(struct np_rdma_conn *conn);

/* Ends the slot's job if all is posted that will ever be, and nothing is in flight. */
void np_rdma_settle(struct np_rdma_slot *slot);

/* Does the job go on only with a completion of a send queue? */
void np_rdma_set_waited(struct np_rdma_slot *slot, bool is_waited);

#endif
