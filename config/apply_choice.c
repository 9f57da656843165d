// SPDX-License-Identifier: BSD-3-Clause
/*
 * apply_choice.c - which memory carries the data between a namespace and an RNIC.
 *
 * All peer memory that the operator allows is ranked by the way between drive and RNIC
 * (topology/way.h); the first that passed its self-tests with both is taken. Nothing is taken on
 * the word of the topology alone.
 *
 * Thread: control.
 * Depends: backend, memory, topology.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/apply.h"
#include "config/apply_mem.h"
#include "config/text.h"
#include "target/base/event.h"
#include "target/topology/host_bridge.h"
#include "target/topology/way.h"

/* ---- RNICs -------------------------------------------------------------------------------- */

struct np_apply_rnic {
	unsigned int id;
	char name[64];
	bool is_pci;
	struct np_pci_dev pci;
};

struct np_apply_rnics {
	struct np_apply_rnic list[NP_MAX_RNICS];
	unsigned int count;
};

static void np_apply_add_rnic(void *ctx, const struct np_device_info *info)
{
	struct np_apply_rnics *rnics = ctx;
	struct np_apply_rnic *rnic = &rnics->list[rnics->count++];
	char path[128], address[NP_PCI_ADDRESS_BYTES];

	*rnic = (struct np_apply_rnic){.id = info->id};
	snprintf(rnic->name, sizeof(rnic->name), "%s", info->name);
	snprintf(path, sizeof(path), "class/infiniband/%s", info->name);
	rnic->is_pci = !np_pci_find(NP_SYSFS, path, address) &&
		!np_pci_probe(NP_SYSFS, address, &rnic->pci);
}

static void np_apply_list_rnics(const struct np_daemon *daemon, struct np_apply_rnics *ret_rnics)
{
	const struct np_transport_visitor visitor = {.ctx = ret_rnics, .device = np_apply_add_rnic};

	ret_rnics->count = 0;
	daemon->transport->ops->describe(daemon->transport, &visitor);
}

static bool np_apply_is_good(const struct np_mem_note *note)
{
	return note && (note->verdict == NP_VERDICT_WORKS || note->verdict == NP_VERDICT_QUIRK);
}

/* Can the RNIC place data into @region? */
static bool np_apply_rnic_can(const struct np_apply_rnic *rnic, const struct np_mem_region *region,
	char *why, size_t why_size)
{
	const struct np_mem_note *note = np_mem_find_note(region, rnic->name, true);

	if (np_apply_is_good(note))
		return true;
	snprintf(why, why_size, "%.63s with %.63s: %.120s", region->name, rnic->name,
		note ? note->reason : "not tested");
	return false;
}

/* ---- candidates, the best first ----------------------------------------------------------- */

struct np_apply_candidate {
	struct np_mem_region *region;
	struct np_way way;
};

static int np_apply_compare_candidates(const void *a, const void *b)
{
	const struct np_apply_candidate *ca = a, *cb = b;
	int diff = np_way_compare(&ca->way, &cb->way);

	return diff ? diff : (int)ca->region->id - (int)cb->region->id;
}

/* Does the operator allow @region for the namespace? */
static bool np_apply_is_allowed(
	const struct np_cfg_p2pmem *p2pmem, const struct np_mem_region *region)
{
	char pci[16];

	if (!region->is_optional || np_mem_is_lost(region))
		return false;
	switch (p2pmem->mode) {
	case NP_CFG_P2PMEM_OFF:
		return false;
	case NP_CFG_P2PMEM_AUTO:
		return region->is_peer;
	case NP_CFG_P2PMEM_PCI:
		np_cfg_format_pci(&p2pmem->pci, pci, sizeof(pci));
		return !strcmp(region->pci, pci);
	case NP_CFG_P2PMEM_NAME:
		return !strcmp(region->label, p2pmem->name);
	}
	return false;
}

static unsigned int np_apply_find_candidates(const struct np_daemon *daemon,
	const struct np_cfg_p2pmem *p2pmem, const char *drive_pci, const struct np_apply_rnic *rnic,
	struct np_apply_candidate ret_candidates[NP_MAX_REGIONS])
{
	struct np_pci_dev drive, memory;
	bool drive_is_pci = drive_pci[0] && !np_pci_probe(NP_SYSFS, drive_pci, &drive);
	struct np_mem_region *region;
	bool cpu_is_listed = false;
	unsigned int n = 0;

	np_host_bridge_read_cpu(NP_PROCFS, &cpu_is_listed);
	np_mem_for_each(&daemon->mem, region) {
		bool is_pci;

		if (!np_apply_is_allowed(p2pmem, region))
			continue;
		is_pci = region->pci[0] && !np_pci_probe(NP_SYSFS, region->pci, &memory);
		ret_candidates[n].region = region;
		ret_candidates[n++].way =
			np_way_find(is_pci ? &memory : NULL, drive_is_pci ? &drive : NULL,
				rnic->is_pci ? &rnic->pci : NULL, cpu_is_listed);
	}
	qsort(ret_candidates, n, sizeof(*ret_candidates), np_apply_compare_candidates);
	return n;
}

uint64_t np_apply_reachable(const struct np_daemon *daemon, const struct np_cfg_p2pmem *p2pmem)
{
	const struct np_mem_region *region;
	struct np_apply_rnics rnics;
	uint64_t reachable = 0;
	char why[256];

	np_apply_list_rnics(daemon, &rnics);
	np_mem_for_each(&daemon->mem, region) {
		for (unsigned int j = 0; j < rnics.count; j++) {
			if (np_apply_is_allowed(p2pmem, region) &&
				np_apply_rnic_can(&rnics.list[j], region, why, sizeof(why)))
				reachable |= UINT64_C(1) << region->id;
		}
	}
	return reachable;
}

/* ---- engines ------------------------------------------------------------------------------- */

struct np_apply_engine *np_apply_pick_engine(struct np_daemon *daemon,
	const struct np_cfg_p2pmem *p2pmem, struct np_apply_engine *engines, unsigned int nengines)
{
	struct np_apply_candidate candidates[NP_MAX_REGIONS];
	struct np_apply_rnics rnics;
	char why[256];

	np_apply_list_rnics(daemon, &rnics);
	for (unsigned int i = 0; nengines && i < rnics.count; i++) {
		unsigned int n = np_apply_find_candidates(
			daemon, p2pmem, engines[0].backend->pci, &rnics.list[i], candidates);

		for (unsigned int j = 0; j < n; j++) {
			if (!np_apply_rnic_can(
				    &rnics.list[i], candidates[j].region, why, sizeof(why)))
				continue;
			for (unsigned int k = 0; k < nengines; k++) {
				if (np_apply_engine_can(
					    &engines[k], candidates[j].region, why, sizeof(why)))
					return &engines[k];
			}
		}
	}
	return NULL;
}

static bool np_apply_is_distrusted(const struct np_applied_ns *applied,
	const struct np_apply_rnic *rnic, const struct np_mem_region *region, char *why,
	size_t why_size)
{
	if (!(applied->paths[rnic->id].distrusted >> region->id & 1))
		return false;
	snprintf(why, why_size, "%.63s is out of service: a scrub found other bytes on the drive",
		region->name);
	return true;
}

/* ---- the choice --------------------------------------------------------------------------- */

/* Why is there no candidate at all? */
static void np_apply_explain_none(const struct np_daemon *daemon,
	const struct np_cfg_p2pmem *p2pmem, char *why, size_t why_size)
{
	char pci[16];

	if (p2pmem->mode == NP_CFG_P2PMEM_NAME) {
		snprintf(why, why_size, "no memory %s to use: %.200s", p2pmem->name,
			np_apply_why_no_provider(daemon, p2pmem->name));
		return;
	}
	np_cfg_format_pci(&p2pmem->pci, pci, sizeof(pci));
	snprintf(why, why_size, "no peer memory of %s to use: see the log of the start",
		p2pmem->mode == NP_CFG_P2PMEM_PCI ? pci : "any device");
}

/* Return: the best memory that works with RNIC and drive; else NULL with the last obstacle. */
static struct np_mem_region *np_apply_choose(struct np_daemon *daemon,
	struct np_applied_ns *applied, const struct np_apply_rnic *rnic, char *why, size_t why_size)
{
	const struct np_cfg_p2pmem *p2pmem = &applied->cfg->p2pmem;
	struct np_apply_candidate candidates[NP_MAX_REGIONS];
	char test[192];
	unsigned int n;

	if (p2pmem->mode == NP_CFG_P2PMEM_OFF) {
		snprintf(why, why_size, "p2pmem is \"0\"");
		return NULL;
	}
	np_apply_explain_none(daemon, p2pmem, why, why_size);
	n = np_apply_find_candidates(
		daemon, p2pmem, applied->engine.backend->pci, rnic, candidates);
	for (unsigned int i = 0; i < n; i++) {
		struct np_mem_region *region = candidates[i].region;

		if (np_apply_is_distrusted(applied, rnic, region, why, why_size) ||
			!np_apply_rnic_can(rnic, region, why, why_size) ||
			!np_apply_engine_can(&applied->engine, region, why, why_size))
			continue;
		snprintf(test, sizeof(test), "%.191s", why);
		snprintf(why, why_size, "%s; %.190s",
			region->is_peer ? np_way_name(candidates[i].way.rank)
					: "host memory by another way, so it is no P2P",
			test);
		return region;
	}
	return NULL;
}

static void np_apply_set_path(struct np_applied_ns *applied, const struct np_apply_rnic *rnic,
	struct np_mem_region *region, const char *why)
{
	struct np_applied_path *path = &applied->paths[rnic->id];
	enum np_staged staged = NP_STAGED_NO_MEMORY;

	if (applied->cfg->p2pmem.mode == NP_CFG_P2PMEM_OFF)
		staged = NP_STAGED_NOT_WANTED;
	else if (path->had_peer)
		staged = NP_STAGED_LOST;
	np_ns_set_path(applied->ns, rnic->id, region, staged);
	if (!path->is_known || path->region != region)
		np_event(NP_EVENT_PATH, NP_LOG_INFO, "namespace %s/%u with %s: data in %s: %s",
			applied->cfg_subsys->nqn, applied->cfg->nsid, rnic->name,
			region ? region->name : "host memory", why);
	path->is_known = true;
	path->region = region;
	path->had_peer |= region && region->is_peer;
	snprintf(path->rnic, sizeof(path->rnic), "%s", rnic->name);
	snprintf(path->reason, sizeof(path->reason), "%.255s", why);
}

bool np_apply_choose_paths(struct np_daemon *daemon, struct np_applied_ns *applied)
{
	bool is_there[NP_MAX_RNICS] = {false}, has_peer = false;
	struct np_apply_rnics rnics;
	char why[256];

	np_apply_list_rnics(daemon, &rnics);
	snprintf(applied->p2p_reason, sizeof(applied->p2p_reason), "%s",
		applied->cfg->p2pmem.mode == NP_CFG_P2PMEM_OFF
			? "p2pmem is \"0\""
			: "there is no RDMA device to place data into peer memory");
	for (unsigned int i = 0; i < rnics.count; i++) {
		struct np_apply_rnic *rnic = &rnics.list[i];
		struct np_mem_region *region =
			np_apply_choose(daemon, applied, rnic, why, sizeof(why));

		np_apply_set_path(applied, rnic, region, why);
		is_there[rnic->id] = true;
		/* The first that works, or the last that does not, speaks for all. */
		if (!has_peer)
			snprintf(applied->p2p_reason, sizeof(applied->p2p_reason), "%s", why);
		has_peer |= region && region->is_peer;
	}
	for (unsigned int id = 0; id < NP_MAX_RNICS; id++) {
		if (is_there[id])
			continue;
		np_ns_set_path(applied->ns, id, NULL, NP_STAGED_NO_MEMORY);
		applied->paths[id] = (struct np_applied_path){0};
	}
	np_apply_share(daemon, applied);
	return has_peer;
}

void np_apply_test_all(struct np_daemon *daemon)
{
	struct np_mem_region *region;
	char why[256];

	np_mem_for_each(&daemon->mem, region) {
		if (!np_mem_is_lost(region))
			daemon->transport->ops->test_region(daemon->transport, region);
	}
	for (unsigned int i = 0; i < daemon->n_namespaces; i++) {
		struct np_applied_ns *applied = daemon->namespaces[i];

		applied->engine.tested = applied->engine.works = 0;
		for (unsigned int j = 0; j < NP_MAX_RNICS; j++)
			applied->paths[j].distrusted = 0;
		if (!applied->ns)
			continue;
		if (applied->ns->backend->is_direct)
			np_apply_engine_can(&applied->engine, daemon->mem.regions[NP_REGION_HOST],
				why, sizeof(why));
		np_apply_choose_paths(daemon, applied);
	}
}

/* ---- what a scrub found ------------------------------------------------------------------- */

struct np_apply_doubt {
	struct np_msg msg;
	struct np_applied_ns *applied;
	unsigned int rnic, region;
	uint64_t lba;
};

/* On the control thread. The region may have gone meanwhile, or be another one: then it is moot. */
static void np_apply_take_out(struct np_msg *msg)
{
	struct np_apply_doubt *doubt = np_container_of(msg, struct np_apply_doubt, msg);
	struct np_applied_ns *applied = doubt->applied;
	struct np_applied_path *path = &applied->paths[doubt->rnic];
	const struct np_mem_region *region = applied->daemon->mem.regions[doubt->region];

	if (region && path->is_known && applied->ns) {
		path->distrusted |= UINT64_C(1) << doubt->region;
		np_event(NP_EVENT_SCRUB, NP_LOG_ERR,
			"namespace %s/%u with %s: what was written to LBA %llu through %s was not "
			"what the drive had; it is written again from host memory, and that memory "
			"is not used for it any more",
			applied->cfg_subsys->nqn, applied->cfg->nsid, path->rnic,
			(unsigned long long)doubt->lba, region->name);
		np_apply_choose_paths(applied->daemon, applied);
		np_apply_tell_hosts(applied, NP_AEN_ERROR, doubt->lba);
	}
	free(doubt);
}

void np_apply_distrust(
	struct np_ns *ns, unsigned int rnic, struct np_mem_region *region, uint64_t lba)
{
	struct np_applied_ns *applied = ns->owner;
	struct np_apply_doubt *doubt = calloc(1, sizeof(*doubt));

	/* The reactor has switched the path off; without memory it stays so until the next choice. */
	if (!doubt)
		return;
	*doubt = (struct np_apply_doubt){
		.msg.fn = np_apply_take_out,
		.applied = applied,
		.rnic = rnic,
		.region = region->id,
		.lba = lba,
	};
	np_runtime_send_control(&applied->daemon->runtime, &doubt->msg);
}
