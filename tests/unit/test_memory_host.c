// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_memory_host.c - host memory at a NUMA node, and which of several an RNIC's data goes to.
 */
#include <linux/mempolicy.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "target/memory/mem.h"

#define BYTES (1u << 20)

static struct np_mem_region *open_host(struct np_mem *mem, int node)
{
	const struct np_mem_want want = {.where = "host", .bytes = BYTES, .numa_node = node};
	struct np_mem_region *region;
	char why[128];

	assert_int_equal(
		np_mem_open(mem, &np_mem_host_ops, &want, 1, why, sizeof(why), &region), 0);
	return region;
}

/* Return: the memory policy of an address, or -1 in a kernel without. */
static int policy_of(void *va, unsigned long *ret_nodes)
{
	unsigned long nodes[16] = {0};
	int policy;

	if (syscall(SYS_get_mempolicy, &policy, nodes, 8 * sizeof(nodes), va, MPOL_F_ADDR))
		return -1;
	*ret_nodes = nodes[0];
	return policy;
}

static void test_np_mem_host_open__prefers_the_node(void **state)
{
	struct np_mem_region *region;
	struct np_mem mem = {0};
	unsigned long nodes;

	(void)state;
	region = open_host(&mem, 0);
	assert_int_equal(region->numa_node, 0);
	if (policy_of(region->va, &nodes) < 0) {
		np_mem_close_all(&mem);
		skip();
	}
	assert_int_equal(policy_of(region->va, &nodes), MPOL_PREFERRED);
	assert_int_equal(nodes, 1);
	region = open_host(&mem, -1);
	assert_int_equal(region->numa_node, -1);
	assert_int_equal(policy_of(region->va, &nodes), MPOL_DEFAULT);
	np_mem_close_all(&mem);
}

/* A node that is not there is no reason to fail. */
static void test_np_mem_host_open__does_without_the_node(void **state)
{
	struct np_mem mem = {0};
	struct np_mem_region *region;

	(void)state;
	region = open_host(&mem, 1023);
	memset(region->va, 1, region->bytes);
	np_mem_close_all(&mem);
}

static void test_np_mem_host_at__nearest(void **state)
{
	struct np_mem mem = {0};
	struct np_mem_region *first, *second, *cmb;

	(void)state;
	first = open_host(&mem, 0);
	open_host(&mem, -1)->numa_node = 1; /* NP_REGION_ADMIN, which is for no data */
	cmb = open_host(&mem, -1);
	cmb->is_optional = true;
	cmb->numa_node = 1;
	assert_ptr_equal(np_mem_host_at(&mem, 1), first);
	second = open_host(&mem, -1);
	second->numa_node = 1;
	assert_ptr_equal(np_mem_host_at(&mem, 0), first);
	assert_ptr_equal(np_mem_host_at(&mem, 1), second);
	assert_ptr_equal(np_mem_host_at(&mem, 2), first);
	assert_ptr_equal(np_mem_host_at(&mem, -1), first);
	np_mem_close_all(&mem);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_np_mem_host_open__prefers_the_node),
		cmocka_unit_test(test_np_mem_host_open__does_without_the_node),
		cmocka_unit_test(test_np_mem_host_at__nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
