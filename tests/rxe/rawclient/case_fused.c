// SPDX-License-Identifier: BSD-3-Clause
/*
 * case_fused.c - Compare and Write as one, which no kernel host sends: its statuses, and counters that
 * several queues increase at the same time.
 */
#include <stdlib.h>
#include <string.h>

#include "target/base/le.h"
#include "tests/rxe/rawclient/raw.h"

#define FUSE_FIRST 1u
#define FUSE_SECOND 2u
#define NBLOCKS 8u

#define COUNTERS 4u /* queues, each of a controller of its own */
#define GOAL 100u   /* increments of each */

#define DIFFERS ((uint16_t)(NVME_SCT_MEDIA << NVME_SCT_SHIFT | NVME_SC_COMPARE_FAILED))

/* Half of a pair, with its data at @data. */
static void half(const struct raw_env *env, struct np_sqe *sqe, unsigned int fuse, uint64_t lba,
	uint32_t nblocks, const uint8_t *data)
{
	raw_rw(env, sqe, fuse == FUSE_FIRST ? nvme_cmd_compare : nvme_cmd_write, lba, nblocks);
	raw_sgl_keyed(&sqe->sgl, (uintptr_t)data, nblocks * env->block_bytes, env->data_mr->rkey,
		NP_SGL_SUB_ADDRESS);
	sqe->flags |= (uint8_t)fuse;
	sqe->cid = np_le16((uint16_t)(0x100 + fuse));
}

static int send_pair(struct raw_queue *queue, struct np_sqe *first, struct np_sqe *second)
{
	int err = raw_send(queue, first, sizeof(*first));

	return err ? err : raw_send(queue, second, sizeof(*second));
}

/* Takes both answers, which come in the order of their commands. */
static bool expect_pair(
	struct raw_env *env, struct raw_queue *queue, uint16_t first, uint16_t second)
{
	const uint16_t wants[] = {first, second};

	for (unsigned int i = 0; i < 2; i++) {
		struct raw_answer answer;

		if (raw_receive(queue, &answer))
			return raw_say(env, false, "answer %u did not come", i);
		if (np_le16(answer.cqe.cid) != 0x101 + i || raw_status(&answer) != wants[i])
			return raw_say(env, false, "answer %u: command %#x, status %#x", i,
				np_le16(answer.cqe.cid), raw_status(&answer));
	}
	return true;
}

/* Compares with 11h and writes 22h, on blocks of 11h and then of 22h. */
static bool run_pair(struct raw_env *env, const struct raw_case *self)
{
	struct raw_queue *io = env->shared->io;
	const uint32_t bytes = NBLOCKS * env->block_bytes;
	uint8_t *old = env->data, *new = env->data + bytes;
	struct np_sqe first, second, sqe;

	(void)self;
	memset(old, 0x11, bytes);
	memset(new, 0x22, bytes);
	raw_rw(env, &sqe, nvme_cmd_write, 0, NBLOCKS);
	if (!raw_expect(io, &sqe, NULL, 0, 0))
		return false;
	half(env, &first, FUSE_FIRST, 0, NBLOCKS, old);
	half(env, &second, FUSE_SECOND, 0, NBLOCKS, new);
	if (send_pair(io, &first, &second) || !expect_pair(env, io, 0, 0))
		return false;
	if (send_pair(io, &first, &second) || !expect_pair(env, io, DIFFERS, NVME_SC_FUSED_FAIL))
		return false;
	raw_rw(env, &sqe, nvme_cmd_read, 0, NBLOCKS);
	return raw_expect(io, &sqe, NULL, 0, 0) && !memcmp(old, new, bytes);
}

static bool run_mismatch(struct raw_env *env, const struct raw_case *self)
{
	struct np_sqe first, second;

	half(env, &first, FUSE_FIRST, 0, NBLOCKS, env->data);
	half(env, &second, FUSE_SECOND, 1, NBLOCKS, env->data);
	return !send_pair(env->shared->io, &first, &second) &&
		expect_pair(env, env->shared->io, NVME_SC_FUSED_FAIL, self->want);
}

static bool run_second_alone(struct raw_env *env, const struct raw_case *self)
{
	struct np_sqe second;

	half(env, &second, FUSE_SECOND, 0, NBLOCKS, env->data);
	return raw_expect(env->shared->io, &second, NULL, 0, self->want);
}

static bool run_first_alone(struct raw_env *env, const struct raw_case *self)
{
	struct raw_queue *io = env->shared->io;
	struct raw_answer answer;
	struct np_sqe first, flush;

	half(env, &first, FUSE_FIRST, 0, NBLOCKS, env->data);
	raw_sqe_init(&flush, nvme_cmd_flush, env->nsid);
	flush.cid = np_le16(0x200);
	if (raw_send(io, &first, sizeof(first)) || raw_send(io, &flush, sizeof(flush)) ||
		raw_receive(io, &answer))
		return raw_say(env, false, "nothing came");
	if (np_le16(answer.cqe.cid) != 0x101 || raw_status(&answer) != self->want)
		return raw_say(env, false, "command %#x, status %#x", np_le16(answer.cqe.cid),
			raw_status(&answer));
	return !raw_receive(io, &answer) && !raw_status(&answer);
}

/* ---- counters ----------------------------------------------------------------------------- */

/* Increases the number in block 0: read, then write if it is still the same, until that succeeds. */
struct counter {
	struct raw_ctrl *ctrl;
	uint8_t *seen, *next; /* a block each */
	unsigned int done, lost;
	bool is_pair; /* what is on its way: a pair, else a read */
	unsigned int answers;
	bool has_failed;
};

static bool count_send(struct raw_env *env, struct counter *counter)
{
	struct np_sqe first, second;
	uint64_t value;

	counter->answers = 0;
	counter->has_failed = false;
	if (!counter->is_pair) {
		raw_rw(env, &first, nvme_cmd_read, 0, 1);
		raw_sgl_keyed(&first.sgl, (uintptr_t)counter->seen, env->block_bytes,
			env->data_mr->rkey, NP_SGL_SUB_ADDRESS);
		return !raw_send(counter->ctrl->io, &first, sizeof(first));
	}
	memcpy(&value, counter->seen, sizeof(value));
	memcpy(counter->next, counter->seen, env->block_bytes);
	value++;
	memcpy(counter->next, &value, sizeof(value));
	half(env, &first, FUSE_FIRST, 0, 1, counter->seen);
	half(env, &second, FUSE_SECOND, 0, 1, counter->next);
	return !send_pair(counter->ctrl->io, &first, &second);
}

/* Takes an answer, and goes on. */
static bool count_step(struct raw_env *env, struct counter *counter)
{
	struct raw_answer answer;
	uint16_t status;

	if (raw_receive(counter->ctrl->io, &answer))
		return raw_say(env, false, "an answer did not come");
	status = raw_status(&answer);
	if (status && (!counter->is_pair || (status != DIFFERS && status != NVME_SC_FUSED_FAIL)))
		return raw_say(env, false, "status %#x", status);
	counter->has_failed |= status != 0;
	if (counter->is_pair && ++counter->answers < 2)
		return true;
	if (counter->is_pair) {
		counter->done += !counter->has_failed;
		counter->lost += counter->has_failed;
	}
	counter->is_pair = !counter->is_pair;
	return counter->done == GOAL || count_send(env, counter);
}

static bool count_all(struct raw_env *env, struct counter counters[COUNTERS])
{
	bool is_busy = true;

	for (unsigned int i = 0; i < COUNTERS; i++)
		if (!count_send(env, &counters[i]))
			return false;
	while (is_busy) {
		is_busy = false;
		for (unsigned int i = 0; i < COUNTERS; i++) {
			if (counters[i].done == GOAL)
				continue;
			is_busy = true;
			raw_poll(counters[i].ctrl->io);
			if (counters[i].ctrl->io->head != counters[i].ctrl->io->tail &&
				!count_step(env, &counters[i]))
				return false;
			if (counters[i].ctrl->io->is_flushed)
				return raw_say(env, false, "a connection is gone");
		}
	}
	return true;
}

static bool check_count(struct raw_env *env, const struct counter counters[COUNTERS])
{
	unsigned int lost = 0;
	struct np_sqe sqe;
	uint64_t value;

	for (unsigned int i = 0; i < COUNTERS; i++)
		lost += counters[i].lost;
	raw_rw(env, &sqe, nvme_cmd_read, 0, 1);
	if (!raw_expect(env->shared->io, &sqe, NULL, 0, 0))
		return false;
	memcpy(&value, env->data, sizeof(value));
	return raw_say(env, value == COUNTERS * GOAL, "%llu of %u increments, %u came too late",
		(unsigned long long)value, COUNTERS * GOAL, lost);
}

static bool run_count(struct raw_env *env, const struct raw_case *self)
{
	struct counter counters[COUNTERS] = {0};
	struct np_sqe sqe;
	bool is_ok;

	(void)self;
	memset(env->data, 0, env->block_bytes);
	raw_rw(env, &sqe, nvme_cmd_write, 0, 1);
	is_ok = raw_expect(env->shared->io, &sqe, NULL, 0, 0);
	for (unsigned int i = 0; is_ok && i < COUNTERS; i++) {
		counters[i].ctrl = raw_ctrl_open(env, RAW_DEPTH);
		counters[i].seen = env->data + (2 * i + 1) * env->block_bytes;
		counters[i].next = counters[i].seen + env->block_bytes;
		is_ok = counters[i].ctrl;
	}
	is_ok = is_ok && count_all(env, counters) && check_count(env, counters);
	for (unsigned int i = 0; i < COUNTERS; i++)
		raw_ctrl_close(counters[i].ctrl);
	return is_ok;
}

const struct raw_case raw_fused_cases[] = {
	{.name = "fused-pair", .run = run_pair},
	{.name = "fused-mismatch", .run = run_mismatch, .want = NVME_SC_INVALID_FIELD},
	{.name = "fused-second-alone", .run = run_second_alone, .want = NVME_SC_FUSED_MISSING},
	{.name = "fused-first-alone", .run = run_first_alone, .want = NVME_SC_FUSED_MISSING},
	{.name = "fused-count", .run = run_count},
	{0},
};
