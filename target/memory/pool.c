// SPDX-License-Identifier: BSD-3-Clause
/*
 * pool.c - a buddy allocator over one reactor's share of a region, with lines of waiters.
 *
 * Thread: the reactor that owns the pool.
 * Depends: reactor.h.
 */
#include "target/memory/pool.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "target/base/clock.h"
#include "target/base/line.h"

#define NP_POOL_NONE UINT32_MAX
#define NP_POOL_FREE 0x80u /* in pool->order[page]: a free block begins here */
#define NP_POOL_BODY 0x40u /* no block begins here */

static void np_pool_push(struct np_pool *pool, uint32_t page, unsigned int order)
{
	uint32_t head = pool->free[order];

	pool->order[page] = (uint8_t)(order | NP_POOL_FREE);
	pool->next[page] = head;
	pool->prev[page] = NP_POOL_NONE;
	if (head != NP_POOL_NONE)
		pool->prev[head] = page;
	pool->free[order] = page;
}

static void np_pool_unlink(struct np_pool *pool, uint32_t page, unsigned int order)
{
	uint32_t next = pool->next[page], prev = pool->prev[page];

	if (prev != NP_POOL_NONE)
		pool->next[prev] = next;
	else
		pool->free[order] = next;
	if (next != NP_POOL_NONE)
		pool->prev[next] = prev;
	pool->order[page] = NP_POOL_BODY;
}

/* Return: order of the smallest block that holds @bytes, at most that of the largest block. */
static unsigned int np_pool_order_of(const struct np_pool *pool, uint32_t bytes)
{
	unsigned int order = 0;

	while ((NP_PAGE_BYTES << order) < bytes && (NP_PAGE_BYTES << order) < pool->max_bytes)
		order++;
	return order;
}

/* Return: first page of a block of @order, NP_POOL_NONE if there is none. */
static uint32_t np_pool_take(struct np_pool *pool, unsigned int order)
{
	unsigned int have = order;
	uint32_t page;

	while (have < NP_POOL_ORDERS && pool->free[have] == NP_POOL_NONE)
		have++;
	if (have == NP_POOL_ORDERS)
		return NP_POOL_NONE;
	page = pool->free[have];
	np_pool_unlink(pool, page, have);
	while (have > order) {
		have--;
		np_pool_push(pool, page + (1u << have), have);
	}
	pool->order[page] = (uint8_t)order;
	return page;
}

static void np_pool_give(struct np_pool *pool, uint32_t page, unsigned int order)
{
	while (order + 1 < NP_POOL_ORDERS) {
		uint32_t buddy = page ^ 1u << order;

		if (buddy + (1u << order) > pool->npages ||
			pool->order[buddy] != (order | NP_POOL_FREE))
			break;
		np_pool_unlink(pool, buddy, order);
		pool->order[page] = NP_POOL_BODY;
		if (buddy < page)
			page = buddy;
		order++;
	}
	np_pool_push(pool, page, order);
}

/* A spare block was not merged, and its page still has the order that it had in use. */
static uint32_t np_pool_take_spare(struct np_pool *pool, unsigned int order)
{
	uint32_t page = pool->spare[order];

	pool->spare[order] = NP_POOL_NONE;
	return page;
}

static void np_pool_merge_spares(struct np_pool *pool)
{
	for (unsigned int order = 0; order < NP_POOL_ORDERS; order++) {
		uint32_t page = np_pool_take_spare(pool, order);

		if (page != NP_POOL_NONE)
			np_pool_give(pool, page, order);
	}
}

static bool np_pool_try(struct np_pool *pool, uint32_t bytes, struct np_buf *ret_buf)
{
	unsigned int order = np_pool_order_of(pool, bytes);
	uint32_t page = np_pool_take_spare(pool, order);
	uint64_t in_use;

	if (page == NP_POOL_NONE)
		page = np_pool_take(pool, order);
	if (page == NP_POOL_NONE) {
		np_pool_merge_spares(pool);
		page = np_pool_take(pool, order);
	}
	if (page == NP_POOL_NONE)
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
	order = pool->order[page];
	assert(order < NP_POOL_ORDERS && pool->spare[order] != page);
	np_stat_add(&pool->in_use_bytes, (uint64_t)0 - buf->bytes);
	/* The next request is likely to be as large: spare it the splitting of what was merged. */
	if (pool->spare[order] == NP_POOL_NONE)
		pool->spare[order] = page;
	else
		np_pool_give(pool, page, order);
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

/* Cuts [0, npages) into the largest aligned blocks. */
static void np_pool_fill(struct np_pool *pool)
{
	uint32_t page = 0;

	while (page < pool->npages) {
		unsigned int order = NP_POOL_ORDERS - 1;

		while ((page & ((1u << order) - 1)) || page + (1u << order) > pool->npages)
			order--;
		np_pool_push(pool, page, order);
		if ((NP_PAGE_BYTES << order) > pool->max_bytes)
			pool->max_bytes = NP_PAGE_BYTES << order;
		page += 1u << order;
	}
}

int np_pool_new(struct np_mem_region *region, void *base, size_t bytes, struct np_pool **ret_pool)
{
	size_t npages = bytes / NP_PAGE_BYTES;
	struct np_pool *pool;

	if (!npages || npages >= NP_POOL_NONE)
		return -EINVAL;
	pool = np_line_alloc(sizeof(*pool));
	if (!pool)
		return -ENOMEM;
	pool->order = np_line_alloc(npages);
	pool->next = np_line_alloc(npages * sizeof(*pool->next));
	pool->prev = np_line_alloc(npages * sizeof(*pool->prev));
	if (!pool->order || !pool->next || !pool->prev) {
		np_pool_free(pool);
		return -ENOMEM;
	}
	pool->region = region;
	pool->base = base;
	pool->npages = (uint32_t)npages;
	np_list_init(&pool->lines);
	np_list_init(&pool->poller.link);
	for (size_t i = 0; i < npages; i++)
		pool->order[i] = NP_POOL_BODY;
	for (unsigned int i = 0; i < NP_POOL_ORDERS; i++)
		pool->free[i] = pool->spare[i] = NP_POOL_NONE;
	np_pool_fill(pool);
	*ret_pool = pool;
	return 0;
}

void np_pool_free(struct np_pool *pool)
{
	if (!pool)
		return;
	free(pool->order);
	free(pool->next);
	free(pool->prev);
	free(pool);
}
