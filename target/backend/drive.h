/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * drive.h - what sysfs says of a block device or an NVMe generic device.
 *
 * Thread: control.
 * Depends: sysfs.
 */
#ifndef NP_BACKEND_DRIVE_H
#define NP_BACKEND_DRIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct np_drive {
	char block_path[64];   /* "/dev/nvme0n1", "" if the device has no block device */
	char generic_path[64]; /* "/dev/ng0n1", "" unless it is an NVMe namespace */
	char pci[16];          /* PCI address of its controller, "" if it has none */
	char ctrl_path[32];    /* "/dev/nvme0", that controller, "" likewise */
	uint32_t max_hw_bytes; /* of one command; 0 if unknown */
	uint32_t max_bytes;    /* as the kernel makes them of block I/O; 0 if unknown */
	uint32_t max_segments; /* data segments of one command; 0 if unknown */
	/*
	 * Of one command, by the drive's own limits and the kernel's list of drives that do it
	 * wrong. 0: there is no command for it.
	 */
	uint64_t max_zeroes_bytes, max_deallocate_bytes;
	uint64_t size_bytes;  /* of the block device, 0 if it has none */
	bool has_write_cache; /* volatile */
	bool is_rotational;
	bool is_zoned;
	bool has_poll_queues;
};

/**
 * np_drive_probe() - identify the device at @path
 * @path: a block device or an NVMe generic character device; links are followed
 *
 * Return: 0, -ENODEV if it is neither, or -errno of reaching it.
 */
int np_drive_probe(const char *path, struct np_drive *ret_drive);

/**
 * np_drive_cut_to_segments() - how much of @bytes one command has segments for
 *
 * A buffer of normal host pages needs a segment for each page.
 * Return: @bytes or less.
 */
uint32_t np_drive_cut_to_segments(const struct np_drive *drive, uint32_t bytes);

#endif
