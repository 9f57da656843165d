/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fence.h - waits until what an RNIC has written to peer memory has arrived there.
 *
 * An RNIC's data goes to a device, its completion to host memory, and nothing orders the two, nor the
 * data and the doorbell of the drive: see docs/p2p.md, "Ordering". A PCIe read by the same RNIC does,
 * because no read passes a posted write of its own sender. The RNIC is made to read by an RDMA WRITE
 * of the last byte to host memory, over a queue pair that is connected to another one of the device.
 * An RDMA READ of that byte would make the same PCIe read, but needs a key that opens the memory for
 * remote access; so nobody outside can have one.
 *
 * One for each device and reactor, made with the first connection that needs it.
 *
 * Thread: by section.
 * Depends: cq.h, loop.h, sendq.h.
 */
#ifndef NP_RDMA_FENCE_H
#define NP_RDMA_FENCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "transport/rdma/cq.h"
#include "transport/rdma/loop.h"
#include "transport/rdma/sendq.h"

struct np_rdma_conn;
struct np_rdma_dev;
struct np_rdma_slot;

struct np_rdma_fence {
	/* Constant: */
	struct np_rdma_cq *cq;
	struct np_rdma_loop loop; /* its near end completes in cq */
	struct ibv_pd *far_pd;    /* of the far end alone: no connection's queue pair is in there */
	struct ibv_mr *far_mr;
	uint8_t *far; /* the byte that is written */

	unsigned int users;     /* connections; control thread only */
	_Atomic bool is_broken; /* one has failed: no more of them */

	/* Reactor only: */
	struct np_rdma_sendq sq;
	struct np_rdma_later post;
	struct np_list waiting; /* slots for which there was no room */
};

/**
 * np_rdma_fence_get() - the fence for a new connection, if its device needs one
 *
 * Without one the connection does not use peer memory; the reason is in conn->fence_reason.
 * Context: control thread, after conn->cq is chosen.
 */
void np_rdma_fence_get(struct np_rdma_conn *conn);

/* The connection has ended. Context: control thread. */
void np_rdma_fence_put(struct np_rdma_conn *conn);

/* The device goes away: fences that are on their way fail soon. Context: control thread. */
void np_rdma_fence_stop_all(struct np_rdma_dev *dev);

/* No connection is left. Context: control thread. */
void np_rdma_fence_free_all(struct np_rdma_dev *dev);

/* Prepares the reactor's part of a new fence. Context: control thread. */
void np_rdma_fence_init(struct np_rdma_fence *fence);

/* Has what the job pulled to be fenced? Context: the reactor. */
bool np_rdma_fence_is_due(const struct np_rdma_slot *slot);

/* Ends the job, by its over(), when the last byte pulled has arrived. Context: the reactor. */
void np_rdma_fence_run(struct np_rdma_slot *slot);

/* A connection stops: its jobs that wait for room are given up. Context: the reactor. */
void np_rdma_fence_abandon(struct np_rdma_conn *conn);

#endif
