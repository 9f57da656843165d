// SPDX-License-Identifier: BSD-3-Clause
/*
 * cmb.c - peer memory of a PCIe device, such as an NVMe drive's Controller Memory Buffer.
 *
 * Mapping `p2pmem/allocate` of the device in sysfs allocates its peer memory; the mapping is the
 * allocation. Since Linux 6.2 (drivers/pci/p2pdma.c, p2pmem_alloc_mmap()). The mapping must be
 * shared and begin at offset 0. Its pages refuse a long-term pin (mm/gup.c), so an RDMA device
 * can register them only on demand (ODP).
 *
 * Thread: control.
 * Depends: mem.h, sysfs.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target/memory/mem.h"

#define NP_PCI_DIR "/sys/bus/pci/devices"
#define NP_CMB_DEFAULT_BYTES (64u * 1024u * 1024u)

/* Reads the number in @file of the device's p2pmem folder. Return: 0 or -errno. */
static int np_cmb_read(const char *pci, const char *file, unsigned long long *ret_value)
{
	char path[128], text[32];
	FILE *f;

	snprintf(path, sizeof(path), NP_PCI_DIR "/%s/p2pmem/%s", pci, file);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	if (!fgets(text, sizeof(text), f)) {
		fclose(f);
		return -EIO;
	}
	fclose(f);
	*ret_value = strtoull(text, NULL, 0);
	return 0;
}

/* Why does @pci offer no peer memory? The answer is for the operator. */
static void np_cmb_explain(const char *pci, char *why, size_t why_size)
{
	char path[128];

	snprintf(path, sizeof(path), NP_PCI_DIR "/%s", pci);
	if (access(path, F_OK)) {
		snprintf(why, why_size, "there is no PCI device %s", pci);
		return;
	}
	snprintf(path, sizeof(path), NP_PCI_DIR "/%s/p2pmem", pci);
	if (access(path, F_OK)) {
		snprintf(why, why_size,
			"%s has no peer memory: no CMB, a CMB without read and write data support "
			"(CMBSZ.RDS/WDS), or a kernel without CONFIG_PCI_P2PDMA",
			pci);
		return;
	}
	snprintf(why, why_size, "%s: cannot read its p2pmem folder in sysfs", pci);
}

/* How much of @wanted can be had: whole pages, at most what is free. */
static int np_cmb_size(
	const char *pci, size_t wanted, size_t *ret_bytes, size_t *ret_all, char *why, size_t size)
{
	unsigned long long all = 0, available = 0, published = 0;

	if (np_cmb_read(pci, "size", &all) || np_cmb_read(pci, "available", &available) ||
		np_cmb_read(pci, "published", &published)) {
		np_cmb_explain(pci, why, size);
		return -ENODEV;
	}
	if (!published) {
		snprintf(why, size, "%s keeps its peer memory for its driver alone", pci);
		return -EPERM;
	}
	if (!wanted)
		wanted = NP_CMB_DEFAULT_BYTES;
	*ret_bytes =
		(wanted < available ? wanted : (size_t)available) / NP_PAGE_BYTES * NP_PAGE_BYTES;
	*ret_all = (size_t)all;
	if (!*ret_bytes) {
		snprintf(why, size, "all %llu bytes of the peer memory of %s are taken", all, pci);
		return -ENOSPC;
	}
	return 0;
}

static int np_cmb_map(const char *pci, size_t bytes, void **ret_va, char *why, size_t why_size)
{
	char path[128];
	int fd, err;
	void *va;

	snprintf(path, sizeof(path), NP_PCI_DIR "/%s/p2pmem/allocate", pci);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		err = errno;
		snprintf(why, why_size, "%s: %s (needs root and Linux 6.2 or later)", path,
			strerror(err));
		return -err;
	}
	va = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	err = errno;
	close(fd);
	if (va == MAP_FAILED) {
		snprintf(why, why_size, "cannot map %zu bytes of the peer memory of %s: %s", bytes,
			pci, strerror(err));
		return -err;
	}
	*ret_va = va;
	return 0;
}

static int np_cmb_open(
	struct np_mem_region *region, const struct np_mem_want *want, char *why, size_t why_size)
{
	const char *where = want->where;
	int ret;

	ret = np_cmb_size(where, want->bytes, &region->bytes, &region->device_bytes, why, why_size);
	if (ret)
		return ret;
	/* The allocator may be fragmented, or others be quicker: ask for less until it fits. */
	do {
		ret = np_cmb_map(where, region->bytes, &region->va, why, why_size);
		if (ret != -ENOMEM)
			break;
		region->bytes = region->bytes / 2 / NP_PAGE_BYTES * NP_PAGE_BYTES;
	} while (region->bytes);
	if (ret)
		return ret;
	region->reg_kind = NP_MEM_REG_ODP;
	region->is_peer = region->is_optional = true;
	snprintf(region->pci, sizeof(region->pci), "%s", where);
	snprintf(region->name, sizeof(region->name), "cmb %s", where);
	return 0;
}

static void np_cmb_close(struct np_mem_region *region)
{
	munmap(region->va, region->bytes);
}

const struct np_mem_ops np_mem_cmb_ops = {
	.name = "cmb",
	.open = np_cmb_open,
	.close = np_cmb_close,
};

int np_mem_cmb_list(char (*ret_pci)[16], unsigned int max)
{
	unsigned long long published = 0;
	unsigned int count = 0;
	struct dirent *entry;
	DIR *dir;

	dir = opendir(NP_PCI_DIR);
	if (!dir)
		return -errno;
	while (count < max && (entry = readdir(dir)) != NULL) {
		if (strlen(entry->d_name) >= sizeof(*ret_pci))
			continue;
		if (np_cmb_read(entry->d_name, "published", &published) || !published)
			continue;
		memcpy(ret_pci[count++], entry->d_name, strlen(entry->d_name) + 1);
	}
	closedir(dir);
	return (int)count;
}
