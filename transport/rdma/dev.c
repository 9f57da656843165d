// SPDX-License-Identifier: BSD-3-Clause
/*
 * dev.c - opens RDMA devices, and lets go of those that are removed.
 *
 * The verbs context is librdmacm's, because a QP made through a cm_id must live there.
 *
 * Thread: control thread.
 * Depends: mr.h, cq.h, conn.h, cm.h.
 */
#include "transport/rdma/dev.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transport/rdma/cm.h"
#include "transport/rdma/conn.h"
#include "transport/rdma/fence.h"
#include "transport/rdma/mr.h"

/* Without it all works as well, with more interrupts. */
static void moderate(const struct np_rdma_dev *dev, struct np_rdma_cq *cq)
{
	const struct np_transport_settings *settings = &dev->rdma->settings;
	int err;

	if (!settings->moderation_count && !settings->moderation_us)
		return;
	err = np_rdma_cq_moderate(
		cq, &dev->attr.cq_mod_caps, settings->moderation_count, settings->moderation_us);
	if (err)
		np_log_warn("%s: completions are not moderated: %s", dev->name, strerror(-err));
}

int np_rdma_dev_add_cq(
	struct np_rdma_dev *dev, struct np_reactor *reactor, struct np_rdma_cq **ret_cq)
{
	int err = np_rdma_cq_new(dev->ctx, reactor, (uint32_t)dev->attr.orig_attr.max_cqe, ret_cq);

	if (err)
		return err;
	np_list_add_tail(&dev->cqs[reactor->index], &(*ret_cq)->link);
	moderate(dev, *ret_cq);
	return 0;
}

void np_rdma_dev_trim_cq(struct np_rdma_dev *dev, struct np_rdma_cq *cq)
{
	if (!np_rdma_cq_is_used(cq) && dev->cqs[cq->reactor->index].next != &cq->link)
		np_rdma_cq_free(cq);
}

static int open_cqs(struct np_rdma_dev *dev, char *why, size_t why_size)
{
	struct np_runtime *runtime = dev->rdma->runtime;
	struct np_rdma_cq *cq;
	int err;

	for (unsigned int i = 0; i < runtime->nreactors; i++) {
		err = np_rdma_dev_add_cq(dev, runtime->reactors[i], &cq);
		if (err) {
			snprintf(why, why_size, "%s: no completion queue: %s", dev->name,
				strerror(-err));
			return err;
		}
	}
	return 0;
}

/* What concerns one connection, by the QP's context. */
static void conn_async(struct np_rdma_conn *conn, enum ibv_event_type type)
{
	/* The host's first capsule may overtake its last word of the handshake. */
	if (type == IBV_EVENT_COMM_EST)
		rdma_notify(conn->id, type);
	else if (type != IBV_EVENT_QP_LAST_WQE_REACHED && type != IBV_EVENT_SQ_DRAINED)
		np_rdma_conn_gone(conn, ibv_event_type_str(type));
}

static bool is_qp_event(enum ibv_event_type type)
{
	switch (type) {
	case IBV_EVENT_QP_FATAL:
	case IBV_EVENT_QP_REQ_ERR:
	case IBV_EVENT_QP_ACCESS_ERR:
	case IBV_EVENT_COMM_EST:
	case IBV_EVENT_SQ_DRAINED:
	case IBV_EVENT_PATH_MIG:
	case IBV_EVENT_PATH_MIG_ERR:
	case IBV_EVENT_QP_LAST_WQE_REACHED:
		return true;
	default:
		return false;
	}
}

static void port_active(struct np_rdma_dev *dev)
{
	np_rdma_mr_retest(dev, np_rdma_dev_find_port(dev));
}

/* Return: false when the device is gone and must not be touched again. */
static bool handle_async(struct np_rdma_dev *dev, const struct ibv_async_event *event)
{
	struct np_rdma_conn *conn;

	if (is_qp_event(event->event_type)) {
		/* Those of the self-test have no connection. */
		conn = event->element.qp->qp_context;
		if (conn)
			conn_async(conn, event->event_type);
		return true;
	}
	if (event->event_type == IBV_EVENT_DEVICE_FATAL) {
		np_rdma_dev_removed(dev);
		return false;
	}
	if (event->event_type == IBV_EVENT_PORT_ACTIVE)
		port_active(dev);
	else
		np_event(NP_EVENT_RNIC, NP_LOG_INFO, "%s: %s", dev->name,
			ibv_event_type_str(event->event_type));
	return true;
}

static void drain_async(struct np_rdma_dev *dev)
{
	struct ibv_async_event event;

	while (!dev->is_dead && ibv_get_async_event(dev->ctx, &event) == 0) {
		struct ibv_async_event copy = event;

		/* A QP can't be destroyed before its events are acknowledged: ack, then act. */
		ibv_ack_async_event(&event);
		if (!handle_async(dev, &copy))
			return;
	}
}

static void on_async(struct ev_loop *loop, struct ev_io *watch, int revents)
{
	(void)loop;
	(void)revents;
	drain_async(watch->data);
}

void np_rdma_dev_poll_async(struct np_rdma *rdma)
{
	struct np_list *pos, *tmp;

	np_list_for_each_safe(pos, tmp, &rdma->devs)
		drain_async(np_container_of(pos, struct np_rdma_dev, link));
}

static void watch_async(struct np_rdma_dev *dev)
{
	int flags = fcntl(dev->ctx->async_fd, F_GETFL);

	if (flags < 0 || fcntl(dev->ctx->async_fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		np_log_warn("%s: its events cannot be watched: %s", dev->name, strerror(errno));
		return;
	}
	ev_io_init(&dev->async_watch, on_async, dev->ctx->async_fd, EV_READ);
	dev->async_watch.data = dev;
	ev_io_start(dev->rdma->runtime->loop, &dev->async_watch);
}

/* Return: a number that no device has, or -ENOSPC. */
static int find_id(const struct np_rdma *rdma)
{
	const struct np_list *pos;
	uint32_t used = 0;

	np_list_for_each(pos, &rdma->devs)
		used |= 1u << np_container_of(pos, struct np_rdma_dev, link)->id;
	for (int id = 0; id < NP_MAX_RNICS; id++) {
		if (!(used >> id & 1))
			return id;
	}
	return -ENOSPC;
}

static int dev_new(struct np_rdma *rdma, struct ibv_context *ctx, char *why, size_t why_size,
	struct np_rdma_dev **ret_dev)
{
	struct np_rdma_dev *dev;
	int id = find_id(rdma);

	if (id < 0) {
		snprintf(why, why_size, "more than %d RDMA devices", NP_MAX_RNICS);
		return id;
	}
	dev = calloc(1, sizeof(*dev));
	if (!dev) {
		snprintf(why, why_size, "out of memory");
		return -ENOMEM;
	}
	dev->id = (unsigned int)id;
	dev->rdma = rdma;
	dev->ctx = ctx;
	np_list_init(&dev->rqs);
	np_rdma_mr_init(dev);
	for (unsigned int i = 0; i < NP_MAX_REACTORS; i++)
		np_list_init(&dev->cqs[i]);
	snprintf(dev->name, sizeof(dev->name), "%s", ibv_get_device_name(ctx->device));
	np_list_add_tail(&rdma->devs, &dev->link);
	*ret_dev = dev;
	return 0;
}

static int dev_open(struct np_rdma *rdma, struct ibv_context *ctx, char *why, size_t why_size,
	struct np_rdma_dev **ret_dev)
{
	struct np_rdma_dev *dev;
	int err;

	/* Its removal waits for us; librdmacm does not know and offers it still. */
	if (access(ctx->device->dev_path, F_OK)) {
		snprintf(why, why_size, "%s is being removed", ibv_get_device_name(ctx->device));
		return -ENODEV;
	}
	err = dev_new(rdma, ctx, why, why_size, &dev);
	if (err)
		return err;
	err = np_rdma_dev_query(dev, why, why_size);
	if (err)
		goto err_free;
	dev->host = np_mem_host_of(rdma->mem, dev->name);
	dev->pd = ibv_alloc_pd(ctx);
	if (!dev->pd) {
		err = -errno;
		snprintf(why, why_size, "%s: no protection domain: %s", dev->name, strerror(-err));
		goto err_free;
	}
	err = open_cqs(dev, why, why_size);
	if (!err)
		err = np_rdma_mr_register_all(dev, why, why_size);
	if (err)
		goto err_free;
	watch_async(dev);
	np_event(NP_EVENT_RNIC, NP_LOG_INFO, "%s: opened, path MTU up to %u, on-demand paging %s",
		dev->name, dev->active_mtu, dev->has_odp ? "yes" : "no");
	np_rdma_devices_changed(rdma);
	*ret_dev = dev;
	return 0;

err_free:
	np_rdma_dev_free(dev);
	return err;
}

int np_rdma_dev_get(struct np_rdma *rdma, struct ibv_context *ctx, char *why, size_t why_size,
	struct np_rdma_dev **ret_dev)
{
	struct np_list *pos;

	np_list_for_each(pos, &rdma->devs) {
		struct np_rdma_dev *dev = np_container_of(pos, struct np_rdma_dev, link);

		if (dev->ctx != ctx)
			continue;
		if (dev->is_dead) {
			snprintf(why, why_size, "%s is being removed", dev->name);
			return -ENODEV;
		}
		*ret_dev = dev;
		return 0;
	}
	return dev_open(rdma, ctx, why, why_size, ret_dev);
}

void np_rdma_dev_open_all(struct np_rdma *rdma)
{
	struct ibv_context **ctxs = rdma_get_devices(NULL);
	struct np_rdma_dev *dev;
	char why[256];

	if (!ctxs)
		return;
	for (unsigned int i = 0; ctxs[i]; i++) {
		if (np_rdma_dev_get(rdma, ctxs[i], why, sizeof(why), &dev))
			np_event(NP_EVENT_RNIC, NP_LOG_WARN, "an RDMA device is left out: %s", why);
	}
	/* The contexts stay open; this frees the list. */
	rdma_free_devices(ctxs);
}

static void stop_watching(struct np_rdma_dev *dev)
{
	ev_io_stop(dev->rdma->runtime->loop, &dev->async_watch);
	ev_timer_stop(dev->rdma->runtime->loop, &dev->busy_timer);
}

void np_rdma_dev_free(struct np_rdma_dev *dev)
{
	struct np_list *pos, *tmp;

	stop_watching(dev);
	np_rdma_fence_free_all(dev);
	np_rdma_mr_deregister_all(dev);
	for (unsigned int i = 0; i < NP_MAX_REACTORS; i++) {
		np_list_for_each_safe(pos, tmp, &dev->cqs[i])
			np_rdma_cq_free(np_container_of(pos, struct np_rdma_cq, link));
	}
	if (dev->pd && ibv_dealloc_pd(dev->pd))
		np_log_warn("%s: its protection domain could not be given back", dev->name);
	np_list_del(&dev->link);
	free(dev);
}

/* The device may wait for this process to close it, and librdmacm does that when it looks around. */
static void free_removed(struct np_rdma_dev *dev)
{
	struct ibv_context **ctxs;
	char name[sizeof(dev->name)];
	int count = 0;

	memcpy(name, dev->name, sizeof(name));
	np_rdma_dev_free(dev);
	ctxs = rdma_get_devices(&count);
	if (ctxs)
		rdma_free_devices(ctxs);
	/* Without any device left librdmacm does not look: seen with rdma-core 56. */
	if (!count)
		np_log_warn(
			"%s: librdmacm keeps the last RDMA device open; a driver that waits for "
			"that (rxe does) is removed when this process ends",
			name);
}

void np_rdma_dev_put(struct np_rdma_dev *dev)
{
	if (--dev->nconns == 0 && dev->is_dead)
		free_removed(dev);
}

void np_rdma_dev_removed(struct np_rdma_dev *dev)
{
	struct np_list *pos;

	if (dev->is_dead)
		return;
	np_event(NP_EVENT_RNIC, NP_LOG_WARN, "%s: removed", dev->name);
	dev->is_dead = true;
	np_mem_forget(dev->rdma->mem, dev->name, true);
	np_rdma_devices_changed(dev->rdma);
	stop_watching(dev);
	np_list_for_each(pos, &dev->rdma->conns) {
		struct np_rdma_conn *conn = np_container_of(pos, struct np_rdma_conn, link);

		if (conn->dev == dev)
			np_rdma_conn_gone(conn, "its RNIC was removed");
	}
	np_rdma_fence_stop_all(dev);
	np_rdma_cm_device_removed(dev);
	if (!dev->nconns)
		free_removed(dev);
}
