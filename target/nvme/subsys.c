// SPDX-License-Identifier: BSD-3-Clause
/*
 * subsys.c - looking things up in what a target offers.
 *
 * Thread: any; nothing here changes an object that others see.
 * Depends: libuuid (name-based UUIDs).
 */
#include "target/nvme/subsys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uuid/uuid.h>

#include <nvme/types.h>

#include "target/nvme/cntlid.h"

/*
 * The name space of our UUIDs: itself the version 5 UUID of the name "nvmet-p2p" in RFC 9562's
 * URL name space. It must never change, or every derived namespace identity would.
 */
static const uint8_t np_uuid_space[16] = {0xef, 0x4d, 0x4d, 0xc0, 0xd9, 0x2a, 0x51, 0xfd, 0xbe,
	0x6a, 0x9a, 0xf5, 0x6e, 0xf3, 0x92, 0xed};

struct np_ns *np_view_find(const struct np_view *view, uint32_t nsid)
{
	unsigned int low = 0, high = view->nns;

	while (low < high) {
		const unsigned int mid = low + (high - low) / 2;

		if (view->ns[mid]->nsid == nsid)
			return view->ns[mid];
		if (view->ns[mid]->nsid < nsid)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

struct np_view *np_view_for_host(struct np_view *view, const char *hostnqn)
{
	unsigned int nhidden = 0;
	struct np_view *own;

	for (unsigned int i = 0; i < view->nns; i++)
		nhidden +=
			view->ns[i]->is_visible && !view->ns[i]->is_visible(view->ns[i], hostnqn);
	if (!nhidden)
		return view;
	own = calloc(1, sizeof(*own) + (view->nns - nhidden) * sizeof(own->ns[0]));
	for (unsigned int i = 0; own && i < view->nns; i++) {
		struct np_ns *ns = view->ns[i];

		if (!ns->is_visible || ns->is_visible(ns, hostnqn))
			own->ns[own->nns++] = ns;
	}
	return own;
}

bool np_ns_new_use(struct np_ns *ns, unsigned int nreactors)
{
	ns->use = np_line_alloc(nreactors * sizeof(*ns->use));
	for (unsigned int i = 0; ns->use && i < nreactors; i++)
		np_qos_line_init(&ns->use[i].line, ns);
	return ns->use;
}

bool np_subsys_allows(const struct np_subsys *subsys, const char *hostnqn)
{
	if (subsys->allow_any_host)
		return true;
	for (unsigned int i = 0; i < subsys->nhosts; i++)
		if (!strcmp(subsys->hosts[i], hostnqn))
			return true;
	return false;
}

struct np_subsys *np_port_find_subsys(
	const struct np_target *target, const struct np_port *port, const char *nqn)
{
	if (!strcmp(nqn, NP_DISCOVERY_NQN) || !strcmp(nqn, target->discovery->nqn))
		return target->discovery;
	for (unsigned int i = 0; i < port->nsubsys; i++)
		if (!strcmp(port->subsys[i]->nqn, nqn))
			return port->subsys[i];
	return NULL;
}

struct np_subsys *np_subsys_new_discovery(const char *nqn)
{
	struct np_subsys *subsys = calloc(1, sizeof(*subsys));

	if (!subsys)
		return NULL;
	subsys->view = calloc(1, sizeof(*subsys->view));
	if (!subsys->view) {
		free(subsys);
		return NULL;
	}
	np_list_init(&subsys->static_ctrls);
	snprintf(subsys->nqn, sizeof(subsys->nqn), "%s", nqn ? nqn : NP_DISCOVERY_NQN);
	snprintf(subsys->serial, sizeof(subsys->serial), "discovery");
	snprintf(subsys->model, sizeof(subsys->model), "nvmet-p2p");
	snprintf(subsys->firmware, sizeof(subsys->firmware), "%s", NP_VERSION);
	subsys->is_discovery = true;
	subsys->allow_any_host = true;
	subsys->cntlid_min = NP_CNTLID_MIN;
	subsys->cntlid_max = NP_CNTLID_MAX;
	return subsys;
}

void np_subsys_free(struct np_subsys *subsys)
{
	if (!subsys)
		return;
	np_cntlid_forget(subsys);
	free(subsys->hosts);
	free(subsys->view);
	free(subsys);
}

void np_ns_make_uuid(const char *nqn, uint32_t nsid, uint8_t ret_uuid[16])
{
	char name[NP_NQN_BYTES + 16];
	const int len = snprintf(name, sizeof(name), "%s/%u", nqn, nsid);

	uuid_generate_sha1(ret_uuid, np_uuid_space, name,
		(size_t)len < sizeof(name) ? (size_t)len : sizeof(name) - 1);
}

bool np_port_set_state(struct np_port *port, enum np_port_state state, const char *reason)
{
	bool is_news = (state == NP_PORT_LISTENING) != (port->state == NP_PORT_LISTENING);

	snprintf(port->reason, sizeof(port->reason), "%s", reason);
	port->state = state;
	return is_news;
}

struct np_traffic_sum np_ns_traffic(const struct np_ns *ns)
{
	struct np_traffic_sum sum = {0};

	for (unsigned int i = 0; i < ns->nreactors; i++)
		np_traffic_add(&sum, &ns->stats[i].traffic);
	return sum;
}

bool np_ns_is_used(const struct np_ns *ns)
{
	for (unsigned int i = 0; i < ns->nreactors; i++) {
		if (atomic_load_explicit(&ns->use[i].inflight, memory_order_acquire))
			return true;
	}
	return false;
}
