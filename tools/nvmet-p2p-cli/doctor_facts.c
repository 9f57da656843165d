// SPDX-License-Identifier: BSD-3-Clause
/*
 * doctor_facts.c - the container of the doctor's facts; the kernel and this process.
 *
 * Thread: the only one.
 * Depends: procfs, target/topology.
 */
#include "tools/nvmet-p2p-cli/doctor_facts.h"

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "target/topology/host_bridge.h"

/* ---- the container ------------------------------------------------------------------------ */

static void need(const void *memory)
{
	if (!memory) {
		fputs("nvmet-p2p-cli: out of memory\n", stderr);
		exit(2);
	}
}

char *np_doc_copy(const char *text)
{
	char *copy = strdup(text);

	need(copy);
	return copy;
}

void *np_doc_grow(void *array, unsigned int *count, size_t size)
{
	char *grown = realloc(array, (*count + 1) * size);

	need(grown);
	memset(grown + *count * size, 0, size);
	(*count)++;
	return grown;
}

void np_doc_unseen(struct np_doc_facts *facts, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (unsigned int i = 0; i < facts->nunseen; i++) {
		if (!strcmp(facts->unseen[i], text))
			return;
	}
	*NP_DOC_ADD(facts, unseen) = np_doc_copy(text);
}

void np_doc_place(struct np_doc_facts *facts, const char *pci, struct np_doc_place *place)
{
	int err;

	snprintf(place->pci, sizeof(place->pci), "%.15s", pci);
	if (!pci[0])
		return;
	err = np_pci_probe(NP_SYSFS, pci, &place->dev);
	place->is_known = !err;
	if (err)
		np_doc_unseen(facts, "where PCI device %s is: %s", pci, strerror(-err));
}

const char *np_doc_drive_name(const char *path, char *ret_name, size_t size)
{
	char real[PATH_MAX];
	const char *whole = realpath(path, real) ? real : path;
	const char *slash = strrchr(whole, '/');
	const char *name = slash ? slash + 1 : whole;
	unsigned int instance, head;
	int end = 0;

	if (sscanf(name, "ng%un%u%n", &instance, &head, &end) == 2 && !name[end])
		snprintf(ret_name, size, "nvme%un%u", instance, head);
	else
		snprintf(ret_name, size, "%s", name);
	return ret_name;
}

void np_doc_facts_fini(struct np_doc_facts *facts)
{
	for (unsigned int i = 0; i < facts->nunseen; i++)
		free(facts->unseen[i]);
	free(facts->unseen);
	free(facts->rnics);
	free(facts->drives);
	free(facts->providers);
	free(facts->notes);
}

/* ---- the kernel --------------------------------------------------------------------------- */

/* Looks @option up in the lines of @config. A kernel lists what is off, or leaves it out. */
static enum np_doc_answer has_option(FILE *config, const char *option)
{
	enum np_doc_answer answer = NP_DOC_NO;
	char line[256];
	size_t len = strlen(option);

	rewind(config);
	while (fgets(line, sizeof(line), config)) {
		if (!strncmp(line, option, len) && line[len] == '=')
			answer = line[len + 1] == 'y' || line[len + 1] == 'm' ? NP_DOC_YES
									      : NP_DOC_NO;
	}
	return answer;
}

/* Return: the kernel's configuration as a file that can be rewound, or NULL. */
static FILE *open_config(const char *release)
{
	char path[256], bytes[4096];
	FILE *config, *pipe_in;
	size_t n, total = 0;

	snprintf(path, sizeof(path), "/boot/config-%s", release);
	config = fopen(path, "re");
	if (config || access("/proc/config.gz", R_OK))
		return config;
	pipe_in = popen("gzip -cd /proc/config.gz 2>/dev/null", "re");
	config = tmpfile();
	while (pipe_in && config && (n = fread(bytes, 1, sizeof(bytes), pipe_in)) > 0)
		total += fwrite(bytes, 1, n, config);
	if (pipe_in)
		pclose(pipe_in);
	if (config && !total) {
		fclose(config);
		config = NULL;
	}
	return config;
}

static void find_kernel(struct np_doc_facts *facts)
{
	struct np_doc_host *host = &facts->host;
	struct utsname name;
	FILE *config, *f;
	int c;

	uname(&name);
	snprintf(host->release, sizeof(host->release), "%.63s", name.release);
	if (sscanf(host->release, "%u.%u", &host->major, &host->minor) != 2)
		np_doc_unseen(facts, "the kernel's version, in \"%s\"", host->release);
	config = open_config(host->release);
	if (config) {
		host->has_p2pdma = has_option(config, "CONFIG_PCI_P2PDMA");
		host->has_odp = has_option(config, "CONFIG_INFINIBAND_ON_DEMAND_PAGING");
		fclose(config);
	}
	f = fopen("/sys/module/nvme/parameters/use_cmb_sqes", "re");
	if (f) {
		c = fgetc(f);
		host->uses_cmb_sqes = c == 'Y' ? NP_DOC_YES : NP_DOC_NO;
		fclose(f);
	}
}

void np_doc_infer(struct np_doc_facts *facts)
{
	struct np_doc_host *host = &facts->host;

	for (unsigned int i = 0; i < facts->nproviders; i++) {
		if (facts->providers[i].has_p2pmem)
			host->has_p2pdma = NP_DOC_YES;
	}
	/* A driver announces it only where the kernel has it. */
	for (unsigned int i = 0; i < facts->nrnics; i++) {
		if (facts->rnics[i].has_odp == NP_DOC_YES)
			host->has_odp = NP_DOC_YES;
	}
	if (host->has_p2pdma == NP_DOC_UNSEEN || host->has_odp == NP_DOC_UNSEEN)
		np_doc_unseen(facts,
			"the kernel's configuration: neither /proc/config.gz nor /boot/config-%s "
			"can be read",
			host->release);
}

/* ---- this process ------------------------------------------------------------------------- */

static bool has_capability(unsigned int capability)
{
	unsigned long long effective = 0;
	char line[256];
	FILE *f = fopen("/proc/self/status", "re");

	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "CapEff: %llx", &effective) == 1)
			break;
	}
	fclose(f);
	return effective >> capability & 1;
}

void np_doc_find_host(struct np_doc_facts *facts)
{
	struct np_doc_host *host = &facts->host;
	struct rlimit limit;
	int err;

	find_kernel(facts);
	host->is_root = geteuid() == 0;
	host->has_ipc_lock = has_capability(CAP_IPC_LOCK);
	host->memlock_bytes = UINT64_MAX;
	if (!getrlimit(RLIMIT_MEMLOCK, &limit) && limit.rlim_cur != RLIM_INFINITY)
		host->memlock_bytes = limit.rlim_cur;
	err = np_host_bridge_read_cpu(NP_PROCFS, &host->cpu_is_listed);
	if (err)
		np_doc_unseen(facts, "the kind of CPU: %s", strerror(-err));
}
