// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_backend.c - the engines that need no drive: a file and null, on a real reactor; and what each
 *                  engine refuses to open.
 *
 * Depends: np_backend, cmocka.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend_scene.h"
#include "need_uring.h"

static char why[256];

/* ---- the file engine ------------------------------------------------------------------------ */

static void test_file__holds_what_was_written(void **state)
{
	struct scene *scene = *state;
	uint32_t block = scene->backend->block_bytes, nblocks = BUF_BYTES / block;
	uint8_t raw[BUF_BYTES];
	int fd;

	assert_int_equal(scene->backend->nblocks * block, FILE_BYTES);
	fill(scene, 1);
	run_ok(scene, NP_IO_WRITE, 0, 2, nblocks);
	fill(scene, 2);
	run_ok(scene, NP_IO_WRITE, NP_IO_FUA, scene->backend->nblocks - 1, 1);
	run_ok(scene, NP_IO_FLUSH, 0, 0, 0);
	/* As others see it. */
	fd = open(scene->path, O_RDONLY);
	assert_int_equal(pread(fd, raw, BUF_BYTES, 2 * block), BUF_BYTES);
	assert_filled(raw, 0, BUF_BYTES, 1);
	assert_int_equal(pread(fd, raw, block, FILE_BYTES - block), block);
	assert_filled(raw, 0, block, 2);
	close(fd);
	/* As the target reads it, at another offset. */
	memset(scene->buf, 0xee, BUF_BYTES);
	run_ok(scene, NP_IO_READ, 0, 3, nblocks - 1);
	assert_filled(scene->buf, block, BUF_BYTES - block, 1);
	assert_int_equal(scene->buf[BUF_BYTES - 1], 0xee);
}

static void test_file__zeroes_and_deallocates(void **state)
{
	struct scene *scene = *state;
	uint32_t block = scene->backend->block_bytes, nblocks = BUF_BYTES / block;
	struct stat st;

	for (int way = 0; way < 3; way++) {
		fill(scene, 9);
		run_ok(scene, NP_IO_WRITE, 0, 0, nblocks);
		if (way == 2 && scene->backend->can_deallocate)
			run_ok(scene, NP_IO_DEALLOCATE, 0, 1, nblocks - 2);
		else if (scene->backend->can_write_zeroes)
			run_ok(scene, NP_IO_WRITE_ZEROES, way ? NP_IO_MAY_DEALLOCATE : 0, 1,
				nblocks - 2);
		else
			continue;
		run_ok(scene, NP_IO_READ, 0, 0, nblocks);
		assert_filled(scene->buf, 0, block, 9);
		assert_zeros(scene->buf + block, BUF_BYTES - 2 * block);
		assert_filled(scene->buf + BUF_BYTES - block, BUF_BYTES - block, block, 9);
	}
	/* Not even behind the end is the file another one than before. */
	assert_int_equal(stat(scene->path, &st), 0);
	assert_int_equal(st.st_size, FILE_BYTES);
}

static void test_file__that_shrank_is_an_error(void **state)
{
	struct scene *scene = *state;
	uint32_t block = scene->backend->block_bytes;

	assert_int_equal(truncate(scene->path, 2 * block), 0);
	run_ok(scene, NP_IO_READ, 0, 0, 2);
	assert_int_not_equal(run(scene, NP_IO_READ, 0, 1, 2).field, 0);
	assert_int_not_equal(run(scene, NP_IO_READ, 0, 2, 1).field, 0);
}

static int open_again(const struct scene *scene, struct np_backend **ret_backend)
{
	return np_backend_open(&np_backend_file_ops, scene->path, 0, why, sizeof(why), ret_backend);
}

/* Namespaces of one process may share a file; nobody else gets it before the last has closed. */
static void test_file__belongs_to_one_process(void **state)
{
	struct scene *scene = *state;
	struct np_backend *second;
	int other = open(scene->path, O_RDWR);

	assert_int_equal(open_again(scene, &second), 0);
	np_backend_close(scene->backend);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
	np_backend_close(second);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(open_again(scene, &second), -EBUSY);
	assert_non_null(strstr(why, "in use"));
	close(other);
	assert_int_equal(open_again(scene, &scene->backend), 0);
}

/* ---- the null engine ------------------------------------------------------------------------ */

static void test_null__reads_zeros(void **state)
{
	struct scene *scene = *state;

	fill(scene, 5);
	run_ok(scene, NP_IO_WRITE, 0, 0, BUF_BYTES / 512);
	run_ok(scene, NP_IO_READ, 0, 0, BUF_BYTES / 512 - 1);
	assert_zeros(scene->buf, BUF_BYTES - 512);
	assert_filled(scene->buf + BUF_BYTES - 512, BUF_BYTES - 512, 512, 5);
	run_ok(scene, NP_IO_FLUSH, 0, 0, 0);
}

/* ---- refusals ------------------------------------------------------------------------------- */

static void assert_refused(const struct np_backend_ops *ops, const char *path, const char *sentence)
{
	struct np_backend *backend = NULL;

	assert_true(np_backend_open(ops, path, 0, why, sizeof(why), &backend) < 0);
	if (!strstr(why, sentence))
		fail_msg("\"%s\" is not in \"%s\"", sentence, why);
}

static void test_open__refuses_with_a_reason(void **state)
{
	struct scene scene = {0};

	(void)state;
	make_file(&scene, 0);
	assert_refused(&np_backend_file_ops, scene.path, "is empty");
	assert_refused(&np_backend_file_ops, "/nonexistent/file", "No such file");
	assert_refused(&np_backend_file_ops, "/dev/null", "not a regular file");
	assert_refused(&np_backend_file_ops, "/", "cannot open /");
	assert_refused(&np_backend_block_ops, scene.path, "not a block device");
	assert_refused(&np_backend_block_ops, "/nonexistent/drive", "No such file");
	assert_refused(&np_backend_nvme_ops, "/dev/null", "/dev/null");
	assert_refused(&np_backend_null_ops, "", "size_bytes");
	unlink(scene.path);
}

#define FILE_TEST(f) cmocka_unit_test_setup_teardown(f, setup_file, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(test_file__holds_what_was_written),
		FILE_TEST(test_file__zeroes_and_deallocates),
		FILE_TEST(test_file__that_shrank_is_an_error),
		FILE_TEST(test_file__belongs_to_one_process),
		cmocka_unit_test_setup_teardown(test_null__reads_zeros, setup_null, teardown),
		cmocka_unit_test(test_open__refuses_with_a_reason),
	};

	need_uring();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
