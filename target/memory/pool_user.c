// SPDX-License-Identifier: BSD-3-Clause
/*
 * pool_user.c - who has a limit and a reserve in a pool.
 *
 * Thread: the reactor that owns the pool.
 * Depends: pool_try.h.
 */
#include "target/memory/pool_try.h"

static uint64_t np_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Return: the largest block within @bytes, at least a page. */
static uint32_t np_pool_block_within(uint64_t bytes)
{
	uint32_t block = NP_PAGE_BYTES;

	while (block < 1u << 31 && (uint64_t)block * 2 <= bytes)
		block *= 2;
	return block;
}

/*
 * A block that the limit, or the reserves of others, never allow would be waited for for ever: so
 * the largest ones depend on all reserves.
 */
static void np_pool_balance(struct np_pool *pool)
{
	uint64_t common = (uint64_t)pool->npages * NP_PAGE_BYTES;
	struct np_list *pos;

	pool->unmet_bytes = 0;
	np_list_for_each(pos, &pool->users) {
		struct np_pool_user *user = np_container_of(pos, struct np_pool_user, link);

		user->reserve_bytes = np_min(user->wanted_bytes, user->limit_bytes);
		user->reserve_bytes = np_min(user->reserve_bytes, common - NP_PAGE_BYTES);
		common -= user->reserve_bytes;
		pool->unmet_bytes += np_pool_unmet(user);
	}
	pool->max_bytes = (uint32_t)np_min(np_pool_block_within(common), pool->block_bytes);
	np_list_for_each(pos, &pool->users) {
		struct np_pool_user *user = np_container_of(pos, struct np_pool_user, link);
		uint64_t most = np_min(user->limit_bytes, common + user->reserve_bytes);

		user->max_bytes = (uint32_t)np_min(np_pool_block_within(most), pool->block_bytes);
	}
}

void np_pool_add_user(struct np_pool *pool, struct np_pool_user *user)
{
	if (np_list_is_empty(&pool->users))
		pool->block_bytes = pool->max_bytes;
	np_blocks_init_aside(user->own);
	np_list_add_tail(&pool->users, &user->link);
	user->pool = pool;
	np_pool_balance(pool);
}

void np_pool_del_user(struct np_pool_user *user)
{
	struct np_pool *pool = user->pool;

	if (!pool)
		return;
	np_blocks_give_aside(&pool->blocks, user->own);
	np_list_del(&user->link);
	user->pool = NULL;
	user->reserve_bytes = 0;
	np_pool_balance(pool);
}

void np_pool_merge(struct np_pool *pool)
{
	struct np_list *pos;

	np_blocks_give_aside(&pool->blocks, pool->spare);
	np_list_for_each(pos, &pool->users)
		np_blocks_give_aside(
			&pool->blocks, np_container_of(pos, struct np_pool_user, link)->own);
}
