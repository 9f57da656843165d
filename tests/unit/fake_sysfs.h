/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fake_sysfs.h - a small tree of PCI devices in a temporary folder, laid out as sysfs does it.
 *
 * Thread: the test's.
 * Depends: cmocka.
 */
#ifndef NP_TEST_FAKE_SYSFS_H
#define NP_TEST_FAKE_SYSFS_H

#include <stddef.h>
#include <stdint.h>

/* Device and port types in the PCI Express capability. */
enum {
	FAKE_ENDPOINT = 0x0,
	FAKE_ROOT_PORT = 0x4,
	FAKE_UPSTREAM = 0x5,
	FAKE_DOWNSTREAM = 0x6,
	FAKE_CONVENTIONAL = 0x100, /* no PCI Express capability */
};

#define FAKE_NO_ACS (-1)

struct fake_pci {
	const char *path; /* "pci0000:00/0000:00:01.0/0000:01:00.0" */
	uint32_t class_code;
	uint16_t vendor, device;
	int type;
	int acs_control;   /* FAKE_NO_ACS: no such capability */
	size_t config_len; /* 0: 4096 as for root; 64: as for others */
};

/* Makes the folder. Return: its path, for fake_sysfs_free(). */
char *fake_sysfs_new(void);
void fake_sysfs_free(char *root);

/* Adds a device; those above it come first. */
void fake_sysfs_add(const char *root, const struct fake_pci *pci);

/* Writes @text to the file @path below @root; makes the folders above it. */
void fake_sysfs_write(const char *root, const char *path, const char *text);

/* Makes the symbolic link @path below @root to @target, which is below @root too. */
void fake_sysfs_link(const char *root, const char *path, const char *target);

#endif
