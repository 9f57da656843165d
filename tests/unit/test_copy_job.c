// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_copy_job.c - copies between drives that do what they say, and between such as only say so.
 *
 * The drives are fakes that answer at once; test_cli_copy.c has files.
 *
 * Depends: copy_job.c, copy_plan.c, np_backend, cmocka.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "need_uring.h"
#include "target/backend/pump.h"
#include "tools/nvmet-p2p-cli/copy_job.h"

#define BLOCK_BYTES 512u
#define DISK_BYTES (64u * 1024u)
#define CHUNK_BYTES 8192u
#define DEPTH 3u
#define MEMORY_BYTES (DEPTH * CHUNK_BYTES)
#define NEVER UINT64_MAX

static uint8_t memory[MEMORY_BYTES] __attribute__((aligned(4096)));
static char why[256];

struct drive {
	struct np_backend backend;
	uint8_t disk[DISK_BYTES];
	unsigned int nreads, nwrites, nflushes;
	/* Flaws, of data in `memory` only. */
	bool reads_nothing, writes_nothing;
	uint64_t fails_at; /* the offset that it reports an error at, or NEVER */
	unsigned int busy; /* so many times it takes nothing */
};

static struct drive src, dst;

static enum np_io_submit drive_submit(struct np_backend *backend, struct np_reactor *reactor,
	struct np_io *io, struct np_status *ret_status)
{
	struct drive *drive = np_container_of(backend, struct drive, backend);
	const uint64_t offset = io->lba * BLOCK_BYTES;
	const uint32_t bytes = io->nblocks * BLOCK_BYTES;
	const bool is_peer = (uintptr_t)io->va - (uintptr_t)memory < sizeof(memory);

	(void)reactor;
	if (drive->busy) {
		drive->busy--;
		return NP_IO_BUSY;
	}
	*ret_status = NP_SUCCESS;
	if (is_peer && offset <= drive->fails_at && drive->fails_at < offset + bytes) {
		*ret_status = np_status_media(NVME_SC_READ_ERROR);
		return NP_IO_DONE;
	}
	if (io->op == NP_IO_FLUSH) {
		drive->nflushes++;
		return NP_IO_DONE;
	}
	assert_true(offset + bytes <= DISK_BYTES);
	if (io->op == NP_IO_READ) {
		drive->nreads++;
		if (!is_peer || !drive->reads_nothing)
			memcpy(io->va, drive->disk + offset, bytes);
	} else {
		drive->nwrites++;
		if (!is_peer || !drive->writes_nothing)
			memcpy(drive->disk + offset, io->va, bytes);
	}
	return NP_IO_DONE;
}

static const struct np_backend_ops drive_ops = {.name = "fake", .submit = drive_submit};

static void drive_init(struct drive *drive, const char *path)
{
	*drive = (struct drive){
		.backend = {.ops = &drive_ops, .block_bytes = BLOCK_BYTES, .volatile_cache = true},
		.fails_at = NEVER};
	strcpy(drive->backend.path, path);
}

/* Not a multiple of the chunk. */
static struct np_copy_job new_job(void)
{
	drive_init(&src, "/dev/src");
	drive_init(&dst, "/dev/dst");
	for (uint32_t i = 0; i < DISK_BYTES; i++)
		src.disk[i] = (uint8_t)(i * 7 + i / BLOCK_BYTES);
	return (struct np_copy_job){&src.backend, &dst.backend, memory,
		{DISK_BYTES - CHUNK_BYTES - BLOCK_BYTES, CHUNK_BYTES, DEPTH}};
}

/* Spoils, copies and compares: what copy --verify does. */
static struct np_copy_difference copy(const struct np_copy_job *job)
{
	struct np_copy_difference difference = {0};
	uint64_t us;

	if (np_copy_spoil(job, why, sizeof(why)) || np_copy_move(job, &us, why, sizeof(why)) ||
		np_copy_compare(job, &difference, why, sizeof(why)))
		fail_msg("%s", why);
	return difference;
}

static void test_np_copy_move__copies_that_much_and_no_more(void **state)
{
	const struct np_copy_job job = new_job();
	uint64_t us;

	(void)state;
	assert_int_equal(np_copy_move(&job, &us, why, sizeof(why)), 0);
	assert_memory_equal(src.disk, dst.disk, job.plan.bytes);
	for (uint64_t i = job.plan.bytes; i < DISK_BYTES; i++)
		assert_int_equal(dst.disk[i], 0);
	assert_int_equal(src.nreads, 7);
	assert_int_equal(dst.nwrites, 7);
	assert_int_equal(src.nwrites + dst.nreads, 0);
	assert_int_equal(dst.nflushes, 1);
}

static void test_np_copy_compare__is_content_with_what_is_right(void **state)
{
	const struct np_copy_job job = new_job();

	(void)state;
	assert_true(copy(&job).bytes == 0);
	assert_int_equal(src.nwrites, 0);
}

static void test_np_copy_compare__finds_the_first_byte(void **state)
{
	const struct np_copy_job job = new_job();
	struct np_copy_difference difference;

	(void)state;
	copy(&job);
	dst.disk[CHUNK_BYTES + 77]++;
	dst.disk[CHUNK_BYTES + 79]++;
	dst.disk[3 * CHUNK_BYTES]++;
	assert_int_equal(np_copy_compare(&job, &difference, why, sizeof(why)), 0);
	assert_true(difference.bytes == 3);
	assert_true(difference.first_offset == CHUNK_BYTES + 77);
}

/* Success and no bytes: DST held what SRC has before, and still that does not pass. */
static void test_np_copy_compare__finds_a_lie(void **state)
{
	(void)state;
	for (int way = 0; way < 2; way++) {
		const struct np_copy_job job = new_job();
		struct np_copy_difference difference;

		memcpy(dst.disk, src.disk, DISK_BYTES);
		memcpy(memory, src.disk, MEMORY_BYTES);
		src.reads_nothing = way == 0;
		dst.writes_nothing = way == 1;
		difference = copy(&job);
		assert_true(difference.bytes > job.plan.bytes / 2);
		assert_true(difference.first_offset < BLOCK_BYTES);
	}
}

static void test_np_copy_move__tells_what_failed(void **state)
{
	struct np_copy_job job = new_job();
	uint64_t us;

	(void)state;
	src.fails_at = 2 * CHUNK_BYTES + 5;
	assert_int_equal(np_copy_move(&job, &us, why, sizeof(why)), -EIO);
	assert_non_null(strstr(why, "a read at offset 16384 of /dev/src fails: "));
	assert_int_equal(dst.nflushes, 0);
	job = new_job();
	dst.fails_at = 0;
	assert_int_equal(np_copy_move(&job, &us, why, sizeof(why)), -EIO);
	assert_non_null(strstr(why, "a write at offset 0 of /dev/dst fails: "));
	/* Nothing goes on after that. */
	assert_int_equal(src.nreads, 1);
}

static void test_np_copy_move__gives_up_where_nothing_moves(void **state)
{
	const struct np_copy_job job = new_job();
	uint64_t us;

	(void)state;
	dst.busy = 1000;
	dst.backend.volatile_cache = false; /* a flush would not get through, either */
	assert_int_equal(np_copy_move(&job, &us, why, sizeof(why)), -EBUSY);
	assert_non_null(strstr(why, "the ring fails: "));
}

static int setup(void **state)
{
	struct np_pump pump;
	int ret = np_pump_init(&pump, false);

	(void)state;
	if (ret == -ENOSYS || ret == -EPERM) /* io_uring is switched off here */
		skip();
	assert_int_equal(ret, 0);
	np_pump_fini(&pump);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_np_copy_move__copies_that_much_and_no_more),
		cmocka_unit_test(test_np_copy_compare__is_content_with_what_is_right),
		cmocka_unit_test(test_np_copy_compare__finds_the_first_byte),
		cmocka_unit_test(test_np_copy_compare__finds_a_lie),
		cmocka_unit_test(test_np_copy_move__tells_what_failed),
		cmocka_unit_test(test_np_copy_move__gives_up_where_nothing_moves),
	};

	need_uring();
	return cmocka_run_group_tests(tests, setup, NULL);
}
