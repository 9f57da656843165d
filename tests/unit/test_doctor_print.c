// SPDX-License-Identifier: BSD-3-Clause
/*
 * Tests of the doctor's report as JSON and as text; the expected texts are in data/cli-doctor*.txt.
 *
 * Thread: one.
 * Depends: cmocka.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/doctor_scene.h"
#include "tools/nvmet-p2p-cli/doctor.h"

#define ACS_REDIRECT 0x1c
#define TEXT_MAX 16384

static json_t *report_of(struct doctor_scene *scene)
{
	json_t *result;

	np_doc_judge(&scene->facts, &scene->report);
	result = np_doc_json(&scene->facts, &scene->report);
	assert_non_null(result);
	return result;
}

static void expect_text(struct doctor_scene *scene, const char *name)
{
	char path[512], expected[TEXT_MAX];
	json_t *result = report_of(scene);
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	np_doc_print(result, f);
	fclose(f);
	json_decref(result);
	snprintf(path, sizeof(path), "%s/cli-%s.txt", NP_TEST_DATA, name);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(expected, 1, sizeof(expected) - 1, f);
	expected[n] = '\0';
	fclose(f);
	assert_string_equal(text, expected);
	free(text);
}

static void test_doc_print__a_machine_that_does_p2p(void **state)
{
	struct doctor_scene scene;

	(void)state;
	doctor_scene_init(&scene);
	scene.rnics[2].path_mtu = 1024;
	scene.rnics[2].netdev_mtu = 1500;
	scene.drives[1].place.dev.root.device = 0x29c0;
	strcpy(scene.drives[1].place.dev.host_bridge, "pci0000:80");
	strcpy(scene.drives[1].place.dev.root.address, "0000:80:00.0");
	strcpy(scene.drives[1].place.dev.bridges[0].address, "0000:80:02.0");
	scene.facts.is_tested = true;
	doctor_scene_note(&scene, "mlx5_0", true, NP_VERDICT_WORKS, "");
	doctor_scene_note(&scene, "mlx5_1", true, NP_VERDICT_UNUSABLE, "data differs at 4 KiB");
	doctor_scene_note(&scene, "nvme0n1", false, NP_VERDICT_QUIRK, "engine block only");
	expect_text(&scene, "doctor");
	doctor_scene_fini(&scene);
}

static void test_doc_tree__is_sorted_by_address(void **state)
{
	static const char *const expected[] = {"pci0000:00", "pci0000:80", "not on PCI"};
	struct doctor_scene scene;
	struct np_doc_rnic software;
	json_t *tree, *node;
	size_t i;

	(void)state;
	doctor_scene_init(&scene);
	software = scene.rnics[2];
	scene.rnics[2] = scene.rnics[0];
	scene.rnics[0] = software;
	/* The kernel finds devices in any order. */
	strcpy(scene.drives[0].place.dev.host_bridge, "pci0000:80");
	tree = np_doc_tree(&scene.facts);
	assert_int_equal(json_array_size(tree), 3);
	json_array_foreach(tree, i, node)
		assert_string_equal(json_string_value(json_object_get(node, "name")), expected[i]);
	node = json_object_get(json_array_get(tree, 0), "children");
	for (i = 0; i + 1 < json_array_size(node); i++)
		assert_true(
			strcmp(json_string_value(json_object_get(json_array_get(node, i), "name")),
				json_string_value(
					json_object_get(json_array_get(node, i + 1), "name"))) < 0);
	assert_int_equal(json_array_size(node), 3);
	json_decref(tree);
	doctor_scene_fini(&scene);
}

static void test_doc_print__a_machine_that_others_than_root_see(void **state)
{
	struct doctor_scene scene;
	char *unseen[] = {"whether ACS redirects"};

	(void)state;
	doctor_scene_init(&scene);
	scene.facts.nrnics = 1;
	scene.facts.ndrives = 1;
	scene.facts.unseen = unseen;
	scene.facts.nunseen = 1;
	scene.facts.host.is_root = false;
	scene.facts.host.has_ipc_lock = false;
	scene.facts.host.has_p2pdma = NP_DOC_UNSEEN;
	for (unsigned int i = 0; i < 3; i++) {
		scene.rnics[0].place.dev.bridges[i].acs = NP_PCI_ACS_UNSEEN;
		scene.rnics[0].place.dev.bridges[i].port = NP_PCI_PORT_UNSEEN;
	}
	scene.rnics[0].place.dev.root.device = 0x29c0;
	scene.providers[0].place.dev.root.device = 0x29c0;
	scene.drives[0].place = scene.providers[0].place;
	expect_text(&scene, "doctor-user");
	doctor_scene_fini(&scene);
}

static void test_doc_print__an_empty_machine(void **state)
{
	struct doctor_scene scene;

	(void)state;
	doctor_scene_init(&scene);
	scene.facts.nrnics = scene.facts.ndrives = scene.facts.nproviders = 0;
	expect_text(&scene, "doctor-empty");
	doctor_scene_fini(&scene);
}

static void test_doc_json__says_what_was_not_seen(void **state)
{
	struct doctor_scene scene;
	json_t *result, *rnic, *cell;

	(void)state;
	doctor_scene_init(&scene);
	scene.rnics[0].has_odp = NP_DOC_UNSEEN;
	scene.rnics[0].place.dev.bridges[0].acs_control = ACS_REDIRECT;
	result = report_of(&scene);
	rnic = json_array_get(json_object_get(result, "rnics"), 0);
	assert_true(json_is_null(json_object_get(rnic, "odp")));
	assert_true(json_is_true(json_object_get(rnic, "dmabuf")));
	assert_string_equal(json_string_value(json_object_get(result, "result")), "unknown");
	cell = json_array_get(json_object_get(result, "matrix"), 0);
	assert_string_equal(json_string_value(json_object_get(cell, "rnic_way")),
		"same switch, ACS redirect, 4 hops");
	assert_true(json_is_false(json_object_get(cell, "sure")));
	json_decref(result);
	doctor_scene_fini(&scene);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_doc_print__a_machine_that_does_p2p),
		cmocka_unit_test(test_doc_tree__is_sorted_by_address),
		cmocka_unit_test(test_doc_print__a_machine_that_others_than_root_see),
		cmocka_unit_test(test_doc_print__an_empty_machine),
		cmocka_unit_test(test_doc_json__says_what_was_not_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
