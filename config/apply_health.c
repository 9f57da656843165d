// SPDX-License-Identifier: BSD-3-Clause
/*
 * apply_health.c - what drives warn of: asked for now and again, told to the log and the hosts.
 *
 * A drive is asked through a reactor, so that one that does not answer holds up nobody, and not again
 * before it has answered. The kernel has events of its own for this switched off (Linux 7.2,
 * drivers/nvme/host/core.c: nvme_enable_aen()), so there is nothing to wait for instead.
 *
 * Thread: control; the middle part on a reactor.
 * Depends: apply.h, smart.h.
 */
#include <stdlib.h>
#include <string.h>

#include "config/apply.h"
#include "target/base/event.h"
#include "target/nvme/registry.h"
#include "target/nvme/smart.h"

/* A question to a drive. */
struct np_health_check {
	struct np_msg msg;
	struct np_list link; /* in daemon->health_checks */
	struct np_daemon *daemon;
	struct np_reactor *reactor; /* asks it */
	struct np_ns *ns;           /* on it; held while it is asked */
	char pci[16];
	struct np_io io;
	struct np_status status;
	struct nvme_smart_log log;
};

/* ---- the answer, control ------------------------------------------------------------------ */

const char *np_apply_warning(unsigned int bit)
{
	switch (bit) {
	case NVME_SMART_CRIT_SPARE:
		return "spare below its threshold";
	case NVME_SMART_CRIT_TEMPERATURE:
		return "temperature beyond a threshold";
	case NVME_SMART_CRIT_DEGRADED:
		return "reliability degraded";
	case NVME_SMART_CRIT_MEDIA:
		return "media read-only";
	case NVME_SMART_CRIT_VOLATILE_MEMORY:
		return "backup of volatile memory failed";
	default:
		return "something unknown";
	}
}

/* Return: is it another health than before? */
static bool np_health_keep(
	struct np_daemon *daemon, const char *pci, const struct np_health *health)
{
	bool has_changed = false;
	uint8_t before = 0;

	for (unsigned int i = 0; i < daemon->n_namespaces; i++) {
		struct np_applied_ns *applied = daemon->namespaces[i];

		if (!applied->ns || strcmp(applied->ns->backend->pci, pci))
			continue;
		before |= applied->health.warnings;
		has_changed |= applied->health.warnings != health->warnings;
		applied->health = *health;
	}
	for (unsigned int bit = 1; bit <= UINT8_MAX; bit <<= 1) {
		if (health->warnings & ~before & bit)
			np_event(NP_EVENT_DRIVE, NP_LOG_WARN, "drive %s warns: %s", pci,
				np_apply_warning(bit));
		else if (before & ~health->warnings & bit)
			np_event(NP_EVENT_DRIVE, NP_LOG_INFO, "drive %s warns no more: %s", pci,
				np_apply_warning(bit));
	}
	return has_changed;
}

/* The worst of what its host sees. */
static void np_health_tell(void *ctx, struct np_ctrl *ctrl)
{
	const struct np_view *view = np_ctrl_view(ctrl);
	struct np_health health = {0};

	(void)ctx;
	for (unsigned int i = 0; i < view->nns; i++) {
		const struct np_applied_ns *applied = view->ns[i]->owner;

		health.warnings |= applied->health.warnings;
		if (applied->health.kelvin > health.kelvin)
			health.kelvin = applied->health.kelvin;
	}
	if (view->nns)
		np_registry_tell_health(ctrl, &health);
}

static void np_health_checked(struct np_msg *msg)
{
	struct np_health_check *check = np_container_of(msg, struct np_health_check, msg);
	struct np_daemon *daemon = check->daemon;
	const struct np_health health = np_smart_health(&check->log);
	bool has_changed = false;

	np_list_del(&check->link);
	if (np_status_is_ok(check->status))
		has_changed = np_health_keep(daemon, check->pci, &health);
	/* At the end of a round also those who have connected since the last, or set a threshold. */
	if (has_changed || np_list_is_empty(&daemon->health_checks))
		np_registry_each(np_health_tell, NULL);
	free(check);
}

/* ---- the question, reactor ---------------------------------------------------------------- */

static void np_health_answered(struct np_io *io, struct np_status status)
{
	struct np_health_check *check = np_container_of(io, struct np_health_check, io);

	check->status = status;
	np_ns_put(check->ns, check->reactor->index);
	check->msg.fn = np_health_checked;
	np_runtime_send_control(&check->daemon->runtime, &check->msg);
}

static void np_health_ask(struct np_msg *msg)
{
	struct np_health_check *check = np_container_of(msg, struct np_health_check, msg);
	struct np_backend *backend = check->ns->backend;
	struct np_status status;

	np_ns_get(check->ns, check->reactor->index);
	check->io =
		(struct np_io){.op = NP_IO_HEALTH, .va = &check->log, .done = np_health_answered};
	/* Busy: there is a next time. */
	if (backend->ops->submit(backend, check->reactor, &check->io, &status) != NP_IO_QUEUED)
		np_health_answered(&check->io, np_status_generic(NVME_SC_NS_NOT_READY));
}

/* ---- now and again, control --------------------------------------------------------------- */

static bool np_health_is_asked(const struct np_daemon *daemon, const char *pci)
{
	struct np_list *pos;

	np_list_for_each(pos, &daemon->health_checks) {
		if (!strcmp(np_container_of(pos, struct np_health_check, link)->pci, pci))
			return true;
	}
	return false;
}

static void np_health_begin(struct np_daemon *daemon, struct np_ns *ns)
{
	struct np_health_check *check = calloc(1, sizeof(*check));

	if (!check)
		return;
	check->daemon = daemon;
	check->reactor = daemon->runtime.reactors[0];
	check->ns = ns;
	memcpy(check->pci, ns->backend->pci, sizeof(check->pci));
	np_list_add_tail(&daemon->health_checks, &check->link);
	/* The namespace is in a view now; who retires it sends its own message behind this one. */
	check->msg.fn = np_health_ask;
	np_reactor_send(check->reactor, &check->msg);
}

static void np_health_round(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct np_daemon *daemon = np_container_of(timer, struct np_daemon, health_timer);

	(void)loop;
	(void)events;
	for (unsigned int i = 0; i < daemon->n_namespaces; i++) {
		struct np_ns *ns = daemon->namespaces[i]->ns;

		if (ns && ns->backend->has_health && !np_health_is_asked(daemon, ns->backend->pci))
			np_health_begin(daemon, ns);
	}
}

void np_apply_health_init(struct np_daemon *daemon)
{
	const double interval_s = daemon->cfg->daemon.health_interval_s;

	np_list_init(&daemon->health_checks);
	ev_timer_init(&daemon->health_timer, np_health_round, interval_s, interval_s);
}

void np_apply_health_watch(struct np_daemon *daemon)
{
	if (daemon->cfg->daemon.health_interval_s)
		ev_timer_start(daemon->runtime.loop, &daemon->health_timer);
}

void np_apply_health_unwatch(struct np_daemon *daemon)
{
	ev_timer_stop(daemon->runtime.loop, &daemon->health_timer);
}
