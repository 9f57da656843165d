/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * apply.h - a running daemon made from a configuration.
 *
 * Thread: control.
 * Depends: every room below.
 */
#ifndef NP_CONFIG_APPLY_H
#define NP_CONFIG_APPLY_H

#include <ev.h>

#include "config/model.h"
#include "config/state.h"
#include "target/memory/mem.h"
#include "target/nvme/ctrl.h"
#include "target/nvme/subsys.h"
#include "target/reactor/runtime.h"
#include "transport/transport.h"

struct np_daemon;
struct np_mdns;

/* A device opened with one engine, and what was found with it. */
struct np_apply_engine {
	struct np_backend *backend;
	bool is_fallback;       /* there is one that would be better */
	uint64_t tested, works; /* with memory, a bit a region id */
};

/* The data between a namespace and an RNIC. */
struct np_applied_path {
	bool is_known; /* there is such an RNIC */
	char rnic[64];
	struct np_mem_region *region; /* NULL: host memory */
	bool had_peer;                /* region was peer memory at some time */
	uint64_t distrusted;          /* memory that a scrub has found wrong, a bit a region id */
	char reason[256];
};

/* One namespace that the operator wants: what became of it, for `status`. */
struct np_applied_ns {
	struct np_daemon *daemon;
	const struct np_cfg_subsys *cfg_subsys;
	const struct np_cfg_ns *cfg;
	struct np_list link; /* in daemon->retired_applied */
	uint32_t id;         /* from 1 on, no other's */
	bool lends;          /* stats and resv are another's */
	bool is_idle;        /* nothing refers to it any more, but maybe a message on its way */
	struct np_subsys *subsys;
	struct np_ns *ns;          /* NULL: it is down */
	struct np_ns_stats *stats; /* by reactor index; goes on when the namespace comes back */
	char reason[256];          /* why it is down */
	char told[256];            /* the last reason that was logged */
	char p2p_reason[256];      /* what the self-tests said, or why its data is staged */
	uint32_t ana_group;        /* goes on likewise */
	struct np_gate *gate;      /* likewise; of all namespaces on the device */
	struct np_resv_ns *resv;   /* likewise; NULL: it cannot be reserved */
	bool is_protected;         /* likewise: against writes, by a host */
	char state_reason[256];    /* why it must not be served: what is kept of it is not known */
	struct np_health health;   /* of its drive, when it was asked the last time */
	struct np_apply_engine engine;
	uint64_t considered; /* memory that RNICs could reach when the engine was chosen */
	struct np_applied_path paths[NP_MAX_RNICS]; /* by the RNIC's id */
};

/* One of daemon.memory[]: what became of it. */
struct np_applied_memory {
	const struct np_cfg_memory *cfg;
	char reason[256]; /* why it is not there */
};

struct np_daemon {
	struct np_cfg *cfg;        /* what the file says, and what hosts have created */
	const char *config_path;   /* where it came from, for np_apply_reload_file(); or NULL */
	struct np_manager manager; /* for hosts that create namespaces */
	struct np_runtime runtime;
	struct np_mem mem;
	struct np_applied_memory *memory; /* in the order of the configuration */
	struct np_transport *transport;
	struct np_state state;
	struct np_target target;
	struct np_applied_ns **namespaces; /* in the order of the configuration */
	unsigned int n_namespaces;
	uint32_t next_ns_id;
	struct ev_timer listen_timer;
	struct np_hotplug *hotplug; /* NULL: devices are not watched */
	struct ev_timer reconsider_timer, lost_timer;
	bool is_device_new;   /* since the last reconsideration */
	struct np_mdns *mdns; /* NULL: nothing is announced */
	struct ev_timer health_timer;
	struct np_list health_checks; /* drives that were asked for it */
	struct ev_timer retire_timer;
	/* What is offered no more, while somebody uses it: */
	struct np_list retired;            /* struct np_ns in no view */
	struct np_list retired_applied;    /* struct np_applied_ns that own some of them */
	struct np_list retired_ports;      /* struct np_port */
	struct np_list retired_subsystems; /* struct np_subsys */
	struct np_list retired_cfgs;       /* struct np_cfg that some of these came from */
	ev_tstamp started;
};

/**
 * np_apply_start() - bring up what @cfg wants
 * @cfg: checked; a copy is made
 * @why: one sentence if nothing could be brought up
 *
 * A namespace that cannot come up is reported and left out; a port whose address is missing is
 * retried for ever. Everything else that fails undoes the whole.
 * Return: 0 or -errno.
 */
int np_apply_start(struct np_daemon *daemon, struct ev_loop *loop, const struct np_cfg *cfg,
	char *why, size_t why_size);

/* Accepts no host any more and begins to disconnect those that are there. */
void np_apply_drain(struct np_daemon *daemon);

/* Is there a connection left, or a drive that was asked something? */
bool np_apply_is_busy(const struct np_daemon *daemon);

/* Frees all. It may not be busy any more. */
void np_apply_stop(struct np_daemon *daemon);

/* Has @port listen; if that fails it is tried again every two seconds. */
void np_apply_listen(struct np_daemon *daemon, struct np_port *port);

/* @port takes no connections any more; those that are there stay. */
void np_apply_unlisten(struct np_daemon *daemon, struct np_port *port, const char *reason);

/* What discovery tells has changed: so it says, and tells who waits to know. */
void np_apply_discovery_changed(struct np_daemon *daemon);

/* apply_list.c ------------------------------------------------------------------------------ */

/* Lists in daemon->namespaces what daemon->cfg wants. Return: 0 or -ENOMEM. */
int np_apply_list(struct np_daemon *daemon);

void np_apply_free_list(struct np_daemon *daemon);

/* One that is not up and not listed yet. Return: NULL without memory. */
struct np_applied_ns *np_apply_new_applied(struct np_daemon *daemon,
	const struct np_cfg_subsys *cfg_subsys, const struct np_cfg_ns *cfg);

/*
 * One that is to take the place of @old, with its counters and what is kept of it; they stay with @old until
 * np_apply_inherit(). Return: NULL without memory.
 */
struct np_applied_ns *np_apply_new_heir(struct np_applied_ns *old,
	const struct np_cfg_subsys *cfg_subsys, const struct np_cfg_ns *cfg);

/* Return: NULL if it is not listed in @namespaces. */
struct np_applied_ns *np_apply_find_ns(
	struct np_applied_ns *const *namespaces, unsigned int count, const char *nqn, int64_t nsid);

/* @heir takes the place of @old. */
void np_apply_inherit(struct np_applied_ns *heir, struct np_applied_ns *old);

/* Frees all that belongs to it, the namespace as well. */
void np_apply_free_applied(struct np_applied_ns *applied);

/* Has its device another size than what hosts were told? */
bool np_apply_has_new_size(const struct np_applied_ns *applied);

/* For np_ns.is_visible. */
bool np_apply_is_visible(const struct np_ns *ns, const char *hostnqn);

/* The ANA group that the operator wants. */
uint32_t np_apply_ana_group(const struct np_cfg_ns *cfg);

/* apply_engine.c ---------------------------------------------------------------------------- */

/**
 * np_apply_engine_can() - can the engine move the drive's blocks into @region?
 *
 * Tested once, noted and logged.
 * @why: what was found, in either case
 */
bool np_apply_engine_can(
	struct np_apply_engine *engine, struct np_mem_region *region, char *why, size_t why_size);

/*
 * Does the engine work at all? Data goes through host memory whatever the namespace's own is: what
 * comes at a small path MTU, or in segments that a page-granular RNIC cannot place.
 */
bool np_apply_engine_can_host(struct np_daemon *daemon, struct np_apply_engine *engine);

/* apply_choice.c ---------------------------------------------------------------------------- */

/* Memory that @p2pmem allows and some RNIC can place data into: a bit a region id. */
uint64_t np_apply_reachable(const struct np_daemon *daemon, const struct np_cfg_p2pmem *p2pmem);

/* The first of @engines that works with the best peer memory; NULL if none works with any. */
struct np_apply_engine *np_apply_pick_engine(struct np_daemon *daemon,
	const struct np_cfg_p2pmem *p2pmem, struct np_apply_engine *engines, unsigned int nengines);

/**
 * np_apply_choose_paths() - decide about the memory between the namespace and each RNIC
 * @applied: is up
 *
 * May be done again at any time: commands that come later go by the new choice.
 * Return: is there peer memory for any RNIC?
 */
bool np_apply_choose_paths(struct np_daemon *daemon, struct np_applied_ns *applied);

/*
 * Tests all memory again with each RNIC, and what is chosen with each drive, and chooses anew. What
 * a scrub has taken out of service gets another chance. Hosts may be at work.
 */
void np_apply_test_all(struct np_daemon *daemon);

/* For np_ns.distrust. */
void np_apply_distrust(
	struct np_ns *ns, unsigned int rnic, struct np_mem_region *region, uint64_t lba);

/* apply_ana.c ------------------------------------------------------------------------------- */

/* Moves the namespace to another group, and tells the hosts. */
void np_apply_move(struct np_applied_ns *applied, uint32_t group);

/* Sets the states that @cfg wants and @was did not. */
void np_apply_change_ana(
	struct np_port *port, const struct np_cfg_port *was, const struct np_cfg_port *cfg);

/* apply_share.c ----------------------------------------------------------------------------- */

/* The namespace has its quota and its reserve in the memory that its paths use now, only there. */
void np_apply_share(struct np_daemon *daemon, struct np_applied_ns *applied);

/* @ns has neither any more. Commands may hold it. */
void np_apply_unshare(struct np_daemon *daemon, struct np_ns *ns);

/* For np_apply_free_ns(), after np_apply_unshare() or the reactors' end. */
void np_apply_free_shares(struct np_ns *ns);

/* Limits what hosts get of @ns from now on. */
void np_apply_set_qos(struct np_ns *ns, const struct np_cfg_qos *cfg);

/* apply_auth.c ------------------------------------------------------------------------------ */

/*
 * Takes over which hosts of @cfg have to prove who they are. Those that are connected stay so.
 * Return: 0, or -ENOMEM and nothing has changed.
 */
int np_apply_hosts(const struct np_cfg *cfg);

/* apply_target.c ---------------------------------------------------------------------------- */

/* Makes daemon->target of the configuration and the namespaces. Return: 0 or -ENOMEM. */
int np_apply_build_target(struct np_daemon *daemon);

void np_apply_free_target(struct np_target *target);

/* A subsystem without namespaces. Return: NULL without memory; to be given to np_subsys_free(). */
struct np_subsys *np_apply_new_subsys(struct np_daemon *daemon, const struct np_cfg_subsys *cfg);

/* A port that does not listen, with those subsystems of @target that it offers. Return: as above. */
struct np_port *np_apply_new_port(struct np_target *target, const struct np_cfg_port *cfg);

/* NULL is fine. */
void np_apply_free_port(struct np_port *port);

/* Return: NULL if there is none. */
struct np_port *np_apply_find_port(const struct np_target *target, int64_t portid);

/* @port offers what @shape does, and the reverse. Return: is that anything else? */
bool np_apply_swap_offers(struct np_port *port, struct np_port *shape);

/* Likewise who may connect, and what depends on the namespaces. */
bool np_apply_swap_access(struct np_subsys *subsys, struct np_subsys *shape);

/*
 * An empty view with room for all namespaces of @subsys, to be given to free(). NULL without memory.
 */
struct np_view *np_apply_new_view(const struct np_daemon *daemon, const struct np_subsys *subsys);

/* Lists in @view, which has room for all, the namespaces of @subsys that are up. */
void np_apply_fill_view(
	const struct np_daemon *daemon, const struct np_subsys *subsys, struct np_view *view);

/* apply_view.c ------------------------------------------------------------------------------ */

/*
 * Fills @view with the namespaces that are up and puts it in the place of the subsystem's own. Connected
 * hosts are told of what came, went or looks different to them.
 */
void np_apply_publish(struct np_daemon *daemon, struct np_subsys *subsys, struct np_view *view);

/* Tells connected hosts that see the namespace that it has changed, or of an error at @lba of it. */
void np_apply_tell_hosts(const struct np_applied_ns *applied, enum np_aen_kind kind, uint64_t lba);

/* Tells the hosts of @port that a group's state is another one, or that it has other namespaces. */
void np_apply_tell_ana(const struct np_port *port, uint32_t group);

/* apply_retire.c ---------------------------------------------------------------------------- */

/* @ns is in no view any more: frees it when no command holds it. */
void np_apply_retire(struct np_daemon *daemon, struct np_ns *ns);

/* These are not listed any more: frees them when nothing refers to them. */
void np_apply_retire_applied(struct np_daemon *daemon, struct np_applied_ns *applied);
void np_apply_retire_port(struct np_daemon *daemon, struct np_port *port);
void np_apply_retire_subsys(struct np_daemon *daemon, struct np_subsys *subsys);
void np_apply_retire_cfg(struct np_daemon *daemon, struct np_cfg *cfg);

void np_apply_retire_init(struct np_daemon *daemon);

/* Frees all that is retired. Context: no connection left. */
void np_apply_retire_fini(struct np_daemon *daemon);

/* apply_state.c ----------------------------------------------------------------------------- */

/*
 * Finds out what is kept of the namespace. What cannot be read is no error of the start, but of the
 * namespace: applied->state_reason. Return: 0 or -ENOMEM.
 */
int np_apply_kept(struct np_daemon *daemon, struct np_applied_ns *applied);

/* The name of a file for a @kind of thing that is kept of the namespace. */
void np_apply_state_path(
	const struct np_applied_ns *applied, const char *kind, char *ret_path, size_t size);

/* The namespace is no more: nothing is kept of it. */
void np_apply_forget(const struct np_applied_ns *applied);

/* For np_ns.protect. */
int np_apply_protect(struct np_ns *ns, bool is_protected);

/* apply_resv.c ------------------------------------------------------------------------------ */

/*
 * Prepares reservations of a namespace, if it has them, with what was kept of them; else as above.
 * Return: 0 or -ENOMEM.
 */
int np_apply_resv(struct np_daemon *daemon, struct np_applied_ns *applied);

/* apply_mdns.c ------------------------------------------------------------------------------ */

/* Begins to announce ports, if that is wanted. Return: 0, or -errno with a sentence in @why. */
int np_apply_mdns_open(struct np_daemon *daemon, char *why, size_t why_size);

/* Announces the ports that listen now, and no others. */
void np_apply_announce(struct np_daemon *daemon);

/* apply_health.c ---------------------------------------------------------------------------- */

void np_apply_health_init(struct np_daemon *daemon);

/* Asks the drives for their health now and again, and tells the hosts of what they warn of. */
void np_apply_health_watch(struct np_daemon *daemon);
void np_apply_health_unwatch(struct np_daemon *daemon);

/* What a critical warning of a drive says. @bit: that of enum nvme_smart_crit. Return: static. */
const char *np_apply_warning(unsigned int bit);

/* apply_devices.c --------------------------------------------------------------------------- */

void np_apply_devices_init(struct np_daemon *daemon);

/* Watches devices that come, go or change. Without the right to, a warning says so. */
void np_apply_devices_watch(struct np_daemon *daemon);
void np_apply_devices_unwatch(struct np_daemon *daemon);

/* Looks again at all choices, soon: the caller may be in the middle of something. */
void np_apply_devices_changed(void *daemon);

/* apply_ns.c -------------------------------------------------------------------------------- */

/**
 * np_apply_namespace() - open the backend, choose engine and memory by their self-tests
 * @applied: cfg and cfg_subsys are set; the rest is filled
 *
 * Context: after the transport has tested its devices with all memory.
 */
void np_apply_namespace(struct np_daemon *daemon, struct np_applied_ns *applied);

/* The namespace's device has gone: takes it away from the hosts until it comes back. */
void np_apply_lose_namespace(struct np_daemon *daemon, struct np_applied_ns *applied);

/* Its device was reset: what was found with it counts no more. */
void np_apply_doubt_namespace(struct np_applied_ns *applied);

/*
 * Devices have come, gone or changed: chooses again, and brings up, or makes anew, what now can have
 * peer memory and could not before, or has another size. Hosts may be connected.
 */
void np_apply_reconsider(struct np_daemon *daemon);

/* Closes its backend and frees it. NULL is fine. */
void np_apply_free_ns(struct np_ns *ns);

#endif
