// SPDX-License-Identifier: BSD-3-Clause
/*
 * topology_scene.c - a fake tree of PCI devices for the tests of the topology room.
 *
 * Thread: the test's.
 * Depends: cmocka.
 */
#include "tests/unit/topology_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

char *topology_scene_new(const struct shape *shape)
{
	const size_t len = shape->config_len;
	const struct fake_pci devices[] = {
		{PORT1, BRIDGE, 0x8086, shape->port_device, FAKE_ROOT_PORT, shape->acs_port, len},
		{PORT2, BRIDGE, 0x8086, 0x3420, FAKE_ROOT_PORT, 0, len},
		{UP, BRIDGE, 0x10b5, 0x8724, FAKE_UPSTREAM, shape->acs_up, len},
		{DOWN_A, BRIDGE, 0x10b5, 0x8724, FAKE_DOWNSTREAM, shape->acs_down_a, len},
		{DOWN_B, BRIDGE, 0x10b5, 0x8724, FAKE_DOWNSTREAM, shape->acs_down_b, len},
		{DRIVE, NVME, 0x1b36, 0x0010, FAKE_ENDPOINT, FAKE_NO_ACS, len},
		{CARD, RNIC, 0x15b3, 0x1017, FAKE_ENDPOINT, FAKE_NO_ACS, len},
		{FAR, RNIC, 0x15b3, 0x1019, FAKE_ENDPOINT, FAKE_NO_ACS, len},
		{FAR_VF, RNIC, 0x15b3, 0x101a, FAKE_ENDPOINT, FAKE_NO_ACS, len},
		{PORT3, BRIDGE, shape->other_vendor, shape->other_device, FAKE_ROOT_PORT, 0, len},
		{OTHER, NVME, 0x1b36, 0x0010, FAKE_ENDPOINT, FAKE_NO_ACS, len},
	};
	const struct fake_pci host = {ROOT0 "/0000:00:00.0", HOST, shape->host_vendor,
		shape->host_device, FAKE_CONVENTIONAL, FAKE_NO_ACS, len ? len : 256};
	char *root = fake_sysfs_new();

	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		fake_sysfs_add(root, &devices[i]);
	if (shape->host_vendor)
		fake_sysfs_add(root, &host);
	fake_sysfs_write(root, "devices/" DRIVE "/numa_node", "1\n");
	fake_sysfs_write(root, "kernel/iommu_groups/7/type", "DMA-FQ\n");
	fake_sysfs_link(root, "devices/" DRIVE "/iommu_group", "kernel/iommu_groups/7");
	return root;
}

struct np_pci_dev topology_scene_probe(const char *root, const char *address)
{
	struct np_pci_dev dev;

	assert_int_equal(np_pci_probe(root, address, &dev), 0);
	return dev;
}
