// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_topology_numa.c - the NUMA node of an RNIC, out of a made-up sysfs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "target/topology/numa.h"
#include "tests/unit/fake_sysfs.h"

#define CARD "pci0000:80/0000:80:01.0/0000:81:00.0"
#define NIC "pci0000:00/0000:00:04.0"

static char *root;

static int setup(void **state)
{
	(void)state;
	root = fake_sysfs_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_sysfs_free(root);
	return 0;
}

/* A PCI function at NUMA node @node. */
static void add_pci(const char *path, const char *node)
{
	const struct fake_pci pci = {.path = path, .acs_control = FAKE_NO_ACS};
	char file[256];

	fake_sysfs_add(root, &pci);
	snprintf(file, sizeof(file), "devices/%s/numa_node", path);
	fake_sysfs_write(root, file, node);
}

/* A card with an RNIC of its own. */
static void add_card(const char *name, const char *pci)
{
	char path[256], target[128];

	snprintf(target, sizeof(target), "devices/%s/infiniband/%s", pci, name);
	snprintf(path, sizeof(path), "%s/node_guid", target);
	fake_sysfs_write(root, path, "0");
	snprintf(path, sizeof(path), "class/infiniband/%s", name);
	fake_sysfs_link(root, path, target);
}

/* A software RNIC on the network device @netdev, which is below @above in devices/. */
static void add_software(const char *name, const char *netdev, const char *above)
{
	char path[256], target[128];

	snprintf(target, sizeof(target), "devices/virtual/infiniband/%s", name);
	snprintf(path, sizeof(path), "%s/parent", target);
	fake_sysfs_write(root, path, netdev);
	snprintf(path, sizeof(path), "class/infiniband/%s", name);
	fake_sysfs_link(root, path, target);
	snprintf(target, sizeof(target), "devices/%s/net/%s", above, netdev);
	snprintf(path, sizeof(path), "%s/mtu", target);
	fake_sysfs_write(root, path, "9000");
	snprintf(path, sizeof(path), "class/net/%s", netdev);
	fake_sysfs_link(root, path, target);
}

static void test_np_numa_of_rnic__where_its_device_is(void **state)
{
	(void)state;
	add_pci("pci0000:80/0000:80:01.0", "1\n");
	add_pci(CARD, "1\n");
	add_pci(NIC, "0\n");
	add_card("mlx5_0", CARD);
	add_software("rxe0", "dummy0", "virtual");
	add_software("rxe1", "eth0", NIC "/virtio0");
	assert_int_equal(np_numa_of_rnic(root, "mlx5_0"), 1);
	assert_int_equal(np_numa_of_rnic(root, "rxe0"), -1);
	assert_int_equal(np_numa_of_rnic(root, "rxe1"), 0);
	assert_int_equal(np_numa_of_rnic(root, "absent"), -1);
}

static void test_np_numa_list_rnics__each_node_once(void **state)
{
	int nodes[3] = {-5, -5, -5};

	(void)state;
	assert_int_equal(np_numa_list_rnics(root, nodes, 3), 0);
	add_pci("pci0000:80/0000:80:01.0", "7\n");
	add_pci(CARD, "7\n");
	add_pci(NIC, "2\n");
	add_card("mlx5_0", CARD);
	add_card("mlx5_1", CARD);
	add_software("rxe0", "dummy0", "virtual");
	add_software("rxe1", "eth0", NIC "/virtio0");
	assert_int_equal(np_numa_list_rnics(root, nodes, 3), 2);
	assert_int_equal(nodes[0], 2);
	assert_int_equal(nodes[1], 7);
	assert_int_equal(nodes[2], -5);
	assert_int_equal(np_numa_list_rnics(root, nodes, 1), 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_np_numa_of_rnic__where_its_device_is, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_np_numa_list_rnics__each_node_once, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
