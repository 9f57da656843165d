// SPDX-License-Identifier: BSD-3-Clause
/*
 * apply_reload.c - another configuration for a daemon that runs: making what is new.
 *
 * All of it is made beside what is there, and tested; if any cannot be had it is undone, and nothing has
 * changed. Then apply_commit.c puts it in place, which cannot fail.
 *
 * Thread: control.
 * Depends: apply.h, diff.h, nvme.
 */
#include "config/apply_reload.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/apply_manage.h"
#include "config/apply_mem.h"
#include "config/check.h"
#include "config/diff.h"
#include "config/json.h"
#include "target/base/log.h"

static int np_reload_no_memory(struct np_reload *reload)
{
	snprintf(reload->why, reload->why_size, "out of memory");
	return -ENOMEM;
}

/* ---- what may change at all --------------------------------------------------------------- */

static int np_reload_check(struct np_reload *reload)
{
	const struct np_cfg *cfg = reload->cfg, *old = reload->old_cfg;

	if (!np_cfg_daemon_is_equal(&cfg->daemon, &old->daemon)) {
		snprintf(reload->why, reload->why_size,
			"daemon: its settings change with a restart only");
		return -EBUSY;
	}
	for (size_t i = 0; i < cfg->n_subsystems; i++) {
		const struct np_cfg_subsys *was = np_cfg_find_subsys(old, cfg->subsystems[i].nqn);

		if (!was || np_cfg_subsys_is_like(was, &cfg->subsystems[i]))
			continue;
		snprintf(reload->why, reload->why_size,
			"subsystems[%zu].attr: of a subsystem that is there only allow_any_host "
			"changes; hosts know the rest of it",
			i);
		return -EBUSY;
	}
	return 0;
}

/* ---- making what is new ------------------------------------------------------------------- */

static bool np_reload_may_stay(const struct np_applied_ns *old, const struct np_cfg_ns *cfg)
{
	return np_cfg_ns_is_like(old->cfg, cfg) && !np_apply_has_new_size(old);
}

static int np_reload_list_namespaces(struct np_reload *reload)
{
	struct np_daemon *daemon = reload->daemon;
	unsigned int n = 0;

	for (size_t i = 0; i < reload->cfg->n_subsystems; i++) {
		const struct np_cfg_subsys *subsys = &reload->cfg->subsystems[i];

		for (size_t k = 0; k < subsys->n_namespaces; k++, n++) {
			struct np_reload_ns *ns = &reload->namespaces[n];

			ns->cfg_subsys = subsys;
			ns->cfg = &subsys->namespaces[k];
			ns->old = np_apply_find_ns(reload->old_namespaces, reload->n_old_namespaces,
				subsys->nqn, ns->cfg->nsid);
			if (!ns->old)
				ns->now = np_apply_new_applied(daemon, subsys, ns->cfg);
			else if (np_reload_may_stay(ns->old, ns->cfg))
				ns->now = ns->old;
			else
				ns->now = np_apply_new_heir(ns->old, subsys, ns->cfg);
			if (!ns->now)
				return np_reload_no_memory(reload);
			daemon->namespaces[daemon->n_namespaces++] = ns->now;
		}
	}
	return 0;
}

static struct np_subsys *np_reload_find_subsys(const struct np_reload *reload, const char *nqn)
{
	for (unsigned int i = 0; i < reload->old_target.nsubsys; i++) {
		if (!strcmp(reload->old_target.subsys[i]->nqn, nqn))
			return reload->old_target.subsys[i];
	}
	return NULL;
}

static int np_reload_make_subsystems(struct np_reload *reload)
{
	struct np_target *target = &reload->daemon->target;

	for (unsigned int i = 0; i < reload->n_subsystems; i++) {
		struct np_reload_subsys *subsys = &reload->subsystems[i];
		struct np_subsys *made;

		subsys->cfg = &reload->cfg->subsystems[i];
		subsys->subsys = np_reload_find_subsys(reload, subsys->cfg->nqn);
		made = np_apply_new_subsys(reload->daemon, subsys->cfg);
		if (!made)
			return np_reload_no_memory(reload);
		if (subsys->subsys)
			subsys->shape = made;
		else
			subsys->subsys = made;
		target->subsys[target->nsubsys++] = subsys->subsys;
		for (unsigned int k = 0; k < reload->n_namespaces; k++) {
			if (reload->namespaces[k].cfg_subsys == subsys->cfg)
				reload->namespaces[k].now->subsys = subsys->subsys;
		}
		subsys->view = np_apply_new_view(reload->daemon, subsys->subsys);
		if (!subsys->view)
			return np_reload_no_memory(reload);
	}
	return 0;
}

/* The port that is there and takes the same connections; else NULL. */
static struct np_port *np_reload_find_port(
	const struct np_reload *reload, const struct np_cfg_port *cfg)
{
	const struct np_cfg_port *was = np_cfg_find_port(reload->old_cfg, cfg->portid);

	if (!was || !np_cfg_port_is_served(was) || !np_cfg_port_is_like(was, cfg))
		return NULL;
	return np_apply_find_port(&reload->old_target, cfg->portid);
}

static int np_reload_make_ports(struct np_reload *reload)
{
	struct np_target *target = &reload->daemon->target;

	for (size_t i = 0; i < reload->cfg->n_ports; i++) {
		struct np_reload_port *port = &reload->ports[reload->n_ports];
		struct np_port *made;

		port->cfg = &reload->cfg->ports[i];
		if (!np_cfg_port_is_served(port->cfg))
			continue;
		port->port = np_reload_find_port(reload, port->cfg);
		made = np_apply_new_port(target, port->cfg);
		if (!made)
			return np_reload_no_memory(reload);
		if (port->port)
			port->shape = made;
		else
			port->port = made;
		target->ports[target->nports++] = port->port;
		reload->n_ports++;
	}
	return 0;
}

static int np_reload_bring_up(struct np_reload *reload)
{
	np_apply_new_memory(reload->daemon);
	for (unsigned int i = 0; i < reload->n_namespaces; i++) {
		struct np_reload_ns *ns = &reload->namespaces[i];

		if (ns->now == ns->old)
			continue;
		np_apply_namespace(reload->daemon, ns->now);
		if (ns->now->ns || !ns->cfg->enable)
			continue;
		snprintf(reload->why, reload->why_size, "namespace %s/%u: %s", ns->cfg_subsys->nqn,
			ns->cfg->nsid, ns->now->reason);
		return -ENODEV;
	}
	return 0;
}

/* The daemon's lists become new, empty ones. */
static int np_reload_begin(struct np_reload *reload)
{
	struct np_daemon *daemon = reload->daemon;
	const struct np_cfg *cfg = reload->cfg;
	struct np_target *target = &daemon->target;

	for (size_t i = 0; i < cfg->n_subsystems; i++)
		reload->n_namespaces += (unsigned int)cfg->subsystems[i].n_namespaces;
	reload->n_subsystems = (unsigned int)cfg->n_subsystems;
	reload->old_namespaces = daemon->namespaces;
	reload->n_old_namespaces = daemon->n_namespaces;
	reload->old_target = *target;
	daemon->namespaces = calloc(reload->n_namespaces + 1, sizeof(struct np_applied_ns *));
	daemon->n_namespaces = 0;
	target->subsys = calloc(cfg->n_subsystems + 1, sizeof(struct np_subsys *));
	target->ports = calloc(cfg->n_ports + 1, sizeof(struct np_port *));
	target->nsubsys = target->nports = 0;
	reload->namespaces = calloc(reload->n_namespaces + 1, sizeof(*reload->namespaces));
	reload->subsystems = calloc(cfg->n_subsystems + 1, sizeof(*reload->subsystems));
	reload->ports = calloc(cfg->n_ports + 1, sizeof(*reload->ports));
	reload->nothing = calloc(reload->old_target.nsubsys + 1, sizeof(struct np_view *));
	for (unsigned int i = 0; reload->nothing && i < reload->old_target.nsubsys; i++) {
		reload->nothing[i] = calloc(1, sizeof(struct np_view));
		if (!reload->nothing[i])
			return np_reload_no_memory(reload);
	}
	reload->changes = json_array();
	if (!reload->nothing || !daemon->namespaces || !target->subsys || !target->ports ||
		!reload->namespaces || !reload->subsystems || !reload->ports || !reload->changes)
		return np_reload_no_memory(reload);
	return 0;
}

static int np_reload_prepare(struct np_reload *reload)
{
	int ret = np_reload_begin(reload);

	if (!ret)
		ret = np_reload_list_namespaces(reload);
	if (!ret)
		ret = np_reload_make_subsystems(reload);
	if (!ret)
		ret = np_reload_make_ports(reload);
	if (!ret)
		ret = np_reload_bring_up(reload);
	/* The last that can fail. */
	if (!ret && np_apply_hosts(reload->cfg))
		ret = np_reload_no_memory(reload);
	return ret;
}

static void np_reload_undo(struct np_reload *reload)
{
	struct np_daemon *daemon = reload->daemon;
	struct np_target *target = &daemon->target;

	for (unsigned int i = 0; i < daemon->n_namespaces; i++) {
		struct np_reload_ns *ns = &reload->namespaces[i];

		if (ns->now == ns->old)
			continue;
		if (ns->now->ns)
			np_apply_unshare(daemon, ns->now->ns);
		np_apply_free_applied(ns->now);
	}
	for (unsigned int i = 0; i < target->nsubsys; i++) {
		struct np_reload_subsys *subsys = &reload->subsystems[i];

		free(subsys->view);
		np_subsys_free(subsys->shape ? subsys->shape : subsys->subsys);
	}
	for (unsigned int i = 0; i < target->nports; i++)
		np_apply_free_port(
			reload->ports[i].shape ? reload->ports[i].shape : reload->ports[i].port);
	free(daemon->namespaces);
	free(target->subsys);
	free(target->ports);
	daemon->namespaces = reload->old_namespaces;
	daemon->n_namespaces = reload->n_old_namespaces;
	target->subsys = reload->old_target.subsys;
	target->nsubsys = reload->old_target.nsubsys;
	target->ports = reload->old_target.ports;
	target->nports = reload->old_target.nports;
}

int np_apply_reload(struct np_daemon *daemon, struct np_cfg *cfg, json_t **ret_changes, char *why,
	size_t why_size)
{
	struct np_cfg *old_cfg = daemon->cfg;
	struct np_reload reload = {
		.daemon = daemon, .cfg = cfg, .old_cfg = old_cfg, .why = why, .why_size = why_size};
	int ret = np_reload_check(&reload);

	if (ret)
		return ret;
	ret = np_reload_prepare(&reload);
	if (ret)
		np_reload_undo(&reload);
	else
		np_reload_commit(&reload);
	for (unsigned int i = 0; reload.nothing && i < reload.old_target.nsubsys; i++)
		free(reload.nothing[i]);
	free(reload.nothing);
	free(reload.namespaces);
	free(reload.subsystems);
	free(reload.ports);
	if (ret) {
		json_decref(reload.changes);
		return ret;
	}
	daemon->cfg = cfg;
	np_apply_retire_cfg(daemon, old_cfg);
	*ret_changes = reload.changes;
	return 0;
}

static void np_reload_warn(void *ctx, const char *path, const char *msg)
{
	np_log_warn("%s: %s: %s", (const char *)ctx, path, msg);
}

int np_apply_reload_file(struct np_daemon *daemon, json_t **ret_changes, char *why, size_t why_size)
{
	char path[PATH_MAX];
	struct np_cfg_diag diag = {.warn = np_reload_warn, .ctx = path};
	struct np_cfg *cfg;
	int ret;

	snprintf(path, sizeof(path), "%s", daemon->config_path);
	ret = np_cfg_load(path, &diag, &cfg);
	if (ret) {
		snprintf(why, why_size, "%s", diag.error[0] ? diag.error : strerror(-ret));
		return ret;
	}
	ret = np_cfg_check(cfg, &diag);
	if (ret)
		snprintf(why, why_size, "%s", diag.error);
	if (!ret)
		ret = np_apply_reload_created(daemon, cfg, why, why_size);
	if (!ret)
		ret = np_apply_reload(daemon, cfg, ret_changes, why, why_size);
	if (ret)
		np_cfg_free(cfg);
	return ret;
}
