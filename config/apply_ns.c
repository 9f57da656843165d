// SPDX-License-Identifier: BSD-3-Clause
/*
 * apply_ns.c - namespaces: which engine and which memory, decided by self-tests.
 *
 * Thread: control.
 * Depends: backend, memory.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/apply.h"
#include "config/text.h"
#include "target/backend/drive.h"
#include "target/backend/selftest.h"
#include "target/base/line.h"
#include "target/base/log.h"
#include "target/reactor/call.h"
#include "target/reactor/uring.h"

#define NP_MAX_ENGINES 2

/* ---- engines ------------------------------------------------------------------------------ */

/* Fills the engines worth a try for the device, best first. Return: how many. */
static unsigned int np_apply_engines(
	const struct np_cfg_ns *cfg, const struct np_backend_ops *ret_ops[NP_MAX_ENGINES])
{
	struct np_drive drive;
	unsigned int n = 0;
	struct stat st;

	switch (cfg->engine) {
	case NP_CFG_ENGINE_NVME:
		ret_ops[n++] = &np_backend_nvme_ops;
		return n;
	case NP_CFG_ENGINE_BLOCK:
		ret_ops[n++] = &np_backend_block_ops;
		return n;
	case NP_CFG_ENGINE_FILE:
		ret_ops[n++] = &np_backend_file_ops;
		return n;
	case NP_CFG_ENGINE_NULL:
		ret_ops[n++] = &np_backend_null_ops;
		return n;
	case NP_CFG_ENGINE_AUTO:
		break;
	}
	if (!cfg->device.path)
		ret_ops[n++] = &np_backend_null_ops;
	else if (!stat(cfg->device.path, &st) && S_ISREG(st.st_mode))
		ret_ops[n++] = &np_backend_file_ops;
	else if (!np_drive_probe(cfg->device.path, &drive)) {
		if (drive.generic_path[0])
			ret_ops[n++] = &np_backend_nvme_ops;
		if (drive.block_path[0])
			ret_ops[n++] = &np_backend_block_ops;
	} else
		/* Its open() says best what is wrong. */
		ret_ops[n++] = &np_backend_block_ops;
	return n;
}

/* ---- the choice --------------------------------------------------------------------------- */

/*
 * A drive may refuse (0x12) data in its own CMB when the SGL that names it is in host memory. The
 * kernel (7.2 and 7.3, nvme_pci_setup_data_sgl) writes such an SGL for a passthrough command of
 * more than one page, but not on a tag whose last command went through the IOMMU: its leftover DMA
 * state makes the kernel put the one descriptor into the command. So the same read passes or fails
 * by the tag that it happens to get, and no self-test can vouch for the next one.
 */
static bool np_apply_passes_by_luck(
	const struct np_backend *backend, const struct np_mem_region *region)
{
	return backend->ops == &np_backend_nvme_ops && region->is_peer &&
		!strcmp(backend->pci, region->pci);
}

/* Tests one pair, notes and logs the outcome. */
static bool np_apply_test_pair(struct np_backend *backend, struct np_mem_region *region,
	bool is_fallback, char *why, size_t why_size)
{
	enum np_verdict verdict;
	char text[192];

	if (np_apply_passes_by_luck(backend, region)) {
		verdict = NP_VERDICT_UNUSABLE;
		snprintf(text, sizeof(text),
			"engine nvme is not for a drive's own CMB: some commands would have their "
			"SGL in host memory");
	} else {
		verdict = np_backend_selftest(backend, region, text, sizeof(text));
	}
	if (verdict == NP_VERDICT_WORKS && is_fallback)
		verdict = NP_VERDICT_QUIRK;
	np_mem_note(region, backend->path, false, verdict, text);
	np_log_info("memory %s with drive %s: %s: %s", region->name, backend->path,
		np_verdict_name(verdict), text);
	snprintf(why, why_size, "%.40s with %.20s: %.180s", region->name, backend->path, text);
	return verdict != NP_VERDICT_UNUSABLE;
}

/*
 * Looks for peer memory that an RDMA device and this backend can both use.
 * Return: NULL with the last obstacle in @why.
 */
static struct np_mem_region *np_apply_choose_region(struct np_daemon *daemon,
	const struct np_cfg_ns *cfg, struct np_backend *backend, bool is_fallback, char *why,
	size_t why_size)
{
	struct np_mem_region *regions[NP_MAX_REGIONS];
	unsigned int n;
	char pci[16];

	n = np_apply_candidates(daemon, &cfg->p2pmem, backend->pci, regions);
	np_cfg_format_pci(&cfg->p2pmem.pci, pci, sizeof(pci));
	snprintf(why, why_size, "no peer memory of %s to use: see the log of the start",
		cfg->p2pmem.mode == NP_CFG_P2PMEM_PCI ? pci : "any device");
	for (unsigned int i = 0; i < n; i++) {
		if (np_apply_region_has_rnic(regions[i], why, why_size) &&
			np_apply_test_pair(backend, regions[i], is_fallback, why, why_size))
			return regions[i];
	}
	return NULL;
}

/*
 * Does the engine work at all? Data goes through host memory whatever the namespace's own is: what
 * comes at a small path MTU, or in segments that a page-granular RNIC cannot place.
 */
static bool np_apply_host_works(struct np_daemon *daemon, struct np_backend *backend)
{
	struct np_mem_region *host = daemon->mem.regions[NP_REGION_HOST];
	enum np_verdict verdict;
	char text[192];

	if (!backend->is_direct)
		return true;
	verdict = np_backend_selftest(backend, host, text, sizeof(text));
	np_mem_note(host, backend->path, false, verdict, text);
	if (verdict == NP_VERDICT_WORKS)
		return true;
	np_log_warn("memory %s with drive %s: %s: %s", host->name, backend->path,
		np_verdict_name(verdict), text);
	return false;
}

/*
 * Opens the namespace's device with the first engine whose pair with peer memory works; without
 * one, with the first engine that works with host memory.
 */
static int np_apply_open_backend(struct np_daemon *daemon, struct np_applied_ns *applied,
	struct np_backend **ret_backend, struct np_mem_region **ret_region)
{
	const struct np_backend_ops *engines[NP_MAX_ENGINES];
	const struct np_cfg_ns *cfg = applied->cfg;
	unsigned int n = np_apply_engines(cfg, engines);
	bool wants_peer = cfg->p2pmem.mode != NP_CFG_P2PMEM_OFF;
	int ret = -ENODEV;

	for (unsigned int pass = wants_peer ? 0 : 1; pass < 2; pass++) {
		for (unsigned int i = 0; i < n; i++) {
			struct np_mem_region *region = NULL;
			struct np_backend *backend;

			ret = np_backend_open(engines[i], cfg->device.path, cfg->device.size_bytes,
				applied->reason, sizeof(applied->reason), &backend);
			if (ret)
				continue;
			if (pass == 0)
				region = np_apply_choose_region(daemon, cfg, backend, i > 0,
					applied->p2p_reason, sizeof(applied->p2p_reason));
			if ((region || pass == 1) && np_apply_host_works(daemon, backend)) {
				*ret_backend = backend;
				*ret_region = region;
				return 0;
			}
			np_backend_close(backend);
			snprintf(applied->reason, sizeof(applied->reason), "no engine can read %s",
				cfg->device.path);
			ret = -EIO;
		}
	}
	return ret;
}

/* ---- the namespace ------------------------------------------------------------------------ */

/*
 * Is there a namespace on the same device before this one? The path tells it of one that is down
 * or not enabled, so that identities do not change with it.
 */
static bool np_apply_is_repeated(const struct np_daemon *daemon,
	const struct np_applied_ns *applied, const struct np_backend *backend)
{
	const char *path = applied->cfg->device.path;

	for (const struct np_applied_ns *other = daemon->namespaces; path && other < applied;
		other++) {
		const char *other_path = other->cfg->device.path;

		if (other_path && !strcmp(other_path, path))
			return true;
		if (other->ns && other->ns->backend->hold && /* by another name */
			other->ns->backend->hold == backend->hold) {
			np_log_warn("namespace %s/%u: %s is the device of namespace %s/%u too",
				applied->cfg_subsys->nqn, applied->cfg->nsid, path,
				other->cfg_subsys->nqn, other->cfg->nsid);
			return true;
		}
	}
	return false;
}

static void np_apply_set_ids(
	const struct np_daemon *daemon, struct np_ns *ns, const struct np_applied_ns *applied)
{
	const struct np_cfg_device *device = &applied->cfg->device;
	static const uint8_t zero[16];

	/* What the operator gives replaces all of the drive's own identity. */
	if (device->uuid.is_given || device->nguid.is_given) {
		memcpy(ns->nguid, device->nguid.bytes, sizeof(ns->nguid));
		memcpy(ns->uuid, device->uuid.bytes, sizeof(ns->uuid));
	} else if (!np_apply_is_repeated(daemon, applied, ns->backend)) {
		/* A host refuses two namespaces of one identity. */
		memcpy(ns->nguid, ns->backend->nguid, sizeof(ns->nguid));
		memcpy(ns->uuid, ns->backend->uuid, sizeof(ns->uuid));
		memcpy(ns->eui64, ns->backend->eui64, sizeof(ns->eui64));
	}
	if (!memcmp(ns->uuid, zero, sizeof(zero)))
		np_ns_make_uuid(applied->cfg_subsys->nqn, ns->nsid, ns->uuid);
}

static struct np_ns *np_apply_new_ns(const struct np_daemon *daemon,
	const struct np_applied_ns *applied, struct np_backend *backend,
	struct np_mem_region *region)
{
	unsigned int nreactors = daemon->runtime.nreactors;
	struct np_ns *ns = calloc(1, sizeof(*ns));

	if (!ns)
		return NULL;
	ns->stats = np_line_alloc(nreactors * sizeof(*ns->stats));
	if (!ns->stats) {
		free(ns);
		return NULL;
	}
	ns->nreactors = nreactors;
	ns->nsid = applied->cfg->nsid;
	ns->backend = backend;
	ns->region = region;
	ns->lba_shift = (uint32_t)__builtin_ctz(backend->block_bytes);
	ns->nblocks = backend->nblocks;
	np_apply_set_ids(daemon, ns, applied);
	return ns;
}

/* Writes where the namespace stands in the configuration. Return: @place. */
static const char *np_apply_place(const struct np_daemon *daemon,
	const struct np_applied_ns *applied, char *place, size_t size)
{
	snprintf(place, size, "subsystems[%td].namespaces[%td]",
		applied->cfg_subsys - daemon->cfg->subsystems,
		applied->cfg - applied->cfg_subsys->namespaces);
	return place;
}

struct np_start_polling {
	struct np_call call;
	struct np_reactor *reactor;
	int result;
};

static void np_apply_start_polling(struct np_msg *msg)
{
	struct np_start_polling *start = np_container_of(msg, struct np_start_polling, call.msg);

	start->result = np_uring_start_polling(start->reactor);
	np_call_done(&start->call);
}

/* Return: whether the drive is polled from now on, as a read that is polled for has shown. */
static bool np_apply_try_polling(
	struct np_daemon *daemon, struct np_backend *backend, char *why, size_t why_size)
{
	struct np_start_polling start = {.result = 0};

	if (!backend->can_poll) {
		snprintf(why, why_size,
			"the device has no queues for it (an NVMe drive: module nvme, "
			"poll_queues=N)");
		return false;
	}
	for (unsigned int i = 0; i < daemon->runtime.nreactors && !start.result; i++) {
		start.reactor = daemon->runtime.reactors[i];
		np_call(&start.call, start.reactor, np_apply_start_polling);
	}
	if (start.result) {
		snprintf(why, why_size, "%s", strerror(-start.result));
		return false;
	}
	backend->is_polled = true;
	backend->is_polled = np_backend_selftest(backend, daemon->mem.regions[NP_REGION_HOST], why,
				     why_size) == NP_VERDICT_WORKS;
	return backend->is_polled;
}

/* Where it cannot be, completions are told by interrupts as always. */
static void np_apply_io_poll(
	struct np_daemon *daemon, const struct np_applied_ns *applied, struct np_backend *backend)
{
	char place[64], why[192];

	if (applied->cfg->io_poll && !np_apply_try_polling(daemon, backend, why, sizeof(why)))
		np_log_warn("%s.io_poll: %s", np_apply_place(daemon, applied, place, sizeof(place)),
			why);
}

static void np_apply_down(const struct np_daemon *daemon, const struct np_applied_ns *applied)
{
	char place[64];

	np_log_err("%s: namespace %s/%u is down: %s",
		np_apply_place(daemon, applied, place, sizeof(place)), applied->cfg_subsys->nqn,
		applied->cfg->nsid, applied->reason);
}

bool np_apply_could_have_peer(const struct np_daemon *daemon, const struct np_applied_ns *applied)
{
	const struct np_cfg_ns *cfg = applied->cfg;

	return cfg->enable && cfg->p2pmem.mode != NP_CFG_P2PMEM_OFF && !applied->had_rnic &&
		np_apply_has_rnic(daemon, cfg);
}

void np_apply_namespace(struct np_daemon *daemon, struct np_applied_ns *applied)
{
	struct np_mem_region *region;
	struct np_backend *backend;

	applied->had_rnic = np_apply_has_rnic(daemon, applied->cfg);
	applied->is_postponed = false;
	if (!applied->cfg->enable) {
		snprintf(applied->reason, sizeof(applied->reason), "not enabled");
		return;
	}
	if (applied->cfg->p2pmem.mode == NP_CFG_P2PMEM_OFF)
		snprintf(applied->p2p_reason, sizeof(applied->p2p_reason), "p2pmem is \"0\"");
	if (np_apply_open_backend(daemon, applied, &backend, &region)) {
		np_apply_down(daemon, applied);
		return;
	}
	if (!region && applied->cfg->p2pmem_require) {
		snprintf(applied->reason, sizeof(applied->reason),
			"p2pmem_require is set and P2P does not work: %.200s", applied->p2p_reason);
		np_backend_close(backend);
		np_apply_down(daemon, applied);
		return;
	}
	np_apply_io_poll(daemon, applied, backend);
	applied->ns = np_apply_new_ns(daemon, applied, backend, region);
	if (!applied->ns) {
		np_backend_close(backend);
		snprintf(applied->reason, sizeof(applied->reason), "out of memory");
		np_apply_down(daemon, applied);
		return;
	}
	applied->reason[0] = '\0';
	np_log_info("namespace %s/%u: %s by engine %s, data in %s%s%s", applied->cfg_subsys->nqn,
		applied->cfg->nsid, backend->path[0] ? backend->path : "null", backend->ops->name,
		region ? region->name : "host memory", region ? "" : ": ",
		region ? "" : applied->p2p_reason);
}

void np_apply_free_namespace(struct np_applied_ns *applied)
{
	if (!applied->ns)
		return;
	np_backend_close(applied->ns->backend);
	free(applied->ns->stats);
	free(applied->ns);
	applied->ns = NULL;
}
