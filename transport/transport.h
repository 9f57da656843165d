/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * transport.h - what the NVMe side asks of a transport.
 *
 * A transport owns connections. It parses SGLs, moves data and capsules, and hands commands to
 * np_req_begin(). It knows no namespace and no controller.
 * Depends: runtime.h, mem.h.
 */
#ifndef NP_TRANSPORT_TRANSPORT_H
#define NP_TRANSPORT_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "target/memory/mem.h"
#include "target/memory/traffic.h"
#include "target/reactor/runtime.h"

struct np_port;
struct np_queue;
struct np_req;

/* A transport's device, for the operator. */
struct np_device_info {
	const char *name;
	unsigned int id;                     /* 0 .. NP_MAX_RNICS - 1 */
	const struct np_traffic_sum *closed; /* of its connections that are gone */
	bool has_odp;
	uint32_t mtu; /* active path MTU of port 1, bytes */
};

/* A connection, for the operator. */
struct np_conn_info {
	const struct np_queue *queue;
	const char *host; /* address */
	const char *state;
	const char *device;
	uint32_t path_mtu;
	uint64_t age_s;
};

struct np_transport_visitor {
	void *ctx;
	void (*device)(void *ctx, const struct np_device_info *info);
	void (*conn)(void *ctx, const struct np_conn_info *info);
};

struct np_transport {
	const struct np_transport_ops *ops;
	/* Control thread: */
	unsigned int nconns;          /* connections not yet freed */
	struct np_traffic_sum closed; /* of those that are gone */
};

/* Is what a device has written to peer memory made sure to be there? See docs/p2p.md, "Ordering". */
enum np_transport_fence {
	NP_FENCE_AUTO, /* by a device in hardware */
	NP_FENCE_NONE,
	NP_FENCE_READ, /* by every device */
};

/* Of the operator, for all connections. */
struct np_transport_settings {
	/*
	 * One interrupt may tell of so many completions, and the first may wait so long for the
	 * others. 0: as the device does by itself.
	 */
	uint16_t moderation_count, moderation_us;
	enum np_transport_fence fence;
	bool software_p2p; /* let software RNICs use peer memory where their copies may fault */
	/*
	 * A device has come or gone, or can do other things with the memory than before: see the
	 * regions' notes. NULL: nobody wants to know. Context: control thread.
	 */
	void (*devices_changed)(void *ctx);
	/* @port does not listen any more, for the reason @why. Context: control thread. */
	void (*port_lost)(void *ctx, struct np_port *port, const char *why);
	void *ctx;
};

struct np_transport_ops {
	const char *name;

	/*
	 * Finds the devices, registers every region of @mem with each, and tests each pair.
	 * Context: control thread. Return: 0 or -errno with a sentence in @why.
	 */
	int (*open)(struct np_runtime *runtime, struct np_mem *mem,
		const struct np_transport_settings *settings, char *why, size_t why_size,
		struct np_transport **ret_transport);

	/* Context: control thread, no connection left, reactors still running. */
	void (*close)(struct np_transport *transport);

	/*
	 * Accepts hosts at @port from now on.
	 * Context: control thread. Return: 0 or -errno with a sentence in @why.
	 */
	int (*listen)(
		struct np_transport *transport, struct np_port *port, char *why, size_t why_size);

	/* Existing connections stay. Context: control thread. */
	void (*unlisten)(struct np_transport *transport, struct np_port *port);

	/*
	 * Brings the host's data [piece_offset, +piece_bytes) to req->va, then calls
	 * np_req_pulled(), never from within this call. Context: the queue's reactor.
	 */
	void (*pull)(struct np_req *req);

	/* The other direction, then np_req_pushed(). Context: the queue's reactor. */
	void (*push)(struct np_req *req);

	/*
	 * Sends req->cqe, after the piece at req->va if the command succeeded and has data for
	 * the host. Gives the receive buffer back first. Calls np_req_release() when the slot
	 * is no longer in use; at once if the connection is dying.
	 * Context: the queue's reactor.
	 */
	void (*respond)(struct np_req *req);

	/* Return: the command of that CID which is not answered yet, or NULL. Context: as above. */
	struct np_req *(*find_req)(struct np_queue *queue, uint16_t cid);

	/*
	 * Begins to tear the connection down; does nothing if that has begun. @queue NULL: all of
	 * @transport's connections. Context: control thread.
	 */
	void (*abort_conn)(struct np_transport *transport, struct np_queue *queue, const char *why);

	/* A region has come: registers it with each device, and tests it. Context: control thread. */
	void (*add_region)(struct np_transport *transport, struct np_mem_region *region);

	/* Tests each device with @region again. Context: control thread. */
	void (*test_region)(struct np_transport *transport, struct np_mem_region *region);

	/* A region goes, of which no buffer is in use any more. Context: control thread. */
	void (*remove_region)(struct np_transport *transport, struct np_mem_region *region);

	/* Context: control thread. */
	void (*describe)(
		struct np_transport *transport, const struct np_transport_visitor *visitor);
};

extern const struct np_transport_ops np_transport_rdma_ops;

#endif
