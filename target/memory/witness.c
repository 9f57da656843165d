// SPDX-License-Identifier: BSD-3-Clause
/*
 * witness.c - a word in peer memory, and whether it is still there.
 *
 * Thread: the reactor that owns the pool.
 * Depends: pool.h, buscopy.h.
 */
#include "target/memory/witness.h"

#include <sys/random.h>

#include "target/base/clock.h"
#include "target/memory/buscopy.h"
#include "target/memory/pool.h"

#define NP_WITNESS_PULSE_MS 40
#define NP_WITNESS_FRESH_US 1000

bool np_witness_place(struct np_mem_region *region)
{
	uint64_t back = 0;

	if (!region->witness)
		return true;
	/* Neither of what memory that is away reads as. */
	do {
		if (getrandom(&region->word, sizeof(region->word), 0) != sizeof(region->word))
			region->word = UINT64_C(0x5ca1ab1e0ddba115);
	} while (!region->word || region->word == UINT64_MAX);
	return !np_buscopy(region->witness, &region->word, sizeof(region->word)) &&
		!np_buscopy(&back, region->witness, sizeof(back)) && back == region->word;
}

static void np_witness_pulse(struct np_timer *timer)
{
	struct np_witness *witness = np_container_of(timer, struct np_witness, timer);
	struct np_pool *pool = np_container_of(witness, struct np_pool, witness);

	/* Nobody needs to know while no buffer is in use. */
	if (np_stat_read(&pool->in_use_bytes))
		np_witness_look(pool);
}

void np_witness_init(struct np_witness *witness)
{
	np_timer_init(&witness->timer, np_witness_pulse);
}

bool np_witness_look(struct np_pool *pool)
{
	const struct np_mem_region *region = pool->region;
	struct np_witness *witness = &pool->witness;
	uint64_t word = 0, now_us;
	bool is_there;

	if (!region->witness)
		return true;
	is_there = !np_buscopy(&word, region->witness, sizeof(word)) && word == region->word;
	now_us = np_clock_us();
	if (!is_there)
		witness->epoch++;
	witness->seen_us = now_us;
	witness->was_there = is_there;
	if (np_list_is_empty(&witness->timer.link))
		np_reactor_set_timer(pool->reactor, &witness->timer, NP_WITNESS_PULSE_MS);
	return is_there;
}

bool np_witness_is_there(struct np_pool *pool)
{
	const struct np_witness *witness = &pool->witness;
	int64_t age_us;

	if (!pool->region->witness)
		return true;
	/* The turn may have begun before the look. What the next one says holds from this one on. */
	age_us = (int64_t)(pool->reactor->now_us - witness->seen_us);
	if (age_us > -NP_WITNESS_FRESH_US && age_us < NP_WITNESS_FRESH_US)
		return witness->was_there;
	return np_witness_look(pool);
}
