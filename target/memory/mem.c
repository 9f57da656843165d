// SPDX-License-Identifier: BSD-3-Clause
/*
 * mem.c - the table of regions; cuts a region into pools and a part for self-tests.
 *
 * Thread: control.
 * Depends: buscopy.h, pool.h, numa.h.
 */
#include "target/memory/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/memory/buscopy.h"
#include "target/memory/pool.h"
#include "target/memory/witness.h"
#include "target/topology/numa.h"
#include "target/topology/pci.h"

/*
 * Two pages more than the largest transfer: a test begins at an odd offset, and looks at what lies
 * around.
 */
#define NP_SCRATCH_MAX_BYTES ((1024u + 12u) * 1024u)
#define NP_SCRATCH_MIN_BYTES (4 * NP_PAGE_BYTES)

const char *np_verdict_name(enum np_verdict verdict)
{
	static const char *const names[] = {"untested", "works", "quirk", "unusable"};

	return names[verdict];
}

/*
 * All that is more than the operator asked for; where the device has not that much, or nothing was
 * asked for: the last eighth of a small region, at most NP_SCRATCH_MAX_BYTES of a large one.
 */
static size_t np_mem_scratch_bytes(size_t region_bytes, size_t asked_bytes)
{
	size_t bytes = region_bytes / 8 / NP_PAGE_BYTES * NP_PAGE_BYTES;

	if (asked_bytes && region_bytes >= asked_bytes + NP_SCRATCH_MAX_BYTES)
		return region_bytes - asked_bytes;
	if (bytes > NP_SCRATCH_MAX_BYTES)
		return NP_SCRATCH_MAX_BYTES;
	return bytes < NP_SCRATCH_MIN_BYTES ? NP_SCRATCH_MIN_BYTES : bytes;
}

static void np_mem_free(struct np_mem_region *region)
{
	struct np_list *node;

	for (unsigned int i = 0; i < region->npools; i++)
		np_pool_free(region->pools[i]);
	while ((node = np_list_pop(&region->notes)) != NULL)
		free(np_container_of(node, struct np_mem_note, link));
	if (region->va)
		region->ops->close(region);
	free(region);
}

/* No buffer may be longer than what a self-test with a scratch area of this size can try. */
static uint32_t np_mem_buf_limit(size_t scratch_bytes)
{
	uint32_t limit = NP_PAGE_BYTES;

	if (scratch_bytes >= NP_SCRATCH_MAX_BYTES)
		return UINT32_MAX;
	while (2 * limit <= scratch_bytes - 2 * NP_PAGE_BYTES)
		limit *= 2;
	return limit;
}

static int np_mem_carve(struct np_mem_region *region, size_t asked_bytes, unsigned int nreactors)
{
	uint32_t limit;
	size_t share;

	region->scratch_bytes = np_mem_scratch_bytes(region->bytes, asked_bytes);
	if (region->bytes < region->scratch_bytes + (size_t)nreactors * NP_PAGE_BYTES)
		return -ENOSPC;
	region->scratch = (uint8_t *)region->va + region->bytes - region->scratch_bytes;
	share = (region->bytes - region->scratch_bytes) / nreactors;
	share = share / NP_PAGE_BYTES * NP_PAGE_BYTES;
	limit = np_mem_buf_limit(region->scratch_bytes);
	if (region->is_peer && region->scratch_bytes > NP_SCRATCH_MIN_BYTES) {
		region->scratch_bytes -= NP_PAGE_BYTES;
		region->witness =
			(uint64_t *)(void *)((uint8_t *)region->scratch + region->scratch_bytes);
		/* Memory that the CPU cannot read has none. */
		if (!np_witness_place(region))
			region->witness = NULL;
	}
	for (unsigned int i = 0; i < nreactors; i++) {
		int ret = np_pool_new(
			region, (uint8_t *)region->va + i * share, share, &region->pools[i]);

		if (ret)
			return ret;
		if (region->pools[i]->max_bytes > limit)
			region->pools[i]->max_bytes = limit;
		region->npools++;
	}
	return 0;
}

int np_mem_open(struct np_mem *mem, const struct np_mem_ops *ops, const struct np_mem_want *want,
	unsigned int nreactors, char *why, size_t why_size, struct np_mem_region **ret_region)
{
	struct np_mem_want with_scratch = *want;
	struct np_mem_region *region;
	unsigned int id = 0;
	int ret;

	while (id < NP_MAX_REGIONS && mem->regions[id])
		id++;
	if (id == NP_MAX_REGIONS) {
		snprintf(why, why_size, "more than %d memory regions", NP_MAX_REGIONS);
		return -ENOSPC;
	}
	region = calloc(1, sizeof(*region));
	if (!region) {
		snprintf(why, why_size, "out of memory");
		return -ENOMEM;
	}
	region->ops = ops;
	region->id = id;
	region->numa_node = region->fd = -1;
	np_list_init(&region->notes);
	if (want->label)
		snprintf(region->label, sizeof(region->label), "%s", want->label);
	/* The part for self-tests comes on top of what the operator asked for. */
	if (want->bytes)
		with_scratch.bytes += NP_SCRATCH_MAX_BYTES;
	ret = ops->open(region, &with_scratch, why, why_size);
	if (ret)
		goto err_free;
	region->zero = region->is_peer ? mem->zero : NP_MEM_ZERO_NEVER;
	ret = np_mem_carve(region, want->bytes, nreactors);
	if (ret) {
		snprintf(why, why_size, "%zu bytes cannot be shared by %u reactors: %s",
			region->bytes, nreactors, strerror(-ret));
		goto err_free;
	}
	mem->regions[id] = region;
	*ret_region = region;
	return 0;

err_free:
	np_mem_free(region);
	return ret;
}

/* Self-tests have read blocks of the drives into the scratch area. */
static void np_mem_wipe(struct np_mem_region *region)
{
	if (region->zero == NP_MEM_ZERO_NEVER || atomic_load(&region->state) == NP_MEM_GONE)
		return;
	for (unsigned int i = 0; i < region->npools; i++)
		np_pool_wipe(region->pools[i]);
	np_buszero(region->scratch, region->scratch_bytes);
	if (region->witness)
		np_buszero(region->witness, NP_BUSZERO_UNIT);
}

void np_mem_close(struct np_mem *mem, struct np_mem_region *region)
{
	np_mem_wipe(region);
	mem->regions[region->id] = NULL;
	np_mem_free(region);
}

bool np_mem_is_idle(const struct np_mem_region *region)
{
	for (unsigned int i = 0; i < region->npools; i++) {
		if (atomic_load_explicit(&region->pools[i]->in_use_bytes, memory_order_acquire))
			return false;
	}
	return true;
}

struct np_mem_region *np_mem_host_at(const struct np_mem *mem, int numa_node)
{
	struct np_mem_region *region;

	np_mem_for_each(mem, region) {
		if (numa_node >= 0 && np_mem_is_host(region) && region->numa_node == numa_node)
			return region;
	}
	return mem->regions[NP_REGION_HOST];
}

struct np_mem_region *np_mem_host_of(const struct np_mem *mem, const char *rnic)
{
	return np_mem_host_at(mem, np_numa_of_rnic(NP_SYSFS, rnic));
}

void np_mem_close_all(struct np_mem *mem)
{
	struct np_mem_region *region;

	np_mem_for_each(mem, region)
		np_mem_close(mem, region);
}

static struct np_mem_note *np_mem_look_up(
	const struct np_mem_region *region, const char *subject, bool is_rnic)
{
	const struct np_list *pos;

	np_list_for_each(pos, &region->notes) {
		struct np_mem_note *note = np_container_of(pos, struct np_mem_note, link);

		if (note->is_rnic == is_rnic && !strcmp(note->subject, subject))
			return note;
	}
	return NULL;
}

const struct np_mem_note *np_mem_find_note(
	const struct np_mem_region *region, const char *subject, bool is_rnic)
{
	return np_mem_look_up(region, subject, is_rnic);
}

void np_mem_note(struct np_mem_region *region, const char *subject, bool is_rnic,
	enum np_verdict verdict, const char *reason)
{
	struct np_mem_note *note = np_mem_look_up(region, subject, is_rnic);

	if (!note) {
		note = calloc(1, sizeof(*note));
		/* A record for the operator: without memory for it the verdict itself still holds. */
		if (!note)
			return;
		np_list_add_tail(&region->notes, &note->link);
		note->is_rnic = is_rnic;
		snprintf(note->subject, sizeof(note->subject), "%s", subject);
	}
	note->verdict = verdict;
	note->when = time(NULL);
	snprintf(note->reason, sizeof(note->reason), "%s", reason);
}

void np_mem_forget(struct np_mem *mem, const char *subject, bool is_rnic)
{
	struct np_mem_region *region;

	np_mem_for_each(mem, region) {
		struct np_mem_note *note = np_mem_look_up(region, subject, is_rnic);

		if (note) {
			np_list_del(&note->link);
			free(note);
		}
	}
}
