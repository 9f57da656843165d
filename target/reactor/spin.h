/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spin.h - whether a reactor without work polls on or sleeps. Pure: times in, decision out.
 *
 * Polling buys latency with CPU time. It is worth that while hosts have few commands on their way and
 * something is known to come soon: so a reactor learns how long its pauses last. A deeper queue
 * hides the latency, and gains from events that come in batches.
 *
 * Thread: the reactor.
 * Depends: nothing.
 */
#ifndef NP_REACTOR_SPIN_H
#define NP_REACTOR_SPIN_H

#include <stdbool.h>
#include <stdint.h>

/* More commands than this on their way are a deep queue, which it is taken to be for a while. */
#define NP_SPIN_FEW 4u
#define NP_SPIN_DEEP_US 10000u

struct np_spin {
	int32_t limit_us;  /* the longest time to poll without work; 0: never, -1: for ever */
	uint32_t pause_x8; /* eight times the moving average of the pauses, in microseconds */
	uint64_t work_us;  /* when there last was work */
	uint64_t deep_us;  /* when there last were more than a few commands */
	bool is_dry;       /* there was a turn without work since */
};

/* Times are of one monotonic clock in microseconds. */
void np_spin_init(struct np_spin *spin, int32_t limit_us, uint64_t now_us);

/* There is work, which ends the pause if there was one. */
void np_spin_work(struct np_spin *spin, uint64_t now_us);

/* Takes note of the number of commands that are on their way. */
static inline void np_spin_depth(struct np_spin *spin, uint64_t now_us, unsigned int ncommands)
{
	if (ncommands > NP_SPIN_FEW)
		spin->deep_us = now_us;
}

/* Whether the next pause will be polled through, at least at its beginning. */
bool np_spin_expects(const struct np_spin *spin, uint64_t now_us);

/* Without work: true to look again, false to sleep. */
bool np_spin_goes_on(struct np_spin *spin, uint64_t now_us);

#endif
