// SPDX-License-Identifier: BSD-3-Clause
/*
 * case_capsule.c - capsules of a wrong length, and commands before Connect.
 *
 * A capsule that is no command cannot be answered: its connection ends, and no other.
 */
#include <string.h>

#include "tests/rxe/rawclient/raw.h"

/* Sends @bytes on a live I/O queue of a controller of its own. */
static bool send_broken(struct raw_env *env, uint32_t bytes)
{
	static const uint8_t zeros[RAW_CAPSULE_BYTES];
	struct raw_ctrl *ctrl = raw_ctrl_open(env, RAW_DEPTH);
	bool is_ok;

	if (!ctrl)
		return false;
	is_ok = !raw_send(ctrl->io, zeros, bytes) && raw_expect_closed(ctrl->io);
	raw_ctrl_close(ctrl);
	return is_ok ? raw_say(env, true, "the connection was ended") : false;
}

static bool run_0(struct raw_env *env, const struct raw_case *self)
{
	(void)self;
	return send_broken(env, 0);
}

static bool run_63(struct raw_env *env, const struct raw_case *self)
{
	(void)self;
	return send_broken(env, sizeof(struct np_sqe) - 1);
}

static bool run_too_long(struct raw_env *env, const struct raw_case *self)
{
	(void)self;
	return send_broken(env, RAW_CAPSULE_BYTES);
}

/* A short capsule as the very first one, which no Connect has preceded. */
static bool run_first_short(struct raw_env *env, const struct raw_case *self)
{
	struct raw_queue *queue = raw_open_plain(env, 0, RAW_DEPTH);
	bool is_ok;

	(void)self;
	if (!queue)
		return false;
	is_ok = !raw_send(queue, "\x7f", 1) && raw_expect_closed(queue);
	raw_queue_close(queue);
	return is_ok ? raw_say(env, true, "the connection was ended") : false;
}

/* The admin queue's own end takes the I/O queues of its controller along. */
static bool run_admin_short(struct raw_env *env, const struct raw_case *self)
{
	struct raw_ctrl *ctrl = raw_ctrl_open(env, RAW_DEPTH);
	bool is_ok;

	(void)self;
	if (!ctrl)
		return false;
	is_ok = !raw_send(ctrl->admin, "\x7f", 1) && raw_expect_closed(ctrl->admin) &&
		raw_expect_closed(ctrl->io);
	raw_ctrl_close(ctrl);
	return is_ok ? raw_say(env, true, "both connections were ended") : false;
}

/* Refused, but a Connect may follow. */
static bool expect_first_refused(struct raw_env *env, uint16_t qid, struct np_sqe *sqe)
{
	struct raw_queue *queue = raw_open_plain(env, qid, RAW_DEPTH);
	struct raw_connect connect;
	struct raw_answer answer;
	bool is_ok;

	if (!queue)
		return false;
	is_ok = raw_expect(queue, sqe, NULL, 0, NVME_SC_CMD_SEQ_ERROR);
	if (is_ok) {
		raw_connect_init(
			env, &connect, qid, RAW_DEPTH, qid ? env->shared->cntlid : env->cntlid);
		if (raw_connect_exec(queue, &connect, &answer) || raw_status(&answer))
			is_ok = raw_say(
				env, false, "Connect after it: status %03xh", raw_status(&answer));
	}
	raw_queue_close(queue);
	return is_ok;
}

static bool run_first_identify(struct raw_env *env, const struct raw_case *self)
{
	struct np_sqe sqe;

	(void)self;
	raw_sqe_init(&sqe, nvme_admin_identify, 0);
	return expect_first_refused(env, 0, &sqe);
}

static bool run_first_property(struct raw_env *env, const struct raw_case *self)
{
	struct np_sqe sqe;

	(void)self;
	raw_sqe_init(&sqe, NP_OPCODE_FABRICS, nvme_fabrics_type_property_get);
	return expect_first_refused(env, 0, &sqe);
}

static bool run_first_read(struct raw_env *env, const struct raw_case *self)
{
	struct np_sqe sqe;

	(void)self;
	raw_rw(env, &sqe, nvme_cmd_read, 0, 1);
	return expect_first_refused(env, 2, &sqe);
}

const struct raw_case raw_capsule_cases[] = {
	{.name = "capsule-0-bytes", .run = run_0},
	{.name = "capsule-63-bytes", .run = run_63},
	{.name = "capsule-longer-than-receive", .run = run_too_long},
	{.name = "capsule-first-is-short", .run = run_first_short},
	{.name = "capsule-short-on-admin-queue", .run = run_admin_short},
	{.name = "first-command-is-identify", .run = run_first_identify},
	{.name = "first-command-is-property-get", .run = run_first_property},
	{.name = "first-command-is-read", .run = run_first_read},
	{0},
};
