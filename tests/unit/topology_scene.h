/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * topology_scene.h - a fake tree: a switch with a drive and an RNIC below one root port, an RNIC
 * below another, and a drive below another host bridge.
 *
 * Thread: the test's.
 * Depends: fake_sysfs.h.
 */
#ifndef NP_TEST_TOPOLOGY_SCENE_H
#define NP_TEST_TOPOLOGY_SCENE_H

#include "target/topology/pci.h"
#include "tests/unit/fake_sysfs.h"

#define BRIDGE 0x060400
#define HOST 0x060000
#define NVME 0x010802
#define RNIC 0x020700

#define ACS_RR 0x04
#define ACS_CR 0x08
#define ACS_UF 0x10
#define ACS_SV 0x01

#define ROOT0 "pci0000:00"
#define PORT1 ROOT0 "/0000:00:01.0"
#define PORT2 ROOT0 "/0000:00:02.0"
#define UP PORT1 "/0000:01:00.0"
#define DOWN_A UP "/0000:02:00.0"
#define DOWN_B UP "/0000:02:01.0"
#define DRIVE DOWN_A "/0000:03:00.0"
#define CARD DOWN_B "/0000:04:00.0"
#define FAR PORT2 "/0000:05:00.0"
#define FAR_VF PORT2 "/0000:05:00.4"
#define ROOT1 "pci0001:80"
#define PORT3 ROOT1 "/0001:80:00.0"
#define OTHER PORT3 "/0001:81:00.0"

/* What a test may have otherwise. */
struct shape {
	uint16_t host_vendor, host_device; /* of 0000:00:00.0; vendor 0: there is no such device */
	uint16_t other_vendor, other_device; /* of the root port 0001:80:00.0 */
	uint16_t port_device;                /* of 0000:00:01.0; vendor 8086 */
	int acs_down_a, acs_down_b, acs_up, acs_port;
	size_t config_len;
};

#define PLAIN_SHAPE                                                                 \
	{                                                                           \
		.host_vendor = 0x8086, .host_device = 0x29c0, .acs_down_a = ACS_SV, \
		.acs_down_b = FAKE_NO_ACS, .acs_up = FAKE_NO_ACS, .acs_port = 0,    \
	}

/* Return: what fake_sysfs_new() gives, filled. */
char *topology_scene_new(const struct shape *shape);

/* np_pci_probe() that has to succeed. */
struct np_pci_dev topology_scene_probe(const char *root, const char *address);

#endif
