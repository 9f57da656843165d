// SPDX-License-Identifier: BSD-3-Clause
/*
 * apply_list.c - the namespaces that the operator wants, and what belongs to each beyond its device:
 * counters, the gate, what is kept of it.
 *
 * Thread: control.
 * Depends: apply.h, nvme.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/apply.h"
#include "target/base/line.h"

/* One for all namespaces on a device. Return: NULL without memory. */
static struct np_gate *np_apply_gate(struct np_daemon *daemon, const char *path)
{
	for (unsigned int i = 0; path && i < daemon->n_namespaces; i++) {
		const struct np_applied_ns *other = daemon->namespaces[i];

		if (other->cfg->device.path && !strcmp(other->cfg->device.path, path))
			return np_gate_share(other->gate);
	}
	return np_gate_new(&daemon->runtime);
}

uint32_t np_apply_ana_group(const struct np_cfg_ns *cfg)
{
	/* A kernel without ANA saves group 0. */
	return cfg->ana_grpid ? cfg->ana_grpid : 1;
}

bool np_apply_is_visible(const struct np_ns *ns, const char *hostnqn)
{
	const struct np_cfg_ns *cfg = ((const struct np_applied_ns *)ns->owner)->cfg;

	for (size_t i = 0; i < cfg->n_allowed_hosts; i++) {
		if (!strcmp(cfg->allowed_hosts[i], hostnqn))
			return true;
	}
	return !cfg->n_allowed_hosts && !cfg->is_created;
}

/* What each has for itself. Return: NULL without memory. */
static struct np_applied_ns *np_apply_alloc(struct np_daemon *daemon,
	const struct np_cfg_subsys *cfg_subsys, const struct np_cfg_ns *cfg)
{
	struct np_applied_ns *applied = calloc(1, sizeof(*applied));

	if (!applied)
		return NULL;
	applied->daemon = daemon;
	applied->cfg_subsys = cfg_subsys;
	applied->cfg = cfg;
	applied->id = ++daemon->next_ns_id;
	applied->gate = np_apply_gate(daemon, cfg->device.path);
	if (!applied->gate) {
		free(applied);
		return NULL;
	}
	return applied;
}

struct np_applied_ns *np_apply_new_applied(struct np_daemon *daemon,
	const struct np_cfg_subsys *cfg_subsys, const struct np_cfg_ns *cfg)
{
	struct np_applied_ns *applied = np_apply_alloc(daemon, cfg_subsys, cfg);

	if (!applied)
		return NULL;
	applied->ana_group = np_apply_ana_group(cfg);
	applied->stats = np_line_alloc(daemon->runtime.nreactors * sizeof(*applied->stats));
	if (!applied->stats || np_apply_kept(daemon, applied)) {
		np_apply_free_applied(applied);
		return NULL;
	}
	return applied;
}

struct np_applied_ns *np_apply_new_heir(struct np_applied_ns *old,
	const struct np_cfg_subsys *cfg_subsys, const struct np_cfg_ns *cfg)
{
	struct np_applied_ns *heir = np_apply_alloc(old->daemon, cfg_subsys, cfg);

	if (!heir)
		return NULL;
	heir->ana_group = old->ana_group;
	heir->is_protected = old->is_protected;
	heir->lends = true;
	heir->stats = old->stats;
	heir->resv = old->resv;
	memcpy(heir->state_reason, old->state_reason, sizeof(heir->state_reason));
	return heir;
}

struct np_applied_ns *np_apply_find_ns(
	struct np_applied_ns *const *namespaces, unsigned int count, const char *nqn, int64_t nsid)
{
	for (unsigned int i = 0; i < count; i++) {
		if (namespaces[i]->cfg->nsid == nsid &&
			!strcmp(namespaces[i]->cfg_subsys->nqn, nqn))
			return namespaces[i];
	}
	return NULL;
}

void np_apply_inherit(struct np_applied_ns *heir, struct np_applied_ns *old)
{
	heir->lends = false;
	old->lends = true;
	if (heir->resv)
		heir->resv->owner = heir;
}

void np_apply_free_applied(struct np_applied_ns *applied)
{
	np_apply_free_ns(applied->ns);
	np_gate_put(applied->gate);
	if (!applied->lends) {
		free(applied->stats);
		np_resv_ns_free(applied->resv);
	}
	free(applied);
}

bool np_apply_has_new_size(const struct np_applied_ns *applied)
{
	const struct np_backend *backend = applied->ns ? applied->ns->backend : NULL;
	uint64_t nblocks;

	return backend && backend->ops->measure && !backend->ops->measure(backend, &nblocks) &&
		nblocks != backend->nblocks;
}

int np_apply_list(struct np_daemon *daemon)
{
	const struct np_cfg *cfg = daemon->cfg;
	size_t count = 0;

	for (size_t i = 0; i < cfg->n_subsystems; i++)
		count += cfg->subsystems[i].n_namespaces;
	daemon->namespaces = calloc(count + 1, sizeof(struct np_applied_ns *));
	daemon->n_namespaces = 0;
	if (!daemon->namespaces)
		return -ENOMEM;
	for (size_t i = 0; i < cfg->n_subsystems; i++) {
		const struct np_cfg_subsys *subsys = &cfg->subsystems[i];

		for (size_t j = 0; j < subsys->n_namespaces; j++) {
			struct np_applied_ns *applied =
				np_apply_new_applied(daemon, subsys, &subsys->namespaces[j]);

			if (!applied)
				return -ENOMEM;
			daemon->namespaces[daemon->n_namespaces++] = applied;
		}
	}
	return 0;
}

void np_apply_free_list(struct np_daemon *daemon)
{
	for (unsigned int i = 0; i < daemon->n_namespaces; i++)
		np_apply_free_applied(daemon->namespaces[i]);
	free(daemon->namespaces);
}
