// SPDX-License-Identifier: BSD-3-Clause
/*
 * doctor_judge.c - what works on this machine, why the rest does not, and what to do about it.
 *
 * A provider is judged with each RNIC and with each drive; a cell is the worse of its two pairs.
 * What a self-test found stands above all that was seen: only compared bytes are proof.
 *
 * Thread: the only one.
 * Depends: doctor_judge.h.
 */
#include "tools/nvmet-p2p-cli/doctor_judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/topology/host_bridge.h"

const char *np_doc_verdict_name(enum np_doc_verdict verdict)
{
	static const char *const names[] = {"works", "quirk", "staged", "impossible"};

	return names[verdict];
}

const char *np_doc_basis_name(enum np_doc_basis basis)
{
	static const char *const names[] = {"expected", "daemon", "tested"};

	return names[basis];
}

/* ---- findings ----------------------------------------------------------------------------- */

static void advise(struct np_doc_report *report, struct np_doc_finding *finding, const char *advice)
{
	unsigned int i;

	for (i = 0; i < report->nadvice; i++) {
		if (!strcmp(report->advice[i], advice))
			break;
	}
	if (i == report->nadvice)
		*NP_DOC_ADD(report, advice) = np_doc_copy(advice);
	for (unsigned int k = 0; k < finding->nadvice; k++) {
		if (finding->advice[k] == i)
			return;
	}
	if (finding->nadvice < NP_DOC_MAX_ADVICE)
		finding->advice[finding->nadvice++] = i;
}

void np_doc_fault(struct np_doc_report *report, struct np_doc_finding *finding,
	enum np_doc_verdict verdict, const char *advice, const char *fmt, ...)
{
	size_t used = strlen(finding->reason);
	va_list ap;

	/* What was found to work until now gives way; faults of equal weight stand side by side. */
	if (verdict > finding->verdict)
		used = 0;
	if (verdict >= finding->verdict) {
		if (used && used + 3 < sizeof(finding->reason))
			used += (size_t)snprintf(finding->reason + used, 3, "; ");
		va_start(ap, fmt);
		vsnprintf(finding->reason + used, sizeof(finding->reason) - used, fmt, ap);
		va_end(ap);
		finding->verdict = verdict;
	}
	if (advice[0])
		advise(report, finding, advice);
}

/* ---- the way between two devices ---------------------------------------------------------- */

static bool is_newer_than_list(const struct np_doc_host *host)
{
	return host->major > NP_HOST_BRIDGE_KERNEL_MAJOR ||
		(host->major == NP_HOST_BRIDGE_KERNEL_MAJOR &&
			host->minor > NP_HOST_BRIDGE_KERNEL_MINOR);
}

static void judge_refused_way(const struct np_doc_facts *facts, const struct np_doc_place *provider,
	const char *reason, const struct np_pci_distance *distance, struct np_doc_report *report,
	struct np_doc_finding *finding)
{
	char advice[512];

	/* The list only grows. */
	if (is_newer_than_list(&facts->host))
		finding->is_sure = false;
	if (distance->relation == NP_PCI_SAME_SWITCH_ACS) {
		snprintf(advice, sizeof(advice),
			"Switch ACS redirect off for this path: kernel parameter "
			"pci=disable_acs_redir=%s",
			distance->redirecting);
		np_doc_fault(report, finding, NP_DOC_IMPOSSIBLE, advice, "%s", reason);
		if (!strncmp(provider->dev.iommu_type, "DMA", 3))
			np_doc_fault(report, finding, NP_DOC_IMPOSSIBLE,
				"Or boot without the IOMMU (intel_iommu=off, amd_iommu=off): with "
				"it "
				"the kernel switches ACS redirect on.",
				"the IOMMU is on");
		return;
	}
	np_doc_fault(report, finding, NP_DOC_IMPOSSIBLE,
		"Put the two devices below one PCIe switch, or use a machine whose host bridge the "
		"kernel lists (AMD from Zen on; Linux " NP_HOST_BRIDGE_KERNEL
		" drivers/pci/p2pdma.c).",
		"%s", reason);
}

static void judge_way(const struct np_doc_facts *facts, const struct np_doc_place *provider,
	const struct np_doc_place *client, const char *name, struct np_doc_report *report,
	struct np_doc_pair *pair)
{
	char reason[400];

	if (!provider->is_known || (client->pci[0] && !client->is_known)) {
		pair->finding.is_sure = false;
		snprintf(pair->finding.reason, sizeof(pair->finding.reason),
			"%.64s: the way could not be seen", name);
		return;
	}
	np_pci_distance(&provider->dev, client->pci[0] ? &client->dev : NULL,
		facts->host.cpu_is_listed, &pair->distance);
	pair->has_distance = true;
	snprintf(reason, sizeof(reason), "%.64s: %s", name, pair->distance.text);
	if (!pair->distance.is_allowed) {
		judge_refused_way(facts, provider, reason, &pair->distance, report, &pair->finding);
		return;
	}
	np_doc_fault(report, &pair->finding, NP_DOC_WORKS, "", "%s", reason);
	if (!pair->distance.is_sure)
		pair->finding.is_sure = false;
}

/* ---- self-tests --------------------------------------------------------------------------- */

/* What notes call the provider. */
static const char *key_of(const struct np_doc_provider *provider)
{
	return provider->kind == NP_DOC_DAX ? provider->name + strlen("dax ") : provider->place.pci;
}

static const struct np_doc_note *find_note(
	const struct np_doc_facts *facts, const char *pci, const char *subject, bool is_rnic)
{
	const struct np_doc_note *found = NULL;

	for (unsigned int i = 0; pci[0] && i < facts->nnotes; i++) {
		const struct np_doc_note *note = &facts->notes[i];

		if (note->is_rnic != is_rnic || strcmp(note->pci, pci) ||
			strcmp(note->subject, subject))
			continue;
		/* Several namespaces may be on one drive: the best of them shows what can be. */
		if (!found || found->verdict == NP_VERDICT_UNTESTED ||
			(note->verdict != NP_VERDICT_UNTESTED && note->verdict < found->verdict))
			found = note;
	}
	return found;
}

/* The daemon accepts no connection of an RNIC that has not passed in host memory. */
static void judge_host_memory(const struct np_doc_facts *facts, const struct np_doc_rnic *rnic,
	struct np_doc_report *report, struct np_doc_finding *finding)
{
	for (unsigned int i = 0; i < facts->nnotes; i++) {
		const struct np_doc_note *note = &facts->notes[i];

		if (!note->is_rnic || note->pci[0] || strcmp(note->subject, rnic->name) ||
			note->verdict == NP_VERDICT_WORKS)
			continue;
		np_doc_fault(report, finding, NP_DOC_IMPOSSIBLE,
			"Read the reason: an RNIC that does not pass its test in host memory is "
			"not used at all.",
			"%.64s with host memory: %s", rnic->name, note->reason);
		finding->basis = note->is_daemons ? NP_DOC_DAEMON : NP_DOC_TESTED;
	}
}

/* The test failed although nothing seemed to be missing: what may be tried. */
static void advise_failure(const struct np_doc_provider *provider, struct np_doc_report *report,
	struct np_doc_finding *finding)
{
	if (finding->nadvice)
		return;
	if (!strncmp(provider->place.dev.iommu_type, "DMA", 3))
		advise(report, finding,
			"The IOMMU translates: try without (kernel parameter iommu.passthrough=1, "
			"or "
			"intel_iommu=off, amd_iommu=off).");
	else
		advise(report, finding,
			"Read the reason: bytes did not arrive where they should, so data goes "
			"through host memory.");
}

static void apply_note(const struct np_doc_provider *provider, const struct np_doc_note *note,
	struct np_doc_report *report, struct np_doc_finding *finding)
{
	const char *more = note->reason[0] ? note->reason : "bytes compared equal";

	if (note->verdict == NP_VERDICT_UNTESTED) {
		finding->is_sure = finding->verdict >= NP_DOC_STAGED && finding->is_sure;
		np_doc_fault(report, finding, finding->verdict, "", "%.64s was not tested: %s",
			note->subject, more);
		return;
	}
	if (note->verdict == NP_VERDICT_UNUSABLE) {
		np_doc_fault(report, finding, NP_DOC_STAGED, "", "%.64s: %s", note->subject, more);
		advise_failure(provider, report, finding);
	} else {
		*finding = (struct np_doc_finding){
			.verdict = note->verdict == NP_VERDICT_WORKS ? NP_DOC_WORKS : NP_DOC_QUIRK,
		};
		snprintf(
			finding->reason, sizeof(finding->reason), "%.64s: %s", note->subject, more);
	}
	finding->is_sure = true;
	finding->basis = note->is_daemons ? NP_DOC_DAEMON : NP_DOC_TESTED;
}

/* ---- pairs -------------------------------------------------------------------------------- */

static void judge_port(const struct np_doc_rnic *rnic, struct np_doc_report *report,
	struct np_doc_finding *finding)
{
	const bool is_software = !rnic->place.pci[0];
	char advice[256];

	if (rnic->is_active == NP_DOC_NO) {
		snprintf(advice, sizeof(advice), "Bring a port of %s up%s%s.", rnic->name,
			rnic->netdev[0] ? ": ip link set up dev " : "", rnic->netdev);
		np_doc_fault(report, finding, NP_DOC_IMPOSSIBLE, advice,
			"no port of %.64s is active", rnic->name);
	}
	/*
	 * Who copies by CPU copies by pages: Linux 7.2 drivers/infiniband/sw/rxe/rxe_odp.c is
	 * right only for packets of whole pages. That is for the self-test to find out.
	 */
	if (is_software && rnic->path_mtu && rnic->path_mtu < NP_PAGE_BYTES) {
		snprintf(advice, sizeof(advice),
			"Give network device %s an MTU of 9000 (at least 4200), on the hosts too.",
			rnic->netdev[0] ? rnic->netdev : rnic->name);
		if (finding->verdict < NP_DOC_STAGED)
			finding->is_sure = false;
		np_doc_fault(report, finding, NP_DOC_STAGED, advice,
			"the path MTU of %.64s is %u, and a software RNIC may place data by whole "
			"pages of 4096 only",
			rnic->name, rnic->path_mtu);
	}
}

static void judge_odp(const struct np_doc_rnic *rnic, struct np_doc_report *report,
	struct np_doc_finding *finding)
{
	if (rnic->has_odp == NP_DOC_NO)
		np_doc_fault(report, finding, NP_DOC_IMPOSSIBLE,
			"Use an RNIC with on-demand paging for RC READ and WRITE (mlx5 from "
			"ConnectX-4 on, Soft-RoCE).",
			"%.64s has no on-demand paging, and %s", rnic->name,
			rnic->has_dmabuf == NP_DOC_YES
				? "the kernel makes no dma-buf, which it would take, of a CMB"
				: "takes no dma-buf either");
	else if (rnic->has_odp == NP_DOC_UNSEEN)
		finding->is_sure = finding->verdict == NP_DOC_IMPOSSIBLE;
}

void np_doc_judge_rnic(const struct np_doc_facts *facts, const struct np_doc_provider *provider,
	const struct np_doc_rnic *rnic, struct np_doc_report *report, struct np_doc_pair *ret_pair)
{
	const struct np_doc_note *note = find_note(facts, key_of(provider), rnic->name, true);
	struct np_doc_pair pair = {.finding.is_sure = true};
	struct np_doc_finding *finding = &pair.finding;

	/* A daemon that has tested it has it. */
	if (provider->kind != NP_DOC_DAX || !note)
		np_doc_judge_provider(facts, provider, report, finding);
	if (provider->kind != NP_DOC_DAX)
		judge_way(facts, &provider->place, &rnic->place, rnic->name, report, &pair);
	if (rnic->is_iwarp)
		np_doc_fault(report, finding, NP_DOC_IMPOSSIBLE,
			"Use an RNIC with RoCE or "
			"InfiniBand.",
			"%.64s is an iWARP device: no self-test can vouch for its peer memory",
			rnic->name);
	/* Memory of a dax device can be pinned. */
	if (provider->kind != NP_DOC_DAX)
		judge_odp(rnic, report, finding);
	judge_port(rnic, report, finding);
	if (note)
		apply_note(provider, note, report, finding);
	judge_host_memory(facts, rnic, report, finding);
	*ret_pair = pair;
}

void np_doc_judge_drive(const struct np_doc_facts *facts, const struct np_doc_provider *provider,
	const struct np_doc_drive *drive, struct np_doc_report *report,
	struct np_doc_pair *ret_pair)
{
	const struct np_doc_note *note = find_note(facts, key_of(provider), drive->name, false);
	struct np_doc_pair pair = {.finding.is_sure = true};

	if (provider->kind != NP_DOC_DAX || !note)
		np_doc_judge_provider(facts, provider, report, &pair.finding);
	if (provider->kind != NP_DOC_DAX)
		judge_way(facts, &provider->place, &drive->place, drive->name, report, &pair);
	if (note)
		apply_note(provider, note, report, &pair.finding);
	*ret_pair = pair;
}
