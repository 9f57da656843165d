// SPDX-License-Identifier: BSD-3-Clause
/*
 * apply.c - a running daemon made from a configuration: the order of start and stop.
 *
 * memory -> transport (which tests its devices with the memory) -> namespaces (which test their
 * drives with it) -> subsystems -> ports. Stop is the reverse.
 *
 * Thread: control.
 * Depends: every room below.
 */
#include "config/apply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/base/log.h"
#include "target/memory/pool.h"
#include "target/nvme/registry.h"

#define NP_LISTEN_RETRY_S 2.0
#define NP_DEFAULT_INLINE_BYTES 4096 /* one page, as the kernel's target */
#define NP_SERIAL_BYTES 20

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

/* @view has room for all namespaces of @cfg. */
static void np_apply_fill_view(
	const struct np_daemon *daemon, const struct np_cfg_subsys *cfg, struct np_view *view)
{
	view->nns = 0;
	for (unsigned int i = 0; i < daemon->n_namespaces; i++) {
		if (daemon->namespaces[i].cfg_subsys == cfg && daemon->namespaces[i].ns)
			view->ns[view->nns++] = daemon->namespaces[i].ns;
	}
	qsort(view->ns, view->nns, sizeof(view->ns[0]), np_apply_compare_nsid);
}

static struct np_subsys *np_apply_new_subsys(
	const struct np_daemon *daemon, const struct np_cfg_subsys *cfg)
{
	struct np_subsys *subsys = calloc(1, sizeof(*subsys));

	if (!subsys)
		return NULL;
	subsys->view =
		calloc(1, sizeof(*subsys->view) + cfg->n_namespaces * sizeof(subsys->view->ns[0]));
	subsys->hosts = calloc(cfg->n_allowed_hosts + 1, sizeof(*subsys->hosts));
	if (!subsys->view || !subsys->hosts) {
		np_subsys_free(subsys);
		return NULL;
	}
	np_apply_fill_view(daemon, cfg, subsys->view);
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
	subsys->requires_p2p = np_cfg_subsys_requires_p2p(cfg);
	return subsys;
}

/* ---- ports -------------------------------------------------------------------------------- */

static void np_apply_free_port(struct np_port *port)
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

static struct np_port *np_apply_new_port(
	const struct np_target *target, const struct np_cfg_port *cfg)
{
	struct np_port *port = calloc(1, sizeof(*port));

	if (!port)
		return NULL;
	np_list_init(&port->referrals);
	port->subsys = calloc(cfg->n_subsystems + 1, sizeof(struct np_subsys *));
	if (!port->subsys || np_apply_add_referrals(port, cfg)) {
		np_apply_free_port(port);
		return NULL;
	}
	for (unsigned int i = 0; i < target->nsubsys; i++) {
		if (np_cfg_port_exports(cfg, target->subsys[i]->nqn))
			port->subsys[port->nsubsys++] = target->subsys[i];
	}
	port->portid = cfg->portid;
	snprintf(port->traddr, sizeof(port->traddr), "%s", cfg->addr.traddr);
	snprintf(port->trsvcid, sizeof(port->trsvcid), "%s", cfg->addr.trsvcid);
	port->is_ipv6 = cfg->addr.adrfam == NP_CFG_ADRFAM_IPV6;
	port->treq = (uint8_t)cfg->addr.treq;
	port->inline_bytes = cfg->inline_data_size < 0 ? NP_DEFAULT_INLINE_BYTES
						       : (uint32_t)cfg->inline_data_size;
	port->is_inline_given = cfg->inline_data_size >= 0;
	return port;
}

/*
 * An RDMA device that came late, or whose port did, may reach memory that none could before.
 * Namespaces that want such memory are made anew, when no host is there to see them change.
 */
static void np_apply_reconsider(struct np_daemon *daemon)
{
	for (unsigned int i = 0; i < daemon->n_namespaces; i++) {
		struct np_applied_ns *applied = &daemon->namespaces[i];
		size_t subsys = (size_t)(applied->cfg_subsys - daemon->cfg->subsystems);

		if (!np_apply_could_have_peer(daemon, applied))
			continue;
		if (!daemon->transport->nconns) {
			np_apply_free_namespace(applied);
			np_apply_namespace(daemon, applied);
			np_apply_fill_view(
				daemon, applied->cfg_subsys, daemon->target.subsys[subsys]->view);
		} else if (!applied->is_postponed) {
			applied->is_postponed = true;
			np_log_warn("namespace %s/%u: peer memory can be reached now, and will be "
				    "used when no host is connected any more",
				applied->cfg_subsys->nqn, applied->cfg->nsid);
		}
	}
}

static void np_apply_listen(struct np_daemon *daemon, struct np_port *port)
{
	const struct np_transport_ops *ops = daemon->transport->ops;
	char why[sizeof(port->reason)];

	if (!ops->listen(daemon->transport, port, why, sizeof(why))) {
		port->state = NP_PORT_LISTENING;
		port->reason[0] = '\0';
		np_log_info(
			"port %u: listening on %s %s", port->portid, port->traddr, port->trsvcid);
		np_apply_reconsider(daemon);
		return;
	}
	/* One line for each new reason, not one for each try. */
	if (port->state != NP_PORT_RETRYING || strcmp(port->reason, why) != 0)
		np_log_warn("port %u: cannot listen on %s %s: %s; trying again every %.0f s",
			port->portid, port->traddr, port->trsvcid, why, NP_LISTEN_RETRY_S);
	port->state = NP_PORT_RETRYING;
	memcpy(port->reason, why, sizeof(why));
}

static void np_apply_listen_retry(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct np_daemon *daemon = np_container_of(timer, struct np_daemon, listen_timer);

	(void)loop;
	(void)events;
	for (unsigned int i = 0; i < daemon->target.nports; i++) {
		if (daemon->target.ports[i]->state == NP_PORT_RETRYING)
			np_apply_listen(daemon, daemon->target.ports[i]);
	}
	/* A port may come up that is listened on already. */
	np_apply_reconsider(daemon);
}

/* ---- start -------------------------------------------------------------------------------- */

static int np_apply_list_namespaces(struct np_daemon *daemon)
{
	const struct np_cfg *cfg = daemon->cfg;
	size_t count = 0;

	for (size_t i = 0; i < cfg->n_subsystems; i++)
		count += cfg->subsystems[i].n_namespaces;
	daemon->namespaces = calloc(count + 1, sizeof(*daemon->namespaces));
	if (!daemon->namespaces)
		return -ENOMEM;
	for (size_t i = 0; i < cfg->n_subsystems; i++) {
		for (size_t j = 0; j < cfg->subsystems[i].n_namespaces; j++)
			daemon->namespaces[daemon->n_namespaces++] = (struct np_applied_ns){
				.cfg_subsys = &cfg->subsystems[i],
				.cfg = &cfg->subsystems[i].namespaces[j],
			};
	}
	return 0;
}

static void np_apply_attach_pools(struct np_msg *msg)
{
	struct np_attach *attach = np_container_of(msg, struct np_attach, msg);

	for (unsigned int i = 0; i < attach->mem->nregions; i++)
		np_pool_attach(
			attach->mem->regions[i]->pools[attach->reactor->index], attach->reactor);
}

static int np_apply_start_runtime(struct np_daemon *daemon, struct ev_loop *loop)
{
	const struct np_cfg_daemon *cfg = &daemon->cfg->daemon;
	int cpus[NP_MAX_REACTORS];

	for (unsigned int i = 0; i < cfg->reactors.count; i++)
		cpus[i] = cfg->reactors.cpus ? cfg->reactors.cpus[i] : -1;
	return np_runtime_start(&daemon->runtime, loop, cpus, cfg->reactors.count, cfg->poll_us);
}

static int np_apply_build_target(struct np_daemon *daemon)
{
	const struct np_cfg *cfg = daemon->cfg;
	struct np_target *target = &daemon->target;

	target->discovery = np_subsys_new_discovery();
	target->subsys = calloc(cfg->n_subsystems + 1, sizeof(struct np_subsys *));
	target->ports = calloc(cfg->n_ports + 1, sizeof(struct np_port *));
	if (!target->discovery || !target->subsys || !target->ports)
		return -ENOMEM;
	for (size_t i = 0; i < cfg->n_subsystems; i++) {
		target->subsys[i] = np_apply_new_subsys(daemon, &cfg->subsystems[i]);
		if (!target->subsys[i])
			return -ENOMEM;
		target->nsubsys++;
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

static void np_apply_free_target(struct np_target *target)
{
	while (target->nports > 0)
		np_apply_free_port(target->ports[--target->nports]);
	while (target->nsubsys > 0)
		np_subsys_free(target->subsys[--target->nsubsys]);
	np_subsys_free(target->discovery);
	free(target->ports);
	free(target->subsys);
}

/* Frees what np_apply_start() has made so far, in reverse. */
static void np_apply_undo(struct np_daemon *daemon)
{
	if (daemon->transport)
		daemon->transport->ops->close(daemon->transport);
	np_runtime_stop(&daemon->runtime);
	np_apply_free_target(&daemon->target);
	for (unsigned int i = 0; i < daemon->n_namespaces; i++)
		np_apply_free_namespace(&daemon->namespaces[i]);
	free(daemon->namespaces);
	np_mem_close_all(&daemon->mem);
}

static int np_apply_bring_up(struct np_daemon *daemon, char *why, size_t why_size)
{
	struct np_runtime *runtime = &daemon->runtime;
	int ret;

	ret = np_apply_list_namespaces(daemon);
	if (ret)
		goto err_memory;
	ret = np_apply_memory(daemon, why, why_size);
	if (ret)
		return ret;
	for (unsigned int i = 0; i < runtime->nreactors; i++) {
		daemon->attach[i] = (struct np_attach){
			.msg.fn = np_apply_attach_pools,
			.mem = &daemon->mem,
			.reactor = runtime->reactors[i],
		};
		np_reactor_send(runtime->reactors[i], &daemon->attach[i].msg);
	}
	ret = np_transport_rdma_ops.open(runtime, &daemon->mem, why, why_size, &daemon->transport);
	if (ret)
		return ret;
	for (unsigned int i = 0; i < daemon->n_namespaces; i++)
		np_apply_namespace(daemon, &daemon->namespaces[i]);
	ret = np_apply_build_target(daemon);
	if (ret)
		goto err_memory;
	return 0;

err_memory:
	snprintf(why, why_size, "out of memory");
	return ret;
}

int np_apply_start(struct np_daemon *daemon, struct ev_loop *loop, const struct np_cfg *cfg,
	char *why, size_t why_size)
{
	int ret;

	*daemon = (struct np_daemon){.cfg = cfg, .started = ev_now(loop)};
	ret = np_apply_start_runtime(daemon, loop);
	if (ret) {
		snprintf(why, why_size, "cannot start %u reactors: %s", cfg->daemon.reactors.count,
			strerror(-ret));
		return ret;
	}
	ret = np_apply_bring_up(daemon, why, why_size);
	if (ret) {
		np_apply_undo(daemon);
		return ret;
	}
	np_registry_open(&daemon->runtime, daemon->transport, &daemon->target);
	for (unsigned int i = 0; i < daemon->target.nports; i++)
		np_apply_listen(daemon, daemon->target.ports[i]);
	ev_timer_init(
		&daemon->listen_timer, np_apply_listen_retry, NP_LISTEN_RETRY_S, NP_LISTEN_RETRY_S);
	ev_timer_start(loop, &daemon->listen_timer);
	return 0;
}

/* ---- stop --------------------------------------------------------------------------------- */

void np_apply_drain(struct np_daemon *daemon)
{
	ev_timer_stop(daemon->runtime.loop, &daemon->listen_timer);
	for (unsigned int i = 0; i < daemon->target.nports; i++) {
		struct np_port *port = daemon->target.ports[i];

		if (port->state == NP_PORT_LISTENING)
			daemon->transport->ops->unlisten(daemon->transport, port);
		port->state = NP_PORT_CLOSED;
	}
	daemon->transport->ops->abort_conn(daemon->transport, NULL, "the target is stopping");
}

void np_apply_stop(struct np_daemon *daemon)
{
	np_registry_close();
	np_apply_undo(daemon);
}
