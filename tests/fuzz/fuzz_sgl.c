// SPDX-License-Identifier: BSD-3-Clause
/*
 * fuzz_sgl.c - capsules: an SGL that is accepted lies within the capsule, and its sums are right.
 *
 * Depends: sgl.h.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "transport/rdma/sgl.h"

static void check(int ok)
{
	if (!ok)
		abort();
}

static void check_segments(const struct np_data *data, uint32_t offset, uint32_t bytes)
{
	struct np_sgl_seg segs[NP_MAX_SGL_SEGS];
	uint64_t all = 0, piece = 0, want;
	unsigned int count;

	for (unsigned int i = 0; i < data->nsegs; i++) {
		check(data->segs[i].bytes > 0);
		check(data->segs[i].addr + data->segs[i].bytes > data->segs[i].addr);
		all += data->segs[i].bytes;
	}
	check(all == data->bytes);
	count = np_rdma_map_piece(data, offset, bytes, segs);
	check(count <= data->nsegs);
	for (unsigned int i = 0; i < count; i++)
		piece += segs[i].bytes;
	want = offset >= all ? 0 : all - offset;
	check(piece == (want < bytes ? want : bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

/* Input: in-capsule limit, offset and length of a piece (4 bytes each), then the capsule. */
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	uint32_t head[3], rest;
	struct np_data data;
	struct np_sqe sqe;
	uint8_t *capsule;

	if (size < sizeof(head) + sizeof(sqe) || size > 1u << 16)
		return 0;
	memcpy(head, input, sizeof(head));
	memcpy(&sqe, input + sizeof(head), sizeof(sqe));
	rest = (uint32_t)(size - sizeof(head) - sizeof(sqe));
	/* A block of its own, so that the sanitizer sees each byte read beyond it. */
	capsule = malloc(rest ? rest : 1);
	if (!capsule)
		return 0;
	memcpy(capsule, input + sizeof(head) + sizeof(sqe), rest);
	if (!np_status_is_ok(np_sgl_parse(&sqe, capsule, rest, head[0], &data)))
		check(data.kind == NP_DATA_NONE && data.bytes == 0 && data.nsegs == 0);
	else if (data.kind == NP_DATA_INLINE)
		check(data.bytes && (uint64_t)data.inline_offset + data.bytes <= rest &&
			(uint64_t)data.inline_offset + data.bytes <= head[0]);
	else if (data.kind == NP_DATA_KEYED)
		check_segments(&data, head[1], head[2]);
	else
		check(data.bytes == 0 && data.nsegs == 0);
	free(capsule);
	return 0;
}
