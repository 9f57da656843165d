// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_io_other.c - FUA reads, Flush, Write Zeroes, Dataset Management, Write Uncorrectable, Verify.
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

static void test_flush__only_what_has_a_cache(void **state)
{
	struct scene *scene = *state;

	np_lb_assert_status(
		np_lb_exec(scene->io, np_lb_sqe(nvme_cmd_flush, 1), NULL, 0), NP_SUCCESS);
	assert_int_equal(scene->backend->ops_seen[NP_IO_FLUSH], 1);
	scene->backend->base.volatile_cache = false;
	np_lb_assert_status(
		np_lb_exec(scene->io, np_lb_sqe(nvme_cmd_flush, 1), NULL, 0), NP_SUCCESS);
	assert_int_equal(scene->backend->ops_seen[NP_IO_FLUSH], 1);
	assert_int_equal(np_ns_sum(scene->ns, flush_ios), 2);
}

static void test_read__fua_is_preceded_by_flush(void **state)
{
	struct scene *scene = *state;
	struct np_sqe sqe = rw(nvme_cmd_read, 1, 4);
	uint8_t data[4 * BLOCK];

	np_lb_assert_status(np_lb_exec(scene->io, sqe, data, sizeof(data)), NP_SUCCESS);
	assert_int_equal(scene->backend->ops_seen[NP_IO_FLUSH], 0);
	sqe.cdw12 |= htole32((uint32_t)NVME_IO_FUA << 16);
	np_lb_assert_status(np_lb_exec(scene->io, sqe, data, sizeof(data)), NP_SUCCESS);
	assert_int_equal(scene->backend->ops_seen[NP_IO_FLUSH], 1);
	assert_int_equal(scene->backend->last.op, NP_IO_READ);
	scene->backend->base.reads_fua = true;
	np_lb_assert_status(np_lb_exec(scene->io, sqe, data, sizeof(data)), NP_SUCCESS);
	assert_int_equal(scene->backend->ops_seen[NP_IO_FLUSH], 1);
	assert_int_equal(np_ns_sum(scene->ns, read_ios), 3);
}

static void test_write_zeroes__fua_is_followed_by_flush(void **state)
{
	struct scene *scene = *state;
	struct np_sqe sqe = rw(nvme_cmd_write_zeroes, 1, 4);

	memset(scene->backend->blocks, 0xa5, 8 * BLOCK);
	sqe.cdw12 |= htole32((uint32_t)NVME_IO_DEAC << 16);
	np_lb_assert_status(np_lb_exec(scene->io, sqe, NULL, 0), NP_SUCCESS);
	assert_int_equal(scene->backend->last.flags, NP_IO_MAY_DEALLOCATE);
	assert_int_equal(scene->backend->blocks[BLOCK - 1], 0xa5);
	assert_int_equal(scene->backend->blocks[BLOCK], 0);
	assert_int_equal(scene->backend->blocks[5 * BLOCK - 1], 0);
	assert_int_equal(scene->backend->blocks[5 * BLOCK], 0xa5);
	assert_int_equal(scene->backend->ops_seen[NP_IO_FLUSH], 0);
	sqe.cdw12 = htole32(3 | (uint32_t)NVME_IO_FUA << 16);
	np_lb_assert_status(np_lb_exec(scene->io, sqe, NULL, 0), NP_SUCCESS);
	assert_int_equal(scene->backend->ops_seen[NP_IO_FLUSH], 1);
	assert_int_equal(np_ns_sum(scene->ns, write_zeroes_ios), 2);
}

static void test_write_zeroes__is_cut_to_the_drives_limit(void **state)
{
	struct scene *scene = *state;
	struct np_sqe sqe = rw(nvme_cmd_write_zeroes, 1, 8);

	memset(scene->backend->blocks, 0xa5, 16 * BLOCK);
	scene->backend->base.max_zeroes_blocks = 3;
	sqe.cdw12 |= htole32((uint32_t)NVME_IO_FUA << 16);
	np_lb_assert_status(np_lb_exec(scene->io, sqe, NULL, 0), NP_SUCCESS);
	assert_int_equal(scene->backend->ops_seen[NP_IO_WRITE_ZEROES], 3);
	assert_int_equal(scene->backend->ops_seen[NP_IO_FLUSH], 1);
	assert_int_equal(scene->backend->blocks[BLOCK - 1], 0xa5);
	for (unsigned int block = 1; block < 9; block++)
		assert_int_equal(scene->backend->blocks[block * BLOCK], 0);
	assert_int_equal(scene->backend->blocks[9 * BLOCK], 0xa5);
	assert_int_equal(np_ns_sum(scene->ns, write_zeroes_ios), 1);
}

/* @length: bytes that the host sends; Linux always sends 4096. */
static struct np_cqe dsm(struct scene *scene, const struct nvme_dsm_range *ranges,
	unsigned int count, uint32_t length, uint32_t attributes)
{
	struct np_sqe sqe = np_lb_sqe(nvme_cmd_dsm, 1);
	uint8_t buffer[8192] = {0};
	struct np_lb_slot *slot;

	memcpy(buffer, ranges, count * sizeof(*ranges));
	sqe.cdw10 = htole32(count - 1);
	sqe.cdw11 = htole32(attributes);
	slot = np_lb_send(scene->io, sqe, buffer, length);
	/* Long enough for a busy backend. */
	np_lb_advance(scene->lb, 200);
	assert_int_equal(slot->answers, 1);
	return slot->cqe;
}

static void test_dsm__ranges(void **state)
{
	const struct nvme_dsm_range ranges[] = {
		{.slba = htole64(2), .nlb = htole32(2)},
		{.slba = htole64(9), .nlb = 0},
		{.slba = htole64(6), .nlb = htole32(1)},
	};
	const struct nvme_dsm_range bad[] = {
		{.slba = htole64(20), .nlb = htole32(1)},
		{.slba = htole64(NP_LB_NS_BLOCKS), .nlb = htole32(1)},
	};
	struct scene *scene = *state;

	memset(scene->backend->blocks, 0xa5, 32 * BLOCK);
	/* A hint only. */
	np_lb_assert_status(dsm(scene, ranges, 3, 48, NVME_DSMGMT_IDW), NP_SUCCESS);
	assert_int_equal(scene->backend->ops_seen[NP_IO_DEALLOCATE], 0);
	for (int queued = 0; queued < 2; queued++) {
		scene->backend->is_queued = queued;
		/* The second time the backend is busy at first: no range may be left out. */
		scene->backend->busy_left = queued ? 1 : 0;
		scene->backend->ops_seen[NP_IO_DEALLOCATE] = 0;
		np_lb_assert_status(
			dsm(scene, ranges, 3, queued ? 48 : 4096, NVME_DSMGMT_AD), NP_SUCCESS);
		assert_int_equal(scene->backend->ops_seen[NP_IO_DEALLOCATE], 2);
	}
	assert_int_equal(scene->backend->blocks[2 * BLOCK - 1], 0xa5);
	assert_int_equal(scene->backend->blocks[2 * BLOCK], 0);
	assert_int_equal(scene->backend->blocks[4 * BLOCK], 0xa5);
	assert_int_equal(scene->backend->blocks[6 * BLOCK], 0);
	assert_int_equal(scene->backend->blocks[9 * BLOCK], 0xa5);
	np_lb_assert_status(
		dsm(scene, bad, 2, 32, NVME_DSMGMT_AD), np_status_generic(NVME_SC_LBA_RANGE));
	assert_int_equal(scene->backend->blocks[20 * BLOCK], 0xa5);
	np_lb_assert_status(dsm(scene, ranges, 3, 32, NVME_DSMGMT_AD),
		np_status_generic(NVME_SC_SGL_INVALID_DATA));
	np_lb_assert_status(dsm(scene, ranges, 3, 8192, NVME_DSMGMT_AD),
		np_status_generic(NVME_SC_SGL_INVALID_DATA));
}

static void test_dsm__is_cut_to_the_drives_limit(void **state)
{
	/* The second lies before the first, and both are longer than the limit. */
	const struct nvme_dsm_range ranges[] = {
		{.slba = htole64(9), .nlb = htole32(4)},
		{.slba = htole64(0), .nlb = htole32(5)},
	};
	struct scene *scene = *state;

	for (int queued = 0; queued < 2; queued++) {
		memset(scene->backend->blocks, 0xa5, 16 * BLOCK);
		memset(scene->backend->ops_seen, 0, sizeof(scene->backend->ops_seen));
		scene->backend->base.max_deallocate_blocks = 2;
		scene->backend->is_queued = queued;
		scene->backend->busy_left = queued ? 1 : 0;
		np_lb_assert_status(dsm(scene, ranges, 2, 32, NVME_DSMGMT_AD), NP_SUCCESS);
		assert_int_equal(scene->backend->ops_seen[NP_IO_DEALLOCATE], 5);
		for (unsigned int block = 0; block < 16; block++)
			assert_int_equal(scene->backend->blocks[block * BLOCK],
				block < 5 || (block >= 9 && block < 13) ? 0 : 0xa5);
	}
}

/* A host that has gone is owed no work: not all of its 256 ranges. */
static void test_dsm__ends_with_the_connection(void **state)
{
	const struct nvme_dsm_range range = {.slba = 0, .nlb = htole32(16)};
	struct scene *scene = *state;
	struct np_sqe sqe = np_lb_sqe(nvme_cmd_dsm, 1);

	scene->backend->base.max_deallocate_blocks = 1;
	scene->backend->is_queued = true;
	scene->backend->is_held = true;
	sqe.cdw11 = htole32(NVME_DSMGMT_AD);
	np_lb_send(scene->io, sqe, (void *)(uintptr_t)&range, sizeof(range));
	np_lb_pump(scene->lb);
	np_lb_disconnect(scene->io);
	np_lb_pump(scene->lb);
	scene->backend->is_held = false;
	np_lb_pump(scene->lb);
	assert_int_equal(scene->backend->ops_seen[NP_IO_DEALLOCATE], 1);
}

/* The drive reads all of it, by commands that it takes, and nothing is sent to the host. */
/* Only where the drive can, and as long as it is told once. */
static void test_write_uncorrectable__is_the_drives(void **state)
{
	struct scene *scene = *state;
	struct np_sqe sqe = rw(nvme_cmd_write_uncor, 5, NP_LB_NS_BLOCKS - 5);

	np_lb_assert_status(
		np_lb_exec(scene->io, sqe, NULL, 0), np_status_generic(NVME_SC_INVALID_OPCODE));
	scene->backend->base.can_write_uncor = true;
	np_lb_assert_status(np_lb_exec(scene->io, sqe, NULL, 0), NP_SUCCESS);
	assert_int_equal(scene->backend->ops_seen[NP_IO_WRITE_UNCOR], 1);
	assert_int_equal(scene->backend->last.lba, 5);
	assert_int_equal(scene->backend->last.nblocks, NP_LB_NS_BLOCKS - 5);
	np_lb_assert_status(
		np_lb_exec(scene->io, rw(nvme_cmd_write_uncor, 5, NP_LB_NS_BLOCKS - 4), NULL, 0),
		np_status_generic(NVME_SC_LBA_RANGE));
	scene->backend->fail = np_status_media(NVME_SC_WRITE_FAULT);
	scene->backend->fail_op = NP_IO_WRITE_UNCOR;
	np_lb_assert_status(
		np_lb_exec(scene->io, sqe, NULL, 0), np_status_media(NVME_SC_WRITE_FAULT));
	assert_int_equal(np_ns_sum(scene->ns, write_uncor_ios), 2);
}

static void test_verify__reads(void **state)
{
	struct scene *scene = *state;

	scene->backend->base.max_io_bytes = 3 * BLOCK;
	np_lb_assert_status(np_lb_exec(scene->io, rw(nvme_cmd_verify, 1, 8), NULL, 0), NP_SUCCESS);
	assert_int_equal(scene->backend->ops_seen[NP_IO_READ], 3);
	assert_int_equal(scene->backend->last.lba, 7);
	assert_int_equal(scene->backend->last.nblocks, 2);
	scene->backend->base.max_io_bytes = NP_MDTS_BYTES;
	np_lb_assert_status(np_lb_exec(scene->io, rw(nvme_cmd_verify, 0, NP_LB_NS_BLOCKS), NULL, 0),
		NP_SUCCESS);
	np_lb_assert_status(np_lb_exec(scene->io, rw(nvme_cmd_verify, NP_LB_NS_BLOCKS, 1), NULL, 0),
		np_status_generic(NVME_SC_LBA_RANGE));
	assert_int_equal(np_ns_sum(scene->ns, verify_ios), 2);
	assert_int_equal(read_back(scene), 0);
	assert_int_equal(np_stat_read(&scene->io->queue.host_pool->in_use_bytes), 0);
}

static void test_verify__reports_what_cannot_be_read(void **state)
{
	struct scene *scene = *state;

	scene->backend->base.max_io_bytes = 2 * BLOCK;
	scene->backend->fail = np_status_media(NVME_SC_READ_ERROR);
	np_lb_assert_status(np_lb_exec(scene->io, rw(nvme_cmd_verify, 0, 8), NULL, 0),
		np_status_media(NVME_SC_READ_ERROR));
	assert_int_equal(scene->backend->ops_seen[NP_IO_READ], 1);
}

/* It waits for a buffer like any other, and ends with its connection. */
static void test_verify__waits_for_a_buffer(void **state)
{
	struct scene *scene = *state;
	struct np_pool *pool = scene->io->queue.host_pool;
	struct np_pool_waiter taker = {.bytes = UINT32_MAX};
	struct np_pool_line line;
	struct np_lb_slot *slot;
	struct np_buf all;

	np_pool_line_init(&line);
	assert_true(np_pool_get(pool, &line, &taker, &all));
	slot = np_lb_send(scene->io, rw(nvme_cmd_verify, 0, 8), NULL, 0);
	np_lb_pump(scene->lb);
	assert_int_equal(slot->answers, 0);
	np_buf_put(&all);
	np_lb_pump(scene->lb);
	assert_int_equal(slot->answers, 1);
	np_lb_assert_status(slot->cqe, NP_SUCCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		io_test(test_flush__only_what_has_a_cache),
		io_test(test_read__fua_is_preceded_by_flush),
		io_test(test_write_zeroes__fua_is_followed_by_flush),
		io_test(test_write_zeroes__is_cut_to_the_drives_limit),
		io_test(test_dsm__ranges),
		io_test(test_dsm__is_cut_to_the_drives_limit),
		io_test(test_dsm__ends_with_the_connection),
		io_test(test_write_uncorrectable__is_the_drives),
		io_test(test_verify__reads),
		io_test(test_verify__reports_what_cannot_be_read),
		io_test(test_verify__waits_for_a_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
