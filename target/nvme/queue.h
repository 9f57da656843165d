/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * queue.h - the NVMe side of a connection: one submission and completion queue pair.
 *
 * Embedded in the transport's connection.
 *
 * Thread: the reactor that the connection was handed to; fields marked otherwise.
 * Depends: subsys.h, pool.h, transport.h.
 */
#ifndef NP_NVME_QUEUE_H
#define NP_NVME_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "target/memory/pool.h"
#include "target/nvme/subsys.h"
#include "transport/transport.h"

struct np_auth;
struct np_ctrl;
struct np_req;

enum np_queue_state {
	NP_QUEUE_NEW,        /* only Fabrics Connect is taken */
	NP_QUEUE_CONNECTING, /* Connect is with the control thread */
	NP_QUEUE_LIVE,
	NP_QUEUE_DRAINING, /* nothing new begins, nothing is answered */
};

struct np_queue {
	const struct np_transport_ops *transport;
	struct np_reactor *reactor;
	const struct np_port *port;
	uint32_t id;       /* number of the connection, for logs and the CLI */
	unsigned int rnic; /* id of the RNIC it came by, for np_ns.paths */
	bool is_software;  /* the RNIC is: the CPU copies for it */
	enum np_queue_state state;
	uint16_t qid;        /* what the host asked for at connection time, checked by Connect */
	uint16_t depth;      /* entries that the connection has room for; constant */
	uint16_t sq_entries; /* what Connect asked for, at most depth: SQHD wraps here */
	uint16_t sqhd;
	bool sqhd_disabled;   /* the host does not want flow control */
	char local_addr[64];  /* the address the host connected to */
	struct np_ctrl *ctrl; /* set by Connect, NULL before */
	struct np_auth *auth; /* if the host is to prove who it is; set by Connect */
	struct np_pool *host_pool, *admin_pool;
	struct np_pool_line lines[NP_MAX_REGIONS]; /* in the pools, by region id */
	/*
	 * What this connection's RNIC and path can do with each region, by region id:
	 * placing works at all / works only when every transfer begins on a page boundary.
	 */
	_Atomic uint64_t region_ok, region_paged; /* the control thread may change them */
	char p2p_reason[160];   /* why region_ok lacks peer memory; "" if it does not */
	struct np_list waiting; /* requests that wait for a buffer, np_req.link */
	struct np_list retry;   /* requests whose backend was busy or gate shut, np_req.link */
	struct np_list first;   /* of a fused pair, until the second comes, np_req.link */
	bool has_fused;         /* the last command was a first, whatever became of it */
	struct np_timer retry_timer;
	_Atomic uint64_t requests; /* any thread reads */
	struct np_traffic traffic; /* any thread reads */
	_Atomic uint64_t fences;   /* of data pulled into peer memory; any thread reads */
	_Atomic uint32_t inflight; /* any thread reads */

	/* Control thread only: */
	bool is_going;            /* the transport has begun to tear it down */
	struct np_list ctrl_link; /* in attached->queues */
	struct np_ctrl *attached; /* set by the registry; the reactor copies it into ctrl */
};

/**
 * np_queue_init() - prepare @queue for its first capsule
 * @mem: pools of @reactor are looked up here
 *
 * Context: control thread, before the reactor knows the queue.
 */
void np_queue_init(struct np_queue *queue, const struct np_transport_ops *transport,
	struct np_reactor *reactor, const struct np_port *port, struct np_mem *mem, uint32_t id,
	uint16_t qid, uint16_t depth);

/* Can the connection's RNIC and path place data into @region? Context: any thread. */
static inline bool np_queue_may_use(
	const struct np_queue *queue, const struct np_mem_region *region)
{
	return atomic_load_explicit(&queue->region_ok, memory_order_acquire) >> region->id & 1;
}

/**
 * np_queue_drain() - give up on @queue: parked and waiting requests are released
 *
 * Called once by the transport when the connection begins to die. Requests that a backend or
 * the control thread still holds are released when those finish.
 * Context: the queue's reactor.
 */
void np_queue_drain(struct np_queue *queue);

/**
 * np_queue_closed() - the connection has no request left and will be freed
 *
 * Detaches the queue from its controller. When this was the admin queue, the controller's other
 * connections are aborted.
 * Context: control thread.
 */
void np_queue_closed(struct np_queue *queue);

#endif
