// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_abort.c - the Abort command: what waits never runs, what runs is called back where it can
 * be, and the answer says what became of it.
 *
 * Depends: io_scene.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "io_scene.h"
#include "target/nvme/abort.h"

#define ABORTED np_status_aborted()

static struct np_lb_slot *send_abort(struct scene *scene, uint16_t sqid, uint16_t cid)
{
	struct np_sqe sqe = np_lb_sqe(nvme_admin_abort_cmd, 0);

	sqe.cdw10 = htole32(sqid | (uint32_t)cid << 16);
	return np_lb_send(scene->admin, sqe, NULL, 0);
}

static struct np_lb_slot *abort_now(struct scene *scene, const struct np_lb_slot *victim)
{
	struct np_lb_slot *abort =
		send_abort(scene, victim->req.queue->qid, np_le16(victim->req.sqe.cid));

	np_lb_pump(scene->lb);
	return abort;
}

static void assert_answer(const struct np_lb_slot *abort, bool is_aborted)
{
	assert_int_equal(abort->answers, 1);
	np_lb_assert_status(abort->cqe, NP_SUCCESS);
	assert_int_equal(np_le32(abort->cqe.dw0), !is_aborted);
}

static void assert_aborted(const struct np_lb_slot *victim)
{
	assert_int_equal(victim->answers, 1);
	np_lb_assert_status(victim->cqe, ABORTED);
	/* The host may do it again. */
	assert_int_equal(np_lb_status(victim->cqe).field & NVME_SC_DNR, 0);
}

static void test_abort__of_what_is_not_there(void **state)
{
	struct scene *scene = *state;
	const uint16_t sqids[] = {0, 1, 2, 0xffff};

	for (size_t i = 0; i < sizeof(sqids) / sizeof(sqids[0]); i++) {
		struct np_lb_slot *abort = send_abort(scene, sqids[i], 0x7777);

		np_lb_pump(scene->lb);
		assert_answer(abort, false);
	}
}

static void test_abort__of_itself(void **state)
{
	struct scene *scene = *state;
	/* The first free slot of an idle connection has this CID. */
	struct np_lb_slot *abort = send_abort(scene, 0, 0x100);

	assert_int_equal(np_le16(abort->req.sqe.cid), 0x100);
	np_lb_pump(scene->lb);
	assert_answer(abort, false);
}

static void test_abort__of_an_event_request(void **state)
{
	struct scene *scene = *state;
	struct np_lb_slot *first, *second;

	first = np_lb_send(scene->admin, np_lb_sqe(nvme_admin_async_event, 0), NULL, 0);
	second = np_lb_send(scene->admin, np_lb_sqe(nvme_admin_async_event, 0), NULL, 0);
	assert_answer(abort_now(scene, first), true);
	assert_aborted(first);
	assert_int_equal(second->answers, 0);
	assert_answer(abort_now(scene, second), true);
	assert_aborted(second);
}

/* A write waits for a buffer: it must not run when there is one. */
static void test_abort__of_what_waits_for_memory(void **state)
{
	struct scene *scene = *state;
	struct np_pool *pool = scene->io->queue.host_pool;
	struct np_buf hog[64];
	struct np_pool_waiter waiter = {.bytes = NP_LB_POOL_BYTES};
	struct np_lb_slot *victim;
	uint8_t *data = random_bytes(4096);
	unsigned int n = 0;

	/* All of the memory, so that the write finds none. */
	while (n < 64 && np_pool_get(pool, &scene->admin->queue.lines[0], &waiter, &hog[n])) {
		n++;
		waiter = (struct np_pool_waiter){.bytes = NP_LB_POOL_BYTES};
	}
	np_pool_cancel(&waiter);
	victim = np_lb_send(scene->io, rw(nvme_cmd_write, 0, 8), data, 4096);
	np_lb_pump(scene->lb);
	assert_int_equal(victim->req.step, NP_REQ_WAIT_BUF);
	assert_answer(abort_now(scene, victim), true);
	assert_aborted(victim);
	while (n)
		np_buf_put(&hog[--n]);
	np_lb_pump(scene->lb);
	assert_int_equal(victim->answers, 1);
	assert_int_equal(scene->backend->ops_seen[NP_IO_WRITE], 0);
	write_and_read(scene, 0, 4096);
	free(data);
}

static void test_abort__of_what_waits_for_its_drive(void **state)
{
	struct scene *scene = *state;
	uint8_t *data = random_bytes(4096);
	struct np_lb_slot *victim;

	scene->backend->busy_left = UINT32_MAX;
	victim = np_lb_send(scene->io, rw(nvme_cmd_write, 0, 8), data, 4096);
	np_lb_pump(scene->lb);
	assert_answer(abort_now(scene, victim), true);
	assert_aborted(victim);
	scene->backend->busy_left = 0;
	np_lb_advance(scene->lb, 100);
	assert_int_equal(victim->answers, 1);
	assert_int_equal(scene->backend->ops_seen[NP_IO_WRITE], 0);
	free(data);
}

/* The data is on its way: it comes, and is not written. */
static void test_abort__while_data_comes(void **state)
{
	struct scene *scene = *state;
	uint8_t *data = random_bytes(4096);
	struct np_lb_slot *victim, *abort;

	victim = np_lb_send(scene->io, rw(nvme_cmd_write, 0, 8), data, 4096);
	assert_int_equal(victim->req.step, NP_REQ_PULL);
	abort = send_abort(scene, 1, np_le16(victim->req.sqe.cid));
	/* To control and back, while the wire stands still. */
	np_mailbox_drain(&scene->lb->runtime.control);
	np_mailbox_drain(&scene->lb->reactor.mailbox);
	assert_int_equal(victim->req.step, NP_REQ_PULL);
	np_lb_pump(scene->lb);
	assert_aborted(victim);
	assert_answer(abort, true);
	assert_int_equal(scene->backend->ops_seen[NP_IO_WRITE], 0);
	free(data);
}

static void test_abort__calls_back(void **state)
{
	struct scene *scene = *state;
	uint8_t *data = random_bytes(4096);
	struct np_lb_slot *victim, *abort;

	scene->backend->is_queued = scene->backend->is_held = true;
	scene->backend->can_cancel = true;
	victim = np_lb_send(scene->io, rw(nvme_cmd_read, 0, 8), data, 4096);
	np_lb_pump(scene->lb);
	abort = abort_now(scene, victim);
	assert_aborted(victim);
	assert_answer(abort, true);
	free(data);
}

/* A drive that gives nothing back: the answer waits for the command, but not for ever. */
static void test_abort__of_what_the_drive_keeps(void **state)
{
	struct scene *scene = *state;
	uint8_t *data = random_bytes(4096);
	struct np_lb_slot *victim, *abort;

	scene->backend->is_queued = scene->backend->is_held = true;
	victim = np_lb_send(scene->io, rw(nvme_cmd_read, 0, 8), data, 4096);
	np_lb_pump(scene->lb);
	abort = abort_now(scene, victim);
	np_lb_advance(scene->lb, NP_ABORT_WAIT_MS - 100);
	assert_int_equal(abort->answers, 0);
	scene->backend->is_held = false;
	np_lb_pump(scene->lb);
	assert_answer(abort, false);
	np_lb_assert_status(victim->cqe, NP_SUCCESS);

	scene->backend->is_held = true;
	victim = np_lb_send(scene->io, rw(nvme_cmd_read, 0, 8), data, 4096);
	np_lb_pump(scene->lb);
	abort = abort_now(scene, victim);
	np_lb_advance(scene->lb, NP_ABORT_WAIT_MS);
	assert_answer(abort, false);
	assert_int_equal(victim->answers, 0);
	/* What it was told not to be aborted is answered as ever. */
	scene->backend->is_held = false;
	np_lb_pump(scene->lb);
	np_lb_assert_status(victim->cqe, NP_SUCCESS);
	free(data);
}

/* Of a command in parts, those that have not begun are left out. */
static void test_abort__between_parts(void **state)
{
	struct scene *scene = *state;
	const uint32_t bytes = 256 * KIB;
	uint8_t *data = random_bytes(bytes);
	struct np_lb_slot *victim, *abort;

	scene->backend->base.max_io_bytes = 64 * KIB;
	scene->backend->is_queued = scene->backend->is_held = true;
	victim = np_lb_send(scene->io, rw(nvme_cmd_write, 0, bytes / BLOCK), data, bytes);
	np_lb_pump(scene->lb);
	assert_int_equal(scene->backend->ops_seen[NP_IO_WRITE], 1);
	abort = abort_now(scene, victim);
	assert_int_equal(victim->answers, 0);
	scene->backend->is_held = false;
	np_lb_pump(scene->lb);
	assert_aborted(victim);
	assert_answer(abort, true);
	assert_int_equal(scene->backend->ops_seen[NP_IO_WRITE], 1);
	free(data);
}

static void test_abort__of_verify_between_reads(void **state)
{
	struct scene *scene = *state;
	struct np_lb_slot *victim, *abort;

	scene->backend->is_queued = scene->backend->is_held = true;
	victim = np_lb_send(scene->io, rw(nvme_cmd_verify, 0, NP_LB_NS_BLOCKS), NULL, 0);
	np_lb_pump(scene->lb);
	abort = abort_now(scene, victim);
	scene->backend->is_held = false;
	np_lb_pump(scene->lb);
	assert_aborted(victim);
	assert_answer(abort, true);
	assert_int_equal(scene->backend->ops_seen[NP_IO_READ], 1);
}

static void test_abort__limit(void **state)
{
	struct scene *scene = *state;
	uint8_t *data = random_bytes(4096);
	struct np_lb_slot *victims[NP_ABORT_LIMIT + 1], *aborts[NP_ABORT_LIMIT + 1];

	scene->backend->is_queued = scene->backend->is_held = true;
	for (unsigned int i = 0; i <= NP_ABORT_LIMIT; i++)
		victims[i] = np_lb_send(scene->io, rw(nvme_cmd_read, 0, 8), data, 4096);
	np_lb_pump(scene->lb);
	for (unsigned int i = 0; i <= NP_ABORT_LIMIT; i++)
		aborts[i] = abort_now(scene, victims[i]);
	assert_int_equal(aborts[NP_ABORT_LIMIT]->answers, 1);
	np_lb_assert_status(aborts[NP_ABORT_LIMIT]->cqe, np_status_specific(NVME_SC_ABORT_LIMIT));
	/* A second one for the same command is in vain at once. */
	scene->backend->is_held = false;
	np_lb_pump(scene->lb);
	for (unsigned int i = 0; i < NP_ABORT_LIMIT; i++)
		assert_answer(aborts[i], false);
	/* All places are free again. */
	assert_answer(abort_now(scene, victims[0]), false);
	free(data);
}

/* The host goes away meanwhile: either connection first, or both. */
static void test_abort__and_the_host_leaves(void **state)
{
	struct scene *scene = *state;
	uint8_t *data = random_bytes(4096);
	struct np_lb_slot *victim, *abort;
	struct np_lb_conn *io2 = np_lb_connect_io(scene->lb, scene->admin, 2);

	scene->backend->is_queued = scene->backend->is_held = true;
	victim = np_lb_send(io2, rw(nvme_cmd_read, 0, 8), data, 4096);
	np_lb_pump(scene->lb);
	abort = abort_now(scene, victim);
	np_lb_disconnect(io2);
	np_lb_pump(scene->lb);
	assert_int_equal(abort->answers, 0);
	scene->backend->is_held = false;
	np_lb_pump(scene->lb);
	assert_answer(abort, false);
	assert_true(io2->is_closed);

	scene->backend->is_held = true;
	victim = np_lb_send(scene->io, rw(nvme_cmd_read, 0, 8), data, 4096);
	np_lb_pump(scene->lb);
	abort = abort_now(scene, victim);
	np_lb_disconnect(scene->admin);
	np_lb_pump(scene->lb);
	assert_false(scene->admin->is_closed);
	np_lb_advance(scene->lb, NP_ABORT_WAIT_MS);
	assert_int_equal(abort->releases, 1);
	assert_true(scene->admin->is_closed);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		io_test(test_abort__of_what_is_not_there),
		io_test(test_abort__of_itself),
		io_test(test_abort__of_an_event_request),
		io_test(test_abort__of_what_waits_for_memory),
		io_test(test_abort__of_what_waits_for_its_drive),
		io_test(test_abort__while_data_comes),
		io_test(test_abort__calls_back),
		io_test(test_abort__of_what_the_drive_keeps),
		io_test(test_abort__between_parts),
		io_test(test_abort__of_verify_between_reads),
		io_test(test_abort__limit),
		io_test(test_abort__and_the_host_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
