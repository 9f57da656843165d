/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cq.h - a pair of completion queues, shared by connections of one device and reactor.
 *
 * They are two, so that a sleeping reactor is woken by each receive, but by the completion of a
 * send only if somebody waits for it: most give back the slot of a request that is answered.
 *
 * Thread: made, resized and freed by the control thread, polled by its reactor.
 * Depends: call.h, libibverbs.
 */
#ifndef NP_RDMA_CQ_H
#define NP_RDMA_CQ_H

#include <infiniband/verbs.h>
#include <stdbool.h>
#include <stdint.h>

#include "target/base/list.h"
#include "target/base/log.h"
#include "target/reactor/call.h"

#define NP_RDMA_CQ_BUCKETS 256u

/* What a work request belongs to; its address is the request's wr_id. */
struct np_rdma_op {
	void (*done)(struct np_rdma_op *op, const struct ibv_wc *wc);
};

/* Something to be called in the next turn of the reactor, or at the end of this one. */
struct np_rdma_later {
	struct np_list link;
	void (*fn)(struct np_rdma_later *later);
};

/* One of the two queues. */
struct np_rdma_cq_half {
	struct ibv_cq *cq;                           /* constant */
	bool is_armed;                               /* reactor only */
	uint32_t entries, entries_used, entries_max; /* control thread only */
};

struct np_rdma_cq {
	struct np_list link; /* of the device; control thread only */

	/* Constant: */
	struct ibv_comp_channel *channel;
	struct np_reactor *reactor;
	const char *device; /* name, for logs */

	struct np_rdma_cq_half recv, send;

	/* Reactor only: */
	struct np_poller poller;
	struct np_watch watch;
	struct np_list later, at_end;
	struct np_list conns[NP_RDMA_CQ_BUCKETS]; /* by the number of the QP, see recv.c */

	_Atomic bool is_broken; /* the device is gone; the reactor's, the control thread reads */

	struct np_call call; /* from the control thread */
	int result;          /* of the call */
};

/**
 * np_rdma_cq_new() - make the queues and have their reactor poll them
 * @max_entries: what the device can do in one queue
 *
 * Context: control thread. Waits for the reactor.
 * Return: 0 or -errno.
 */
int np_rdma_cq_new(struct ibv_context *ctx, struct np_reactor *reactor, uint32_t max_entries,
	struct np_rdma_cq **ret_cq);

/**
 * np_rdma_cq_moderate() - let the RNIC raise one interrupt for several completions
 * @caps: what the RNIC can do; what is asked beyond that is cut
 *
 * Return: 0, -EOPNOTSUPP if it can do nothing of the kind, or -errno. Spec: ibv_modify_cq(3).
 */
int np_rdma_cq_moderate(struct np_rdma_cq *cq, const struct ibv_cq_moderation_caps *caps,
	uint16_t count, uint16_t period_us);

/* No connection uses it any more. Context: control thread. Waits for the reactor. */
void np_rdma_cq_free(struct np_rdma_cq *cq);

/**
 * np_rdma_cq_reserve() - make room for all completions that a connection can have at a time
 * @sends: of its send queue
 * @recvs: of its receive queue
 *
 * A queue that overflows is dead, with all of its connections.
 * Context: control thread.
 * Return: 0, -EIO if it is dead already, -ENOSPC beyond the device's limit, or -errno of the resize.
 */
int np_rdma_cq_reserve(struct np_rdma_cq *cq, uint32_t sends, uint32_t recvs);

/* Context: control thread. */
void np_rdma_cq_unreserve(struct np_rdma_cq *cq, uint32_t sends, uint32_t recvs);

/* Has a connection room in it? Context: control thread. */
static inline bool np_rdma_cq_is_used(const struct np_rdma_cq *cq)
{
	return cq->send.entries_used || cq->recv.entries_used;
}

/* Calls @later->fn in the next turn. Context: the reactor. */
static inline void np_rdma_cq_later(struct np_rdma_cq *cq, struct np_rdma_later *later)
{
	np_list_add_tail(&cq->later, &later->link);
}

/* Calls @later->fn when this turn's work is done. Context: the reactor. */
static inline void np_rdma_cq_at_end(struct np_rdma_cq *cq, struct np_rdma_later *later)
{
	np_list_add_tail(&cq->at_end, &later->link);
}

/**
 * np_rdma_cq_sweep() - handle every completion that is in the queues now
 *
 * After this none is left of a QP that has been destroyed before. Context: the reactor.
 */
void np_rdma_cq_sweep(struct np_rdma_cq *cq);

#endif
