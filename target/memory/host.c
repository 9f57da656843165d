// SPDX-License-Identifier: BSD-3-Clause
/*
 * host.c - host memory: huge pages if there are, else normal ones; near an RNIC if that is wanted.
 *
 * Thread: control.
 * Depends: mem.h.
 */
#include <errno.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "target/base/log.h"

#include "target/memory/mem.h"

#define NP_HUGE_BYTES (2u * 1024u * 1024u)
#define NP_HOST_DEFAULT_BYTES (64u * 1024u * 1024u)
#define NP_HOST_MAX_NODES 1024

static size_t np_round_up(size_t bytes, size_t unit)
{
	return (bytes + unit - 1) / unit * unit;
}

/*
 * Has the pages come from @node while it has any. A node that is full must not keep the daemon from
 * starting, and pages of another one are only slower: so not MPOL_BIND. libnuma has nothing to add
 * to this one system call. Before the pages are touched.
 */
static void np_host_prefer(void *va, size_t bytes, int node)
{
	unsigned long mask[NP_HOST_MAX_NODES / (8 * sizeof(unsigned long))] = {0};
	const unsigned int bits = 8 * sizeof(mask[0]);

	if (node < 0 || node >= NP_HOST_MAX_NODES)
		return;
	mask[(unsigned int)node / bits] = 1ul << (unsigned int)node % bits;
	/* The kernel leaves the last bit that it is told of out (mm/mempolicy.c, get_nodes()). */
	if (syscall(SYS_mbind, va, bytes, MPOL_PREFERRED, mask, NP_HOST_MAX_NODES + 1, 0))
		np_log_warn("host memory cannot be asked for at NUMA node %d: %s", node,
			strerror(errno));
}

static int np_host_open(
	struct np_mem_region *region, const struct np_mem_want *want, char *why, size_t why_size)
{
	const int prot = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
	size_t bytes = want->bytes ? want->bytes : NP_HOST_DEFAULT_BYTES;
	bool is_huge = true;
	void *va;

	region->bytes = np_round_up(bytes, NP_HUGE_BYTES);
	va = mmap(NULL, region->bytes, prot, flags | MAP_HUGETLB, -1, 0);
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
	np_host_prefer(va, region->bytes, want->numa_node);
	/* Huge pages are reserved and not yet there; an RNIC will want them all. */
	if (is_huge)
		madvise(va, region->bytes, MADV_POPULATE_WRITE);
	region->va = va;
	region->numa_node = want->numa_node;
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
