// SPDX-License-Identifier: BSD-3-Clause
/*
 * dax.c - memory of a device that the CPU reaches by loads and stores: CXL or persistent memory.
 *
 * Its pages may be pinned for long, so that any RNIC can register them. What was in there is
 * overwritten, and what is in there is not kept: it is a place for data on its way.
 *
 * Thread: control.
 * Depends: dax.h, mem.h, sysfs.
 */
#include "target/memory/dax.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "target/memory/mem.h"
#include "target/topology/pci.h"

#define NP_DAX_DEFAULT_BYTES (64u * 1024u * 1024u)

/* Reads the number in @dir/@file. Return: 0 or -errno. */
static int np_dax_read(const char *dir, const char *file, long long *ret_value)
{
	char path[PATH_MAX], text[32] = "";
	FILE *f;

	if (snprintf(path, sizeof(path), "%s/%s", dir, file) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	f = fopen(path, "re");
	if (!f)
		return -errno;
	*ret_value = fgets(text, sizeof(text), f) ? strtoll(text, NULL, 0) : 0;
	fclose(f);
	return 0;
}

int np_dax_probe(const char *sysfs, unsigned int major, unsigned int minor, struct np_dax *ret_dax)
{
	char path[PATH_MAX], dir[PATH_MAX], bus[PATH_MAX];
	long long bytes = 0, align = 0, node = -1;
	int ret;

	snprintf(path, sizeof(path), "%s/dev/char/%u:%u", sysfs, major, minor);
	if (!realpath(path, dir))
		return errno == ENOENT ? -ENODEV : -errno;
	if (snprintf(path, sizeof(path), "%s/subsystem", dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	if (!realpath(path, bus) || strcmp(strrchr(bus, '/'), "/dax") != 0)
		return -ENODEV;
	ret = np_dax_read(dir, "size", &bytes);
	if (!ret)
		ret = np_dax_read(dir, "align", &align);
	if (ret)
		return ret;
	if (bytes < 0 || align < NP_PAGE_BYTES || align & (align - 1))
		return -EINVAL;
	np_dax_read(dir, "numa_node", &node);
	*ret_dax = (struct np_dax){
		.bytes = (uint64_t)bytes,
		.align_bytes = (uint64_t)align,
		.numa_node = (int)node,
		.is_dram = strstr(dir, "/e820_pmem/") != NULL,
	};
	return 0;
}

size_t np_dax_map_bytes(const struct np_dax *dax, size_t wanted_bytes)
{
	uint64_t units = dax->bytes / dax->align_bytes;
	uint64_t wanted = wanted_bytes ? wanted_bytes : NP_DAX_DEFAULT_BYTES;
	uint64_t wanted_units = wanted / dax->align_bytes + (wanted % dax->align_bytes != 0);

	return (size_t)((wanted_units < units ? wanted_units : units) * dax->align_bytes);
}

/* Opens the device for this process alone. Return: the descriptor, or -errno. */
static int np_dax_take(const char *path, struct np_dax *ret_dax, char *why, size_t why_size)
{
	int fd = open(path, O_RDWR | O_CLOEXEC), ret;
	struct stat st;

	if (fd < 0) {
		ret = -errno;
		snprintf(why, why_size, "%s: %s", path, strerror(-ret));
		return ret;
	}
	ret = -ENODEV;
	if (!fstat(fd, &st) && S_ISCHR(st.st_mode))
		ret = np_dax_probe(NP_SYSFS, major(st.st_rdev), minor(st.st_rdev), ret_dax);
	if (ret) {
		snprintf(why, why_size, "%s is not a dax device: %s", path, strerror(-ret));
		goto err_close;
	}
	/* The kernel maps it for as many as ask, and two would overwrite each other's data. */
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		ret = -errno;
		snprintf(why, why_size, "%s is in use by another process", path);
		goto err_close;
	}
	return fd;

err_close:
	close(fd);
	return ret;
}

static int np_dax_open(
	struct np_mem_region *region, const struct np_mem_want *want, char *why, size_t why_size)
{
	struct np_dax dax = {.align_bytes = NP_PAGE_BYTES};
	int fd = np_dax_take(want->where, &dax, why, why_size), err;
	void *va;

	if (fd < 0)
		return fd;
	region->bytes = np_dax_map_bytes(&dax, want->bytes);
	va = region->bytes ? mmap(NULL, region->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
			   : MAP_FAILED;
	if (va == MAP_FAILED) {
		err = region->bytes ? errno : ENOSPC;
		snprintf(why, why_size, "cannot map %zu of the %llu bytes of %s: %s", region->bytes,
			(unsigned long long)dax.bytes, want->where, strerror(err));
		close(fd);
		return -err;
	}
	region->va = va;
	region->fd = fd;
	region->device_bytes = (size_t)dax.bytes;
	region->numa_node = dax.numa_node;
	region->reg_kind = NP_MEM_REG_PLAIN;
	region->is_peer = !dax.is_dram;
	region->is_optional = true;
	snprintf(region->name, sizeof(region->name), "dax %.59s", want->where);
	return 0;
}

static void np_dax_close(struct np_mem_region *region)
{
	munmap(region->va, region->bytes);
	close(region->fd);
}

const struct np_mem_ops np_mem_dax_ops = {
	.name = "dax",
	.open = np_dax_open,
	.close = np_dax_close,
};
