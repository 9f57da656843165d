// SPDX-License-Identifier: BSD-3-Clause
/*
 * host_bridge.c - across which host bridges the kernel lets PCI devices reach each other.
 *
 * Thread: any.
 * Depends: procfs.
 */
#include "target/topology/host_bridge.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NP_VENDOR_INTEL 0x8086
#define NP_VENDOR_GOOGLE 0x1ae0
#define NP_AMD_ZEN_FAMILY 0x17

/* Among devices below one and the same host bridge only. */
static const uint16_t intel_same[] = {
	0x3c00, 0x3c01, /* Xeon E5, Core i7 */
	0x2f00, 0x2f01, /* Xeon E5 v3, E7 v3, Core i7 */
};

static const uint16_t intel[] = {
	0x2030, 0x2031, 0x2032, 0x2033, 0x2020, 0x09a2, /* Skylake-E and later */
	0x0b25, 0x0cfe,                                 /* DSA and IAX, Sapphire Rapids */
	0x11fb,                                         /* DSA, Granite Rapids */
	0x1212, 0x1216,                                 /* DSA and IAA, Diamond Rapids */
	0x4940, 0x4942, 0x4944, 0x4946, 0x4948,         /* QuickAssist */
};

static bool has(const uint16_t *list, size_t count, uint16_t device)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i] == device)
			return true;
	}
	return false;
}

bool np_host_bridge_is_listed(uint16_t vendor, uint16_t device, bool is_same)
{
	if (vendor == NP_VENDOR_GOOGLE)
		return true;
	if (vendor != NP_VENDOR_INTEL)
		return false;
	return has(intel, sizeof(intel) / sizeof(intel[0]), device) ||
		(is_same && has(intel_same, sizeof(intel_same) / sizeof(intel_same[0]), device));
}

/* The text after "KEY\t: " on the first line that has it, or NULL. */
static const char *value_of(const char *cpuinfo, const char *key)
{
	const size_t len = strlen(key);

	for (const char *line = cpuinfo; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		/* "cpu family" is not "cpu family code". */
		if (!strncmp(line, key, len) && line[len + strspn(line + len, " \t")] == ':')
			return line + len + strspn(line + len, " \t:");
	}
	return NULL;
}

bool np_host_bridge_cpu_is_listed(const char *cpuinfo)
{
	const char *vendor = value_of(cpuinfo, "vendor_id");
	const char *family = value_of(cpuinfo, "cpu family");

	return vendor && family && !strncmp(vendor, "AuthenticAMD", strlen("AuthenticAMD")) &&
		strtoul(family, NULL, 10) >= NP_AMD_ZEN_FAMILY;
}

int np_host_bridge_read_cpu(const char *procfs, bool *ret_is_listed)
{
	/* The first processor comes first; more is not asked for. */
	char path[PATH_MAX], text[4096];
	size_t n;
	FILE *f;

	if (snprintf(path, sizeof(path), "%s/cpuinfo", procfs) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	f = fopen(path, "re");
	if (!f)
		return -errno;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	*ret_is_listed = np_host_bridge_cpu_is_listed(text);
	return 0;
}
