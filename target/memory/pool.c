// SPDX-License-Identifier: BSD-3-Clause
/*
 * pool.c - one reactor's share of a region: taking buffers and giving them back.
 *
 * Thread: the reactor that owns the pool.
 * Depends: pool_try.h.
 */
#include "target/memory/pool_try.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "target/base/line.h"

/* Return: order of the smallest block that holds @bytes, at most that of a block of @max_bytes. */
static unsigned int np_pool_order_of(uint32_t bytes, uint32_t max_bytes)
{
	unsigned int order = 0;

	while ((NP_PAGE_BYTES << order) < bytes && (NP_PAGE_BYTES << order) < max_bytes)
		order++;
	return order;
}

static inline void np_pool_mark(_Atomic uint64_t *in_use_bytes, _Atomic uint64_t *high_water_bytes)
{
	uint64_t in_use = np_stat_read(in_use_bytes);

	if (in_use > np_stat_read(high_water_bytes))
		atomic_store_explicit(high_water_bytes, in_use, memory_order_relaxed);
}

/* ---- what a user may have ----------------------------------------------------------------- */

/*
 * Is @bytes left when the others' reserves are, or does it come out of @user's own? Somebody else
 * who waits for room has what is left.
 */
static bool np_pool_has_room(const struct np_pool *pool, const struct np_pool_user *user,
	const struct np_pool_waiter *waiter, uint64_t bytes)
{
	uint64_t own = user ? np_pool_unmet(user) : 0;

	if (bytes <= own)
		return true;
	if (pool->first && pool->first != waiter)
		return false;
	return np_stat_read(&pool->in_use_bytes) + pool->unmet_bytes + bytes - own <=
		(uint64_t)pool->npages * NP_PAGE_BYTES;
}

/* @user holds @bytes more, or less if negative. */
static inline void np_pool_charge(struct np_pool *pool, struct np_pool_user *user, uint64_t bytes)
{
	uint64_t unmet;

	if (!user->reserve_bytes) {
		np_stat_add(&user->in_use_bytes, bytes);
		return;
	}
	unmet = np_pool_unmet(user);
	np_stat_add(&user->in_use_bytes, bytes);
	pool->unmet_bytes += np_pool_unmet(user) - unmet;
}

/* ---- blocks ------------------------------------------------------------------------------- */

/*
 * For a user one that was his before, if that is easily found.
 * Return: first page of a block of @order, NP_BLOCK_NONE if there is none.
 */
static __attribute__((noinline)) uint32_t np_pool_take(
	struct np_pool *pool, unsigned int order, const struct np_pool_user *user)
{
	uint32_t owner = user && pool->zero == NP_MEM_ZERO_NAMESPACE ? user->id : 0;
	uint32_t page = np_blocks_take(&pool->blocks, order, owner);

	if (page == NP_BLOCK_NONE) {
		np_pool_merge(pool);
		page = np_blocks_take(&pool->blocks, order, owner);
	}
	if (page != NP_BLOCK_NONE && user && pool->zero != NP_MEM_ZERO_NEVER)
		np_pool_own(pool, page, order, user->id);
	return page;
}

static inline uint32_t np_pool_page_of(const struct np_pool *pool, const struct np_buf *buf)
{
	return (uint32_t)((size_t)((uint8_t *)buf->va - pool->base) / NP_PAGE_BYTES);
}

static inline void np_pool_fill_buf(struct np_pool *pool, struct np_pool_user *user, uint32_t page,
	unsigned int order, struct np_buf *ret_buf)
{
	*ret_buf = (struct np_buf){
		.pool = pool,
		.user = user,
		.va = pool->base + (size_t)page * NP_PAGE_BYTES,
		.bytes = NP_PAGE_BYTES << order,
	};
	np_stat_add(&pool->in_use_bytes, ret_buf->bytes);
	np_pool_mark(&pool->in_use_bytes, &pool->high_water_bytes);
}

/* For those that are nobody's, who may see what others have left. Inline: it is all that most calls of np_pool_get() do. */
static inline enum np_pool_answer np_pool_try_common(
	struct np_pool *pool, uint32_t bytes, struct np_buf *ret_buf)
{
	unsigned int order = np_pool_order_of(bytes, pool->max_bytes);
	uint32_t page = pool->spare[order];

	pool->spare[order] = NP_BLOCK_NONE;
	if (page == NP_BLOCK_NONE)
		page = np_pool_take(pool, order, NULL);
	if (page == NP_BLOCK_NONE)
		return NP_POOL_NO_BLOCK;
	np_pool_fill_buf(pool, NULL, page, order, ret_buf);
	return NP_POOL_GRANTED;
}

/* For @user, of the pool, where there is room. */
static inline enum np_pool_answer np_pool_try_user(
	struct np_pool *pool, struct np_pool_user *user, uint32_t bytes, struct np_buf *ret_buf)
{
	unsigned int order = np_pool_order_of(bytes, user->max_bytes);
	uint32_t page;

	if (np_stat_read(&user->in_use_bytes) + (NP_PAGE_BYTES << order) > user->limit_bytes)
		return NP_POOL_OVER;
	/* What he has set aside nobody else has had meanwhile. */
	page = np_blocks_take_aside(&pool->blocks, &user->own[order]);
	if (page == NP_BLOCK_NONE)
		page = np_pool_take(pool, order, user);
	if (page == NP_BLOCK_NONE)
		return NP_POOL_NO_BLOCK;
	np_pool_fill_buf(pool, user, page, order, ret_buf);
	np_pool_charge(pool, user, ret_buf->bytes);
	np_pool_mark(&user->in_use_bytes, &user->high_water_bytes);
	return NP_POOL_GRANTED;
}

enum np_pool_answer np_pool_try(
	struct np_pool *pool, const struct np_pool_waiter *waiter, struct np_buf *ret_buf)
{
	struct np_pool_user *user = waiter->user;
	enum np_pool_answer answer;
	uint32_t bytes;

	if (user && user->pool != pool)
		user = NULL; /* it is not yet, or not any more, the pool's */
	bytes = NP_PAGE_BYTES << np_pool_order_of(
			waiter->bytes, user ? user->max_bytes : pool->max_bytes);
	if (user && np_stat_read(&user->in_use_bytes) + bytes > user->limit_bytes)
		return NP_POOL_OVER;
	if (!np_pool_has_room(pool, user, waiter, bytes))
		return NP_POOL_SHORT;
	if (user)
		return np_pool_try_user(pool, user, bytes, ret_buf);
	answer = np_pool_try_common(pool, bytes, ret_buf);
	if (answer == NP_POOL_GRANTED && pool->zero != NP_MEM_ZERO_NEVER)
		np_pool_own(pool, np_pool_page_of(pool, ret_buf), np_pool_order_of(bytes, bytes),
			NP_POOL_NOBODY);
	return answer;
}

/* np_pool_get() where somebody has a limit or a reserve, or waits. */
static __attribute__((noinline)) bool np_pool_get_or_wait(struct np_pool *pool,
	struct np_pool_line *line, struct np_pool_waiter *waiter, struct np_buf *ret_buf)
{
	/* Do all who wait do so for limits of theirs, and is @waiter none of them? */
	bool may_pass = !pool->is_room_wanted && !(waiter->user && waiter->user->nwaiting);
	enum np_pool_answer answer = NP_POOL_BEHIND;

	if (np_list_is_empty(&pool->lines) || may_pass)
		answer = np_pool_try(pool, waiter, ret_buf);
	if (answer == NP_POOL_GRANTED)
		return true;
	np_pool_wait(pool, line, waiter, answer);
	return false;
}

bool np_pool_get(struct np_pool *pool, struct np_pool_line *line, struct np_pool_waiter *waiter,
	struct np_buf *ret_buf)
{
	struct np_pool_user *user = waiter->user;
	enum np_pool_answer answer = NP_POOL_BEHIND;

	/* Nobody waits, and nobody has to be left anything: the usual case, and a short way. */
	if (np_list_is_empty(&pool->lines) && !pool->unmet_bytes) {
		if (!user && pool->zero == NP_MEM_ZERO_NEVER)
			answer = np_pool_try_common(pool, waiter->bytes, ret_buf);
		else if (user && user->pool == pool)
			answer = np_pool_try_user(pool, user, waiter->bytes, ret_buf);
	}
	return answer == NP_POOL_GRANTED || np_pool_get_or_wait(pool, line, waiter, ret_buf);
}

/* The next request is likely to be as large: spare it the splitting of what was merged. */
static void np_pool_put_common(struct np_pool *pool, uint32_t page, unsigned int order)
{
	if (pool->spare[order] != NP_BLOCK_NONE) {
		np_blocks_give(&pool->blocks, page, order);
		return;
	}
	pool->blocks.pages[page].next = NP_BLOCK_NONE;
	pool->spare[order] = page;
}

/* @user: NULL, or the pool's before it was deleted */
static __attribute__((noinline)) void np_pool_put_user(
	struct np_pool *pool, struct np_pool_user *user, uint32_t page, unsigned int order)
{
	uint64_t less = (uint64_t)0 - (NP_PAGE_BYTES << order);

	if (pool->zero == NP_MEM_ZERO_ALWAYS)
		np_pool_clean(pool, page, order);
	if (user && user->pool == pool) {
		np_pool_charge(pool, user, less);
		np_blocks_put_aside(&pool->blocks, &user->own[order], page);
		return;
	}
	if (user)
		np_stat_add(&user->in_use_bytes, less);
	np_pool_put_common(pool, page, order);
}

void np_buf_put(struct np_buf *buf)
{
	struct np_pool_user *user = buf->user;
	struct np_pool *pool = buf->pool;
	unsigned int order;
	uint32_t page;

	if (!pool)
		return;
	page = np_pool_page_of(pool, buf);
	order = pool->blocks.pages[page].order;
	assert(order < NP_BLOCK_ORDERS && pool->spare[order] != page);
	np_stat_add(&pool->in_use_bytes, (uint64_t)0 - buf->bytes);
	if (user || pool->zero == NP_MEM_ZERO_ALWAYS)
		np_pool_put_user(pool, user, page, order);
	else
		np_pool_put_common(pool, page, order);
	*buf = (struct np_buf){0};
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
	pool->zero = region ? region->zero : NP_MEM_ZERO_NEVER;
	if (np_blocks_init(&pool->blocks, (uint32_t)npages,
		    pool->zero == NP_MEM_ZERO_NEVER ? NP_POOL_CLEAN : NP_POOL_UNKNOWN)) {
		free(pool);
		return -ENOMEM;
	}
	pool->region = region;
	pool->base = base;
	pool->npages = (uint32_t)npages;
	pool->max_bytes = NP_PAGE_BYTES << np_blocks_max_order(&pool->blocks);
	np_list_init(&pool->lines);
	np_list_init(&pool->users);
	np_list_init(&pool->poller.link);
	np_witness_init(&pool->witness);
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
