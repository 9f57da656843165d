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
#include "target/memory/mem.h"
#include "target/nvme/subsys.h"
#include "target/reactor/runtime.h"
#include "transport/transport.h"

/* One namespace that the operator wants: what became of it, for `status`. */
struct np_applied_ns {
	const struct np_cfg_subsys *cfg_subsys;
	const struct np_cfg_ns *cfg;
	struct np_ns *ns;     /* NULL: it is down */
	char reason[256];     /* why it is down */
	char p2p_reason[256]; /* what the self-tests said, or why its data is staged */
	bool had_rnic;        /* an RDMA device could reach memory that it may use */
	bool is_postponed;    /* it could be made anew with such memory, but hosts are connected */
};

struct np_daemon {
	const struct np_cfg *cfg;
	struct np_runtime runtime;
	struct np_mem mem;
	struct np_transport *transport;
	struct np_target target;
	struct np_applied_ns *namespaces; /* in the order of the configuration */
	unsigned int n_namespaces;
	struct ev_timer listen_timer;
	/* Gives each reactor its pools. */
	struct np_attach {
		struct np_msg msg;
		struct np_mem *mem;
		struct np_reactor *reactor;
	} attach[NP_MAX_REACTORS];
	ev_tstamp started;
};

/**
 * np_apply_start() - bring up what @cfg wants
 * @cfg: checked; borrowed until np_apply_stop()
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

/* Frees all. No connection may be left. */
void np_apply_stop(struct np_daemon *daemon);

/* apply_mem.c ------------------------------------------------------------------------------- */

/* Opens the memory that the namespaces of @cfg may need; logs what cannot be had. */
int np_apply_memory(struct np_daemon *daemon, char *why, size_t why_size);

/**
 * np_apply_candidates() - peer memory that @p2pmem allows
 * @drive_pci: PCI address of the namespace's drive, or ""
 * @ret_regions: the named one; or the drive's own CMB, then all others
 *
 * Return: how many.
 */
unsigned int np_apply_candidates(const struct np_daemon *daemon, const struct np_cfg_p2pmem *p2pmem,
	const char *drive_pci, struct np_mem_region *ret_regions[NP_MAX_REGIONS]);

/* Can any RDMA device place data into @region? If not, @why says what the last one lacks. */
bool np_apply_region_has_rnic(const struct np_mem_region *region, char *why, size_t why_size);

/* Is there such memory for @cfg? */
bool np_apply_has_rnic(const struct np_daemon *daemon, const struct np_cfg_ns *cfg);

/* apply_target.c ---------------------------------------------------------------------------- */

/* Makes daemon->target of the configuration and the namespaces. Return: 0 or -ENOMEM. */
int np_apply_build_target(struct np_daemon *daemon);

void np_apply_free_target(struct np_target *target);

/* Lists in @view, which has room for all, the namespaces of @cfg that are up. */
void np_apply_fill_view(
	const struct np_daemon *daemon, const struct np_cfg_subsys *cfg, struct np_view *view);

/* apply_ns.c -------------------------------------------------------------------------------- */

/**
 * np_apply_namespace() - open the backend, choose engine and memory by their self-tests
 * @applied: cfg and cfg_subsys are set; the rest is filled
 *
 * Context: after the transport has tested its devices with all memory.
 */
void np_apply_namespace(struct np_daemon *daemon, struct np_applied_ns *applied);

/* Wants peer memory that no RDMA device could reach when it was made, and that one can reach now? */
bool np_apply_could_have_peer(const struct np_daemon *daemon, const struct np_applied_ns *applied);

/* Closes what np_apply_namespace() opened. */
void np_apply_free_namespace(struct np_applied_ns *applied);

#endif
