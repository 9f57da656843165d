// SPDX-License-Identifier: BSD-3-Clause
/*
 * doctor_json.c - facts and report as JSON, which is also what the text is printed from.
 *
 * Thread: the only one.
 * Depends: doctor_judge.h, jansson.
 */
#include <stdio.h>
#include <string.h>

#include "tools/nvmet-p2p-cli/doctor.h"

/* null is what could not be seen. */
static json_t *answer(enum np_doc_answer answer)
{
	return answer == NP_DOC_UNSEEN ? json_null() : json_boolean(answer == NP_DOC_YES);
}

static json_t *text(const char *value)
{
	return value[0] ? json_string(value) : json_null();
}

static json_t *number(uint64_t value)
{
	return value ? json_integer((json_int_t)value) : json_null();
}

static json_t *texts(char *const *list, unsigned int count)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < count; i++)
		json_array_append_new(array, json_string(list[i]));
	return array;
}

/* "DMA" of the first device that has an IOMMU; all have the same mode as a rule. */
static const char *iommu_mode(const struct np_doc_facts *facts)
{
	for (unsigned int i = 0; i < facts->ndrives; i++) {
		if (facts->drives[i].place.dev.iommu_type[0])
			return facts->drives[i].place.dev.iommu_type;
	}
	for (unsigned int i = 0; i < facts->nrnics; i++) {
		if (facts->rnics[i].place.dev.iommu_type[0])
			return facts->rnics[i].place.dev.iommu_type;
	}
	return "off";
}

static json_t *host_json(const struct np_doc_facts *facts)
{
	const struct np_doc_host *host = &facts->host;

	return json_pack("{s:s, s:o, s:o, s:o, s:b, s:s, s:b, s:o, s:b, s:b}", "kernel",
		host->release, "pci_p2pdma", answer(host->has_p2pdma), "on_demand_paging",
		answer(host->has_odp), "cmb_sqes", answer(host->uses_cmb_sqes), "cpu_listed",
		(int)host->cpu_is_listed, "iommu", iommu_mode(facts), "root", (int)host->is_root,
		"memlock_bytes",
		host->memlock_bytes == UINT64_MAX || host->has_ipc_lock
			? json_null()
			: json_integer((json_int_t)host->memlock_bytes),
		"daemon", (int)facts->is_daemon_here, "tested", (int)facts->is_tested);
}

static json_t *numa(const struct np_doc_place *place)
{
	return place->is_known && place->dev.numa_node >= 0 ? json_integer(place->dev.numa_node)
							    : json_null();
}

static json_t *rnics_json(const struct np_doc_facts *facts)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < facts->nrnics; i++) {
		const struct np_doc_rnic *rnic = &facts->rnics[i];

		json_array_append_new(array,
			json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name",
				rnic->name, "kind", rnic->place.pci[0] ? "pci" : "software", "pci",
				text(rnic->place.pci), "active", answer(rnic->is_active),
				"path_mtu", number(rnic->path_mtu), "netdev", text(rnic->netdev),
				"netdev_mtu", number(rnic->netdev_mtu), "odp",
				answer(rnic->has_odp), "dmabuf", answer(rnic->has_dmabuf), "numa",
				numa(&rnic->place)));
	}
	return array;
}

static json_t *drives_json(const struct np_doc_facts *facts)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < facts->ndrives; i++) {
		const struct np_doc_drive *drive = &facts->drives[i];

		json_array_append_new(array,
			json_pack("{s:s, s:o, s:o, s:s, s:o}", "name", drive->name, "controller",
				text(drive->controller), "model", text(drive->model), "pci",
				drive->place.pci, "numa", numa(&drive->place)));
	}
	return array;
}

static json_t *providers_json(const struct np_doc_facts *facts)
{
	static const char *const kinds[] = {"cmb", "p2pmem", "dax"};
	json_t *array = json_array();

	for (unsigned int i = 0; i < facts->nproviders; i++) {
		const struct np_doc_provider *provider = &facts->providers[i];

		json_array_append_new(array,
			json_pack("{s:s, s:s, s:o, s:I, s:I, s:b, s:b, s:o, s:o, s:o}", "name",
				provider->name, "kind", kinds[provider->kind], "pci",
				text(provider->place.pci), "size_bytes",
				(json_int_t)provider->size_bytes, "available_bytes",
				(json_int_t)provider->available_bytes, "registered",
				(int)provider->has_p2pmem, "published", (int)provider->is_published,
				"cmbsz",
				provider->has_cmbsz ? json_integer(provider->cmbsz) : json_null(),
				"cmbloc",
				provider->has_cmbsz ? json_integer(provider->cmbloc) : json_null(),
				"numa", numa(&provider->place)));
	}
	return array;
}

static json_t *matrix_json(const struct np_doc_facts *facts, const struct np_doc_report *report)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < report->ncells; i++) {
		const struct np_doc_cell *cell = &report->cells[i];
		json_t *advice = json_array();

		/* As the list of advice is numbered in the text. */
		for (unsigned int k = 0; k < cell->finding.nadvice; k++)
			json_array_append_new(advice, json_integer(cell->finding.advice[k] + 1));
		json_array_append_new(array,
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:o, s:o, s:s, s:o}", "rnic",
				facts->rnics[cell->rnic].name, "memory",
				facts->providers[cell->provider].name, "drive",
				facts->drives[cell->drive].name, "result",
				np_doc_verdict_name(cell->finding.verdict), "basis",
				np_doc_basis_name(cell->finding.basis), "sure",
				(int)cell->finding.is_sure, "rnic_way", text(cell->rnic_way),
				"drive_way", text(cell->drive_way), "reason", cell->finding.reason,
				"advice", advice));
	}
	return array;
}

json_t *np_doc_json(const struct np_doc_facts *facts, const struct np_doc_report *report)
{
	static const char *const results[] = {"works", "impossible", "unknown"};

	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "result",
		results[report->result], "summary", report->summary, "host", host_json(facts),
		"rnics", rnics_json(facts), "providers", providers_json(facts), "drives",
		drives_json(facts), "tree", np_doc_tree(facts), "matrix",
		matrix_json(facts, report), "advice", texts(report->advice, report->nadvice),
		"unseen", texts(facts->unseen, facts->nunseen));
}
