// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_backend_pump.c - I/O of a thread that waits for it.
 *
 * Depends: np_backend, cmocka.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend_scene.h"
#include "need_uring.h"
#include "target/backend/pump.h"

#define N_IOS 4u
#define IO_BYTES (BUF_BYTES / N_IOS)

static unsigned int ndone;

static void count_done(struct np_io *io, struct np_status status)
{
	(void)io;
	assert_int_equal(status.field, 0);
	ndone++;
}

static struct np_io io_of(
	const struct scene *scene, enum np_io_op op, unsigned int number, unsigned int lba)
{
	return (struct np_io){
		.op = op,
		.lba = lba,
		.nblocks = IO_BYTES / scene->backend->block_bytes,
		.va = scene->buf + number * IO_BYTES,
		.done = count_done,
	};
}

static void test_np_pump_run__waits_for_the_end(void **state)
{
	struct scene *scene = *state;
	struct np_io io = io_of(scene, NP_IO_WRITE, 0, 1);
	struct np_status status = {0xffff};
	struct np_pump pump;

	assert_int_equal(np_pump_init(&pump, false), 0);
	fill(scene, 4);
	assert_int_equal(np_pump_run(&pump, scene->backend, &io, &status), 0);
	assert_int_equal(status.field, 0);
	memset(scene->buf, 0xee, IO_BYTES);
	io.op = NP_IO_READ;
	assert_int_equal(np_pump_run(&pump, scene->backend, &io, &status), 0);
	assert_filled(scene->buf, 0, IO_BYTES, 4);
	/* What the file says is the status, and no error of the ring. */
	assert_int_equal(truncate(scene->path, 0), 0);
	assert_int_equal(np_pump_run(&pump, scene->backend, &io, &status), 0);
	assert_int_not_equal(status.field, 0);
	np_pump_fini(&pump);
}

static void test_np_pump_run__takes_what_is_done_at_once(void **state)
{
	struct scene *scene = *state;
	struct np_io io = io_of(scene, NP_IO_READ, 0, 0);
	struct np_status status = {0xffff};
	struct np_pump pump;

	assert_int_equal(np_pump_init(&pump, false), 0);
	fill(scene, 4);
	assert_int_equal(np_pump_run(&pump, scene->backend, &io, &status), 0);
	assert_int_equal(status.field, 0);
	assert_zeros(scene->buf, IO_BYTES);
	np_pump_fini(&pump);
}

static void test_np_pump_turn__runs_what_others_submitted(void **state)
{
	struct scene *scene = *state;
	struct np_io ios[N_IOS];
	struct np_status status;
	struct np_pump pump;

	assert_int_equal(np_pump_init(&pump, false), 0);
	ndone = 0;
	for (unsigned int i = 0; i < N_IOS; i++) {
		ios[i] = io_of(scene, NP_IO_READ, i, i);
		assert_int_equal(scene->backend->ops->submit(
					 scene->backend, &pump.reactor, &ios[i], &status),
			NP_IO_QUEUED);
	}
	assert_int_equal(ndone, 0);
	for (unsigned int turn = 0; ndone < N_IOS; turn++) {
		assert_true(turn < N_IOS);
		assert_int_equal(np_pump_turn(&pump), 0);
	}
	np_pump_fini(&pump);
}

#define FILE_TEST(f) cmocka_unit_test_setup_teardown(f, setup_file, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(test_np_pump_run__waits_for_the_end),
		cmocka_unit_test_setup_teardown(
			test_np_pump_run__takes_what_is_done_at_once, setup_null, teardown),
		FILE_TEST(test_np_pump_turn__runs_what_others_submitted),
	};

	need_uring();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
