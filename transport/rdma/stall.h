/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stall.h - ends a connection on which work requests do not complete any more.
 *
 * Thread: the connection's reactor.
 * Depends: conn.h.
 */
#ifndef NP_RDMA_STALL_H
#define NP_RDMA_STALL_H

#include "transport/rdma/conn.h"

/* Context: any, before the reactor knows @conn. */
void np_rdma_stall_init(struct np_rdma_conn *conn);

/* From now on @conn fails after 30 to 40 s in which work is posted and none of it completes. */
void np_rdma_stall_watch(struct np_rdma_conn *conn);

void np_rdma_stall_unwatch(struct np_rdma_conn *conn);

/* A work request, or a chain of them, has completed. */
static inline void np_rdma_stall_progress(struct np_rdma_conn *conn)
{
	conn->stall.completed++;
}

#endif
