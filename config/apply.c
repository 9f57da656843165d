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
#include <unistd.h>

#include "config/apply_manage.h"
#include "config/apply_mem.h"
#include "config/mdns.h"
#include "target/base/event.h"
#include "target/base/log.h"
#include "target/nvme/auth_thread.h"
#include "target/nvme/registry.h"

#define NP_LISTEN_RETRY_S 2.0

/* ---- ports -------------------------------------------------------------------------------- */

static void np_apply_tell_discovery(void *ctx, struct np_ctrl *ctrl)
{
	(void)ctx;
	if (ctrl->subsys->is_discovery)
		np_registry_tell(ctrl, &(struct np_news){.kind = NP_AEN_DISC_CHANGED});
}

void np_apply_discovery_changed(struct np_daemon *daemon)
{
	np_stat_add(&daemon->target.genctr, 1);
	np_registry_each(np_apply_tell_discovery, NULL);
}

static void np_apply_set_state(struct np_daemon *daemon, struct np_port *port,
	enum np_port_state state, const char *reason)
{
	if (!np_port_set_state(port, state, reason))
		return;
	np_apply_discovery_changed(daemon);
	np_apply_announce(daemon);
}

void np_apply_listen(struct np_daemon *daemon, struct np_port *port)
{
	const struct np_transport_ops *ops = daemon->transport->ops;
	char why[sizeof(port->reason)];

	if (!ops->listen(daemon->transport, port, why, sizeof(why))) {
		np_apply_set_state(daemon, port, NP_PORT_LISTENING, "");
		np_event(NP_EVENT_PORT, NP_LOG_INFO, "port %u: listening on %s %s", port->portid,
			port->traddr, port->trsvcid);
		return;
	}
	/* One line for each new reason, not one for each try. */
	if (port->state != NP_PORT_RETRYING || strcmp(port->reason, why) != 0)
		np_event(NP_EVENT_PORT, NP_LOG_WARN,
			"port %u: cannot listen on %s %s: %s; trying again every %.0f s",
			port->portid, port->traddr, port->trsvcid, why, NP_LISTEN_RETRY_S);
	np_apply_set_state(daemon, port, NP_PORT_RETRYING, why);
}

void np_apply_unlisten(struct np_daemon *daemon, struct np_port *port, const char *reason)
{
	if (port->state == NP_PORT_LISTENING)
		daemon->transport->ops->unlisten(daemon->transport, port);
	np_apply_set_state(daemon, port, NP_PORT_CLOSED, reason);
}

/* Whoever retries ports will listen again. */
static void np_apply_port_lost(void *ctx, struct np_port *port, const char *why)
{
	np_event(NP_EVENT_PORT, NP_LOG_WARN, "port %u: no longer listening at %s: %s", port->portid,
		port->traddr, why);
	np_apply_set_state(ctx, port, NP_PORT_RETRYING, why);
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
}

/* ---- start -------------------------------------------------------------------------------- */

static int np_apply_start_runtime(
	struct np_daemon *daemon, struct ev_loop *loop, char *why, size_t why_size)
{
	const struct np_cfg_daemon *cfg = &daemon->cfg->daemon;
	const struct np_cfg_reactors *reactors = &cfg->reactors;
	int cpus[NP_MAX_REACTORS], ret;

	for (unsigned int i = 0; i < reactors->count; i++) {
		cpus[i] = reactors->cpus ? reactors->cpus[i] : -1;
		if (cpus[i] < sysconf(_SC_NPROCESSORS_CONF))
			continue;
		snprintf(why, why_size, "daemon.reactors[%u]: there is no CPU %d", i, cpus[i]);
		return -EINVAL;
	}
	ret = np_runtime_start(
		&daemon->runtime, loop, cpus, reactors->count, cfg->nice, cfg->poll_us);
	if (ret)
		snprintf(why, why_size, "daemon.reactors: cannot start %u of them: %s",
			reactors->count, strerror(-ret));
	return ret;
}

/* Frees what np_apply_start() has made so far, in reverse. */
static void np_apply_undo(struct np_daemon *daemon)
{
	np_mdns_close(daemon->mdns);
	if (daemon->transport)
		daemon->transport->ops->close(daemon->transport);
	np_auth_thread_stop();
	np_runtime_stop(&daemon->runtime);
	np_apply_free_target(&daemon->target);
	np_apply_retire_fini(daemon);
	np_apply_free_list(daemon);
	free(daemon->memory);
	np_mem_close_all(&daemon->mem);
	np_cfg_free(daemon->cfg);
}

static int np_apply_bring_up(struct np_daemon *daemon, char *why, size_t why_size)
{
	static const enum np_transport_fence fences[] = {
		[NP_CFG_FENCE_AUTO] = NP_FENCE_AUTO,
		[NP_CFG_FENCE_NONE] = NP_FENCE_NONE,
		[NP_CFG_FENCE_READ] = NP_FENCE_READ,
	};
	const struct np_transport_settings settings = {
		.moderation_count = daemon->cfg->daemon.cq_moderation_count,
		.moderation_us = daemon->cfg->daemon.cq_moderation_us,
		.fence = fences[daemon->cfg->daemon.p2p_fence],
		.software_p2p = daemon->cfg->daemon.software_p2p,
		.devices_changed = np_apply_devices_changed,
		.port_lost = np_apply_port_lost,
		.ctx = daemon,
	};
	struct np_runtime *runtime = &daemon->runtime;
	int ret;

	ret = np_apply_list(daemon);
	if (!ret)
		ret = np_apply_list_providers(daemon);
	if (ret)
		goto err_memory;
	ret = np_apply_memory(daemon, why, why_size);
	if (ret)
		return ret;
	ret = np_transport_rdma_ops.open(
		runtime, &daemon->mem, &settings, why, why_size, &daemon->transport);
	if (ret)
		return ret;
	for (unsigned int i = 0; i < daemon->n_namespaces; i++)
		np_apply_namespace(daemon, daemon->namespaces[i]);
	ret = np_apply_build_target(daemon);
	if (!ret)
		ret = np_apply_hosts(daemon->cfg);
	if (ret)
		goto err_memory;
	ret = np_auth_thread_start();
	if (ret)
		snprintf(why, why_size, "cannot start a thread: %s", strerror(-ret));
	return ret;

err_memory:
	snprintf(why, why_size, "out of memory");
	return ret;
}

int np_apply_start(struct np_daemon *daemon, struct ev_loop *loop, const struct np_cfg *cfg,
	char *why, size_t why_size)
{
	int ret;

	*daemon = (struct np_daemon){.cfg = np_cfg_copy(cfg), .started = ev_now(loop)};
	if (!daemon->cfg) {
		snprintf(why, why_size, "out of memory");
		return -ENOMEM;
	}
	np_state_open(&daemon->state, daemon->cfg->daemon.state_dir);
	np_apply_manage_init(daemon);
	np_apply_load_created(daemon, daemon->cfg);
	np_apply_retire_init(daemon);
	np_apply_devices_init(daemon);
	np_apply_health_init(daemon);
	ret = np_apply_start_runtime(daemon, loop, why, why_size);
	if (ret) {
		np_cfg_free(daemon->cfg);
		return ret;
	}
	ret = np_apply_bring_up(daemon, why, why_size);
	if (!ret)
		ret = np_apply_mdns_open(daemon, why, why_size);
	if (ret) {
		np_apply_undo(daemon);
		return ret;
	}
	np_registry_open(&daemon->runtime, daemon->transport, &daemon->target);
	np_apply_devices_watch(daemon);
	np_apply_health_watch(daemon);
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
	np_apply_devices_unwatch(daemon);
	np_apply_health_unwatch(daemon);
	for (unsigned int i = 0; i < daemon->target.nports; i++)
		np_apply_unlisten(daemon, daemon->target.ports[i], "the target is stopping");
	daemon->transport->ops->abort_conn(daemon->transport, NULL, "the target is stopping");
}

bool np_apply_is_busy(const struct np_daemon *daemon)
{
	return daemon->transport->nconns || !np_list_is_empty(&daemon->health_checks);
}

void np_apply_stop(struct np_daemon *daemon)
{
	np_registry_close();
	np_apply_undo(daemon);
}
