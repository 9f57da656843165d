// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_copy.c - the Copy command, by the drive and by reading and writing.
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
#include "target/nvme/io.h"

#define LAST (NP_LB_NS_BLOCKS - 1)
#define SIZE_LIMIT np_status_specific(NVME_SC_CMD_SIZE_LIMIT_EXCEEDED)
#define OVERLAP np_status_specific(0x87)

struct range {
	uint64_t lba;
	uint32_t nblocks;
};

static struct np_sqe copy_sqe(uint64_t dest, unsigned int count, unsigned int format)
{
	struct np_sqe sqe = rw(nvme_cmd_copy, dest, 1);

	sqe.cdw12 = htole32((count - 1) | format << 8);
	return sqe;
}

static uint32_t describe(
	const struct range *ranges, unsigned int count, unsigned int format, uint8_t *list)
{
	const uint32_t bytes = format ? 40 : 32;

	memset(list, 0, (size_t)count * bytes);
	for (unsigned int i = 0; i < count; i++) {
		const uint64_t lba = htole64(ranges[i].lba);
		const uint16_t nlb = htole16((uint16_t)(ranges[i].nblocks - 1));

		memcpy(list + i * bytes + 8, &lba, sizeof(lba));
		memcpy(list + i * bytes + 16, &nlb, sizeof(nlb));
	}
	return count * bytes;
}

static struct np_cqe copy(struct scene *scene, uint64_t dest, const struct range *ranges,
	unsigned int count, unsigned int format)
{
	uint8_t list[256 * 40];
	const uint32_t bytes = describe(ranges, count, format, list);

	return np_lb_exec(scene->io, copy_sqe(dest, count, format), list, bytes);
}

/* Three ranges that touch, to a place behind them. @format: of the descriptors */
static void check_copy(struct scene *scene, unsigned int format)
{
	static const struct range ranges[] = {{100, 7}, {50, 1}, {300, 500}};
	const uint32_t all = NP_LB_NS_BLOCKS * BLOCK;
	uint8_t *want = random_bytes(all);

	memcpy(scene->backend->blocks, want, all);
	memcpy(want + 2000 * BLOCK, want + 100 * BLOCK, 7 * BLOCK);
	memcpy(want + 2007 * BLOCK, want + 50 * BLOCK, BLOCK);
	memcpy(want + 2008 * BLOCK, want + 300 * BLOCK, 500 * BLOCK);
	np_lb_assert_status(copy(scene, 2000, ranges, 3, format), NP_SUCCESS);
	assert_memory_equal(scene->backend->blocks, want, all);
	assert_int_equal(np_stat_read(&scene->io->queue.host_pool->in_use_bytes), 0);
	free(want);
}

static void test_copy__reads_and_writes(void **state)
{
	struct scene *scene = *state;

	for (unsigned int format = 0; format < 2; format++) {
		scene->backend->is_queued = format;
		check_copy(scene, format);
	}
	/* 500 blocks do not fit the room behind the list at once. */
	assert_true(scene->backend->ops_seen[NP_IO_WRITE] > 2 * 3);
	assert_int_equal(
		scene->backend->ops_seen[NP_IO_READ], scene->backend->ops_seen[NP_IO_WRITE]);
	assert_int_equal(scene->backend->ops_seen[NP_IO_COPY], 0);
	assert_int_equal(np_ns_sum(scene->ns, copy_ios), 2);
	assert_int_equal(written(scene) + read_back(scene), 0);
}

static void test_copy__keeps_the_drives_limits(void **state)
{
	struct scene *scene = *state;

	scene->backend->base.max_io_bytes = 5 * BLOCK;
	check_copy(scene, 0);
	assert_int_equal(scene->backend->ops_seen[NP_IO_WRITE], 2 + 1 + 100);
}

static void test_copy__by_the_drive(void **state)
{
	struct scene *scene = *state;

	scene->backend->is_queued = true;
	scene->backend->base.max_copy_blocks = 128;
	check_copy(scene, 0);
	assert_int_equal(scene->backend->ops_seen[NP_IO_COPY], 1 + 1 + 4);
	assert_int_equal(scene->backend->ops_seen[NP_IO_READ], 0);
	assert_int_equal(scene->backend->ops_seen[NP_IO_WRITE], 0);
}

static void test_copy__durable_if_asked_for(void **state)
{
	struct scene *scene = *state;
	static const struct range range = {0, 8};
	struct np_sqe sqe = copy_sqe(8, 1, 0);
	uint8_t list[32];

	describe(&range, 1, 0, list);
	sqe.cdw12 |= htole32((uint32_t)NVME_IO_FUA << 16);
	np_lb_assert_status(np_lb_exec(scene->io, sqe, list, sizeof(list)), NP_SUCCESS);
	assert_int_equal(scene->backend->last.op, NP_IO_WRITE);
	assert_int_equal(scene->backend->last.flags, NP_IO_FUA);
}

/* Each refused request changes nothing. */
static void test_copy__refuses(void **state)
{
	static const struct {
		uint64_t dest;
		struct range ranges[3];
		unsigned int count;
		unsigned int format;
		bool is_generic;
		unsigned int sc;
	} cases[] = {
		{0, {{10, 1}}, 1, 2, true, NVME_SC_INVALID_FIELD},
		{0, {{10, 1}}, 1, 15, true, NVME_SC_INVALID_FIELD},
		{LAST, {{10, 2}}, 1, 0, true, NVME_SC_LBA_RANGE},
		{NP_LB_NS_BLOCKS, {{10, 1}}, 1, 0, true, NVME_SC_LBA_RANGE},
		{UINT64_MAX, {{10, 2}}, 1, 0, true, NVME_SC_LBA_RANGE},
		{0, {{10, 1}, {LAST, 2}}, 2, 0, true, NVME_SC_LBA_RANGE},
		{0, {{UINT64_MAX, 2}}, 1, 0, true, NVME_SC_LBA_RANGE},
		{LAST - 1, {{10, 1}, {20, 1}, {30, 1}}, 3, 0, true, NVME_SC_LBA_RANGE},
		{10, {{10, 1}}, 1, 0, false, 0x87},
		{10, {{9, 2}}, 1, 0, false, 0x87},
		{10, {{100, 1}, {11, 1}}, 2, 0, false, 0x87},
		{10, {{100, 3}, {12, 1}}, 2, 0, false, 0x87},
	};
	struct scene *scene = *state;
	uint8_t *before = random_bytes(NP_LB_NS_BLOCKS * BLOCK);

	memcpy(scene->backend->blocks, before, NP_LB_NS_BLOCKS * BLOCK);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		np_lb_assert_status(copy(scene, cases[i].dest, cases[i].ranges, cases[i].count,
					    cases[i].format),
			cases[i].is_generic ? np_status_generic(cases[i].sc)
					    : np_status_specific(cases[i].sc));
	assert_memory_equal(scene->backend->blocks, before, NP_LB_NS_BLOCKS * BLOCK);
	assert_int_equal(np_ns_sum(scene->ns, copy_ios), 0);
	free(before);
	/* What lies side by side does not overlap. */
	np_lb_assert_status(copy(scene, 10, (struct range[]){{9, 1}, {12, 1}}, 2, 0), NP_SUCCESS);
}

static void test_copy__limits(void **state)
{
	struct scene *scene = *state;
	struct range ranges[NP_COPY_MAX_RANGES + 1];

	for (unsigned int i = 0; i <= NP_COPY_MAX_RANGES; i++)
		ranges[i] = (struct range){i, 1};
	np_lb_assert_status(copy(scene, 1000, ranges, NP_COPY_MAX_RANGES, 1), NP_SUCCESS);
	np_lb_assert_status(copy(scene, 1000, ranges, NP_COPY_MAX_RANGES + 1, 1), SIZE_LIMIT);
	/* Of a range, though the namespace were large enough; and of all together. */
	scene->ns->nblocks = UINT32_MAX;
	np_lb_assert_status(copy(scene, 1u << 20, (struct range[]){{0, 65536}}, 1, 0), SIZE_LIMIT);
	scene->ns->lba_shift = 12;
	np_lb_assert_status(
		copy(scene, 1u << 20, (struct range[]){{0, 4095}, {0, 2}}, 2, 0), SIZE_LIMIT);
}

/* The list's length is the command's, and no directive may be asked for. */
static void test_copy__fields(void **state)
{
	struct scene *scene = *state;
	struct np_sqe sqe = copy_sqe(8, 1, 0);
	uint8_t list[64] = {0};

	np_lb_assert_status(
		np_lb_exec(scene->io, sqe, list, 40), np_status_generic(NVME_SC_SGL_INVALID_DATA));
	sqe.cdw12 |= htole32(1u << 20);
	np_lb_assert_status(
		np_lb_exec(scene->io, sqe, list, 32), np_status_generic(NVME_SC_INVALID_FIELD));
}

static void test_copy__stops_at_an_error(void **state)
{
	struct scene *scene = *state;

	scene->backend->base.max_io_bytes = BLOCK;
	scene->backend->fail = np_status_media(NVME_SC_READ_ERROR);
	scene->backend->fail_op = NP_IO_READ;
	np_lb_assert_status(copy(scene, 100, (struct range[]){{0, 8}}, 1, 0),
		np_status_media(NVME_SC_READ_ERROR));
	assert_int_equal(scene->backend->ops_seen[NP_IO_WRITE], 0);
	scene->backend->fail = np_status_media(NVME_SC_WRITE_FAULT);
	scene->backend->fail_op = NP_IO_WRITE;
	np_lb_assert_status(copy(scene, 100, (struct range[]){{0, 8}}, 1, 0),
		np_status_media(NVME_SC_WRITE_FAULT));
	assert_int_equal(scene->backend->ops_seen[NP_IO_WRITE], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		io_test(test_copy__reads_and_writes),
		io_test(test_copy__keeps_the_drives_limits),
		io_test(test_copy__by_the_drive),
		io_test(test_copy__durable_if_asked_for),
		io_test(test_copy__refuses),
		io_test(test_copy__limits),
		io_test(test_copy__fields),
		io_test(test_copy__stops_at_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
