// SPDX-License-Identifier: BSD-3-Clause
/*
 * doctor_drives.c - NVMe drives and their namespaces; device memory of drives and others.
 *
 * Thread: the only one.
 * Depends: libnvme, sysfs, target/backend/drive.h.
 */
#include <dirent.h>
#include <errno.h>
#include <libnvme.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/backend/drive.h"
#include "tools/nvmet-p2p-cli/doctor_facts.h"

#define PCI_DIR NP_SYSFS "/bus/pci/devices"

/* CMBSZ. Spec: NVM Express Base 2.0, 3.1.3.12. */
enum {
	CMBSZ_UNIT_SHIFT = 8,
	CMBSZ_UNIT_MASK = 0xf,
	CMBSZ_SIZE_SHIFT = 12,
};

/* Reads the number in @dir/@file. Return: 0 or -errno. */
static int read_number(const char *dir, const char *file, uint64_t *ret_value)
{
	char path[512], text[32];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	fclose(f);
	if (!text[0])
		return -EIO;
	*ret_value = strtoull(text, NULL, 0);
	return 0;
}

/* ---- drives ------------------------------------------------------------------------------- */

struct controllers {
	nvme_ctrl_t *list;
	unsigned int nlist;
};

/* A namespace belongs to the controller with its PCI address. */
static void add_namespace(
	struct np_doc_facts *facts, const struct controllers *controllers, const char *name)
{
	struct np_doc_drive *found;
	struct np_drive drive;
	char path[300];

	snprintf(path, sizeof(path), "/dev/%s", name);
	if (np_drive_probe(path, &drive)) {
		np_doc_unseen(facts, "namespace %s: it has no device node", name);
		return;
	}
	/* What another target exports has no memory near it. */
	if (!drive.pci[0])
		return;
	found = NP_DOC_ADD(facts, drives);
	snprintf(found->name, sizeof(found->name), "%.63s", name);
	np_doc_place(facts, drive.pci, &found->place);
	for (unsigned int i = 0; i < controllers->nlist; i++) {
		nvme_ctrl_t controller = controllers->list[i];
		const char *model = nvme_ctrl_get_model(controller);

		if (strcmp(nvme_ctrl_get_address(controller), drive.pci))
			continue;
		snprintf(found->controller, sizeof(found->controller), "%.63s",
			nvme_ctrl_get_name(controller));
		snprintf(found->model, sizeof(found->model), "%.63s", model ? model : "");
	}
}

static bool is_namespace(const char *name)
{
	unsigned int instance, head;
	int end = 0;

	return sscanf(name, "nvme%un%u%n", &instance, &head, &end) == 2 && !name[end];
}

/*
 * libnvme lists a namespace only if it may open it, and some versions need the device for that:
 * the names are sysfs's.
 */
static void add_namespaces(struct np_doc_facts *facts, const struct controllers *controllers)
{
	struct dirent **names;
	int n = scandir(NP_SYSFS "/class/block", &names, NULL, versionsort);

	if (n < 0)
		np_doc_blind(facts, "drives: " NP_SYSFS "/class/block: %s", strerror(errno));
	for (int i = 0; i < n; i++) {
		if (is_namespace(names[i]->d_name))
			add_namespace(facts, controllers, names[i]->d_name);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

void np_doc_find_drives(struct np_doc_facts *facts)
{
	struct controllers controllers = {.list = NULL};
	nvme_root_t root = nvme_scan(NULL);
	nvme_subsystem_t subsystem;
	nvme_host_t host;
	nvme_ctrl_t controller;

	if (root) {
		nvme_for_each_host(root, host)
		{
			nvme_for_each_subsystem(host, subsystem)
			{
				nvme_subsystem_for_each_ctrl(subsystem, controller)
				{
					if (nvme_ctrl_get_address(controller))
						*NP_DOC_ADD(&controllers, list) = controller;
				}
			}
		}
	}
	add_namespaces(facts, &controllers);
	free(controllers.list);
	if (root)
		nvme_free_tree(root);
}

/* ---- memory ------------------------------------------------------------------------------- */

/* Is there a controller at this address? Its CMB registers then are in @provider. */
static void read_cmb(const char *pci, struct np_doc_provider *provider)
{
	char dir[300], unit_shift;
	struct dirent *entry;
	uint64_t value = 0;
	DIR *nvme;

	snprintf(dir, sizeof(dir), PCI_DIR "/%.15s/nvme", pci);
	nvme = opendir(dir);
	if (!nvme)
		return;
	while ((entry = readdir(nvme)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(dir, sizeof(dir), PCI_DIR "/%.15s/nvme/%.200s", pci, entry->d_name);
		provider->kind = NP_DOC_CMB;
		if (read_number(dir, "cmbsz", &value))
			continue;
		provider->has_cmbsz = true;
		provider->cmbsz = (uint32_t)value;
		unit_shift =
			(char)(12 + 4 * (provider->cmbsz >> CMBSZ_UNIT_SHIFT & CMBSZ_UNIT_MASK));
		provider->size_bytes = (uint64_t)(provider->cmbsz >> CMBSZ_SIZE_SHIFT)
			<< unit_shift;
		if (!read_number(dir, "cmbloc", &value))
			provider->cmbloc = (uint32_t)value;
	}
	closedir(nvme);
}

static void read_p2pmem(const char *pci, struct np_doc_provider *provider)
{
	char dir[128], path[160];
	uint64_t value = 0;

	snprintf(dir, sizeof(dir), PCI_DIR "/%.15s/p2pmem", pci);
	if (read_number(dir, "size", &provider->size_bytes))
		return;
	provider->has_p2pmem = true;
	read_number(dir, "available", &provider->available_bytes);
	provider->is_published = !read_number(dir, "published", &value) && value;
	snprintf(path, sizeof(path), "%s/allocate", dir);
	if (!access(path, R_OK | W_OK))
		provider->can_allocate = NP_DOC_YES;
	else
		provider->can_allocate = geteuid() ? NP_DOC_UNSEEN : NP_DOC_NO;
}

static void add_pci(struct np_doc_facts *facts, const char *pci)
{
	struct np_doc_provider found = {.kind = NP_DOC_P2PMEM}, *provider;

	read_cmb(pci, &found);
	read_p2pmem(pci, &found);
	if (!found.has_p2pmem && !found.has_cmbsz)
		return;
	snprintf(found.name, sizeof(found.name), "%s %.15s",
		found.kind == NP_DOC_CMB ? "cmb" : "p2pmem", pci);
	provider = NP_DOC_ADD(facts, providers);
	*provider = found;
	np_doc_place(facts, pci, &provider->place);
}

static void add_dax(struct np_doc_facts *facts, const char *name)
{
	struct np_doc_provider *provider = NP_DOC_ADD(facts, providers);
	char dir[300];

	provider->kind = NP_DOC_DAX;
	snprintf(provider->name, sizeof(provider->name), "dax %.50s", name);
	snprintf(dir, sizeof(dir), NP_SYSFS "/bus/dax/devices/%.200s", name);
	if (!read_number(dir, "size", &provider->size_bytes))
		provider->available_bytes = provider->size_bytes;
}

/* Calls @add for each entry of @dir; a folder that is missing has none. */
static void for_each_entry(struct np_doc_facts *facts, const char *dir,
	void (*add)(struct np_doc_facts *facts, const char *name))
{
	struct dirent **names;
	int n = scandir(dir, &names, NULL, versionsort);

	if (n < 0 && errno != ENOENT)
		np_doc_blind(facts, "%s: %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.')
			add(facts, names[i]->d_name);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

void np_doc_find_providers(struct np_doc_facts *facts)
{
	for_each_entry(facts, PCI_DIR, add_pci);
	for_each_entry(facts, NP_SYSFS "/bus/dax/devices", add_dax);
}
