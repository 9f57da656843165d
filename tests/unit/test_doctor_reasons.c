// SPDX-License-Identifier: BSD-3-Clause
/*
 * Tests of the doctor's reasons, each with its advice.
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

/* ---- what spoils a machine, and what the doctor says -------------------------------------- */

static void spoil_old_kernel(struct doctor_scene *s)
{
	s->facts.host.major = 6;
	s->facts.host.minor = 1;
}

static void spoil_kernel_without_odp(struct doctor_scene *s)
{
	s->facts.host.major = 6;
	s->facts.host.minor = 12;
}

static void spoil_config_p2pdma(struct doctor_scene *s)
{
	s->facts.host.has_p2pdma = NP_DOC_NO;
}

static void spoil_config_odp(struct doctor_scene *s)
{
	s->facts.host.has_odp = NP_DOC_NO;
}

static void spoil_cmb_wds(struct doctor_scene *s)
{
	s->providers[0].cmbsz &= ~(1u << 4);
	s->providers[0].is_published = false;
}

static void spoil_cmb_rds(struct doctor_scene *s)
{
	s->providers[0].cmbsz &= ~(1u << 3);
	s->providers[0].is_published = false;
}

static void spoil_cmb_both(struct doctor_scene *s)
{
	s->providers[0].cmbsz &= ~(3u << 3);
	s->providers[0].is_published = false;
}

static void spoil_cmb_unregistered(struct doctor_scene *s)
{
	s->providers[0].has_p2pmem = s->providers[0].is_published = false;
}

static void spoil_published(struct doctor_scene *s)
{
	s->providers[0].is_published = false;
}

static void spoil_cmb_full_of_queues(struct doctor_scene *s)
{
	s->providers[0].available_bytes = 0;
}

static void spoil_cmb_full(struct doctor_scene *s)
{
	s->providers[0].available_bytes = 4096;
	s->facts.host.uses_cmb_sqes = NP_DOC_NO;
}

static void spoil_dax(struct doctor_scene *s)
{
	s->providers[0] = (struct np_doc_provider){.kind = NP_DOC_DAX, .name = "dax dax0.0"};
}

static void spoil_permission(struct doctor_scene *s)
{
	s->providers[0].can_allocate = NP_DOC_NO;
}

static void spoil_memlock(struct doctor_scene *s)
{
	s->facts.host.has_ipc_lock = false;
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

static void spoil_acs_with_iommu(struct doctor_scene *s)
{
	spoil_acs(s);
	strcpy(s->providers[0].place.dev.iommu_type, "DMA-FQ");
}

static void spoil_odp(struct doctor_scene *s)
{
	s->rnics[MLX5_0].has_odp = NP_DOC_NO;
}

static void spoil_odp_and_dmabuf(struct doctor_scene *s)
{
	s->rnics[MLX5_0].has_odp = s->rnics[MLX5_0].has_dmabuf = NP_DOC_NO;
}

static void spoil_iwarp(struct doctor_scene *s)
{
	s->rnics[MLX5_0].is_iwarp = true;
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

static void spoil_card_mtu(struct doctor_scene *s)
{
	s->rnics[MLX5_0].path_mtu = 1024;
}

static const struct {
	void (*spoil)(struct doctor_scene *scene);
	unsigned int rnic, drive;
	enum np_doc_verdict verdict;
	const char *reason, *advice; /* parts of them */
} cases[] = {
	{spoil_old_kernel, MLX5_0, OWN, NP_DOC_IMPOSSIBLE, "came with 6.2", "6.16"},
	{spoil_kernel_without_odp, MLX5_0, OWN, NP_DOC_IMPOSSIBLE, "came with 6.16", "6.16"},
	{spoil_config_p2pdma, MLX5_0, OWN, NP_DOC_IMPOSSIBLE, "CONFIG_PCI_P2PDMA",
		"CONFIG_PCI_P2PDMA"},
	{spoil_config_odp, MLX5_0, OWN, NP_DOC_IMPOSSIBLE, "CONFIG_INFINIBAND_ON_DEMAND_PAGING",
		"CONFIG_INFINIBAND_ON_DEMAND_PAGING"},
	{spoil_cmb_wds, MLX5_0, OWN, NP_DOC_IMPOSSIBLE, "data of writes (CMBSZ.WDS)",
		"RDS and WDS"},
	{spoil_cmb_rds, MLX5_0, OWN, NP_DOC_IMPOSSIBLE, "data of reads (CMBSZ.RDS)", "RDS and WDS"},
	{spoil_cmb_both, MLX5_0, OWN, NP_DOC_IMPOSSIBLE, "reads or writes (CMBSZ.RDS/WDS)",
		"RDS and WDS"},
	{spoil_cmb_unregistered, MLX5_0, OWN, NP_DOC_IMPOSSIBLE, "did not register", "dmesg"},
	{spoil_published, MLX5_0, OWN, NP_DOC_IMPOSSIBLE, "keeps its memory for itself", ""},
	{spoil_cmb_full_of_queues, MLX5_0, OWN, NP_DOC_IMPOSSIBLE, "submission queues",
		"nvme.use_cmb_sqes=0"},
	{spoil_cmb_full, MLX5_0, OWN, NP_DOC_IMPOSSIBLE, "is taken", "End what holds"},
	{spoil_dax, MLX5_0, OWN, NP_DOC_STAGED, "only where it is listed", "daemon.memory[]"},
	{spoil_permission, MLX5_0, OWN, NP_DOC_IMPOSSIBLE, "root may not map", "write access"},
	{spoil_memlock, MLX5_0, OWN, NP_DOC_IMPOSSIBLE, "8192 KiB of memory may be locked",
		"LimitMEMLOCK="},
	{spoil_host_bridge, MLX5_1, OWN, NP_DOC_IMPOSSIBLE, "0000:00:00.0 (8086:29c0)",
		"below one PCIe switch"},
	{spoil_host_bridge, MLX5_0, OWN, NP_DOC_WORKS, "directly, both below 0000:01:00.0", ""},
	{spoil_host_bridge, RXE0, OTHER, NP_DOC_IMPOSSIBLE, "nvme1n1: through host bridge",
		"below one PCIe switch"},
	{spoil_acs, MLX5_0, OWN, NP_DOC_IMPOSSIBLE, "ACS of 0000:02:01.0",
		"pci=disable_acs_redir=0000:02:01.0"},
	{spoil_acs_with_iommu, MLX5_0, OWN, NP_DOC_IMPOSSIBLE, "the IOMMU is on",
		"intel_iommu=off"},
	{spoil_odp, MLX5_0, OWN, NP_DOC_IMPOSSIBLE, "makes no dma-buf", "on-demand paging"},
	{spoil_odp_and_dmabuf, MLX5_0, OWN, NP_DOC_IMPOSSIBLE, "takes no dma-buf either",
		"on-demand paging"},
	{spoil_iwarp, MLX5_0, OWN, NP_DOC_IMPOSSIBLE, "iWARP", "RoCE"},
	{spoil_port, MLX5_0, OWN, NP_DOC_IMPOSSIBLE, "no port of mlx5_0 is active",
		"ip link set up dev net-mlx5_0"},
	{spoil_card_mtu, MLX5_0, OWN, NP_DOC_WORKS, "directly",
		""}, /* its hardware knows offsets */
	{spoil_mtu, RXE0, OWN, NP_DOC_STAGED, "path MTU of rxe0 is 1024",
		"net-rxe0 an MTU of 9000"},
};

static void test_doc_judge__each_reason_has_its_advice(void **state)
{
	struct doctor_scene *scene = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct np_doc_cell *cell;

		doctor_scene_fini(scene);
		doctor_scene_init(scene);
		cases[i].spoil(scene);
		cell = doctor_scene_cell(scene, cases[i].rnic, cases[i].drive);
		if (cell->finding.verdict != cases[i].verdict ||
			!strstr(cell->finding.reason, cases[i].reason) ||
			cell->finding.basis != NP_DOC_EXPECTED ||
			doctor_scene_advises(&scene->report, &cell->finding, cases[i].advice) !=
				(cases[i].advice[0] != '\0'))
			fail_msg("case %zu, \"%s\": %s: %s", i, cases[i].reason,
				np_doc_verdict_name(cell->finding.verdict), cell->finding.reason);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_doc_judge__each_reason_has_its_advice),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
