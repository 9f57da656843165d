// SPDX-License-Identifier: BSD-3-Clause
/*
 * Tests of target/topology/distance.c and host_bridge.c: the kernel's rules.
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

#include "target/topology/distance.h"
#include "target/topology/host_bridge.h"
#include "tests/unit/topology_scene.h"

static struct np_pci_distance distance_in(
	const struct shape *shape, const char *provider, const char *client, bool cpu_is_listed)
{
	char *root = topology_scene_new(shape);
	struct np_pci_dev a = topology_scene_probe(root, provider),
			  b = topology_scene_probe(root, client);
	struct np_pci_distance distance;

	np_pci_distance(&a, &b, cpu_is_listed, &distance);
	fake_sysfs_free(root);
	return distance;
}

/* ---- host bridges ------------------------------------------------------------------------- */

static void test_host_bridge_is_listed__as_the_kernel_lists_them(void **state)
{
	static const struct {
		uint16_t vendor, device;
		bool alone, same;
	} cases[] = {
		{0x8086, 0x3c00, false, true}, {0x8086, 0x2f01, false, true},
		{0x8086, 0x2030, true, true}, {0x8086, 0x09a2, true, true},
		{0x8086, 0x4948, true, true}, {0x1ae0, 0x1234, true, true},
		{0x8086, 0x29c0, false, false}, /* QEMU's q35 */
		{0x1022, 0x1480, false, false}, /* by its CPU, not by its bridge */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(np_host_bridge_is_listed(cases[i].vendor, cases[i].device, false),
			cases[i].alone);
		assert_int_equal(np_host_bridge_is_listed(cases[i].vendor, cases[i].device, true),
			cases[i].same);
	}
}

static void test_host_bridge_cpu_is_listed__amd_from_zen_on(void **state)
{
	static const struct {
		const char *cpuinfo;
		bool is_listed;
	} cases[] = {
		{"processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 23\nmodel\t\t: 1\n",
			true},
		{"processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 26\n", true},
		{"processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 21\n", false},
		{"processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 25\n", false},
		{"processor\t: 0\nvendor_id\t: HygonGenuine\ncpu family\t: 24\n", false},
		{"processor\t: 0\nBogoMIPS\t: 50.00\nCPU implementer\t: 0x41\n", false},
		{"vendor_id\t: AuthenticAMD\n", false},
		{"", false},
	};
	char *root = fake_sysfs_new();
	bool is_listed = false;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
			np_host_bridge_cpu_is_listed(cases[i].cpuinfo), cases[i].is_listed);
	assert_int_equal(np_host_bridge_read_cpu(root, &is_listed), -ENOENT);
	fake_sysfs_write(root, "cpuinfo", cases[0].cpuinfo);
	assert_int_equal(np_host_bridge_read_cpu(root, &is_listed), 0);
	assert_true(is_listed);
	fake_sysfs_free(root);
}

/* ---- distance ----------------------------------------------------------------------------- */

static void test_pci_distance__same_device(void **state)
{
	const struct shape shape = PLAIN_SHAPE;
	struct np_pci_distance d = distance_in(&shape, "0000:03:00.0", "0000:03:00.0", false);

	(void)state;
	assert_int_equal(d.relation, NP_PCI_SAME_DEVICE);
	assert_true(d.is_allowed && d.is_sure);
	assert_int_equal(d.hops, 0);
}

static void test_pci_distance__same_switch(void **state)
{
	const struct shape shape = PLAIN_SHAPE;
	struct np_pci_distance d = distance_in(&shape, "0000:03:00.0", "0000:04:00.0", false);

	(void)state;
	assert_int_equal(d.relation, NP_PCI_SAME_SWITCH);
	assert_true(d.is_allowed && d.is_sure);
	assert_int_equal(d.hops, 4);
	assert_string_equal(d.common, "0000:01:00.0");
	assert_string_equal(d.text, "directly, both below 0000:01:00.0");
}

static void test_pci_distance__two_functions_below_one_port(void **state)
{
	const struct shape shape = PLAIN_SHAPE;
	struct np_pci_distance d = distance_in(&shape, "0000:05:00.0", "0000:05:00.4", false);

	(void)state;
	assert_int_equal(d.relation, NP_PCI_SAME_SWITCH);
	assert_int_equal(d.hops, 2);
	assert_string_equal(d.common, "0000:00:02.0");
}

/* On each side of the switch, and on the port that both share. */
static void test_pci_distance__acs_redirect_is_named(void **state)
{
	struct shape shapes[] = {PLAIN_SHAPE, PLAIN_SHAPE, PLAIN_SHAPE, PLAIN_SHAPE, PLAIN_SHAPE};
	static const char *const named[] = {
		"0000:02:00.0", "0000:02:01.0", "0000:02:00.0;0000:02:01.0", "0000:01:00.0",
		"", /* above the switch it does not matter */
	};

	(void)state;
	shapes[0].acs_down_a = ACS_SV | ACS_RR;
	shapes[1].acs_down_b = ACS_CR;
	shapes[2].acs_down_a = 0x20; /* egress control */
	shapes[2].acs_down_b = ACS_RR | ACS_CR | ACS_UF;
	shapes[3].acs_up = ACS_RR;
	shapes[4].acs_port = ACS_RR | ACS_CR;
	for (size_t i = 0; i < 5; i++) {
		struct np_pci_distance d =
			distance_in(&shapes[i], "0000:03:00.0", "0000:04:00.0", false);

		assert_string_equal(d.redirecting, named[i]);
		assert_int_equal(
			d.relation, named[i][0] ? NP_PCI_SAME_SWITCH_ACS : NP_PCI_SAME_SWITCH);
		assert_int_equal(d.is_allowed, !named[i][0]);
		assert_int_equal(d.hops, 4);
		if (named[i][0])
			assert_non_null(strstr(d.text, named[i]));
		/* The way that ACS sends them is a good one with this CPU. */
		d = distance_in(&shapes[i], "0000:03:00.0", "0000:04:00.0", true);
		assert_true(d.is_allowed);
	}
}

static void test_pci_distance__through_one_host_bridge(void **state)
{
	struct shape shape = PLAIN_SHAPE;
	struct np_pci_distance d;

	(void)state;
	d = distance_in(&shape, "0000:03:00.0", "0000:05:00.0", false);
	assert_int_equal(d.relation, NP_PCI_HOST_BRIDGE_UNLISTED);
	assert_false(d.is_allowed);
	assert_true(d.is_sure);
	assert_int_equal(d.hops, 6);
	assert_string_equal(d.text,
		"through host bridge 0000:00:00.0 (8086:29c0), which is not on the kernel's list");
	d = distance_in(&shape, "0000:03:00.0", "0000:05:00.0", true);
	assert_int_equal(d.relation, NP_PCI_HOST_BRIDGE_LISTED);
	assert_true(d.is_allowed);
	shape.host_device = 0x2f00;
	d = distance_in(&shape, "0000:05:00.0", "0000:03:00.0", false);
	assert_int_equal(d.relation, NP_PCI_HOST_BRIDGE_LISTED);
}

static void test_pci_distance__through_two_host_bridges(void **state)
{
	struct shape shape = PLAIN_SHAPE;

	(void)state;
	/* Good for devices below itself only. */
	shape.host_device = 0x2f00;
	shape.other_vendor = 0x8086;
	shape.other_device = 0x2030;
	assert_false(distance_in(&shape, "0000:03:00.0", "0001:81:00.0", false).is_allowed);
	/* One is on the list, the other is not: that one is named. */
	shape.host_device = 0x09a2;
	shape.other_device = 0x1234;
	assert_non_null(strstr(distance_in(&shape, "0000:03:00.0", "0001:81:00.0", false).text,
		"0001:80:00.0 (8086:1234)"));
	shape.other_device = 0x2030;
	assert_int_equal(distance_in(&shape, "0000:03:00.0", "0001:81:00.0", false).relation,
		NP_PCI_HOST_BRIDGE_LISTED);
	/* Without a function 00.0 the first root port stands for its host bridge. */
	shape.host_vendor = 0;
	shape.port_device = 0x2031;
	assert_int_equal(distance_in(&shape, "0000:03:00.0", "0001:81:00.0", false).relation,
		NP_PCI_HOST_BRIDGE_LISTED);
}

static void test_pci_distance__a_root_bus_that_the_kernel_cannot_identify(void **state)
{
	struct shape shape = PLAIN_SHAPE;
	char *root;
	struct np_pci_dev dev;
	struct np_pci_distance d;

	(void)state;
	shape.host_vendor = 0;
	root = topology_scene_new(&shape);
	/* The first device is neither function 00.0 nor a root port. */
	fake_sysfs_add(root,
		&(struct fake_pci){ROOT0 "/0000:00:00.1", 0x088000, 0x8086, 0x2030,
			FAKE_CONVENTIONAL, FAKE_NO_ACS, 256});
	dev = topology_scene_probe(root, "0000:03:00.0");
	assert_string_equal(dev.root.address, "");
	np_pci_distance(&dev, &(struct np_pci_dev){.host_bridge = "pci0000:00"}, false, &d);
	assert_int_equal(d.relation, NP_PCI_HOST_BRIDGE_UNLISTED);
	assert_non_null(strstr(d.text, "pci0000:00"));
	fake_sysfs_free(root);
}

static void test_pci_distance__unreadable_acs_is_not_sure(void **state)
{
	struct shape shape = PLAIN_SHAPE;
	struct np_pci_distance d;

	(void)state;
	shape.config_len = 64;
	shape.acs_down_a = ACS_RR;
	d = distance_in(&shape, "0000:03:00.0", "0000:04:00.0", false);
	assert_int_equal(d.relation, NP_PCI_SAME_SWITCH);
	assert_true(d.is_allowed);
	assert_false(d.is_sure);
	assert_non_null(strstr(d.unseen, "0000:02:00.0"));
	assert_non_null(strstr(d.text, "could not be read"));
	/* It is allowed either way. */
	assert_true(distance_in(&shape, "0000:03:00.0", "0000:04:00.0", true).is_sure);
	/* Across the host bridge nobody asks. */
	assert_true(distance_in(&shape, "0000:03:00.0", "0000:05:00.0", false).is_sure);
}

static void test_pci_distance__a_software_rnic(void **state)
{
	const struct shape shape = PLAIN_SHAPE;
	char *root = topology_scene_new(&shape);
	struct np_pci_dev dev = topology_scene_probe(root, "0000:03:00.0");
	struct np_pci_distance d;

	(void)state;
	np_pci_distance(&dev, NULL, false, &d);
	assert_int_equal(d.relation, NP_PCI_NO_PCI);
	assert_true(d.is_allowed && d.is_sure);
	fake_sysfs_free(root);
}

static void test_pci_distance_compare__the_best_first(void **state)
{
	static const struct np_pci_distance ordered[] = {
		{.relation = NP_PCI_SAME_DEVICE, .is_allowed = true},
		{.relation = NP_PCI_SAME_SWITCH, .is_allowed = true, .hops = 2},
		{.relation = NP_PCI_SAME_SWITCH, .is_allowed = true, .hops = 4},
		{.relation = NP_PCI_SAME_SWITCH_ACS, .is_allowed = true, .hops = 4},
		{.relation = NP_PCI_HOST_BRIDGE_LISTED, .is_allowed = true, .hops = 2},
		{.relation = NP_PCI_NO_PCI, .is_allowed = true},
		{.relation = NP_PCI_SAME_SWITCH_ACS, .hops = 4},
		{.relation = NP_PCI_HOST_BRIDGE_UNLISTED, .hops = 2},
	};
	const size_t n = sizeof(ordered) / sizeof(ordered[0]);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < n; k++) {
			int sign = np_pci_distance_compare(&ordered[i], &ordered[k]);

			assert_int_equal((sign > 0) - (sign < 0), (i > k) - (i < k));
		}
		assert_non_null(np_pci_relation_name(ordered[i].relation));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host_bridge_is_listed__as_the_kernel_lists_them),
		cmocka_unit_test(test_host_bridge_cpu_is_listed__amd_from_zen_on),
		cmocka_unit_test(test_pci_distance__same_device),
		cmocka_unit_test(test_pci_distance__same_switch),
		cmocka_unit_test(test_pci_distance__two_functions_below_one_port),
		cmocka_unit_test(test_pci_distance__acs_redirect_is_named),
		cmocka_unit_test(test_pci_distance__through_one_host_bridge),
		cmocka_unit_test(test_pci_distance__through_two_host_bridges),
		cmocka_unit_test(test_pci_distance__a_root_bus_that_the_kernel_cannot_identify),
		cmocka_unit_test(test_pci_distance__unreadable_acs_is_not_sure),
		cmocka_unit_test(test_pci_distance__a_software_rnic),
		cmocka_unit_test(test_pci_distance_compare__the_best_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
