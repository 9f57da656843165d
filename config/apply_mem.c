// SPDX-License-Identifier: BSD-3-Clause
/*
 * apply_mem.c - the memory that a configuration asks for, and who can reach it.
 *
 * Thread: control.
 * Depends: memory.
 */
#include <stdio.h>
#include <string.h>

#include "config/apply.h"
#include "config/text.h"
#include "target/base/event.h"
#include "target/memory/pool.h"

#define NP_ADMIN_BYTES_PER_REACTOR (2u * 1024u * 1024u)
#define NP_ADMIN_PIECE_BYTES (16u * 1024u)

static struct np_mem_region *np_apply_find_region(const struct np_daemon *daemon, const char *pci)
{
	for (unsigned int i = 0; i < daemon->mem.nregions; i++) {
		if (daemon->mem.regions[i]->is_peer && !strcmp(daemon->mem.regions[i]->pci, pci))
			return daemon->mem.regions[i];
	}
	return NULL;
}

static void np_apply_open_cmb(struct np_daemon *daemon, const char *pci)
{
	struct np_mem_region *region;
	char why[256];

	if (np_apply_find_region(daemon, pci))
		return;
	if (np_mem_open(&daemon->mem, &np_mem_cmb_ops, pci, daemon->cfg->daemon.cmb_pool_bytes,
		    daemon->runtime.nreactors, why, sizeof(why), &region)) {
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

int np_apply_memory(struct np_daemon *daemon, char *why, size_t why_size)
{
	const struct np_cfg *cfg = daemon->cfg;
	unsigned int nreactors = daemon->runtime.nreactors;
	struct np_mem_region *region;
	char text[200];
	int ret;

	/* In the order of NP_REGION_HOST and NP_REGION_ADMIN. */
	ret = np_mem_open(&daemon->mem, &np_mem_host_ops, "host", cfg->daemon.host_pool_bytes,
		nreactors, text, sizeof(text), &region);
	if (ret) {
		snprintf(why, why_size, "daemon.host_pool_bytes: %s", text);
		return ret;
	}
	ret = np_mem_open(&daemon->mem, &np_mem_host_ops, "admin",
		nreactors * NP_ADMIN_BYTES_PER_REACTOR, nreactors, why, why_size, &region);
	if (ret)
		return ret;
	/* A long log goes in pieces, so that one connection holds little of what all share. */
	for (unsigned int i = 0; i < nreactors; i++)
		region->pools[i]->max_bytes = NP_ADMIN_PIECE_BYTES;
	for (unsigned int i = 0; i < daemon->n_namespaces; i++) {
		const struct np_cfg_p2pmem *p2pmem = &daemon->namespaces[i].cfg->p2pmem;
		char pci[16];

		if (p2pmem->mode == NP_CFG_P2PMEM_AUTO)
			np_apply_open_all_cmbs(daemon);
		if (p2pmem->mode == NP_CFG_P2PMEM_PCI) {
			np_cfg_format_pci(&p2pmem->pci, pci, sizeof(pci));
			np_apply_open_cmb(daemon, pci);
		}
	}
	return 0;
}
