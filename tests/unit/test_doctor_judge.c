// SPDX-License-Identifier: BSD-3-Clause
/*
 * Tests of what the doctor makes of facts and self-tests together, and of its exit status.
 *
 * Thread: one.
 * Depends: cmocka.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/doctor_scene.h"

#define ACS_REDIRECT 0x1c
#define UNLISTED 0x29c0

enum { MLX5_0, MLX5_1, RXE0 }; /* RNICs of the scene */
enum { OWN, OTHER };           /* the drive with the CMB, the one without */

static int setup(void **state)
{
	static struct doctor_scene scene;

	doctor_scene_init(&scene);
	*state = &scene;
	return 0;
}

static int teardown(void **state)
{
	doctor_scene_fini(*state);
	return 0;
}

static void spoil_config_p2pdma(struct doctor_scene *s)
{
	s->facts.host.has_p2pdma = NP_DOC_NO;
}

static void spoil_config_odp(struct doctor_scene *s)
{
	s->facts.host.has_odp = NP_DOC_NO;
}

static void spoil_host_bridge(struct doctor_scene *s)
{
	s->providers[0].place.dev.root.device = UNLISTED;
	s->rnics[MLX5_1].place.dev.root.device = UNLISTED;
}

static void spoil_acs(struct doctor_scene *s)
{
	spoil_host_bridge(s);
	s->rnics[MLX5_0].place.dev.bridges[0].acs_control = ACS_REDIRECT;
}

static void spoil_odp(struct doctor_scene *s)
{
	s->rnics[MLX5_0].has_odp = NP_DOC_NO;
}

static void spoil_port(struct doctor_scene *s)
{
	s->rnics[MLX5_0].is_active = NP_DOC_NO;
}

static void spoil_mtu(struct doctor_scene *s)
{
	s->rnics[RXE0].path_mtu = 1024;
	s->rnics[RXE0].netdev_mtu = 1500;
}

static void test_doc_judge__what_is_fine_is_expected_to_work(void **state)
{
	struct doctor_scene *scene = *state;
	const struct np_doc_cell *cell = doctor_scene_cell(scene, MLX5_0, OWN);

	assert_int_equal(scene->report.ncells, 6);
	for (unsigned int i = 0; i < 6; i++) {
		assert_int_equal(scene->report.cells[i].finding.verdict, NP_DOC_WORKS);
		assert_int_equal(scene->report.cells[i].finding.basis, NP_DOC_EXPECTED);
		assert_true(scene->report.cells[i].finding.is_sure);
		assert_int_equal(scene->report.cells[i].finding.nadvice, 0);
	}
	assert_string_equal(cell->rnic_way, "same switch, 4 hops");
	assert_string_equal(cell->drive_way, "same device");
	assert_string_equal(doctor_scene_cell(scene, RXE0, OTHER)->rnic_way, "no PCI");
	assert_int_equal(scene->report.result, NP_DOC_CANNOT_TELL);
	assert_int_equal(scene->report.nadvice, 1);
	assert_non_null(strstr(scene->report.advice[0], "doctor --test"));
}

static void test_doc_judge__faults_of_equal_weight_are_all_named(void **state)
{
	struct doctor_scene *scene = *state;
	const struct np_doc_cell *cell;

	spoil_odp(scene);
	spoil_port(scene);
	spoil_mtu(scene);
	cell = doctor_scene_cell(scene, MLX5_0, OWN);
	assert_non_null(strstr(cell->finding.reason, "on-demand"));
	assert_non_null(strstr(cell->finding.reason, "; no port"));
	assert_null(strstr(cell->finding.reason, "directly"));
	assert_int_equal(cell->finding.nadvice, 2);
	/* One advice for all cells that need it. */
	spoil_config_odp(scene);
	doctor_scene_cell(scene, MLX5_0, OWN);
	for (unsigned int i = 0; i < scene->report.nadvice; i++) {
		for (unsigned int k = 0; k < i; k++)
			assert_string_not_equal(scene->report.advice[i], scene->report.advice[k]);
	}
}

/* ---- self-tests --------------------------------------------------------------------------- */

static void test_doc_judge__both_pairs_must_be_tested(void **state)
{
	struct doctor_scene *scene = *state;
	const struct np_doc_cell *cell;

	doctor_scene_note(scene, "rxe0", true, NP_VERDICT_QUIRK, "by whole pages");
	cell = doctor_scene_cell(scene, RXE0, OWN);
	assert_int_equal(cell->finding.verdict, NP_DOC_QUIRK);
	assert_int_equal(cell->finding.basis, NP_DOC_EXPECTED);
	assert_int_equal(scene->report.result, NP_DOC_CANNOT_TELL);
	doctor_scene_note(scene, "nvme0n1", false, NP_VERDICT_WORKS, "");
	cell = doctor_scene_cell(scene, RXE0, OWN);
	assert_int_equal(cell->finding.verdict, NP_DOC_QUIRK);
	assert_int_equal(cell->finding.basis, NP_DOC_TESTED);
	assert_string_equal(
		cell->finding.reason, "rxe0: by whole pages; nvme0n1: bytes compared equal");
	assert_int_equal(scene->report.result, NP_DOC_P2P);
	assert_non_null(strstr(scene->report.summary, "rxe0"));
	/* Of two sources the one that is farther away counts. */
	scene->notes[0].is_daemons = true;
	assert_int_equal(doctor_scene_cell(scene, RXE0, OWN)->finding.basis, NP_DOC_DAEMON);
	assert_int_equal(scene->report.result, NP_DOC_P2P);
	assert_int_equal(doctor_scene_cell(scene, MLX5_0, OWN)->finding.basis, NP_DOC_EXPECTED);
}

static void test_doc_judge__compared_bytes_stand_above_what_was_seen(void **state)
{
	struct doctor_scene *scene = *state;
	const struct np_doc_cell *cell;

	spoil_host_bridge(scene);
	spoil_mtu(scene);
	doctor_scene_note(scene, "rxe0", true, NP_VERDICT_WORKS, "");
	doctor_scene_note(scene, "nvme1n1", false, NP_VERDICT_WORKS, "");
	cell = doctor_scene_cell(scene, RXE0, OTHER);
	assert_int_equal(cell->finding.verdict, NP_DOC_WORKS);
	assert_int_equal(cell->finding.nadvice, 0);
	assert_int_equal(scene->report.result, NP_DOC_P2P);
}

static void test_doc_judge__a_failed_test_is_staged(void **state)
{
	struct doctor_scene *scene = *state;
	const struct np_doc_cell *cell;

	for (unsigned int i = 0; i < 3; i++)
		doctor_scene_note(
			scene, scene->rnics[i].name, true, NP_VERDICT_UNUSABLE, "data differs");
	cell = doctor_scene_cell(scene, MLX5_0, OWN);
	assert_int_equal(cell->finding.verdict, NP_DOC_STAGED);
	assert_int_equal(cell->finding.basis, NP_DOC_TESTED);
	assert_string_equal(cell->finding.reason, "mlx5_0: data differs");
	assert_int_equal(cell->finding.nadvice, 1);
	assert_false(doctor_scene_advises(&scene->report, &cell->finding, "IOMMU"));
	strcpy(scene->providers[0].place.dev.iommu_type, "DMA");
	cell = doctor_scene_cell(scene, MLX5_0, OWN);
	assert_true(doctor_scene_advises(&scene->report, &cell->finding, "IOMMU translates"));
	assert_int_equal(scene->report.result, NP_DOC_NO_P2P);
	/* What is known to be missing explains it better. */
	spoil_odp(scene);
	cell = doctor_scene_cell(scene, MLX5_0, OWN);
	assert_int_equal(cell->finding.verdict, NP_DOC_IMPOSSIBLE);
	assert_int_equal(cell->finding.basis, NP_DOC_TESTED);
}

static void test_doc_judge__a_small_mtu_is_certain_once_it_was_tested(void **state)
{
	struct doctor_scene *scene = *state;
	const struct np_doc_cell *cell;

	scene->facts.rnics = &scene->rnics[RXE0];
	scene->facts.nrnics = 1;
	spoil_mtu(scene);
	assert_false(doctor_scene_cell(scene, 0, OWN)->finding.is_sure);
	assert_int_equal(scene->report.result, NP_DOC_CANNOT_TELL);
	doctor_scene_note(scene, "rxe0", true, NP_VERDICT_UNUSABLE, "wrong at path MTU 1024");
	cell = doctor_scene_cell(scene, 0, OWN);
	assert_true(cell->finding.is_sure);
	assert_int_equal(cell->finding.verdict, NP_DOC_STAGED);
	assert_true(doctor_scene_advises(&scene->report, &cell->finding, "MTU of 9000"));
	assert_int_equal(scene->report.result, NP_DOC_NO_P2P);
}

static void test_doc_judge__untested_is_no_proof(void **state)
{
	struct doctor_scene *scene = *state;
	const struct np_doc_cell *cell;

	doctor_scene_note(scene, "mlx5_0", true, NP_VERDICT_UNTESTED, "no address");
	doctor_scene_note(scene, "nvme0n1", false, NP_VERDICT_WORKS, "");
	cell = doctor_scene_cell(scene, MLX5_0, OWN);
	assert_int_equal(cell->finding.verdict, NP_DOC_WORKS);
	assert_int_equal(cell->finding.basis, NP_DOC_EXPECTED);
	assert_non_null(strstr(cell->finding.reason, "mlx5_0 was not tested: no address"));
	assert_false(cell->finding.is_sure);
	assert_int_equal(scene->report.result, NP_DOC_CANNOT_TELL);
}

static void test_doc_judge__the_best_namespace_of_a_drive_counts(void **state)
{
	static const enum np_verdict orders[][3] = {
		{NP_VERDICT_UNTESTED, NP_VERDICT_UNUSABLE, NP_VERDICT_QUIRK},
		{NP_VERDICT_QUIRK, NP_VERDICT_UNTESTED, NP_VERDICT_UNUSABLE},
		{NP_VERDICT_UNUSABLE, NP_VERDICT_QUIRK, NP_VERDICT_UNTESTED},
	};
	struct doctor_scene *scene = *state;

	doctor_scene_note(scene, "rxe0", true, NP_VERDICT_WORKS, "");
	for (size_t i = 0; i < 3; i++) {
		scene->facts.nnotes = 1;
		for (size_t k = 0; k < 3; k++)
			doctor_scene_note(scene, "nvme0n1", false, orders[i][k], "");
		assert_int_equal(
			doctor_scene_cell(scene, RXE0, OWN)->finding.verdict, NP_DOC_QUIRK);
		assert_int_equal(scene->report.result, NP_DOC_P2P);
	}
}

static void test_doc_judge__an_rnic_that_fails_in_host_memory_is_not_used(void **state)
{
	struct doctor_scene *scene = *state;

	doctor_scene_note(scene, "rxe0", true, NP_VERDICT_WORKS, "");
	doctor_scene_note(scene, "nvme0n1", false, NP_VERDICT_WORKS, "");
	doctor_scene_note(scene, "rxe0", true, NP_VERDICT_QUIRK, "by whole pages");
	scene->notes[2].pci[0] = '\0';
	assert_int_equal(doctor_scene_cell(scene, RXE0, OWN)->finding.verdict, NP_DOC_IMPOSSIBLE);
	/* The daemon has two regions of it. */
	doctor_scene_note(scene, "rxe0", true, NP_VERDICT_UNUSABLE, "data differs");
	scene->notes[3].pci[0] = '\0';
	assert_int_equal(doctor_scene_cell(scene, RXE0, OWN)->finding.nadvice, 1);
	scene->notes[3].verdict = NP_VERDICT_WORKS;
	scene->notes[2].verdict = NP_VERDICT_WORKS;
	assert_int_equal(doctor_scene_cell(scene, RXE0, OWN)->finding.verdict, NP_DOC_WORKS);
}

/* ---- the sum ------------------------------------------------------------------------------ */

static void test_doc_judge__what_is_not_seen_is_not_absent(void **state)
{
	struct doctor_scene *scene = *state;

	/* Impossible, but for what cannot be seen. */
	spoil_acs(scene);
	scene->facts.nrnics = 1;
	doctor_scene_cell(scene, MLX5_0, OWN);
	assert_int_equal(scene->report.result, NP_DOC_NO_P2P);
	scene->facts.host.minor = 3; /* its list may be longer */
	doctor_scene_cell(scene, MLX5_0, OWN);
	assert_int_equal(scene->report.result, NP_DOC_CANNOT_TELL);
	/* ACS that only root may read. */
	scene->facts.host.minor = 2;
	scene->rnics[MLX5_0].place.dev.bridges[0].acs = NP_PCI_ACS_UNSEEN;
	assert_false(doctor_scene_cell(scene, MLX5_0, OWN)->finding.is_sure);
	assert_int_equal(scene->report.cells[0].finding.verdict, NP_DOC_WORKS);
	/* Memory that somebody holds may be in use for P2P. */
	scene->providers[0].available_bytes = 0;
	assert_int_equal(doctor_scene_cell(scene, MLX5_0, OWN)->finding.verdict, NP_DOC_IMPOSSIBLE);
	assert_int_equal(scene->report.result, NP_DOC_CANNOT_TELL);
	scene->providers[0].available_bytes = 64 << 20;
	scene->rnics[MLX5_0].place.dev.bridges[0].acs = NP_PCI_ACS_NONE;
	assert_true(doctor_scene_cell(scene, MLX5_0, OWN)->finding.is_sure);
	/* Nothing of this is said of an RNIC whose ODP was not seen. */
	scene->rnics[MLX5_0].has_odp = NP_DOC_UNSEEN;
	assert_int_equal(doctor_scene_cell(scene, MLX5_0, OWN)->finding.verdict, NP_DOC_WORKS);
	assert_false(scene->report.cells[0].finding.is_sure);
	scene->rnics[MLX5_0].has_odp = NP_DOC_YES;
	scene->providers[0].place.dev.root.device = scene->drives[OTHER].place.dev.root.device;
	assert_true(doctor_scene_cell(scene, MLX5_0, OTHER)->finding.is_sure);
	scene->drives[OTHER].place.is_known = false;
	assert_false(doctor_scene_cell(scene, MLX5_0, OTHER)->finding.is_sure);
	scene->rnics[MLX5_0].place.is_known = false;
	assert_non_null(
		strstr(doctor_scene_cell(scene, MLX5_0, OWN)->finding.reason, "could not be seen"));
}

static void test_doc_judge__what_is_missing_altogether(void **state)
{
	struct doctor_scene *scene = *state;
	static const struct {
		unsigned int nrnics, ndrives, nproviders;
		const char *summary, *advice;
	} missing[] = {
		{0, 2, 1, "there is no RDMA device", "rdma link add"},
		{3, 2, 0, "there is no device memory", "Controller Memory Buffer"},
		{3, 0, 1, "there is no NVMe drive", "Attach"},
	};

	for (size_t i = 0; i < 3; i++) {
		np_doc_report_fini(&scene->report);
		scene->facts.nrnics = missing[i].nrnics;
		scene->facts.ndrives = missing[i].ndrives;
		scene->facts.nproviders = missing[i].nproviders;
		np_doc_judge(&scene->facts, &scene->report);
		assert_int_equal(scene->report.result, NP_DOC_NO_P2P);
		assert_non_null(strstr(scene->report.summary, missing[i].summary));
		assert_int_equal(scene->report.nadvice, 1);
		assert_non_null(strstr(scene->report.advice[0], missing[i].advice));
	}
	np_doc_report_fini(&scene->report);
	scene->facts.is_blind = true;
	np_doc_judge(&scene->facts, &scene->report);
	assert_int_equal(scene->report.result, NP_DOC_CANNOT_TELL);
	/* It may be the kernel that shows no memory. */
	np_doc_report_fini(&scene->report);
	scene->facts.nproviders = 0;
	spoil_config_p2pdma(scene);
	np_doc_judge(&scene->facts, &scene->report);
	assert_non_null(strstr(scene->report.advice[0], "CONFIG_PCI_P2PDMA"));
}

static void test_doc_drive_name__is_the_block_devices(void **state)
{
	char name[64];

	(void)state;
	assert_string_equal(np_doc_drive_name("/dev/ng3n2", name, sizeof(name)), "nvme3n2");
	assert_string_equal(np_doc_drive_name("/dev/nvme0n1", name, sizeof(name)), "nvme0n1");
	assert_string_equal(np_doc_drive_name("nvme0n1", name, sizeof(name)), "nvme0n1");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_doc_judge__what_is_fine_is_expected_to_work),
		TEST(test_doc_judge__faults_of_equal_weight_are_all_named),
		TEST(test_doc_judge__both_pairs_must_be_tested),
		TEST(test_doc_judge__compared_bytes_stand_above_what_was_seen),
		TEST(test_doc_judge__a_failed_test_is_staged),
		TEST(test_doc_judge__a_small_mtu_is_certain_once_it_was_tested),
		TEST(test_doc_judge__untested_is_no_proof),
		TEST(test_doc_judge__the_best_namespace_of_a_drive_counts),
		TEST(test_doc_judge__an_rnic_that_fails_in_host_memory_is_not_used),
		TEST(test_doc_judge__what_is_not_seen_is_not_absent),
		TEST(test_doc_judge__what_is_missing_altogether),
		TEST(test_doc_drive_name__is_the_block_devices),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
