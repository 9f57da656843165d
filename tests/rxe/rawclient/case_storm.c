// SPDX-License-Identifier: BSD-3-Clause
/*
 * case_storm.c - hosts that leave at a bad moment, or that send more than they may.
 *
 * Only the target's survival and the other connections are judged, unless the case says more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/base/le.h"
#include "tests/rxe/rawclient/raw.h"

#define ROUNDS 16u
#define BURST 16u
#define LEAVERS 12u
#define OVER_DEPTH 8u
#define OVER_COUNT 60u
#define RANDOM_CAPSULES 400u
#define MAX_IO_QUEUES 128u /* of a host */

/* Sends without waiting. */
static int send_sqe(struct raw_queue *queue, struct np_sqe *sqe, uint16_t cid)
{
	sqe->cid = np_le16(cid);
	return raw_send(queue, sqe, sizeof(*sqe));
}

static void into_error(struct raw_queue *queue)
{
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_ERR};

	ibv_modify_qp(queue->id->qp, &attr, IBV_QP_STATE);
}

/* A burst of long transfers, then leave; each round at another moment and in another way. */
static bool leave_busy(struct raw_env *env, unsigned int round)
{
	const uint32_t nblocks = 131072 / env->block_bytes;
	struct raw_ctrl *ctrl = raw_ctrl_open(env, RAW_DEPTH);
	struct np_sqe sqe;

	if (!ctrl)
		return false;
	for (unsigned int i = 0; i < BURST; i++) {
		raw_rw(env, &sqe, (i + round) % 2 ? nvme_cmd_write : nvme_cmd_read, i * nblocks,
			nblocks);
		if (send_sqe(ctrl->io, &sqe, (uint16_t)i))
			break;
	}
	usleep(round * 700);
	switch (round % 4) {
	case 0: /* the target finds out by failing transfers */
		into_error(ctrl->io);
		break;
	case 1:
		rdma_disconnect(ctrl->io->id);
		break;
	case 2: /* the I/O queue goes with its admin queue */
		raw_queue_close(ctrl->admin);
		ctrl->admin = NULL;
		break;
	default:
		break;
	}
	raw_ctrl_close(ctrl);
	return true;
}

static bool run_leave_busy(struct raw_env *env, const struct raw_case *self)
{
	(void)self;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		if (!leave_busy(env, round) || !raw_expect_unharmed(env->shared->io))
			return false;
	}
	return raw_say(env, true, "%u rounds with %u transfers", ROUNDS, BURST);
}

/* An I/O queue to whose host the target's RNIC does not try for ever to get through. */
static struct raw_queue *open_impatient(struct raw_env *env, uint16_t qid)
{
	struct raw_connect connect;
	struct raw_answer answer;
	struct raw_params params;
	struct raw_queue *queue;
	int err, reject;

	raw_params_init(&params, qid, RAW_DEPTH);
	params.retries = 1;
	err = raw_queue_open(env, &params, &queue, &reject);
	if (err) {
		raw_say(env, false, "no connection: %s", strerror(-err));
		return NULL;
	}
	raw_connect_init(env, &connect, qid, RAW_DEPTH, env->shared->cntlid);
	if (!raw_connect_exec(queue, &connect, &answer) && !raw_status(&answer))
		return queue;
	raw_say(env, false, "Connect of queue %u failed", qid);
	raw_queue_close(queue);
	return NULL;
}

/* The QP is in the error state, but nobody says so: failing transfers must be enough. */
static bool run_silent_error(struct raw_env *env, const struct raw_case *self)
{
	const uint32_t nblocks = 131072 / env->block_bytes;
	struct raw_queue *queue = open_impatient(env, 2);
	struct np_sqe sqe;
	bool is_ok;

	(void)self;
	if (!queue)
		return false;
	for (unsigned int i = 0; i < BURST; i++) {
		raw_rw(env, &sqe, nvme_cmd_write, 0, nblocks);
		if (send_sqe(queue, &sqe, (uint16_t)i))
			break;
	}
	usleep(5000);
	into_error(queue);
	is_ok = raw_expect_closed(queue);
	raw_queue_close(queue);
	return is_ok ? raw_say(env, true, "the connection was ended") : false;
}

/* Leaves while the target is building the connection. */
static bool run_leave_early(struct raw_env *env, const struct raw_case *self)
{
	struct raw_params params;
	int err;

	(void)self;
	for (unsigned int i = 0; i < LEAVERS; i++) {
		raw_params_init(&params, (uint16_t)(i % 3), RAW_DEPTH);
		err = raw_queue_open_and_leave(env, &params);
		if (err)
			return raw_say(env, false, "round %u: %s", i, strerror(-err));
	}
	return raw_say(env, true, "%u times", LEAVERS);
}

/* Sends Connect of an admin queue and waits for nothing. */
static void send_connect(struct raw_queue *queue)
{
	struct raw_env *env = queue->env;
	struct raw_connect connect;
	struct np_sqe sqe;

	raw_connect_init(env, &connect, 0, RAW_DEPTH, 0xffff);
	raw_sqe_init(&sqe, NP_OPCODE_FABRICS, nvme_fabrics_type_connect);
	memcpy(&sqe.cdw10, &connect.cmd, sizeof(connect.cmd));
	memcpy(env->data, &connect.data, sizeof(connect.data));
	raw_use_data(env, &sqe, sizeof(connect.data));
	send_sqe(queue, &sqe, 0);
}

/* Posts no receive: its RNIC has the target's send the answer again and again, without end. */
static bool run_deaf(struct raw_env *env, const struct raw_case *self)
{
	struct raw_params params;
	struct raw_queue *queue;
	int err, reject;
	bool is_ok;

	(void)self;
	raw_params_init(&params, 0, RAW_DEPTH);
	params.recvs = 0;
	err = raw_queue_open(env, &params, &queue, &reject);
	if (err)
		return raw_say(env, false, "no connection: %s", strerror(-err));
	send_connect(queue);
	/* The target has patience for 40 s, and we for 30 at a time. */
	is_ok = raw_expect_closed(queue) || raw_expect_closed(queue);
	raw_queue_close(queue);
	return is_ok && raw_say(env, true, "the target ended it");
}

/* Leaves while Connect is being decided. */
static bool run_leave_in_connect(struct raw_env *env, const struct raw_case *self)
{
	(void)self;
	for (unsigned int i = 0; i < LEAVERS; i++) {
		struct raw_queue *queue = raw_open_plain(env, 0, RAW_DEPTH);

		if (!queue)
			return false;
		send_connect(queue);
		usleep(i * 500);
		raw_queue_close(queue);
	}
	return raw_say(env, true, "%u times", LEAVERS);
}

/* Seven times as many commands as the queue is deep: all are answered, or the connection ends. */
static bool run_too_many(struct raw_env *env, const struct raw_case *self)
{
	struct raw_ctrl *ctrl = raw_ctrl_open(env, OVER_DEPTH);
	bool seen[OVER_COUNT] = {false};
	unsigned int answered = 0;
	struct raw_answer answer;
	struct np_sqe sqe;
	bool is_ok = true;

	(void)self;
	if (!ctrl)
		return false;
	raw_rw(env, &sqe, nvme_cmd_read, 0, 8);
	for (uint16_t i = 0; i < OVER_COUNT && !send_sqe(ctrl->io, &sqe, i); i++)
		;
	while (is_ok && answered < OVER_COUNT && !raw_receive(ctrl->io, &answer)) {
		uint16_t cid = np_le16(answer.cqe.cid);

		is_ok = cid < OVER_COUNT && !seen[cid] && !raw_status(&answer);
		if (is_ok)
			seen[cid] = true;
		answered++;
	}
	raw_poll(ctrl->io);
	if (!is_ok)
		raw_say(env, false, "answer %u: command %u, status %03xh", answered,
			np_le16(answer.cqe.cid), raw_status(&answer));
	else if (answered < OVER_COUNT && !ctrl->io->is_closed && !ctrl->io->is_flushed)
		is_ok = raw_say(env, false, "only %u of %u are answered", answered, OVER_COUNT);
	else
		raw_say(env, true, "%u of %u answered at depth %u", answered, OVER_COUNT,
			OVER_DEPTH);
	raw_ctrl_close(ctrl);
	return is_ok;
}

/* The target does not have to notice; each gets one answer of its own. */
static bool run_same_cid(struct raw_env *env, const struct raw_case *self)
{
	struct raw_queue *io = env->shared->io;
	struct raw_answer answer;
	struct np_sqe sqe;
	int err = 0;

	(void)self;
	raw_rw(env, &sqe, nvme_cmd_read, 0, 8);
	for (unsigned int i = 0; i < BURST && !err; i++)
		err = send_sqe(io, &sqe, 0x1234);
	for (unsigned int i = 0; i < BURST && !err; i++) {
		err = raw_receive(io, &answer);
		if (!err && (np_le16(answer.cqe.cid) != 0x1234 || raw_status(&answer)))
			return raw_say(env, false, "command %xh, status %03xh",
				np_le16(answer.cqe.cid), raw_status(&answer));
	}
	if (err)
		return raw_say(env, false, "%s", strerror(-err));
	return raw_say(env, true, "%u commands, %u answers", BURST, BURST);
}

/* Five AERs where four are taken: the fifth is refused, the others go with the connection. */
static bool run_too_many_aers(struct raw_env *env, const struct raw_case *self)
{
	struct raw_ctrl *ctrl = raw_ctrl_open(env, RAW_DEPTH);
	struct raw_answer answer;
	struct np_sqe sqe;
	int err = 0;

	(void)self;
	if (!ctrl)
		return false;
	raw_sqe_init(&sqe, nvme_admin_async_event, 0);
	for (uint16_t i = 0; i < 5 && !err; i++)
		err = send_sqe(ctrl->admin, &sqe, i);
	if (!err)
		err = raw_receive(ctrl->admin, &answer);
	raw_ctrl_close(ctrl);
	if (err)
		return raw_say(env, false, "no answer to the fifth: %s", strerror(-err));
	return raw_say(env,
		np_le16(answer.cqe.cid) == 4 &&
			raw_status(&answer) == RAW_SPECIFIC(NVME_SC_ASYNC_LIMIT),
		"command %u, status %03xh", np_le16(answer.cqe.cid), raw_status(&answer));
}

/* ---- as many I/O queues as a host may have --------------------------------------------------- */

/* A read on each of them before the first answer is taken. */
static bool read_on_all(struct raw_env *env, struct raw_queue *const *queues)
{
	struct raw_answer answer;
	struct np_sqe sqe;
	int err = 0;

	raw_rw(env, &sqe, nvme_cmd_read, 0, 1);
	for (uint16_t i = 0; i < MAX_IO_QUEUES && !err; i++)
		err = send_sqe(queues[i], &sqe, i);
	for (uint16_t i = 0; i < MAX_IO_QUEUES && !err; i++) {
		err = raw_receive(queues[i], &answer);
		if (!err && (np_le16(answer.cqe.cid) != i || raw_status(&answer)))
			return raw_say(env, false, "queue %u: command %u, status %03xh", i + 1,
				np_le16(answer.cqe.cid), raw_status(&answer));
	}
	if (err)
		return raw_say(env, false, "no answer: %s", strerror(-err));
	return raw_say(env, true, "%u I/O queues read at once", MAX_IO_QUEUES);
}

static bool run_all_queues(struct raw_env *env, const struct raw_case *self)
{
	struct raw_queue *queues[MAX_IO_QUEUES] = {NULL};
	struct raw_ctrl *ctrl = raw_ctrl_open(env, RAW_DEPTH);
	uint16_t ignored, count = 1;
	bool is_ok;

	(void)self;
	if (!ctrl)
		return false;
	queues[0] = ctrl->io;
	for (; count < MAX_IO_QUEUES; count++) {
		queues[count] = raw_open_connected(
			env, (uint16_t)(count + 1), RAW_DEPTH, ctrl->cntlid, &ignored);
		if (!queues[count])
			break;
	}
	is_ok = count == MAX_IO_QUEUES && read_on_all(env, queues);
	while (--count > 0)
		raw_queue_close(queues[count]);
	raw_ctrl_close(ctrl);
	return is_ok;
}

/* ---- noise --------------------------------------------------------------------------------- */

/* A proper command with a few bytes changed, or noise altogether; it can change no block. */
static uint32_t random_capsule(const struct raw_env *env, uint8_t *capsule, unsigned int *seed)
{
	uint32_t bytes = (uint32_t)sizeof(struct np_sqe) + (uint32_t)rand_r(seed) % 200;
	struct np_sqe sqe;

	for (uint32_t i = 0; i < bytes; i++)
		capsule[i] = (uint8_t)rand_r(seed);
	if (rand_r(seed) % 4) {
		raw_rw(env, &sqe, rand_r(seed) % 2 ? nvme_cmd_read : nvme_cmd_write, 0, 1);
		for (int i = 0; i < 3; i++)
			((uint8_t *)&sqe)[rand_r(seed) % (int)sizeof(sqe)] = (uint8_t)rand_r(seed);
		memcpy(capsule, &sqe, sizeof(sqe));
	}
	/* Beyond the end of every namespace, whatever the command makes of it. */
	capsule[offsetof(struct np_sqe, cdw11) + 3] |= 0x80;
	return bytes;
}

static bool run_random(struct raw_env *env, const struct raw_case *self)
{
	static uint8_t capsule[512];
	unsigned int seed = 20240229, ended = 0;
	struct raw_ctrl *ctrl = NULL;
	struct raw_answer answer;

	(void)self;
	for (unsigned int i = 0; i < RANDOM_CAPSULES; i++) {
		uint32_t bytes = random_capsule(env, capsule, &seed);
		int err;

		if (!ctrl)
			ctrl = raw_ctrl_open(env, RAW_DEPTH);
		if (!ctrl)
			return false;
		err = raw_send(ctrl->io, capsule, bytes);
		if (!err)
			err = raw_receive(ctrl->io, &answer);
		if (err == -ETIMEDOUT) {
			raw_ctrl_close(ctrl);
			return raw_say(env, false, "capsule %u: neither answer nor end", i);
		}
		if (err) {
			raw_ctrl_close(ctrl);
			ctrl = NULL;
			ended++;
		}
	}
	raw_ctrl_close(ctrl);
	return raw_say(env, true, "%u capsules, %u connections ended", RANDOM_CAPSULES, ended);
}

#define STORM(title, runner)                 \
	{                                    \
		.name = title, .run = runner \
	}

const struct raw_case raw_storm_cases[] = {
	STORM("storm-leave-with-transfers", run_leave_busy),
	STORM("storm-error-without-a-word", run_silent_error),
	STORM("storm-leave-before-accept", run_leave_early),
	STORM("storm-leave-in-connect", run_leave_in_connect),
	{.name = "storm-deaf-host", .run = run_deaf, .is_by_name = true},
	STORM("storm-more-commands-than-depth", run_too_many),
	STORM("storm-same-command-id", run_same_cid),
	STORM("storm-more-aers-than-slots", run_too_many_aers),
	STORM("storm-all-io-queues", run_all_queues),
	STORM("storm-random-capsules", run_random),
	{0},
};
