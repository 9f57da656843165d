/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hotplug.h - devices that come, go or change, as the kernel tells.
 *
 * Thread: the one of the loop.
 * Depends: libev, libudev.
 */
#ifndef NP_TOPOLOGY_HOTPLUG_H
#define NP_TOPOLOGY_HOTPLUG_H

#include <sys/types.h>

struct ev_loop;
struct np_hotplug;

/* Texts are never NULL, and valid during the call only. */
struct np_hotplug_event {
	const char *action;    /* "add", "remove", "change", "bind", "unbind" */
	const char *subsystem; /* "pci", "block", "nvme", "nvme-generic", "infiniband_verbs", ... */
	const char *name;      /* in sysfs: "0000:01:00.0", "nvme0n1", "uverbs0" */
	const char *pci;       /* address of the PCI device that it belongs to, or "" */
	const char *nvme;      /* "connected" when a controller has (re)started, or "" */
	dev_t node;            /* device number, 0 without one */
};

/* What to do about an event. */
typedef void (*np_hotplug_fn)(void *ctx, const struct np_hotplug_event *event);

/**
 * np_hotplug_open() - begin to watch
 * @fn: called from @loop
 *
 * These are the kernel's own events: no udev needs to run, and links below /dev may come later.
 * After a burst that was too much for the socket, @fn is told of an event whose action is "lost".
 * Return: 0 or -errno.
 */
int np_hotplug_open(
	struct ev_loop *loop, np_hotplug_fn fn, void *ctx, struct np_hotplug **ret_hotplug);

/* NULL is fine. */
void np_hotplug_close(struct np_hotplug *hotplug);

#endif
