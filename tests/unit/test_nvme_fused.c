// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_fused.c - Compare and Write as one: what becomes of the two halves.
 *
 * Depends: fused_scene.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fused_scene.h"

static void test_fused__writes_where_it_is_equal(void **state)
{
	struct scene *scene = *state;
	struct pair pair;

	for (unsigned int is_queued = 0; is_queued < 2; is_queued++) {
		scene->backend->is_queued = is_queued;
		memset(scene->backend->blocks + LBA * BLOCK, 1, BYTES);
		send_pair(scene->io, &pair, 1, 2);
		np_lb_pump(scene->lb);
		assert_ended(pair.first, NP_SUCCESS, "compare");
		assert_ended(pair.second, NP_SUCCESS, "write");
		/* In the order in which they came. */
		assert_int_equal((np_le16(pair.first->cqe.sqhd) + 1) % NP_LB_DEPTH,
			np_le16(pair.second->cqe.sqhd));
		assert_blocks(scene, 2);
	}
	assert_int_equal(np_ns_sum(scene->ns, compare_ios), 2);
	assert_int_equal(np_ns_sum(scene->ns, write_ios), 2);
	assert_open(scene);
}

static void test_fused__leaves_what_differs(void **state)
{
	struct scene *scene = *state;
	const unsigned int pulls = scene->io->pulls;
	struct pair pair;

	memset(scene->backend->blocks + LBA * BLOCK, 7, BYTES);
	send_pair(scene->io, &pair, 1, 2);
	np_lb_pump(scene->lb);
	assert_ended(pair.first, DIFFERS, "compare");
	assert_ended(pair.second, FAILED, "write");
	assert_blocks(scene, 7);
	assert_int_equal(scene->backend->ops_seen[NP_IO_WRITE], 0);
	/* The data of the Write was not even fetched. */
	assert_int_equal(scene->io->pulls, pulls + 1);
	assert_open(scene);
}

static void test_fused__write_fails(void **state)
{
	struct scene *scene = *state;
	struct pair pair;

	scene->backend->fail = np_status_media(NVME_SC_WRITE_FAULT);
	scene->backend->fail_op = NP_IO_WRITE;
	send_pair(scene->io, &pair, 0, 2);
	np_lb_pump(scene->lb);
	assert_ended(pair.first, FAILED, "compare");
	assert_ended(pair.second, np_status_media(NVME_SC_WRITE_FAULT), "write");
	assert_open(scene);
}

/* The second does not go with the first, or cannot be done itself. */
static void test_fused__second_is_wrong(void **state)
{
	static const struct {
		uint32_t nsid;
		uint64_t lba;
		uint32_t nblocks;
		uint32_t cdw12;
		unsigned int sc;
	} cases[] = {
		{1, LBA + 1, NBLOCKS, 0, NVME_SC_INVALID_FIELD},
		{1, LBA, NBLOCKS - 1, 0, NVME_SC_INVALID_FIELD},
		{3, LBA, NBLOCKS, 0, NVME_SC_INVALID_FIELD},
		{2, LBA, NBLOCKS, 0, NVME_SC_INVALID_FIELD},
		{0, LBA, NBLOCKS, 0, NVME_SC_INVALID_NS},
		{1, LBA, NBLOCKS, 1u << 20, NVME_SC_INVALID_FIELD},
		{1, NP_LB_NS_BLOCKS, NBLOCKS, 0, NVME_SC_LBA_RANGE},
	};
	struct scene *scene = *state;
	uint8_t data[BYTES] = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct np_sqe sqe = half(SECOND, cases[i].lba, cases[i].nblocks);
		struct np_lb_slot *first, *second;

		sqe.nsid = np_le32(cases[i].nsid);
		sqe.cdw12 |= htole32(cases[i].cdw12);
		first = np_lb_send(scene->io, half(FIRST, LBA, NBLOCKS), data, BYTES);
		second = np_lb_send(scene->io, sqe, data, cases[i].nblocks * BLOCK);
		np_lb_pump(scene->lb);
		assert_ended(first, FAILED, "compare");
		assert_ended(second, np_status_generic(cases[i].sc), "write");
	}
	assert_int_equal(scene->backend->ops_seen[NP_IO_READ], 0);
	assert_int_equal(scene->backend->ops_seen[NP_IO_WRITE], 0);
	assert_open(scene);
}

static void test_fused__first_is_wrong(void **state)
{
	struct scene *scene = *state;
	uint8_t data[BYTES] = {0};
	struct np_lb_slot *first, *second;

	first = np_lb_send(scene->io, half(FIRST, NP_LB_NS_BLOCKS, NBLOCKS), data, BYTES);
	second = np_lb_send(scene->io, half(SECOND, NP_LB_NS_BLOCKS, NBLOCKS), data, BYTES);
	np_lb_pump(scene->lb);
	assert_ended(first, np_status_generic(NVME_SC_LBA_RANGE), "compare");
	assert_ended(second, FAILED, "write");
	/* What came to an end is not remembered for ever. */
	second = np_lb_send(scene->io, half(SECOND, LBA, NBLOCKS), data, BYTES);
	np_lb_pump(scene->lb);
	assert_ended(second, MISSING, "write");
}

static void test_fused__half_is_missing(void **state)
{
	struct scene *scene = *state;
	uint8_t data[BYTES] = {0};
	struct np_lb_slot *first, *other, *pair[2];

	/* A first, and something else. */
	first = np_lb_send(scene->io, half(FIRST, LBA, NBLOCKS), data, BYTES);
	np_lb_pump(scene->lb);
	assert_int_equal(first->answers, 0);
	other = np_lb_send(scene->io, rw(nvme_cmd_read, 0, 1), data, BLOCK);
	np_lb_pump(scene->lb);
	assert_ended(first, MISSING, "compare");
	assert_ended(other, NP_SUCCESS, "read");

	/* Two firsts: the later one is as good as any. */
	first = np_lb_send(scene->io, half(FIRST, LBA, NBLOCKS), data, BYTES);
	pair[0] = np_lb_send(scene->io, half(FIRST, LBA, NBLOCKS), data, BYTES);
	pair[1] = np_lb_send(scene->io, half(SECOND, LBA, NBLOCKS), data, BYTES);
	np_lb_pump(scene->lb);
	assert_ended(first, MISSING, "compare");
	assert_ended(pair[0], NP_SUCCESS, "compare");
	assert_ended(pair[1], NP_SUCCESS, "write");

	/* A pair is a matter of one queue. */
	first = np_lb_send(scene->io, half(FIRST, LBA, NBLOCKS), data, BYTES);
	other = np_lb_send(np_lb_connect_io(scene->lb, scene->admin, 2), half(SECOND, LBA, NBLOCKS),
		data, BYTES);
	np_lb_pump(scene->lb);
	assert_ended(other, MISSING, "write");
	assert_int_equal(first->answers, 0);
}

static void test_fused__only_compare_and_write(void **state)
{
	static const struct {
		uint8_t opcode;
		uint8_t fuse;
	} cases[] = {
		{nvme_cmd_read, FIRST},
		{nvme_cmd_write, FIRST},
		{nvme_cmd_flush, FIRST},
		{nvme_cmd_compare, SECOND},
		{nvme_cmd_write_zeroes, SECOND},
		{nvme_cmd_read, 3},
		{nvme_cmd_write, 3},
	};
	struct scene *scene = *state;
	uint8_t data[BLOCK] = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct np_sqe sqe = rw(cases[i].opcode, 0, 1);
		const bool has_data = cases[i].opcode != nvme_cmd_flush &&
			cases[i].opcode != nvme_cmd_write_zeroes;
		struct np_cqe cqe;

		sqe.flags |= cases[i].fuse;
		cqe = np_lb_exec(scene->io, sqe, data, has_data ? BLOCK : 0);
		np_lb_assert_status(cqe, cases[i].fuse == SECOND ? MISSING : BAD_FIELD);
		np_lb_assert_status(
			np_lb_exec(scene->io, rw(nvme_cmd_read, 0, 1), data, BLOCK), NP_SUCCESS);
	}
	for (uint8_t fuse = 1; fuse < 4; fuse++) {
		struct np_sqe sqe = np_lb_sqe(nvme_admin_keep_alive, 0);

		sqe.flags |= fuse;
		/* Of the second a failed first is the reason. */
		np_lb_assert_status(np_lb_exec(scene->admin, sqe, NULL, 0),
			fuse == SECOND ? FAILED : BAD_FIELD);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		io_test(test_fused__writes_where_it_is_equal),
		io_test(test_fused__leaves_what_differs),
		io_test(test_fused__write_fails),
		io_test(test_fused__second_is_wrong),
		io_test(test_fused__first_is_wrong),
		io_test(test_fused__half_is_missing),
		io_test(test_fused__only_compare_and_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
