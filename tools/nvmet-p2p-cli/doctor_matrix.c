// SPDX-License-Identifier: BSD-3-Clause
/*
 * doctor_matrix.c - every RNIC with every provider and every drive, and the sum of it.
 *
 * Thread: the only one.
 * Depends: doctor_judge.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/nvmet-p2p-cli/doctor_judge.h"

static void format_way(const struct np_doc_pair *pair, char *ret_way, size_t size)
{
	const struct np_pci_distance *distance = &pair->distance;

	if (!pair->has_distance)
		return;
	if (distance->relation == NP_PCI_NO_PCI || distance->relation == NP_PCI_SAME_DEVICE)
		snprintf(ret_way, size, "%s", np_pci_relation_name(distance->relation));
	else
		snprintf(ret_way, size, "%s, %u hops", np_pci_relation_name(distance->relation),
			distance->hops);
}

/* The worse of two decides; of two good ones the weaker knowledge. */
static void combine(const struct np_doc_finding *a, const struct np_doc_finding *b,
	struct np_doc_finding *ret_finding)
{
	const struct np_doc_finding *worse = b->verdict > a->verdict ? b : a;
	const struct np_doc_finding *other = worse == a ? b : a;
	size_t used;

	*ret_finding = *worse;
	if (worse->verdict < NP_DOC_STAGED) {
		ret_finding->is_sure = a->is_sure && b->is_sure;
		ret_finding->basis = a->basis < b->basis ? a->basis : b->basis;
	}
	/* What is wrong with the provider is wrong with both. */
	if (!strcmp(a->reason, b->reason))
		return;
	if (worse->verdict < NP_DOC_STAGED || other->verdict >= NP_DOC_STAGED) {
		snprintf(ret_finding->reason, sizeof(ret_finding->reason), "%s", a->reason);
		used = strlen(ret_finding->reason);
		snprintf(ret_finding->reason + used, sizeof(ret_finding->reason) - used, "; %s",
			b->reason);
	}
	for (unsigned int i = 0; i < other->nadvice; i++) {
		bool is_there = false;

		for (unsigned int k = 0; k < ret_finding->nadvice; k++)
			is_there |= ret_finding->advice[k] == other->advice[i];
		if (!is_there && ret_finding->nadvice < NP_DOC_MAX_ADVICE)
			ret_finding->advice[ret_finding->nadvice++] = other->advice[i];
	}
}

static void add_cell(const struct np_doc_pair *rnic_pair, const struct np_doc_pair *drive_pair,
	const struct np_doc_cell *place, struct np_doc_report *report)
{
	struct np_doc_cell *cell = NP_DOC_ADD(report, cells);

	*cell = *place;
	combine(&rnic_pair->finding, &drive_pair->finding, &cell->finding);
	format_way(rnic_pair, cell->rnic_way, sizeof(cell->rnic_way));
	format_way(drive_pair, cell->drive_way, sizeof(cell->drive_way));
}

static void add_provider(
	const struct np_doc_facts *facts, unsigned int provider, struct np_doc_report *report)
{
	struct np_doc_pair *drives = NULL, rnic;
	unsigned int ndrives = 0;

	for (unsigned int i = 0; i < facts->ndrives; i++) {
		drives = np_doc_grow(drives, &ndrives, sizeof(*drives));
		np_doc_judge_drive(
			facts, &facts->providers[provider], &facts->drives[i], report, &drives[i]);
	}
	for (unsigned int i = 0; i < facts->nrnics; i++) {
		np_doc_judge_rnic(
			facts, &facts->providers[provider], &facts->rnics[i], report, &rnic);
		for (unsigned int k = 0; k < facts->ndrives; k++)
			add_cell(&rnic, &drives[k],
				&(struct np_doc_cell){.rnic = i, .provider = provider, .drive = k},
				report);
	}
	free(drives);
}

static void advise_all(struct np_doc_report *report, const char *advice)
{
	*NP_DOC_ADD(report, advice) = np_doc_copy(advice);
}

static void judge_missing_memory(const struct np_doc_facts *facts, struct np_doc_report *report)
{
	struct np_doc_finding kernel = {.nadvice = 0};

	/* It may be the kernel that hides it. */
	np_doc_judge_kernel(&facts->host, report, &kernel);
	advise_all(report,
		"Use a drive with a Controller Memory Buffer. One that has it shows the file cmb "
		"in "
		"/sys/class/nvme/NAME.");
}

/* Return: whether one of the three is missing altogether. */
static bool judge_missing(const struct np_doc_facts *facts, struct np_doc_report *report)
{
	const char *what = !facts->nrnics ? "RDMA device"
		: !facts->nproviders      ? "device memory"
		: !facts->ndrives         ? "NVMe drive"
					  : NULL;

	if (!facts->nrnics)
		advise_all(report,
			"Load the driver of an RDMA device, or make a software one: rdma link add "
			"rxe0 type rxe netdev DEVICE.");
	if (!facts->nproviders)
		judge_missing_memory(facts, report);
	if (!facts->ndrives)
		advise_all(report,
			"Attach an NVMe drive by PCIe; nvmet-p2p serves others through "
			"host memory.");
	if (!what)
		return false;
	if (facts->is_blind)
		snprintf(report->summary, sizeof(report->summary),
			"No %s was found, but not all could be looked at.", what);
	else
		snprintf(report->summary, sizeof(report->summary),
			"P2P is impossible: there is no %s.", what);
	return true;
}

/* The best that there is tells. */
static void sum_up(const struct np_doc_facts *facts, struct np_doc_report *report)
{
	const struct np_doc_cell *best = NULL;
	bool is_unsure = facts->is_blind;

	report->result = is_unsure ? NP_DOC_CANNOT_TELL : NP_DOC_NO_P2P;
	if (judge_missing(facts, report))
		return;
	for (unsigned int i = 0; i < report->ncells; i++) {
		const struct np_doc_cell *cell = &report->cells[i];

		is_unsure |= !cell->finding.is_sure;
		if (cell->finding.verdict >= NP_DOC_STAGED)
			continue;
		if (!best || cell->finding.basis > best->finding.basis)
			best = cell;
	}
	if (best && best->finding.basis != NP_DOC_EXPECTED) {
		report->result = NP_DOC_P2P;
		snprintf(report->summary, sizeof(report->summary),
			"P2P works: %.40s with %.40s and %.40s, bytes were compared.",
			facts->rnics[best->rnic].name, facts->providers[best->provider].name,
			facts->drives[best->drive].name);
	} else if (best) {
		report->result = NP_DOC_CANNOT_TELL;
		snprintf(report->summary, sizeof(report->summary),
			"P2P may work: nothing speaks against it, but no byte was compared.");
		if (!facts->is_tested)
			advise_all(report,
				"Have bytes compared: nvmet-p2p-cli doctor --test, as root. "
				"Nothing is "
				"written to a drive.");
	} else {
		report->result = is_unsure ? NP_DOC_CANNOT_TELL : NP_DOC_NO_P2P;
		snprintf(report->summary, sizeof(report->summary), "%s",
			is_unsure ? "P2P does not seem to work, but not all could be seen."
				  : "P2P does not work here: data goes through host memory.");
	}
}

void np_doc_judge(const struct np_doc_facts *facts, struct np_doc_report *ret_report)
{
	*ret_report = (struct np_doc_report){.cells = NULL};
	for (unsigned int i = 0; i < facts->nproviders; i++)
		add_provider(facts, i, ret_report);
	sum_up(facts, ret_report);
}

void np_doc_report_fini(struct np_doc_report *report)
{
	for (unsigned int i = 0; i < report->nadvice; i++)
		free(report->advice[i]);
	free(report->advice);
	free(report->cells);
}
