// SPDX-License-Identifier: BSD-3-Clause
/*
 * apply_provider.c - the memory that the operator lists in daemon.memory[].
 *
 * What is not there is tried again with every device that comes.
 *
 * Thread: control.
 * Depends: memory.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/apply.h"
#include "config/apply_mem.h"
#include "config/text.h"
#include "target/base/event.h"

static struct np_applied_memory *np_apply_find_provider(
	const struct np_daemon *daemon, const char *name)
{
	const struct np_cfg_memory *cfg = np_cfg_find_memory(daemon->cfg, name);

	return cfg ? &daemon->memory[cfg - daemon->cfg->daemon.memory] : NULL;
}

/* The region made of @cfg, whatever its state; or NULL. */
static struct np_mem_region *np_apply_find_made(
	const struct np_daemon *daemon, const struct np_cfg_memory *cfg, const char *pci)
{
	const char *name = np_cfg_memory_name(cfg);
	struct np_mem_region *region;

	np_mem_for_each(&daemon->mem, region) {
		if (!region->is_optional)
			continue;
		if (pci[0] ? !strcmp(region->pci, pci) : !strcmp(region->label, name))
			return region;
	}
	return NULL;
}

/* @fd: a dma-buf that was handed over, or -1. Return: 0, 1 if it is open, -errno. */
static int np_apply_open_provider(
	struct np_daemon *daemon, struct np_applied_memory *applied, int fd)
{
	static const struct np_mem_ops *const ops[] = {
		[NP_CFG_MEMORY_CMB] = &np_mem_cmb_ops,
		[NP_CFG_MEMORY_DAX] = &np_mem_dax_ops,
		[NP_CFG_MEMORY_DMABUF] = &np_mem_dmabuf_ops,
	};
	const struct np_cfg_memory *cfg = applied->cfg;
	struct np_mem_want want = {.where = cfg->path,
		.label = np_cfg_memory_name(cfg),
		.bytes = cfg->bytes,
		.numa_node = -1,
		.fd = fd};
	struct np_mem_region *region;
	struct np_cfg_pci pci;
	char address[16] = "";
	int ret;

	if (cfg->pci && !np_cfg_parse_pci(cfg->pci, &pci)) {
		np_cfg_format_pci(&pci, address, sizeof(address));
		want.where = address;
		if (!want.bytes)
			want.bytes = daemon->cfg->daemon.cmb_pool_bytes;
	}
	if (cfg->exporter == NP_CFG_EXPORTER_UDMABUF)
		want.where = "udmabuf";
	if (np_apply_find_made(daemon, cfg, address))
		return 1;
	ret = np_apply_open_region(
		daemon, ops[cfg->kind], &want, applied->reason, sizeof(applied->reason), &region);
	if (ret) {
		/* Later it is tried again with every device that comes. */
		if (!daemon->transport)
			np_event(NP_EVENT_MEMORY,
				cfg->exporter == NP_CFG_EXPORTER_SOCKET ? NP_LOG_INFO : NP_LOG_WARN,
				"daemon.memory[%td]: %s", applied - daemon->memory,
				applied->reason);
		return ret;
	}
	applied->reason[0] = '\0';
	np_event(NP_EVENT_MEMORY, NP_LOG_INFO, "memory %s: %zu of %zu bytes%s", region->name,
		region->bytes, region->device_bytes,
		region->is_peer ? "" : ", which are host memory");
	return 0;
}

int np_apply_list_providers(struct np_daemon *daemon)
{
	const struct np_cfg_daemon *cfg = &daemon->cfg->daemon;

	daemon->memory = calloc(cfg->n_memory + 1, sizeof(*daemon->memory));
	if (!daemon->memory)
		return -ENOMEM;
	for (size_t i = 0; i < cfg->n_memory; i++)
		daemon->memory[i].cfg = &cfg->memory[i];
	return 0;
}

void np_apply_open_providers(struct np_daemon *daemon)
{
	for (size_t i = 0; i < daemon->cfg->daemon.n_memory; i++)
		np_apply_open_provider(daemon, &daemon->memory[i], -1);
}

int np_apply_add_dmabuf(
	struct np_daemon *daemon, const char *name, int fd, char *why, size_t why_size)
{
	struct np_applied_memory *applied = np_apply_find_provider(daemon, name);
	int ret;

	if (!applied || applied->cfg->exporter != NP_CFG_EXPORTER_SOCKET) {
		snprintf(why, why_size,
			"no daemon.memory[] of exporter \"socket\" is called \"%.40s\"", name);
		return -ENOENT;
	}
	ret = np_apply_open_provider(daemon, applied, fd);
	if (ret > 0) {
		snprintf(why, why_size, "%s is there already", name);
		return -EEXIST;
	}
	snprintf(why, why_size, "%.250s", applied->reason);
	if (!ret)
		np_apply_devices_changed(daemon);
	return ret;
}

const char *np_apply_why_no_provider(const struct np_daemon *daemon, const char *name)
{
	const struct np_applied_memory *applied = np_apply_find_provider(daemon, name);

	return applied && applied->reason[0] ? applied->reason : "it is lost";
}
