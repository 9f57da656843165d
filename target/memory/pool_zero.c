// SPDX-License-Identifier: BSD-3-Clause
/*
 * pool_zero.c - what one namespace has left in a page is not for another one to see.
 *
 * A command sees no more of its buffer than was put there for it, if drive and RNIC do as they say.
 * This is for those that report success and have written less.
 *
 * Thread: the reactor that owns the pool; np_pool_wipe() as pool.h says.
 * Depends: buscopy.h, pool_try.h.
 */
#include "target/memory/buscopy.h"
#include "target/memory/pool_try.h"

/* Memory that is gone is not zeroed, and nobody sees it again. Return: false if so. */
static bool np_pool_zero_page(struct np_pool *pool, uint32_t page)
{
	if (np_buszero(pool->base + (size_t)page * NP_PAGE_BYTES, NP_PAGE_BYTES))
		return false;
	np_stat_add(&pool->zeroed_bytes, NP_PAGE_BYTES);
	return true;
}

void np_pool_own(struct np_pool *pool, uint32_t page, unsigned int order, uint32_t owner)
{
	for (uint32_t end = page + (1u << order); page < end; page++) {
		uint32_t *last = &pool->blocks.pages[page].owner;

		if (*last == owner && owner != NP_POOL_NOBODY)
			continue;
		if (*last != NP_POOL_CLEAN)
			np_pool_zero_page(pool, page);
		*last = owner;
	}
}

void np_pool_clean(struct np_pool *pool, uint32_t page, unsigned int order)
{
	for (uint32_t end = page + (1u << order); page < end; page++) {
		if (np_pool_zero_page(pool, page))
			pool->blocks.pages[page].owner = NP_POOL_CLEAN;
	}
}

void np_pool_wipe(struct np_pool *pool)
{
	for (uint32_t page = 0; page < pool->npages; page++) {
		uint32_t *last = &pool->blocks.pages[page].owner;

		if (*last == NP_POOL_CLEAN || *last == NP_POOL_UNKNOWN)
			continue;
		if (!np_pool_zero_page(pool, page))
			return;
		*last = NP_POOL_CLEAN;
	}
}
