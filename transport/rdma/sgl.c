// SPDX-License-Identifier: BSD-3-Clause
/*
 * sgl.c - parse SGLs, and cut ranges out of them.
 *
 * Each bound is checked by a subtraction that cannot wrap; a host chooses every number here.
 *
 * Thread: any, pure.
 * Depends: wire.h, le.h, req.h (struct np_data).
 */
#include "transport/rdma/sgl.h"

#include <string.h>

#include "target/base/le.h"

enum {
	SGL_SEGMENT = 0x2, /* only needed to tell it from a type that nobody knows */
};

/* So the sum of all segments fits np_data.bytes, and no addition has to be checked. */
static_assert((uint64_t)NP_MAX_SGL_SEGS * 0xffffff <= UINT32_MAX, "sum of keyed lengths");

static struct np_status bad(unsigned int sc)
{
	return np_status_generic(sc);
}

static uint8_t desc_type(const struct np_sgl_desc *desc)
{
	return desc->type >> 4;
}

static uint8_t desc_subtype(const struct np_sgl_desc *desc)
{
	return desc->type & 0xf;
}

/* Do @bytes at @offset lie within @limit bytes? */
static bool is_inside(uint64_t offset, uint32_t bytes, uint32_t limit)
{
	return offset <= limit && bytes <= limit - offset;
}

static struct np_status parse_inline(
	const struct np_sgl_desc *desc, uint32_t limit, struct np_data *data)
{
	uint64_t offset = np_le64(desc->addr);
	uint32_t bytes = np_le32(desc->plain.length);

	if (desc_subtype(desc) != NP_SGL_SUB_OFFSET)
		return bad(NVME_SC_SGL_INVALID_TYPE);
	if (!is_inside(offset, bytes, limit))
		return bad(NVME_SC_SGL_INVALID_OFFSET);
	if (bytes == 0)
		return NP_SUCCESS;
	data->kind = NP_DATA_INLINE;
	data->inline_offset = (uint32_t)offset;
	data->bytes = bytes;
	return NP_SUCCESS;
}

/* Appends one keyed data block to @data. */
static struct np_status add_keyed(const struct np_sgl_desc *desc, struct np_data *data)
{
	uint64_t addr = np_le64(desc->addr);
	uint32_t bytes = np_le24_load(desc->keyed.length);
	uint32_t key;

	if (desc_type(desc) != NP_SGL_KEYED_DATA_BLOCK)
		return bad(NVME_SC_SGL_INVALID_TYPE);
	if (desc_subtype(desc) != NP_SGL_SUB_ADDRESS && desc_subtype(desc) != NP_SGL_SUB_INVALIDATE)
		return bad(NVME_SC_SGL_INVALID_TYPE);
	if (bytes == 0)
		return NP_SUCCESS;
	if (addr > UINT64_MAX - bytes)
		return bad(NVME_SC_SGL_INVALID_DATA);
	memcpy(&key, desc->keyed.key, sizeof(key));
	key = np_le32(key);
	/* A SEND invalidates one key; the host takes care of any other one. */
	if (desc_subtype(desc) == NP_SGL_SUB_INVALIDATE && !data->invalidate) {
		data->invalidate = true;
		data->invalidate_key = key;
	}
	data->kind = NP_DATA_KEYED;
	data->segs[data->nsegs++] = (struct np_sgl_seg){addr, bytes, key};
	data->bytes += bytes;
	return NP_SUCCESS;
}

static struct np_status parse_list(const struct np_sgl_desc *desc, const uint8_t *capsule,
	uint32_t capsule_bytes, struct np_data *data)
{
	uint64_t offset = np_le64(desc->addr);
	uint32_t bytes = np_le32(desc->plain.length);
	struct np_sgl_desc item;
	struct np_status status;

	if (desc_subtype(desc) != NP_SGL_SUB_OFFSET)
		return bad(NVME_SC_SGL_INVALID_TYPE);
	if (bytes == 0 || bytes % sizeof(item))
		return bad(NVME_SC_SGL_INVALID_LAST);
	if (bytes / sizeof(item) > NP_MAX_SGL_SEGS)
		return bad(NVME_SC_SGL_INVALID_COUNT);
	if (!is_inside(offset, bytes, capsule_bytes))
		return bad(NVME_SC_SGL_INVALID_OFFSET);
	for (uint32_t pos = 0; pos < bytes; pos += (uint32_t)sizeof(item)) {
		memcpy(&item, capsule + offset + pos, sizeof(item));
		if (desc_type(&item) == NP_SGL_LAST_SEGMENT || desc_type(&item) == SGL_SEGMENT)
			return bad(NVME_SC_SGL_INVALID_LAST);
		status = add_keyed(&item, data);
		if (!np_status_is_ok(status))
			return status;
	}
	return NP_SUCCESS;
}

struct np_status np_sgl_parse(const struct np_sqe *sqe, const uint8_t *capsule,
	uint32_t capsule_bytes, uint32_t inline_bytes, struct np_data *ret_data)
{
	struct np_status status;

	memset(ret_data, 0, sizeof(*ret_data));
	if (inline_bytes > capsule_bytes)
		inline_bytes = capsule_bytes;
	switch (desc_type(&sqe->sgl)) {
	case NP_SGL_DATA_BLOCK:
		status = parse_inline(&sqe->sgl, inline_bytes, ret_data);
		break;
	case NP_SGL_KEYED_DATA_BLOCK:
		status = add_keyed(&sqe->sgl, ret_data);
		break;
	case NP_SGL_LAST_SEGMENT:
		status = parse_list(&sqe->sgl, capsule, capsule_bytes, ret_data);
		break;
	default:
		status = bad(NVME_SC_SGL_INVALID_TYPE);
		break;
	}
	if (!np_status_is_ok(status))
		memset(ret_data, 0, sizeof(*ret_data));
	return status;
}

unsigned int np_rdma_map_piece(
	const struct np_data *data, uint32_t offset, uint32_t bytes, struct np_sgl_seg *ret_segs)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < data->nsegs && bytes; i++) {
		struct np_sgl_seg seg = data->segs[i];

		if (offset >= seg.bytes) {
			offset -= seg.bytes;
			continue;
		}
		seg.addr += offset;
		seg.bytes -= offset;
		offset = 0;
		if (seg.bytes > bytes)
			seg.bytes = bytes;
		bytes -= seg.bytes;
		ret_segs[count++] = seg;
	}
	return count;
}
