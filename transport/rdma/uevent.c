// SPDX-License-Identifier: BSD-3-Clause
/*
 * uevent.c - which of our devices does the kernel remove?
 *
 * Thread: control thread.
 * Depends: dev.h, hotplug.h.
 */
#include "transport/rdma/uevent.h"

#include <string.h>

#include "target/topology/hotplug.h"
#include "transport/rdma/dev.h"

static void on_event(void *ctx, const struct np_hotplug_event *event)
{
	struct np_rdma *rdma = ctx;
	struct np_list *pos;

	if (strcmp(event->action, "remove") || strcmp(event->subsystem, "infiniband_verbs"))
		return;
	np_list_for_each(pos, &rdma->devs) {
		struct np_rdma_dev *dev = np_container_of(pos, struct np_rdma_dev, link);

		if (strcmp(dev->ctx->device->dev_name, event->name))
			continue;
		np_rdma_dev_removed(dev);
		return;
	}
}

void np_rdma_uevent_open(struct np_rdma *rdma)
{
	int err = np_hotplug_open(rdma->runtime->loop, on_event, rdma, &rdma->hotplug);

	if (err)
		np_log_warn("device events cannot be watched (%s): the removal of an RDMA device "
			    "may wait for this process",
			strerror(-err));
}

void np_rdma_uevent_close(struct np_rdma *rdma)
{
	np_hotplug_close(rdma->hotplug);
	rdma->hotplug = NULL;
}
