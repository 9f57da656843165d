// SPDX-License-Identifier: BSD-3-Clause
/*
 * report_stats.c - counters of namespaces, RNICs and reactors; and the connections with theirs.
 *
 * Thread: control. Reactors' counters are read with relaxed loads.
 * Depends: apply.h, jansson.
 */
#include <stdio.h>

#include "config/apply.h"
#include "config/report_json.h"
#include "target/base/log.h"
#include "target/nvme/auth.h"
#include "target/nvme/ctrl.h"

json_t *np_report_traffic(json_t *object, const struct np_traffic_sum *sum)
{
	int failed = !object;

	failed |= json_object_set_new(
		object, "read_bytes", json_integer(np_report_int(np_traffic_read_bytes(sum))));
	failed |= json_object_set_new(
		object, "write_bytes", json_integer(np_report_int(np_traffic_write_bytes(sum))));
	for (unsigned int i = 0; i < NP_TRAFFIC_COUNTERS; i++)
		failed |= json_object_set_new(
			object, np_traffic_name(i), json_integer(np_report_int(sum->count[i])));
	if (!failed)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *np_report_ns_stats(
	const struct np_daemon *daemon, const struct np_applied_ns *applied)
{
	json_t *result = json_pack("{s:s, s:I}", "nqn", applied->cfg_subsys->nqn, "nsid",
		np_report_int(applied->cfg->nsid));
	/* For np_ns_sum(): the counters outlive the namespace that they are of. */
	const struct np_ns counted = {
		.stats = applied->stats, .nreactors = daemon->runtime.nreactors};
	const struct np_traffic_sum traffic = np_ns_traffic(&counted);
	int failed = !result;

#define NP_REPORT(field)                \
	(failed |= json_object_set_new( \
		 result, #field, json_integer(np_report_int(np_ns_sum(&counted, field)))))
	NP_REPORT(read_ios);
	NP_REPORT(write_ios);
	NP_REPORT(flush_ios);
	NP_REPORT(dsm_ios);
	NP_REPORT(write_zeroes_ios);
	NP_REPORT(compare_ios);
	NP_REPORT(verify_ios);
	NP_REPORT(copy_ios);
	NP_REPORT(write_uncor_ios);
	NP_REPORT(passthru_ios);
	NP_REPORT(held_ios);
	NP_REPORT(scrubs);
	NP_REPORT(scrub_mismatches);
	NP_REPORT(scrub_unsure);
	NP_REPORT(errors);
#undef NP_REPORT
	if (failed) {
		json_decref(result);
		return NULL;
	}
	return np_report_traffic(result, &traffic);
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

/* Traffic by RNIC: of the connections that are gone, and of those that are there. */
struct np_report_rnics {
	struct np_traffic_sum sums[NP_MAX_RNICS];
	char names[NP_MAX_RNICS][64];
};

static void np_report_rnic(void *ctx, const struct np_device_info *info)
{
	struct np_report_rnics *rnics = ctx;

	snprintf(rnics->names[info->id], sizeof(rnics->names[info->id]), "%s", info->name);
	np_traffic_add_sum(&rnics->sums[info->id], info->closed);
}

static void np_report_rnic_conn(void *ctx, const struct np_conn_info *info)
{
	struct np_report_rnics *rnics = ctx;

	np_traffic_add(&rnics->sums[info->queue->rnic], &info->queue->traffic);
}

static json_t *np_report_rnics(const struct np_daemon *daemon)
{
	struct np_report_list devices = {.list = json_array()};
	struct np_report_rnics rnics = {0};
	const struct np_transport_visitor visitor = {
		.ctx = &rnics, .device = np_report_rnic, .conn = np_report_rnic_conn};

	daemon->transport->ops->describe(daemon->transport, &visitor);
	for (unsigned int i = 0; i < NP_MAX_RNICS; i++) {
		if (rnics.names[i][0])
			np_report_append(&devices,
				np_report_traffic(json_pack("{s:s}", "name", rnics.names[i]),
					&rnics.sums[i]));
	}
	return np_report_take(&devices);
}

int np_report_stats(
	void *ctx, const json_t *params, json_t **ret_result, struct np_rpc_error *error)
{
	const struct np_daemon *daemon = ctx;
	struct np_report_list namespaces = {.list = json_array()};
	struct np_report_list reactors = {.list = json_array()};

	(void)params;
	(void)error;
	for (unsigned int i = 0; i < daemon->n_namespaces; i++)
		np_report_append(&namespaces, np_report_ns_stats(daemon, daemon->namespaces[i]));
	for (unsigned int i = 0; i < daemon->runtime.nreactors; i++)
		np_report_append(&reactors, np_report_reactor(daemon->runtime.reactors[i]));
	return np_report_finish(
		json_pack("{s:o, s:o, s:o, s:o}", "namespaces", np_report_take(&namespaces),
			"devices", np_report_rnics(daemon), "closed_conns",
			np_report_traffic(json_object(), &daemon->transport->closed), "reactors",
			np_report_take(&reactors)),
		ret_result);
}

/* ---- conns -------------------------------------------------------------------------------- */

static bool np_report_conn_has_peer(const struct np_daemon *daemon, const struct np_queue *queue)
{
	const struct np_mem_region *region;
	bool has = false;

	np_mem_for_each(&daemon->mem, region) {
		if (region->is_peer && np_queue_may_use(queue, region))
			has = true;
	}
	return has;
}

struct np_report_conns {
	struct np_report_list list; /* first: np_report_append() takes it */
	const struct np_daemon *daemon;
};

/* "no": it need not prove who it is; "awaited"; or by what it has. */
static void np_report_auth(const struct np_queue *queue, char *text, size_t size)
{
	const struct np_auth_proof proof = np_auth_proof_of(queue);

	if (!proof.is_there)
		snprintf(text, size, "%s", queue->auth ? "awaited" : "no");
	else
		snprintf(text, size, "%s, %s%s", np_chap_hash_name(proof.hash),
			np_chap_group_name(proof.group), proof.is_mutual ? ", mutual" : "");
}

static void np_report_conn(void *ctx, const struct np_conn_info *info)
{
	struct np_report_conns *conns = ctx;
	const struct np_queue *queue = info->queue;
	/* Set on the control thread before the queue is bound; constant afterwards. */
	const struct np_ctrl *ctrl = queue->attached;
	bool has_peer = np_report_conn_has_peer(conns->daemon, queue);
	char hostnqn[NP_NQN_BYTES] = "", auth[48];
	struct np_traffic_sum traffic = {0};
	json_t *entry;

	/* A host may send any bytes, and JSON is UTF-8. */
	if (ctrl)
		np_log_escape(hostnqn, sizeof(hostnqn), ctrl->hostnqn, sizeof(ctrl->hostnqn));

	np_report_auth(queue, auth, sizeof(auth));
	np_traffic_add(&traffic, &queue->traffic);
	entry = json_pack(
		"{s:i, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:s, s:i, s:s, s:s, "
		"s:I, s:I, s:I}",
		"id", (int)queue->id, "host", info->host, "device", info->device, "nqn",
		ctrl ? ctrl->subsys->nqn : "", "hostnqn", hostnqn, "auth", auth, "cntlid",
		ctrl ? (int)ctrl->cntlid : -1, "qid", (int)queue->qid, "depth", (int)queue->depth,
		"path_mtu", (int)info->path_mtu, "reactor", (int)queue->reactor->index, "state",
		info->state, "inflight",
		(int)atomic_load_explicit(&queue->inflight, memory_order_relaxed), "p2p",
		has_peer ? "yes" : "no", "p2p_reason", queue->p2p_reason, "fences",
		np_report_int(np_stat_read(&queue->fences)), "requests",
		np_report_int(np_stat_read(&queue->requests)), "age_s", np_report_int(info->age_s));
	np_report_append(&conns->list, np_report_traffic(entry, &traffic));
}

int np_report_conns(
	void *ctx, const json_t *params, json_t **ret_result, struct np_rpc_error *error)
{
	const struct np_daemon *daemon = ctx;
	struct np_report_conns conns = {.list.list = json_array(), .daemon = daemon};
	const struct np_transport_visitor visitor = {.ctx = &conns, .conn = np_report_conn};

	(void)params;
	(void)error;
	daemon->transport->ops->describe(daemon->transport, &visitor);
	return np_report_finish(
		json_pack("{s:o}", "conns", np_report_take(&conns.list)), ret_result);
}
