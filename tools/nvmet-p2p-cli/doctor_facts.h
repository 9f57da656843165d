/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doctor_facts.h - what the doctor knows of this machine, as plain data, and who finds it out.
 *
 * Thread: the only one. Running out of memory ends the program.
 * Depends: target/topology.
 */
#ifndef NP_CLI_DOCTOR_FACTS_H
#define NP_CLI_DOCTOR_FACTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "target/memory/mem.h"
#include "target/topology/pci.h"

/* What was looked for may also not have been to be seen. */
enum np_doc_answer {
	NP_DOC_UNSEEN,
	NP_DOC_NO,
	NP_DOC_YES,
};

struct np_doc_host {
	char release[64]; /* of the kernel */
	unsigned int major, minor;
	enum np_doc_answer has_p2pdma;    /* CONFIG_PCI_P2PDMA */
	enum np_doc_answer has_odp;       /* CONFIG_INFINIBAND_ON_DEMAND_PAGING */
	enum np_doc_answer uses_cmb_sqes; /* nvme.use_cmb_sqes */
	bool is_root;
	bool has_ipc_lock;      /* CAP_IPC_LOCK: the limit below does not hold */
	uint64_t memlock_bytes; /* UINT64_MAX: no limit */
	bool cpu_is_listed;     /* np_host_bridge_read_cpu() */
};

/* Where something is; one that is not on PCI has no address. */
struct np_doc_place {
	char pci[NP_PCI_ADDRESS_BYTES];
	bool is_known; /* dev is valid */
	struct np_pci_dev dev;
};

struct np_doc_rnic {
	char name[64];
	struct np_doc_place place;
	enum np_doc_answer has_odp; /* for RC READ and WRITE */
	enum np_doc_answer has_dmabuf;
	bool is_iwarp;
	enum np_doc_answer is_active; /* has a port that is */
	uint32_t path_mtu;            /* of that port; bytes, 0 if unseen */
	char netdev[32];              /* "" if it has none */
	uint32_t netdev_mtu;          /* bytes, 0 if unseen */
	char why[128];                /* what could not be seen */
};

struct np_doc_drive {
	char name[64]; /* "nvme0n1": the namespace */
	char controller[64];
	char model[64];
	struct np_doc_place place;
};

enum np_doc_kind {
	NP_DOC_CMB,    /* of an NVMe drive */
	NP_DOC_P2PMEM, /* of another PCI device */
	NP_DOC_DAX,
};

struct np_doc_provider {
	char name[64]; /* "cmb 0000:01:00.0", as the daemon calls it */
	enum np_doc_kind kind;
	struct np_doc_place place;
	bool has_p2pmem; /* the kernel registered it */
	bool is_published;
	uint64_t size_bytes, available_bytes;
	enum np_doc_answer can_allocate; /* may this process? */
	bool has_cmbsz;
	uint32_t cmbsz, cmbloc;
};

/* A self-test's word on a provider together with an RNIC or a drive. */
struct np_doc_note {
	char pci[NP_PCI_ADDRESS_BYTES]; /* of the provider, or its name; "" for host memory */
	char subject[64];               /* name of the RNIC or drive */
	bool is_rnic;
	bool is_daemons; /* else ours */
	enum np_verdict verdict;
	char reason[192];
};

struct np_doc_facts {
	struct np_doc_host host;
	struct np_doc_rnic *rnics;
	struct np_doc_drive *drives;
	struct np_doc_provider *providers;
	struct np_doc_note *notes;
	unsigned int nrnics, ndrives, nproviders, nnotes;
	char **unseen; /* sentences about what could not be looked at */
	unsigned int nunseen;
	bool is_blind;       /* some of them means that devices may be missing above */
	bool is_daemon_here; /* one answered at the socket */
	bool is_tested;      /* --test was asked for */
};

/* One more element at the end of an array, zeroed. */
void *np_doc_grow(void *array, unsigned int *count, size_t size);
#define NP_DOC_ADD(facts, what)                                          \
	(&((facts)->what = np_doc_grow((facts)->what, &(facts)->n##what, \
		   sizeof(*(facts)->what)))[(facts)->n##what - 1])

/* A copy of @text. */
char *np_doc_copy(const char *text);

/* A sentence about what could not be looked at; the same one is kept once. */
void np_doc_unseen(struct np_doc_facts *facts, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The same for what keeps devices from being found. */
#define np_doc_blind(facts, ...) (np_doc_unseen(facts, __VA_ARGS__), (facts)->is_blind = true)

/* Sets place->pci and the way up. @pci: "" for what is not on PCI. */
void np_doc_place(struct np_doc_facts *facts, const char *pci, struct np_doc_place *place);

/* The kernel, its configuration, this process. */
void np_doc_find_host(struct np_doc_facts *facts);

/* By verbs, and by sysfs what verbs do not tell. */
void np_doc_find_rnics(struct np_doc_facts *facts);

/* NVMe drives on PCI, by libnvme, and their namespaces. */
void np_doc_find_drives(struct np_doc_facts *facts);

/* Device memory: published, unpublished, or in a CMB that the kernel did not take; /dev/dax. */
void np_doc_find_providers(struct np_doc_facts *facts);

/* What follows of the kernel from the devices that it shows, where its configuration is unseen. */
void np_doc_infer(struct np_doc_facts *facts);

/**
 * np_doc_take_notes() - what a daemon's self-tests found
 * @memory: the result of its method "memory"
 */
void np_doc_take_notes(struct np_doc_facts *facts, const json_t *memory);

/**
 * np_doc_test() - test each provider with each RNIC and drive, by the daemon's own self-tests
 *
 * Leaves out the providers that a daemon has. Nothing is written to a drive. Takes seconds.
 */
void np_doc_test(struct np_doc_facts *facts);

/* "nvme0n1" of "/dev/nvme0n1", "/dev/ng0n1" or a link to either. Return: @ret_name. */
const char *np_doc_drive_name(const char *path, char *ret_name, size_t size);

void np_doc_facts_fini(struct np_doc_facts *facts);

#endif
