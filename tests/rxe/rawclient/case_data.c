// SPDX-License-Identifier: BSD-3-Clause
/*
 * case_data.c - data that must arrive, whatever its SGL looks like.
 *
 * Each case writes a pattern of its own and reads it back through SGLs of another shape. The space
 * around and between the segments must stay as it was.
 */
#include <errno.h>
#include <string.h>

#include "target/base/le.h"
#include "tests/rxe/rawclient/raw.h"

#define POISON 0xee
#define GAP 37u /* so that addresses are odd */
#define MAX_SEGS 16u

/* How a transfer is cut into segments, and where they lie. */
struct shape {
	unsigned int count;
	uint32_t gap;
	uint32_t bytes[MAX_SEGS];
};

static uint8_t pattern(uint32_t seed, uint32_t i)
{
	return (uint8_t)((i * 2654435761u + seed * 40503u) >> 13);
}

/* @count segments of odd sizes with the sum @bytes. */
static void shape_odd(struct shape *shape, unsigned int count, uint32_t bytes)
{
	uint32_t left = bytes;

	*shape = (struct shape){.count = count, .gap = GAP};
	for (unsigned int i = 0; i < count; i++) {
		uint32_t part = i + 1 == count ? left : (bytes / count - 200 + i * 22) | 1;

		shape->bytes[i] = part;
		left -= part;
	}
}

/* @count segments of whole pages. */
static void shape_pages(struct shape *shape, unsigned int count, uint32_t bytes)
{
	*shape = (struct shape){.count = count, .gap = 4096};
	for (unsigned int i = 0; i < count; i++)
		shape->bytes[i] = bytes / count;
}

/* Describes env->data cut as @shape. Return: bytes of @list, which goes into the capsule. */
static uint32_t describe(const struct raw_env *env, const struct shape *shape, struct np_sqe *sqe,
	struct np_sgl_desc list[MAX_SEGS])
{
	uint64_t addr = (uintptr_t)env->data + shape->gap;

	for (unsigned int i = 0; i < shape->count; i++) {
		raw_sgl_keyed(
			&list[i], addr, shape->bytes[i], env->data_mr->rkey, NP_SGL_SUB_ADDRESS);
		addr += shape->bytes[i] + shape->gap;
	}
	if (shape->count == 1) {
		sqe->sgl = list[0];
		return 0;
	}
	raw_sgl_offset(&sqe->sgl, NP_SGL_LAST_SEGMENT, 0,
		shape->count * (uint32_t)sizeof(struct np_sgl_desc));
	return shape->count * (uint32_t)sizeof(struct np_sgl_desc);
}

static void fill(struct raw_env *env, const struct shape *shape, uint32_t seed)
{
	uint8_t *at = env->data + shape->gap;
	uint32_t pos = 0;

	memset(env->data, POISON, RAW_DATA_BYTES);
	for (unsigned int i = 0; i < shape->count; i++) {
		for (uint32_t k = 0; k < shape->bytes[i]; k++)
			*at++ = pattern(seed, pos++);
		at += shape->gap;
	}
}

/* Does env->data hold the pattern in the segments, and poison around them? */
static bool compare(struct raw_env *env, const struct shape *shape, uint32_t seed)
{
	const uint8_t *at = env->data;
	uint32_t pos = 0;

	for (unsigned int i = 0; i <= shape->count; i++) {
		for (uint32_t k = 0; k < shape->gap; k++)
			if (*at++ != POISON)
				return raw_say(env, false, "%u bytes before segment %u spoilt",
					shape->gap - k, i);
		if (i == shape->count)
			break;
		for (uint32_t k = 0; k < shape->bytes[i]; k++)
			if (*at++ != pattern(seed, pos++))
				return raw_say(env, false, "byte %u of segment %u wrong", k, i);
	}
	return true;
}

static bool write_shape(struct raw_env *env, const struct shape *shape, uint64_t lba,
	uint32_t nblocks, uint32_t seed)
{
	struct np_sgl_desc list[MAX_SEGS];
	struct np_sqe sqe;

	raw_rw(env, &sqe, nvme_cmd_write, lba, nblocks);
	fill(env, shape, seed);
	return raw_expect(env->shared->io, &sqe, list, describe(env, shape, &sqe, list), 0);
}

static bool read_shape(struct raw_env *env, const struct shape *shape, uint64_t lba,
	uint32_t nblocks, uint32_t seed)
{
	struct np_sgl_desc list[MAX_SEGS];
	struct np_sqe sqe;

	raw_rw(env, &sqe, nvme_cmd_read, lba, nblocks);
	memset(env->data, POISON, RAW_DATA_BYTES);
	return raw_expect(env->shared->io, &sqe, list, describe(env, shape, &sqe, list), 0) &&
		compare(env, shape, seed);
}

/* Writes @bytes at block 0 cut one way, reads them cut another way and in one piece. */
static bool roundtrip(struct raw_env *env, const struct shape *out, const struct shape *in,
	uint32_t bytes, uint32_t seed)
{
	uint32_t nblocks = bytes / env->block_bytes;
	struct shape whole = {.count = 1, .gap = 4096, .bytes = {bytes}};

	if (!write_shape(env, out, 0, nblocks, seed) || !read_shape(env, in, 0, nblocks, seed) ||
		!read_shape(env, &whole, 0, nblocks, seed))
		return false;
	return raw_say(
		env, true, "%u bytes in %u segments, read in %u", bytes, out->count, in->count);
}

static bool run_one_segment(struct raw_env *env, const struct raw_case *self)
{
	struct shape out = {.count = 1, .gap = 4096, .bytes = {65536}}, in = out;

	(void)self;
	in.gap = GAP;
	return roundtrip(env, &out, &in, 65536, 1);
}

static bool run_odd(struct raw_env *env, const struct raw_case *self)
{
	struct shape out, in;

	(void)self;
	shape_odd(&out, 16, 65536);
	shape_odd(&in, 15, 65536);
	return roundtrip(env, &out, &in, 65536, 2);
}

static bool run_pages(struct raw_env *env, const struct raw_case *self)
{
	struct shape out, in;

	(void)self;
	shape_pages(&out, 16, 131072);
	shape_pages(&in, 8, 131072);
	return roundtrip(env, &out, &in, 131072, 3);
}

/* As long as a command may be: the buffer may come in pieces. */
static bool run_mdts(struct raw_env *env, const struct raw_case *self)
{
	struct shape out, in;

	(void)self;
	shape_odd(&out, 16, env->mdts_bytes);
	shape_pages(&in, 16, env->mdts_bytes);
	return roundtrip(env, &out, &in, env->mdts_bytes, 4);
}

/* Segments without a byte are no segments. */
static bool run_empty_segments(struct raw_env *env, const struct raw_case *self)
{
	struct shape out, in;

	(void)self;
	shape_odd(&out, 8, 8192);
	out.count = 10;
	shape_odd(&in, 4, 8192);
	in.bytes[15] = in.bytes[3];
	in.bytes[3] = 0;
	in.count = 16;
	return roundtrip(env, &out, &in, 8192, 5);
}

static bool write_in_capsule(
	struct raw_env *env, uint32_t offset, uint32_t bytes, uint64_t lba, uint32_t seed)
{
	static uint8_t icd[RAW_CAPSULE_BYTES];
	struct np_sqe sqe;

	memset(icd, POISON, offset);
	for (uint32_t i = 0; i < bytes; i++)
		icd[offset + i] = pattern(seed, i);
	raw_rw(env, &sqe, nvme_cmd_write, lba, bytes / env->block_bytes);
	raw_sgl_offset(&sqe.sgl, NP_SGL_DATA_BLOCK, offset, bytes);
	return raw_expect(env->shared->io, &sqe, icd, offset + bytes, 0);
}

/* In-capsule data at several offsets; where the target takes none, that it says so is enough. */
static bool run_in_capsule(struct raw_env *env, const struct raw_case *self)
{
	const uint32_t block = env->block_bytes;
	const uint32_t full = env->inline_bytes / block * block;
	const struct {
		uint32_t offset, bytes;
	} tries[] = {{0, block}, {0, full}, {block, full - block}, {16, block}, {1, full - block},
		{full - block, block}};

	(void)self;
	if (full < 2 * block)
		return raw_say(env, true, "the target takes %u bytes", env->inline_bytes);
	for (uint32_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		struct shape in = {.count = 1, .gap = GAP, .bytes = {tries[i].bytes}};

		if (!write_in_capsule(env, tries[i].offset, tries[i].bytes, 8, 10 + i) ||
			!read_shape(env, &in, 8, tries[i].bytes / block, 10 + i))
			return false;
	}
	return raw_say(env, true, "up to %u bytes", full);
}

/* What a controller announces as room for in-capsule data it takes, however little it is. */
static bool run_small_in_capsule(struct raw_env *env, const struct raw_case *self)
{
	static const struct nvme_dsm_range nothing;
	struct np_sqe sqe;

	(void)self;
	if (env->inline_bytes < sizeof(nothing))
		return raw_say(env, true, "the target takes %u bytes", env->inline_bytes);
	raw_sqe_init(&sqe, nvme_cmd_dsm, env->nsid);
	raw_sgl_offset(&sqe.sgl, NP_SGL_DATA_BLOCK, 0, sizeof(nothing));
	return raw_expect(env->shared->io, &sqe, &nothing, sizeof(nothing), 0);
}

/* Linux sends a page of ranges, however few count. */
static bool run_long_range_list(struct raw_env *env, const struct raw_case *self)
{
	struct np_sqe sqe;

	(void)self;
	memset(env->data, 0, 4096);
	raw_sqe_init(&sqe, nvme_cmd_dsm, env->nsid);
	raw_use_data(env, &sqe, 4096);
	return raw_expect(env->shared->io, &sqe, NULL, 0, 0);
}

/* ---- SEND with invalidate ------------------------------------------------------------------ */

/*
 * rxe has its kernel's flag in its completions (1 << 2, <rdma/ib_verbs.h>), which user space takes
 * for another one.
 */
#define IS_INVALIDATED (IBV_WC_WITH_INV | IBV_WC_IP_CSUM_OK)

/* Reads with a key of a memory window, which the answer must invalidate. */
static bool read_and_invalidate(struct raw_queue *io, struct ibv_mw *mw, struct np_sqe *sqe)
{
	struct raw_env *env = io->env;
	struct raw_answer answer;
	uint32_t key;
	int err = raw_bind(io, mw, env->block_bytes, &key);

	if (err)
		return raw_say(env, false, "bind: %s", strerror(-err));
	raw_rw(env, sqe, nvme_cmd_read, 0, 1);
	raw_sgl_keyed(
		&sqe->sgl, (uintptr_t)env->data, env->block_bytes, key, NP_SGL_SUB_INVALIDATE);
	err = raw_exec(io, sqe, NULL, 0, &answer);
	if (err || raw_status(&answer))
		return raw_say(env, false, "%s, status %03xh", strerror(-err),
			err ? 0 : raw_status(&answer));
	if (!(answer.wc_flags & IS_INVALIDATED) || answer.key != key)
		return raw_say(env, false, "completion flags %x, key %08x, want %08x",
			answer.wc_flags, answer.key, key);
	return raw_say(env, true, "key %08x was invalidated", key);
}

/* The key of a command that was answered must be dead: a second use ends the connection. */
static bool invalidate_and_reuse(struct raw_env *env, struct ibv_mw *mw)
{
	struct raw_ctrl *ctrl = raw_ctrl_open(env, RAW_DEPTH);
	struct raw_answer answer;
	struct np_sqe sqe;
	bool is_ok;

	if (!ctrl)
		return false;
	is_ok = read_and_invalidate(ctrl->io, mw, &sqe);
	if (is_ok && raw_exec(ctrl->io, &sqe, NULL, 0, &answer) == 0)
		is_ok = raw_say(env, false, "the key still works");
	else if (is_ok)
		is_ok = raw_expect_closed(ctrl->io);
	raw_ctrl_close(ctrl);
	return is_ok;
}

static bool run_invalidate(struct raw_env *env, const struct raw_case *self)
{
	struct ibv_device_attr attr;
	struct ibv_mw *mw;
	bool is_ok;

	(void)self;
	if (ibv_query_device(env->pd->context, &attr) ||
		!(attr.device_cap_flags & IBV_DEVICE_MEM_MGT_EXTENSIONS))
		return raw_say(env, true, "not with this device");
	mw = ibv_alloc_mw(env->pd, IBV_MW_TYPE_2);
	if (!mw)
		return raw_say(env, true, "no memory windows here: %s", strerror(errno));
	is_ok = invalidate_and_reuse(env, mw);
	ibv_dealloc_mw(mw);
	return is_ok ? raw_say(env, true, "invalidated once, then dead") : false;
}

#define DATA(title, runner)                  \
	{                                    \
		.name = title, .run = runner \
	}

const struct raw_case raw_data_cases[] = {
	DATA("data-one-segment", run_one_segment),
	DATA("data-16-odd-segments", run_odd),
	DATA("data-16-segments-of-pages", run_pages),
	DATA("data-mdts-in-16-segments", run_mdts),
	DATA("data-empty-segments", run_empty_segments),
	DATA("data-in-capsule", run_in_capsule),
	DATA("data-small-in-capsule", run_small_in_capsule),
	DATA("data-long-range-list", run_long_range_list),
	DATA("data-invalidate", run_invalidate),
	{0},
};
