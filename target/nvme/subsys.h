/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * subsys.h - what a target offers: ports, subsystems, their namespaces and who may use them.
 *
 * Thread: built by the control thread before anything listens; read by everybody afterwards.
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
	_Atomic uint64_t read_ios, write_ios, flush_ios, dsm_ios, write_zeroes_ios, compare_ios;
	_Atomic uint64_t read_bytes, write_bytes;
	/* The buffer handed to both the RNIC and the drive was peer memory. */
	_Atomic uint64_t p2p_read_bytes, p2p_write_bytes;
	/* The buffer was host memory. */
	_Atomic uint64_t staged_read_bytes, staged_write_bytes;
	_Atomic uint64_t inline_write_bytes; /* came in the capsule */
	_Atomic uint64_t errors;
} __attribute__((aligned(NP_LINE_BYTES)));

struct np_ns {
	uint32_t nsid;
	uint32_t lba_shift;
	uint64_t nblocks;
	uint8_t uuid[16];            /* never zero */
	uint8_t nguid[16], eui64[8]; /* zero if there is none */
	struct np_backend *backend;
	struct np_mem_region *region; /* peer memory for this namespace's data, or NULL */
	struct np_ns_stats *stats;    /* by reactor index */
	unsigned int nreactors;
};

/* The namespaces of a subsystem, ordered by nsid. Immutable. */
struct np_view {
	unsigned int nns;
	struct np_ns *ns[];
};

struct np_subsys {
	char nqn[NP_NQN_BYTES];
	char serial[21], model[41], firmware[9]; /* NUL-terminated, unpadded */
	uint8_t ieee_oui[3];
	bool is_discovery;
	bool allow_any_host;
	unsigned int nhosts;
	char (*hosts)[NP_NQN_BYTES]; /* allowed ones */
	uint16_t cntlid_min, cntlid_max;
	bool requires_p2p; /* one of its namespaces does */
	uint16_t max_io_queues;
	uint32_t nn; /* no NSID above is valid; at least NP_MAX_NAMESPACES */
	struct np_view *view;
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
	uint8_t treq;          /* NVMF_TREQ_ */
	uint32_t inline_bytes; /* in-capsule data behind the SQE, 0 to 16 KiB */
	bool is_inline_given;  /* by the operator */
	unsigned int nsubsys;
	struct np_subsys **subsys;
	struct np_list referrals;         /* struct np_referral */
	_Atomic enum np_port_state state; /* the control thread's; any thread reads */
	/* Control thread only: */
	char reason[192]; /* why it is not listening */
	void *listener;   /* the transport's */
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

/* Return: NULL if @nsid is not an active namespace of @view. */
struct np_ns *np_view_find(const struct np_view *view, uint32_t nsid);

/* May @hostnqn connect to @subsys? */
bool np_subsys_allows(const struct np_subsys *subsys, const char *hostnqn);

/* Return: the subsystem of that name which @port offers (discovery included), or NULL. */
struct np_subsys *np_port_find_subsys(
	const struct np_target *target, const struct np_port *port, const char *nqn);

/*
 * The subsystem of the well-known discovery NQN, with an empty view of its own.
 * Return: NULL without memory.
 */
struct np_subsys *np_subsys_new_discovery(void);

/* Frees @subsys with its list of hosts and its view, but no namespace. NULL is fine. */
void np_subsys_free(struct np_subsys *subsys);

/**
 * np_ns_make_uuid() - a stable UUID for a namespace without one
 *
 * Derived from NQN and NSID by name (RFC 9562, version 5), so it is equal after a restart and
 * on another machine.
 */
void np_ns_make_uuid(const char *nqn, uint32_t nsid, uint8_t ret_uuid[16]);

/* Sum of a counter over reactors: np_ns_sum(ns, read_bytes). */
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
 * The discovery log lists ports that listen: its generation counter moves with them.
 * Context: control thread.
 */
void np_port_set_state(struct np_port *port, enum np_port_state state, const char *reason);

#endif
