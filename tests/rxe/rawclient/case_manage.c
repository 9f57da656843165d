// SPDX-License-Identifier: BSD-3-Clause
/*
 * case_manage.c - the life of a namespace that the client creates, and what each command is answered at
 *                 the wrong time.
 *
 * Spec: NVM Express Base 2.0, 5.22, 5.23, 8.11 (namespace management), 8.12 (write protection).
 */
#include <string.h>

#include "target/base/le.h"
#include "tests/rxe/rawclient/raw.h"

#define PAGE 4096u
#define NBLOCKS 16384u

static bool create(struct raw_env *env, uint32_t *ret_nsid, bool is_shared, uint16_t want)
{
	const struct nvme_id_ns data = {.nsze = np_le64(NBLOCKS),
		.ncap = np_le64(NBLOCKS),
		.nmic = is_shared ? NVME_NS_NMIC_SHARED : 0};
	struct raw_answer answer;
	struct np_sqe sqe;

	raw_sqe_init(&sqe, nvme_admin_ns_mgmt, 0);
	memcpy(env->data, &data, sizeof(data));
	raw_use_data(env, &sqe, PAGE);
	if (raw_exec(env->shared->admin, &sqe, NULL, 0, &answer) || raw_status(&answer) != want)
		return raw_say(env, false, "create: status %03xh", raw_status(&answer));
	*ret_nsid = np_le32(answer.cqe.dw0);
	return true;
}

static bool delete (struct raw_env *env, uint32_t nsid, uint16_t want)
{
	struct np_sqe sqe;

	raw_sqe_init(&sqe, nvme_admin_ns_mgmt, nsid);
	sqe.cdw10 = np_le32(NVME_NS_MGMT_SEL_DELETE);
	return raw_expect(env->shared->admin, &sqe, NULL, 0, want);
}

static bool attach(
	struct raw_env *env, uint32_t nsid, uint16_t cntlid, bool is_attached, uint16_t want)
{
	const struct nvme_ctrl_list list = {.num = np_le16(1), .identifier = {np_le16(cntlid)}};
	struct np_sqe sqe;

	raw_sqe_init(&sqe, nvme_admin_ns_attach, nsid);
	sqe.cdw10 = np_le32(
		is_attached ? NVME_NS_ATTACH_SEL_CTRL_ATTACH : NVME_NS_ATTACH_SEL_CTRL_DEATTACH);
	memcpy(env->data, &list, sizeof(list));
	raw_use_data(env, &sqe, PAGE);
	return raw_expect(env->shared->admin, &sqe, NULL, 0, want);
}

static bool protect(struct raw_env *made, uint32_t value)
{
	struct np_sqe sqe;

	raw_sqe_init(&sqe, nvme_admin_set_features, made->nsid);
	sqe.cdw10 = np_le32(NVME_FEAT_FID_WRITE_PROTECT);
	sqe.cdw11 = np_le32(value);
	return raw_expect(made->shared->admin, &sqe, NULL, 0, 0);
}

/* One command at block 0 of @made. */
static bool try_block(struct raw_env *made, uint8_t opcode, uint32_t bytes, uint16_t want)
{
	struct np_sqe sqe;

	memset(made->data, 0, PAGE);
	raw_sqe_init(&sqe, opcode, made->nsid);
	if (opcode == nvme_cmd_dsm)
		sqe.cdw11 = np_le32(NVME_DSMGMT_AD);
	/* From block 0 to somewhere else. */
	if (opcode == nvme_cmd_copy)
		sqe.cdw10 = np_le32(1);
	if (bytes)
		raw_use_data(made, &sqe, bytes);
	return raw_expect(made->shared->io, &sqe, NULL, 0, want);
}

/* All that changes blocks is refused with @want; reading is not. */
static bool try_writers(struct raw_env *made, uint16_t want)
{
	const bool has_zeroes = made->oncs & NVME_CTRL_ONCS_WRITE_ZEROES;

	return try_block(made, nvme_cmd_write, made->block_bytes, want) &&
		(!has_zeroes || try_block(made, nvme_cmd_write_zeroes, 0, want)) &&
		try_block(made, nvme_cmd_dsm, 16, want) &&
		try_block(made, nvme_cmd_copy, 32, want) &&
		try_block(made, nvme_cmd_read, made->block_bytes, 0) &&
		try_block(made, nvme_cmd_flush, 0, 0) && try_block(made, nvme_cmd_verify, 0, 0);
}

static bool try_protection(struct raw_env *made)
{
	return raw_learn(made, made->shared->admin) && try_writers(made, 0) &&
		protect(made, NVME_FEAT_NS_WRITE_PROTECT) &&
		try_writers(made, NVME_SC_NS_WRITE_PROTECTED) &&
		protect(made, NVME_FEAT_NS_NO_WRITE_PROTECT) && try_writers(made, 0);
}

static bool run_life(struct raw_env *env, const struct raw_case *self)
{
	const uint16_t cntlid = env->shared->cntlid;
	struct raw_env made = *env;
	uint32_t nsid;

	(void)self;
	if (!create(env, &nsid, true, 0))
		return false;
	made.nsid = nsid;
	return try_block(&made, nvme_cmd_flush, 0, NVME_SC_INVALID_FIELD) &&
		attach(env, nsid, cntlid, true, 0) &&
		attach(env, nsid, cntlid, true, RAW_SPECIFIC(NVME_SC_NS_ALREADY_ATTACHED)) &&
		try_protection(&made) && attach(env, nsid, cntlid, false, 0) &&
		attach(env, nsid, cntlid, false, RAW_SPECIFIC(NVME_SC_NS_NOT_ATTACHED)) &&
		try_block(&made, nvme_cmd_flush, 0, NVME_SC_INVALID_FIELD) &&
		delete (env, nsid, 0) && delete (env, nsid, NVME_SC_INVALID_NS) &&
		attach(env, nsid, cntlid, true, NVME_SC_INVALID_NS) &&
		raw_say(env, true, "namespace %u", nsid);
}

/* A namespace that is not shared is one host's at a time. */
static bool run_private(struct raw_env *env, const struct raw_case *self)
{
	struct raw_env other = *env;
	struct raw_queue *admin;
	uint16_t cntlid;
	uint32_t nsid;
	bool is_ok;

	other.is_other_host = true;
	admin = raw_open_connected(&other, 0, RAW_DEPTH, other.cntlid, &cntlid);
	if (!admin)
		return raw_say(env, false, "another host: %s", other.detail);
	is_ok = create(env, &nsid, false, 0) && attach(env, nsid, env->shared->cntlid, true, 0) &&
		attach(env, nsid, cntlid, true, self->want) &&
		attach(env, nsid, env->shared->cntlid, false, 0) &&
		attach(env, nsid, cntlid, true, 0) && delete (env, nsid, 0);
	raw_queue_close(admin);
	return is_ok;
}

static bool run_no_nsid(struct raw_env *env, const struct raw_case *self)
{
	uint32_t nsid;

	return create(env, &nsid, true, self->want);
}

const struct raw_case raw_manage_cases[] = {
	{.name = "manage-life", .run = run_life},
	{.name = "manage-private", .run = run_private, .want = RAW_SPECIFIC(NVME_SC_NS_IS_PRIVATE)},
	{.name = "state-all-namespaces-taken",
		.run = run_no_nsid,
		.want = RAW_SPECIFIC(NVME_SC_NS_ID_UNAVAILABLE),
		.is_by_name = true},
	{0},
};
