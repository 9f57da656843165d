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
#include "need_uring.h"
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

/* More than a ring can know in pages. */
#define MAPPED_BYTES ((NP_MAX_FIXED + 1) * 4096)

/* Page by page until no more is taken, then in one piece behind a page that is left. */
static void fix(struct np_msg *msg)
{
	struct job *job = np_container_of(msg, struct job, call.msg);
	struct np_reactor *reactor = job->scene->reactor;
	uint8_t *buf = job->scene->buf;
	int err = 0, count = 0;

	while (!err && count <= NP_MAX_FIXED)
		err = np_uring_fix(reactor, buf + 4096 * count++, 4096);
	job->io.nblocks = (uint32_t)-err;
	if (err == -ENOSPC) {
		assert_int_equal(count, NP_MAX_FIXED + 1);
		assert_int_equal(np_uring_find_fixed(reactor, buf + 4096, 4096), 1);
		assert_int_equal(np_uring_find_fixed(reactor, buf + 4096, 4097), -1);
		for (int i = 1; i < NP_MAX_FIXED; i++)
			np_uring_unfix(reactor, buf + 4096 * i);
		np_uring_unfix(reactor, buf - 1);
		assert_int_equal(np_uring_find_fixed(reactor, buf + 4096, 1), -1);
		assert_int_equal(np_uring_fix(reactor, buf + 4096, BUF_BYTES - 4096), 0);
		np_uring_unfix(reactor, buf);
		assert_int_equal(np_uring_fix(reactor, buf, 4096), 0);
		assert_int_equal(np_uring_find_fixed(reactor, buf, 4096), 0);
		assert_int_equal(np_uring_find_fixed(reactor, buf + 4096, BUF_BYTES - 4096), 1);
	}
	np_call_done(&job->call);
}

static void unfix(struct np_msg *msg)
{
	struct job *job = np_container_of(msg, struct job, call.msg);

	np_uring_unfix(job->scene->reactor, job->scene->buf);
	np_uring_unfix(job->scene->reactor, job->scene->buf + 4096);
	np_call_done(&job->call);
}

static void run_in_pieces(struct scene *scene, enum np_io_op op)
{
	const uint32_t block = scene->backend->block_bytes;
	uint8_t *buf = scene->buf;

	run_ok(scene, op, 0, 0, 4096 / block);
	scene->buf += 4096;
	run_ok(scene, op, 0, 4096 / block, (BUF_BYTES - 4096) / block);
	scene->buf = buf;
}

/* The kernel keeps the pages that it was told of: they show, whatever is mapped there since. */
static void test_file__uses_fixed_memory(void **state)
{
	struct scene *scene = *state;
	const int prot = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
	struct job job = {.scene = scene};
	uint8_t *heap = scene->buf;

	fill(scene, 4);
	run_in_pieces(scene, NP_IO_WRITE);
	scene->buf = mmap(NULL, MAPPED_BYTES, prot, flags, -1, 0);
	assert_ptr_not_equal(scene->buf, MAP_FAILED);
	np_call(&job.call, scene->reactor, fix);
	if (job.io.nblocks == ENOMEM)
		skip();
	assert_int_equal(job.io.nblocks, ENOSPC);
	run_in_pieces(scene, NP_IO_READ);
	assert_filled(scene->buf, 0, BUF_BYTES, 4);
	assert_ptr_equal(mmap(scene->buf, BUF_BYTES, prot, flags | MAP_FIXED, -1, 0), scene->buf);
	run_in_pieces(scene, NP_IO_READ);
	assert_zeros(scene->buf, BUF_BYTES);
	/* Where they are given up, what is mapped shows. */
	np_call(&job.call, scene->reactor, unfix);
	run_in_pieces(scene, NP_IO_READ);
	assert_filled(scene->buf, 0, BUF_BYTES, 4);
	munmap(scene->buf, MAPPED_BYTES);
	scene->buf = heap;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_file__transfers_in_parts, setup_file, teardown),
		cmocka_unit_test_setup_teardown(test_file__uses_fixed_memory, setup_file, teardown),
	};

	need_uring();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
