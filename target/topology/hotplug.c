// SPDX-License-Identifier: BSD-3-Clause
/*
 * hotplug.c - a libudev monitor of the kernel's events in a libev loop.
 *
 * Thread: the one of the loop.
 * Depends: libev, libudev.
 */
#include "target/topology/hotplug.h"

#include <errno.h>
#include <ev.h>
#include <libudev.h>
#include <stdlib.h>

/* Some thousand events: the removal of a switch tells of everything below it at once. */
#define RECEIVE_BYTES (4 * 1024 * 1024)

struct np_hotplug {
	struct ev_loop *loop;
	struct ev_io watch;
	struct udev *udev;
	struct udev_monitor *monitor;
	np_hotplug_fn fn;
	void *ctx;
};

static const char *text(const char *value)
{
	return value ? value : "";
}

static const char *find_pci(struct udev_device *dev)
{
	struct udev_device *pci = udev_device_get_parent_with_subsystem_devtype(dev, "pci", NULL);

	return pci ? text(udev_device_get_sysname(pci)) : "";
}

static void tell(const struct np_hotplug *hotplug, struct udev_device *dev)
{
	const struct np_hotplug_event event = {
		.action = text(udev_device_get_action(dev)),
		.subsystem = text(udev_device_get_subsystem(dev)),
		.name = text(udev_device_get_sysname(dev)),
		.pci = find_pci(dev),
		.nvme = text(udev_device_get_property_value(dev, "NVME_EVENT")),
		.node = udev_device_get_devnum(dev),
	};

	hotplug->fn(hotplug->ctx, &event);
}

static void on_event(struct ev_loop *loop, struct ev_io *watch, int revents)
{
	static const struct np_hotplug_event lost = {"lost", "", "", "", "", 0};
	struct np_hotplug *hotplug = watch->data;
	struct udev_device *dev;

	(void)loop;
	(void)revents;
	for (;;) {
		errno = 0;
		dev = udev_monitor_receive_device(hotplug->monitor);
		if (!dev && errno == ENOBUFS) {
			hotplug->fn(hotplug->ctx, &lost);
			continue;
		}
		if (!dev)
			return;
		tell(hotplug, dev);
		udev_device_unref(dev);
	}
}

int np_hotplug_open(
	struct ev_loop *loop, np_hotplug_fn fn, void *ctx, struct np_hotplug **ret_hotplug)
{
	struct np_hotplug *hotplug = calloc(1, sizeof(*hotplug));
	int err = -ENOMEM;

	if (!hotplug)
		return err;
	hotplug->loop = loop;
	hotplug->fn = fn;
	hotplug->ctx = ctx;
	errno = 0;
	hotplug->udev = udev_new();
	if (hotplug->udev)
		hotplug->monitor = udev_monitor_new_from_netlink(hotplug->udev, "kernel");
	if (!hotplug->monitor) {
		err = errno ? -errno : -ENOMEM;
		goto err_close;
	}
	/* Without the right to, the usual size has to do. */
	udev_monitor_set_receive_buffer_size(hotplug->monitor, RECEIVE_BYTES);
	err = udev_monitor_enable_receiving(hotplug->monitor);
	if (err < 0)
		goto err_close;
	ev_io_init(&hotplug->watch, on_event, udev_monitor_get_fd(hotplug->monitor), EV_READ);
	hotplug->watch.data = hotplug;
	ev_io_start(loop, &hotplug->watch);
	*ret_hotplug = hotplug;
	return 0;

err_close:
	np_hotplug_close(hotplug);
	return err;
}

void np_hotplug_close(struct np_hotplug *hotplug)
{
	if (!hotplug)
		return;
	if (ev_is_active(&hotplug->watch))
		ev_io_stop(hotplug->loop, &hotplug->watch);
	if (hotplug->monitor)
		udev_monitor_unref(hotplug->monitor);
	if (hotplug->udev)
		udev_unref(hotplug->udev);
	free(hotplug);
}
