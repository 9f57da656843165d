// SPDX-License-Identifier: BSD-3-Clause
/*
 * Users with limits and reserves who come, wait and go at random: no limit is exceeded, no reserve is
 * taken, and everybody is served in the end.
 */
#include "pool_scene.h"

#include <stdlib.h>
#include <string.h>

enum { USERS = 4, LINES = 3, WAITERS = 60, ROUNDS = 20000 };

struct crowd {
	struct np_pool *pool;
	struct np_pool_user users[USERS];
	struct np_pool_line lines[LINES];
	struct waiter waiters[WAITERS];
	bool is_waiting[WAITERS], is_marked[WAITERS];
};

static void check_crowd(struct crowd *crowd)
{
	uint64_t sum = 0, unmet = 0;

	for (int i = 0; i < USERS; i++) {
		struct np_pool_user *user = &crowd->users[i];
		uint64_t in_use = np_stat_read(&user->in_use_bytes);

		assert_true(in_use <= user->limit_bytes);
		unmet += user->reserve_bytes > in_use ? user->reserve_bytes - in_use : 0;
	}
	for (int i = 0; i < WAITERS; i++)
		sum += crowd->waiters[i].buf.bytes;
	assert_int_equal(crowd->pool->unmet_bytes, unmet);
	assert_int_equal(np_stat_read(&crowd->pool->in_use_bytes), sum);
	assert_true(sum + unmet <= (uint64_t)crowd->pool->npages * PAGE);
}

/* What a waiter writes into its buffer nobody else touches, nor is it zeroed, while it has it. */
static void check_mark(const struct crowd *crowd, int i)
{
	const struct np_buf *buf = &crowd->waiters[i].buf;
	const uint8_t *bytes = buf->va;

	for (uint32_t at = 0; at < buf->bytes; at += 512)
		assert_int_equal(bytes[at], i + 1);
}

static void play(struct crowd *crowd, int i)
{
	struct waiter *waiter = &crowd->waiters[i];
	long who = random() % (USERS + 1);

	crowd->is_waiting[i] &= !waiter->buf.pool;
	if (waiter->buf.pool && !crowd->is_marked[i]) {
		memset(waiter->buf.va, i + 1, waiter->buf.bytes);
		crowd->is_marked[i] = true;
	} else if (waiter->buf.pool) {
		check_mark(crowd, i);
		crowd->is_marked[i] = false;
		np_buf_put(&waiter->buf);
	} else if (crowd->is_waiting[i]) {
		if (random() % 8)
			return;
		np_pool_cancel(&waiter->base);
		crowd->is_waiting[i] = false;
	} else {
		*waiter = waiter_of(who < USERS ? &crowd->users[who] : NULL, PAGE << random() % 6);
		crowd->is_waiting[i] = !get(crowd->pool, &crowd->lines[random() % LINES], waiter);
	}
}

static void test_np_pool_get__a_crowd_is_served_to_the_last(void **state)
{
	static uint8_t memory[67 * PAGE] __attribute__((aligned(4096)));
	struct np_mem_region region = {.zero = NP_MEM_ZERO_NAMESPACE};
	static struct crowd crowd;
	const struct np_pool_user users[USERS] = {user_of(NO_LIMIT, 0), user_of(12 * PAGE, 0),
		user_of(NO_LIMIT, 20 * PAGE), user_of(30 * PAGE, 10 * PAGE)};
	int left = WAITERS;

	(void)state;
	crowd.pool = pool_of(&region, memory, sizeof(memory));
	for (int i = 0; i < USERS; i++) {
		crowd.users[i] = users[i];
		crowd.users[i].id = (uint32_t)i + 1;
		np_pool_add_user(crowd.pool, &crowd.users[i]);
	}
	for (int i = 0; i < LINES; i++)
		np_pool_line_init(&crowd.lines[i]);
	srandom(11);
	for (int round = 0; round < ROUNDS; round++) {
		play(&crowd, (int)(random() % WAITERS));
		if (random() % 2)
			poll_once(crowd.pool);
		check_crowd(&crowd);
	}
	/* Nothing new comes: in so many turns everybody has been served and has given back. */
	for (int turn = 0; turn < 2 * WAITERS && left; turn++) {
		left = 0;
		poll_once(crowd.pool);
		for (int i = 0; i < WAITERS; i++) {
			left += crowd.is_waiting[i] && !crowd.waiters[i].buf.pool;
			if (crowd.waiters[i].buf.pool) {
				crowd.is_waiting[i] = false;
				np_buf_put(&crowd.waiters[i].buf);
			}
		}
	}
	assert_int_equal(left, 0);
	assert_true(np_stat_read(&crowd.pool->waits) > ROUNDS / 20);
	close_pool(crowd.pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_np_pool_get__a_crowd_is_served_to_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
