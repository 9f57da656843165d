/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * subsys.h - what a target offers: ports, subsystems, their namespaces and who may use them.
 *
 * Thread: built and changed by the control thread. Reactors read namespaces, and of ports and
 *         subsystems what is constant or atomic; lists of hosts, subsystems, ports are not theirs.
 *         Exceptions are marked.
 * Depends: backend, memory.
 */
#ifndef NP_NVME_SUBSYS_H
#define NP_NVME_SUBSYS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "target/backend/backend.h"
#include "target/base/line.h"
#include "target/memory/mem.h"
#include "target/memory/pool.h"
#include "target/memory/traffic.h"
#include "target/nvme/ana.h"
#include "target/nvme/gate.h"
#include "target/nvme/qos.h"
#include "target/nvme/resv.h"

#define NP_NQN_BYTES 224 /* with NUL. Spec: NVM Express Base 2.0, 4.5 */
#define NP_DISCOVERY_NQN "nqn.2014-08.org.nvmexpress.discovery"
#define NP_MAX_NAMESPACES 8192 /* Identify's MNAN, and NN unless there is a higher NSID */
#define NP_CNTLID_MIN 1
#define NP_CNTLID_MAX 0xffef          /* Spec: NVM Express Base 2.0, 3.1.2 */
#define NP_MDTS_BYTES (1024u * 1024u) /* largest transfer of one command */
#define NP_MAX_QUEUE_DEPTH 1024
#define NP_MIN_QUEUE_DEPTH 2
#define NP_MAX_IO_QUEUES 128
#define NP_MAX_SGL_SEGS 16 /* MSDBD */
/* A capsule always has room for a list of SGL descriptors behind the SQE. */
#define NP_MIN_CAPSULE_BYTES (64u + NP_MAX_SGL_SEGS * 16u)

/* Counters of one namespace on one reactor: one writer each, read with relaxed loads. */
struct np_ns_stats {
	_Atomic uint64_t read_ios, write_ios, flush_ios, dsm_ios, write_zeroes_ios, compare_ios,
		verify_ios, copy_ios, write_uncor_ios, passthru_ios;
	_Atomic uint64_t errors;
	_Atomic uint64_t held_ios; /* commands that waited for their time, see qos.h */
	/* Writes looked at again; of those: with other bytes; without a finding. See scrub.h. */
	_Atomic uint64_t scrubs, scrub_mismatches, scrub_unsure;
	struct np_traffic traffic;
} __attribute__((aligned(NP_LINE_BYTES)));

/* Who holds a namespace on one reactor: its writer. */
struct np_ns_use {
	_Atomic uint64_t inflight; /* commands */
	uint32_t since_scrub;      /* writes */
	struct np_qos_line line;
} __attribute__((aligned(NP_LINE_BYTES)));

/*
 * Where the data goes between a namespace and one RNIC. The control thread may change its mind at
 * any time: a command reads this once, and keeps the buffer it got.
 */
struct np_ns_path {
	_Atomic(struct np_mem_region *) region; /* NULL: host memory near the RNIC */
	_Atomic uint8_t staged;                 /* enum np_staged: why it is no peer memory */
};

struct np_ns {
	uint32_t nsid;
	uint32_t lba_shift;
	uint64_t nblocks;
	uint8_t uuid[16];            /* never zero */
	uint8_t nguid[16], eui64[8]; /* zero if there is none */
	struct np_backend *backend;
	struct np_gate *gate;                  /* outlives it */
	struct np_resv_ns *resv;               /* NULL: it cannot be reserved; outlives it */
	_Atomic uint32_t ana_group;            /* the control thread's; np_ns_group() */
	struct np_ns_path paths[NP_MAX_RNICS]; /* by the RNIC's id */
	/* Its limits in peer memory: by region id, then by reactor. NULL: none; set once. */
	_Atomic(struct np_pool_user *) users[NP_MAX_REGIONS];
	struct np_qos qos;
	struct np_ns_use *use;     /* by reactor index; np_ns_new_use() */
	struct np_ns_stats *stats; /* likewise; may outlive the namespace */
	unsigned int nreactors;
	uint32_t scrub_every; /* one write in so many is looked at, see scrub.h; 0: none */
	/*
	 * Data that went through @region with this RNIC was wrong on the drive, at @lba.
	 * Context: any reactor.
	 */
	void (*distrust)(
		struct np_ns *ns, unsigned int rnic, struct np_mem_region *region, uint64_t lba);
	/* Protected against writes by a host. Written by the control thread. */
	_Atomic bool is_protected;
	/*
	 * Keeps @is_protected beyond this process, and tells the hosts. NULL: it cannot be protected.
	 * Context: control thread. Return: 0 when that is durable, or -errno.
	 */
	int (*protect)(struct np_ns *ns, bool is_protected);
	/* May the host see it? NULL: every host may. Context: control thread. */
	bool (*is_visible)(const struct np_ns *ns, const char *hostnqn);
	bool is_created, is_private; /* by a host; for one host at a time */
	void *owner;                 /* of distrust(), protect() and is_visible() */
	uint64_t shared; /* control thread only: regions in whose pools users[] are, a bit an id */
	struct np_list link; /* control thread only, while it is being retired */
};

/* Namespaces of a subsystem, ordered by nsid. Immutable, and replaced as a whole. */
struct np_view {
	struct np_view *next; /* control thread only, while it is being replaced */
	unsigned int nns;
	struct np_ns *ns[];
};

struct np_subsys;

/* What a host wants to be created. */
struct np_ns_wish {
	uint64_t nblocks; /* of np_capacity.block_bytes; not 0 */
	uint32_t ana_group;
	bool is_private; /* for one host */
};

/*
 * Namespace management by hosts, on behalf of who set the subsystem up. A namespace is attached to hosts:
 * all controllers of a host see it, those that come later as well.
 * Context: control thread; when it returns all is done and durable, or nothing has changed.
 */
struct np_manager {
	struct np_status (*create)(struct np_manager *manager, struct np_subsys *subsys,
		const struct np_ns_wish *wish, uint32_t *ret_nsid);
	/* @nsid: NVME_NSID_ALL means all */
	struct np_status (*remove)(
		struct np_manager *manager, struct np_subsys *subsys, uint32_t nsid);
	/* @hosts: NQNs, each once; @is_attached: from now on, for all of them */
	struct np_status (*attach)(struct np_manager *manager, struct np_subsys *subsys,
		uint32_t nsid, const char *const *hosts, unsigned int nhosts, bool is_attached);
};

/* Where created namespaces come from. Written by the control thread. */
struct np_capacity {
	_Atomic uint64_t bytes, free_bytes;
	_Atomic uint32_t block_bytes; /* their format */
};

struct np_subsys {
	char nqn[NP_NQN_BYTES];
	char serial[21], model[41], firmware[9]; /* NUL-terminated, unpadded */
	uint8_t ieee_oui[3];
	bool is_discovery;
	bool allow_any_host;
	bool may_be_reset; /* by any of its hosts, for all of them: CAP.NSSRS */
	unsigned int nhosts;
	char (*hosts)[NP_NQN_BYTES]; /* allowed ones */
	uint16_t cntlid_min, cntlid_max;
	bool has_static_ctrls;
	uint32_t next_cntlid;        /* control thread only */
	struct np_list static_ctrls; /* likewise: those that a host has had, see cntlid.c */
	_Atomic bool requires_p2p;   /* one of its namespaces does */
	uint16_t max_io_queues;
	uint64_t passthru[4]; /* opcodes of I/O commands that are handed to the drive, a bit each */
	_Atomic uint32_t nn;  /* no NSID above is valid; at least NP_MAX_NAMESPACES */
	_Atomic(struct np_view *) view;       /* of all; hosts see np_ctrl_view() */
	_Atomic(struct np_manager *) manager; /* NULL: hosts may not create namespaces */
	struct np_capacity capacity;          /* with a manager */
	struct np_list link;                  /* control thread only, while it is being retired */
};

enum np_port_state {
	NP_PORT_CLOSED,
	NP_PORT_RETRYING,
	NP_PORT_LISTENING,
};

struct np_target;

struct np_port {
	struct np_target *target;
	uint16_t portid;
	char traddr[64];
	char trsvcid[8];
	bool is_ipv6;
	bool is_iwarp;         /* the transport's, while it listens */
	uint8_t treq;          /* NVMF_TREQ_ */
	uint32_t inline_bytes; /* in-capsule data behind the SQE, 0 to 16 KiB */
	bool is_inline_given;  /* by the operator */
	uint16_t max_entries;  /* of an I/O queue, NP_MIN_QUEUE_DEPTH to NP_MAX_QUEUE_DEPTH */
	unsigned int nsubsys;
	struct np_subsys **subsys;
	struct np_ana ana;                /* what it says of the groups of namespaces */
	struct np_list referrals;         /* struct np_referral */
	_Atomic enum np_port_state state; /* the control thread's; any thread reads */
	/* Control thread only: */
	char reason[192];    /* why it is not listening */
	struct np_list link; /* while it is being retired */
	void *listener;      /* the transport's */
};

/* Another target that discovery names. */
struct np_referral {
	struct np_list link;
	uint16_t portid;
	uint8_t trtype, adrfam, treq; /* as in a discovery log entry: it may be of any transport */
	char traddr[257];
	char trsvcid[33];
};

/* All that this process offers. */
struct np_target {
	unsigned int nports, nsubsys;
	struct np_port **ports;
	struct np_subsys **subsys; /* without the discovery subsystem */
	struct np_subsys *discovery;
	_Atomic uint64_t genctr; /* of the discovery log; moves with each change */
};

/*
 * A command of this reactor holds @ns, or does not any more. A namespace that is in no view is freed
 * after the last one.
 */
static inline void np_ns_get(struct np_ns *ns, unsigned int reactor)
{
	np_stat_add(&ns->use[reactor].inflight, 1);
}

static inline void np_ns_put(struct np_ns *ns, unsigned int reactor)
{
	_Atomic uint64_t *inflight = &ns->use[reactor].inflight;

	/* Release: the control thread may free what it was used for. */
	atomic_store_explicit(inflight, atomic_load_explicit(inflight, memory_order_relaxed) - 1,
		memory_order_release);
}

/* The ANA group of @ns, 1 to NP_ANA_GROUPS. Context: any thread. */
static inline uint32_t np_ns_group(const struct np_ns *ns)
{
	return atomic_load_explicit(&ns->ana_group, memory_order_relaxed);
}

/* Does any command hold @ns? Context: any thread; final once @ns is in no view. */
bool np_ns_is_used(const struct np_ns *ns);

/* Return: NULL if @nsid is not an active namespace of @view. */
struct np_ns *np_view_find(const struct np_view *view, uint32_t nsid);

/* All namespaces of @subsys. A reactor may use it as it may np_ctrl_view(). */
static inline const struct np_view *np_subsys_view(const struct np_subsys *subsys)
{
	return atomic_load_explicit(&subsys->view, memory_order_acquire);
}

/**
 * np_view_for_host() - what of @view a host may see
 *
 * Context: control thread.
 * Return: @view itself if that is all, or a view of its own to be given to free(); NULL without memory.
 */
struct np_view *np_view_for_host(struct np_view *view, const char *hostnqn);

/* Makes @ns->use for so many reactors, which is to be freed. Return: success */
bool np_ns_new_use(struct np_ns *ns, unsigned int nreactors);

/* May @hostnqn connect to @subsys? */
bool np_subsys_allows(const struct np_subsys *subsys, const char *hostnqn);

/* Return: the subsystem of that name which @port offers (discovery included), or NULL. */
struct np_subsys *np_port_find_subsys(
	const struct np_target *target, const struct np_port *port, const char *nqn);

/**
 * np_subsys_new_discovery() - the discovery subsystem, with an empty view of its own
 * @nqn: a name that no other has, NULL for the well-known one, by which it can be reached in any case
 *
 * Spec: NVM Express Base 2.0, 3.1.2.3 (discovery controllers).
 * Return: NULL without memory.
 */
struct np_subsys *np_subsys_new_discovery(const char *nqn);

/* Frees @subsys with its list of hosts and its view, but no namespace. NULL is fine. */
void np_subsys_free(struct np_subsys *subsys);

/**
 * np_ns_make_uuid() - a stable UUID for a namespace without one
 *
 * Derived from NQN and NSID by name (RFC 9562, version 5), so it is equal after a restart and
 * on another machine.
 */
void np_ns_make_uuid(const char *nqn, uint32_t nsid, uint8_t ret_uuid[16]);

/* Data between @ns and the RNIC is in @region from now on; NULL: in host memory, by @staged. */
static inline void np_ns_set_path(
	struct np_ns *ns, unsigned int rnic, struct np_mem_region *region, enum np_staged staged)
{
	atomic_store_explicit(&ns->paths[rnic].staged, (uint8_t)staged, memory_order_relaxed);
	atomic_store_explicit(&ns->paths[rnic].region, region, memory_order_release);
}

/* The memory chosen between @ns and the RNIC, NULL: host memory. Context: any thread. */
static inline struct np_mem_region *np_ns_region(const struct np_ns *ns, unsigned int rnic)
{
	return atomic_load_explicit(&ns->paths[rnic].region, memory_order_acquire);
}

/* What @ns has of the reactor's pool of @region, or NULL. Context: any thread. */
static inline struct np_pool_user *np_ns_user(
	const struct np_ns *ns, const struct np_mem_region *region, unsigned int reactor)
{
	struct np_pool_user *users =
		atomic_load_explicit(&ns->users[region->id], memory_order_acquire);

	return users ? &users[reactor] : NULL;
}

/* Traffic of @ns over all reactors. Context: any thread. */
struct np_traffic_sum np_ns_traffic(const struct np_ns *ns);

/* Sum of a counter over reactors: np_ns_sum(ns, read_ios). */
#define np_ns_sum(ns, field)                                                   \
	({                                                                     \
		uint64_t np_sum_ = 0;                                          \
		for (unsigned int np_i_ = 0; np_i_ < (ns)->nreactors; np_i_++) \
			np_sum_ += np_stat_read(&(ns)->stats[np_i_].field);    \
		np_sum_;                                                       \
	})

/**
 * np_port_set_state() - @port begins or ends to listen, or fails to
 * @reason: why it does not listen, "" if it does
 *
 * Context: control thread.
 * Return: whether the discovery log, which lists ports that listen, is another one now.
 */
bool np_port_set_state(struct np_port *port, enum np_port_state state, const char *reason);

#endif
