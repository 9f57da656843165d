// SPDX-License-Identifier: BSD-3-Clause
/*
 * report_memory.c - the providers of memory, their pools, and what the self-tests found.
 *
 * Thread: control. Reactors' counters are read with relaxed loads.
 * Depends: apply.h, jansson.
 */
#include "config/apply.h"
#include "config/report_json.h"
#include "config/text.h"
#include "target/memory/pool.h"

static json_t *np_report_notes(const struct np_mem_region *region, bool is_rnic)
{
	struct np_report_list notes = {.list = json_array()};
	const struct np_list *pos;

	np_list_for_each(pos, &region->notes) {
		const struct np_mem_note *note = np_container_of(pos, struct np_mem_note, link);

		if (note->is_rnic == is_rnic)
			np_report_append(&notes,
				json_pack("{s:s, s:s, s:s, s:I}", is_rnic ? "device" : "drive",
					note->subject, "result", np_verdict_name(note->verdict),
					"reason", note->reason, "tested_at",
					(json_int_t)note->when));
	}
	return np_report_take(&notes);
}

/* Sums over the pools of a region. */
struct np_report_pools {
	uint64_t bytes, in_use_bytes, high_water_bytes, waits, waiting, read_bytes, write_bytes;
	uint64_t zeroed_bytes;
	uint64_t wait_us[NP_POOL_WAIT_BUCKETS];
};

static void np_report_add_pools(struct np_report_pools *sum, const struct np_mem_region *region)
{
	for (unsigned int i = 0; i < region->npools; i++) {
		const struct np_pool *pool = region->pools[i];

		sum->bytes += (uint64_t)pool->npages * NP_PAGE_BYTES;
		sum->in_use_bytes += np_stat_read(&pool->in_use_bytes);
		sum->high_water_bytes += np_stat_read(&pool->high_water_bytes);
		sum->waits += np_stat_read(&pool->waits);
		sum->waiting += np_stat_read(&pool->waiting);
		sum->read_bytes += np_stat_read(&pool->read_bytes);
		sum->write_bytes += np_stat_read(&pool->write_bytes);
		sum->zeroed_bytes += np_stat_read(&pool->zeroed_bytes);
		for (unsigned int j = 0; j < NP_POOL_WAIT_BUCKETS; j++)
			sum->wait_us[j] += np_stat_read(&pool->wait_us[j]);
	}
}

/* Waits by their time; classes in which there are none are left out. The last has no upper end. */
static json_t *np_report_wait_times(const struct np_report_pools *sum)
{
	struct np_report_list times = {.list = json_array()};

	for (unsigned int i = 0; i < NP_POOL_WAIT_BUCKETS; i++) {
		bool is_last = i == NP_POOL_WAIT_BUCKETS - 1;

		if (sum->wait_us[i])
			np_report_append(&times,
				json_pack("{s:o, s:I}", "below_us",
					is_last ? json_null() : json_integer(1ll << i), "waits",
					np_report_int(sum->wait_us[i])));
	}
	return np_report_take(&times);
}

/* What a namespace has of a region, over all reactors. */
static json_t *np_report_user(
	const struct np_applied_ns *applied, const struct np_pool_user *users, unsigned int nusers)
{
	uint64_t reserve_bytes = 0, in_use_bytes = 0, high_water_bytes = 0, quota_bytes = 0;

	for (unsigned int i = 0; i < nusers; i++) {
		reserve_bytes += users[i].reserve_bytes;
		in_use_bytes += np_stat_read(&users[i].in_use_bytes);
		high_water_bytes += np_stat_read(&users[i].high_water_bytes);
		quota_bytes += users[i].limit_bytes;
	}
	return json_pack("{s:s, s:I, s:o, s:I, s:I, s:I}", "nqn", applied->cfg_subsys->nqn, "nsid",
		(json_int_t)applied->cfg->nsid, "quota_bytes",
		np_cfg_share_is_given(&applied->cfg->p2pmem_quota)
			? json_integer(np_report_int(quota_bytes))
			: json_null(),
		"reserve_bytes", np_report_int(reserve_bytes), "in_use_bytes",
		np_report_int(in_use_bytes), "high_water_bytes", np_report_int(high_water_bytes));
}

static json_t *np_report_users(const struct np_daemon *daemon, const struct np_mem_region *region)
{
	struct np_report_list list = {.list = json_array()};

	for (unsigned int i = 0; i < daemon->n_namespaces; i++) {
		const struct np_applied_ns *applied = daemon->namespaces[i];

		if (applied->ns && applied->ns->shared >> region->id & 1)
			np_report_append(&list,
				np_report_user(applied,
					atomic_load(&applied->ns->users[region->id]),
					region->npools));
	}
	return np_report_take(&list);
}

static json_t *np_report_region(const struct np_daemon *daemon, const struct np_mem_region *region)
{
	struct np_report_pools sum = {0};

	np_report_add_pools(&sum, region);
	return json_pack("{s:s, s:s, s:s, s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
			 "s:o, s:o, s:o, s:o}",
		"name", region->name, "kind", region->ops->name, "label", region->label, "pci",
		region->pci, "numa_node", region->numa_node, "size_bytes",
		np_report_int(region->device_bytes), "pool_bytes", np_report_int(sum.bytes),
		"in_use_bytes", np_report_int(sum.in_use_bytes), "high_water_bytes",
		np_report_int(sum.high_water_bytes), "read_bytes", np_report_int(sum.read_bytes),
		"write_bytes", np_report_int(sum.write_bytes), "waits", np_report_int(sum.waits),
		"waiting", np_report_int(sum.waiting), "zeroed_bytes",
		np_report_int(sum.zeroed_bytes), "wait_times", np_report_wait_times(&sum), "users",
		np_report_users(daemon, region), "devices", np_report_notes(region, true), "drives",
		np_report_notes(region, false));
}

int np_report_memory(
	void *ctx, const json_t *params, json_t **ret_result, struct np_rpc_error *error)
{
	const struct np_daemon *daemon = ctx;
	struct np_report_list providers = {.list = json_array()};
	const struct np_mem_region *region;

	(void)params;
	(void)error;
	np_mem_for_each(&daemon->mem, region)
		np_report_append(&providers, np_report_region(daemon, region));
	return np_report_finish(
		json_pack("{s:o}", "providers", np_report_take(&providers)), ret_result);
}
