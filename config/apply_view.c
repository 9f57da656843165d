// SPDX-License-Identifier: BSD-3-Clause
/*
 * apply_view.c - namespaces come and go while hosts are connected.
 *
 * A new view is published, every reactor passes through its loop once, and the old view is gone.
 * A namespace that no view has any more is freed when no command holds it.
 *
 * Thread: control.
 * Depends: nvme, reactor.
 */
#include <stdlib.h>

#include "config/apply.h"
#include "target/nvme/registry.h"
#include "target/reactor/call.h"

#define NP_RETIRE_S 0.02

static void np_apply_passed(struct np_msg *msg)
{
	np_call_done(np_container_of(msg, struct np_call, msg));
}

/* Returns when every reactor has been in its loop: what it read before, it has forgotten. */
static void np_apply_barrier(struct np_daemon *daemon)
{
	struct np_call call;

	for (unsigned int i = 0; i < daemon->runtime.nreactors; i++)
		np_call(&call, daemon->runtime.reactors[i], np_apply_passed);
}

void np_apply_publish(
	struct np_daemon *daemon, const struct np_cfg_subsys *cfg, struct np_view *view)
{
	struct np_subsys *subsys = daemon->target.subsys[cfg - daemon->cfg->subsystems];
	struct np_view *old;

	np_apply_fill_view(daemon, cfg, view);
	old = atomic_exchange(&subsys->view, view);
	np_apply_barrier(daemon);
	free(old);
}

/* ---- telling the hosts -------------------------------------------------------------------- */

struct np_changed_ns {
	const struct np_subsys *subsys;
	uint32_t nsid;
};

static void np_apply_tell_ns_changed(void *ctx, struct np_ctrl *ctrl)
{
	const struct np_changed_ns *what = ctx;

	if (ctrl->subsys == what->subsys)
		np_registry_tell(ctrl, NP_AEN_NS_CHANGED, what->nsid, 0);
}

void np_apply_tell_hosts(struct np_daemon *daemon, const struct np_applied_ns *applied)
{
	struct np_changed_ns what = {
		.subsys = daemon->target.subsys[applied->cfg_subsys - daemon->cfg->subsystems],
		.nsid = applied->cfg->nsid,
	};

	np_registry_each(np_apply_tell_ns_changed, &what);
}

struct np_changed_group {
	const struct np_port *port;
	uint32_t group;
};

static void np_apply_tell_ana_changed(void *ctx, struct np_ctrl *ctrl)
{
	const struct np_view *view = np_subsys_view(ctrl->subsys);
	const struct np_changed_group *what = ctx;

	for (unsigned int i = 0; ctrl->port == what->port && i < view->nns; i++) {
		if (np_ns_group(view->ns[i]) != what->group)
			continue;
		np_registry_tell(ctrl, NP_AEN_ANA_CHANGED, 0, 0);
		return;
	}
}

void np_apply_tell_ana(const struct np_port *port, uint32_t group)
{
	struct np_changed_group what = {.port = port, .group = group};

	np_registry_each(np_apply_tell_ana_changed, &what);
}

/* ---- retiring ----------------------------------------------------------------------------- */

static void np_apply_free_retired(struct np_daemon *daemon, bool all)
{
	struct np_list *pos, *tmp;

	np_list_for_each_safe(pos, tmp, &daemon->retired) {
		struct np_ns *ns = np_container_of(pos, struct np_ns, link);

		if (!all && np_ns_is_used(ns))
			continue;
		np_list_del(&ns->link);
		np_apply_free_ns(ns);
	}
}

static void np_apply_retire_later(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct np_daemon *daemon = np_container_of(timer, struct np_daemon, retire_timer);

	(void)events;
	np_apply_free_retired(daemon, false);
	if (np_list_is_empty(&daemon->retired))
		ev_timer_stop(loop, timer);
}

void np_apply_retire_init(struct np_daemon *daemon)
{
	np_list_init(&daemon->retired);
	ev_timer_init(&daemon->retire_timer, np_apply_retire_later, NP_RETIRE_S, NP_RETIRE_S);
}

void np_apply_retire_fini(struct np_daemon *daemon)
{
	ev_timer_stop(daemon->runtime.loop, &daemon->retire_timer);
	np_apply_free_retired(daemon, true);
}

void np_apply_retire(struct np_daemon *daemon, struct np_ns *ns)
{
	np_apply_unshare(daemon, ns);
	np_list_add_tail(&daemon->retired, &ns->link);
	ev_timer_start(daemon->runtime.loop, &daemon->retire_timer);
}
