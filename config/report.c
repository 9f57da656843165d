// SPDX-License-Identifier: BSD-3-Clause
/*
 * report.c - what the daemon knows of itself, as JSON.
 *
 * Thread: control. Reactors' counters are read with relaxed loads.
 * Depends: apply.h, jansson.
 */
#include "config/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/apply.h"
#include "target/base/log.h"
#include "target/memory/pool.h"
#include "target/nvme/ctrl.h"

/* ---- helpers ------------------------------------------------------------------------------ */

/* A list into which visitors append; json_pack() failures surface as -ENOMEM at the end. */
struct np_report_list {
	json_t *list;
	bool failed;
};

static void np_report_append(struct np_report_list *list, json_t *item)
{
	if (!item || json_array_append_new(list->list, item))
		list->failed = true;
}

static int np_report_finish(json_t *result, bool failed, json_t **ret_result)
{
	if (!result || failed) {
		json_decref(result);
		return -ENOMEM;
	}
	*ret_result = result;
	return 0;
}

static json_int_t np_report_int(uint64_t value)
{
	return (json_int_t)value;
}

static void np_report_uuid(const uint8_t uuid[16], char ret_text[37])
{
	char *at = ret_text;

	for (unsigned int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*at++ = '-';
		at += snprintf(at, 3, "%02x", uuid[i]);
	}
}

/* ---- status ------------------------------------------------------------------------------- */

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
			json_pack("{s:i, s:s, s:s, s:s, s:s, s:s}", "portid", (int)port->portid,
				"traddr", port->traddr, "trsvcid", port->trsvcid, "adrfam",
				port->is_ipv6 ? "ipv6" : "ipv4", "state", states[port->state],
				"reason", port->reason));
	}
	return ports.list;
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
	return devices.list;
}

static void np_report_p2pmem(const struct np_cfg_p2pmem *p2pmem, char *ret_text, size_t size)
{
	if (p2pmem->mode == NP_CFG_P2PMEM_PCI)
		snprintf(ret_text, size, "%04x:%02x:%02x.%x", p2pmem->pci.domain, p2pmem->pci.bus,
			p2pmem->pci.dev, p2pmem->pci.fn);
	else
		snprintf(ret_text, size, "%d", p2pmem->mode == NP_CFG_P2PMEM_AUTO);
}

/* "degraded": peer memory is in use, but some connection cannot reach it. */
struct np_report_reach {
	const struct np_mem_region *region;
	unsigned int without;
	char reason[160];
};

static void np_report_reach_conn(void *ctx, const struct np_conn_info *info)
{
	const struct np_queue *queue = info->queue;
	struct np_report_reach *reach = ctx;

	if (queue->qid == 0 || queue->region_ok >> reach->region->id & 1)
		return;
	reach->without++;
	snprintf(reach->reason, sizeof(reach->reason), "%s", queue->p2p_reason);
}

static json_t *np_report_ns(const struct np_daemon *daemon, const struct np_applied_ns *applied)
{
	const struct np_ns *ns = applied->ns;
	struct np_report_reach reach = {.region = ns ? ns->region : NULL};
	const struct np_transport_visitor visitor = {.ctx = &reach, .conn = np_report_reach_conn};
	const char *device = applied->cfg->device.path ? applied->cfg->device.path : "null";
	char p2pmem[24], uuid[37] = "", reason[512];
	const char *p2p = "off";

	np_report_p2pmem(&applied->cfg->p2pmem, p2pmem, sizeof(p2pmem));
	snprintf(reason, sizeof(reason), "%s", applied->p2p_reason);
	if (ns)
		np_report_uuid(ns->uuid, uuid);
	if (reach.region) {
		daemon->transport->ops->describe(daemon->transport, &visitor);
		p2p = reach.without ? "degraded" : "on";
		if (reach.without)
			snprintf(reason, sizeof(reason), "%u connections are staged: %s",
				reach.without, reach.reason);
	}
	return json_pack("{s:s, s:I, s:s, s:s, s:s, s:b, s:s, s:I, s:I, s:s, s:s, s:s, s:s, s:s}",
		"nqn", applied->cfg_subsys->nqn, "nsid", np_report_int(applied->cfg->nsid), "state",
		ns ? "up" : "down", "reason", applied->reason, "engine",
		ns ? ns->backend->ops->name : "", "io_poll", ns && ns->backend->is_polled, "device",
		device, "size_bytes", ns ? np_report_int(ns->nblocks << ns->lba_shift) : 0,
		"block_bytes", ns ? np_report_int(UINT64_C(1) << ns->lba_shift) : 0, "uuid", uuid,
		"p2pmem", p2pmem, "provider",
		!ns                  ? ""
			: ns->region ? ns->region->name
				     : "host",
		"p2p", p2p, "p2p_reason", reason);
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
		np_report_append(&namespaces, np_report_ns(daemon, &daemon->namespaces[i]));
	result = json_pack("{s:s, s:I, s:o, s:o, s:o}", "version", NP_VERSION, "uptime_s",
		(json_int_t)(ev_now(daemon->runtime.loop) - daemon->started), "ports",
		np_report_ports(daemon), "devices", np_report_devices(daemon), "namespaces",
		namespaces.list);
	return np_report_finish(result, namespaces.failed, ret_result);
}

/* ---- stats -------------------------------------------------------------------------------- */

static json_t *np_report_ns_stats(const struct np_applied_ns *applied)
{
	json_t *result = json_pack("{s:s, s:I}", "nqn", applied->cfg_subsys->nqn, "nsid",
		np_report_int(applied->cfg->nsid));
	const struct np_ns *ns = applied->ns;
	int failed = 0;

#define NP_REPORT(field)                \
	(failed |= json_object_set_new( \
		 result, #field, json_integer(ns ? np_report_int(np_ns_sum(ns, field)) : 0)))
	NP_REPORT(read_ios);
	NP_REPORT(write_ios);
	NP_REPORT(read_bytes);
	NP_REPORT(write_bytes);
	NP_REPORT(p2p_read_bytes);
	NP_REPORT(p2p_write_bytes);
	NP_REPORT(staged_read_bytes);
	NP_REPORT(staged_write_bytes);
	NP_REPORT(inline_write_bytes);
	NP_REPORT(flush_ios);
	NP_REPORT(dsm_ios);
	NP_REPORT(write_zeroes_ios);
	NP_REPORT(compare_ios);
	NP_REPORT(errors);
#undef NP_REPORT
	if (failed) {
		json_decref(result);
		return NULL;
	}
	return result;
}

static json_t *np_report_reactor(const struct np_reactor *reactor)
{
	const struct np_reactor_stats *stats = &reactor->stats;

	return json_pack("{s:i, s:I, s:I, s:I, s:I}", "cpu", reactor->cpu, "loops",
		np_report_int(np_stat_read(&stats->loops)), "busy_polls",
		np_report_int(np_stat_read(&stats->busy_polls)), "sleeps",
		np_report_int(np_stat_read(&stats->sleeps)), "requests",
		np_report_int(np_stat_read(&stats->requests)));
}

static int np_report_stats(
	void *ctx, const json_t *params, json_t **ret_result, struct np_rpc_error *error)
{
	const struct np_daemon *daemon = ctx;
	struct np_report_list namespaces = {.list = json_array()};
	struct np_report_list reactors = {.list = json_array()};

	(void)params;
	(void)error;
	for (unsigned int i = 0; i < daemon->n_namespaces; i++)
		np_report_append(&namespaces, np_report_ns_stats(&daemon->namespaces[i]));
	for (unsigned int i = 0; i < daemon->runtime.nreactors; i++)
		np_report_append(&reactors, np_report_reactor(daemon->runtime.reactors[i]));
	return np_report_finish(
		json_pack("{s:o, s:o}", "namespaces", namespaces.list, "reactors", reactors.list),
		namespaces.failed || reactors.failed, ret_result);
}

/* ---- conns -------------------------------------------------------------------------------- */

static bool np_report_conn_has_peer(const struct np_daemon *daemon, const struct np_queue *queue)
{
	bool has = false;

	for (unsigned int i = 0; i < daemon->mem.nregions; i++) {
		if (daemon->mem.regions[i]->is_peer && queue->region_ok >> i & 1)
			has = true;
	}
	return has;
}

struct np_report_conns {
	struct np_report_list list; /* first: np_report_append() takes it */
	const struct np_daemon *daemon;
};

static void np_report_conn(void *ctx, const struct np_conn_info *info)
{
	struct np_report_conns *conns = ctx;
	const struct np_queue *queue = info->queue;
	/* Set on the control thread before the queue is bound; constant afterwards. */
	const struct np_ctrl *ctrl = queue->attached;
	bool has_peer = np_report_conn_has_peer(conns->daemon, queue);
	char hostnqn[NP_NQN_BYTES] = "";

	/* A host may send any bytes, and JSON is UTF-8. */
	if (ctrl)
		np_log_escape(hostnqn, sizeof(hostnqn), ctrl->hostnqn, sizeof(ctrl->hostnqn));

	np_report_append(&conns->list,
		json_pack("{s:i, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:s, s:i, s:s, s:s, s:I, "
			  "s:I}",
			"id", (int)queue->id, "host", info->host, "nqn",
			ctrl ? ctrl->subsys->nqn : "", "hostnqn", hostnqn, "cntlid",
			ctrl ? (int)ctrl->cntlid : -1, "qid", (int)queue->qid, "depth",
			(int)queue->depth, "path_mtu", (int)info->path_mtu, "reactor",
			(int)queue->reactor->index, "state", info->state, "inflight",
			(int)atomic_load_explicit(&queue->inflight, memory_order_relaxed), "p2p",
			has_peer ? "yes" : "no", "p2p_reason", queue->p2p_reason, "requests",
			np_report_int(np_stat_read(&queue->requests)), "age_s",
			np_report_int(info->age_s)));
}

static int np_report_conns(
	void *ctx, const json_t *params, json_t **ret_result, struct np_rpc_error *error)
{
	const struct np_daemon *daemon = ctx;
	struct np_report_conns conns = {.list.list = json_array(), .daemon = daemon};
	const struct np_transport_visitor visitor = {.ctx = &conns, .conn = np_report_conn};

	(void)params;
	(void)error;
	daemon->transport->ops->describe(daemon->transport, &visitor);
	return np_report_finish(
		json_pack("{s:o}", "conns", conns.list.list), conns.list.failed, ret_result);
}

/* ---- memory ------------------------------------------------------------------------------- */

static void np_report_notes(
	const struct np_mem_region *region, bool is_rnic, struct np_report_list *list)
{
	const struct np_list *pos;

	np_list_for_each(pos, &region->notes) {
		const struct np_mem_note *note = np_container_of(pos, struct np_mem_note, link);

		if (note->is_rnic == is_rnic)
			np_report_append(list,
				json_pack("{s:s, s:s, s:s}", is_rnic ? "device" : "drive",
					note->subject, "result", np_verdict_name(note->verdict),
					"reason", note->reason));
	}
}

static json_t *np_report_region(const struct np_mem_region *region)
{
	struct np_report_list rnics = {.list = json_array()}, drives = {.list = json_array()};
	uint64_t bytes = 0, in_use = 0, high = 0, waits = 0, waiting = 0;

	for (unsigned int i = 0; i < region->npools; i++) {
		const struct np_pool *pool = region->pools[i];

		bytes += (uint64_t)pool->npages * NP_PAGE_BYTES;
		in_use += np_stat_read(&pool->in_use_bytes);
		high += np_stat_read(&pool->high_water_bytes);
		waits += np_stat_read(&pool->waits);
		waiting += np_stat_read(&pool->waiting);
	}
	np_report_notes(region, true, &rnics);
	np_report_notes(region, false, &drives);
	if (rnics.failed || drives.failed) {
		json_decref(rnics.list);
		json_decref(drives.list);
		return NULL;
	}
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "name",
		region->name, "kind", region->ops->name, "pci", region->pci, "size_bytes",
		np_report_int(region->device_bytes), "pool_bytes", np_report_int(bytes),
		"in_use_bytes", np_report_int(in_use), "high_water_bytes", np_report_int(high),
		"waits", np_report_int(waits), "waiting", np_report_int(waiting), "devices",
		rnics.list, "drives", drives.list);
}

static int np_report_memory(
	void *ctx, const json_t *params, json_t **ret_result, struct np_rpc_error *error)
{
	const struct np_daemon *daemon = ctx;
	struct np_report_list providers = {.list = json_array()};

	(void)params;
	(void)error;
	for (unsigned int i = 0; i < daemon->mem.nregions; i++)
		np_report_append(&providers, np_report_region(daemon->mem.regions[i]));
	return np_report_finish(
		json_pack("{s:o}", "providers", providers.list), providers.failed, ret_result);
}

const struct np_rpc_method np_report_methods[] = {
	{"status", np_report_status},
	{"stats", np_report_stats},
	{"conns", np_report_conns},
	{"memory", np_report_memory},
	{NULL, NULL},
};
