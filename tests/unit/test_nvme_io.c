// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_io.c - Read, Write, Compare: data, fields, statuses, counters.
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

static void test_write_read__data_and_counters(void **state)
{
	static const uint32_t sizes[] = {512, 4 * KIB, 12 * KIB + 512, 128 * KIB, 1024 * KIB};
	struct scene *scene = *state;
	uint64_t total = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		write_and_read(scene, 7 * i, sizes[i]);
		total += sizes[i];
	}
	assert_int_equal(np_ns_sum(scene->ns, write_ios), 5);
	assert_int_equal(np_ns_sum(scene->ns, read_ios), 5);
	assert_int_equal(written(scene), total);
	assert_int_equal(read_back(scene), total);
	assert_int_equal(moved(scene, NP_TRAFFIC_STAGED_WRITE), total);
	assert_int_equal(moved(scene, NP_TRAFFIC_STAGED_READ), total);
	assert_int_equal(moved(scene, NP_TRAFFIC_P2P_WRITE), 0);
	assert_int_equal(np_ns_sum(scene->ns, errors), 0);
}

/* A transfer larger than the drive's or the pool's limit runs in pieces, each answered once. */
static void test_write_read__in_pieces(void **state)
{
	static const struct {
		uint32_t max_io, bytes;
		unsigned int pieces;
	} cases[] = {
		{16 * KIB, 64 * KIB, 4},
		{16 * KIB, 64 * KIB + 512, 5},
		{20 * KIB + 512, 64 * KIB, 4}, /* begins on page boundaries: 20 KiB each */
		{1024, 4 * KIB, 4},
	};
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		scene->backend->base.max_io_bytes = cases[i].max_io;
		scene->backend->ops_seen[NP_IO_WRITE] = 0;
		scene->backend->is_queued = i & 1;
		write_and_read(scene, 3, cases[i].bytes);
		assert_int_equal(scene->backend->ops_seen[NP_IO_WRITE], cases[i].pieces);
	}
	assert_int_equal(np_ns_sum(scene->ns, write_ios), 4);
	assert_int_equal(written(scene), 3 * 64 * KIB + 512 + 4 * KIB);
}

static void test_read__refuses_inline(void **state)
{
	const struct np_data desc = {.kind = NP_DATA_INLINE, .bytes = 512};
	struct scene *scene = *state;
	uint8_t capsule[512];
	struct np_lb_slot *slot =
		np_lb_send_data(scene->io, rw(nvme_cmd_read, 0, 1), &desc, capsule, NP_SUCCESS);

	np_lb_pump(scene->lb);
	np_lb_assert_status(slot->cqe, np_status_generic(NVME_SC_INVALID_FIELD));
}

static void test_compare__equal_and_not(void **state)
{
	struct scene *scene = *state;
	uint8_t *data = random_bytes(64 * KIB);

	memcpy(scene->backend->blocks, data, 64 * KIB);
	scene->backend->base.max_io_bytes = 16 * KIB;
	np_lb_assert_status(
		np_lb_exec(scene->io, rw(nvme_cmd_compare, 0, 128), data, 64 * KIB), NP_SUCCESS);
	data[64 * KIB - 1] ^= 1;
	np_lb_assert_status(np_lb_exec(scene->io, rw(nvme_cmd_compare, 0, 128), data, 64 * KIB),
		np_status_media(NVME_SC_COMPARE_FAILED));
	data[0] ^= 1;
	np_lb_assert_status(np_lb_exec(scene->io, rw(nvme_cmd_compare, 0, 128), data, 64 * KIB),
		np_status_media(NVME_SC_COMPARE_FAILED));
	assert_int_equal(scene->backend->ops_seen[NP_IO_WRITE], 0);
	free(data);
}

static void test_rw__ranges(void **state)
{
	const uint64_t end = NP_LB_NS_BLOCKS;
	const struct {
		uint64_t lba;
		uint32_t nblocks;
		struct np_status status;
	} cases[] = {
		{end - 1, 1, NP_SUCCESS},
		{end - 8, 8, NP_SUCCESS},
		{end - 8, 9, np_status_generic(NVME_SC_LBA_RANGE)},
		{end, 1, np_status_generic(NVME_SC_LBA_RANGE)},
		{UINT64_MAX, 1, np_status_generic(NVME_SC_LBA_RANGE)},
		{UINT64_MAX - 3, 8, np_status_generic(NVME_SC_LBA_RANGE)}, /* wraps around */
		{0, 2048, NP_SUCCESS},                                     /* MDTS */
		{0, 2049, np_status_generic(NVME_SC_INVALID_FIELD)},
	};
	struct scene *scene = *state;
	uint8_t *data = random_bytes(2049 * BLOCK);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		np_lb_assert_status(
			np_lb_exec(scene->io, rw(nvme_cmd_write, cases[i].lba, cases[i].nblocks),
				data, cases[i].nblocks * BLOCK),
			cases[i].status);
		np_lb_assert_status(
			np_lb_exec(scene->io, rw(nvme_cmd_read, cases[i].lba, cases[i].nblocks),
				data, cases[i].nblocks * BLOCK),
			cases[i].status);
	}
	free(data);
}

static void test_io__nsids(void **state)
{
	static const struct {
		uint32_t nsid;
		unsigned int sc;
	} cases[] = {
		{0, NVME_SC_INVALID_NS},
		{2, NVME_SC_INVALID_FIELD}, /* valid, not active */
		{NP_MAX_NAMESPACES, NVME_SC_INVALID_FIELD},
		{NP_MAX_NAMESPACES + 1, NVME_SC_INVALID_NS},
		{NVME_NSID_ALL, NVME_SC_INVALID_NS},
	};
	static const uint8_t opcodes[] = {nvme_cmd_flush, nvme_cmd_read, nvme_cmd_write,
		nvme_cmd_compare, nvme_cmd_write_zeroes, nvme_cmd_dsm};
	struct scene *scene = *state;
	uint8_t data[512];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t j = 0; j < sizeof(opcodes); j++) {
			struct np_sqe sqe = rw(opcodes[j], 0, 1);
			bool has_data = opcodes[j] & 3 && opcodes[j] != nvme_cmd_write_zeroes;

			sqe.nsid = htole32(cases[i].nsid);
			np_lb_assert_status(np_lb_exec(scene->io, sqe, has_data ? data : NULL,
						    has_data ? 512 : 0),
				np_status_generic(cases[i].sc));
		}
	}
}

static void test_write__flags_reach_the_backend(void **state)
{
	struct scene *scene = *state;
	struct np_sqe sqe = rw(nvme_cmd_write, 5, 8);
	uint8_t data[4096] = {0};

	sqe.cdw12 |= htole32((uint32_t)NVME_IO_FUA << 16);
	np_lb_assert_status(np_lb_exec(scene->io, sqe, data, 4096), NP_SUCCESS);
	assert_int_equal(scene->backend->last.flags, NP_IO_FUA);
	assert_int_equal(scene->backend->last.lba, 5);
	assert_int_equal(scene->backend->last.nblocks, 8);
	sqe.cdw12 = htole32(7 | (uint32_t)NVME_IO_LR << 16);
	np_lb_assert_status(np_lb_exec(scene->io, sqe, data, 4096), NP_SUCCESS);
	assert_int_equal(scene->backend->last.flags, NP_IO_LIMITED_RETRY);
	/* Directives are not supported. */
	sqe.cdw12 = htole32(7 | 1u << 20);
	np_lb_assert_status(
		np_lb_exec(scene->io, sqe, data, 4096), np_status_generic(NVME_SC_INVALID_FIELD));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		io_test(test_write_read__data_and_counters),
		io_test(test_write_read__in_pieces),
		io_test(test_read__refuses_inline),
		io_test(test_compare__equal_and_not),
		io_test(test_rw__ranges),
		io_test(test_io__nsids),
		io_test(test_write__flags_reach_the_backend),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
