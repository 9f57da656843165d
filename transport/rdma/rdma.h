/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rdma.h - the RDMA transport as a whole: its devices, its connections and its event channel.
 *
 * Thread: control thread only.
 * Depends: transport.h, librdmacm.
 */
#ifndef NP_RDMA_RDMA_H
#define NP_RDMA_RDMA_H

#include <ev.h>
#include <rdma/rdma_cma.h>

#include "target/base/event.h"
#include "target/base/list.h"
#include "transport/transport.h"

#define NP_RDMA_MAX_CONNS 1024u
#define NP_RDMA_BACKLOG 128
#define NP_RDMA_ADMIN_ICD 1024u /* in-capsule bytes that an admin queue takes: connect data */
#define NP_RDMA_DRAIN_S 3.0     /* for an RNIC that never flushes; a process must stop within 5 s */
#define NP_RDMA_GREETING_S 30.0 /* a host without a granted Connect is dropped after this */

struct np_rdma {
	struct np_transport base;
	struct np_runtime *runtime;
	struct np_mem *mem;
	struct np_transport_settings settings;
	struct rdma_event_channel *channel; /* NULL until there is an RDMA device */
	struct ev_io cm_watch;
	struct np_hotplug *hotplug; /* NULL: device events cannot be watched */
	struct np_list devs;        /* struct np_rdma_dev */
	struct np_list conns;       /* struct np_rdma_conn */
	struct np_list listeners;   /* struct np_rdma_listener */
	uint32_t last_conn_id;
	unsigned int next_reactor;          /* of the next I/O queue */
	unsigned int load[NP_MAX_REACTORS]; /* connections by reactor index */
	struct np_log_limit limit;          /* of lines that a peer can provoke */
};

static inline struct np_rdma *np_rdma_of(struct np_transport *transport)
{
	return np_container_of(transport, struct np_rdma, base);
}

/* Tells who set the transport up. */
static inline void np_rdma_devices_changed(const struct np_rdma *rdma)
{
	if (rdma->settings.devices_changed)
		rdma->settings.devices_changed(rdma->settings.ctx);
}

static inline uint32_t np_rdma_min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

#endif
