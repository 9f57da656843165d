// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_rdma_cq.c - moderation of completion queues, on a provider that remembers what it is told.
 *
 * Depends: cmocka, transport/rdma/cq.c.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transport/rdma/cq.h"

static struct {
	const struct ibv_cq *cqs[2];
	struct ibv_modify_cq_attr attr;
	int count, fail_at;
} told;

static int fake_modify_cq(struct ibv_cq *cq, struct ibv_modify_cq_attr *attr)
{
	assert_in_range(told.count, 0, 1);
	told.cqs[told.count] = cq;
	told.attr = *attr;
	return ++told.count == told.fail_at ? EINVAL : 0;
}

static int moderate(uint16_t max_count, uint16_t max_us, uint16_t count, uint16_t period_us)
{
	static struct verbs_context verbs = {
		.sz = sizeof(verbs),
		.modify_cq = fake_modify_cq,
		.context.abi_compat = __VERBS_ABI_IS_EXTENDED,
	};
	static struct ibv_cq send = {.context = &verbs.context}, recv = {.context = &verbs.context};
	static struct np_rdma_cq cq = {.send.cq = &send, .recv.cq = &recv};
	const struct ibv_cq_moderation_caps caps = {max_count, max_us};

	told.count = 0;
	return np_rdma_cq_moderate(&cq, &caps, count, period_us);
}

static void test_np_rdma_cq_moderate__keeps_to_the_limits(void **state)
{
	(void)state;
	told.fail_at = 0;
	assert_int_equal(moderate(100, 50, 16, 8), 0);
	assert_int_equal(told.count, 2);
	assert_ptr_not_equal(told.cqs[0], told.cqs[1]);
	assert_int_equal(told.attr.attr_mask, IBV_CQ_ATTR_MODERATE);
	assert_int_equal(told.attr.moderate.cq_count, 16);
	assert_int_equal(told.attr.moderate.cq_period, 8);
	assert_int_equal(moderate(10, 5, 16, 8), 0);
	assert_int_equal(told.attr.moderate.cq_count, 10);
	assert_int_equal(told.attr.moderate.cq_period, 5);
}

static void test_np_rdma_cq_moderate__tells_what_the_device_says(void **state)
{
	(void)state;
	assert_int_equal(moderate(0, 0, 16, 8), -EOPNOTSUPP);
	assert_int_equal(told.count, 0);
	for (told.fail_at = 1; told.fail_at <= 2; told.fail_at++) {
		assert_int_equal(moderate(100, 50, 16, 8), -EINVAL);
		assert_int_equal(told.count, told.fail_at);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_np_rdma_cq_moderate__keeps_to_the_limits),
		cmocka_unit_test(test_np_rdma_cq_moderate__tells_what_the_device_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
