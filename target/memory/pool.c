// SPDX-License-Identifier: BSD-3-Clause
/*
 * pool.c - one reactor's share of a region, with lines of waiters.
 *
 * Thread: the reactor that owns the pool.
 * Depends: blocks.h, reactor.h.
 */
#include "target/memory/pool.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "target/base/clock.h"
#include "target/base/line.h"

/* Return: order of the smallest block that holds @bytes, at most that of the largest block. */
static unsigned int np_pool_order_of(const struct np_pool *pool, uint32_t bytes)
{
	unsigned int order = 0;

	while ((NP_PAGE_BYTES << order) < bytes && (NP_PAGE_BYTES << order) < pool->max_bytes)
		order++;
	return order;
}

static bool np_pool_try(struct np_pool *pool, uint32_t bytes, struct np_buf *ret_buf)
{
	unsigned int order = np_pool_order_of(pool, bytes);
	uint32_t page = np_blocks_take_aside(&pool->blocks, &pool->spare[order]);
	uint64_t in_use;

	if (page == NP_BLOCK_NONE)
		page = np_blocks_take(&pool->blocks, order, 0);
	if (page == NP_BLOCK_NONE) {
		np_blocks_give_aside(&pool->blocks, pool->spare);
		page = np_blocks_take(&pool->blocks, order, 0);
	}
	if (page == NP_BLOCK_NONE)
		return false;
	*ret_buf = (struct np_buf){
		.pool = pool,
		.va = pool->base + (size_t)page * NP_PAGE_BYTES,
		.bytes = NP_PAGE_BYTES << order,
	};
	np_stat_add(&pool->in_use_bytes, ret_buf->bytes);
	in_use = np_stat_read(&pool->in_use_bytes);
	if (in_use > np_stat_read(&pool->high_water_bytes))
		np_stat_add(
			&pool->high_water_bytes, in_use - np_stat_read(&pool->high_water_bytes));
	return true;
}

static void np_pool_count_waiting(struct np_pool *pool, int change)
{
	np_stat_add(&pool->waiting, (uint64_t)change);
	if (pool->reactor)
		pool->reactor->nwaiting += (unsigned int)change;
}

bool np_pool_get(struct np_pool *pool, struct np_pool_line *line, struct np_pool_waiter *waiter,
	struct np_buf *ret_buf)
{
	if (np_list_is_empty(&pool->lines) && np_pool_try(pool, waiter->bytes, ret_buf))
		return true;
	waiter->pool = pool;
	waiter->line = line;
	waiter->since_us = np_clock_us();
	if (np_list_is_empty(&line->waiters))
		np_list_add_tail(&pool->lines, &line->link);
	np_list_add_tail(&line->waiters, &waiter->link);
	np_stat_add(&pool->waits, 1);
	np_pool_count_waiting(pool, 1);
	return false;
}

void np_pool_cancel(struct np_pool_waiter *waiter)
{
	np_list_del(&waiter->link);
	if (np_list_is_empty(&waiter->line->waiters))
		np_list_del(&waiter->line->link);
	np_pool_count_waiting(waiter->pool, -1);
}

void np_buf_put(struct np_buf *buf)
{
	struct np_pool *pool = buf->pool;
	unsigned int order;
	uint32_t page;

	if (!pool)
		return;
	page = (uint32_t)((size_t)((uint8_t *)buf->va - pool->base) / NP_PAGE_BYTES);
	order = pool->blocks.pages[page].order;
	assert(order < NP_BLOCK_ORDERS && pool->spare[order] != page);
	np_stat_add(&pool->in_use_bytes, (uint64_t)0 - buf->bytes);
	/* The next request is likely to be as large: spare it the splitting of what was merged. */
	if (pool->spare[order] == NP_BLOCK_NONE)
		np_blocks_put_aside(&pool->blocks, &pool->spare[order], page);
	else
		np_blocks_give(&pool->blocks, page, order);
	*buf = (struct np_buf){0};
}

static void np_pool_count_wait(struct np_pool *pool, struct np_pool_waiter *waiter)
{
	unsigned int bucket = 0;

	waiter->waited_us = np_clock_us() - waiter->since_us;
	while (bucket < NP_POOL_WAIT_BUCKETS - 1 && waiter->waited_us >> bucket)
		bucket++;
	np_stat_add(&pool->wait_us[bucket], 1);
}

/* Serves the lines in turn; a large request whose turn it is is not overtaken by small ones. */
static unsigned int np_pool_poll(struct np_poller *poller)
{
	struct np_pool *pool = np_container_of(poller, struct np_pool, poller);
	unsigned int served = 0;
	struct np_pool_line *line;
	struct np_buf buf;

	while ((line = np_list_first(&pool->lines, struct np_pool_line, link)) != NULL) {
		struct np_pool_waiter *waiter =
			np_list_first(&line->waiters, struct np_pool_waiter, link);

		if (!np_pool_try(pool, waiter->bytes, &buf))
			break;
		np_list_del(&line->link);
		np_list_add_tail(&pool->lines, &line->link);
		np_pool_cancel(waiter);
		np_pool_count_wait(pool, waiter);
		waiter->granted(waiter, buf);
		served++;
	}
	return served;
}

void np_pool_attach(struct np_pool *pool, struct np_reactor *reactor)
{
	pool->poller.poll = np_pool_poll;
	pool->reactor = reactor;
	np_reactor_add_poller(reactor, &pool->poller);
}

void np_pool_detach(struct np_pool *pool)
{
	if (!pool->reactor)
		return;
	np_reactor_del_poller(&pool->poller);
	pool->reactor = NULL;
}

void np_pool_evict(struct np_pool *pool)
{
	struct np_pool_line *line;

	while ((line = np_list_first(&pool->lines, struct np_pool_line, link)) != NULL) {
		struct np_pool_waiter *waiter =
			np_list_first(&line->waiters, struct np_pool_waiter, link);

		np_pool_cancel(waiter);
		np_pool_count_wait(pool, waiter);
		waiter->granted(waiter, (struct np_buf){0});
	}
}

int np_pool_new(struct np_mem_region *region, void *base, size_t bytes, struct np_pool **ret_pool)
{
	size_t npages = bytes / NP_PAGE_BYTES;
	struct np_pool *pool;

	if (!npages || npages >= NP_BLOCK_NONE)
		return -EINVAL;
	pool = np_line_alloc(sizeof(*pool));
	if (!pool)
		return -ENOMEM;
	if (np_blocks_init(&pool->blocks, (uint32_t)npages, 0)) {
		free(pool);
		return -ENOMEM;
	}
	pool->region = region;
	pool->base = base;
	pool->npages = (uint32_t)npages;
	pool->max_bytes = NP_PAGE_BYTES << np_blocks_max_order(&pool->blocks);
	np_list_init(&pool->lines);
	np_list_init(&pool->poller.link);
	np_blocks_init_aside(pool->spare);
	*ret_pool = pool;
	return 0;
}

void np_pool_free(struct np_pool *pool)
{
	if (!pool)
		return;
	np_blocks_fini(&pool->blocks);
	free(pool);
}
