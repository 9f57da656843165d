// SPDX-License-Identifier: BSD-3-Clause
/*
 * report.c - what the daemon knows of itself, as JSON: its status, and the table of all reports.
 *
 * Thread: control. Reactors' counters are read with relaxed loads.
 * Depends: apply.h, jansson.
 */
#include "config/report.h"

#include <stdio.h>
#include <string.h>

#include "config/apply.h"
#include "config/apply_rpc.h"
#include "config/report_json.h"
#include "config/text.h"
#include "target/base/event.h"
#include "target/nvme/ctrl.h"

static void np_report_uuid(const uint8_t uuid[16], char ret_text[37])
{
	char *at = ret_text;

	for (unsigned int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*at++ = '-';
		at += snprintf(at, 3, "%02x", uuid[i]);
	}
}

/* Groups that have namespaces, or another state than the usual one. */
static json_t *np_report_groups(const struct np_daemon *daemon, const struct np_ana *ana)
{
	struct np_report_list groups = {.list = json_array()};
	unsigned int nnamespaces[NP_ANA_GROUPS + 1] = {0};

	for (unsigned int i = 0; i < daemon->n_namespaces; i++)
		nnamespaces[daemon->namespaces[i]->ana_group]++;
	for (uint32_t group = 1; group <= NP_ANA_GROUPS; group++) {
		const enum nvme_ana_state state = np_ana_state(ana, group);

		if (nnamespaces[group] || state != NVME_ANA_STATE_OPTIMIZED)
			np_report_append(&groups,
				json_pack("{s:i, s:s, s:I, s:i}", "grpid", (int)group, "state",
					np_cfg_name_of(np_cfg_ana_state_names, state), "changes",
					np_report_int(atomic_load(&ana->changes[group - 1])),
					"namespaces", (int)nnamespaces[group]));
	}
	return np_report_take(&groups);
}

static json_t *np_report_ports(const struct np_daemon *daemon)
{
	static const char *const states[] = {
		[NP_PORT_CLOSED] = "closed",
		[NP_PORT_RETRYING] = "retrying",
		[NP_PORT_LISTENING] = "listening",
	};
	struct np_report_list ports = {.list = json_array()};

	for (unsigned int i = 0; i < daemon->target.nports; i++) {
		const struct np_port *port = daemon->target.ports[i];

		np_report_append(&ports,
			json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:o}", "portid",
				(int)port->portid, "traddr", port->traddr, "trsvcid", port->trsvcid,
				"adrfam", port->is_ipv6 ? "ipv6" : "ipv4", "state",
				states[port->state], "reason", port->reason, "ana_groups",
				np_report_groups(daemon, &port->ana)));
	}
	return np_report_take(&ports);
}

static void np_report_device(void *ctx, const struct np_device_info *info)
{
	np_report_append(ctx,
		json_pack("{s:s, s:b, s:i}", "name", info->name, "odp", (int)info->has_odp, "mtu",
			(int)info->mtu));
}

static json_t *np_report_devices(const struct np_daemon *daemon)
{
	struct np_report_list devices = {.list = json_array()};
	const struct np_transport_visitor visitor = {.ctx = &devices, .device = np_report_device};

	daemon->transport->ops->describe(daemon->transport, &visitor);
	return np_report_take(&devices);
}

/* "degraded": peer memory is in use, but some connection cannot reach it. */
struct np_report_reach {
	const struct np_applied_ns *applied;
	unsigned int without;
	char reason[192];
};

static void np_report_reach_conn(void *ctx, const struct np_conn_info *info)
{
	const struct np_queue *queue = info->queue;
	struct np_report_reach *reach = ctx;
	const struct np_applied_path *path = &reach->applied->paths[queue->rnic];

	if (queue->qid == 0 || (path->region && np_queue_may_use(queue, path->region)))
		return;
	reach->without++;
	snprintf(reach->reason, sizeof(reach->reason), "%s",
		path->region ? queue->p2p_reason : path->reason);
}

/* The memory that carries the namespace's data, by RNIC. */
static json_t *np_report_paths(const struct np_applied_ns *applied)
{
	struct np_report_list paths = {.list = json_array()};

	for (unsigned int id = 0; applied->ns && id < NP_MAX_RNICS; id++) {
		const struct np_applied_path *path = &applied->paths[id];

		if (path->is_known)
			np_report_append(&paths,
				json_pack("{s:s, s:s, s:s}", "device", path->rnic, "provider",
					path->region ? path->region->name : "host", "reason",
					path->reason));
	}
	return np_report_take(&paths);
}

/* The first peer memory of any RNIC, or NULL. */
static const struct np_mem_region *np_report_peer(const struct np_applied_ns *applied)
{
	for (unsigned int id = 0; applied->ns && id < NP_MAX_RNICS; id++) {
		if (applied->paths[id].region && applied->paths[id].region->is_peer)
			return applied->paths[id].region;
	}
	return NULL;
}

/* Who holds the namespace; null if nobody does. */
static json_t *np_report_reservation(const struct np_applied_ns *applied)
{
	static const char *const types[] = {
		[NVME_RESERVATION_RTYPE_WE] = "write exclusive",
		[NVME_RESERVATION_RTYPE_EA] = "exclusive access",
		[NVME_RESERVATION_RTYPE_WERO] = "write exclusive, registrants only",
		[NVME_RESERVATION_RTYPE_EARO] = "exclusive access, registrants only",
		[NVME_RESERVATION_RTYPE_WEAR] = "write exclusive, all registrants",
		[NVME_RESERVATION_RTYPE_EAAR] = "exclusive access, all registrants",
	};
	const struct np_resv *resv =
		applied->cfg->resv_enable ? atomic_load(&applied->resv->now) : NULL;
	struct np_report_list holders = {.list = NULL};
	char hostid[37];

	if (!resv || !resv->type)
		return json_null();
	holders.list = json_array();
	for (uint32_t i = 0; i < resv->count; i++) {
		if (!np_resv_is_holder(resv, i))
			continue;
		np_report_uuid(resv->list[i].hostid, hostid);
		np_report_append(&holders, json_string(hostid));
	}
	return json_pack("{s:s, s:o, s:i, s:b}", "type", types[resv->type], "holders",
		np_report_take(&holders), "registrants", (int)resv->count, "persists",
		(int)resv->persists);
}

/* What its drive warns of. */
static json_t *np_report_warnings(const struct np_applied_ns *applied)
{
	struct np_report_list warnings = {.list = json_array()};

	for (unsigned int bit = 1; bit <= UINT8_MAX; bit <<= 1) {
		if (applied->ns && applied->health.warnings & bit)
			np_report_append(&warnings, json_string(np_apply_warning(bit)));
	}
	return np_report_take(&warnings);
}

static json_t *np_report_ns(const struct np_daemon *daemon, const struct np_applied_ns *applied)
{
	const struct np_ns *ns = applied->ns;
	const struct np_mem_region *peer = np_report_peer(applied);
	struct np_report_reach reach = {.applied = applied};
	const struct np_transport_visitor visitor = {.ctx = &reach, .conn = np_report_reach_conn};
	const char *device = applied->cfg->device.path ? applied->cfg->device.path : "null";
	char p2pmem[NP_CFG_TEXT_MAX], uuid[37] = "", reason[512];
	const char *p2p = "off";

	np_cfg_format_p2pmem(&applied->cfg->p2pmem, p2pmem, sizeof(p2pmem));
	snprintf(reason, sizeof(reason), "%s", applied->p2p_reason);
	if (ns)
		np_report_uuid(ns->uuid, uuid);
	if (peer) {
		daemon->transport->ops->describe(daemon->transport, &visitor);
		p2p = reach.without ? "degraded" : "on";
		if (reach.without)
			snprintf(reason, sizeof(reason), "%u connections are staged: %s",
				reach.without, reach.reason);
	}
	return json_pack("{s:s, s:I, s:s, s:s, s:i, s:s, s:b, s:s, s:I, s:I, s:s, s:s, s:s, s:s, "
			 "s:s, s:o, s:o, s:b, s:o, s:b}",
		"nqn", applied->cfg_subsys->nqn, "nsid", np_report_int(applied->cfg->nsid), "state",
		ns ? "up" : "down", "reason", applied->reason, "ana_grpid", (int)applied->ana_group,
		"engine", ns ? ns->backend->ops->name : "", "io_poll", ns && ns->backend->is_polled,
		"device", device, "size_bytes",
		ns ? np_report_int(ns->nblocks << ns->lba_shift) : 0, "block_bytes",
		ns ? np_report_int(UINT64_C(1) << ns->lba_shift) : 0, "uuid", uuid, "p2pmem",
		p2pmem, "provider",
		!ns            ? ""
			: peer ? peer->name
			       : "host",
		"p2p", p2p, "p2p_reason", reason, "paths", np_report_paths(applied), "reservation",
		np_report_reservation(applied), "write_protected", (int)applied->is_protected,
		"drive_warnings", np_report_warnings(applied), "created_by_host",
		(int)applied->cfg->is_created);
}

static int np_report_status(
	void *ctx, const json_t *params, json_t **ret_result, struct np_rpc_error *error)
{
	const struct np_daemon *daemon = ctx;
	struct np_report_list namespaces = {.list = json_array()};
	json_t *result;

	(void)params;
	(void)error;
	for (unsigned int i = 0; i < daemon->n_namespaces; i++)
		np_report_append(&namespaces, np_report_ns(daemon, daemon->namespaces[i]));
	result = json_pack("{s:s, s:I, s:o, s:o, s:o}", "version", NP_VERSION, "uptime_s",
		(json_int_t)(ev_now(daemon->runtime.loop) - daemon->started), "ports",
		np_report_ports(daemon), "devices", np_report_devices(daemon), "namespaces",
		np_report_take(&namespaces));
	return np_report_finish(result, ret_result);
}

/* ---- events ------------------------------------------------------------------------------- */

/* {"after": N}: those with a higher number. Return: true unless it is no number. */
static bool np_report_after(const json_t *params, uint64_t *ret_after)
{
	const json_t *after = json_object_get(params, "after");

	*ret_after = 0;
	if (!params)
		return true;
	if (!json_is_object(params) || (after && !json_is_integer(after)) ||
		json_integer_value(after) < 0)
		return false;
	*ret_after = (uint64_t)json_integer_value(after);
	return true;
}

static int np_report_events(
	void *ctx, const json_t *params, json_t **ret_result, struct np_rpc_error *error)
{
	static const char *const levels[] = {"error", "warning", "info", "debug"};
	struct np_report_list events = {.list = NULL};
	const struct np_event *event;
	uint64_t after;

	(void)ctx;
	if (!np_report_after(params, &after)) {
		error->code = NP_RPC_INVALID_PARAMS;
		snprintf(error->message, sizeof(error->message),
			"params: an object whose \"after\" is the number of an event");
		return -EINVAL;
	}
	events.list = json_array();
	while ((event = np_event_next(after)) != NULL) {
		np_report_append(&events,
			json_pack("{s:I, s:I, s:s, s:s, s:s}", "number",
				np_report_int(event->number), "time_ms",
				np_report_int(event->time_ms), "kind",
				np_event_kind_name(event->kind), "level", levels[event->level],
				"text", event->text));
		after = event->number;
	}
	return np_report_finish(json_pack("{s:o}", "events", np_report_take(&events)), ret_result);
}

/* ---- selftest ----------------------------------------------------------------------------- */

/* Blocks the control thread for a second or so; hosts that are connected do not notice. */
static int np_report_selftest(
	void *ctx, const json_t *params, json_t **ret_result, struct np_rpc_error *error)
{
	np_apply_test_all(ctx);
	return np_report_memory(ctx, params, ret_result, error);
}

const struct np_rpc_method np_report_methods[] = {
	{"status", np_report_status, NULL},
	{"stats", np_report_stats, NULL},
	{"conns", np_report_conns, NULL},
	{"memory", np_report_memory, NULL},
	{"events", np_report_events, NULL},
	{"selftest", np_report_selftest, NULL},
	{"set_ana_state", np_apply_rpc_set_ana_state, NULL},
	{"set_ana_group", np_apply_rpc_set_ana_group, NULL},
	{"reload", np_apply_rpc_reload, NULL},
	{"add_memory", NULL, np_apply_rpc_add_memory},
	{NULL, NULL, NULL},
};
