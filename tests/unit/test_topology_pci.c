// SPDX-License-Identifier: BSD-3-Clause
/*
 * Tests of target/topology/pci.c on a small fake tree of PCI devices.
 *
 * Thread: one.
 * Depends: cmocka.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "tests/unit/topology_scene.h"

static void test_pci_probe__reads_the_way_up(void **state)
{
	const struct shape shape = PLAIN_SHAPE;
	char *root = topology_scene_new(&shape);
	struct np_pci_dev dev = topology_scene_probe(root, "0000:03:00.0");

	(void)state;
	assert_string_equal(dev.self.address, "0000:03:00.0");
	assert_int_equal(dev.self.class_code, NVME);
	assert_int_equal(dev.self.vendor, 0x1b36);
	assert_int_equal(dev.self.device, 0x0010);
	assert_int_equal(dev.self.port, NP_PCI_PORT_ENDPOINT);
	assert_int_equal(dev.self.acs, NP_PCI_ACS_NONE);
	assert_int_equal(dev.nbridges, 3);
	assert_string_equal(dev.bridges[0].address, "0000:02:00.0");
	assert_int_equal(dev.bridges[0].port, NP_PCI_PORT_DOWNSTREAM);
	assert_int_equal(dev.bridges[0].acs, NP_PCI_ACS_SEEN);
	assert_int_equal(dev.bridges[0].acs_control, ACS_SV);
	assert_string_equal(dev.bridges[1].address, "0000:01:00.0");
	assert_int_equal(dev.bridges[1].port, NP_PCI_PORT_UPSTREAM);
	assert_string_equal(dev.bridges[2].address, "0000:00:01.0");
	assert_int_equal(dev.bridges[2].port, NP_PCI_PORT_ROOT);
	assert_string_equal(np_pci_port_name(&dev.bridges[2]), "root port");
	assert_string_equal(dev.host_bridge, "pci0000:00");
	assert_string_equal(dev.root.address, "0000:00:00.0");
	assert_int_equal(dev.root.device, 0x29c0);
	assert_int_equal(dev.root.port, NP_PCI_PORT_NONE);
	assert_int_equal(dev.numa_node, 1);
	assert_int_equal(dev.iommu_group, 7);
	assert_string_equal(dev.iommu_type, "DMA-FQ");
	dev = topology_scene_probe(root, "0000:04:00.0");
	assert_int_equal(dev.numa_node, -1);
	assert_int_equal(dev.iommu_group, -1);
	assert_string_equal(dev.iommu_type, "");
	fake_sysfs_free(root);
}

static void test_pci_probe__says_what_it_could_not_see(void **state)
{
	struct shape shape = PLAIN_SHAPE;
	struct np_pci_dev dev;
	char *root;

	(void)state;
	shape.config_len = 64;
	root = topology_scene_new(&shape);
	dev = topology_scene_probe(root, "0000:03:00.0");
	assert_int_equal(dev.self.vendor, 0x1b36);
	assert_int_equal(dev.bridges[0].port, NP_PCI_PORT_UNSEEN);
	assert_int_equal(dev.bridges[0].acs, NP_PCI_ACS_UNSEEN);
	assert_false(np_pci_redirects(&dev.bridges[0]));
	assert_string_equal(np_pci_port_name(&dev.bridges[0]), "bridge");
	assert_string_equal(np_pci_port_name(&dev.self), "device");
	/* Without a function 00.0 a bridge on the root bus must be the root port. */
	assert_string_equal(dev.root.address, "0000:00:00.0");
	assert_string_equal(
		topology_scene_probe(root, "0001:81:00.0").root.address, "0001:80:00.0");
	fake_sysfs_free(root);
}

static void test_pci_probe__refuses_what_is_not_there(void **state)
{
	const struct shape shape = PLAIN_SHAPE;
	char *root = topology_scene_new(&shape);
	struct np_pci_dev dev;

	(void)state;
	assert_int_equal(np_pci_probe(root, "0000:77:00.0", &dev), -ENODEV);
	assert_int_equal(np_pci_probe(root, "nvme0", &dev), -EINVAL);
	assert_int_equal(np_pci_probe(root, "0000:03:00.0x", &dev), -EINVAL);
	fake_sysfs_free(root);
}

static void test_pci_probe__another_function_has_the_same_way(void **state)
{
	const struct shape shape = PLAIN_SHAPE;
	char *root = topology_scene_new(&shape);
	struct np_pci_dev dev = topology_scene_probe(root, "0000:05:00.4");

	(void)state;
	assert_string_equal(dev.self.address, "0000:05:00.4");
	assert_int_equal(dev.nbridges, 1);
	assert_string_equal(dev.bridges[0].address, "0000:00:02.0");
	fake_sysfs_free(root);
}

static void test_pci_find__goes_up_to_the_device(void **state)
{
	const struct shape shape = PLAIN_SHAPE;
	char *root = topology_scene_new(&shape);
	char address[NP_PCI_ADDRESS_BYTES] = "";

	(void)state;
	fake_sysfs_write(root, "devices/" CARD "/infiniband/mlx5_0/node_type", "1: CA\n");
	fake_sysfs_link(root, "class/infiniband/mlx5_0", "devices/" CARD "/infiniband/mlx5_0");
	fake_sysfs_write(root, "devices/virtual/infiniband/rxe0/node_type", "1: CA\n");
	fake_sysfs_link(root, "class/infiniband/rxe0", "devices/virtual/infiniband/rxe0");
	assert_int_equal(np_pci_find(root, "class/infiniband/mlx5_0", address), 0);
	assert_string_equal(address, "0000:04:00.0");
	assert_int_equal(np_pci_find(root, "class/infiniband/rxe0", address), -ENODEV);
	assert_int_equal(np_pci_find(root, "class/infiniband/rxe1", address), -ENOENT);
	fake_sysfs_free(root);
}

static void test_pci_parse__survives_any_configuration(void **state)
{
	uint8_t config[NP_PCI_CONFIG_BYTES];
	uint16_t control;

	(void)state;
	/* Lists that lead in a circle, or out of what was read. */
	memset(config, 0, sizeof(config));
	config[0x06] = 0x10;
	config[0x34] = 0x40;
	config[0x41] = 0x40;
	config[0x102] = 0x02;
	config[0x103] = 0x10;
	assert_int_equal(np_pci_parse_port(config, sizeof(config)), NP_PCI_PORT_NONE);
	assert_int_equal(np_pci_parse_acs(config, sizeof(config), &control), NP_PCI_ACS_NONE);
	memset(config, 0xff, sizeof(config));
	assert_int_equal(np_pci_parse_acs(config, sizeof(config), &control), NP_PCI_ACS_NONE);
	assert_int_equal(np_pci_parse_port(config, 256), NP_PCI_PORT_NONE);
	assert_int_equal(np_pci_parse_port(config, 63), NP_PCI_PORT_UNSEEN);
	assert_int_equal(np_pci_parse_acs(config, 256, &control), NP_PCI_ACS_NONE);
	assert_int_equal(np_pci_parse_acs(config, 255, &control), NP_PCI_ACS_UNSEEN);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pci_probe__reads_the_way_up),
		cmocka_unit_test(test_pci_probe__says_what_it_could_not_see),
		cmocka_unit_test(test_pci_probe__refuses_what_is_not_there),
		cmocka_unit_test(test_pci_probe__another_function_has_the_same_way),
		cmocka_unit_test(test_pci_find__goes_up_to_the_device),
		cmocka_unit_test(test_pci_parse__survives_any_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
