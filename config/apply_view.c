// SPDX-License-Identifier: BSD-3-Clause
/*
 * apply_view.c - namespaces come and go while hosts are connected.
 *
 * A new view is published, every reactor passes through its loop once, and the old view is gone.
 *
 * Thread: control.
 * Depends: nvme, reactor.
 */
#include <stdlib.h>
#include <string.h>

#include "config/apply.h"
#include "target/nvme/registry.h"
#include "target/reactor/call.h"

static void np_apply_passed(struct np_msg *msg)
{
	np_call_done(np_container_of(msg, struct np_call, msg));
}

/* Returns when every reactor has been in its loop: what it read before, it has forgotten. */
static void np_apply_barrier(struct np_daemon *daemon)
{
	struct np_call call;

	for (unsigned int i = 0; i < daemon->runtime.nreactors; i++)
		np_call(&call, daemon->runtime.reactors[i], np_apply_passed);
}

/* ---- publishing, and telling the hosts ---------------------------------------------------- */

static bool np_apply_looks_equal(const struct np_ns *a, const struct np_ns *b)
{
	return a->nblocks == b->nblocks && a->lba_shift == b->lba_shift &&
		!memcmp(a->uuid, b->uuid, sizeof(a->uuid)) &&
		!memcmp(a->nguid, b->nguid, sizeof(a->nguid)) &&
		!memcmp(a->eui64, b->eui64, sizeof(a->eui64));
}

/* Tells the host what came, went, or looks different. Both views are ordered. */
static void np_apply_tell_difference(
	struct np_ctrl *ctrl, const struct np_view *old, const struct np_view *now)
{
	unsigned int i = 0, k = 0;

	while (i < old->nns || k < now->nns) {
		const uint32_t a = i < old->nns ? old->ns[i]->nsid : NVME_NSID_ALL;
		const uint32_t b = k < now->nns ? now->ns[k]->nsid : NVME_NSID_ALL;

		if (a != b || !np_apply_looks_equal(old->ns[i], now->ns[k]))
			np_registry_tell(ctrl,
				&(struct np_news){
					.kind = NP_AEN_NS_CHANGED, .nsid = a < b ? a : b});
		i += a <= b;
		k += b <= a;
	}
}

struct np_publication {
	struct np_subsys *subsys;
	struct np_view *view;
	struct np_view *old; /* views that are to be freed */
};

/* Without memory a host sees nothing rather than what it may not see, or what is not there any more. */
static struct np_view np_view_none;

static void np_apply_show(void *ctx, struct np_ctrl *ctrl)
{
	struct np_publication *publication = ctx;
	struct np_view *view, *old;
	const bool owned = ctrl->owns_view;

	if (ctrl->subsys != publication->subsys)
		return;
	view = np_view_for_host(publication->view, ctrl->hostnqn);
	ctrl->owns_view = view && view != publication->view;
	if (!view)
		view = &np_view_none;
	old = atomic_exchange(&ctrl->view, view);
	np_apply_tell_difference(ctrl, old, view);
	if (!owned)
		return;
	old->next = publication->old;
	publication->old = old;
}

void np_apply_publish(struct np_daemon *daemon, struct np_subsys *subsys, struct np_view *view)
{
	struct np_publication publication = {.subsys = subsys, .view = view};

	np_apply_fill_view(daemon, subsys, view);
	publication.old = atomic_exchange(&subsys->view, view);
	np_registry_each(np_apply_show, &publication);
	np_apply_barrier(daemon);
	while (publication.old) {
		struct np_view *old = publication.old;

		publication.old = old->next;
		free(old);
	}
}

struct np_apply_news {
	const struct np_subsys *subsys;
	struct np_news news;
};

static void np_apply_tell_of_ns(void *ctx, struct np_ctrl *ctrl)
{
	const struct np_apply_news *what = ctx;

	if (ctrl->subsys == what->subsys && np_view_find(np_ctrl_view(ctrl), what->news.nsid))
		np_registry_tell(ctrl, &what->news);
}

void np_apply_tell_hosts(const struct np_applied_ns *applied, enum np_aen_kind kind, uint64_t lba)
{
	struct np_apply_news what = {.subsys = applied->subsys,
		.news = {.kind = kind, .nsid = applied->cfg->nsid, .lba = lba}};

	np_registry_each(np_apply_tell_of_ns, &what);
}

struct np_changed_group {
	const struct np_port *port;
	uint32_t group;
};

static void np_apply_tell_ana_changed(void *ctx, struct np_ctrl *ctrl)
{
	const struct np_view *view = np_ctrl_view(ctrl);
	const struct np_changed_group *what = ctx;

	for (unsigned int i = 0; ctrl->port == what->port && i < view->nns; i++) {
		if (np_ns_group(view->ns[i]) != what->group)
			continue;
		np_registry_tell(ctrl, &(struct np_news){.kind = NP_AEN_ANA_CHANGED});
		return;
	}
}

void np_apply_tell_ana(const struct np_port *port, uint32_t group)
{
	struct np_changed_group what = {.port = port, .group = group};

	np_registry_each(np_apply_tell_ana_changed, &what);
}
