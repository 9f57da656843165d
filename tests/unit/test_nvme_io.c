// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_io.c - the NVM command set: data, fields, statuses, counters.
 *
 * Depends: loopback.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loopback.h"
#include "target/base/le.h"

#define BLOCK (1u << NP_LB_BLOCK_SHIFT)
#define KIB 1024u

struct scene {
	struct np_lb *lb;
	struct np_lb_conn *io;
	struct np_lb_backend *backend;
	struct np_ns *ns;
};

static int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	scene->lb = np_lb_open();
	scene->io =
		np_lb_connect_io(scene->lb, np_lb_connect_admin(scene->lb, NP_LB_SUBNQN, true), 1);
	scene->backend = &scene->lb->backends[0];
	scene->ns = &scene->lb->ns[0];
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	np_lb_close(scene->lb);
	free(scene);
	return 0;
}

static struct np_sqe rw(uint8_t opcode, uint64_t lba, uint32_t nblocks)
{
	struct np_sqe sqe = np_lb_sqe(opcode, 1);

	sqe.cdw10 = htole32((uint32_t)lba);
	sqe.cdw11 = htole32((uint32_t)(lba >> 32));
	sqe.cdw12 = htole32(nblocks - 1);
	return sqe;
}

static uint8_t *random_bytes(size_t bytes)
{
	uint8_t *data = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);

	for (size_t i = 0; i < bytes; i++)
		data[i] = (uint8_t)random();
	return data;
}

static void write_and_read(struct scene *scene, uint64_t lba, uint32_t bytes)
{
	uint8_t *out = random_bytes(bytes), *in = calloc(1, bytes);

	np_lb_assert_status(
		np_lb_exec(scene->io, rw(nvme_cmd_write, lba, bytes / BLOCK), out, bytes),
		NP_SUCCESS);
	assert_memory_equal(scene->backend->blocks + lba * BLOCK, out, bytes);
	np_lb_assert_status(np_lb_exec(scene->io, rw(nvme_cmd_read, lba, bytes / BLOCK), in, bytes),
		NP_SUCCESS);
	assert_memory_equal(in, out, bytes);
	free(out);
	free(in);
}

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
	assert_int_equal(np_ns_sum(scene->ns, write_bytes), total);
	assert_int_equal(np_ns_sum(scene->ns, read_bytes), total);
	assert_int_equal(np_ns_sum(scene->ns, staged_write_bytes), total);
	assert_int_equal(np_ns_sum(scene->ns, staged_read_bytes), total);
	assert_int_equal(np_ns_sum(scene->ns, p2p_write_bytes), 0);
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
	assert_int_equal(np_ns_sum(scene->ns, write_bytes), 3 * 64 * KIB + 512 + 4 * KIB);
}

static void test_write_read__peer_memory(void **state)
{
	const uint64_t bit = 1u << NP_LB_REGION_PEER;
	struct scene *scene = *state;

	scene->ns->region = &scene->lb->regions[NP_LB_REGION_PEER];
	/* This connection's RNIC cannot place there. */
	write_and_read(scene, 0, 8 * KIB);
	assert_int_equal(np_ns_sum(scene->ns, staged_write_bytes), 8 * KIB);
	scene->io->queue.region_ok = bit;
	scene->io->queue.region_paged = bit;
	write_and_read(scene, 0, 16 * KIB);
	assert_int_equal(np_ns_sum(scene->ns, p2p_write_bytes), 16 * KIB);
	assert_int_equal(np_ns_sum(scene->ns, p2p_read_bytes), 16 * KIB);
	assert_int_equal(np_ns_sum(scene->ns, staged_write_bytes), 8 * KIB);
	assert_int_equal(
		np_stat_read(&scene->lb->regions[NP_LB_REGION_PEER].pools[0]->high_water_bytes),
		16 * KIB);
}

/* Two segments whose border falls within a page: only an RNIC without the quirk may place them. */
static void test_write__segments_and_pages(void **state)
{
	static const struct {
		uint32_t first;
		bool is_paged, wants_peer;
	} cases[] = {
		{4 * KIB, true, true},
		{1 * KIB, true, false},
		{1 * KIB, false, true},
	};
	const uint64_t bit = 1u << NP_LB_REGION_PEER;
	struct scene *scene = *state;
	uint8_t *data = random_bytes(8 * KIB);

	scene->ns->region = &scene->lb->regions[NP_LB_REGION_PEER];
	scene->io->queue.region_ok = bit;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct np_data desc = {
			.kind = NP_DATA_KEYED,
			.bytes = 8 * KIB,
			.nsegs = 2,
			.segs = {{(uintptr_t)data, cases[i].first, 0},
				{(uintptr_t)data + cases[i].first, 8 * KIB - cases[i].first, 0}},
		};
		uint64_t before = np_ns_sum(scene->ns, p2p_write_bytes);
		struct np_lb_slot *slot;

		scene->io->queue.region_paged = cases[i].is_paged ? bit : 0;
		slot = np_lb_send_data(
			scene->io, rw(nvme_cmd_write, 9, 16), &desc, NULL, NP_SUCCESS);
		np_lb_pump(scene->lb);
		assert_int_equal(slot->answers, 1);
		np_lb_assert_status(slot->cqe, NP_SUCCESS);
		assert_memory_equal(scene->backend->blocks + 9 * BLOCK, data, 8 * KIB);
		assert_int_equal(np_ns_sum(scene->ns, p2p_write_bytes) - before,
			cases[i].wants_peer ? 8 * KIB : 0);
	}
	free(data);
}

/* In-capsule data: from where it lies if aligned, copied if not, counted apart in both cases. */
static void test_write__inline(void **state)
{
	static const uint32_t offsets[] = {0, 512, 24};
	struct scene *scene = *state;
	uint8_t *capsule = random_bytes(4 * KIB);

	scene->ns->region = &scene->lb->regions[NP_LB_REGION_PEER];
	scene->io->queue.region_ok = 1u << NP_LB_REGION_PEER;
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		const struct np_data desc = {
			.kind = NP_DATA_INLINE, .bytes = 1024, .inline_offset = offsets[i]};
		struct np_lb_slot *slot = np_lb_send_data(
			scene->io, rw(nvme_cmd_write, 2, 2), &desc, capsule, NP_SUCCESS);

		np_lb_pump(scene->lb);
		assert_int_equal(slot->answers, 1);
		np_lb_assert_status(slot->cqe, NP_SUCCESS);
		assert_memory_equal(scene->backend->blocks + 2 * BLOCK, capsule + offsets[i], 1024);
		assert_int_equal(scene->backend->last.va == capsule + offsets[i], offsets[i] != 24);
	}
	assert_int_equal(np_ns_sum(scene->ns, inline_write_bytes), 3 * 1024);
	assert_int_equal(np_ns_sum(scene->ns, p2p_write_bytes), 0);
	assert_int_equal(np_ns_sum(scene->ns, staged_write_bytes), 0);
	free(capsule);
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
		{NP_MAX_NSID, NVME_SC_INVALID_FIELD},
		{NP_MAX_NSID + 1, NVME_SC_INVALID_NS},
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

#define io_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		io_test(test_write_read__data_and_counters),
		io_test(test_write_read__in_pieces),
		io_test(test_write_read__peer_memory),
		io_test(test_write__segments_and_pages),
		io_test(test_write__inline),
		io_test(test_read__refuses_inline),
		io_test(test_compare__equal_and_not),
		io_test(test_rw__ranges),
		io_test(test_io__nsids),
		io_test(test_write__flags_reach_the_backend),
		io_test(test_flush__only_what_has_a_cache),
		io_test(test_write_zeroes__fua_is_followed_by_flush),
		io_test(test_dsm__ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
