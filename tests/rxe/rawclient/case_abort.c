// SPDX-License-Identifier: BSD-3-Clause
/*
 * case_abort.c - the Abort command against commands that are really on their way.
 */
#include <string.h>

#include "target/base/le.h"
#include "tests/rxe/rawclient/raw.h"

#define WRITES 16u
#define WRITE_BYTES (256u << 10)
#define LIMIT_ROUNDS 100u

static void abort_sqe(struct np_sqe *sqe, uint16_t sqid, uint16_t cid)
{
	raw_sqe_init(sqe, nvme_admin_abort_cmd, 0);
	sqe->cdw10 = np_le32(sqid | (uint32_t)cid << 16);
}

/* An event request waits for ever: it is aborted, and its completion comes first. */
static bool run_event(struct raw_env *env, const struct raw_case *self)
{
	struct raw_ctrl *ctrl = raw_ctrl_open(env, RAW_DEPTH);
	struct raw_answer answer;
	struct np_sqe event, abort;
	bool is_ok = false;

	if (!ctrl)
		return false;
	raw_sqe_init(&event, nvme_admin_async_event, 0);
	event.cid = 0x4242;
	abort_sqe(&abort, 0, 0x4242);
	abort.cid = 0x4343;
	if (raw_send(ctrl->admin, &event, sizeof(event)) ||
		raw_send(ctrl->admin, &abort, sizeof(abort)) || raw_receive(ctrl->admin, &answer))
		raw_say(env, false, "nothing came");
	else if (answer.cqe.cid != event.cid || raw_status(&answer) != self->want)
		raw_say(env, false, "first came command %#x with status %#x", answer.cqe.cid,
			raw_status(&answer));
	else if (raw_receive(ctrl->admin, &answer) || answer.cqe.cid != abort.cid ||
		raw_status(&answer) || np_le32(answer.cqe.dw0))
		raw_say(env, false, "Abort was not answered as it should");
	else
		is_ok = true;
	raw_ctrl_close(ctrl);
	return is_ok;
}

/* Sends @WRITES writes with the ids from 1 on, and an Abort for each. */
static bool send_all(struct raw_env *env, struct raw_ctrl *ctrl)
{
	struct np_sqe sqe;

	for (uint16_t i = 0; i < WRITES; i++) {
		raw_rw(env, &sqe, nvme_cmd_write, (uint64_t)i * (WRITE_BYTES / env->block_bytes),
			WRITE_BYTES / env->block_bytes);
		sqe.cid = np_le16((uint16_t)(i + 1));
		if (raw_send(ctrl->io, &sqe, sizeof(sqe)))
			return raw_say(env, false, "write %u was not taken", i);
	}
	return true;
}

/*
 * Aborts the writes one by one, the last first: those wait. Each Abort says of its write what the
 * write's own completion says.
 */
static bool run_writes(struct raw_env *env, const struct raw_case *self)
{
	struct raw_ctrl *ctrl = raw_ctrl_open(env, RAW_DEPTH);
	bool was_aborted[WRITES + 1] = {false};
	unsigned int aborted = 0;
	struct raw_answer answer;
	struct np_sqe sqe;
	bool is_ok = ctrl && send_all(env, ctrl);

	for (uint16_t cid = WRITES; is_ok && cid; cid--) {
		abort_sqe(&sqe, 1, cid);
		if (raw_exec(ctrl->admin, &sqe, NULL, 0, &answer) || raw_status(&answer))
			is_ok = raw_say(
				env, false, "Abort of %u: status %#x", cid, raw_status(&answer));
		was_aborted[cid] = !np_le32(answer.cqe.dw0);
		aborted += was_aborted[cid];
	}
	for (unsigned int i = 0; is_ok && i < WRITES; i++) {
		uint16_t cid;

		if (raw_receive(ctrl->io, &answer)) {
			is_ok = raw_say(env, false, "%u writes were answered", i);
			break;
		}
		cid = np_le16(answer.cqe.cid);
		if (!cid || cid > WRITES ||
			raw_status(&answer) != (was_aborted[cid] ? self->want : 0))
			is_ok = raw_say(env, false, "write %u: status %#x, but Abort said %d", cid,
				raw_status(&answer), was_aborted[cid]);
	}
	raw_ctrl_close(ctrl);
	return is_ok && raw_say(env, true, "%u of %u were aborted", aborted, WRITES);
}

/*
 * More at a time than ACL says, of commands that are not there, until one is too many: each is answered,
 * and those that were not refused say that nothing was aborted.
 */
static bool run_limit(struct raw_env *env, const struct raw_case *self)
{
	struct raw_queue *admin = env->shared->admin;
	unsigned int refused = 0;
	struct raw_answer answer;
	struct np_sqe sqe;

	for (unsigned int round = 0; !refused && round < LIMIT_ROUNDS; round++) {
		for (uint16_t i = 0; i < RAW_DEPTH - 1; i++) {
			abort_sqe(&sqe, 1, 0xffff);
			sqe.cid = np_le16(i);
			if (raw_send(admin, &sqe, sizeof(sqe)))
				return raw_say(env, false, "Abort %u was not taken", i);
		}
		for (unsigned int i = 0; i < RAW_DEPTH - 1; i++) {
			if (raw_receive(admin, &answer))
				return raw_say(env, false, "%u were answered", i);
			if (raw_status(&answer) == self->want && raw_is_final_enough(&answer))
				refused++;
			else if (raw_status(&answer) || np_le32(answer.cqe.dw0) != 1)
				return raw_say(env, false, "status %03xh, dword 0 %xh",
					raw_status(&answer), np_le32(answer.cqe.dw0));
		}
	}
	return raw_say(env, refused, "%u of %u at a time were too many", refused, RAW_DEPTH - 1);
}

const struct raw_case raw_abort_cases[] = {
	{.name = "abort-event", .run = run_event, .want = NVME_SC_ABORT_REQ},
	{.name = "abort-writes", .run = run_writes, .want = NVME_SC_ABORT_REQ},
	{.name = "abort-limit", .run = run_limit, .want = RAW_SPECIFIC(NVME_SC_ABORT_LIMIT)},
	{0},
};
