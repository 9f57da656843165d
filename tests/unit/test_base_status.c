// SPDX-License-Identifier: BSD-3-Clause
/*
 * The status field and its converters; list and log helpers.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "target/base/list.h"
#include "target/base/log.h"
#include "target/base/status.h"

static void test_np_status_from_errno__table(void **state)
{
	static const struct {
		int err;
		uint16_t field;
	} cases[] = {
		{0, 0},
		{-ECANCELED, 0x0007},  /* Command Abort Requested */
		{-ENOSPC, 0x4081},     /* Capacity Exceeded, DNR */
		{-EOPNOTSUPP, 0x4001}, /* Invalid Command Opcode, DNR */
		{-ENODATA, 0x4281},    /* Unrecovered Read Error, DNR */
		{-EBADE, 0x4083},      /* Reservation Conflict, DNR */
		{-ENOMEM, 0x0082},     /* Namespace Not Ready: try again */
		{-EAGAIN, 0x0082},
		{-EFAULT, 0x0082}, /* peer memory of a device that is being reset */
		{-ENODEV, 0x0006}, /* Internal Error: try again, perhaps by another path */
		{-ENOLINK, 0x0006},
		{-EROFS, 0x4020}, /* Namespace is Write Protected, DNR */
		{-EIO, 0x4006},   /* Internal Error, DNR */
		{-12345, 0x4006},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(np_status_from_errno(cases[i].err, false).field, cases[i].field);
	assert_int_equal(np_status_from_errno(-ENODATA, true).field, 0x4280); /* Write Fault */
	assert_int_equal(np_status_from_errno(-EIO, true).field, 0x4006);
}

static void test_np_status__constructors(void **state)
{
	struct np_status status = np_status_specific(NVME_SC_CONNECT_INVALID_HOST);

	(void)state;
	assert_int_equal(status.field, 0x4184);
	assert_int_equal(np_status_retryable(status).field, 0x0184);
	assert_true(np_status_is(status, np_status_retryable(status)));
	assert_false(np_status_is(status, np_status_generic(NVME_SC_CONNECT_INVALID_HOST)));
	assert_false(np_status_is_ok(status));
	assert_int_equal(np_status_media(NVME_SC_COMPARE_FAILED).field, 0x4285);
}

static void test_np_log_escape__bounds_and_bytes(void **state)
{
	char text[8];

	(void)state;
	assert_string_equal(np_log_escape(text, sizeof(text), "nqn.x", 5), "nqn.x");
	assert_string_equal(np_log_escape(text, sizeof(text), "a\nb\x1b\xff c", 8), "a?b???c");
	assert_string_equal(np_log_escape(text, sizeof(text), "0123456789", 10), "0123456");
	assert_string_equal(np_log_escape(text, sizeof(text), "ab\0cd", 5), "ab");
	assert_string_equal(np_log_escape(text, sizeof(text), "abcd", 2), "ab");
}

static void test_np_log_allowed__budget(void **state)
{
	struct np_log_limit limit = {0};
	int allowed = 0;

	(void)state;
	for (int i = 0; i < 100; i++)
		allowed += np_log_allowed(&limit);
	assert_int_equal(allowed, 10);
	assert_int_equal(limit.dropped, 90);
	np_log_set_level(NP_LOG_DEBUG);
	assert_true(np_log_allowed(&limit));
	np_log_set_level(NP_LOG_INFO);
	assert_false(np_log_allowed(&limit));
	limit.window_start_ms -= 6000;
	assert_true(np_log_allowed(&limit));
	assert_int_equal(limit.dropped, 0);
}

static void test_np_list__order_and_double_removal(void **state)
{
	struct np_list list, a, b, c;

	(void)state;
	np_list_init(&list);
	np_list_init(&a);
	assert_null(np_list_pop(&list));
	np_list_add_tail(&list, &b);
	np_list_add_tail(&list, &c);
	np_list_add_head(&list, &a);
	np_list_del(&b);
	np_list_del(&b);
	assert_ptr_equal(np_list_pop(&list), &a);
	assert_ptr_equal(np_list_pop(&list), &c);
	assert_true(np_list_is_empty(&list));
}

static void test_np_list_move_all__keeps_the_order(void **state)
{
	struct np_list list, other, a, b, c;

	(void)state;
	np_list_init(&list);
	np_list_init(&other);
	np_list_move_all(&list, &other);
	assert_true(np_list_is_empty(&list) && np_list_is_empty(&other));
	np_list_add_tail(&list, &a);
	np_list_add_tail(&other, &b);
	np_list_add_tail(&other, &c);
	np_list_move_all(&list, &other);
	assert_true(np_list_is_empty(&other));
	/* One of those that were moved can be removed. */
	np_list_del(&b);
	assert_ptr_equal(np_list_pop(&list), &a);
	assert_ptr_equal(np_list_pop(&list), &c);
	assert_true(np_list_is_empty(&list));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_np_status_from_errno__table),
		cmocka_unit_test(test_np_status__constructors),
		cmocka_unit_test(test_np_log_escape__bounds_and_bytes),
		cmocka_unit_test(test_np_log_allowed__budget),
		cmocka_unit_test(test_np_list__order_and_double_removal),
		cmocka_unit_test(test_np_list_move_all__keeps_the_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
