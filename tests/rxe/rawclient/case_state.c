// SPDX-License-Identifier: BSD-3-Clause
/*
 * case_state.c - what a command is answered because of the state of what it is for: its path, its medium,
 *                the space behind it, controllers that are all taken.
 *
 * Each wants a target that is in that state; test_34_statuses.py has it.
 *
 * Spec: NVM Express Base 2.0, 3.3.3.2 (status, retry delay), 8.1.3 (ANA); 3.1.3 (controller IDs).
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "target/base/le.h"
#include "tests/rxe/rawclient/raw.h"

#define PAGE 4096u
#define NUMD_PAGE ((PAGE / 4 - 1) << 16)
#define BEHAVIOUR_BYTES 512u
#define CRD_SHIFT 11
#define CRD_MASK 3u
#define IS_FINAL NVME_SC_DNR
#define MIB (1u << 20)
#define CONTROLLERS 64u /* more than the target has */
#define TRIES 100

/* Host Behaviour Support: the host knows retry delays, or does not. */
static bool know_delays(struct raw_env *env, bool are_known)
{
	struct np_sqe sqe;

	raw_sqe_init(&sqe, nvme_admin_set_features, 0);
	sqe.cdw10 = np_le32(NVME_FEAT_FID_HOST_BEHAVIOR);
	raw_use_data(env, &sqe, BEHAVIOUR_BYTES);
	memset(env->data, 0, BEHAVIOUR_BYTES);
	env->data[0] = are_known;
	return raw_expect(env->shared->admin, &sqe, NULL, 0, 0);
}

/* raw_exec(), and the whole status field with DNR and CRD: @want, SCT and SC with DNR, and a delay or none. */
static bool expect_whole(struct raw_queue *queue, struct np_sqe *sqe, const char *what,
	uint16_t want, bool is_delayed)
{
	struct raw_answer answer;
	int err = raw_exec(queue, sqe, NULL, 0, &answer);
	uint16_t field;

	if (err)
		return raw_say(queue->env, false, "%s: %s", what, strerror(-err));
	field = np_le16(answer.cqe.status) >> 1 & (uint16_t)~NVME_SC_MORE;
	return raw_say(queue->env, field == (want | (uint16_t)is_delayed << CRD_SHIFT),
		"%s: status %04xh, want %04xh with%s a delay", what, field, want,
		is_delayed ? "" : "out");
}

/* ---- ANA ---------------------------------------------------------------------------------- */

/* Commands that need a path to their namespace. */
static const struct {
	const char *name;
	bool is_admin;
	uint8_t opcode;
	uint32_t cdw10, cdw11;
	uint32_t bytes; /* of data; 0 with blocks: one block */
	bool has_blocks;
} travellers[] = {
	{"read", .opcode = nvme_cmd_read, .has_blocks = true},
	{"write", .opcode = nvme_cmd_write, .has_blocks = true},
	{"compare", .opcode = nvme_cmd_compare, .has_blocks = true},
	{"flush", .opcode = nvme_cmd_flush},
	{"write zeroes", .opcode = nvme_cmd_write_zeroes},
	{"verify", .opcode = nvme_cmd_verify},
	{"dsm", .opcode = nvme_cmd_dsm, .bytes = 16},
	{"copy", .opcode = nvme_cmd_copy, .bytes = 32},
	{"register", .opcode = nvme_cmd_resv_register, .bytes = 16},
	{"report", .opcode = nvme_cmd_resv_report, .cdw10 = PAGE / 4 - 1, .cdw11 = 1,
		.bytes = PAGE},
	{"get mask", .is_admin = true, nvme_admin_get_features, .cdw10 = NVME_FEAT_FID_RESV_MASK},
	{"set mask", .is_admin = true, nvme_admin_set_features, .cdw10 = NVME_FEAT_FID_RESV_MASK},
	{"protect", .is_admin = true, nvme_admin_set_features,
		.cdw10 = NVME_FEAT_FID_WRITE_PROTECT},
};

/* Return: a namespace of a group in @state, as the log page has it, or 0. */
static uint32_t find_by_state(struct raw_env *env, enum nvme_ana_state state)
{
	const struct nvme_ana_log *log = (const void *)env->data;
	const uint8_t *at = env->data + sizeof(*log);
	struct np_sqe sqe;

	raw_sqe_init(&sqe, nvme_admin_get_log_page, 0);
	sqe.cdw10 = np_le32(NUMD_PAGE | NVME_LOG_LID_ANA);
	raw_use_data(env, &sqe, PAGE);
	if (!raw_expect(env->shared->admin, &sqe, NULL, 0, 0))
		return 0;
	for (unsigned int i = 0; i < np_le16(log->ngrps); i++) {
		struct nvme_ana_group_desc group; /* which need not be aligned in the log */
		uint32_t nsid_le;

		memcpy(&group, at, sizeof(group));
		at += sizeof(group);
		memcpy(&nsid_le, at, sizeof(nsid_le));
		if ((group.state & 0xf) == (uint8_t)state && group.nnsids)
			return np_le32(nsid_le);
		at += np_le32(group.nnsids) * sizeof(nsid_le);
	}
	raw_say(env, false, "no namespace is in ANA state %xh", (unsigned int)state);
	return 0;
}

static bool try_travellers(
	struct raw_env *env, const struct raw_case *self, uint32_t nsid, bool is_delayed)
{
	for (size_t i = 0; i < sizeof(travellers) / sizeof(travellers[0]); i++) {
		const uint32_t bytes =
			travellers[i].has_blocks ? env->block_bytes : travellers[i].bytes;
		struct raw_queue *queue =
			travellers[i].is_admin ? env->shared->admin : env->shared->io;
		struct np_sqe sqe;

		raw_sqe_init(&sqe, travellers[i].opcode, nsid);
		sqe.cdw10 = np_le32(travellers[i].cdw10);
		sqe.cdw11 = np_le32(travellers[i].cdw11);
		memset(env->data, 0, PAGE);
		if (bytes)
			raw_use_data(env, &sqe, bytes);
		if (!expect_whole(queue, &sqe, travellers[i].name, self->want, is_delayed) ||
			(!is_delayed &&
				!raw_is_logged(env, &sqe, !travellers[i].is_admin, self->want,
					RAW_NO_FIELD)))
			return false;
	}
	return true;
}

/* Identify tells of the namespace all the same: what is in use of it is not known. */
static bool identify_afar(struct raw_env *env, uint32_t nsid)
{
	struct nvme_id_ns id;

	if (!raw_identify(env->shared->admin, nsid, NVME_IDENTIFY_CNS_NS, 0))
		return false;
	memcpy(&id, env->data, sizeof(id));
	return raw_say(env, id.nsze && !id.nuse, "NSZE %llu, NUSE %llu",
		(unsigned long long)np_le64(id.nsze), (unsigned long long)np_le64(id.nuse));
}

static bool run_ana(struct raw_env *env, const struct raw_case *self, enum nvme_ana_state state)
{
	const uint32_t nsid = find_by_state(env, state);

	return nsid && try_travellers(env, self, nsid, false) && know_delays(env, true) &&
		try_travellers(env, self, nsid, true) && know_delays(env, false) &&
		identify_afar(env, nsid) &&
		raw_say(env, true, "namespace %u: %zu commands, with and without delay", nsid,
			sizeof(travellers) / sizeof(travellers[0]));
}

static bool run_inaccessible(struct raw_env *env, const struct raw_case *self)
{
	return run_ana(env, self, NVME_ANA_STATE_INACCESSIBLE);
}

static bool run_lost(struct raw_env *env, const struct raw_case *self)
{
	return run_ana(env, self, NVME_ANA_STATE_PERSISTENT_LOSS);
}

static bool run_change(struct raw_env *env, const struct raw_case *self)
{
	return run_ana(env, self, NVME_ANA_STATE_CHANGE);
}

/* ---- the medium --------------------------------------------------------------------------- */

/* By number, as in np-errnofile: reading or writing block N fails with error N. */
static const struct {
	int err;
	uint16_t read, write;
} errors[] = {
	{EPERM, NVME_SC_NS_WRITE_PROTECTED | IS_FINAL, NVME_SC_NS_WRITE_PROTECTED | IS_FINAL},
	{EIO, NVME_SC_INTERNAL | IS_FINAL, NVME_SC_INTERNAL | IS_FINAL},
	{ENXIO, NVME_SC_INTERNAL, NVME_SC_INTERNAL},
	{ENOMEM, NVME_SC_NS_NOT_READY, NVME_SC_NS_NOT_READY},
	{EBUSY, NVME_SC_NS_NOT_READY, NVME_SC_NS_NOT_READY},
	{ENODEV, NVME_SC_INTERNAL, NVME_SC_INTERNAL},
	{ENOSPC, NVME_SC_CAP_EXCEEDED | IS_FINAL, NVME_SC_CAP_EXCEEDED | IS_FINAL},
	{EROFS, NVME_SC_NS_WRITE_PROTECTED | IS_FINAL, NVME_SC_NS_WRITE_PROTECTED | IS_FINAL},
	{EBADE, NVME_SC_RESERVATION_CONFLICT | IS_FINAL, NVME_SC_RESERVATION_CONFLICT | IS_FINAL},
	{ENODATA, RAW_MEDIA(NVME_SC_READ_ERROR) | IS_FINAL,
		RAW_MEDIA(NVME_SC_WRITE_FAULT) | IS_FINAL},
	{ENOLINK, NVME_SC_INTERNAL, NVME_SC_INTERNAL},
	{EREMOTEIO, NVME_SC_INVALID_OPCODE | IS_FINAL, NVME_SC_INVALID_OPCODE | IS_FINAL},
};

/* What is not final may be gone in a while: hosts that know delays are given one. */
static bool try_error(struct raw_env *env, uint8_t opcode, int err, uint16_t want, bool are_known)
{
	struct np_sqe sqe;

	raw_rw(env, &sqe, opcode, (uint64_t)err, 1);
	return expect_whole(
		env->shared->io, &sqe, strerror(err), want, are_known && !(want & IS_FINAL));
}

static bool try_errors(struct raw_env *env, bool are_known)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (!try_error(env, nvme_cmd_read, errors[i].err, errors[i].read, are_known) ||
			!try_error(env, nvme_cmd_write, errors[i].err, errors[i].write, are_known))
			return false;
	}
	return true;
}

static bool run_errors(struct raw_env *env, const struct raw_case *self)
{
	(void)self;
	return try_errors(env, false) && know_delays(env, true) && try_errors(env, true) &&
		know_delays(env, false) &&
		raw_say(env, true, "%zu errors, read and written, with and without delay",
			sizeof(errors) / sizeof(errors[0]));
}

/* Linux 6.12, drivers/scsi/scsi_debug.c, OPT_MEDIUM_ERR_ADDR and _NUM: blocks that cannot be read. */
#define BAD_LBA 0x1234u
#define BAD_NBLOCKS 10u

static bool run_bad_medium(struct raw_env *env, const struct raw_case *self)
{
	struct raw_queue *io = env->shared->io;
	struct np_sqe sqe;

	raw_rw(env, &sqe, nvme_cmd_read, BAD_LBA - 1, 1);
	if (!raw_expect(io, &sqe, NULL, 0, 0))
		return false;
	for (uint64_t lba = BAD_LBA; lba < BAD_LBA + BAD_NBLOCKS; lba++) {
		raw_rw(env, &sqe, nvme_cmd_read, lba, 1);
		if (!raw_expect(io, &sqe, NULL, 0, self->want) ||
			!raw_is_logged(env, &sqe, true, self->want, RAW_NO_FIELD))
			return false;
	}
	raw_sqe_init(&sqe, nvme_cmd_verify, env->nsid);
	sqe.cdw10 = np_le32(BAD_LBA - 4);
	sqe.cdw12 = np_le32(BAD_NBLOCKS);
	if (!raw_expect(io, &sqe, NULL, 0, self->want))
		return false;
	raw_rw(env, &sqe, nvme_cmd_read, BAD_LBA + BAD_NBLOCKS, 1);
	return raw_expect(io, &sqe, NULL, 0, 0);
}

/* A file larger than the space behind it. What is given back can be written again. */
static bool run_full(struct raw_env *env, const struct raw_case *self)
{
	const uint32_t most = MIB / env->block_bytes;
	struct raw_queue *io = env->shared->io;
	struct nvme_dsm_range range = {.nlb = np_le32(most)};
	struct raw_answer answer = {0};
	uint64_t lba = 0;
	struct np_sqe sqe;

	for (; !raw_status(&answer); lba += most) {
		raw_rw(env, &sqe, nvme_cmd_write, lba, most);
		if (lba + most > env->nblocks || raw_exec(io, &sqe, NULL, 0, &answer))
			return raw_say(
				env, false, "%llu blocks were written", (unsigned long long)lba);
	}
	if (raw_status(&answer) != self->want || !raw_is_final_enough(&answer))
		return raw_say(env, false, "status %04xh", np_le16(answer.cqe.status) >> 1);
	lba -= most;
	memcpy(env->data, &range, sizeof(range));
	raw_sqe_init(&sqe, nvme_cmd_dsm, env->nsid);
	sqe.cdw11 = np_le32(NVME_DSMGMT_AD);
	raw_use_data(env, &sqe, sizeof(range));
	if (!raw_expect(io, &sqe, NULL, 0, 0))
		return false;
	raw_rw(env, &sqe, nvme_cmd_write, lba, most);
	return raw_expect(io, &sqe, NULL, 0, 0) &&
		raw_say(env, true, "full at block %llu", (unsigned long long)lba);
}

/* ---- controllers -------------------------------------------------------------------------- */

static bool connect_once(struct raw_env *env, struct raw_queue **ret_queue, uint16_t *ret_status)
{
	struct raw_connect connect;
	struct raw_answer answer;

	*ret_queue = raw_open_plain(env, 0, RAW_DEPTH);
	if (!*ret_queue)
		return false;
	raw_connect_init(env, &connect, 0, RAW_DEPTH, env->cntlid);
	if (raw_connect_exec(*ret_queue, &connect, &answer))
		return raw_say(env, false, "Connect was not answered");
	*ret_status = raw_status(&answer);
	return raw_say(
		env, raw_is_final_enough(&answer), "status %03xh with the wrong DNR", *ret_status);
}

/* Takes controllers until there is none; one that is given back can be had. */
static bool run_all_taken(struct raw_env *env, const struct raw_case *self)
{
	struct raw_queue *queues[CONTROLLERS] = {NULL};
	unsigned int taken = 0;
	uint16_t status = 0;
	bool is_ok = true;

	while (is_ok && !status && taken < CONTROLLERS)
		is_ok = connect_once(env, &queues[taken++], &status);
	if (is_ok && status != self->want)
		is_ok = raw_say(env, false, "%u controllers, then %03xh", taken, status);
	raw_queue_close(queues[0]);
	queues[0] = NULL;
	for (unsigned int try = 0; is_ok && status && try < TRIES; try++) {
		usleep(100000);
		raw_queue_close(queues[0]);
		is_ok = connect_once(env, &queues[0], &status);
	}
	for (unsigned int i = 0; i < taken; i++)
		raw_queue_close(queues[i]);
	return is_ok &&
		raw_say(env, !status, "%u controllers, the next one %03xh, then %03xh", taken - 1,
			self->want, status);
}

#define STATE(title, runner, status)                                                      \
	{                                                                                 \
		.name = "state-" title, .run = runner, .want = status, .is_by_name = true \
	}

const struct raw_case raw_state_cases[] = {
	STATE("ana-inaccessible", run_inaccessible, RAW_PATH(NVME_SC_ANA_INACCESSIBLE)),
	STATE("ana-persistent-loss", run_lost, RAW_PATH(NVME_SC_ANA_PERSISTENT_LOSS)),
	STATE("ana-change", run_change, RAW_PATH(NVME_SC_ANA_TRANSITION)),
	STATE("errors", run_errors, 0),
	STATE("bad-medium", run_bad_medium, RAW_MEDIA(NVME_SC_READ_ERROR)),
	STATE("full", run_full, NVME_SC_CAP_EXCEEDED),
	STATE("all-controllers-taken", run_all_taken, RAW_SPECIFIC(NVME_SC_CONNECT_CTRL_BUSY)),
	{0},
};
