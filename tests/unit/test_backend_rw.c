// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_backend_rw.c - how the engines of files and block devices hand a transfer to the kernel.
 *
 * Depends: np_backend, cmocka.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend_scene.h"
#include "target/reactor/uring.h"

/* As on a device whose driver takes less at a time than a host may send. */
static void test_file__transfers_in_parts(void **state)
{
	struct scene *scene = *state;
	const uint32_t block = scene->backend->block_bytes, nblocks = BUF_BYTES / block;

	run_ok(scene, NP_IO_READ, 0, 0, nblocks);
	assert_int_equal(scene->parts, 1);
	scene->backend->max_part_bytes = 3 * 4096;
	fill(scene, 3);
	run_ok(scene, NP_IO_WRITE, NP_IO_FUA, 0, nblocks);
	assert_int_equal(scene->parts, 2);
	scene->backend->max_part_bytes = 4096;
	memset(scene->buf, 0xee, BUF_BYTES);
	run_ok(scene, NP_IO_READ, 0, 0, nblocks);
	assert_int_equal(scene->parts, BUF_BYTES / 4096);
	assert_filled(scene->buf, 0, BUF_BYTES, 3);
	/* One part of them fails. */
	assert_int_equal(truncate(scene->path, BUF_BYTES - 4096), 0);
	assert_int_not_equal(run(scene, NP_IO_READ, 0, 0, nblocks).field, 0);
	run_ok(scene, NP_IO_READ, 0, 0, nblocks - 4096 / block);
}

static void fix(struct np_msg *msg)
{
	struct job *job = np_container_of(msg, struct job, msg);
	struct np_reactor *reactor = job->scene->reactor;
	uint8_t *buf = job->scene->buf;

	job->io.nblocks = (uint32_t)-np_uring_fix(reactor, buf, BUF_BYTES);
	if (!job->io.nblocks) {
		assert_int_equal(np_uring_find_fixed(reactor, buf, BUF_BYTES), 0);
		assert_int_equal(np_uring_find_fixed(reactor, buf + 1, BUF_BYTES), -1);
		assert_int_equal(np_uring_find_fixed(reactor, buf - 1, 1), -1);
	}
	sem_post(&job->done);
}

/* The kernel keeps the pages that it was told of: they show, whatever is mapped there since. */
static void test_file__uses_fixed_memory(void **state)
{
	struct scene *scene = *state;
	const int prot = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
	const uint32_t nblocks = BUF_BYTES / scene->backend->block_bytes;
	struct job job = {.scene = scene, .msg.fn = fix};
	uint8_t *heap = scene->buf;

	fill(scene, 4);
	run_ok(scene, NP_IO_WRITE, 0, 0, nblocks);
	scene->buf = mmap(NULL, BUF_BYTES, prot, flags, -1, 0);
	assert_ptr_not_equal(scene->buf, MAP_FAILED);
	run_job(&job);
	if (job.io.nblocks == ENOMEM)
		skip();
	assert_int_equal(job.io.nblocks, 0);
	run_ok(scene, NP_IO_READ, 0, 0, nblocks);
	assert_filled(scene->buf, 0, BUF_BYTES, 4);
	assert_ptr_equal(mmap(scene->buf, BUF_BYTES, prot, flags | MAP_FIXED, -1, 0), scene->buf);
	run_ok(scene, NP_IO_READ, 0, 0, nblocks);
	assert_zeros(scene->buf, BUF_BYTES);
	munmap(scene->buf, BUF_BYTES);
	scene->buf = heap;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_file__transfers_in_parts, setup_file, teardown),
		cmocka_unit_test_setup_teardown(test_file__uses_fixed_memory, setup_file, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
