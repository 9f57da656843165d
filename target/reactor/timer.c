// SPDX-License-Identifier: BSD-3-Clause
/*
 * timer.c - timers that fire once, in a list with the soonest first.
 *
 * Thread: the reactor.
 * Depends: reactor.h.
 */
#include "target/reactor/reactor.h"

void np_reactor_set_timer(struct np_reactor *reactor, struct np_timer *timer, uint64_t ms)
{
	struct np_list *pos;

	np_list_del(&timer->link);
	timer->expires_ms = reactor->now_us / 1000 + ms;
	np_list_for_each(pos, &reactor->timers) {
		if (np_container_of(pos, struct np_timer, link)->expires_ms > timer->expires_ms)
			break;
	}
	np_list_insert_before(pos, &timer->link);
}

unsigned int np_reactor_run_timers(struct np_reactor *reactor)
{
	uint64_t now_ms = reactor->now_us / 1000;
	unsigned int fired = 0;
	struct np_timer *timer;

	while ((timer = np_list_first(&reactor->timers, struct np_timer, link)) != NULL) {
		if (timer->expires_ms > now_ms)
			break;
		np_list_del(&timer->link);
		timer->fn(timer);
		fired++;
	}
	return fired;
}
