/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doctor_judge.h - what works on this machine, why the rest does not, and what to do about it.
 *
 * Pure: facts in, a report out.
 *
 * Thread: the only one. Running out of memory ends the program.
 * Depends: doctor_facts.h.
 */
#ifndef NP_CLI_DOCTOR_JUDGE_H
#define NP_CLI_DOCTOR_JUDGE_H

#include "target/topology/distance.h"
#include "tools/nvmet-p2p-cli/doctor_facts.h"

/* The best first. */
enum np_doc_verdict {
	NP_DOC_WORKS,
	NP_DOC_QUIRK,      /* within limits that the reason names */
	NP_DOC_STAGED,     /* all parts are there, but data goes through host memory */
	NP_DOC_IMPOSSIBLE, /* something is missing */
};

/* How one knows. The weakest first. */
enum np_doc_basis {
	NP_DOC_EXPECTED, /* by what can be seen; no byte was compared */
	NP_DOC_DAEMON,   /* a running daemon compared bytes */
	NP_DOC_TESTED,   /* this run did */
};

/* The numbers are exit codes. */
enum np_doc_result {
	NP_DOC_P2P = 0,
	NP_DOC_NO_P2P = 1,
	NP_DOC_CANNOT_TELL = 2,
};

#define NP_DOC_MAX_ADVICE 8

/* A provider with an RNIC, or with a drive; or both together. */
struct np_doc_finding {
	enum np_doc_verdict verdict;
	enum np_doc_basis basis;
	bool is_sure; /* whatever could not be seen would not change the verdict */
	char reason[640];
	unsigned int advice[NP_DOC_MAX_ADVICE]; /* indices into the report's */
	unsigned int nadvice;
};

struct np_doc_pair {
	struct np_doc_finding finding;
	bool has_distance;
	struct np_pci_distance distance;
};

/* Indices into the arrays of the facts. */
struct np_doc_cell {
	unsigned int rnic, provider, drive;
	struct np_doc_finding finding;
	char rnic_way[64], drive_way[64]; /* "same switch, 4 hops"; "" if unseen */
};

struct np_doc_report {
	struct np_doc_cell *cells; /* by provider, then RNIC, then drive */
	unsigned int ncells;
	char **advice;
	unsigned int nadvice;
	enum np_doc_result result;
	char summary[256]; /* one sentence */
};

/* Judges every RNIC with every provider and every drive. */
void np_doc_judge(const struct np_doc_facts *facts, struct np_doc_report *ret_report);

/* One provider with one RNIC, or with one drive; for np_doc_judge() and its tests. */
void np_doc_judge_rnic(const struct np_doc_facts *facts, const struct np_doc_provider *provider,
	const struct np_doc_rnic *rnic, struct np_doc_report *report, struct np_doc_pair *ret_pair);
void np_doc_judge_drive(const struct np_doc_facts *facts, const struct np_doc_provider *provider,
	const struct np_doc_drive *drive, struct np_doc_report *report,
	struct np_doc_pair *ret_pair);

void np_doc_report_fini(struct np_doc_report *report);

/* "works", "quirk", "staged", "impossible". */
const char *np_doc_verdict_name(enum np_doc_verdict verdict);

/* "expected", "daemon", "tested". */
const char *np_doc_basis_name(enum np_doc_basis basis);

/* Lowers the verdict to @verdict, keeps the reason of the worst, adds @advice unless it is "". */
void np_doc_fault(struct np_doc_report *report, struct np_doc_finding *finding,
	enum np_doc_verdict verdict, const char *advice, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* What is wrong with the kernel. */
void np_doc_judge_kernel(const struct np_doc_host *host, struct np_doc_report *report,
	struct np_doc_finding *finding);

/* What is wrong with a provider whoever uses it. */
void np_doc_judge_provider(const struct np_doc_facts *facts, const struct np_doc_provider *provider,
	struct np_doc_report *report, struct np_doc_finding *finding);

#endif
