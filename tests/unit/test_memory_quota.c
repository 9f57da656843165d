// SPDX-License-Identifier: BSD-3-Clause
/*
 * Limits and reserves of a pool's users: who waits, who does not, and that nobody waits for ever.
 */
#include "pool_scene.h"

#include <stdlib.h>
#include <string.h>

static struct np_pool *new_pool(size_t bytes)
{
	static uint8_t memory[1024 * KIB] __attribute__((aligned(4096)));

	assert_true(bytes <= sizeof(memory));
	return pool_of(NULL, memory, bytes);
}

static void test_limit__holds_up_nobody_else(void **state)
{
	struct np_pool *pool = new_pool(64 * KIB);
	struct np_pool_user small = user_of(2 * PAGE, 0), other = user_of(NO_LIMIT, 0);
	struct waiter held[2], over[2], free_one, nobody;
	struct np_pool_line line;

	(void)state;
	np_pool_line_init(&line);
	np_pool_add_user(pool, &small);
	np_pool_add_user(pool, &other);
	for (int i = 0; i < 2; i++) {
		held[i] = waiter_of(&small, PAGE);
		assert_true(get(pool, &line, &held[i]));
	}
	for (int i = 0; i < 2; i++) {
		over[i] = waiter_of(&small, PAGE);
		assert_false(get(pool, &line, &over[i]));
	}
	/* In the same line, and at once: nothing is wanted that they could take. */
	free_one = waiter_of(&other, 8 * PAGE);
	assert_true(get(pool, &line, &free_one));
	nobody = waiter_of(NULL, PAGE);
	assert_true(get(pool, &line, &nobody));
	assert_int_equal(np_stat_read(&pool->waits), 2);
	assert_int_equal(poll_once(pool), 0);

	np_buf_put(&held[0].buf);
	assert_int_equal(poll_once(pool), 1);
	assert_int_equal(over[0].turn, 1);
	assert_int_equal(over[1].turn, 0);
	np_buf_put(&over[0].buf);
	assert_int_equal(poll_once(pool), 1);
	assert_int_equal(over[1].turn, 2);
	assert_int_equal(np_stat_read(&small.in_use_bytes), 2 * PAGE);
	assert_int_equal(np_stat_read(&small.high_water_bytes), 2 * PAGE);
	np_buf_put(&over[1].buf);
	np_buf_put(&held[1].buf);
	np_buf_put(&free_one.buf);
	np_buf_put(&nobody.buf);
	assert_int_equal(np_stat_read(&small.in_use_bytes), 0);
	close_pool(pool);
}

/* What is larger than a user can ever have comes as the largest block that he can. */
static void test_limit__bounds_the_block(void **state)
{
	static const struct {
		uint64_t limit, reserve_of_other;
		uint32_t asked, got;
	} cases[] = {
		{2 * PAGE, 0, 16 * PAGE, 2 * PAGE},
		{3 * PAGE, 0, 16 * PAGE, 2 * PAGE},
		{3 * PAGE, 0, PAGE, PAGE},
		{PAGE, 0, 16 * PAGE, PAGE},
		{NO_LIMIT, 0, 16 * PAGE, 16 * PAGE},
		{NO_LIMIT, 8 * PAGE, 16 * PAGE, 8 * PAGE},
		{NO_LIMIT, 9 * PAGE, 16 * PAGE, 4 * PAGE},
		{NO_LIMIT, 16 * PAGE, 16 * PAGE, PAGE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct np_pool *pool = new_pool(64 * KIB);
		struct np_pool_user user = user_of(cases[i].limit, 0),
				    other = user_of(NO_LIMIT, cases[i].reserve_of_other);
		struct waiter waiter = waiter_of(&user, cases[i].asked),
			      nobody = waiter_of(NULL, cases[i].asked);
		struct np_pool_line line;

		np_pool_line_init(&line);
		np_pool_add_user(pool, &user);
		np_pool_add_user(pool, &other);
		assert_true(get(pool, &line, &waiter));
		assert_int_equal(waiter.buf.bytes, cases[i].got);
		np_buf_put(&waiter.buf);
		/* Who is nobody has no limit, but the others' reserves are not his either. */
		assert_true(get(pool, &line, &nobody));
		if (cases[i].limit == NO_LIMIT)
			assert_int_equal(nobody.buf.bytes, cases[i].got);
		np_buf_put(&nobody.buf);
		np_pool_del_user(&other);
		nobody = waiter_of(NULL, 64 * KIB);
		assert_true(get(pool, &line, &nobody));
		assert_int_equal(nobody.buf.bytes, 64 * KIB);
		np_buf_put(&nobody.buf);
		close_pool(pool);
	}
}

/* A large one that waits for its limit is not overtaken by small ones of the same user. */
static void test_limit__a_user_is_served_in_turn(void **state)
{
	struct np_pool *pool = new_pool(64 * KIB);
	struct np_pool_user user = user_of(4 * PAGE, 0), other = user_of(NO_LIMIT, 0);
	struct np_pool_line lines[2];
	struct waiter held[4], large = waiter_of(&user, 4 * PAGE), small = waiter_of(&user, PAGE),
			       late = waiter_of(&user, PAGE), bystander = waiter_of(&other, PAGE);

	(void)state;
	np_pool_add_user(pool, &user);
	np_pool_add_user(pool, &other);
	for (int i = 0; i < 2; i++)
		np_pool_line_init(&lines[i]);
	for (int i = 0; i < 4; i++) {
		held[i] = waiter_of(&user, PAGE);
		assert_true(get(pool, &lines[0], &held[i]));
	}
	assert_false(get(pool, &lines[0], &large));
	assert_false(get(pool, &lines[1], &small));
	assert_false(get(pool, &lines[0], &late));
	for (int i = 0; i < 3; i++) {
		np_buf_put(&held[i].buf);
		assert_int_equal(poll_once(pool), 0);
		/* Others of its line are served meanwhile. */
		assert_true(get(pool, &lines[0], &bystander));
		np_buf_put(&bystander.buf);
	}
	np_buf_put(&held[3].buf);
	assert_int_equal(poll_once(pool), 1);
	assert_int_equal(large.turn, 1);
	np_buf_put(&large.buf);
	assert_int_equal(poll_once(pool), 2);
	assert_int_equal(small.turn, 2);
	assert_int_equal(late.turn, 3);
	np_buf_put(&small.buf);
	np_buf_put(&late.buf);
	close_pool(pool);
}

static void test_reserve__cannot_be_taken_by_others(void **state)
{
	struct np_pool *pool = new_pool(64 * KIB);
	struct np_pool_user greedy = user_of(NO_LIMIT, 0), modest = user_of(NO_LIMIT, 8 * PAGE);
	struct waiter taken[8], more = waiter_of(&greedy, PAGE), mine[8], extra;
	struct np_pool_line lines[2];

	(void)state;
	np_pool_add_user(pool, &greedy);
	np_pool_add_user(pool, &modest);
	for (int i = 0; i < 2; i++)
		np_pool_line_init(&lines[i]);
	for (int i = 0; i < 8; i++) {
		taken[i] = waiter_of(&greedy, PAGE);
		assert_true(get(pool, &lines[0], &taken[i]));
	}
	assert_false(get(pool, &lines[0], &more));
	/* While somebody waits for room, the reserve is given in the pool's turn. */
	for (int i = 0; i < 8; i++) {
		mine[i] = waiter_of(&modest, PAGE);
		if (!get(pool, &lines[1], &mine[i]))
			assert_int_equal(poll_once(pool), 1);
		assert_non_null(mine[i].buf.pool);
	}
	assert_int_equal(more.turn, 0);
	/* Beyond its reserve it is one as the others. */
	extra = waiter_of(&modest, PAGE);
	assert_false(get(pool, &lines[1], &extra));
	np_buf_put(&taken[0].buf);
	assert_int_equal(poll_once(pool), 1);
	assert_int_equal(extra.turn, 0);
	assert_non_null(more.buf.pool);
	/* What it gives back of its reserve nobody else gets. */
	np_buf_put(&mine[0].buf);
	assert_int_equal(poll_once(pool), 1);
	assert_non_null(extra.buf.pool);
	for (int i = 1; i < 8; i++) {
		np_buf_put(&taken[i].buf);
		np_buf_put(&mine[i].buf);
	}
	np_buf_put(&more.buf);
	np_buf_put(&extra.buf);
	close_pool(pool);
}

/* The large one waits for room: small ones do not take it, whatever becomes of its line. */
static void test_reserve__who_waits_for_room_gets_it(void **state)
{
	struct np_pool *pool = new_pool(64 * KIB);
	struct np_pool_user plain = user_of(NO_LIMIT, 0), rich = user_of(NO_LIMIT, 8 * PAGE);
	struct waiter held[8], large = waiter_of(&plain, 8 * PAGE), other = waiter_of(NULL, PAGE),
			       again = waiter_of(&plain, PAGE), mine = waiter_of(&rich, PAGE);
	struct np_pool_line lines[3];

	(void)state;
	np_pool_add_user(pool, &plain);
	np_pool_add_user(pool, &rich);
	for (int i = 0; i < 3; i++)
		np_pool_line_init(&lines[i]);
	for (int i = 0; i < 8; i++) {
		held[i] = waiter_of(NULL, PAGE);
		assert_true(get(pool, &lines[2], &held[i]));
	}
	assert_false(get(pool, &lines[0], &large));
	assert_false(get(pool, &lines[1], &other));
	assert_false(get(pool, &lines[1], &again));
	for (int i = 0; i < 7; i++) {
		/* One with a reserve has its line moved to the end. */
		assert_false(get(pool, &lines[0], &mine));
		assert_int_equal(poll_once(pool), 1);
		np_buf_put(&mine.buf);
		np_buf_put(&held[i].buf);
		assert_int_equal(poll_once(pool), 0);
	}
	np_buf_put(&held[7].buf);
	assert_int_equal(poll_once(pool), 1);
	assert_non_null(large.buf.pool);
	np_buf_put(&large.buf);
	assert_int_equal(poll_once(pool), 2);
	np_buf_put(&other.buf);
	np_buf_put(&again.buf);
	close_pool(pool);
}

static void test_np_pool_add_user__cuts_reserves(void **state)
{
	struct np_pool *pool = new_pool(64 * KIB);
	struct np_pool_user first = user_of(NO_LIMIT, 12 * PAGE),
			    second = user_of(NO_LIMIT, 8 * PAGE),
			    third = user_of(2 * PAGE, 4 * PAGE);

	(void)state;
	np_pool_add_user(pool, &first);
	np_pool_add_user(pool, &second);
	np_pool_add_user(pool, &third);
	assert_int_equal(first.reserve_bytes, 12 * PAGE);
	assert_int_equal(second.reserve_bytes, 3 * PAGE);
	assert_int_equal(third.reserve_bytes, 0);
	np_pool_del_user(&first);
	assert_int_equal(second.reserve_bytes, 8 * PAGE);
	assert_int_equal(third.reserve_bytes, 2 * PAGE);
	np_pool_del_user(&first);
	close_pool(pool);
}

/* A namespace goes while its commands hold buffers and wait for others. */
static void test_np_pool_del_user__frees_who_waits(void **state)
{
	struct np_pool *pool = new_pool(64 * KIB);
	struct np_pool_user user = user_of(2 * PAGE, 0);
	struct waiter held = waiter_of(&user, PAGE), aside = waiter_of(&user, PAGE), over[3];
	struct np_pool_line line;

	(void)state;
	np_pool_line_init(&line);
	np_pool_add_user(pool, &user);
	assert_true(get(pool, &line, &held));
	assert_true(get(pool, &line, &aside));
	for (int i = 0; i < 3; i++) {
		over[i] = waiter_of(&user, PAGE);
		assert_false(get(pool, &line, &over[i]));
	}
	/* The one whose turn it is goes, and the next one takes its place. */
	np_pool_cancel(&over[0].base);
	assert_int_equal(poll_once(pool), 0);
	np_buf_put(&aside.buf);
	np_pool_del_user(&user);
	assert_int_equal(poll_once(pool), 2);
	for (int i = 1; i < 3; i++) {
		assert_int_equal(over[i].turn, i);
		np_buf_put(&over[i].buf);
	}
	np_buf_put(&held.buf);
	assert_int_equal(np_stat_read(&user.in_use_bytes), 0);
	/* What it had set aside is there for all. */
	held = waiter_of(NULL, 64 * KIB);
	assert_true(get(pool, &line, &held));
	assert_int_equal(held.buf.bytes, 64 * KIB);
	np_buf_put(&held.buf);
	close_pool(pool);
}

static void test_np_pool_evict__sends_all_away(void **state)
{
	struct np_pool *pool = new_pool(16 * KIB);
	struct np_pool_user user = user_of(PAGE, 0);
	struct waiter held = waiter_of(&user, PAGE), over[4];
	struct np_pool_line lines[2];

	(void)state;
	np_pool_add_user(pool, &user);
	for (int i = 0; i < 2; i++)
		np_pool_line_init(&lines[i]);
	assert_true(get(pool, &lines[0], &held));
	for (int i = 0; i < 4; i++) {
		over[i] = waiter_of(&user, PAGE);
		assert_false(get(pool, &lines[i % 2], &over[i]));
	}
	np_pool_evict(pool);
	for (int i = 0; i < 4; i++) {
		assert_int_not_equal(over[i].turn, 0);
		assert_null(over[i].buf.pool);
	}
	assert_null(user.first);
	np_buf_put(&held.buf);
	close_pool(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit__holds_up_nobody_else),
		cmocka_unit_test(test_limit__bounds_the_block),
		cmocka_unit_test(test_limit__a_user_is_served_in_turn),
		cmocka_unit_test(test_reserve__cannot_be_taken_by_others),
		cmocka_unit_test(test_reserve__who_waits_for_room_gets_it),
		cmocka_unit_test(test_np_pool_add_user__cuts_reserves),
		cmocka_unit_test(test_np_pool_del_user__frees_who_waits),
		cmocka_unit_test(test_np_pool_evict__sends_all_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
