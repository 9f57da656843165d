// SPDX-License-Identifier: BSD-3-Clause
/*
 * doctor_scene.c - facts of a machine where P2P is expected to work, for a test to spoil.
 *
 * Thread: the test's.
 * Depends: cmocka.
 */
#include "tests/unit/doctor_scene.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define CMBSZ_DATA 0x4021d /* 64 units of 1 MiB; SQS, LISTS, RDS, WDS */

static struct np_pci_node node(const char *address, enum np_pci_port port)
{
	struct np_pci_node made = {
		.class_code = port == NP_PCI_PORT_ENDPOINT ? 0x010802 : 0x060400,
		.port = port,
		.acs = port == NP_PCI_PORT_ENDPOINT ? NP_PCI_ACS_NONE : NP_PCI_ACS_SEEN,
	};

	snprintf(made.address, sizeof(made.address), "%s", address);
	return made;
}

/* @port: the switch's downstream port, or NULL for a device below the root port @root_port. */
static struct np_doc_place place(const char *address, const char *port, const char *root_port)
{
	struct np_doc_place made = {.is_known = true};
	struct np_pci_dev *dev = &made.dev;

	snprintf(made.pci, sizeof(made.pci), "%s", address);
	dev->self = node(address, NP_PCI_PORT_ENDPOINT);
	if (port) {
		dev->bridges[dev->nbridges++] = node(port, NP_PCI_PORT_DOWNSTREAM);
		dev->bridges[dev->nbridges++] = node("0000:01:00.0", NP_PCI_PORT_UPSTREAM);
	}
	dev->bridges[dev->nbridges++] = node(root_port, NP_PCI_PORT_ROOT);
	snprintf(dev->host_bridge, sizeof(dev->host_bridge), "pci0000:00");
	dev->root = node("0000:00:00.0", NP_PCI_PORT_NONE);
	dev->root.vendor = 0x8086;
	dev->root.device = 0x2020;
	dev->numa_node = dev->iommu_group = -1;
	return made;
}

static struct np_doc_rnic rnic(const char *name)
{
	struct np_doc_rnic made = {
		.has_odp = NP_DOC_YES,
		.has_dmabuf = NP_DOC_YES,
		.is_active = NP_DOC_YES,
		.path_mtu = 4096,
		.netdev_mtu = 9000,
	};

	snprintf(made.name, sizeof(made.name), "%s", name);
	snprintf(made.netdev, sizeof(made.netdev), "net-%s", name);
	return made;
}

void doctor_scene_init(struct doctor_scene *scene)
{
	*scene = (struct doctor_scene){
		.facts =
			{
				.host =
					{
						.release = "7.2.12",
						.major = 7,
						.minor = 2,
						.has_p2pdma = NP_DOC_YES,
						.has_odp = NP_DOC_YES,
						.uses_cmb_sqes = NP_DOC_YES,
						.is_root = true,
						.has_ipc_lock = true,
						.memlock_bytes = 8 << 20,
					},
				.nrnics = 3,
				.ndrives = 2,
				.nproviders = 1,
			},
		.drives =
			{
				{.name = "nvme0n1",
					.controller = "nvme0",
					.model = "Drive with CMB"},
				{.name = "nvme1n1", .controller = "nvme1", .model = "Drive"},
			},
		.providers = {{
			.name = "cmb 0000:03:00.0",
			.kind = NP_DOC_CMB,
			.has_p2pmem = true,
			.is_published = true,
			.size_bytes = 64 << 20,
			.available_bytes = 63 << 20,
			.can_allocate = NP_DOC_YES,
			.has_cmbsz = true,
			.cmbsz = CMBSZ_DATA,
		}},
		.rnics = {rnic("mlx5_0"), rnic("mlx5_1"), rnic("rxe0")},
	};
	scene->facts.rnics = scene->rnics;
	scene->facts.drives = scene->drives;
	scene->facts.providers = scene->providers;
	scene->facts.notes = scene->notes;
	scene->drives[0].place = place("0000:03:00.0", "0000:02:00.0", "0000:00:01.0");
	scene->drives[1].place = place("0000:05:00.0", NULL, "0000:00:02.0");
	scene->providers[0].place = scene->drives[0].place;
	scene->rnics[0].place = place("0000:04:00.0", "0000:02:01.0", "0000:00:01.0");
	scene->rnics[1].place = place("0000:06:00.0", NULL, "0000:00:03.0");
}

void doctor_scene_fini(struct doctor_scene *scene)
{
	np_doc_report_fini(&scene->report);
}

void doctor_scene_note(struct doctor_scene *scene, const char *subject, bool is_rnic,
	enum np_verdict verdict, const char *reason)
{
	struct np_doc_note *note = &scene->notes[scene->facts.nnotes++];

	assert_true(scene->facts.nnotes <= sizeof(scene->notes) / sizeof(scene->notes[0]));
	*note = (struct np_doc_note){.is_rnic = is_rnic, .verdict = verdict};
	snprintf(note->pci, sizeof(note->pci), "%s", scene->providers[0].place.pci);
	snprintf(note->subject, sizeof(note->subject), "%s", subject);
	snprintf(note->reason, sizeof(note->reason), "%s", reason);
}

const struct np_doc_cell *doctor_scene_cell(
	struct doctor_scene *scene, unsigned int rnic_index, unsigned int drive_index)
{
	np_doc_report_fini(&scene->report);
	np_doc_judge(&scene->facts, &scene->report);
	for (unsigned int i = 0; i < scene->report.ncells; i++) {
		const struct np_doc_cell *cell = &scene->report.cells[i];

		if (cell->rnic == rnic_index && cell->drive == drive_index && cell->provider == 0)
			return cell;
	}
	fail_msg("no cell %u, %u", rnic_index, drive_index);
	return NULL;
}

bool doctor_scene_advises(
	const struct np_doc_report *report, const struct np_doc_finding *finding, const char *words)
{
	for (unsigned int i = 0; i < finding->nadvice; i++) {
		if (strstr(report->advice[finding->advice[i]], words))
			return true;
	}
	return false;
}
