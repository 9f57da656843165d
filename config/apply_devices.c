// SPDX-License-Identifier: BSD-3-Clause
/*
 * apply_devices.c - drives and their memory that go, come back, or are reset.
 *
 * What goes is given up at once. What comes is looked at a moment later, because a device is many
 * events; it is tested before anything is entrusted to it.
 *
 * Thread: control.
 * Depends: hotplug.h, backend, memory.
 */
#include <string.h>

#include "config/apply.h"
#include "config/apply_mem.h"
#include "target/base/event.h"
#include "target/topology/hotplug.h"

#define NP_RECONSIDER_S 0.2
#define NP_SETTLE_S 0.05

/* ---- what goes ---------------------------------------------------------------------------- */

static void np_apply_lose_all_of(struct np_daemon *daemon, const char *pci, enum np_mem_state state)
{
	struct np_mem_region *region;

	np_mem_for_each(&daemon->mem, region) {
		if (!region->pci[0] || strcmp(region->pci, pci))
			continue;
		np_apply_lose_memory(daemon, region, state);
		ev_timer_again(daemon->runtime.loop, &daemon->lost_timer);
	}
}

static void np_apply_node_gone(struct np_daemon *daemon, const struct np_hotplug_event *event)
{
	bool is_block = !strcmp(event->subsystem, "block");

	for (unsigned int i = 0; event->node && i < daemon->n_namespaces; i++) {
		struct np_applied_ns *applied = daemon->namespaces[i];

		if (applied->ns && applied->ns->backend->node == event->node &&
			applied->ns->backend->is_block == is_block)
			np_apply_lose_namespace(daemon, applied);
	}
}

static void np_apply_settle(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct np_daemon *daemon = np_container_of(timer, struct np_daemon, lost_timer);

	(void)events;
	if (np_apply_settle_memory(daemon))
		return;
	ev_timer_stop(loop, timer);
	/* It may have come back while it was still being given up. */
	daemon->is_device_new = true;
	np_apply_devices_changed(daemon);
}

/* ---- what is reset ------------------------------------------------------------------------ */

/* The controller of a drive has started (again). Linux 7.2, drivers/nvme/host/core.c. */
static void np_apply_ctrl_started(struct np_daemon *daemon, const char *pci)
{
	bool is_ours = false;

	/* A host's own controllers, on a machine that is host and target, are none of ours. */
	if (!pci[0])
		return;
	np_apply_lose_all_of(daemon, pci, NP_MEM_SUSPECT);
	for (unsigned int i = 0; i < daemon->n_namespaces; i++) {
		struct np_applied_ns *applied = daemon->namespaces[i];

		if (!applied->ns || strcmp(applied->ns->backend->pci, pci))
			continue;
		np_apply_doubt_namespace(applied);
		is_ours = true;
	}
	if (is_ours)
		np_event(NP_EVENT_DRIVE, NP_LOG_WARN, "drive %s was reset, and is tested again",
			pci);
}

/* ---- what comes --------------------------------------------------------------------------- */

void np_apply_devices_changed(void *ctx)
{
	struct np_daemon *daemon = ctx;

	if (!ev_is_active(&daemon->reconsider_timer))
		ev_timer_start(daemon->runtime.loop, &daemon->reconsider_timer);
}

static void np_apply_look_again(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct np_daemon *daemon = np_container_of(timer, struct np_daemon, reconsider_timer);

	(void)loop;
	(void)events;
	if (daemon->is_device_new)
		np_apply_new_memory(daemon);
	np_apply_reconsider(daemon);
	daemon->is_device_new = false;
}

/* ---- events ------------------------------------------------------------------------------- */

static void np_apply_on_event(void *ctx, const struct np_hotplug_event *event)
{
	struct np_daemon *daemon = ctx;
	bool is_gone = !strcmp(event->action, "remove") || !strcmp(event->action, "unbind");

	if (is_gone && !strcmp(event->subsystem, "pci"))
		np_apply_lose_all_of(daemon, event->name, NP_MEM_GONE);
	else if (is_gone)
		np_apply_node_gone(daemon, event);
	else if (!strcmp(event->nvme, "connected"))
		np_apply_ctrl_started(daemon, event->pci);
	if (is_gone)
		return;
	daemon->is_device_new = true;
	np_apply_devices_changed(daemon);
}

void np_apply_devices_init(struct np_daemon *daemon)
{
	ev_timer_init(&daemon->reconsider_timer, np_apply_look_again, NP_RECONSIDER_S, 0);
	ev_timer_init(&daemon->lost_timer, np_apply_settle, NP_SETTLE_S, NP_SETTLE_S);
}

void np_apply_devices_watch(struct np_daemon *daemon)
{
	int err =
		np_hotplug_open(daemon->runtime.loop, np_apply_on_event, daemon, &daemon->hotplug);

	if (err)
		np_log_warn("devices that go or come cannot be watched: %s", strerror(-err));
}

void np_apply_devices_unwatch(struct np_daemon *daemon)
{
	np_hotplug_close(daemon->hotplug);
	daemon->hotplug = NULL;
	ev_timer_stop(daemon->runtime.loop, &daemon->reconsider_timer);
	ev_timer_stop(daemon->runtime.loop, &daemon->lost_timer);
}
