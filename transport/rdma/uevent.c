// SPDX-License-Identifier: BSD-3-Clause
/*
 * uevent.c - a netlink socket for the kernel's device events.
 *
 * Thread: control thread.
 * Depends: dev.h, <linux/netlink.h>.
 */
#include "transport/rdma/uevent.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/rdma/dev.h"

#define KERNEL_GROUP 1u /* udev repeats events in another one */

bool np_rdma_uevent_removed(const char *msg, size_t len, char *ret_name, size_t name_size)
{
	static const char name_key[] = "DEVNAME=";
	bool is_remove = false, is_verbs = false;
	const char *name = NULL, *base;
	size_t size;

	for (size_t pos = 0; pos < len; pos += size + 1) {
		size = strnlen(msg + pos, len - pos);
		if (size == len - pos)
			return false;
		is_remove |= !strcmp(msg + pos, "ACTION=remove");
		is_verbs |= !strcmp(msg + pos, "SUBSYSTEM=infiniband_verbs");
		if (!strncmp(msg + pos, name_key, sizeof(name_key) - 1))
			name = msg + pos + sizeof(name_key) - 1;
	}
	if (!is_remove || !is_verbs || !name)
		return false;
	base = strrchr(name, '/');
	snprintf(ret_name, name_size, "%s", base ? base + 1 : name);
	return true;
}

static void removed(struct np_rdma *rdma, const char *node)
{
	struct np_list *pos;

	np_list_for_each(pos, &rdma->devs) {
		struct np_rdma_dev *dev = np_container_of(pos, struct np_rdma_dev, link);

		if (strcmp(dev->ctx->device->dev_name, node))
			continue;
		np_rdma_dev_removed(dev);
		return;
	}
}

static void on_uevent(struct ev_loop *loop, struct ev_io *watch, int revents)
{
	struct np_rdma *rdma = watch->data;
	struct sockaddr_nl from = {0};
	socklen_t from_len;
	char msg[8192], node[64];
	ssize_t len;

	(void)loop;
	(void)revents;
	for (;;) {
		from_len = sizeof(from);
		len = recvfrom(watch->fd, msg, sizeof(msg), 0, (struct sockaddr *)&from, &from_len);
		/* A burst that overran the socket is reported once; what follows is right again. */
		if (len < 0 && errno == ENOBUFS)
			continue;
		if (len < 0)
			return;
		/* Only the kernel's word counts: any process may send to the socket. */
		if (from_len == sizeof(from) && from.nl_pid == 0 &&
			np_rdma_uevent_removed(msg, (size_t)len, node, sizeof(node)))
			removed(rdma, node);
	}
}

void np_rdma_uevent_open(struct np_rdma *rdma)
{
	struct sockaddr_nl addr = {.nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP};
	int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	rdma->uevent_watch.fd = -1;
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		np_log_warn("device events cannot be watched (%s): the removal of an RDMA device "
			    "may wait for this process",
			strerror(errno));
		if (fd >= 0)
			close(fd);
		return;
	}
	ev_io_init(&rdma->uevent_watch, on_uevent, fd, EV_READ);
	rdma->uevent_watch.data = rdma;
	ev_io_start(rdma->runtime->loop, &rdma->uevent_watch);
}

void np_rdma_uevent_close(struct np_rdma *rdma)
{
	if (rdma->uevent_watch.fd < 0)
		return;
	ev_io_stop(rdma->runtime->loop, &rdma->uevent_watch);
	close(rdma->uevent_watch.fd);
	rdma->uevent_watch.fd = -1;
}
