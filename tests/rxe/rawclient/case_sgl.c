// SPDX-License-Identifier: BSD-3-Clause
/*
 * case_sgl.c - wrong SGLs.
 *
 * One that can be judged from the capsule is answered and does no harm. One that only the RNIC
 * finds out is a connection error.
 * Spec: NVM Express Base 2.0, 4.1.2; NVMe RDMA Transport 1.0, 3.1.
 */
#include <stdlib.h>
#include <string.h>

#include "target/base/le.h"
#include "tests/rxe/rawclient/raw.h"

enum {
	TYPE_BIT_BUCKET = 0x1,
	TYPE_SEGMENT = 0x2,
	TYPE_UNKNOWN = 0xa,
	LIST_MAX = 17,
};

/* The descriptors that run_list() sends in the capsule. */
static struct np_sgl_desc list[LIST_MAX];

/* The capsule has as much data as it may, so that what wraps could look as if it were inside. */
static bool run_in_capsule(struct raw_env *env, const struct raw_case *self)
{
	static const uint8_t icd[4096];
	uint32_t bytes =
		env->inline_bytes < env->block_bytes ? env->inline_bytes : env->block_bytes;
	struct np_sqe sqe;

	raw_rw(env, &sqe, nvme_cmd_write, 0, 1);
	self->twist(env, &sqe);
	return raw_expect(env->shared->io, &sqe, icd, bytes, self->want);
}

/* A read of 16 blocks into a list of 16 descriptors, one of which twist may spoil. */
static bool run_list(struct raw_env *env, const struct raw_case *self)
{
	struct np_sqe sqe;

	raw_rw(env, &sqe, nvme_cmd_read, 0, 16);
	for (uint32_t i = 0; i < 16; i++)
		raw_sgl_keyed(&list[i], (uintptr_t)env->data + i * env->block_bytes,
			env->block_bytes, env->data_mr->rkey, NP_SGL_SUB_ADDRESS);
	raw_sgl_offset(&sqe.sgl, NP_SGL_LAST_SEGMENT, 0, 16 * sizeof(list[0]));
	self->twist(env, &sqe);
	return raw_expect(env->shared->io, &sqe, list, 16 * sizeof(list[0]), self->want);
}

/* Identify with its data in the capsule, where the target cannot write. */
static bool run_to_host_in_capsule(struct raw_env *env, const struct raw_case *self)
{
	static const uint8_t icd[512];
	struct np_sqe sqe;

	/* The admin queue takes in-capsule data on every target; Get Log Page has a free length. */
	raw_sqe_init(&sqe, nvme_admin_get_log_page, 0xffffffff);
	sqe.cdw10 = np_le32(NVME_LOG_LID_SMART | (sizeof(icd) / 4 - 1) << 16);
	raw_sgl_offset(&sqe.sgl, NP_SGL_DATA_BLOCK, 0, sizeof(icd));
	return raw_expect(env->shared->admin, &sqe, icd, sizeof(icd), self->want);
}

/* In-capsule data where none, or less, is taken. */
static bool run_in_capsule_too_much(struct raw_env *env, const struct raw_case *self)
{
	uint32_t bytes = env->inline_bytes / env->block_bytes * env->block_bytes + env->block_bytes;
	struct np_sqe sqe;

	raw_rw(env, &sqe, nvme_cmd_write, 0, bytes / env->block_bytes);
	raw_sgl_offset(&sqe.sgl, NP_SGL_DATA_BLOCK, 0, bytes);
	return raw_expect(env->shared->io, &sqe, NULL, 0, self->want);
}

/* ---- found by the RNIC --------------------------------------------------------------------- */

/* @sqe ends the connection of a controller of its own. */
static bool expect_drained(struct raw_env *env, struct np_sqe *sqe)
{
	struct raw_ctrl *ctrl = raw_ctrl_open(env, RAW_DEPTH);
	struct raw_answer answer;
	bool is_ok;

	if (!ctrl)
		return false;
	if (raw_exec(ctrl->io, sqe, NULL, 0, &answer) == 0)
		is_ok = raw_say(env, false, "answered with status %03xh", raw_status(&answer));
	else
		is_ok = raw_expect_closed(ctrl->io);
	raw_ctrl_close(ctrl);
	return is_ok ? raw_say(env, true, "the connection was ended") : false;
}

static bool run_read_bad(struct raw_env *env, const struct raw_case *self)
{
	struct np_sqe sqe;

	raw_rw(env, &sqe, nvme_cmd_read, 0, 8);
	self->twist(env, &sqe);
	return expect_drained(env, &sqe);
}

static bool run_write_bad(struct raw_env *env, const struct raw_case *self)
{
	struct np_sqe sqe;

	raw_rw(env, &sqe, nvme_cmd_write, 0, 8);
	self->twist(env, &sqe);
	return expect_drained(env, &sqe);
}

static void twist_bad_key(const struct raw_env *env, struct np_sqe *sqe)
{
	raw_sgl_keyed(&sqe->sgl, (uintptr_t)env->data, 8 * env->block_bytes,
		env->data_mr->rkey ^ 0x5500, NP_SGL_SUB_ADDRESS);
}

static void twist_foreign_address(const struct raw_env *env, struct np_sqe *sqe)
{
	raw_sgl_keyed(&sqe->sgl, (uintptr_t)env->data + RAW_DATA_BYTES - env->block_bytes,
		8 * env->block_bytes, env->data_mr->rkey, NP_SGL_SUB_ADDRESS);
}

/* ---- found by the target ------------------------------------------------------------------- */

static void twist_unknown_type(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	sqe->sgl.type = TYPE_UNKNOWN << 4;
}

static void twist_bit_bucket(const struct raw_env *env, struct np_sqe *sqe)
{
	raw_sgl_offset(&sqe->sgl, TYPE_BIT_BUCKET, 0, env->block_bytes);
}

static void twist_segment(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	raw_sgl_offset(&sqe->sgl, TYPE_SEGMENT, 0, sizeof(struct np_sgl_desc));
}

static void twist_unknown_subtype(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	sqe->sgl.type = NP_SGL_KEYED_DATA_BLOCK << 4 | 0x5;
}

static void twist_plain_address(const struct raw_env *env, struct np_sqe *sqe)
{
	raw_sgl_offset(&sqe->sgl, NP_SGL_DATA_BLOCK, (uintptr_t)env->data, env->block_bytes);
	sqe->sgl.type = NP_SGL_DATA_BLOCK << 4 | NP_SGL_SUB_ADDRESS;
}

static void set_length(const struct raw_env *env, struct np_sqe *sqe, uint32_t bytes)
{
	raw_use_data(env, sqe, bytes);
}

static void twist_short(const struct raw_env *env, struct np_sqe *sqe)
{
	set_length(env, sqe, env->block_bytes - 1);
}

static void twist_long(const struct raw_env *env, struct np_sqe *sqe)
{
	set_length(env, sqe, env->block_bytes + 1);
}

static void twist_empty(const struct raw_env *env, struct np_sqe *sqe)
{
	set_length(env, sqe, 0);
}

static void twist_longest(const struct raw_env *env, struct np_sqe *sqe)
{
	set_length(env, sqe, 0xffffff);
}

static void twist_offset_beyond(const struct raw_env *env, struct np_sqe *sqe)
{
	raw_sgl_offset(&sqe->sgl, NP_SGL_DATA_BLOCK, 1u << 20, env->block_bytes);
}

static void twist_offset_wraps(const struct raw_env *env, struct np_sqe *sqe)
{
	raw_sgl_offset(&sqe->sgl, NP_SGL_DATA_BLOCK, UINT64_MAX - 255, env->block_bytes);
}

static void twist_offset_wraps_32(const struct raw_env *env, struct np_sqe *sqe)
{
	raw_sgl_offset(&sqe->sgl, NP_SGL_DATA_BLOCK, UINT32_MAX - 255, env->block_bytes);
}

/* Even where in-capsule data is taken: this capsule has none. */
static void twist_no_icd(const struct raw_env *env, struct np_sqe *sqe)
{
	raw_sgl_offset(&sqe->sgl, NP_SGL_DATA_BLOCK, 0, env->block_bytes);
}

static void twist_list_good(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	(void)sqe;
}

static void set_list(struct np_sqe *sqe, uint64_t offset, uint32_t bytes)
{
	raw_sgl_offset(&sqe->sgl, NP_SGL_LAST_SEGMENT, offset, bytes);
}

static void twist_list_17(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	set_list(sqe, 0, 17 * sizeof(list[0]));
}

static void twist_list_endless(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	set_list(sqe, 0, 0xfffffff0);
}

static void twist_list_empty(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	set_list(sqe, 0, 0);
}

static void twist_list_uneven(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	set_list(sqe, 0, 16 * sizeof(list[0]) - 1);
}

static void twist_list_beyond(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	set_list(sqe, sizeof(list[0]), 16 * sizeof(list[0]));
}

static void twist_list_wraps(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	set_list(sqe, UINT64_MAX - 127, 16 * sizeof(list[0]));
}

static void twist_list_nested(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	(void)sqe;
	raw_sgl_offset(&list[15], NP_SGL_LAST_SEGMENT, 0, 16 * sizeof(list[0]));
}

static void twist_list_plain(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)sqe;
	raw_sgl_offset(&list[7], NP_SGL_DATA_BLOCK, 0, env->block_bytes);
}

static void twist_list_subtype(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	(void)sqe;
	list[3].type |= 0x7;
}

static void twist_list_sum(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)sqe;
	raw_sgl_keyed(&list[9], (uintptr_t)env->data, env->block_bytes - 4, env->data_mr->rkey,
		NP_SGL_SUB_ADDRESS);
}

#define SGL(title, runner, status, change)                                    \
	{                                                                     \
		.name = title, .run = runner, .want = status, .twist = change \
	}

const struct raw_case raw_sgl_cases[] = {
	SGL("sgl-type-unknown", raw_run_read, NVME_SC_SGL_INVALID_TYPE, twist_unknown_type),
	SGL("sgl-type-bit-bucket", raw_run_read, NVME_SC_SGL_INVALID_TYPE, twist_bit_bucket),
	SGL("sgl-type-segment", raw_run_write, NVME_SC_SGL_INVALID_TYPE, twist_segment),
	SGL("sgl-subtype-unknown", raw_run_write, NVME_SC_SGL_INVALID_TYPE, twist_unknown_subtype),
	SGL("sgl-plain-address", raw_run_read, NVME_SC_SGL_INVALID_TYPE, twist_plain_address),
	SGL("sgl-too-short", raw_run_read, NVME_SC_SGL_INVALID_DATA, twist_short),
	SGL("sgl-too-long", raw_run_write, NVME_SC_SGL_INVALID_DATA, twist_long),
	SGL("sgl-length-0", raw_run_read, NVME_SC_SGL_INVALID_DATA, twist_empty),
	SGL("sgl-length-0-write", raw_run_write, NVME_SC_SGL_INVALID_DATA, twist_empty),
	SGL("sgl-length-ffffff", raw_run_read, NVME_SC_SGL_INVALID_DATA, twist_longest),
	SGL("sgl-in-capsule-offset-beyond", run_in_capsule, NVME_SC_SGL_INVALID_OFFSET,
		twist_offset_beyond),
	SGL("sgl-in-capsule-offset-wraps", run_in_capsule, NVME_SC_SGL_INVALID_OFFSET,
		twist_offset_wraps),
	SGL("sgl-in-capsule-offset-wraps-32", run_in_capsule, NVME_SC_SGL_INVALID_OFFSET,
		twist_offset_wraps_32),
	SGL("sgl-in-capsule-not-sent", raw_run_write, NVME_SC_SGL_INVALID_OFFSET, twist_no_icd),
	SGL("sgl-in-capsule-too-much", run_in_capsule_too_much, NVME_SC_SGL_INVALID_OFFSET, NULL),
	SGL("sgl-in-capsule-to-host", run_to_host_in_capsule, NVME_SC_INVALID_FIELD, NULL),
	SGL("sgl-list-16", run_list, 0, twist_list_good),
	SGL("sgl-list-17", run_list, NVME_SC_SGL_INVALID_COUNT, twist_list_17),
	SGL("sgl-list-fffffff0", run_list, NVME_SC_SGL_INVALID_COUNT, twist_list_endless),
	SGL("sgl-list-empty", run_list, NVME_SC_SGL_INVALID_LAST, twist_list_empty),
	SGL("sgl-list-uneven", run_list, NVME_SC_SGL_INVALID_LAST, twist_list_uneven),
	SGL("sgl-list-beyond-capsule", run_list, NVME_SC_SGL_INVALID_OFFSET, twist_list_beyond),
	SGL("sgl-list-offset-wraps", run_list, NVME_SC_SGL_INVALID_OFFSET, twist_list_wraps),
	SGL("sgl-list-nested", run_list, NVME_SC_SGL_INVALID_LAST, twist_list_nested),
	SGL("sgl-list-plain-block", run_list, NVME_SC_SGL_INVALID_TYPE, twist_list_plain),
	SGL("sgl-list-subtype", run_list, NVME_SC_SGL_INVALID_TYPE, twist_list_subtype),
	SGL("sgl-list-sum-short", run_list, NVME_SC_SGL_INVALID_DATA, twist_list_sum),
	SGL("sgl-bad-key-read", run_read_bad, 0, twist_bad_key),
	SGL("sgl-bad-key-write", run_write_bad, 0, twist_bad_key),
	SGL("sgl-foreign-address-read", run_read_bad, 0, twist_foreign_address),
	SGL("sgl-foreign-address-write", run_write_bad, 0, twist_foreign_address),
	{0},
};
