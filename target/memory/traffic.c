// SPDX-License-Identifier: BSD-3-Clause
/*
 * traffic.c - names and sums of the counters.
 *
 * Thread: any.
 * Depends: traffic.h.
 */
#include "target/memory/traffic.h"

const char *np_traffic_name(enum np_traffic_counter counter)
{
	static const char *const names[NP_TRAFFIC_COUNTERS] = {
		[NP_TRAFFIC_P2P_READ] = "p2p_read_bytes",
		[NP_TRAFFIC_P2P_WRITE] = "p2p_write_bytes",
		[NP_TRAFFIC_STAGED_READ] = "staged_read_bytes",
		[NP_TRAFFIC_STAGED_WRITE] = "staged_write_bytes",
		[NP_TRAFFIC_INLINE_WRITE] = "inline_write_bytes",
		[NP_TRAFFIC_WAITS] = "waits",
		[NP_TRAFFIC_WAIT_US] = "wait_us",
		[NP_TRAFFIC_STAGED_BY + NP_STAGED_NOT_WANTED] = "staged_not_wanted_bytes",
		[NP_TRAFFIC_STAGED_BY + NP_STAGED_NO_MEMORY] = "staged_no_memory_bytes",
		[NP_TRAFFIC_STAGED_BY + NP_STAGED_PATH] = "staged_path_bytes",
		[NP_TRAFFIC_STAGED_BY + NP_STAGED_LAYOUT] = "staged_layout_bytes",
		[NP_TRAFFIC_STAGED_BY + NP_STAGED_LOST] = "staged_lost_bytes",
	};

	return names[counter];
}

const char *np_staged_name(enum np_staged reason)
{
	static const char *const names[NP_STAGED_REASONS] = {
		[NP_STAGED_NOT_WANTED] = "not wanted",
		[NP_STAGED_NO_MEMORY] = "no memory that RNIC and drive share",
		[NP_STAGED_PATH] = "path MTU",
		[NP_STAGED_LAYOUT] = "layout of the host's segments",
		[NP_STAGED_LOST] = "the memory was lost",
	};

	return names[reason];
}

void np_traffic_add(struct np_traffic_sum *sum, const struct np_traffic *traffic)
{
	for (unsigned int i = 0; i < NP_TRAFFIC_COUNTERS; i++)
		sum->count[i] += atomic_load_explicit(&traffic->count[i], memory_order_relaxed);
}

void np_traffic_add_sum(struct np_traffic_sum *sum, const struct np_traffic_sum *other)
{
	for (unsigned int i = 0; i < NP_TRAFFIC_COUNTERS; i++)
		sum->count[i] += other->count[i];
}
