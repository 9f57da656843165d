// SPDX-License-Identifier: BSD-3-Clause
/*
 * drive.c - what sysfs says of a block device or an NVMe generic device.
 *
 * Thread: control.
 * Depends: sysfs, mem.h.
 */
#include "target/backend/drive.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/memory/mem.h"

/* Reads the first line of @dir/@file without its newline. Return: 0 or -errno. */
static int np_sysfs_read(const char *dir, const char *file, char *ret_text, size_t size)
{
	char path[PATH_MAX];
	FILE *f;

	if (snprintf(path, sizeof(path), "%s/%s", dir, file) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	f = fopen(path, "re");
	if (!f)
		return -errno;
	if (!fgets(ret_text, (int)size, f))
		ret_text[0] = '\0';
	fclose(f);
	ret_text[strcspn(ret_text, "\n")] = '\0';
	return 0;
}

/* Return: 0 if there is no such number. */
static uint64_t np_sysfs_read_u64(const char *dir, const char *file)
{
	char text[32];

	return np_sysfs_read(dir, file, text, sizeof(text)) ? 0 : strtoull(text, NULL, 0);
}

static bool np_is_pci_address(const char *text)
{
	unsigned int domain, bus, dev, fn;
	int end = 0;

	return sscanf(text, "%4x:%2x:%2x.%1x%n", &domain, &bus, &dev, &fn, &end) == 4 && !text[end];
}

/* Takes the "address" of an NVMe controller below @dir, if its transport is PCIe. */
static bool np_drive_take_address(const char *dir, struct np_drive *drive)
{
	char address[sizeof(drive->pci)], real[PATH_MAX];
	unsigned int instance;

	if (np_sysfs_read(dir, "address", address, sizeof(address)) || !np_is_pci_address(address))
		return false;
	memcpy(drive->pci, address, sizeof(address));
	if (realpath(dir, real) && sscanf(strrchr(real, '/'), "/nvme%u", &instance) == 1)
		snprintf(drive->ctrl_path, sizeof(drive->ctrl_path), "/dev/nvme%u", instance);
	return true;
}

/*
 * A namespace lies below its controller, or, with native multipath, below a subsystem that links
 * to its controllers.
 */
static void np_drive_find_pci(const char *sysfs_dir, struct np_drive *drive)
{
	char parent[PATH_MAX], child[PATH_MAX + NAME_MAX + 2];
	struct dirent *entry;
	DIR *dir;

	snprintf(parent, sizeof(parent), "%.*s/device", PATH_MAX - 16, sysfs_dir);
	if (np_drive_take_address(parent, drive))
		return;
	dir = opendir(parent);
	if (!dir)
		return;
	while ((entry = readdir(dir)) != NULL && !drive->pci[0]) {
		if (strncmp(entry->d_name, "nvme", 4))
			continue;
		snprintf(child, sizeof(child), "%s/%s", parent, entry->d_name);
		np_drive_take_address(child, drive);
	}
	closedir(dir);
}

static void np_drive_read_queue(const char *block_dir, struct np_drive *drive)
{
	char queue[PATH_MAX], text[32];

	/* A partition has no queue of its own. */
	snprintf(queue, sizeof(queue), "%.*s/queue", PATH_MAX - 16, block_dir);
	if (access(queue, F_OK))
		snprintf(queue, sizeof(queue), "%.*s/../queue", PATH_MAX - 16, block_dir);
	drive->max_hw_bytes = (uint32_t)np_sysfs_read_u64(queue, "max_hw_sectors_kb") * 1024;
	drive->max_bytes = (uint32_t)np_sysfs_read_u64(queue, "max_sectors_kb") * 1024;
	drive->max_segments = (uint32_t)np_sysfs_read_u64(queue, "max_segments");
	drive->max_zeroes_bytes = np_sysfs_read_u64(queue, "write_zeroes_max_bytes");
	drive->max_deallocate_bytes = np_sysfs_read_u64(queue, "discard_max_hw_bytes");
	drive->is_rotational = np_sysfs_read_u64(queue, "rotational");
	drive->has_write_cache = !np_sysfs_read(queue, "write_cache", text, sizeof(text)) &&
		!strcmp(text, "write back");
	drive->has_poll_queues = np_sysfs_read_u64(queue, "io_poll");
	drive->is_zoned =
		!np_sysfs_read(queue, "zoned", text, sizeof(text)) && strcmp(text, "none") != 0;
}

/* Sets the pair of device nodes from either name: nvme0n1 <-> ng0n1. */
static void np_drive_pair(const char *name, struct np_drive *drive)
{
	unsigned int instance, head;
	struct stat st;
	int end = 0;

	if ((sscanf(name, "nvme%un%u%n", &instance, &head, &end) != 2 &&
		    sscanf(name, "ng%un%u%n", &instance, &head, &end) != 2) ||
		name[end])
		return;
	snprintf(drive->generic_path, sizeof(drive->generic_path), "/dev/ng%un%u", instance, head);
	snprintf(drive->block_path, sizeof(drive->block_path), "/dev/nvme%un%u", instance, head);
	if (stat(drive->generic_path, &st) || !S_ISCHR(st.st_mode))
		drive->generic_path[0] = '\0';
	if (stat(drive->block_path, &st) || !S_ISBLK(st.st_mode))
		drive->block_path[0] = '\0';
}

uint32_t np_drive_cut_to_segments(const struct np_drive *drive, uint32_t bytes)
{
	const uint64_t most = (uint64_t)drive->max_segments * NP_PAGE_BYTES;

	return most && most < bytes ? (uint32_t)most : bytes;
}

int np_drive_probe(const char *path, struct np_drive *ret_drive)
{
	struct np_drive drive = {0};
	char real[PATH_MAX], dir[PATH_MAX + 32];
	const char *name;
	struct stat st;

	if (!realpath(path, real) || stat(real, &st))
		return -errno;
	if (!S_ISBLK(st.st_mode) && !S_ISCHR(st.st_mode))
		return -ENODEV;
	name = strrchr(real, '/') + 1;
	np_drive_pair(name, &drive);
	if (S_ISCHR(st.st_mode) && !drive.generic_path[0])
		return -ENODEV;
	if (S_ISBLK(st.st_mode) && !drive.block_path[0])
		snprintf(drive.block_path, sizeof(drive.block_path), "%.63s", real);
	if (drive.block_path[0]) {
		snprintf(dir, sizeof(dir), "/sys/class/block/%s",
			strrchr(drive.block_path, '/') + 1);
		np_drive_read_queue(dir, &drive);
		drive.size_bytes = np_sysfs_read_u64(dir, "size") * 512;
	} else {
		snprintf(dir, sizeof(dir), "/sys/class/nvme-generic/%s", name);
	}
	if (drive.generic_path[0])
		np_drive_find_pci(dir, &drive);
	*ret_drive = drive;
	return 0;
}
