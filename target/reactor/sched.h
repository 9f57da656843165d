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
	int usual;        /* nice value of the process */
	int wanted;       /* that of a reactor which sleeps when it can */
	bool has_wanted;  /* now */
	bool is_confined; /* to one CPU, which others may need too */
};

/**
 * np_sched_start() - the calling thread becomes a reactor
 * @index: of the reactor, for logs
 * @cpu: to run on, -1 for any
 * @nice: its priority; what the process may not have it goes without
 *
 * Return: 0, or -errno of the choice of the CPU.
 */
int np_sched_start(struct np_sched *sched, unsigned int index, int cpu, int nice);

/* Sets the wanted or the usual priority. */
void np_sched_set_priority(struct np_sched *sched, bool is_wanted);

/*
 * Says whether the reactor will poll where it finds no work. sched_yield(2) lets nobody pass who has
 * a lower priority, so a reactor that polls on its only CPU has the usual one.
 */
static inline void np_sched_poll(struct np_sched *sched, bool polls)
{
	const bool is_wanted = !polls || !sched->is_confined;

	if (is_wanted != sched->has_wanted)
		np_sched_set_priority(sched, is_wanted);
}

#endif
