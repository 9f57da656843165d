// SPDX-License-Identifier: BSD-3-Clause
/*
 * Tests of target/topology/way.c: in which order memory is tried.
 *
 * Thread: one.
 * Depends: cmocka, topology_scene.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "target/topology/way.h"
#include "tests/unit/topology_scene.h"

/* Basenames of topology_scene.h's devices; "" for what is not on PCI. */
#define DRIVE_A "0000:03:00.0"
#define CARD_A "0000:04:00.0"
#define FAR_A "0000:05:00.0"
#define OTHER_A "0001:81:00.0"

static struct np_way way(const char *root, const char *memory, const char *drive, const char *rnic,
	bool cpu_is_listed)
{
	struct np_pci_dev devs[3];
	const char *const addresses[3] = {memory, drive, rnic};

	for (unsigned int i = 0; i < 3; i++) {
		if (addresses[i][0])
			devs[i] = topology_scene_probe(root, addresses[i]);
	}
	return np_way_find(memory[0] ? &devs[0] : NULL, drive[0] ? &devs[1] : NULL,
		rnic[0] ? &devs[2] : NULL, cpu_is_listed);
}

static void test_np_way_find__ranks(void **state)
{
	static const struct {
		const char *memory, *drive, *rnic;
		bool cpu_is_listed;
		enum np_way_rank rank;
	} cases[] = {
		{DRIVE_A, DRIVE_A, "", false, NP_WAY_OWN},
		{DRIVE_A, DRIVE_A, CARD_A, false, NP_WAY_OWN},
		/* An RNIC that only the host bridge leads to does not make it less the drive's own... */
		{DRIVE_A, DRIVE_A, FAR_A, true, NP_WAY_OWN},
		/* ... unless the kernel is not likely to map that way. */
		{DRIVE_A, DRIVE_A, FAR_A, false, NP_WAY_UNLISTED},
		{DRIVE_A, CARD_A, "", false, NP_WAY_SWITCH},
		{DRIVE_A, CARD_A, CARD_A, false, NP_WAY_SWITCH},
		{DRIVE_A, CARD_A, FAR_A, true, NP_WAY_LISTED},
		{DRIVE_A, CARD_A, FAR_A, false, NP_WAY_UNLISTED},
		{DRIVE_A, FAR_A, CARD_A, true, NP_WAY_LISTED},
		{DRIVE_A, OTHER_A, "", true, NP_WAY_LISTED},
		{DRIVE_A, OTHER_A, "", false, NP_WAY_UNLISTED},
		{"", DRIVE_A, CARD_A, false, NP_WAY_NO_PCI},
		{DRIVE_A, "", "", false, NP_WAY_NO_PCI},
	};
	const struct shape shape = PLAIN_SHAPE;
	char *root = topology_scene_new(&shape);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct np_way found = way(root, cases[i].memory, cases[i].drive, cases[i].rnic,
			cases[i].cpu_is_listed);

		if (found.rank != cases[i].rank)
			fail_msg("case %zu: %s", i, np_way_name(found.rank));
	}
	fake_sysfs_free(root);
}

static void test_np_way_find__acs_redirect_is_no_switch(void **state)
{
	struct shape shape = PLAIN_SHAPE;
	char *root;

	(void)state;
	shape.acs_down_a = ACS_RR | ACS_CR;
	root = topology_scene_new(&shape);
	assert_int_equal(way(root, DRIVE_A, CARD_A, "", true).rank, NP_WAY_LISTED);
	assert_int_equal(way(root, DRIVE_A, CARD_A, "", false).rank, NP_WAY_UNLISTED);
	fake_sysfs_free(root);
}

static void test_np_way_compare__rank_then_hops(void **state)
{
	const struct np_way own = {NP_WAY_OWN, 9}, near = {NP_WAY_SWITCH, 4},
			    far = {NP_WAY_SWITCH, 6}, none = {NP_WAY_UNLISTED, 0};

	(void)state;
	assert_true(np_way_compare(&own, &near) < 0);
	assert_true(np_way_compare(&near, &far) < 0);
	assert_true(np_way_compare(&far, &near) > 0);
	assert_true(np_way_compare(&none, &far) > 0);
	assert_int_equal(np_way_compare(&near, &near), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_np_way_find__ranks),
		cmocka_unit_test(test_np_way_find__acs_redirect_is_no_switch),
		cmocka_unit_test(test_np_way_compare__rank_then_hops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
