// SPDX-License-Identifier: BSD-3-Clause
/*
 * rdma.c - the RDMA transport's operations, each in the file that knows about it.
 *
 * Thread: control thread; pull, push and respond are in rw.c.
 * Depends: cm.h, conn.h, dev.h, recv.h, rw.h.
 */
#include "transport/rdma/rdma.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "target/base/clock.h"
#include "transport/rdma/cm.h"
#include "transport/rdma/conn.h"
#include "transport/rdma/dev.h"
#include "transport/rdma/mr.h"
#include "transport/rdma/recv.h"
#include "transport/rdma/rw.h"
#include "transport/rdma/uevent.h"

static int rdma_open(struct np_runtime *runtime, struct np_mem *mem,
	const struct np_transport_settings *settings, char *why, size_t why_size,
	struct np_transport **ret_transport)
{
	struct np_rdma *rdma;

	/* Without this, rdma-core leaks what belonged to a device that was removed. */
	if (setenv("RDMAV_ALLOW_DISASSOC_DESTROY", "1", 0)) {
		snprintf(why, why_size, "out of memory");
		return -ENOMEM;
	}
	rdma = calloc(1, sizeof(*rdma));
	if (!rdma) {
		snprintf(why, why_size, "out of memory");
		return -ENOMEM;
	}
	rdma->base.ops = &np_transport_rdma_ops;
	rdma->runtime = runtime;
	rdma->mem = mem;
	rdma->settings = *settings;
	np_list_init(&rdma->devs);
	np_list_init(&rdma->conns);
	np_list_init(&rdma->listeners);
	np_rdma_cm_open(rdma);
	np_rdma_uevent_open(rdma);
	np_rdma_dev_open_all(rdma);
	*ret_transport = &rdma->base;
	return 0;
}

static void rdma_close(struct np_transport *transport)
{
	struct np_rdma *rdma = np_rdma_of(transport);
	struct np_rdma_dev *dev;

	np_rdma_uevent_close(rdma);
	while ((dev = np_list_first(&rdma->devs, struct np_rdma_dev, link)))
		np_rdma_dev_free(dev);
	np_rdma_cm_close(rdma);
	free(rdma);
}

static int rdma_port_listen(
	struct np_transport *transport, struct np_port *port, char *why, size_t why_size)
{
	return np_rdma_cm_listen(np_rdma_of(transport), port, why, why_size);
}

static void rdma_port_unlisten(struct np_transport *transport, struct np_port *port)
{
	np_rdma_cm_unlisten(np_rdma_of(transport), port);
}

static void rdma_abort(struct np_transport *transport, struct np_queue *queue, const char *why)
{
	struct np_rdma *rdma = np_rdma_of(transport);
	struct np_list *pos;

	if (queue) {
		np_rdma_conn_gone(np_container_of(queue, struct np_rdma_conn, queue), why);
		return;
	}
	np_list_for_each(pos, &rdma->conns)
		np_rdma_conn_gone(np_container_of(pos, struct np_rdma_conn, link), why);
}

/* Calls @fn with each device that is not going away. */
static void each_dev(struct np_transport *transport, struct np_mem_region *region,
	void (*fn)(struct np_rdma_dev *dev, struct np_mem_region *region))
{
	struct np_rdma *rdma = np_rdma_of(transport);
	struct np_list *pos;

	np_list_for_each(pos, &rdma->devs) {
		struct np_rdma_dev *dev = np_container_of(pos, struct np_rdma_dev, link);

		if (!dev->is_dead)
			fn(dev, region);
	}
}

static void rdma_add_region(struct np_transport *transport, struct np_mem_region *region)
{
	each_dev(transport, region, np_rdma_mr_add);
}

static void rdma_test_region(struct np_transport *transport, struct np_mem_region *region)
{
	each_dev(transport, region, np_rdma_mr_test);
}

static void rdma_remove_region(struct np_transport *transport, struct np_mem_region *region)
{
	struct np_rdma *rdma = np_rdma_of(transport);
	struct np_list *pos;

	/* Also of one that is going away: it may have to wait for its connections. */
	np_list_for_each(pos, &rdma->devs)
		np_rdma_mr_remove(np_container_of(pos, struct np_rdma_dev, link), region);
}

static void rdma_describe(
	struct np_transport *transport, const struct np_transport_visitor *visitor)
{
	struct np_rdma *rdma = np_rdma_of(transport);
	struct np_list *pos;
	uint64_t now_ms = np_clock_ms();

	np_list_for_each(pos, &rdma->devs) {
		struct np_rdma_dev *dev = np_container_of(pos, struct np_rdma_dev, link);
		struct np_device_info info = {
			.name = dev->name,
			.id = dev->id,
			.closed = &dev->closed,
			.has_odp = dev->has_odp,
			.mtu = dev->active_mtu,
		};

		if (!visitor->device || dev->is_dead)
			continue;
		visitor->device(visitor->ctx, &info);
	}
	np_list_for_each(pos, &rdma->conns) {
		struct np_rdma_conn *conn = np_container_of(pos, struct np_rdma_conn, link);
		struct np_conn_info info = {
			.queue = &conn->queue,
			.host = conn->host,
			.state = np_rdma_state_name(conn->state),
			.device = conn->dev->name,
			.path_mtu = conn->path_mtu,
			.age_s = (now_ms - conn->born_ms) / 1000,
		};

		if (visitor->conn)
			visitor->conn(visitor->ctx, &info);
	}
}

const struct np_transport_ops np_transport_rdma_ops = {
	.name = "rdma",
	.open = rdma_open,
	.close = rdma_close,
	.listen = rdma_port_listen,
	.unlisten = rdma_port_unlisten,
	.pull = np_rdma_pull,
	.push = np_rdma_push,
	.respond = np_rdma_respond,
	.find_req = np_rdma_find_req,
	.abort_conn = rdma_abort,
	.add_region = rdma_add_region,
	.test_region = rdma_test_region,
	.remove_region = rdma_remove_region,
	.describe = rdma_describe,
};
