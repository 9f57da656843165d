// SPDX-License-Identifier: BSD-3-Clause
/*
 * doctor_judge_memory.c - what is wrong with a provider, whoever uses it.
 *
 * Thread: the only one.
 * Depends: doctor_judge.h.
 */
#include <stdio.h>
#include <string.h>

#include "tools/nvmet-p2p-cli/doctor_judge.h"

/* What the daemon asks for: its pool of host memory, by default, and some for capsules. */
#define MEMLOCK_NEEDED_BYTES (128u << 20)

/* CMBSZ. Spec: NVM Express Base 2.0, 3.1.3.12. */
enum {
	CMBSZ_SQS = 1u << 0,
	CMBSZ_RDS = 1u << 3,
	CMBSZ_WDS = 1u << 4,
};

/* Mapping peer memory: Linux 6.2, drivers/pci/p2pdma.c, p2pmem_alloc_mmap(). */
static bool is_older(const struct np_doc_host *host, unsigned int major, unsigned int minor)
{
	/* A version that could not be read is no reason. */
	return host->major &&
		(host->major < major || (host->major == major && host->minor < minor));
}

void np_doc_judge_kernel(const struct np_doc_host *host, struct np_doc_report *report,
	struct np_doc_finding *finding)
{
	if (is_older(host, 6, 2))
		np_doc_fault(report, finding, NP_DOC_IMPOSSIBLE, "Boot Linux 6.16 or later.",
			"Linux %s lets no program map peer memory: that came with 6.2",
			host->release);
	else if (is_older(host, 6, 16))
		np_doc_fault(report, finding, NP_DOC_IMPOSSIBLE, "Boot Linux 6.16 or later.",
			"Linux %s registers no peer memory on demand: that came with 6.16",
			host->release);
	if (host->has_p2pdma == NP_DOC_NO)
		np_doc_fault(report, finding, NP_DOC_IMPOSSIBLE,
			"Boot a kernel that was built with CONFIG_PCI_P2PDMA.",
			"the kernel was built without CONFIG_PCI_P2PDMA");
	if (host->has_odp == NP_DOC_NO)
		np_doc_fault(report, finding, NP_DOC_IMPOSSIBLE,
			"Boot a kernel that was built with CONFIG_INFINIBAND_ON_DEMAND_PAGING.",
			"the kernel was built without CONFIG_INFINIBAND_ON_DEMAND_PAGING");
}

/* A CMB that the kernel knows of and offers to nobody. */
static void judge_unpublished(const struct np_doc_provider *provider, struct np_doc_report *report,
	struct np_doc_finding *finding)
{
	const bool has_rds = provider->cmbsz & CMBSZ_RDS, has_wds = provider->cmbsz & CMBSZ_WDS;

	if (provider->has_cmbsz && !(has_rds && has_wds))
		np_doc_fault(report, finding, NP_DOC_IMPOSSIBLE,
			"Use a drive whose CMB takes the data of reads and of writes (CMBSZ.RDS "
			"and "
			"WDS).",
			"%s does not take the data of %s (CMBSZ.%s)", provider->name,
			has_rds           ? "writes"
				: has_wds ? "reads"
					  : "reads or writes",
			has_rds           ? "WDS"
				: has_wds ? "RDS"
					  : "RDS/WDS");
	else if (!provider->has_p2pmem)
		np_doc_fault(report, finding, NP_DOC_IMPOSSIBLE,
			"See what dmesg says of the drive's CMB: it must begin and end at "
			"multiples "
			"of 2 MiB, and the kernel needs CONFIG_PCI_P2PDMA.",
			"the kernel did not register %s as peer memory", provider->name);
	else
		np_doc_fault(report, finding, NP_DOC_IMPOSSIBLE, "",
			"%s: its driver keeps its memory for itself", provider->name);
}

static void judge_room(const struct np_doc_facts *facts, const struct np_doc_provider *provider,
	struct np_doc_report *report, struct np_doc_finding *finding)
{
	if (provider->available_bytes >= 8 * NP_PAGE_BYTES)
		return;
	/* Who holds it may be doing P2P. */
	finding->is_sure = false;
	if (provider->cmbsz & CMBSZ_SQS && facts->host.uses_cmb_sqes == NP_DOC_YES)
		np_doc_fault(report, finding, NP_DOC_IMPOSSIBLE,
			"Keep submission queues out of the CMB: kernel parameter "
			"nvme.use_cmb_sqes=0, or free what else holds the memory.",
			"all of %s is taken, at least in part by the kernel's submission queues",
			provider->name);
	else
		np_doc_fault(report, finding, NP_DOC_IMPOSSIBLE,
			"End what holds the peer memory: another target, or a daemon that does not "
			"answer at the control socket.",
			"all of %s is taken", provider->name);
}

static void judge_process(const struct np_doc_facts *facts, const struct np_doc_provider *provider,
	struct np_doc_report *report, struct np_doc_finding *finding)
{
	const struct np_doc_host *host = &facts->host;

	if (provider->can_allocate == NP_DOC_NO)
		np_doc_fault(report, finding, NP_DOC_IMPOSSIBLE,
			"Give this container or service write access to sysfs (p2pmem/allocate).",
			"root may not map %s here", provider->name);
	/* Others than root see no obstacle for the daemon, which is root's. */
	if (host->is_root && !host->has_ipc_lock && host->memlock_bytes < MEMLOCK_NEEDED_BYTES)
		np_doc_fault(report, finding, NP_DOC_IMPOSSIBLE,
			"Raise the limit on locked memory (ulimit -l, LimitMEMLOCK=) to 128 MiB or "
			"more, or grant CAP_IPC_LOCK.",
			"only %llu KiB of memory may be locked, less than the daemon registers",
			(unsigned long long)(host->memlock_bytes >> 10));
}

void np_doc_judge_provider(const struct np_doc_facts *facts, const struct np_doc_provider *provider,
	struct np_doc_report *report, struct np_doc_finding *finding)
{
	if (provider->kind == NP_DOC_DAX) {
		np_doc_fault(report, finding, NP_DOC_STAGED,
			"List the dax device in daemon.memory[] of the configuration, unless it "
			"holds anything: that would be overwritten.",
			"a dax device is used only where it is listed");
		return;
	}
	np_doc_judge_kernel(&facts->host, report, finding);
	if (!provider->has_p2pmem || !provider->is_published)
		judge_unpublished(provider, report, finding);
	else
		judge_room(facts, provider, report, finding);
	judge_process(facts, provider, report, finding);
}
