// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_qos.c - limits of commands and bytes a second: how many get through, in which order, and who does
 *                   not wait.
 *
 * Depends: io_scene.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io_scene.h"

#define COMMANDS 30u /* at a time, on one queue */

struct run {
	struct np_lb_slot *slots[COMMANDS];
	uint8_t data[COMMANDS][8 * KIB];
};

static void limit(struct scene *scene, enum np_qos_limit which, uint64_t per_s)
{
	uint64_t limits[NP_QOS_LIMITS] = {0};

	limits[which] = per_s;
	np_qos_set(&scene->ns->qos, limits);
}

static void send_all(struct scene *scene, struct run *run, uint8_t opcode, uint32_t bytes)
{
	for (unsigned int i = 0; i < COMMANDS; i++)
		run->slots[i] = np_lb_send(scene->io,
			rw(opcode, (uint64_t)i * (bytes / BLOCK), bytes / BLOCK), run->data[i],
			bytes);
	np_lb_pump(scene->lb);
}

/* How many are answered; they are the first. */
static unsigned int answered(const struct run *run)
{
	unsigned int n = 0;

	while (n < COMMANDS && run->slots[n]->answers)
		n++;
	for (unsigned int i = n; i < COMMANDS; i++)
		assert_int_equal(run->slots[i]->answers, 0);
	return n;
}

static void pass(struct scene *scene, unsigned int ms)
{
	scene->lb->reactor.now_us += ms * 1000;
	np_reactor_run_timers(&scene->lb->reactor);
	np_lb_pump(scene->lb);
}

/* Milliseconds until all are answered, in steps of @step_ms. */
static unsigned int wait_all(struct scene *scene, const struct run *run, unsigned int step_ms)
{
	unsigned int ms = 0;

	while (answered(run) < COMMANDS) {
		assert_true(ms < 100000);
		pass(scene, step_ms);
		ms += step_ms;
	}
	for (unsigned int i = 0; i < COMMANDS; i++)
		np_lb_assert_status(run->slots[i]->cqe, NP_SUCCESS);
	return ms;
}

static void test_limit__of_each_kind(void **state)
{
	static const struct {
		enum np_qos_limit limit;
		uint64_t per_s;
		uint8_t opcode;
		unsigned int ms; /* for COMMANDS of 8 KiB */
	} cases[] = {
		{NP_QOS_IOS, 1000, nvme_cmd_read, 30},
		{NP_QOS_IOS, 100, nvme_cmd_write, 300},
		{NP_QOS_BYTES, 8 << 20, nvme_cmd_read, 29},
		{NP_QOS_BYTES, 1 << 20, nvme_cmd_write, 234},
		{NP_QOS_READ_BYTES, 1 << 20, nvme_cmd_read, 234},
		{NP_QOS_WRITE_BYTES, 1 << 20, nvme_cmd_write, 234},
		/* Limits of the other way. */
		{NP_QOS_READ_BYTES, 1 << 20, nvme_cmd_write, 0},
		{NP_QOS_WRITE_BYTES, 1 << 20, nvme_cmd_read, 0},
	};
	struct scene *scene = *state;
	struct run *run = calloc(1, sizeof(*run));

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned int took;

		/* What was let in before is paid off. */
		scene->lb->reactor.now_us += 1000000;
		limit(scene, cases[i].limit, cases[i].per_s);
		send_all(scene, run, cases[i].opcode, 8 * KIB);
		assert_true((answered(run) == COMMANDS) == !cases[i].ms);
		took = wait_all(scene, run, 1);
		/* The last is let in before what it costs is paid off, and a little early. */
		assert_in_range(took, cases[i].ms ? cases[i].ms * 8 / 10 : 0, cases[i].ms + 1);
	}
	limit(scene, NP_QOS_IOS, 0);
	assert_true(np_ns_sum(scene->ns, held_ios) > 5 * (COMMANDS - 10));
	free(run);
}

/* A second at the limit: the rate is exact, though the timer is late now and then. */
static void test_limit__is_exact(void **state)
{
	struct scene *scene = *state;
	struct run *run = calloc(1, sizeof(*run));
	unsigned int took = 0;

	limit(scene, NP_QOS_IOS, 500);
	for (unsigned int i = 0; i < 50; i++) {
		send_all(scene, run, nvme_cmd_read, 512);
		took += wait_all(scene, run, 3);
	}
	assert_in_range(took, 50 * COMMANDS * 2 - 10, 50 * COMMANDS * 2 + 10);
	free(run);
}

/* A command larger than what a moment has room for gets through, and those behind it pay. */
static void test_limit__lets_large_ones_through(void **state)
{
	struct scene *scene = *state;
	uint8_t *data = random_bytes(256 * KIB);
	struct np_lb_slot *slot;

	limit(scene, NP_QOS_BYTES, 1 << 20);
	np_lb_assert_status(
		np_lb_exec(scene->io, rw(nvme_cmd_write, 0, 512), data, 256 * KIB), NP_SUCCESS);
	slot = np_lb_send(scene->io, rw(nvme_cmd_write, 0, 1), data, 512);
	np_lb_advance(scene->lb, 200);
	assert_int_equal(slot->answers, 0);
	np_lb_advance(scene->lb, 100);
	assert_int_equal(slot->answers, 1);
	free(data);
}

/* Another namespace, commands without a namespace, reservations. */
static void test_others__do_not_wait(void **state)
{
	struct scene *scene = *state;
	struct run *run = calloc(1, sizeof(*run));
	struct np_sqe other = rw(nvme_cmd_read, 0, 1);
	uint8_t data[4096];
	struct np_sqe identify = np_lb_sqe(nvme_admin_identify, 0);

	limit(scene, NP_QOS_IOS, 100);
	identify.cdw10 = np_le32(NVME_IDENTIFY_CNS_CTRL);
	send_all(scene, run, nvme_cmd_read, 512);
	assert_true(answered(run) < 3);
	other.nsid = np_le32(3);
	np_lb_assert_status(np_lb_exec(scene->io, other, data, 512), NP_SUCCESS);
	np_lb_assert_status(np_lb_exec(scene->admin, identify, data, 4096), NP_SUCCESS);
	wait_all(scene, run, 1);
	free(run);
}

/* The limit is taken away: those that wait come at once; and another is set while they wait. */
static void test_limit__is_changed(void **state)
{
	struct scene *scene = *state;
	struct run *run = calloc(1, sizeof(*run));
	unsigned int before;

	limit(scene, NP_QOS_IOS, 100);
	send_all(scene, run, nvme_cmd_read, 512);
	before = answered(run);
	limit(scene, NP_QOS_IOS, 1000);
	for (unsigned int ms = 0; ms < 20; ms++)
		pass(scene, 1);
	assert_in_range(answered(run), before + 4, COMMANDS - 1);
	limit(scene, NP_QOS_IOS, 0);
	assert_in_range(wait_all(scene, run, 1), 1, 2);
	free(run);
}

/* Those that wait are aborted, forbidden, or their host leaves: nothing is left over. */
static void test_waiting__ends(void **state)
{
	struct scene *scene = *state;
	struct run *run = calloc(1, sizeof(*run));
	struct np_sqe abort = np_lb_sqe(nvme_admin_abort_cmd, 0);
	struct np_lb_slot *last = NULL;

	limit(scene, NP_QOS_IOS, 100);
	send_all(scene, run, nvme_cmd_write, 512);
	assert_true(answered(run) < 3);
	last = run->slots[COMMANDS - 1];
	abort.cdw10 = np_le32(1u | (uint32_t)last->req.sqe.cid << 16);
	np_lb_exec(scene->admin, abort, NULL, 0);
	assert_int_equal(last->answers, 1);
	np_lb_assert_status(last->cqe, np_status_aborted());
	scene->ns->is_protected = true;
	for (unsigned int ms = 0; ms < 100; ms++)
		pass(scene, 1);
	np_lb_assert_status(run->slots[4]->cqe, np_status_generic(NVME_SC_NS_WRITE_PROTECTED));
	assert_int_equal(run->slots[COMMANDS - 2]->answers, 0);
	np_lb_disconnect(scene->io);
	pass(scene, 1);
	pass(scene, 2);
	assert_true(scene->io->is_closed);
	assert_int_equal(run->slots[COMMANDS - 2]->releases, 1);
	assert_int_equal(atomic_load(&scene->ns->use[0].inflight), 0);
	free(run);
}

/* A pair is charged for both halves, and waits as one. */
static void test_fused__waits_as_one(void **state)
{
	struct scene *scene = *state;
	struct np_sqe first = rw(nvme_cmd_compare, 0, 1), second = rw(nvme_cmd_write, 0, 1);
	uint8_t zeroes[512] = {0};
	struct np_lb_slot *slots[4];

	limit(scene, NP_QOS_IOS, 100);
	first.flags |= 1;
	second.flags |= 2;
	for (unsigned int i = 0; i < 4; i++)
		slots[i] = np_lb_send(scene->io, i % 2 ? second : first, zeroes, 512);
	np_lb_pump(scene->lb);
	np_lb_assert_status(slots[1]->cqe, NP_SUCCESS);
	assert_true(slots[0]->answers == 1 && slots[1]->answers == 1);
	/* Two commands are 20 ms. */
	for (unsigned int ms = 0; ms < 14; ms++)
		pass(scene, 1);
	assert_true(slots[2]->answers == 0 && slots[3]->answers == 0);
	for (unsigned int ms = 0; ms < 4; ms++)
		pass(scene, 1);
	assert_true(slots[2]->answers == 1 && slots[3]->answers == 1);
	np_lb_assert_status(slots[3]->cqe, NP_SUCCESS);
	/* And one whose first is aborted ends as a pair. */
	limit(scene, NP_QOS_IOS, 100);
	for (unsigned int i = 0; i < 4; i++)
		slots[i] = np_lb_send(scene->io, i % 2 ? second : first, zeroes, 512);
	np_lb_pump(scene->lb);
	np_req_give_up(&slots[2]->req, np_status_aborted());
	np_lb_pump(scene->lb);
	assert_true(slots[2]->answers == 1 && slots[3]->answers == 1);
	np_lb_assert_status(slots[3]->cqe, np_status_generic(NVME_SC_FUSED_FAIL));
	for (unsigned int ms = 0; ms < 3; ms++)
		pass(scene, 1);
}

/* Writes that wait are nothing to reads that no limit applies to, nor to those with one of their own. */
static void test_directions__are_apart(void **state)
{
	const uint64_t both[NP_QOS_LIMITS] = {
		[NP_QOS_READ_BYTES] = 64 << 20, [NP_QOS_WRITE_BYTES] = 1 << 20};
	struct scene *scene = *state;
	struct run *run = calloc(1, sizeof(*run));
	uint8_t data[4096];

	limit(scene, NP_QOS_WRITE_BYTES, 1 << 20);
	send_all(scene, run, nvme_cmd_write, 8 * KIB);
	assert_true(answered(run) < 3);
	np_lb_assert_status(np_lb_exec(scene->io, rw(nvme_cmd_read, 0, 8), data, 4096), NP_SUCCESS);
	wait_all(scene, run, 1);
	np_qos_set(&scene->ns->qos, both);
	send_all(scene, run, nvme_cmd_write, 8 * KIB);
	np_lb_assert_status(np_lb_exec(scene->io, rw(nvme_cmd_read, 0, 8), data, 4096), NP_SUCCESS);
	wait_all(scene, run, 1);
	free(run);
}

/* Another reactor's commands wait as well: it has its turn, but no longer than a moment. */
static void test_reactors__take_turns(void **state)
{
	struct scene *scene = *state;
	struct np_qos *qos = &scene->ns->qos;
	struct np_lb_slot *slots[2];
	uint8_t data[512];

	limit(scene, NP_QOS_IOS, 1000);
	atomic_store(&qos->lines, 2);
	for (unsigned int i = 0; i < 2; i++)
		slots[i] = np_lb_send(scene->io, rw(nvme_cmd_read, 0, 1), data, 512);
	np_lb_pump(scene->lb);
	/* Room, and nobody here: but there is the other one. It has been open for long. */
	assert_int_equal(slots[0]->answers, 0);
	pass(scene, 1);
	assert_true(slots[0]->answers && slots[1]->answers);
	assert_int_equal(atomic_load(&qos->lines), 2);
	/* We were the last, and all room is taken. */
	for (unsigned int i = 0; i < 5; i++)
		np_qos_charge(&slots[0]->req);
	slots[0] = np_lb_send(scene->io, rw(nvme_cmd_read, 0, 1), data, 512);
	for (unsigned int ms = 0; ms < 4; ms++)
		pass(scene, 1);
	assert_int_equal(slots[0]->answers, 0);
	/* The other one was: it is our turn. */
	atomic_store(&qos->last, 1);
	pass(scene, 1);
	assert_int_equal(slots[0]->answers, 1);
	atomic_store(&qos->lines, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		io_test(test_limit__of_each_kind),
		io_test(test_limit__is_exact),
		io_test(test_limit__lets_large_ones_through),
		io_test(test_others__do_not_wait),
		io_test(test_limit__is_changed),
		io_test(test_waiting__ends),
		io_test(test_fused__waits_as_one),
		io_test(test_directions__are_apart),
		io_test(test_reactors__take_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
