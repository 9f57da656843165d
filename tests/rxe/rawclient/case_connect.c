// SPDX-License-Identifier: BSD-3-Clause
/*
 * case_connect.c - Fabrics Connect with one wrong field, or at the wrong time.
 *
 * Spec: NVM Express Base 2.0, section 6.3: a refusal names the field in dword 0 of its answer.
 */
#include <errno.h>
#include <string.h>

#include "target/base/le.h"
#include "tests/rxe/rawclient/raw.h"

#define INVALID_PARAM RAW_SPECIFIC(NVME_SC_CONNECT_INVALID_PARAM)
#define IPO_CMD(member) (offsetof(struct np_sqe, cdw10) + offsetof(struct np_connect_cmd, member))
#define IPO_DATA(member) offsetof(struct nvmf_connect_data, member)

static bool judge(
	struct raw_env *env, const struct raw_case *self, int err, const struct raw_answer *answer)
{
	uint16_t ipo, status;

	if (err)
		return raw_say(env, false, "no answer: %s", strerror(-err));
	status = raw_status(answer);
	if (status != self->want)
		return raw_say(env, false, "status %03xh, want %03xh", status, self->want);
	if (!raw_is_final_enough(answer))
		return raw_say(env, false, "status %03xh, with the wrong DNR", status);
	ipo = np_le16(answer->cqe.connect_error.ipo);
	if (status == INVALID_PARAM &&
		(ipo != self->ipo || answer->cqe.connect_error.iattr != self->ipo_in_data))
		return raw_say(env, false, "names byte %u of %s, want %u of %s", ipo,
			answer->cqe.connect_error.iattr ? "data" : "command", self->ipo,
			self->ipo_in_data ? "data" : "command");
	return raw_say(env, true, "status %03xh", status);
}

static bool run_connect(
	struct raw_env *env, const struct raw_case *self, uint16_t qid, uint16_t cntlid)
{
	struct raw_queue *queue = raw_open_plain(env, qid, RAW_DEPTH);
	struct raw_connect connect;
	struct raw_answer answer;
	bool is_ok;
	int err;

	if (!queue)
		return false;
	raw_connect_init(env, &connect, qid, RAW_DEPTH, cntlid);
	self->twist_connect(&connect);
	err = raw_connect_exec(queue, &connect, &answer);
	is_ok = judge(env, self, err, &answer);
	raw_queue_close(queue);
	return is_ok;
}

static bool run_admin(struct raw_env *env, const struct raw_case *self)
{
	return run_connect(env, self, 0, env->cntlid);
}

static bool run_io(struct raw_env *env, const struct raw_case *self)
{
	return run_connect(env, self, 2, env->shared->cntlid);
}

static void twist_none(struct raw_connect *connect)
{
	(void)connect;
}

static void twist_inline(struct raw_connect *connect)
{
	connect->is_inline = true;
}

static void twist_recfmt(struct raw_connect *connect)
{
	connect->cmd.recfmt = np_le16(1);
}

static void twist_qid(struct raw_connect *connect)
{
	connect->cmd.qid = np_le16((uint16_t)(np_le16(connect->cmd.qid) + 1));
}

static void twist_sqsize_0(struct raw_connect *connect)
{
	connect->cmd.sqsize_0b = 0;
}

static void twist_sqsize_deeper(struct raw_connect *connect)
{
	connect->cmd.sqsize_0b = np_le16(RAW_DEPTH);
}

static void twist_sqsize_ffff(struct raw_connect *connect)
{
	connect->cmd.sqsize_0b = 0xffff;
}

static void twist_cntlid(struct raw_connect *connect)
{
	connect->data.cntlid = np_le16(0xfff0);
}

static void twist_no_hostnqn(struct raw_connect *connect)
{
	memset(connect->data.hostnqn, 0, sizeof(connect->data.hostnqn));
}

static void twist_endless_hostnqn(struct raw_connect *connect)
{
	memset(connect->data.hostnqn, 'x', sizeof(connect->data.hostnqn));
}

static void twist_endless_subnqn(struct raw_connect *connect)
{
	memset(connect->data.subsysnqn, '%', sizeof(connect->data.subsysnqn));
}

static void twist_unknown_subnqn(struct raw_connect *connect)
{
	/* With an escape sequence, for the terminal on which the target logs. */
	static const char nqn[] = "nqn.2024-01.test:\x1b[2Jnobody";

	memcpy(connect->data.subsysnqn, nqn, sizeof(nqn));
}

static void twist_other_hostnqn(struct raw_connect *connect)
{
	strcpy(connect->data.hostnqn, RAW_OTHER_HOSTNQN);
}

static void twist_strange_hostnqn(struct raw_connect *connect)
{
	connect->data.hostnqn[strlen(connect->data.hostnqn)] = 'x';
}

static void twist_other_hostid(struct raw_connect *connect)
{
	connect->data.hostid[7] ^= 1;
}

static void twist_short_data(struct raw_connect *connect)
{
	connect->bytes = 512;
}

static void twist_long_data(struct raw_connect *connect)
{
	connect->bytes = 4096;
}

static void twist_no_data(struct raw_connect *connect)
{
	connect->bytes = 0;
}

/* ---- at the wrong time --------------------------------------------------------------------- */

static bool run_not_enabled(struct raw_env *env, const struct raw_case *self)
{
	struct raw_queue *admin, *io;
	struct raw_connect connect;
	struct raw_answer answer;
	uint16_t cntlid;
	bool is_ok = false;

	admin = raw_open_connected(env, 0, RAW_DEPTH, env->cntlid, &cntlid);
	if (!admin)
		return false;
	io = raw_open_plain(env, 1, RAW_DEPTH);
	if (io) {
		raw_connect_init(env, &connect, 1, RAW_DEPTH, cntlid);
		is_ok = judge(env, self, raw_connect_exec(io, &connect, &answer), &answer);
	}
	raw_queue_close(io);
	raw_queue_close(admin);
	return is_ok;
}

/* The queue id is taken: by the shared controller's own I/O queue. */
static bool run_qid_taken(struct raw_env *env, const struct raw_case *self)
{
	return run_connect(env, self, 1, env->shared->cntlid);
}

static bool run_twice(struct raw_env *env, const struct raw_case *self)
{
	struct raw_ctrl *ctrl = env->shared;
	struct raw_connect connect;
	struct raw_answer answer;
	int err;

	raw_connect_init(env, &connect, 0, RAW_DEPTH, env->cntlid);
	err = raw_connect_exec(ctrl->admin, &connect, &answer);
	if (!judge(env, self, err, &answer))
		return false;
	raw_connect_init(env, &connect, 1, RAW_DEPTH, ctrl->cntlid);
	err = raw_connect_exec(ctrl->io, &connect, &answer);
	return judge(env, self, err, &answer);
}

#define CONNECT(title, runner, status, change, byte, in_data)                          \
	{                                                                              \
		.name = title, .run = runner, .want = status, .twist_connect = change, \
		.ipo = byte, .ipo_in_data = in_data                                    \
	}
#define ADMIN(title, ...) CONNECT(title, run_admin, __VA_ARGS__)
#define IO(title, ...) CONNECT(title, run_io, __VA_ARGS__)

const struct raw_case raw_connect_cases[] = {
	ADMIN("connect-good", 0, twist_none, 0, 0),
	ADMIN("connect-in-capsule", 0, twist_inline, 0, 0),
	ADMIN("connect-recfmt-1", RAW_SPECIFIC(NVME_SC_CONNECT_FORMAT), twist_recfmt, 0, 0),
	ADMIN("connect-qid-differs", INVALID_PARAM, twist_qid, IPO_CMD(qid), 0),
	ADMIN("connect-sqsize-0", INVALID_PARAM, twist_sqsize_0, IPO_CMD(sqsize_0b), 0),
	ADMIN("connect-sqsize-deeper-than-queue", INVALID_PARAM, twist_sqsize_deeper,
		IPO_CMD(sqsize_0b), 0),
	ADMIN("connect-sqsize-ffff", INVALID_PARAM, twist_sqsize_ffff, IPO_CMD(sqsize_0b), 0),
	ADMIN("connect-static-cntlid", INVALID_PARAM, twist_cntlid, IPO_DATA(cntlid), 1),
	ADMIN("connect-hostnqn-empty", INVALID_PARAM, twist_no_hostnqn, IPO_DATA(hostnqn), 1),
	ADMIN("connect-hostnqn-endless", INVALID_PARAM, twist_endless_hostnqn, IPO_DATA(hostnqn),
		1),
	ADMIN("connect-subnqn-endless", INVALID_PARAM, twist_endless_subnqn, IPO_DATA(subsysnqn),
		1),
	ADMIN("connect-subnqn-unknown", INVALID_PARAM, twist_unknown_subnqn, IPO_DATA(subsysnqn),
		1),
	ADMIN("connect-not-allowed", RAW_SPECIFIC(NVME_SC_CONNECT_INVALID_HOST),
		twist_strange_hostnqn, 0, 0),
	ADMIN("connect-data-512", NVME_SC_SGL_INVALID_DATA, twist_short_data, 0, 0),
	ADMIN("connect-data-4096", NVME_SC_SGL_INVALID_DATA, twist_long_data, 0, 0),
	ADMIN("connect-data-none", NVME_SC_SGL_INVALID_DATA, twist_no_data, 0, 0),
	IO("connect-io-good", 0, twist_none, 0, 0),
	IO("connect-io-qid-differs", INVALID_PARAM, twist_qid, IPO_CMD(qid), 0),
	IO("connect-io-cntlid-unknown", INVALID_PARAM, twist_cntlid, IPO_DATA(cntlid), 1),
	IO("connect-io-other-hostnqn", INVALID_PARAM, twist_other_hostnqn, IPO_DATA(cntlid), 1),
	IO("connect-io-other-hostid", INVALID_PARAM, twist_other_hostid, IPO_DATA(cntlid), 1),
	{.name = "connect-io-before-enable", .run = run_not_enabled, .want = NVME_SC_CMD_SEQ_ERROR},
	CONNECT("connect-io-qid-taken", run_qid_taken, NVME_SC_CMD_SEQ_ERROR, twist_none, 0, 0),
	{.name = "connect-twice", .run = run_twice, .want = NVME_SC_CMD_SEQ_ERROR},
	{0},
};
