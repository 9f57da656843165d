// SPDX-License-Identifier: BSD-3-Clause
/*
 * The buddy pool: sizes, exhaustion, merging, the order of waiters, pools of odd sizes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "target/memory/pool.h"

#define KIB 1024u
#define MIB (1024u * KIB)

struct waiter {
	struct np_pool_waiter base;
	struct np_buf buf;
	int turn; /* 0 = not granted */
};

static int turns;
static struct np_pool_line line; /* of all waiters where nothing else is said */

static void granted(struct np_pool_waiter *base, struct np_buf buf)
{
	struct waiter *waiter = np_container_of(base, struct waiter, base);

	waiter->buf = buf;
	waiter->turn = ++turns;
}

static struct waiter waiter_of(uint32_t bytes)
{
	return (struct waiter){.base = {.bytes = bytes, .granted = granted}};
}

static struct np_pool *new_pool(size_t bytes)
{
	static uint8_t memory[8 * MIB] __attribute__((aligned(4096)));
	struct np_pool *pool;

	assert_true(bytes <= sizeof(memory));
	assert_int_equal(np_pool_new(NULL, memory, bytes, &pool), 0);
	turns = 0;
	np_pool_line_init(&line);
	return pool;
}

static void test_np_pool_get__sizes(void **state)
{
	static const struct {
		uint32_t asked, got;
	} cases[] = {
		{1, 4 * KIB}, {4 * KIB, 4 * KIB}, {4 * KIB + 1, 8 * KIB}, {128 * KIB, 128 * KIB},
		{1 * MIB, 1 * MIB},
		{64 * MIB, 1 * MIB}, /* more than there can be: the largest block */
	};
	struct np_pool *pool = new_pool(1 * MIB);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct waiter waiter = waiter_of(cases[i].asked);
		struct np_buf buf;

		assert_true(np_pool_get(pool, &line, &waiter.base, &buf));
		assert_int_equal(buf.bytes, cases[i].got);
		assert_int_equal((uintptr_t)buf.va % NP_PAGE_BYTES, 0);
		assert_int_equal(np_stat_read(&pool->in_use_bytes), cases[i].got);
		np_buf_put(&buf);
		assert_null(buf.pool);
		assert_int_equal(np_stat_read(&pool->in_use_bytes), 0);
	}
	assert_int_equal(np_stat_read(&pool->high_water_bytes), 1 * MIB);
	np_pool_free(pool);
}

static void test_np_pool_get__no_overlap_and_all_merges(void **state)
{
	struct np_pool *pool = new_pool(3 * MIB + 5 * 4 * KIB);
	enum { N = 200 };
	struct waiter waiters[N];
	struct np_buf bufs[N];

	(void)state;
	assert_int_equal(pool->max_bytes, 2 * MIB);
	srandom(7);
	for (int round = 0; round < 50; round++) {
		size_t n = 0;

		for (; n < N; n++) {
			waiters[n] = waiter_of((uint32_t)(random() % (64 * (long)KIB)) + 1);
			if (!np_pool_get(pool, &line, &waiters[n].base, &bufs[n]))
				break;
			assert_true(bufs[n].bytes >= waiters[n].base.bytes);
			memset(bufs[n].va, (int)n, bufs[n].bytes);
		}
		assert_true(n > 10);
		if (n < N)
			np_pool_cancel(&waiters[n].base);
		for (size_t i = 0; i < n; i++) {
			const uint8_t *bytes = bufs[i].va;

			for (uint32_t at = 0; at < bufs[i].bytes; at += 512)
				assert_int_equal(bytes[at], (uint8_t)i);
		}
		/* In an order of its own, so that merging goes both ways. */
		for (size_t i = 0; i < n; i += 2)
			np_buf_put(&bufs[i]);
		for (size_t i = 1; i < n; i += 2)
			np_buf_put(&bufs[i]);
		waiters[0] = waiter_of(2 * MIB);
		assert_true(np_pool_get(pool, &line, &waiters[0].base, &bufs[0]));
		assert_int_equal(bufs[0].bytes, 2 * MIB);
		np_buf_put(&bufs[0]);
	}
	np_pool_free(pool);
}

static void test_np_buf_put__spares_one_of_each_size(void **state)
{
	struct np_pool *pool = new_pool(64 * KIB);
	struct waiter page = waiter_of(4 * KIB), pair = waiter_of(8 * KIB),
		      all = waiter_of(64 * KIB);
	struct np_buf first, second, third;
	void *first_va, *second_va;

	(void)state;
	assert_true(np_pool_get(pool, &line, &page.base, &first));
	assert_true(np_pool_get(pool, &line, &page.base, &second));
	first_va = first.va;
	second_va = second.va;
	np_buf_put(&second);
	np_buf_put(&first);
	/* The one that was spared again, then the one that was merged. */
	assert_true(np_pool_get(pool, &line, &page.base, &second));
	assert_ptr_equal(second.va, second_va);
	assert_true(np_pool_get(pool, &line, &page.base, &first));
	assert_ptr_equal(first.va, first_va);
	/* It is for its own size only. */
	np_buf_put(&first);
	assert_true(np_pool_get(pool, &line, &pair.base, &third));
	assert_int_equal(third.bytes, 8 * KIB);
	assert_ptr_not_equal(third.va, first_va);
	/* But it stands in nobody's way. */
	np_buf_put(&second);
	np_buf_put(&third);
	assert_true(np_pool_get(pool, &line, &all.base, &first));
	assert_int_equal(first.bytes, 64 * KIB);
	np_buf_put(&first);
	np_pool_free(pool);
}

static void test_np_pool_get__nobody_overtakes(void **state)
{
	struct np_reactor reactor = {0};
	struct np_pool *pool = new_pool(64 * KIB);
	struct waiter half = waiter_of(32 * KIB), all = waiter_of(64 * KIB),
		      small = waiter_of(4 * KIB);
	struct np_buf held, buf;

	(void)state;
	np_list_init(&reactor.pollers);
	np_pool_attach(pool, &reactor);
	assert_true(np_pool_get(pool, &line, &half.base, &held));
	assert_false(np_pool_get(pool, &line, &all.base, &buf));
	/* There is room for it, but somebody is before it. */
	assert_false(np_pool_get(pool, &line, &small.base, &buf));
	assert_int_equal(np_stat_read(&pool->waiting), 2);
	assert_int_equal(pool->poller.poll(&pool->poller), 0);

	np_buf_put(&held);
	assert_int_equal(pool->poller.poll(&pool->poller), 1);
	assert_int_equal(all.turn, 1);
	assert_int_equal(small.turn, 0);
	np_buf_put(&all.buf);
	assert_int_equal(pool->poller.poll(&pool->poller), 1);
	assert_int_equal(small.turn, 2);
	assert_int_equal(np_stat_read(&pool->waiting), 0);
	assert_int_equal(np_stat_read(&pool->waits), 2);
	np_buf_put(&small.buf);
	np_pool_free(pool);
}

/* One line has a crowd, the other a single one after the other: it is served each second time. */
static void test_np_pool_get__lines_take_turns(void **state)
{
	struct np_reactor reactor = {0};
	struct np_pool *pool = new_pool(4 * KIB);
	struct waiter crowd[4], single = waiter_of(1), again = waiter_of(1);
	const int want[4] = {1, 3, 5, 6};
	struct np_pool_line other;
	struct np_buf buf;

	(void)state;
	np_pool_line_init(&other);
	np_list_init(&reactor.pollers);
	np_pool_attach(pool, &reactor);
	crowd[0] = waiter_of(1);
	assert_true(np_pool_get(pool, &line, &crowd[0].base, &buf));
	for (int i = 0; i < 4; i++) {
		crowd[i] = waiter_of(1);
		assert_false(np_pool_get(pool, &line, &crowd[i].base, &crowd[i].buf));
	}
	assert_false(np_pool_get(pool, &other, &single.base, &single.buf));
	for (int turn = 1; turn <= 6; turn++) {
		np_buf_put(&buf);
		assert_int_equal(pool->poller.poll(&pool->poller), 1);
		assert_int_equal(turns, turn);
		for (int i = 0; i < 4; i++) {
			if (crowd[i].turn == turn)
				buf = crowd[i].buf;
		}
		if (single.turn == turn)
			buf = single.buf;
		if (again.turn == turn)
			buf = again.buf;
		if (turn == 2)
			assert_false(np_pool_get(pool, &other, &again.base, &again.buf));
	}
	np_buf_put(&buf);
	assert_int_equal(single.turn, 2);
	assert_int_equal(again.turn, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(crowd[i].turn, want[i]);
	assert_int_equal(pool->poller.poll(&pool->poller), 0);
	np_pool_free(pool);
}

static void test_np_pool_cancel__leaves_the_others(void **state)
{
	struct np_reactor reactor = {0};
	struct np_pool *pool = new_pool(4 * KIB);
	struct waiter first = waiter_of(1), second = waiter_of(1), third = waiter_of(1);
	struct np_buf held, buf;

	(void)state;
	np_list_init(&reactor.pollers);
	np_pool_attach(pool, &reactor);
	assert_true(np_pool_get(pool, &line, &first.base, &held));
	assert_false(np_pool_get(pool, &line, &second.base, &buf));
	assert_false(np_pool_get(pool, &line, &third.base, &buf));
	/* The reactor knows that what gives back buffers must wake it. */
	assert_int_equal(reactor.nwaiting, 2);
	np_pool_cancel(&second.base);
	assert_int_equal(reactor.nwaiting, 1);
	np_buf_put(&held);
	assert_int_equal(pool->poller.poll(&pool->poller), 1);
	assert_int_equal(second.turn, 0);
	assert_int_equal(third.turn, 1);
	assert_int_equal(reactor.nwaiting, 0);
	np_buf_put(&third.buf);
	np_pool_free(pool);
}

static void test_np_pool_new__refuses_less_than_a_page(void **state)
{
	struct np_pool *pool;
	uint8_t byte;

	(void)state;
	assert_int_equal(np_pool_new(NULL, &byte, 4095, &pool), -22);
}

/* Pools of a region are made one after the other, for reactors that must not share a line. */
static void test_np_pool_new__has_lines_of_its_own(void **state)
{
	struct np_pool *pools[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		pools[i] = new_pool((5 + (size_t)i) * 4 * KIB);
		assert_int_equal((uintptr_t)pools[i] % 64, 0);
		assert_int_equal((uintptr_t)pools[i]->blocks.pages % 64, 0);
	}
	np_pool_free(pools[0]);
	np_pool_free(pools[1]);
}

/* ---- a region ------------------------------------------------------------------------------- */

static int open_pages(
	struct np_mem_region *region, const struct np_mem_want *want, char *why, size_t why_size)
{
	(void)why;
	(void)why_size;
	region->bytes = want->bytes;
	region->va = aligned_alloc(NP_PAGE_BYTES, want->bytes);
	return region->va ? 0 : -12;
}

/* A device that has 4 MiB, whatever is wanted of it. */
static int open_small(
	struct np_mem_region *region, const struct np_mem_want *want, char *why, size_t why_size)
{
	const struct np_mem_want less = {.bytes = 4u << 20};

	(void)want;
	return open_pages(region, &less, why, why_size);
}

static void close_pages(struct np_mem_region *region)
{
	free(region->va);
}

/* What the self-tests cannot try, for want of room, is not given out either. */
static void test_np_mem_open__bounds_buffers_by_what_is_tested(void **state)
{
	static const struct np_mem_ops small = {"small", open_small, close_pages},
				       large = {"large", open_pages, close_pages};
	const struct {
		const struct np_mem_ops *ops;
		uint32_t largest; /* tried: 512 KiB without two pages, and 1 MiB */
	} cases[] = {{&small, 256 * 1024}, {&large, 1024 * 1024}};

	const struct np_mem_want want = {.bytes = 4u << 20};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct np_pool_waiter waiter = {.bytes = 1024 * 1024};
		struct np_mem_region *region;
		struct np_mem mem = {0};
		struct np_buf buf;
		char why[128];

		assert_int_equal(
			np_mem_open(&mem, cases[i].ops, &want, 1, why, sizeof(why), &region), 0);
		assert_true(np_pool_get(region->pools[0], &line, &waiter, &buf));
		assert_int_equal(buf.bytes, cases[i].largest);
		np_buf_put(&buf);
		np_mem_close_all(&mem);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_np_pool_get__sizes),
		cmocka_unit_test(test_np_pool_get__no_overlap_and_all_merges),
		cmocka_unit_test(test_np_buf_put__spares_one_of_each_size),
		cmocka_unit_test(test_np_pool_get__nobody_overtakes),
		cmocka_unit_test(test_np_pool_get__lines_take_turns),
		cmocka_unit_test(test_np_pool_cancel__leaves_the_others),
		cmocka_unit_test(test_np_pool_new__refuses_less_than_a_page),
		cmocka_unit_test(test_np_pool_new__has_lines_of_its_own),
		cmocka_unit_test(test_np_mem_open__bounds_buffers_by_what_is_tested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
