// SPDX-License-Identifier: BSD-3-Clause
/*
 * fake_sysfs.c - a small tree of PCI devices in a temporary folder, laid out as sysfs does it.
 *
 * Thread: the test's.
 * Depends: cmocka.
 */
#include "tests/unit/fake_sysfs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *fake_sysfs_new(void)
{
	char *root = strdup("/tmp/test_sysfs_XXXXXX");

	assert_non_null(root);
	assert_non_null(mkdtemp(root));
	return root;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void fake_sysfs_free(char *root)
{
	assert_int_equal(nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	free(root);
}

/* Opens a new file below @root with all folders above it. */
static FILE *create(const char *root, const char *file)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, file);
	for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		assert_true(!mkdir(path, 0755) || errno == EEXIST);
		*slash = '/';
	}
	f = fopen(path, "w");
	assert_non_null(f);
	return f;
}

void fake_sysfs_write(const char *root, const char *path, const char *text)
{
	FILE *f = create(root, path);

	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

void fake_sysfs_link(const char *root, const char *path, const char *target)
{
	char from[PATH_MAX], to[PATH_MAX];

	/* For the folders above it. */
	fclose(create(root, path));
	snprintf(from, sizeof(from), "%s/%s", root, path);
	snprintf(to, sizeof(to), "%s/%s", root, target);
	assert_int_equal(unlink(from), 0);
	assert_int_equal(symlink(to, from), 0);
}

/* A power management capability, then PCI Express; AER, then ACS in the extended space. */
static void fill_config(const struct fake_pci *pci, uint8_t config[4096])
{
	memset(config, 0, 4096);
	config[0x06] = 0x10;
	config[0x34] = 0x40;
	config[0x40] = 0x01;
	if (pci->type == FAKE_CONVENTIONAL)
		return;
	config[0x41] = 0x60;
	config[0x60] = 0x10;
	config[0x62] = (uint8_t)(pci->type << 4 | 2);
	config[0x100] = 0x01;
	config[0x102] = 0x02;
	if (pci->acs_control == FAKE_NO_ACS)
		return;
	config[0x103] = 0x20; /* the next one is at 0x200 */
	config[0x200] = 0x0d;
	config[0x202] = 0x01;
	config[0x206] = (uint8_t)pci->acs_control;
}

void fake_sysfs_add(const char *root, const struct fake_pci *pci)
{
	const char *address = strrchr(pci->path, '/') + 1;
	char path[PATH_MAX], target[PATH_MAX], text[32];
	const struct {
		const char *file;
		uint32_t value;
	} numbers[] = {
		{"class", pci->class_code},
		{"vendor", pci->vendor},
		{"device", pci->device},
	};
	uint8_t config[4096];
	FILE *f;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		snprintf(path, sizeof(path), "devices/%s/%s", pci->path, numbers[i].file);
		snprintf(text, sizeof(text), "0x%04x\n", numbers[i].value);
		fake_sysfs_write(root, path, text);
	}
	fill_config(pci, config);
	snprintf(path, sizeof(path), "devices/%s/config", pci->path);
	f = create(root, path);
	assert_int_equal(fwrite(config, 1, pci->config_len ? pci->config_len : sizeof(config), f),
		pci->config_len ? pci->config_len : sizeof(config));
	assert_int_equal(fclose(f), 0);
	snprintf(path, sizeof(path), "bus/pci/devices/%s", address);
	snprintf(target, sizeof(target), "devices/%s", pci->path);
	fake_sysfs_link(root, path, target);
}
