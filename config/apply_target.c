// SPDX-License-Identifier: BSD-3-Clause
/*
 * apply_target.c - what is offered: subsystems, their views of namespaces, ports, referrals.
 *
 * Thread: control.
 * Depends: nvme.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/apply.h"
#include "config/apply_manage.h"
#include "config/text.h"

#define NP_DEFAULT_INLINE_BYTES 4096 /* one page, as the kernel's target */

/* ---- subsystems --------------------------------------------------------------------------- */

/* A serial number from the NQN, so that it is equal after a restart (FNV-1a, 64 bits). */
static void np_apply_make_serial(const char *nqn, char *ret_serial, size_t size)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *nqn; nqn++)
		hash = (hash ^ (uint8_t)*nqn) * UINT64_C(0x100000001b3);
	snprintf(ret_serial, size, "%016llx", (unsigned long long)hash);
}

static int np_apply_compare_nsid(const void *a, const void *b)
{
	const struct np_ns *const *ns_a = a, *const *ns_b = b;

	return (*ns_a)->nsid < (*ns_b)->nsid ? -1 : (*ns_a)->nsid > (*ns_b)->nsid;
}

struct np_view *np_apply_new_view(const struct np_daemon *daemon, const struct np_subsys *subsys)
{
	size_t count = 0;

	for (unsigned int i = 0; i < daemon->n_namespaces; i++)
		count += daemon->namespaces[i]->subsys == subsys;
	return calloc(1, sizeof(struct np_view) + count * sizeof(struct np_ns *));
}

void np_apply_fill_view(
	const struct np_daemon *daemon, const struct np_subsys *subsys, struct np_view *view)
{
	view->nns = 0;
	for (unsigned int i = 0; i < daemon->n_namespaces; i++) {
		if (daemon->namespaces[i]->subsys == subsys && daemon->namespaces[i]->ns)
			view->ns[view->nns++] = daemon->namespaces[i]->ns;
	}
	qsort(view->ns, view->nns, sizeof(view->ns[0]), np_apply_compare_nsid);
}

struct np_subsys *np_apply_new_subsys(struct np_daemon *daemon, const struct np_cfg_subsys *cfg)
{
	struct np_subsys *subsys = calloc(1, sizeof(*subsys));

	if (!subsys)
		return NULL;
	np_list_init(&subsys->link);
	np_list_init(&subsys->static_ctrls);
	subsys->view = calloc(1, sizeof(struct np_view));
	subsys->hosts = calloc(cfg->n_allowed_hosts + 1, sizeof(*subsys->hosts));
	if (!subsys->view || !subsys->hosts) {
		np_subsys_free(subsys);
		return NULL;
	}
	subsys->nn = NP_MAX_NAMESPACES;
	for (size_t i = 0; i < cfg->n_namespaces; i++) {
		if (cfg->namespaces[i].nsid > subsys->nn)
			subsys->nn = cfg->namespaces[i].nsid;
	}
	snprintf(subsys->nqn, sizeof(subsys->nqn), "%s", cfg->nqn);
	for (size_t i = 0; i < cfg->n_allowed_hosts; i++)
		snprintf(subsys->hosts[subsys->nhosts++], sizeof(*subsys->hosts), "%s",
			cfg->allowed_hosts[i]);
	subsys->allow_any_host = cfg->allow_any_host;
	subsys->may_be_reset = cfg->subsystem_reset;
	subsys->has_static_ctrls = cfg->static_controllers;
	if (cfg->serial)
		snprintf(subsys->serial, sizeof(subsys->serial), "%s", cfg->serial);
	else
		np_apply_make_serial(cfg->nqn, subsys->serial, sizeof(subsys->serial));
	snprintf(subsys->model, sizeof(subsys->model), "%s", cfg->model ? cfg->model : "nvmet-p2p");
	snprintf(subsys->firmware, sizeof(subsys->firmware), "%.8s",
		cfg->firmware ? cfg->firmware : NP_VERSION);
	for (unsigned int i = 0; i < sizeof(subsys->ieee_oui); i++)
		subsys->ieee_oui[i] = (uint8_t)(cfg->ieee_oui >> 8 * i);
	subsys->cntlid_min = cfg->cntlid_min;
	subsys->cntlid_max = cfg->cntlid_max;
	subsys->max_io_queues = cfg->qid_max;
	for (size_t i = 0; i < cfg->n_passthru; i++) {
		uint8_t opcode = 0;

		np_cfg_parse_opcode(cfg->passthru[i], &opcode);
		subsys->passthru[opcode / 64] |= UINT64_C(1) << opcode % 64;
	}
	subsys->requires_p2p = np_cfg_subsys_requires_p2p(cfg);
	np_apply_offer_capacity(daemon, subsys, cfg);
	return subsys;
}

/* Shows the namespaces that are up, to nobody yet. Return: 0 or -ENOMEM. */
static int np_apply_fill_subsys(
	struct np_daemon *daemon, const struct np_cfg_subsys *cfg, struct np_subsys *subsys)
{
	struct np_view *view;

	for (unsigned int i = 0; i < daemon->n_namespaces; i++) {
		if (daemon->namespaces[i]->cfg_subsys == cfg)
			daemon->namespaces[i]->subsys = subsys;
	}
	view = np_apply_new_view(daemon, subsys);
	if (!view)
		return -ENOMEM;
	np_apply_fill_view(daemon, subsys, view);
	free(subsys->view);
	subsys->view = view;
	return 0;
}

bool np_apply_swap_access(struct np_subsys *subsys, struct np_subsys *shape)
{
	const bool is_other = subsys->allow_any_host != shape->allow_any_host ||
		subsys->nhosts != shape->nhosts ||
		memcmp(subsys->hosts, shape->hosts, subsys->nhosts * sizeof(*subsys->hosts)) != 0;
	char(*hosts)[NP_NQN_BYTES] = subsys->hosts;

	subsys->hosts = shape->hosts;
	shape->hosts = hosts;
	subsys->nhosts = shape->nhosts;
	subsys->allow_any_host = shape->allow_any_host;
	subsys->nn = shape->nn;
	subsys->requires_p2p = shape->requires_p2p;
	atomic_store(&subsys->capacity.bytes, shape->capacity.bytes);
	atomic_store(&subsys->capacity.free_bytes, shape->capacity.free_bytes);
	atomic_store(&subsys->capacity.block_bytes, shape->capacity.block_bytes);
	atomic_store(&subsys->manager, shape->manager);
	return is_other;
}

/* ---- ports -------------------------------------------------------------------------------- */

void np_apply_free_port(struct np_port *port)
{
	struct np_list *node;

	if (!port)
		return;
	while ((node = np_list_pop(&port->referrals)) != NULL)
		free(np_container_of(node, struct np_referral, link));
	free(port->subsys);
	free(port);
}

static int np_apply_add_referrals(struct np_port *port, const struct np_cfg_port *cfg)
{
	for (size_t i = 0; i < cfg->n_referrals; i++) {
		const struct np_cfg_referral *from = &cfg->referrals[i];
		struct np_referral *referral;

		if (!from->enable || from->addr.trtype == NP_CFG_TRTYPE_UNSET)
			continue;
		referral = calloc(1, sizeof(*referral));
		if (!referral)
			return -ENOMEM;
		referral->portid = from->portid < 0 ? port->portid : (uint16_t)from->portid;
		snprintf(referral->traddr, sizeof(referral->traddr), "%s", from->addr.traddr);
		snprintf(referral->trsvcid, sizeof(referral->trsvcid), "%s", from->addr.trsvcid);
		referral->trtype = (uint8_t)from->addr.trtype;
		referral->adrfam = (uint8_t)from->addr.adrfam;
		referral->treq = (uint8_t)from->addr.treq;
		np_list_add_tail(&port->referrals, &referral->link);
	}
	return 0;
}

static uint16_t np_apply_queue_size(int32_t size)
{
	if (size < 0)
		return NP_MAX_QUEUE_DEPTH;
	return (uint16_t)(size < NP_CFG_QUEUE_SIZE_MIN ? NP_CFG_QUEUE_SIZE_MIN : size);
}

struct np_port *np_apply_new_port(struct np_target *target, const struct np_cfg_port *cfg)
{
	struct np_port *port = calloc(1, sizeof(*port));

	if (!port)
		return NULL;
	np_list_init(&port->referrals);
	np_list_init(&port->link);
	port->subsys = calloc(cfg->n_subsystems + 1, sizeof(struct np_subsys *));
	if (!port->subsys || np_apply_add_referrals(port, cfg)) {
		np_apply_free_port(port);
		return NULL;
	}
	for (unsigned int i = 0; i < target->nsubsys; i++) {
		if (np_cfg_port_exports(cfg, target->subsys[i]->nqn))
			port->subsys[port->nsubsys++] = target->subsys[i];
	}
	/* Before it listens: no host sees another state than what was asked for. */
	np_ana_init(&port->ana);
	for (size_t i = 0; i < cfg->n_ana_groups; i++)
		atomic_init(&port->ana.states[cfg->ana_groups[i].grpid - 1],
			(uint8_t)cfg->ana_groups[i].state);
	port->target = target;
	port->portid = cfg->portid;
	snprintf(port->traddr, sizeof(port->traddr), "%s", cfg->addr.traddr);
	snprintf(port->trsvcid, sizeof(port->trsvcid), "%s", cfg->addr.trsvcid);
	port->is_ipv6 = cfg->addr.adrfam == NP_CFG_ADRFAM_IPV6;
	port->treq = (uint8_t)cfg->addr.treq;
	port->inline_bytes = cfg->inline_data_size < 0 ? NP_DEFAULT_INLINE_BYTES
						       : (uint32_t)cfg->inline_data_size;
	port->is_inline_given = cfg->inline_data_size >= 0;
	port->max_entries = np_apply_queue_size(cfg->max_queue_size);
	return port;
}

struct np_port *np_apply_find_port(const struct np_target *target, int64_t portid)
{
	for (unsigned int i = 0; i < target->nports; i++) {
		if (target->ports[i]->portid == portid)
			return target->ports[i];
	}
	return NULL;
}

static bool np_apply_refers_alike(const struct np_port *a, const struct np_port *b)
{
	const struct np_list *pos_a = a->referrals.next, *pos_b = b->referrals.next;

	while (pos_a != &a->referrals && pos_b != &b->referrals) {
		const struct np_referral *x =
			np_container_of(pos_a, const struct np_referral, link);
		const struct np_referral *y =
			np_container_of(pos_b, const struct np_referral, link);

		if (x->portid != y->portid || x->trtype != y->trtype || x->adrfam != y->adrfam ||
			x->treq != y->treq || strcmp(x->traddr, y->traddr) != 0 ||
			strcmp(x->trsvcid, y->trsvcid) != 0)
			return false;
		pos_a = pos_a->next;
		pos_b = pos_b->next;
	}
	return pos_a == &a->referrals && pos_b == &b->referrals;
}

static void np_apply_swap_lists(struct np_list *a, struct np_list *b)
{
	struct np_list kept;

	np_list_init(&kept);
	np_list_move_all(&kept, a);
	np_list_move_all(a, b);
	np_list_move_all(b, &kept);
}

bool np_apply_swap_offers(struct np_port *port, struct np_port *shape)
{
	const bool is_other = port->nsubsys != shape->nsubsys ||
		memcmp(port->subsys, shape->subsys, port->nsubsys * sizeof(port->subsys[0])) != 0 ||
		!np_apply_refers_alike(port, shape);
	struct np_subsys **subsys = port->subsys;

	port->subsys = shape->subsys;
	shape->subsys = subsys;
	port->nsubsys = shape->nsubsys;
	np_apply_swap_lists(&port->referrals, &shape->referrals);
	return is_other;
}

/* ---- all together ------------------------------------------------------------------------- */

int np_apply_build_target(struct np_daemon *daemon)
{
	const struct np_cfg *cfg = daemon->cfg;
	struct np_target *target = &daemon->target;

	target->discovery = np_subsys_new_discovery(cfg->daemon.discovery_nqn);
	target->subsys = calloc(cfg->n_subsystems + 1, sizeof(struct np_subsys *));
	target->ports = calloc(cfg->n_ports + 1, sizeof(struct np_port *));
	if (!target->discovery || !target->subsys || !target->ports)
		return -ENOMEM;
	for (size_t i = 0; i < cfg->n_subsystems; i++) {
		target->subsys[i] = np_apply_new_subsys(daemon, &cfg->subsystems[i]);
		if (!target->subsys[i])
			return -ENOMEM;
		target->nsubsys++;
		if (np_apply_fill_subsys(daemon, &cfg->subsystems[i], target->subsys[i]))
			return -ENOMEM;
	}
	for (size_t i = 0; i < cfg->n_ports; i++) {
		if (!np_cfg_port_is_served(&cfg->ports[i]))
			continue;
		target->ports[target->nports] = np_apply_new_port(target, &cfg->ports[i]);
		if (!target->ports[target->nports])
			return -ENOMEM;
		target->nports++;
	}
	return 0;
}

void np_apply_free_target(struct np_target *target)
{
	while (target->nports > 0)
		np_apply_free_port(target->ports[--target->nports]);
	while (target->nsubsys > 0)
		np_subsys_free(target->subsys[--target->nsubsys]);
	np_subsys_free(target->discovery);
	free(target->ports);
	free(target->subsys);
}
