// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_backend.c - the engines that need no drive: a file and null, on a real reactor; and what each
 *                  engine refuses to open.
 *
 * Depends: np_backend, cmocka.
 */
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "target/backend/backend.h"
#include "target/reactor/uring.h"

#define FILE_BYTES (1u << 20)
#define BUF_BYTES 16384u

struct scene {
	struct np_reactor *reactor;
	struct np_backend *backend;
	char path[64];
	uint8_t *buf;       /* BUF_BYTES, page-aligned */
	unsigned int parts; /* that the last I/O was handed to the kernel in */
};

/* One I/O on its way through the reactor. */
struct job {
	struct np_msg msg;
	struct np_io io;
	struct scene *scene;
	struct np_status status;
	sem_t done;
};

static char why[256];

/* ---- running an I/O ------------------------------------------------------------------------- */

static void io_done(struct np_io *io, struct np_status status)
{
	struct job *job = np_container_of(io, struct job, io);

	job->status = status;
	sem_post(&job->done);
}

static void submit(struct np_msg *msg)
{
	struct job *job = np_container_of(msg, struct job, msg);
	struct np_backend *backend = job->scene->backend;
	struct np_status status;

	switch (backend->ops->submit(backend, job->scene->reactor, &job->io, &status)) {
	case NP_IO_DONE:
		io_done(&job->io, status);
		break;
	case NP_IO_BUSY:
		np_reactor_send(job->scene->reactor, msg);
		break;
	case NP_IO_QUEUED:
		job->scene->parts = job->io.left_parts;
		break;
	}
}

/* Has @msg->fn run on the reactor, and waits until it has posted job->done. */
static void run_job(struct job *job)
{
	sem_init(&job->done, 0, 0);
	np_reactor_send(job->scene->reactor, &job->msg);
	while (sem_wait(&job->done) && errno == EINTR)
		;
	sem_destroy(&job->done);
}

static struct np_status run(
	struct scene *scene, enum np_io_op op, uint32_t flags, uint64_t lba, uint32_t nblocks)
{
	struct job job = {
		.msg.fn = submit,
		.io = {.op = op, .flags = flags, .lba = lba, .nblocks = nblocks, .done = io_done},
		.scene = scene,
	};

	job.io.va = scene->buf;
	run_job(&job);
	return job.status;
}

static void run_ok(
	struct scene *scene, enum np_io_op op, uint32_t flags, uint64_t lba, uint32_t nblocks)
{
	assert_int_equal(run(scene, op, flags, lba, nblocks).field, 0);
}

static void fill(struct scene *scene, uint8_t seed)
{
	for (unsigned int i = 0; i < BUF_BYTES; i++)
		scene->buf[i] = (uint8_t)(i * 7 + i / 512 + seed);
}

static void assert_filled(const uint8_t *bytes, uint32_t first, uint32_t count, uint8_t seed)
{
	for (uint32_t i = first; i < first + count; i++)
		assert_int_equal(bytes[i - first], (uint8_t)(i * 7 + i / 512 + seed));
}

static void assert_zeros(const uint8_t *bytes, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(bytes[i], 0);
}

/* ---- scenes --------------------------------------------------------------------------------- */

static void make_file(struct scene *scene, off_t bytes)
{
	int fd;

	strcpy(scene->path, "np-test-backend-XXXXXX");
	fd = mkstemp(scene->path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, bytes), 0);
	close(fd);
}

static struct scene *scene_new(void)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	int ret = np_reactor_start(0, -1, 0, &scene->reactor);

	if (ret == -ENOSYS || ret == -EPERM) /* io_uring is switched off here */
		skip();
	assert_int_equal(ret, 0);
	assert_int_equal(posix_memalign((void **)&scene->buf, 4096, BUF_BYTES), 0);
	return scene;
}

static int setup_file(void **state)
{
	struct scene *scene = scene_new();

	make_file(scene, FILE_BYTES);
	if (np_backend_open(
		    &np_backend_file_ops, scene->path, 0, why, sizeof(why), &scene->backend))
		fail_msg("%s", why);
	*state = scene;
	return 0;
}

static int setup_null(void **state)
{
	struct scene *scene = scene_new();

	assert_int_equal(np_backend_open(&np_backend_null_ops, "", FILE_BYTES, why, sizeof(why),
				 &scene->backend),
		0);
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	np_reactor_stop(scene->reactor);
	np_backend_close(scene->backend);
	if (scene->path[0])
		unlink(scene->path);
	free(scene->buf);
	free(scene);
	return 0;
}

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

static void unfix(struct np_msg *msg)
{
	struct job *job = np_container_of(msg, struct job, msg);

	np_uring_unfix(job->scene->reactor, job->scene->buf);
	assert_int_equal(np_uring_find_fixed(job->scene->reactor, job->scene->buf, 1), -1);
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
	if (job.io.nblocks == EOPNOTSUPP || job.io.nblocks == ENOMEM)
		skip();
	assert_int_equal(job.io.nblocks, 0);
	run_ok(scene, NP_IO_READ, 0, 0, nblocks);
	assert_filled(scene->buf, 0, BUF_BYTES, 4);
	assert_ptr_equal(mmap(scene->buf, BUF_BYTES, prot, flags | MAP_FIXED, -1, 0), scene->buf);
	run_ok(scene, NP_IO_READ, 0, 0, nblocks);
	assert_zeros(scene->buf, BUF_BYTES);
	job = (struct job){.scene = scene, .msg.fn = unfix};
	run_job(&job);
	run_ok(scene, NP_IO_READ, 0, 0, nblocks);
	assert_filled(scene->buf, 0, BUF_BYTES, 4);
	munmap(scene->buf, BUF_BYTES);
	scene->buf = heap;
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
		FILE_TEST(test_file__transfers_in_parts),
		FILE_TEST(test_file__uses_fixed_memory),
		FILE_TEST(test_file__belongs_to_one_process),
		cmocka_unit_test_setup_teardown(test_null__reads_zeros, setup_null, teardown),
		cmocka_unit_test(test_open__refuses_with_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
