/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_scene.h - what the tests of quotas and of zeroing share: a pool, users, waiters that keep
 * what they were granted.
 *
 * Depends: pool.h, cmocka.
 */
#ifndef NP_TESTS_POOL_SCENE_H
#define NP_TESTS_POOL_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "target/memory/pool.h"

#define KIB 1024u
#define PAGE NP_PAGE_BYTES
#define NO_LIMIT UINT64_MAX

struct waiter {
	struct np_pool_waiter base;
	struct np_buf buf;
	int turn; /* 0 = not granted */
};

static int turns;

static inline void waiter_granted(struct np_pool_waiter *base, struct np_buf buf)
{
	struct waiter *waiter = np_container_of(base, struct waiter, base);

	waiter->buf = buf;
	waiter->turn = ++turns;
}

static inline struct waiter waiter_of(struct np_pool_user *user, uint32_t bytes)
{
	return (struct waiter){.base = {.user = user, .bytes = bytes, .granted = waiter_granted}};
}

/* Return: whether @waiter has a buffer at once. */
static inline bool get(struct np_pool *pool, struct np_pool_line *line, struct waiter *waiter)
{
	return np_pool_get(pool, line, &waiter->base, &waiter->buf);
}

static inline unsigned int poll_once(struct np_pool *pool)
{
	return pool->poller.poll(&pool->poller);
}

static inline struct np_pool_user user_of(uint64_t limit_bytes, uint64_t reserve_bytes)
{
	return (struct np_pool_user){.limit_bytes = limit_bytes, .wanted_bytes = reserve_bytes};
}

/* Attached to a reactor. */
static inline struct np_pool *pool_of(struct np_mem_region *region, uint8_t *memory, size_t bytes)
{
	static struct np_reactor reactor;
	struct np_pool *pool;

	np_list_init(&reactor.pollers);
	reactor.nwaiting = 0;
	assert_int_equal(np_pool_new(region, memory, bytes, &pool), 0);
	np_pool_attach(pool, &reactor);
	turns = 0;
	return pool;
}

/* Nothing is in use, nobody waits. */
static inline void close_pool(struct np_pool *pool)
{
	assert_int_equal(np_stat_read(&pool->in_use_bytes), 0);
	assert_int_equal(np_stat_read(&pool->waiting), 0);
	assert_int_equal(pool->reactor->nwaiting, 0);
	np_pool_detach(pool);
	np_pool_free(pool);
}

#endif
