// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_rdma_uevent.c - which device events mean that an RDMA device goes away.
 *
 * Depends: uevent.h, cmocka.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "transport/rdma/uevent.h"

/* With the NUL of the last string. */
#define REMOVED(text) np_rdma_uevent_removed(text, sizeof(text), name, sizeof(name))

static void test_removed__finds_the_node(void **state)
{
	char name[16];

	(void)state;
	assert_true(REMOVED("remove@/devices/virtual/x\0ACTION=remove\0"
			    "SUBSYSTEM=infiniband_verbs\0DEVNAME=infiniband/uverbs3"));
	assert_string_equal(name, "uverbs3");
	assert_true(REMOVED("DEVNAME=uverbs0\0SUBSYSTEM=infiniband_verbs\0ACTION=remove"));
	assert_string_equal(name, "uverbs0");
}

static void test_removed__ignores_all_else(void **state)
{
	char name[16] = "untouched";

	(void)state;
	assert_false(REMOVED("ACTION=add\0SUBSYSTEM=infiniband_verbs\0DEVNAME=uverbs0"));
	assert_false(REMOVED("ACTION=remove\0SUBSYSTEM=net\0DEVNAME=uverbs0"));
	assert_false(REMOVED("ACTION=remove\0SUBSYSTEM=infiniband_verbs"));
	assert_false(REMOVED("ACTION=remove\0SUBSYSTEM=infiniband_verbs2\0DEVNAME=uverbs0"));
	assert_false(REMOVED(""));
	assert_false(np_rdma_uevent_removed("", 0, name, sizeof(name)));
	assert_string_equal(name, "untouched");
}

static void test_removed__reads_no_further_than_the_message(void **state)
{
	static const char text[] = "ACTION=remove\0SUBSYSTEM=infiniband_verbs\0DEVNAME=uverbs0";
	char name[4];

	(void)state;
	/* The last string without its NUL. */
	assert_false(np_rdma_uevent_removed(text, sizeof(text) - 1, name, sizeof(name)));
	assert_true(np_rdma_uevent_removed(text, sizeof(text), name, sizeof(name)));
	assert_string_equal(name, "uve");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_removed__finds_the_node),
		cmocka_unit_test(test_removed__ignores_all_else),
		cmocka_unit_test(test_removed__reads_no_further_than_the_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
