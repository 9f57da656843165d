// SPDX-License-Identifier: BSD-3-Clause
/*
 * When a reactor without work polls and when it sleeps, by a clock of the test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "target/reactor/spin.h"

#define LIMIT_US 100

static struct np_spin spin;
static uint64_t now_us;

static void start(int32_t limit_us)
{
	now_us = 5000000;
	np_spin_init(&spin, limit_us, now_us);
}

/* Turns without work every 10 us, and then work. Return: whether it slept. */
static bool pause_of(uint64_t us)
{
	const uint64_t end_us = now_us + us;
	bool slept = false;

	while (now_us < end_us && !slept) {
		now_us += 10;
		slept = !np_spin_goes_on(&spin, now_us);
	}
	now_us = end_us;
	np_spin_work(&spin, now_us);
	return slept;
}

static unsigned int pauses_until(bool slept, uint64_t us)
{
	unsigned int count = 0;

	while (count < 1000 && pause_of(us) != slept)
		count++;
	return count;
}

static void test_np_spin__limits(void **state)
{
	(void)state;
	start(0);
	assert_true(pause_of(20));
	assert_false(np_spin_expects(&spin, now_us));
	start(-1);
	assert_false(pause_of(1000000));
	np_spin_depth(&spin, now_us, 20);
	assert_false(pause_of(20));
	start(LIMIT_US);
	assert_false(pause_of(LIMIT_US - 10));
	assert_true(pause_of(LIMIT_US + 10));
}

static void test_np_spin__learns_how_long_pauses_are(void **state)
{
	(void)state;
	start(LIMIT_US);
	/* Pauses beyond the limit: soon it sleeps at once. */
	for (int i = 0; i < 10; i++)
		assert_true(pause_of(5 * LIMIT_US));
	assert_false(np_spin_expects(&spin, now_us));
	assert_true(pause_of(10));
	/* And shorter ones: it polls again. */
	assert_in_range(pauses_until(false, 20), 1, 20);
	/* One long pause among short ones changes nothing. */
	for (int i = 0; i < 20; i++)
		pause_of(20);
	assert_true(pause_of(UINT64_C(36000000000)));
	assert_false(pause_of(20));
}

static void test_np_spin__work_without_a_pause_teaches_nothing(void **state)
{
	(void)state;
	start(LIMIT_US);
	for (int i = 0; i < 10; i++)
		pause_of(5 * LIMIT_US);
	for (int i = 0; i < 1000; i++)
		np_spin_work(&spin, ++now_us);
	assert_false(np_spin_expects(&spin, now_us));
}

static void test_np_spin__sleeps_beside_deep_queues(void **state)
{
	(void)state;
	start(LIMIT_US);
	np_spin_depth(&spin, now_us, NP_SPIN_FEW);
	assert_false(pause_of(20));
	np_spin_depth(&spin, now_us, NP_SPIN_FEW + 1);
	assert_true(pause_of(20));
	now_us += NP_SPIN_DEEP_US;
	np_spin_work(&spin, now_us);
	assert_false(pause_of(20));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_np_spin__limits),
		cmocka_unit_test(test_np_spin__learns_how_long_pauses_are),
		cmocka_unit_test(test_np_spin__work_without_a_pause_teaches_nothing),
		cmocka_unit_test(test_np_spin__sleeps_beside_deep_queues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
