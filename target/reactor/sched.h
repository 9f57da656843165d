/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sched.h - how the kernel's scheduler treats a reactor: its CPU, its slice, its priority.
 *
 * Thread: the reactor.
 * Depends: sched_setattr(2).
 */
#ifndef NP_REACTOR_SCHED_H
#define NP_REACTOR_SCHED_H

#include <stdbool.h>

struct np_sched {
	int usual, wanted; /* nice values: of the process, and of a reactor at work */
	bool has_wanted;   /* now */
	bool is_confined;  /* to one CPU, which others need too */
};

/**
 * np_sched_start() - the calling thread becomes a reactor
 * @cpu: to run on, -1 for any
 * @nice: of it while it works; what the process may not have it goes without
 *
 * Return: 0, or -errno of the choice of the CPU.
 */
int np_sched_start(struct np_sched *sched, int cpu, int nice);

void np_sched_set_priority(struct np_sched *sched, bool is_wanted);

/*
 * Begins or ends to poll without work. sched_yield(2) lets nobody pass who has a lower priority, so
 * on a CPU that others need, too, it polls at the usual one.
 */
static inline void np_sched_poll(struct np_sched *sched, bool polls)
{
	const bool is_wanted = !polls || !sched->is_confined;

	if (is_wanted != sched->has_wanted)
		np_sched_set_priority(sched, is_wanted);
}

#endif
