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
	uint32_t max_hw_bytes; /* of one command; 0 if unknown */
	uint32_t max_segments; /* data segments of one command; 0 if unknown */
	bool has_write_cache;  /* volatile */
	bool has_write_zeroes; /* a command for it: else the kernel writes pages of zeros */
	bool is_zoned;
};

/**
 * np_drive_probe() - identify the device at @path
 * @path: a block device or an NVMe generic character device; links are followed
 *
 * Return: 0, -ENODEV if it is neither, or -errno of reaching it.
 */
int np_drive_probe(const char *path, struct np_drive *ret_drive);

#endif
