// SPDX-License-Identifier: BSD-3-Clause
/*
 * apply_retire.c - what is offered no more: it is freed when nobody uses it.
 *
 * Thread: control.
 * Depends: nvme, transport.
 */
#include <stdlib.h>

#include "config/apply.h"
#include "target/nvme/registry.h"

#define NP_RETIRE_S 0.02

/* ---- who uses it? ------------------------------------------------------------------------- */

struct np_retire_use {
	const struct np_port *port; /* or: */
	const struct np_subsys *subsys;
	bool is_used;
};

static void np_retire_look_at_ctrl(void *ctx, struct np_ctrl *ctrl)
{
	struct np_retire_use *use = ctx;

	use->is_used |= ctrl->port == use->port || ctrl->subsys == use->subsys;
}

static void np_retire_look_at_conn(void *ctx, const struct np_conn_info *info)
{
	struct np_retire_use *use = ctx;

	use->is_used |= info->queue->port == use->port;
}

static bool np_retire_is_port_used(const struct np_daemon *daemon, const struct np_port *port)
{
	struct np_retire_use use = {.port = port};
	const struct np_transport_visitor visitor = {.ctx = &use, .conn = np_retire_look_at_conn};

	np_registry_each(np_retire_look_at_ctrl, &use);
	daemon->transport->ops->describe(daemon->transport, &visitor);
	return use.is_used;
}

static bool np_retire_is_subsys_used(const struct np_subsys *subsys)
{
	struct np_retire_use use = {.subsys = subsys};

	np_registry_each(np_retire_look_at_ctrl, &use);
	return use.is_used;
}

static bool np_retire_owns_any(const struct np_daemon *daemon, const struct np_applied_ns *applied)
{
	struct np_list *pos;

	np_list_for_each(pos, &daemon->retired) {
		if (np_container_of(pos, struct np_ns, link)->owner == applied)
			return true;
	}
	return false;
}

/* ---- freeing ------------------------------------------------------------------------------ */

static void np_retire_free_namespaces(struct np_daemon *daemon, bool all)
{
	struct np_list *pos, *tmp;

	np_list_for_each_safe(pos, tmp, &daemon->retired) {
		struct np_ns *ns = np_container_of(pos, struct np_ns, link);

		if (!all && np_ns_is_used(ns))
			continue;
		np_list_del(&ns->link);
		np_apply_free_ns(ns);
	}
	np_list_for_each_safe(pos, tmp, &daemon->retired_applied) {
		struct np_applied_ns *applied = np_container_of(pos, struct np_applied_ns, link);

		if (!all && np_retire_owns_any(daemon, applied))
			continue;
		/* A reactor's last word about it may still be in the mailbox: not before the next turn. */
		if (!all && !applied->is_idle) {
			applied->is_idle = true;
			continue;
		}
		np_list_del(&applied->link);
		np_apply_free_applied(applied);
	}
}

static void np_retire_free_target(struct np_daemon *daemon, bool all)
{
	struct np_list *pos, *tmp;

	np_list_for_each_safe(pos, tmp, &daemon->retired_ports) {
		struct np_port *port = np_container_of(pos, struct np_port, link);

		if (!all && np_retire_is_port_used(daemon, port))
			continue;
		np_list_del(&port->link);
		np_apply_free_port(port);
	}
	np_list_for_each_safe(pos, tmp, &daemon->retired_subsystems) {
		struct np_subsys *subsys = np_container_of(pos, struct np_subsys, link);

		if (!all && np_retire_is_subsys_used(subsys))
			continue;
		np_list_del(&subsys->link);
		np_subsys_free(subsys);
	}
}

/* Is nothing left of what was offered once? */
static bool np_retire_is_done(const struct np_daemon *daemon)
{
	return np_list_is_empty(&daemon->retired) && np_list_is_empty(&daemon->retired_applied) &&
		np_list_is_empty(&daemon->retired_ports) &&
		np_list_is_empty(&daemon->retired_subsystems);
}

static void np_retire_free_cfgs(struct np_daemon *daemon)
{
	struct np_list *node;

	while ((node = np_list_pop(&daemon->retired_cfgs)) != NULL)
		np_cfg_free(np_container_of(node, struct np_cfg, link));
}

static void np_retire_later(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct np_daemon *daemon = np_container_of(timer, struct np_daemon, retire_timer);

	(void)events;
	np_retire_free_namespaces(daemon, false);
	np_retire_free_target(daemon, false);
	if (!np_retire_is_done(daemon))
		return;
	np_retire_free_cfgs(daemon);
	ev_timer_stop(loop, timer);
}

void np_apply_retire_init(struct np_daemon *daemon)
{
	np_list_init(&daemon->retired);
	np_list_init(&daemon->retired_applied);
	np_list_init(&daemon->retired_ports);
	np_list_init(&daemon->retired_subsystems);
	np_list_init(&daemon->retired_cfgs);
	ev_timer_init(&daemon->retire_timer, np_retire_later, NP_RETIRE_S, NP_RETIRE_S);
}

void np_apply_retire_fini(struct np_daemon *daemon)
{
	ev_timer_stop(daemon->runtime.loop, &daemon->retire_timer);
	np_retire_free_namespaces(daemon, true);
	np_retire_free_target(daemon, true);
	np_retire_free_cfgs(daemon);
}

/* ---- retiring ----------------------------------------------------------------------------- */

static void np_retire_add(struct np_daemon *daemon, struct np_list *list, struct np_list *link)
{
	np_list_add_tail(list, link);
	ev_timer_start(daemon->runtime.loop, &daemon->retire_timer);
}

void np_apply_retire(struct np_daemon *daemon, struct np_ns *ns)
{
	np_apply_unshare(daemon, ns);
	np_retire_add(daemon, &daemon->retired, &ns->link);
}

void np_apply_retire_applied(struct np_daemon *daemon, struct np_applied_ns *applied)
{
	if (applied->ns)
		np_apply_retire(daemon, applied->ns);
	applied->ns = NULL;
	np_retire_add(daemon, &daemon->retired_applied, &applied->link);
}

void np_apply_retire_port(struct np_daemon *daemon, struct np_port *port)
{
	np_retire_add(daemon, &daemon->retired_ports, &port->link);
}

void np_apply_retire_subsys(struct np_daemon *daemon, struct np_subsys *subsys)
{
	np_retire_add(daemon, &daemon->retired_subsystems, &subsys->link);
}

void np_apply_retire_cfg(struct np_daemon *daemon, struct np_cfg *cfg)
{
	np_retire_add(daemon, &daemon->retired_cfgs, &cfg->link);
}
