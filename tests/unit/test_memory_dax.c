// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_memory_dax.c - what sysfs says of a dax device, how much of it is mapped, what is refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "target/memory/dax.h"
#include "target/memory/mem.h"
#include "tests/unit/fake_sysfs.h"

#define MIB ((uint64_t)1 << 20)
#define DEVICE "devices/LNXSYSTM:00/ndbus0/region0/dax0.0/dax0.0"
#define DRAM "devices/platform/e820_pmem/ndbus1/region1/dax1.0/dax1.0"

static void add_device(char *root, const char *path, const char *number, const char *bus)
{
	char file[128];

	snprintf(file, sizeof(file), "%s/size", path);
	fake_sysfs_write(root, file, "270532608\n");
	snprintf(file, sizeof(file), "%s/align", path);
	fake_sysfs_write(root, file, "2097152\n");
	snprintf(file, sizeof(file), "%s/numa_node", path);
	fake_sysfs_write(root, file, "1\n");
	snprintf(file, sizeof(file), "%s/drivers_autoprobe", bus);
	fake_sysfs_write(root, file, "1\n");
	snprintf(file, sizeof(file), "%s/subsystem", path);
	fake_sysfs_link(root, file, bus);
	snprintf(file, sizeof(file), "dev/char/%s", number);
	fake_sysfs_link(root, file, path);
}

static void test_np_dax_probe__reads_sysfs(void **state)
{
	char *root = fake_sysfs_new();
	struct np_dax dax;

	(void)state;
	add_device(root, DEVICE, "252:0", "bus/dax");
	add_device(root, DRAM, "252:1", "bus/dax");
	add_device(root, "devices/virtual/mem/null", "1:3", "class/mem");
	assert_int_equal(np_dax_probe(root, 252, 0, &dax), 0);
	assert_int_equal(dax.bytes, 270532608);
	assert_int_equal(dax.align_bytes, 2 * MIB);
	assert_int_equal(dax.numa_node, 1);
	assert_false(dax.is_dram);
	assert_int_equal(np_dax_probe(root, 252, 1, &dax), 0);
	assert_true(dax.is_dram);
	assert_int_equal(np_dax_probe(root, 1, 3, &dax), -ENODEV);
	assert_int_equal(np_dax_probe(root, 9, 9, &dax), -ENODEV);
	fake_sysfs_write(root, DEVICE "/align", "12288\n");
	assert_int_equal(np_dax_probe(root, 252, 0, &dax), -EINVAL);
	fake_sysfs_free(root);
}

static void test_np_dax_map_bytes__whole_units(void **state)
{
	static const struct {
		uint64_t device, align;
		size_t wanted, mapped;
	} cases[] = {
		{258 * MIB, 2 * MIB, 0, 64 * MIB},           /* the default */
		{258 * MIB, 2 * MIB, 1 * MIB, 2 * MIB},      /* at least what is wanted */
		{258 * MIB, 2 * MIB, 4 * MIB, 4 * MIB},      /* exactly that */
		{258 * MIB, 2 * MIB, 1024 * MIB, 258 * MIB}, /* all that there is */
		{10 * MIB, 2 * MIB, 0, 10 * MIB},
		{4096 * MIB, 1024 * MIB, 0, 1024 * MIB},
		{11 * MIB, 2 * MIB, 64 * MIB, 10 * MIB}, /* no part of a unit */
		{1 * MIB, 2 * MIB, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct np_dax dax = {.bytes = cases[i].device, .align_bytes = cases[i].align};

		assert_int_equal(np_dax_map_bytes(&dax, cases[i].wanted), cases[i].mapped);
	}
}

static void test_np_mem_dax_open__refuses_what_is_no_dax_device(void **state)
{
	static const char *const paths[] = {"/dev/null", "/tmp", "/dev/no-such-dax"};

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		const struct np_mem_want want = {.where = paths[i], .bytes = 1 << 20};
		struct np_mem_region region = {.fd = -1};
		char why[128] = "";

		assert_true(np_mem_dax_ops.open(&region, &want, why, sizeof(why)) < 0);
		assert_non_null(strstr(why, paths[i]));
		assert_null(region.va);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_np_dax_probe__reads_sysfs),
		cmocka_unit_test(test_np_dax_map_bytes__whole_units),
		cmocka_unit_test(test_np_mem_dax_open__refuses_what_is_no_dax_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
