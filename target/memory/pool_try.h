/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_try.h - between the files of the pool: pool.c, pool_user.c, pool_wait.c, pool_zero.c.
 *
 * Thread: the reactor that owns the pool.
 * Depends: pool.h.
 */
#ifndef NP_MEMORY_POOL_TRY_H
#define NP_MEMORY_POOL_TRY_H

#include "target/memory/pool.h"

/* Owners of pages besides namespaces. Nobody is not the one that nobody was before. */
#define NP_POOL_CLEAN 0u                 /* zero */
#define NP_POOL_UNKNOWN UINT32_MAX       /* not used yet: as it was found */
#define NP_POOL_NOBODY (UINT32_MAX - 1u) /* a waiter without a user */

enum np_pool_answer {
	NP_POOL_GRANTED,
	NP_POOL_OVER,     /* its user has as much as he may */
	NP_POOL_SHORT,    /* what is left is others' reserve, or somebody else waits for it */
	NP_POOL_NO_BLOCK, /* no block is large enough */
	NP_POOL_BEHIND,   /* not tried: others wait */
};

/* Takes a buffer for @waiter if it may and can have one now, whoever else waits. */
enum np_pool_answer np_pool_try(
	struct np_pool *pool, const struct np_pool_waiter *waiter, struct np_buf *ret_buf);

/* Queues @waiter, which got @answer. */
void np_pool_wait(struct np_pool *pool, struct np_pool_line *line, struct np_pool_waiter *waiter,
	enum np_pool_answer answer);

/* Gives all that is unmerged back to the buddy allocator. */
void np_pool_merge(struct np_pool *pool);

/* The block is @owner's now: zeroes what others may have left in it. */
void np_pool_own(struct np_pool *pool, uint32_t page, unsigned int order, uint32_t owner);

/* Zeroes the block, for whoever has it next. */
void np_pool_clean(struct np_pool *pool, uint32_t page, unsigned int order);

/* What @user may still take of its reserve. */
static inline uint64_t np_pool_unmet(const struct np_pool_user *user)
{
	uint64_t in_use = np_stat_read(&user->in_use_bytes);

	return user->reserve_bytes > in_use ? user->reserve_bytes - in_use : 0;
}

#endif
