/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * traffic.h - bytes counted by where they lay between host and drive, and why.
 *
 * The same struct counts for a namespace, for a connection and, summed up, for an RNIC, so that
 * the sums can be held against each other.
 *
 * Thread: a struct np_traffic has one writer; any thread reads.
 * Depends: base.
 */
#ifndef NP_MEMORY_TRAFFIC_H
#define NP_MEMORY_TRAFFIC_H

#include <stdatomic.h>
#include <stdint.h>

/* Why data was in host memory. */
enum np_staged {
	NP_STAGED_NOT_WANTED, /* the operator wants no peer memory for the namespace */
	NP_STAGED_NO_MEMORY,  /* there is none that both this RNIC and the drive can use */
	NP_STAGED_PATH,       /* the connection's path MTU is too small for it */
	NP_STAGED_LAYOUT,     /* the host's segments do not begin where this RNIC can place them */
	NP_STAGED_LOST,       /* the pair worked, and does not any more */
	NP_STAGED_REASONS,
};

enum np_traffic_counter {
	/* The buffer handed to both the RNIC and the drive was peer memory. */
	NP_TRAFFIC_P2P_READ,
	NP_TRAFFIC_P2P_WRITE,
	/* The buffer was host memory. */
	NP_TRAFFIC_STAGED_READ,
	NP_TRAFFIC_STAGED_WRITE,
	NP_TRAFFIC_INLINE_WRITE, /* came in the capsule */
	NP_TRAFFIC_WAITS,        /* commands that found no buffer */
	NP_TRAFFIC_WAIT_US,      /* how long they waited for one, all together */
	NP_TRAFFIC_STAGED_BY,    /* the first of NP_STAGED_REASONS: what is staged, by its reason */
	NP_TRAFFIC_COUNTERS = NP_TRAFFIC_STAGED_BY + NP_STAGED_REASONS,
};

/* Bytes, but for the two of waiting. */
struct np_traffic {
	_Atomic uint64_t count[NP_TRAFFIC_COUNTERS];
};

struct np_traffic_sum {
	uint64_t count[NP_TRAFFIC_COUNTERS];
};

/* "p2p_read_bytes" and so on; a reason's begins with "staged_". */
const char *np_traffic_name(enum np_traffic_counter counter);

/* "not wanted", "path MTU" and so on. */
const char *np_staged_name(enum np_staged reason);

/* Adds what @traffic holds now. Context: any thread. */
void np_traffic_add(struct np_traffic_sum *sum, const struct np_traffic *traffic);

void np_traffic_add_sum(struct np_traffic_sum *sum, const struct np_traffic_sum *other);

/* All bytes that went to, or came from, the host. */
static inline uint64_t np_traffic_read_bytes(const struct np_traffic_sum *sum)
{
	return sum->count[NP_TRAFFIC_P2P_READ] + sum->count[NP_TRAFFIC_STAGED_READ];
}

static inline uint64_t np_traffic_write_bytes(const struct np_traffic_sum *sum)
{
	return sum->count[NP_TRAFFIC_P2P_WRITE] + sum->count[NP_TRAFFIC_STAGED_WRITE] +
		sum->count[NP_TRAFFIC_INLINE_WRITE];
}

#endif
