// SPDX-License-Identifier: BSD-3-Clause
/*
 * host.c - host memory: huge pages if there are, else normal ones.
 *
 * Thread: control.
 * Depends: mem.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "target/memory/mem.h"

#define NP_HUGE_BYTES (2u * 1024u * 1024u)
#define NP_HOST_DEFAULT_BYTES (64u * 1024u * 1024u)

static size_t np_round_up(size_t bytes, size_t unit)
{
	return (bytes + unit - 1) / unit * unit;
}

static int np_host_open(
	struct np_mem_region *region, const struct np_mem_want *want, char *why, size_t why_size)
{
	size_t bytes = want->bytes ? want->bytes : NP_HOST_DEFAULT_BYTES;
	const int prot = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
	bool is_huge = true;
	void *va;

	region->bytes = np_round_up(bytes, NP_HUGE_BYTES);
	va = mmap(NULL, region->bytes, prot, flags | MAP_HUGETLB | MAP_POPULATE, -1, 0);
	if (va == MAP_FAILED) {
		is_huge = false;
		region->bytes = np_round_up(bytes, NP_PAGE_BYTES);
		va = mmap(NULL, region->bytes, prot, flags, -1, 0);
	}
	if (va == MAP_FAILED) {
		int err = errno;

		snprintf(why, why_size, "cannot map %zu bytes of host memory: %s", region->bytes,
			strerror(err));
		return -err;
	}
	region->va = va;
	region->device_bytes = region->bytes;
	region->reg_kind = NP_MEM_REG_PLAIN;
	snprintf(region->name, sizeof(region->name), "%s%s", want->where ? want->where : "host",
		is_huge ? " (huge pages)" : "");
	return 0;
}

static void np_host_close(struct np_mem_region *region)
{
	munmap(region->va, region->bytes);
}

const struct np_mem_ops np_mem_host_ops = {
	.name = "host",
	.open = np_host_open,
	.close = np_host_close,
};
