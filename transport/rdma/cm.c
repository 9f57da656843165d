// SPDX-License-Identifier: BSD-3-Clause
/*
 * cm.c - takes events from librdmacm (copy, acknowledge, act), listens, answers requests.
 *
 * Destroying an id waits for the acknowledgement of its events, and the acknowledgement frees the
 * event: hence the order.
 *
 * Thread: control thread.
 * Depends: conn.h, priv.h.
 */
#include "transport/rdma/cm.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/rdma/conn.h"
#include "transport/rdma/priv.h"

struct np_rdma_listener {
	struct np_rdma_endpoint endpoint;
	struct np_list link; /* in rdma->listeners */
	struct np_rdma *rdma;
	struct np_port *port;
	struct rdma_cm_id *id;
};

/* ---- connection requests ------------------------------------------------------------------- */

static void turn_away(struct np_rdma_listener *listener, struct rdma_cm_id *id,
	enum np_cm_status status, const char *why)
{
	struct np_cm_reject reject;
	char host[64];

	if (getnameinfo(rdma_get_peer_addr(id), sizeof(struct sockaddr_storage), host, sizeof(host),
		    NULL, 0, NI_NUMERICHOST))
		snprintf(host, sizeof(host), "?");
	np_log_limited(&listener->rdma->limit, NP_LOG_WARN, "port %u host=%s: turned away, %s: %s",
		listener->port->portid, host, np_priv_status_name(status), why);
	np_priv_format_reject(status, &reject);
	/* If the host has gone meanwhile there is nobody to tell. */
	rdma_reject(id, &reject, sizeof(reject));
	rdma_destroy_id(id);
}

static void on_request(struct np_rdma_listener *listener, const struct np_rdma_cm_event *event)
{
	enum np_cm_status status;
	struct np_priv priv;
	char why[256] = "malformed request";

	status = np_priv_parse(event->private_data, event->param.private_data_len, NP_MAX_IO_QUEUES,
		NP_MIN_QUEUE_DEPTH, NP_MAX_QUEUE_DEPTH, &priv);
	if (status == NP_CM_OK && priv.qid && priv.depth > listener->port->max_entries)
		status = NP_CM_INVALID_HSQSIZE;
	if (status != NP_CM_OK ||
		np_rdma_conn_start(listener->rdma, event->id, listener->port, &priv, &event->param,
			&status, why, sizeof(why)))
		turn_away(listener, event->id, status, why);
}

/* ---- the event channel --------------------------------------------------------------------- */

static void dispatch(struct np_rdma_endpoint *endpoint, struct rdma_cm_event *event)
{
	struct np_rdma_cm_event copy = {
		.type = event->event,
		.status = event->status,
		.id = event->id,
	};

	if (event->event == RDMA_CM_EVENT_CONNECT_REQUEST) {
		copy.param = event->param.conn;
		if (copy.param.private_data)
			memcpy(copy.private_data, copy.param.private_data,
				copy.param.private_data_len);
		else
			copy.param.private_data_len = 0;
		copy.param.private_data = NULL;
	}
	rdma_ack_cm_event(event);
	endpoint->event(endpoint, &copy);
}

static void on_channel(struct ev_loop *loop, struct ev_io *watch, int revents)
{
	struct np_rdma *rdma = watch->data;
	struct rdma_cm_event *event;

	(void)loop;
	(void)revents;
	/*
	 * librdmacm closes the context of a device that was removed as soon as it meets a new one.
	 * So learn of removals, and give back what we hold there, before it can.
	 */
	np_rdma_dev_poll_async(rdma);
	while (rdma_get_cm_event(rdma->channel, &event) == 0)
		dispatch(event->id->context, event);
}

static int open_channel(struct np_rdma *rdma, char *why, size_t why_size)
{
	int flags, err;

	rdma->channel = rdma_create_event_channel();
	if (!rdma->channel) {
		err = errno ? -errno : -ENODEV;
		snprintf(why, why_size,
			"no RDMA device, or no connection manager (module rdma_ucm): %s",
			strerror(-err));
		return err;
	}
	flags = fcntl(rdma->channel->fd, F_GETFL);
	if (flags < 0 || fcntl(rdma->channel->fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		err = -errno;
		snprintf(why, why_size, "the RDMA event channel: %s", strerror(-err));
		rdma_destroy_event_channel(rdma->channel);
		rdma->channel = NULL;
		return err;
	}
	ev_io_init(&rdma->cm_watch, on_channel, rdma->channel->fd, EV_READ);
	rdma->cm_watch.data = rdma;
	ev_io_start(rdma->runtime->loop, &rdma->cm_watch);
	return 0;
}

/* ---- listeners ----------------------------------------------------------------------------- */

static void listener_free(struct np_rdma_listener *listener)
{
	listener->port->listener = NULL;
	np_list_del(&listener->link);
	if (listener->id)
		rdma_destroy_id(listener->id);
	free(listener);
}

static void listener_lost(struct np_rdma_listener *listener, const char *why)
{
	const struct np_transport_settings *settings = &listener->rdma->settings;
	struct np_port *port = listener->port;

	listener_free(listener);
	settings->port_lost(settings->ctx, port, why);
}

static void on_listener_event(
	struct np_rdma_endpoint *endpoint, const struct np_rdma_cm_event *event)
{
	struct np_rdma_listener *listener =
		np_container_of(endpoint, struct np_rdma_listener, endpoint);

	switch (event->type) {
	case RDMA_CM_EVENT_CONNECT_REQUEST:
		on_request(listener, event);
		break;
	case RDMA_CM_EVENT_DEVICE_REMOVAL:
		listener_lost(listener, "its RDMA device was removed");
		break;
	case RDMA_CM_EVENT_ADDR_CHANGE:
		listener_lost(listener, "its address has moved");
		break;
	default:
		np_log_debug("port %u: %s", listener->port->portid, rdma_event_str(event->type));
		break;
	}
}

static int resolve(const struct np_port *port, struct addrinfo **ret_info, char *why, size_t size)
{
	struct addrinfo hints = {
		.ai_family = port->is_ipv6 ? AF_INET6 : AF_INET,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	int err = getaddrinfo(port->traddr, port->trsvcid, &hints, ret_info);

	if (!err)
		return 0;
	snprintf(why, size, "%s port %s is no address: %s", port->traddr, port->trsvcid,
		gai_strerror(err));
	return -EINVAL;
}

static int explain(const struct np_port *port, int err, char *why, size_t size)
{
	if (err == -ENODEV || err == -EADDRNOTAVAIL) {
		snprintf(why, size, "address %s is not on any RDMA device (yet)", port->traddr);
		return -EADDRNOTAVAIL;
	}
	if (err == -EADDRINUSE)
		snprintf(why, size, "%s port %s is in use by another RDMA listener", port->traddr,
			port->trsvcid);
	else
		snprintf(why, size, "cannot listen at %s port %s: %s", port->traddr, port->trsvcid,
			strerror(-err));
	return err;
}

static int bind_and_listen(struct np_rdma_listener *listener, struct sockaddr *addr)
{
	struct np_rdma *rdma = listener->rdma;
	int one = 1;

	if (rdma_create_id(rdma->channel, &listener->id, &listener->endpoint, RDMA_PS_TCP))
		return -errno;
	/* A daemon that starts again must not wait for the connections of the last one. */
	if (rdma_set_option(
		    listener->id, RDMA_OPTION_ID, RDMA_OPTION_ID_REUSEADDR, &one, sizeof(one)))
		return -errno;
	if (addr->sa_family == AF_INET6 &&
		rdma_set_option(
			listener->id, RDMA_OPTION_ID, RDMA_OPTION_ID_AFONLY, &one, sizeof(one)))
		return -errno;
	if (rdma_bind_addr(listener->id, addr) || rdma_listen(listener->id, NP_RDMA_BACKLOG))
		return -errno;
	return 0;
}

int np_rdma_cm_listen(struct np_rdma *rdma, struct np_port *port, char *why, size_t why_size)
{
	struct np_rdma_listener *listener;
	struct np_rdma_dev *dev;
	struct addrinfo *info;
	int err;

	err = rdma->channel ? 0 : open_channel(rdma, why, why_size);
	if (!err)
		err = resolve(port, &info, why, why_size);
	if (err)
		return err;
	np_rdma_dev_poll_async(rdma);
	listener = calloc(1, sizeof(*listener));
	if (!listener) {
		freeaddrinfo(info);
		snprintf(why, why_size, "out of memory");
		return -ENOMEM;
	}
	listener->endpoint.event = on_listener_event;
	listener->rdma = rdma;
	listener->port = port;
	np_list_add_tail(&rdma->listeners, &listener->link);
	err = bind_and_listen(listener, info->ai_addr);
	freeaddrinfo(info);
	if (err)
		err = explain(port, err, why, why_size);
	else if (listener->id->verbs) /* a newcomer is opened and tested here, not at a connect */
		err = np_rdma_dev_get(rdma, listener->id->verbs, why, why_size, &dev);
	if (err) {
		listener_free(listener);
		return err;
	}
	port->is_iwarp = listener->id->verbs &&
		listener->id->verbs->device->transport_type == IBV_TRANSPORT_IWARP;
	port->listener = listener;
	return 0;
}

void np_rdma_cm_unlisten(struct np_rdma *rdma, struct np_port *port)
{
	(void)rdma;
	if (port->listener)
		listener_free(port->listener);
}

void np_rdma_cm_device_removed(struct np_rdma_dev *dev)
{
	struct np_list *pos, *tmp;

	np_list_for_each_safe(pos, tmp, &dev->rdma->listeners) {
		struct np_rdma_listener *listener =
			np_container_of(pos, struct np_rdma_listener, link);

		if (listener->id->verbs == dev->ctx)
			listener_lost(listener, "its RDMA device was removed");
	}
}

/* ---- start and stop ------------------------------------------------------------------------- */

void np_rdma_cm_open(struct np_rdma *rdma)
{
	char why[192];

	if (open_channel(rdma, why, sizeof(why)))
		np_log_warn("%s; looking again whenever a port is tried", why);
}

void np_rdma_cm_close(struct np_rdma *rdma)
{
	struct np_list *pos, *tmp;

	np_list_for_each_safe(pos, tmp, &rdma->listeners)
		listener_free(np_container_of(pos, struct np_rdma_listener, link));
	if (!rdma->channel)
		return;
	ev_io_stop(rdma->runtime->loop, &rdma->cm_watch);
	rdma_destroy_event_channel(rdma->channel);
}
