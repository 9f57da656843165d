/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cq.h - one completion queue a device and reactor, shared by the connections of that pair.
 *
 * Thread: made, resized and freed by the control thread, polled by its reactor.
 * Depends: reactor.h, libibverbs.
 */
#ifndef NP_RDMA_CQ_H
#define NP_RDMA_CQ_H

#include <infiniband/verbs.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

#include "target/base/list.h"
#include "target/base/log.h"
#include "target/reactor/reactor.h"

/* What a work request belongs to; its address is the request's wr_id. */
struct np_rdma_op {
	void (*done)(struct np_rdma_op *op, const struct ibv_wc *wc);
};

/* Something to be called in the next turn of the reactor. */
struct np_rdma_later {
	struct np_list link;
	void (*fn)(struct np_rdma_later *later);
};

struct np_rdma_cq {
	/* Constant: */
	struct ibv_cq *cq;
	struct ibv_comp_channel *channel;
	struct np_reactor *reactor;
	const char *device; /* name, for logs */

	/* Reactor only: */
	struct np_poller poller;
	struct np_watch watch;
	struct np_list later;
	bool is_armed;
	bool is_broken; /* the device is gone */

	/* Control thread only: */
	uint32_t entries, entries_used, entries_max;

	/* One synchronous call from the control thread: */
	struct np_msg msg;
	sem_t done;
	int result;
};

/**
 * np_rdma_cq_new() - make a queue and have its reactor poll it
 * @max_entries: what the device can do
 *
 * Context: control thread. Waits for the reactor.
 * Return: 0 or -errno.
 */
int np_rdma_cq_new(struct ibv_context *ctx, struct np_reactor *reactor, uint32_t max_entries,
	struct np_rdma_cq **ret_cq);

/* No connection uses it any more. NULL is fine. Context: control thread. Waits for the reactor. */
void np_rdma_cq_free(struct np_rdma_cq *cq);

/**
 * np_rdma_cq_reserve() - make room for all completions that a connection can have at a time
 *
 * A queue that overflows is dead, with all of its connections.
 * Context: control thread.
 * Return: 0, -ENOSPC beyond the device's limit, or -errno of the resize.
 */
int np_rdma_cq_reserve(struct np_rdma_cq *cq, uint32_t entries);

/* Context: control thread. */
void np_rdma_cq_unreserve(struct np_rdma_cq *cq, uint32_t entries);

/* Calls @later->fn in the next turn. Context: the reactor. */
static inline void np_rdma_cq_later(struct np_rdma_cq *cq, struct np_rdma_later *later)
{
	np_list_add_tail(&cq->later, &later->link);
}

/**
 * np_rdma_cq_sweep() - handle every completion that is in the queue now
 *
 * After this none is left of a QP that has been destroyed before. Context: the reactor.
 */
void np_rdma_cq_sweep(struct np_rdma_cq *cq);

#endif
