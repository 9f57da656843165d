// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_base_event.c - the history of changes keeps the last ones, numbered without gaps.
 *
 * Depends: event.h, cmocka.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "target/base/event.h"

/* One process, one history: the tests build on each other. */
static void test_np_event_next__nothing_yet(void **state)
{
	(void)state;
	assert_null(np_event_next(0));
	assert_null(np_event_next(UINT64_MAX));
}

static void test_np_event__is_kept(void **state)
{
	const struct np_event *event;

	(void)state;
	errno = EBUSY;
	np_event(NP_EVENT_PORT, NP_LOG_DEBUG, "port %u: listening", 7u);
	assert_int_equal(errno, EBUSY);
	np_event(NP_EVENT_TEST, NP_LOG_DEBUG, "%0*d", 1000, 1);
	event = np_event_next(0);
	assert_non_null(event);
	assert_int_equal(event->number, 1);
	assert_int_equal(event->kind, NP_EVENT_PORT);
	assert_int_equal(event->level, NP_LOG_DEBUG);
	assert_string_equal(event->text, "port 7: listening");
	assert_true(event->time_ms > UINT64_C(1700000000000));
	event = np_event_next(1);
	assert_int_equal(event->number, 2);
	assert_int_equal(strlen(event->text), sizeof(event->text) - 1);
	assert_null(np_event_next(2));
}

static void test_np_event_next__forgets_the_oldest(void **state)
{
	const struct np_event *event;
	uint64_t number = 3;
	unsigned int count = 0;

	(void)state;
	for (; number <= 2 * NP_EVENTS_KEPT + 5; number++)
		np_event(NP_EVENT_HOST, NP_LOG_DEBUG, "%u", (unsigned int)number);
	event = np_event_next(0);
	assert_int_equal(event->number, NP_EVENTS_KEPT + 6);
	for (; event; event = np_event_next(event->number)) {
		assert_int_equal(event->number, NP_EVENTS_KEPT + 6 + count++);
		assert_int_equal(strtoul(event->text, NULL, 10), event->number);
	}
	assert_int_equal(count, NP_EVENTS_KEPT);
	assert_null(np_event_next(number));
}

static void test_np_event_kind_name__all(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < NP_EVENT_KINDS; i++) {
		assert_non_null(np_event_kind_name(i));
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(np_event_kind_name(i), np_event_kind_name(j));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_np_event_next__nothing_yet),
		cmocka_unit_test(test_np_event__is_kept),
		cmocka_unit_test(test_np_event_next__forgets_the_oldest),
		cmocka_unit_test(test_np_event_kind_name__all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
