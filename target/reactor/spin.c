// SPDX-License-Identifier: BSD-3-Clause
/*
 * spin.c - learns from the pauses between work how long the next one will be.
 *
 * The average takes in an eighth of each pause. A long one counts as PAUSE_LIMITS limits only: one
 * among short ones changes nothing, and some short ones make an idle reactor poll again.
 *
 * Thread: the reactor.
 * Depends: spin.h.
 */
#include "target/reactor/spin.h"

#define PAUSE_LIMITS 2u

void np_spin_init(struct np_spin *spin, int32_t limit_us, uint64_t now_us)
{
	/* It polls until it knows better. */
	*spin = (struct np_spin){.limit_us = limit_us, .work_us = now_us};
}

void np_spin_work(struct np_spin *spin, uint64_t now_us)
{
	uint64_t pause = now_us - spin->work_us;
	bool was_dry = spin->is_dry;

	spin->work_us = now_us;
	spin->is_dry = false;
	if (!was_dry || spin->limit_us <= 0)
		return;
	if (pause > (uint64_t)spin->limit_us * PAUSE_LIMITS)
		pause = (uint64_t)spin->limit_us * PAUSE_LIMITS;
	spin->pause_x8 += (uint32_t)pause - spin->pause_x8 / 8;
}

bool np_spin_expects(const struct np_spin *spin, uint64_t now_us)
{
	if (spin->limit_us <= 0)
		return spin->limit_us < 0;
	return spin->pause_x8 / 8 <= (uint32_t)spin->limit_us &&
		now_us - spin->deep_us >= NP_SPIN_DEEP_US;
}

bool np_spin_goes_on(struct np_spin *spin, uint64_t now_us)
{
	spin->is_dry = true;
	if (spin->limit_us < 0)
		return true;
	return now_us - spin->work_us < (uint64_t)spin->limit_us && np_spin_expects(spin, now_us);
}
