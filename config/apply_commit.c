// SPDX-License-Identifier: BSD-3-Clause
/*
 * apply_commit.c - another configuration for a daemon that runs: putting in place what was prepared.
 *
 * What goes is taken away from hosts first, ports that are new listen last. What is gone is freed when
 * nobody uses it any more (apply_retire.c).
 *
 * Thread: control.
 * Depends: apply_reload.h, diff.h, nvme.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/apply_reload.h"
#include "config/diff.h"
#include "target/base/event.h"
#include "target/nvme/registry.h"

static void np_reload_note(struct np_reload *reload, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void np_reload_note(struct np_reload *reload, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	np_event(NP_EVENT_DAEMON, NP_LOG_INFO, "reload: %s", text);
	json_array_append_new(reload->changes, json_string(text));
}

struct np_reload_farewell {
	const struct np_port *port; /* or: */
	const struct np_subsys *subsys;
};

static void np_reload_disconnect(void *ctx, struct np_ctrl *ctrl)
{
	const struct np_reload_farewell *from = ctx;

	if (ctrl->port == from->port)
		np_registry_disconnect(ctrl, "its port was removed");
	else if (ctrl->subsys == from->subsys)
		np_registry_disconnect(ctrl, "its subsystem was removed");
}

static void np_reload_remove_ports(struct np_reload *reload)
{
	struct np_daemon *daemon = reload->daemon;

	for (unsigned int i = 0; i < reload->old_target.nports; i++) {
		struct np_port *port = reload->old_target.ports[i];
		struct np_reload_farewell from = {.port = port};

		if (np_apply_find_port(&daemon->target, port->portid) == port)
			continue;
		np_reload_note(reload, "port %u on %s %s removed", port->portid, port->traddr,
			port->trsvcid);
		np_apply_unlisten(daemon, port, "removed");
		np_registry_each(np_reload_disconnect, &from);
		np_apply_retire_port(daemon, port);
	}
}

/* Those that stay take over what they offer. */
static void np_reload_change_ports(struct np_reload *reload)
{
	for (unsigned int i = 0; i < reload->n_ports; i++) {
		struct np_reload_port *port = &reload->ports[i];

		if (!port->shape)
			continue;
		if (np_apply_swap_offers(port->port, port->shape))
			np_reload_note(reload, "port %u offers other subsystems or referrals",
				port->port->portid);
		np_apply_free_port(port->shape);
		np_apply_change_ana(port->port,
			np_cfg_find_port(reload->old_cfg, port->cfg->portid), port->cfg);
	}
}

static void np_reload_remove_subsystems(struct np_reload *reload)
{
	struct np_daemon *daemon = reload->daemon;

	for (unsigned int i = 0; i < reload->old_target.nsubsys; i++) {
		struct np_subsys *subsys = reload->old_target.subsys[i];
		struct np_reload_farewell from = {.subsys = subsys};
		bool stays = false;

		for (unsigned int k = 0; k < daemon->target.nsubsys; k++)
			stays |= daemon->target.subsys[k] == subsys;
		if (stays)
			continue;
		np_reload_note(reload, "subsystem %s removed", subsys->nqn);
		/* Nothing is listed for it any more: commands find no namespace. */
		np_apply_publish(daemon, subsys, reload->nothing[i]);
		reload->nothing[i] = NULL;
		np_registry_each(np_reload_disconnect, &from);
		np_apply_retire_subsys(daemon, subsys);
	}
}

static void np_reload_change_subsystems(struct np_reload *reload)
{
	for (unsigned int i = 0; i < reload->n_subsystems; i++) {
		struct np_reload_subsys *subsys = &reload->subsystems[i];

		if (!subsys->shape)
			np_reload_note(reload, "subsystem %s added", subsys->cfg->nqn);
		else if (np_apply_swap_access(subsys->subsys, subsys->shape))
			np_reload_note(reload, "subsystem %s allows other hosts", subsys->cfg->nqn);
		np_subsys_free(subsys->shape);
		np_apply_publish(reload->daemon, subsys->subsys, subsys->view);
	}
}

static void np_reload_change_namespace(struct np_reload *reload, struct np_reload_ns *ns)
{
	const char *nqn = ns->cfg_subsys->nqn;

	if (!ns->old) {
		np_reload_note(reload, "namespace %s/%u added", nqn, ns->cfg->nsid);
	} else if (ns->now != ns->old) {
		np_reload_note(reload, "namespace %s/%u changed", nqn, ns->cfg->nsid);
		np_apply_inherit(ns->now, ns->old);
	} else if (!np_cfg_ns_sees_alike(ns->old->cfg, ns->cfg)) {
		np_reload_note(reload, "namespace %s/%u is for other hosts", nqn, ns->cfg->nsid);
	}
	if (ns->old && ns->now == ns->old &&
		!np_cfg_qos_is_equal(&ns->old->cfg->qos, &ns->cfg->qos)) {
		np_reload_note(reload, "namespace %s/%u has other limits", nqn, ns->cfg->nsid);
		if (ns->now->ns)
			np_apply_set_qos(ns->now->ns, &ns->cfg->qos);
	}
	if (ns->old && np_apply_ana_group(ns->cfg) != np_apply_ana_group(ns->old->cfg))
		np_apply_move(ns->now, np_apply_ana_group(ns->cfg));
	ns->now->cfg = ns->cfg;
	ns->now->cfg_subsys = ns->cfg_subsys;
}

/* Of what was there, what is not any more. After the new views are published. */
static void np_reload_retire_namespaces(struct np_reload *reload)
{
	for (unsigned int i = 0; i < reload->n_old_namespaces; i++) {
		struct np_applied_ns *old = reload->old_namespaces[i];
		bool stays = false, is_replaced = false;

		for (unsigned int k = 0; k < reload->n_namespaces; k++) {
			stays |= reload->namespaces[k].now == old;
			is_replaced |= reload->namespaces[k].old == old;
		}
		if (stays)
			continue;
		if (!is_replaced) {
			np_reload_note(reload, "namespace %s/%u removed", old->cfg_subsys->nqn,
				old->cfg->nsid);
			np_apply_forget(old);
		}
		np_apply_retire_applied(reload->daemon, old);
	}
}

/* Their secrets are in force already. */
static void np_reload_change_hosts(struct np_reload *reload)
{
	static const struct np_cfg_host nobody;

	for (size_t i = 0; i < reload->cfg->n_hosts; i++) {
		const struct np_cfg_host *now = &reload->cfg->hosts[i];
		const struct np_cfg_host *old = np_cfg_find_host(reload->old_cfg, now->nqn);

		if (!old)
			old = &nobody;
		if (!np_cfg_host_secrets_are_equal(now, old))
			np_reload_note(reload, "host %s has other secrets", now->nqn);
		else if (now->dhchap_key &&
			(now->dhchap_hash != old->dhchap_hash ||
				now->dhchap_dhgroup != old->dhchap_dhgroup))
			np_reload_note(reload, "host %s has another dhchap_hash or dhchap_dhgroup",
				now->nqn);
	}
	for (size_t i = 0; i < reload->old_cfg->n_hosts; i++) {
		const struct np_cfg_host *old = &reload->old_cfg->hosts[i];

		if (old->dhchap_key && !np_cfg_find_host(reload->cfg, old->nqn))
			np_reload_note(reload, "host %s is gone, with its secret", old->nqn);
	}
}

static void np_reload_add_ports(struct np_reload *reload)
{
	for (unsigned int i = 0; i < reload->n_ports; i++) {
		struct np_port *port = reload->ports[i].port;

		if (reload->ports[i].shape)
			continue;
		np_reload_note(reload, "port %u on %s %s added", port->portid, port->traddr,
			port->trsvcid);
		np_apply_listen(reload->daemon, port);
	}
}

void np_reload_commit(struct np_reload *reload)
{
	struct np_daemon *daemon = reload->daemon;

	np_reload_change_hosts(reload);
	np_reload_remove_ports(reload);
	np_reload_change_ports(reload);
	np_reload_remove_subsystems(reload);
	for (unsigned int i = 0; i < reload->n_namespaces; i++)
		np_reload_change_namespace(reload, &reload->namespaces[i]);
	np_reload_change_subsystems(reload);
	np_reload_retire_namespaces(reload);
	np_reload_add_ports(reload);
	if (json_array_size(reload->changes))
		np_apply_discovery_changed(daemon);
	daemon->state.dir = reload->cfg->daemon.state_dir;
	for (size_t i = 0; i < reload->cfg->daemon.n_memory; i++)
		daemon->memory[i].cfg = &reload->cfg->daemon.memory[i];
	free(reload->old_namespaces);
	free(reload->old_target.subsys);
	free(reload->old_target.ports);
}
