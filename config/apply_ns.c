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
#include "target/base/event.h"
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

/*
 * The engine whose pair with the best peer memory works; without one, the first that works with host
 * memory. Return: NULL if none does.
 */
static struct np_apply_engine *np_apply_choose_engine(struct np_daemon *daemon,
	struct np_applied_ns *applied, struct np_apply_engine *engines, unsigned int nengines)
{
	struct np_apply_engine *best =
		np_apply_pick_engine(daemon, &applied->cfg->p2pmem, engines, nengines);

	if (best && np_apply_engine_can_host(daemon, best))
		return best;
	for (unsigned int i = 0; i < nengines; i++) {
		if (&engines[i] != best && np_apply_engine_can_host(daemon, &engines[i]))
			return &engines[i];
	}
	snprintf(applied->reason, sizeof(applied->reason), "no engine can read %s",
		applied->cfg->device.path);
	return NULL;
}

/* Opens the namespace's device with the engine that suits it best: applied->engine. */
static int np_apply_open_backend(struct np_daemon *daemon, struct np_applied_ns *applied)
{
	const struct np_backend_ops *ops[NP_MAX_ENGINES];
	const struct np_cfg_ns *cfg = applied->cfg;
	struct np_apply_engine engines[NP_MAX_ENGINES], *chosen;
	unsigned int nops = np_apply_engines(cfg, ops), n = 0;
	int ret = -ENODEV;

	for (unsigned int i = 0; i < nops; i++) {
		engines[n] = (struct np_apply_engine){.is_fallback = n > 0};
		ret = np_backend_open(ops[i], cfg->device.path, cfg->device.size_bytes,
			applied->reason, sizeof(applied->reason), &engines[n].backend);
		n += !ret;
	}
	if (!n)
		return ret;
	applied->considered = np_apply_reachable(daemon, &cfg->p2pmem);
	chosen = np_apply_choose_engine(daemon, applied, engines, n);
	for (unsigned int i = 0; i < n; i++) {
		if (&engines[i] != chosen)
			np_backend_close(engines[i].backend);
	}
	if (!chosen)
		return -EIO;
	applied->engine = *chosen;
	return 0;
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

	for (unsigned int i = 0; path && daemon->namespaces[i] != applied; i++) {
		const struct np_applied_ns *other = daemon->namespaces[i];
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

static struct np_ns *np_apply_new_ns(const struct np_daemon *daemon, struct np_applied_ns *applied)
{
	struct np_backend *backend = applied->engine.backend;
	unsigned int nreactors = daemon->runtime.nreactors;
	struct np_ns *ns = calloc(1, sizeof(*ns));

	if (!ns)
		return NULL;
	if (!np_ns_new_use(ns, nreactors)) {
		free(ns);
		return NULL;
	}
	ns->stats = applied->stats;
	ns->nreactors = nreactors;
	ns->nsid = applied->cfg->nsid;
	ns->backend = backend;
	ns->scrub_every = applied->cfg->scrub;
	np_apply_set_qos(ns, &applied->cfg->qos);
	ns->ana_group = applied->ana_group;
	ns->gate = applied->gate;
	ns->resv = applied->cfg->resv_enable ? applied->resv : NULL;
	ns->is_protected = applied->is_protected;
	ns->protect = daemon->state.can_keep ? np_apply_protect : NULL;
	ns->distrust = np_apply_distrust;
	ns->is_visible = np_apply_is_visible;
	ns->is_created = applied->cfg->is_created;
	ns->is_private = applied->cfg->is_private;
	ns->owner = applied;
	np_list_init(&ns->link);
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

static void np_apply_down(const struct np_daemon *daemon, struct np_applied_ns *applied)
{
	char place[64];

	/* Each device that comes is a reason to try again, not to complain again. */
	if (!strcmp(applied->told, applied->reason))
		return;
	memcpy(applied->told, applied->reason, sizeof(applied->told));
	np_event(NP_EVENT_NAMESPACE, NP_LOG_ERR, "%s: namespace %s/%u is down: %s",
		np_apply_place(daemon, applied, place, sizeof(place)), applied->cfg_subsys->nqn,
		applied->cfg->nsid, applied->reason);
}

void np_apply_namespace(struct np_daemon *daemon, struct np_applied_ns *applied)
{
	struct np_backend *backend;

	if (!applied->cfg->enable) {
		snprintf(applied->reason, sizeof(applied->reason), "not enabled");
		return;
	}
	if (applied->state_reason[0]) {
		memcpy(applied->reason, applied->state_reason, sizeof(applied->reason));
		np_apply_down(daemon, applied);
		return;
	}
	if (np_apply_open_backend(daemon, applied)) {
		np_apply_down(daemon, applied);
		return;
	}
	backend = applied->engine.backend;
	np_apply_io_poll(daemon, applied, backend);
	applied->ns = np_apply_new_ns(daemon, applied);
	if (!applied->ns) {
		np_backend_close(backend);
		snprintf(applied->reason, sizeof(applied->reason), "out of memory");
		np_apply_down(daemon, applied);
		return;
	}
	if (!np_apply_choose_paths(daemon, applied) && applied->cfg->p2pmem_require) {
		np_apply_free_ns(applied->ns);
		applied->ns = NULL;
		snprintf(applied->reason, sizeof(applied->reason),
			"p2pmem_require is set and P2P does not work: %.200s", applied->p2p_reason);
		np_apply_down(daemon, applied);
		return;
	}
	applied->reason[0] = applied->told[0] = '\0';
	np_event(NP_EVENT_NAMESPACE, NP_LOG_INFO, "namespace %s/%u: %s by engine %s",
		applied->cfg_subsys->nqn, applied->cfg->nsid,
		backend->path[0] ? backend->path : "null", backend->ops->name);
}

void np_apply_free_ns(struct np_ns *ns)
{
	if (!ns)
		return;
	np_backend_close(ns->backend);
	np_apply_free_shares(ns);
	free(ns->use);
	free(ns);
}

/* Has it no peer memory, though some can be reached that could not when its engine was chosen? */
static bool np_apply_is_outdated(
	const struct np_daemon *daemon, const struct np_applied_ns *applied)
{
	if (!applied->cfg->enable ||
		!(np_apply_reachable(daemon, &applied->cfg->p2pmem) & ~applied->considered))
		return false;
	for (unsigned int i = 0; applied->ns && i < NP_MAX_RNICS; i++) {
		if (applied->paths[i].region)
			return false;
	}
	return true;
}

/* What cannot come up anew stays as it is. Hosts go on. */
static void np_apply_renew(struct np_daemon *daemon, struct np_applied_ns *applied)
{
	struct np_view *view = np_apply_new_view(daemon, applied->subsys);
	struct np_applied_ns old = *applied;

	if (!view)
		return;
	applied->ns = NULL;
	np_apply_namespace(daemon, applied);
	if (!applied->ns) {
		if (old.ns) {
			old.considered = applied->considered;
			*applied = old;
		}
		free(view);
		return;
	}
	np_apply_publish(daemon, applied->subsys, view);
	if (old.ns)
		np_apply_retire(daemon, old.ns);
}

void np_apply_lose_namespace(struct np_daemon *daemon, struct np_applied_ns *applied)
{
	struct np_view *view = np_apply_new_view(daemon, applied->subsys);
	struct np_ns *ns = applied->ns;

	/* Hosts then see its errors only. */
	if (!view)
		return;
	applied->ns = NULL;
	snprintf(applied->reason, sizeof(applied->reason), "%.200s has gone", ns->backend->path);
	np_apply_down(daemon, applied);
	np_apply_publish(daemon, applied->subsys, view);
	np_apply_retire(daemon, ns);
}

void np_apply_doubt_namespace(struct np_applied_ns *applied)
{
	applied->engine.tested = 0;
	applied->engine.works = 0;
	for (unsigned int i = 0; i < NP_MAX_RNICS; i++) {
		applied->paths[i].region = NULL;
		np_ns_set_path(applied->ns, i, NULL, NP_STAGED_LOST);
	}
}

void np_apply_reconsider(struct np_daemon *daemon)
{
	for (unsigned int i = 0; i < daemon->n_namespaces; i++) {
		struct np_applied_ns *applied = daemon->namespaces[i];
		bool may_come_up = applied->cfg->enable && daemon->is_device_new && !applied->ns;

		if (applied->ns)
			np_apply_choose_paths(daemon, applied);
		if (may_come_up || np_apply_is_outdated(daemon, applied) ||
			np_apply_has_new_size(applied))
			np_apply_renew(daemon, applied);
	}
}
