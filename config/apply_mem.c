// SPDX-License-Identifier: BSD-3-Clause
/*
 * apply_mem.c - the memory that a configuration asks for: opened, lost, given back.
 *
 * Thread: control.
 * Depends: memory.
 */
#include "config/apply_mem.h"

#include <stdio.h>
#include <string.h>

#include "config/text.h"
#include "target/base/event.h"
#include "target/memory/pool.h"
#include "target/memory/witness.h"
#include "target/reactor/call.h"
#include "target/reactor/uring.h"
#include "target/topology/numa.h"
#include "target/topology/pci.h"

#define NP_ADMIN_BYTES_PER_REACTOR (2u * 1024u * 1024u)
#define NP_MAX_HOST_REGIONS 8
#define NP_ADMIN_PIECE_BYTES (16u * 1024u)

static struct np_mem_region *np_apply_find_region(const struct np_daemon *daemon, const char *pci)
{
	struct np_mem_region *region;

	np_mem_for_each(&daemon->mem, region) {
		if (region->is_peer && !strcmp(region->pci, pci))
			return region;
	}
	return NULL;
}

struct np_apply_pool_call {
	struct np_call call;
	struct np_reactor *reactor;
	struct np_mem_region *region;
};

/* Has @fn run on each reactor for its pool of @region, one after the other. */
static void np_apply_each_pool(
	struct np_daemon *daemon, struct np_mem_region *region, void (*fn)(struct np_msg *msg))
{
	struct np_apply_pool_call each = {.region = region};

	for (unsigned int i = 0; i < daemon->runtime.nreactors; i++) {
		each.reactor = daemon->runtime.reactors[i];
		np_call(&each.call, each.reactor, fn);
	}
}

static struct np_pool *np_apply_pool_of(const struct np_apply_pool_call *each)
{
	return each->region->pools[each->reactor->index];
}

static void np_apply_attach_pool(struct np_msg *msg)
{
	struct np_apply_pool_call *each = np_container_of(msg, struct np_apply_pool_call, call.msg);
	struct np_pool *pool = np_apply_pool_of(each);
	int ret = 0;

	np_pool_attach(pool, each->reactor);
	if (np_mem_is_host(each->region))
		ret = np_uring_fix(each->reactor, pool->base, (size_t)pool->npages * NP_PAGE_BYTES);
	if (ret)
		np_log_info("reactor %u: its buffers are pinned for each operation: %s",
			each->reactor->index, strerror(-ret));
	np_call_done(&each->call);
}

static void np_apply_evict_pool(struct np_msg *msg)
{
	struct np_apply_pool_call *each = np_container_of(msg, struct np_apply_pool_call, call.msg);

	np_pool_evict(np_apply_pool_of(each));
	np_call_done(&each->call);
}

static void np_apply_detach_pool(struct np_msg *msg)
{
	struct np_apply_pool_call *each = np_container_of(msg, struct np_apply_pool_call, call.msg);

	np_pool_detach(np_apply_pool_of(each));
	np_call_done(&each->call);
}

/* ---- opening ------------------------------------------------------------------------------ */

int np_apply_open_region(struct np_daemon *daemon, const struct np_mem_ops *ops,
	const struct np_mem_want *want, char *why, size_t why_size,
	struct np_mem_region **ret_region)
{
	int ret = np_mem_open(
		&daemon->mem, ops, want, daemon->runtime.nreactors, why, why_size, ret_region);

	if (ret)
		return ret;
	np_apply_each_pool(daemon, *ret_region, np_apply_attach_pool);
	if (daemon->transport)
		daemon->transport->ops->add_region(daemon->transport, *ret_region);
	return 0;
}

static void np_apply_open_cmb(struct np_daemon *daemon, const char *pci)
{
	const struct np_mem_want want = {.where = pci, .bytes = daemon->cfg->daemon.cmb_pool_bytes};
	struct np_mem_region *region;
	char why[256];

	if (np_apply_find_region(daemon, pci))
		return;
	if (np_apply_open_region(daemon, &np_mem_cmb_ops, &want, why, sizeof(why), &region)) {
		/* Later it is looked for again with every device that comes. */
		if (!daemon->transport)
			np_event(NP_EVENT_MEMORY, NP_LOG_WARN, "memory cmb %s: %s", pci, why);
		return;
	}
	np_event(NP_EVENT_MEMORY, NP_LOG_INFO, "memory %s: %zu of %zu bytes", region->name,
		region->bytes, region->device_bytes);
}

static void np_apply_open_all_cmbs(struct np_daemon *daemon)
{
	char pci[NP_MAX_REGIONS][16];
	int count = np_mem_cmb_list(pci, NP_MAX_REGIONS);

	if (count < 0)
		np_log_warn("memory: cannot look for CMBs in sysfs: %s", strerror(-count));
	for (int i = 0; i < count; i++)
		np_apply_open_cmb(daemon, pci[i]);
}

void np_apply_new_memory(struct np_daemon *daemon)
{
	/* First what is listed: a CMB may be there with a size of its own. */
	np_apply_open_providers(daemon);
	for (unsigned int i = 0; i < daemon->n_namespaces; i++) {
		const struct np_cfg_p2pmem *p2pmem = &daemon->namespaces[i]->cfg->p2pmem;
		char pci[16];

		if (p2pmem->mode == NP_CFG_P2PMEM_AUTO)
			np_apply_open_all_cmbs(daemon);
		if (p2pmem->mode == NP_CFG_P2PMEM_PCI) {
			np_cfg_format_pci(&p2pmem->pci, pci, sizeof(pci));
			np_apply_open_cmb(daemon, pci);
		}
	}
}

static int np_apply_open_host(struct np_daemon *daemon, int node, char *why, size_t why_size)
{
	struct np_mem_want want = {
		.where = "host", .bytes = daemon->cfg->daemon.host_pool_bytes, .numa_node = node};
	struct np_mem_region *region;
	char name[32], text[200];
	int ret;

	snprintf(name, sizeof(name), "host node %d", node);
	if (node >= 0)
		want.where = name;
	ret = np_apply_open_region(daemon, &np_mem_host_ops, &want, text, sizeof(text), &region);
	if (ret)
		snprintf(why, why_size, "daemon.host_pool_bytes: %s", text);
	return ret;
}

static int np_apply_open_admin(struct np_daemon *daemon, char *why, size_t why_size)
{
	const unsigned int nreactors = daemon->runtime.nreactors;
	const struct np_mem_want want = {
		.where = "admin", .bytes = nreactors * NP_ADMIN_BYTES_PER_REACTOR, .numa_node = -1};
	struct np_mem_region *region;
	int ret = np_apply_open_region(daemon, &np_mem_host_ops, &want, why, why_size, &region);

	/* A long log goes in pieces, so that one connection holds little of what all share. */
	for (unsigned int i = 0; i < nreactors && !ret; i++)
		region->pools[i]->max_bytes = NP_ADMIN_PIECE_BYTES;
	return ret;
}

int np_apply_memory(struct np_daemon *daemon, char *why, size_t why_size)
{
	static const enum np_mem_zero zeros[] = {
		[NP_CFG_ZERO_NAMESPACE] = NP_MEM_ZERO_NAMESPACE,
		[NP_CFG_ZERO_ALWAYS] = NP_MEM_ZERO_ALWAYS,
		[NP_CFG_ZERO_NEVER] = NP_MEM_ZERO_NEVER,
	};
	int nodes[NP_MAX_HOST_REGIONS] = {-1}, ret;
	unsigned int nnodes = np_numa_list_rnics(NP_SYSFS, nodes, NP_MAX_HOST_REGIONS);

	daemon->mem.zero = zeros[daemon->cfg->daemon.zero_on_free];
	/* In the order of NP_REGION_HOST and NP_REGION_ADMIN. */
	ret = np_apply_open_host(daemon, nodes[0], why, why_size);
	if (!ret)
		ret = np_apply_open_admin(daemon, why, why_size);
	for (unsigned int i = 1; i < nnodes && !ret; i++)
		ret = np_apply_open_host(daemon, nodes[i], why, why_size);
	if (!ret)
		np_apply_new_memory(daemon);
	return ret;
}

/* ---- what is lost ------------------------------------------------------------------------- */

/* Forgets what was found with the region, and has nobody take a buffer of it any more. */
static void np_apply_forget_region(
	struct np_applied_ns *applied, const struct np_mem_region *region)
{
	const uint64_t bit = UINT64_C(1) << region->id;

	applied->engine.tested &= ~bit;
	applied->engine.works &= ~bit;
	applied->considered &= ~bit;
	for (unsigned int i = 0; i < NP_MAX_RNICS; i++) {
		applied->paths[i].distrusted &= ~bit;
		if (applied->ns && np_ns_region(applied->ns, i) == region)
			np_ns_set_path(applied->ns, i, NULL, NP_STAGED_LOST);
	}
}

void np_apply_lose_memory(
	struct np_daemon *daemon, struct np_mem_region *region, enum np_mem_state state)
{
	/* What is gone is not to be found doubtful only. */
	if (atomic_load(&region->state) >= (int)state)
		return;
	/* In this order: a command that fails for it goes another way when it is sent again. */
	for (unsigned int i = 0; i < daemon->n_namespaces; i++)
		np_apply_forget_region(daemon->namespaces[i], region);
	atomic_store(&region->state, (int)state);
	np_apply_each_pool(daemon, region, np_apply_evict_pool);
	np_event(NP_EVENT_MEMORY, NP_LOG_WARN, "memory %s: its device %s", region->name,
		state == NP_MEM_GONE ? "has gone" : "was reset; it is tested again");
	for (unsigned int i = 0; i < daemon->n_namespaces; i++) {
		if (daemon->namespaces[i]->ns)
			np_apply_choose_paths(daemon, daemon->namespaces[i]);
	}
}

static void np_apply_close_region(struct np_daemon *daemon, struct np_mem_region *region)
{
	np_event(NP_EVENT_MEMORY, NP_LOG_INFO, "memory %s: given back", region->name);
	np_apply_each_pool(daemon, region, np_apply_detach_pool);
	daemon->transport->ops->remove_region(daemon->transport, region);
	np_mem_close(&daemon->mem, region);
}

bool np_apply_settle_memory(struct np_daemon *daemon)
{
	struct np_mem_region *region;
	bool is_more = false;

	np_mem_for_each(&daemon->mem, region) {
		if (!np_mem_is_lost(region))
			continue;
		if (!np_mem_is_idle(region)) {
			is_more = true;
		} else if (atomic_load(&region->state) == NP_MEM_GONE) {
			np_apply_close_region(daemon, region);
		} else {
			/* Where that fails the tests do too, and commands find that it is away. */
			np_witness_place(region);
			daemon->transport->ops->test_region(daemon->transport, region);
			atomic_store(&region->state, NP_MEM_GOOD);
		}
	}
	return is_more;
}
