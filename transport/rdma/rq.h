/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rq.h - the receives that capsules arrive in.
 *
 * Where the RNIC has shared receive queues, all connections of a pair of completion queues
 * that take the same amount of in-capsule data share one: memory for the capsules that are on their way, not for
 * as many as all hosts could send. Else a connection has its own.
 *
 * Thread: control; the receives belong to the reactor once they are posted (recv.c).
 * Depends: dev.h, recv.h.
 */
#ifndef NP_RDMA_RQ_H
#define NP_RDMA_RQ_H

#include <infiniband/verbs.h>
#include <stdint.h>

#include "target/base/list.h"

struct np_rdma_conn;

struct np_rdma_rq {
	/* Constant: */
	struct np_rdma_dev *dev;
	struct np_rdma_cq *cq;     /* where its completions come */
	struct ibv_srq *srq;       /* NULL: the receives of one connection's queue pair */
	struct np_rdma_conn *conn; /* that one; NULL: shared */
	uint32_t inline_bytes;     /* of in-capsule data that a receive holds */

	/* Control thread only: */
	struct np_list link;   /* in dev->rqs, if it is shared */
	struct np_list chunks; /* memory */
	uint32_t nrecvs, max_recvs;
	uint32_t nusers, depths; /* connections, and the sum of their depths */
};

/**
 * np_rdma_rq_get() - receives for @conn, whose depth and inline_bytes are set
 *
 * Sets conn->rq. A shared queue is made or grows, and its receives are posted.
 * Return: 0 or -errno; -ENOSPC if the completion queue cannot grow.
 */
int np_rdma_rq_get(struct np_rdma_conn *conn);

/* Posts what belongs to the queue pair of @conn, if it does not share. Return: 0 or -errno. */
int np_rdma_rq_start(struct np_rdma_conn *conn);

/*
 * @conn has no queue pair any more, and forgets conn->rq; harmless without one. A shared queue goes
 * with its last user.
 */
void np_rdma_rq_put(struct np_rdma_conn *conn);

#endif
