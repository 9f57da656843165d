// SPDX-License-Identifier: BSD-3-Clause
/*
 * What is copied in which chunks.
 *
 * Thread: any, pure.
 * Depends: libc.
 */
#include "tools/nvmet-p2p-cli/copy_plan.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/memory/mem.h"

#define BYTES_DEFAULT_MOST (UINT64_C(1) << 30)
#define CHUNK_DEFAULT_BYTES (128u << 10)
#define DEPTH_DEFAULT 8u

int np_copy_parse_bytes(const char *text, uint64_t *ret_bytes)
{
	static const char suffixes[] = "KMG";
	unsigned int shift = 0;
	uint64_t value;
	char *end;

	/* strtoull() takes blanks and signs. */
	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno)
		return -EINVAL;
	if (*end) {
		const char *suffix = strchr(suffixes, toupper((unsigned char)*end));

		if (!suffix || end[1])
			return -EINVAL;
		shift = 10 * (unsigned int)(suffix - suffixes + 1);
	}
	if (!value || value > UINT64_MAX >> shift)
		return -EINVAL;
	*ret_bytes = value << shift;
	return 0;
}

static uint32_t np_copy_min(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* @unit: the larger of both ends' blocks. */
static int np_copy_plan_bytes(uint64_t wish, uint32_t unit, const struct np_copy_end *src,
	const struct np_copy_end *dst, uint64_t *ret_bytes, char *why, size_t why_size)
{
	uint64_t bytes = src->bytes < dst->bytes ? src->bytes : dst->bytes;

	bytes -= bytes % unit;
	if (wish > src->bytes || wish > dst->bytes) {
		snprintf(why, why_size, "%s has only %" PRIu64 " bytes, fewer than %" PRIu64,
			wish > dst->bytes ? "DST" : "SRC",
			wish > dst->bytes ? dst->bytes : src->bytes, wish);
		return -EINVAL;
	}
	if (wish % unit) {
		snprintf(why, why_size, "%" PRIu64 " bytes are no whole number of blocks of %u",
			wish, unit);
		return -EINVAL;
	}
	if (!bytes) {
		snprintf(why, why_size, "SRC or DST is smaller than a block of %u bytes", unit);
		return -EINVAL;
	}
	if (!wish)
		wish = bytes < BYTES_DEFAULT_MOST ? bytes : BYTES_DEFAULT_MOST;
	*ret_bytes = wish;
	return 0;
}

static int np_copy_plan_chunk(uint32_t wish, uint32_t unit, const struct np_copy_end *src,
	const struct np_copy_end *dst, uint32_t *ret_bytes, char *why, size_t why_size)
{
	uint32_t most = np_copy_min(src->max_io_bytes, dst->max_io_bytes);

	most -= most % unit;
	if (wish % unit) {
		snprintf(why, why_size, "a chunk of %u bytes is no whole number of blocks of %u",
			wish, unit);
		return -EINVAL;
	}
	if (wish > most || !most) {
		snprintf(why, why_size, "a chunk of %u bytes: one command takes %u at most",
			wish ? wish : unit, most);
		return -EINVAL;
	}
	*ret_bytes = wish ? wish : np_copy_min(most, CHUNK_DEFAULT_BYTES);
	return 0;
}

int np_copy_plan(const struct np_copy_wish *wish, const struct np_copy_end *src,
	const struct np_copy_end *dst, struct np_copy_plan *ret_plan, char *why, size_t why_size)
{
	const uint32_t unit =
		src->block_bytes > dst->block_bytes ? src->block_bytes : dst->block_bytes;
	struct np_copy_plan plan = {.depth = wish->depth ? wish->depth : DEPTH_DEFAULT};
	int ret;

	ret = np_copy_plan_bytes(wish->bytes, unit, src, dst, &plan.bytes, why, why_size);
	if (!ret)
		ret = np_copy_plan_chunk(
			wish->chunk_bytes, unit, src, dst, &plan.chunk_bytes, why, why_size);
	if (!ret)
		*ret_plan = plan;
	return ret;
}

size_t np_copy_stride_bytes(const struct np_copy_plan *plan)
{
	return ((size_t)plan->chunk_bytes + NP_PAGE_BYTES - 1) / NP_PAGE_BYTES * NP_PAGE_BYTES;
}

int np_copy_fit(struct np_copy_plan *plan, size_t bytes)
{
	const size_t most = bytes / np_copy_stride_bytes(plan);

	if (!most)
		return -ENOSPC;
	if (plan->depth > most)
		plan->depth = (uint32_t)most;
	return 0;
}
