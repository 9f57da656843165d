/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dev.h - an RDMA device: its protection domain, the keys of all regions, its completion queues.
 *
 * Thread: control thread. A connection's reactor reads mrs[].lkey and limits, which are constant
 *         while the device has a connection.
 * Depends: rdma.h, cq.h.
 */
#ifndef NP_RDMA_DEV_H
#define NP_RDMA_DEV_H

#include <ev.h>
#include <infiniband/verbs.h>
#include <stdbool.h>
#include <stdint.h>

#include "target/memory/mem.h"
#include "transport/rdma/cq.h"
#include "transport/rdma/rdma.h"

/* A region as this device sees it. */
struct np_rdma_mr {
	struct ibv_mr *mr; /* NULL: could not be registered */
	uint32_t lkey;
	enum np_verdict verdict;
	bool was_busy; /* UNTESTED: packets of the test did not get through, which passes */
	bool is_paged; /* QUIRK: right only where a packet's data begins on a page boundary */
	uint32_t min_path_mtu; /* right from this path MTU on; bytes */
	char reason[192];
};

struct np_rdma_dev {
	struct np_list link;
	struct np_rdma *rdma;
	struct ibv_context *ctx; /* librdmacm's: equal to rdma_cm_id.verbs */
	unsigned int id;         /* 0 .. NP_MAX_RNICS - 1, free again when the device is */
	char name[64];
	struct np_mem_region *host; /* near it: data of its connections is staged there */
	struct ibv_pd *pd;
	struct ibv_device_attr_ex attr;
	uint8_t port;        /* the first active one, 0 if none is */
	uint8_t last_port;   /* the one before that, while none is */
	uint32_t active_mtu; /* of last_port; bytes */
	uint64_t
		retest_ms; /* CLOCK_MONOTONIC: a test that could not run is not tried before this */
	bool has_odp;      /* for all that a connection does with local memory */
	bool has_send_inv; /* SEND with invalidate */
	bool is_software;  /* the CPU copies for it */
	bool needs_fence;  /* what it writes to peer memory may arrive after its completion */
	bool may_fault;    /* its copies to and from peer memory may crash the kernel */
	struct np_rdma_fence *fences[NP_MAX_REACTORS]; /* by reactor index, NULL until needed */
	struct np_rdma_mr mrs[NP_MAX_REGIONS];         /* by region id */
	struct np_list cqs[NP_MAX_REACTORS]; /* by reactor index, the one to be filled first */
	struct np_list rqs;                  /* shared receive queues, see rq.h */
	struct ev_io async_watch;
	struct ev_timer busy_timer; /* tests again what was too busy */
	unsigned int nconns;
	struct np_traffic_sum closed; /* of its connections that are gone */
	bool is_dead;
};

/**
 * np_rdma_dev_get() - the device of @ctx, opened if it was not
 *
 * Opening registers and tests every region.
 * Context: control thread.
 * Return: 0 or -errno with a sentence in @why; -ENODEV for a device that is being removed.
 */
int np_rdma_dev_get(struct np_rdma *rdma, struct ibv_context *ctx, char *why, size_t why_size,
	struct np_rdma_dev **ret_dev);

/* Opens all devices that there are; one that cannot be opened is logged and left out. */
void np_rdma_dev_open_all(struct np_rdma *rdma);

/* Is the device at @sysfs_path, a path without links, made by software alone? */
bool np_rdma_is_software_path(const char *sysfs_path);

/* Reads what @dev can do, and its port. Return: 0 or -errno with a sentence in @why. */
int np_rdma_dev_query(struct np_rdma_dev *dev, char *why, size_t why_size);

/* Looks for the first active port. Return: is it, or its MTU, another than the last time? */
bool np_rdma_dev_find_port(struct np_rdma_dev *dev);

/* One more pair of completion queues for a reactor. Return: 0 or -errno. */
int np_rdma_dev_add_cq(
	struct np_rdma_dev *dev, struct np_reactor *reactor, struct np_rdma_cq **ret_cq);

/* A connection has left @cq: frees it if it was the last one, unless it is its reactor's first. */
void np_rdma_dev_trim_cq(struct np_rdma_dev *dev, struct np_rdma_cq *cq);

/* No connection is left. */
void np_rdma_dev_free(struct np_rdma_dev *dev);

/* A connection has gone; frees a device that was only waiting for this. */
void np_rdma_dev_put(struct np_rdma_dev *dev);

/* The device goes away: drains its connections, and frees it after the last one. */
void np_rdma_dev_removed(struct np_rdma_dev *dev);

/* Handles what the devices report. The CM calls this before it calls librdmacm, see cm.c. */
void np_rdma_dev_poll_async(struct np_rdma *rdma);

/* Bytes of an enum ibv_mtu. */
static inline uint32_t np_rdma_mtu_bytes(enum ibv_mtu mtu)
{
	return 128u << mtu;
}

#endif
