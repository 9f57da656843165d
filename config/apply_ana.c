// SPDX-License-Identifier: BSD-3-Clause
/*
 * apply_ana.c - which port gives access to which group of namespaces, changed under connected hosts.
 *
 * Thread: control.
 * Depends: apply.h, apply_rpc.h, ana.h, jansson.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/apply.h"
#include "config/apply_rpc.h"
#include "config/text.h"
#include "target/base/event.h"

/* Return: -EINVAL, after saying what the method takes. */
static int np_apply_bad_params(struct np_rpc_error *error, const char *takes)
{
	error->code = NP_RPC_INVALID_PARAMS;
	snprintf(error->message, sizeof(error->message), "params: %s", takes);
	return -EINVAL;
}

/* Return: the member @key if it is an integer from 0 to @max; else -1. */
static int64_t np_apply_number(const json_t *params, const char *key, int64_t max)
{
	const json_t *value = json_object_get(params, key);
	const json_int_t number = json_integer_value(value);

	return json_is_integer(value) && number >= 0 && number <= max ? (int64_t)number : -1;
}

/* Return: the group that "grpid" names, 0 if it names none. */
static uint32_t np_apply_group(const json_t *params)
{
	const int64_t group = np_apply_number(params, "grpid", NP_ANA_GROUPS);

	return group > 0 ? (uint32_t)group : 0;
}

/* ---- the state of a group at a port ------------------------------------------------------- */

static void np_apply_set_ana(struct np_port *port, uint32_t group, unsigned int state)
{
	if (!np_ana_set(&port->ana, group, (enum nvme_ana_state)state))
		return;
	np_event(NP_EVENT_NAMESPACE, NP_LOG_INFO, "port %u: ANA group %u is %s now", port->portid,
		group, np_cfg_name_of(np_cfg_ana_state_names, state));
	np_apply_tell_ana(port, group);
}

static enum np_cfg_ana_state np_apply_wanted_state(const struct np_cfg_port *cfg, uint32_t group)
{
	for (size_t i = 0; i < cfg->n_ana_groups; i++) {
		if (cfg->ana_groups[i].grpid == group)
			return cfg->ana_groups[i].state;
	}
	return NP_CFG_ANA_OPTIMIZED;
}

void np_apply_change_ana(
	struct np_port *port, const struct np_cfg_port *was, const struct np_cfg_port *cfg)
{
	for (uint32_t group = 1; group <= NP_ANA_GROUPS; group++) {
		const enum np_cfg_ana_state state = np_apply_wanted_state(cfg, group);

		/* What the operator has set by hand meanwhile stays, unless this was changed, too. */
		if (state != np_apply_wanted_state(was, group))
			np_apply_set_ana(port, group, state);
	}
}

/* Return: its value in enum nvme_ana_state, 0 for an unknown name. */
static unsigned int np_apply_parse_state(const char *name)
{
	for (const struct np_cfg_name *state = np_cfg_ana_state_names; name && state->name;
		state++) {
		if (!strcmp(state->name, name))
			return state->value;
	}
	return 0;
}

int np_apply_rpc_set_ana_state(
	void *ctx, const json_t *params, json_t **ret_result, struct np_rpc_error *error)
{
	static const char takes[] =
		"portid, grpid (1 to 128), and state: optimized, non-optimized, inaccessible, "
		"persistent-loss or change";
	const char *name = json_string_value(json_object_get(params, "state"));
	const int64_t portid = np_apply_number(params, "portid", UINT16_MAX);
	const unsigned int state = np_apply_parse_state(name);
	const uint32_t group = np_apply_group(params);
	struct np_daemon *daemon = ctx;
	struct np_port *port;

	if (portid < 0 || !group || !state)
		return np_apply_bad_params(error, takes);
	port = np_apply_find_port(&daemon->target, portid);
	if (!port) {
		snprintf(
			error->message, sizeof(error->message), "there is no port %d", (int)portid);
		return -ENOENT;
	}
	np_apply_set_ana(port, group, state);
	*ret_result = json_pack(
		"{s:i, s:i, s:s}", "portid", (int)portid, "grpid", (int)group, "state", name);
	return 0;
}

/* ---- the group of a namespace ------------------------------------------------------------- */

void np_apply_move(struct np_applied_ns *applied, uint32_t group)
{
	const struct np_target *target = &applied->daemon->target;

	if (applied->ana_group == group)
		return;
	applied->ana_group = group;
	if (applied->ns)
		atomic_store(&applied->ns->ana_group, group);
	np_event(NP_EVENT_NAMESPACE, NP_LOG_INFO, "namespace %s/%u is in ANA group %u now",
		applied->cfg_subsys->nqn, applied->cfg->nsid, group);
	/* First where it is; then that the group which it has come to is another one. */
	np_apply_tell_hosts(applied, NP_AEN_NS_CHANGED, 0);
	for (unsigned int i = 0; i < target->nports; i++)
		np_apply_tell_ana(target->ports[i], group);
}

int np_apply_rpc_set_ana_group(
	void *ctx, const json_t *params, json_t **ret_result, struct np_rpc_error *error)
{
	const char *nqn = json_string_value(json_object_get(params, "nqn"));
	const int64_t nsid = np_apply_number(params, "nsid", NP_CFG_NSID_MAX);
	const uint32_t group = np_apply_group(params);
	struct np_daemon *daemon = ctx;
	struct np_applied_ns *applied;

	if (!nqn || nsid < 1 || !group)
		return np_apply_bad_params(error, "nqn, nsid and grpid (1 to 128)");
	applied = np_apply_find_ns(daemon->namespaces, daemon->n_namespaces, nqn, nsid);
	if (!applied) {
		snprintf(error->message, sizeof(error->message), "there is no namespace %.200s/%u",
			nqn, (unsigned int)nsid);
		return -ENOENT;
	}
	np_apply_move(applied, group);
	*ret_result = json_pack(
		"{s:s, s:I, s:i}", "nqn", nqn, "nsid", (json_int_t)nsid, "grpid", (int)group);
	return 0;
}
