// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_rdma_caps.c - which RDMA devices are made by software.
 *
 * Depends: dev.h, cmocka.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "transport/rdma/dev.h"

static void test_is_software_path__by_the_place_in_sysfs(void **state)
{
	(void)state;
	assert_true(np_rdma_is_software_path("/sys/devices/virtual/infiniband/rxe0"));
	assert_false(
		np_rdma_is_software_path("/sys/devices/pci0000:00/0000:00:03.0/infiniband/mlx5_0"));
	assert_false(np_rdma_is_software_path("/sys/devices/virtual"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_software_path__by_the_place_in_sysfs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
