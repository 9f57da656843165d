// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_io_memory.c - where the data of a command lies: peer memory, host memory or its capsule,
 *                         and that every byte is counted there, once.
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

/* The namespace has peer memory with the RNIC of the I/O queue. */
static void use_peer(struct scene *scene)
{
	np_ns_set_path(scene->ns, scene->io->queue.rnic, &scene->lb->regions[NP_LB_REGION_PEER],
		NP_STAGED_NO_MEMORY);
}

/* Every byte of the namespace was counted for the only connection and for the pools as well. */
static void assert_sums_agree(const struct scene *scene)
{
	const struct np_traffic_sum ns = np_ns_traffic(scene->ns);
	const struct np_mem_region *regions = scene->lb->regions;
	const struct np_pool *peer = regions[NP_LB_REGION_PEER].pools[0];
	const struct np_pool *host = regions[NP_REGION_HOST].pools[0];
	struct np_traffic_sum conn = {0};
	uint64_t reasons = 0;

	np_traffic_add(&conn, &scene->io->queue.traffic);
	assert_memory_equal(&conn, &ns, sizeof(ns));
	for (unsigned int i = 0; i < NP_STAGED_REASONS; i++)
		reasons += ns.count[NP_TRAFFIC_STAGED_BY + i];
	assert_int_equal(
		reasons, ns.count[NP_TRAFFIC_STAGED_READ] + ns.count[NP_TRAFFIC_STAGED_WRITE]);
	assert_int_equal(np_stat_read(&peer->read_bytes), ns.count[NP_TRAFFIC_P2P_READ]);
	assert_int_equal(np_stat_read(&peer->write_bytes), ns.count[NP_TRAFFIC_P2P_WRITE]);
	assert_int_equal(np_stat_read(&host->read_bytes), ns.count[NP_TRAFFIC_STAGED_READ]);
	assert_int_equal(np_stat_read(&host->write_bytes), ns.count[NP_TRAFFIC_STAGED_WRITE]);
}

static void test_write_read__peer_memory(void **state)
{
	const uint64_t bit = 1u << NP_LB_REGION_PEER;
	struct scene *scene = *state;

	use_peer(scene);
	/* This connection's RNIC cannot place there. */
	write_and_read(scene, 0, 8 * KIB);
	assert_int_equal(moved(scene, NP_TRAFFIC_STAGED_WRITE), 8 * KIB);
	scene->io->queue.region_ok = bit;
	scene->io->queue.region_paged = bit;
	write_and_read(scene, 0, 16 * KIB);
	assert_int_equal(moved(scene, NP_TRAFFIC_P2P_WRITE), 16 * KIB);
	assert_int_equal(moved(scene, NP_TRAFFIC_P2P_READ), 16 * KIB);
	assert_int_equal(moved(scene, NP_TRAFFIC_STAGED_WRITE), 8 * KIB);
	assert_int_equal(
		np_stat_read(&scene->lb->regions[NP_LB_REGION_PEER].pools[0]->high_water_bytes),
		16 * KIB);
}

/* What is staged is counted by its reason, and the choice may change between two commands. */
static void test_write_read__staged_by_reason(void **state)
{
	const uint64_t bit = 1u << NP_LB_REGION_PEER;
	struct scene *scene = *state;
	const unsigned int rnic = scene->io->queue.rnic;

	scene->io->queue.region_ok = bit;
	np_ns_set_path(scene->ns, rnic, NULL, NP_STAGED_NOT_WANTED);
	write_and_read(scene, 0, 1 * KIB);
	np_ns_set_path(scene->ns, rnic, NULL, NP_STAGED_NO_MEMORY);
	write_and_read(scene, 0, 2 * KIB);
	np_ns_set_path(scene->ns, rnic, NULL, NP_STAGED_LOST);
	write_and_read(scene, 0, 4 * KIB);
	use_peer(scene);
	write_and_read(scene, 0, 8 * KIB);
	scene->io->queue.region_ok = 0;
	write_and_read(scene, 0, 16 * KIB);
	/* Another RNIC's choice is none of this connection's business. */
	scene->io->queue.region_ok = bit;
	np_ns_set_path(scene->ns, rnic + 1, NULL, NP_STAGED_LOST);
	write_and_read(scene, 0, 32 * KIB);

	assert_int_equal(moved(scene, NP_TRAFFIC_STAGED_BY + NP_STAGED_NOT_WANTED), 2 * KIB);
	assert_int_equal(moved(scene, NP_TRAFFIC_STAGED_BY + NP_STAGED_NO_MEMORY), 4 * KIB);
	assert_int_equal(moved(scene, NP_TRAFFIC_STAGED_BY + NP_STAGED_LOST), 8 * KIB);
	assert_int_equal(moved(scene, NP_TRAFFIC_STAGED_BY + NP_STAGED_PATH), 32 * KIB);
	assert_int_equal(moved(scene, NP_TRAFFIC_STAGED_BY + NP_STAGED_LAYOUT), 0);
	assert_int_equal(moved(scene, NP_TRAFFIC_P2P_WRITE), 40 * KIB);
	assert_sums_agree(scene);
}

/* What lies in host memory by another way, such as udmabuf, is no P2P. */
static void test_write_read__optional_memory_is_staged(void **state)
{
	struct scene *scene = *state;
	struct np_mem_region *region = &scene->lb->regions[NP_LB_REGION_PEER];

	np_ns_set_path(scene->ns, scene->io->queue.rnic, NULL, NP_STAGED_LOST);
	write_and_read(scene, 0, 4 * KIB);
	region->is_peer = false;
	scene->io->queue.region_ok = 1u << NP_LB_REGION_PEER;
	use_peer(scene);
	write_and_read(scene, 0, 8 * KIB);
	assert_int_equal(np_stat_read(&region->pools[0]->write_bytes), 8 * KIB);
	assert_int_equal(moved(scene, NP_TRAFFIC_P2P_WRITE), 0);
	assert_int_equal(moved(scene, NP_TRAFFIC_STAGED_WRITE), 12 * KIB);
	assert_int_equal(moved(scene, NP_TRAFFIC_STAGED_BY + NP_STAGED_NO_MEMORY), 16 * KIB);
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

	use_peer(scene);
	scene->io->queue.region_ok = bit;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct np_data desc = {
			.kind = NP_DATA_KEYED,
			.bytes = 8 * KIB,
			.nsegs = 2,
			.segs = {{(uintptr_t)data, cases[i].first, 0},
				{(uintptr_t)data + cases[i].first, 8 * KIB - cases[i].first, 0}},
		};
		uint64_t before = moved(scene, NP_TRAFFIC_P2P_WRITE);
		struct np_lb_slot *slot;

		scene->io->queue.region_paged = cases[i].is_paged ? bit : 0;
		slot = np_lb_send_data(
			scene->io, rw(nvme_cmd_write, 9, 16), &desc, NULL, NP_SUCCESS);
		np_lb_pump(scene->lb);
		assert_int_equal(slot->answers, 1);
		np_lb_assert_status(slot->cqe, NP_SUCCESS);
		assert_memory_equal(scene->backend->blocks + 9 * BLOCK, data, 8 * KIB);
		assert_int_equal(moved(scene, NP_TRAFFIC_P2P_WRITE) - before,
			cases[i].wants_peer ? 8 * KIB : 0);
	}
	assert_int_equal(moved(scene, NP_TRAFFIC_STAGED_BY + NP_STAGED_LAYOUT), 8 * KIB);
	assert_sums_agree(scene);
	free(data);
}

/* In-capsule data: from where it lies if aligned, copied if not, counted apart in both cases. */
static void test_write__inline(void **state)
{
	static const uint32_t offsets[] = {0, 512, 24};
	struct scene *scene = *state;
	uint8_t *capsule = random_bytes(4 * KIB);

	use_peer(scene);
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
	assert_int_equal(moved(scene, NP_TRAFFIC_INLINE_WRITE), 3 * 1024);
	assert_int_equal(moved(scene, NP_TRAFFIC_P2P_WRITE), 0);
	assert_int_equal(moved(scene, NP_TRAFFIC_STAGED_WRITE), 0);
	assert_sums_agree(scene);
	free(capsule);
}

/* Data in a capsule is more than the pool can hold at once: it goes in pieces as all other does. */
static void test_inline__in_pieces(void **state)
{
	enum { POOL = 8 * KIB, DATA = 16 * KIB };
	struct scene *scene = *state;
	struct np_pool *pool, *usual = scene->io->queue.host_pool;
	uint8_t *memory = aligned_alloc(NP_PAGE_BYTES, POOL), *capsule = random_bytes(DATA + 24);
	const struct np_data desc = {.kind = NP_DATA_INLINE, .bytes = DATA, .inline_offset = 24};
	static const uint8_t opcodes[] = {nvme_cmd_write, nvme_cmd_compare, nvme_cmd_compare};

	assert_int_equal(np_pool_new(usual->region, memory, POOL, &pool), 0);
	np_pool_attach(pool, &scene->lb->reactor);
	scene->io->queue.host_pool = pool;
	for (size_t i = 0; i < sizeof(opcodes); i++) {
		struct np_lb_slot *slot;

		capsule[24 + DATA - 1] ^= i == 2;
		slot = np_lb_send_data(
			scene->io, rw(opcodes[i], 0, DATA / BLOCK), &desc, capsule, NP_SUCCESS);
		np_lb_pump(scene->lb);
		assert_int_equal(slot->answers, 1);
		np_lb_assert_status(
			slot->cqe, i == 2 ? np_status_media(NVME_SC_COMPARE_FAILED) : NP_SUCCESS);
		if (i < 2)
			assert_memory_equal(scene->backend->blocks, capsule + 24, DATA);
	}
	assert_int_equal(np_stat_read(&pool->in_use_bytes), 0);
	scene->io->queue.host_pool = usual;
	np_reactor_del_poller(&pool->poller);
	np_pool_free(pool);
	free(memory);
	free(capsule);
}

/* Within a quota of two pages a transfer of 16 goes in pieces, and two of them one after the other. */
static void test_write_read__within_a_quota(void **state)
{
	const uint64_t bit = 1u << NP_LB_REGION_PEER;
	struct scene *scene = *state;
	struct np_pool *pool = scene->lb->regions[NP_LB_REGION_PEER].pools[0];
	struct np_pool_user *user = np_line_alloc(sizeof(*user));
	uint8_t *data = random_bytes(64 * KIB);
	struct np_lb_slot *slots[2];

	assert_non_null(user);
	user->limit_bytes = 2 * NP_PAGE_BYTES;
	scene->ns->users[NP_LB_REGION_PEER] = user;
	use_peer(scene);
	scene->io->queue.region_ok = bit;
	/* One that the pool does not know yet has no limit. */
	write_and_read(scene, 0, 16 * KIB);
	assert_int_equal(np_stat_read(&user->high_water_bytes), 0);
	np_pool_add_user(pool, user);
	write_and_read(scene, 0, 64 * KIB);
	assert_int_equal(np_stat_read(&user->high_water_bytes), 2 * NP_PAGE_BYTES);
	assert_int_equal(scene->backend->last.nblocks, 2 * NP_PAGE_BYTES / BLOCK);
	/* Staged data is not counted. */
	scene->io->queue.region_ok = 0;
	slots[0] = np_lb_send(scene->io, rw(nvme_cmd_write, 0, 128), data, 64 * KIB);
	assert_null(slots[0]->req.waiter.user);
	np_lb_pump(scene->lb);
	assert_int_equal(np_stat_read(&user->high_water_bytes), 2 * NP_PAGE_BYTES);
	scene->io->queue.region_ok = bit;
	for (int i = 0; i < 2; i++)
		slots[i] = np_lb_send(
			scene->io, rw(nvme_cmd_write, 128 * (unsigned int)i, 128), data, 64 * KIB);
	assert_int_equal(np_stat_read(&pool->waiting), 1);
	np_lb_pump(scene->lb);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(slots[i]->answers, 1);
		np_lb_assert_status(slots[i]->cqe, NP_SUCCESS);
		assert_memory_equal(
			scene->backend->blocks + 128 * (size_t)i * BLOCK, data, 64 * KIB);
	}
	assert_int_equal(np_stat_read(&user->in_use_bytes), 0);
	assert_int_equal(np_stat_read(&user->high_water_bytes), 2 * NP_PAGE_BYTES);
	assert_sums_agree(scene);
	np_pool_del_user(user);
	free(user);
	free(data);
}

/* Memory is lost while a command waits for it, of a namespace that nobody has told: host memory. */
static void test_write__waits_for_memory_that_is_lost(void **state)
{
	struct scene *scene = *state;
	struct np_mem_region *region = &scene->lb->regions[NP_LB_REGION_PEER];
	struct np_pool *pool = region->pools[0];
	struct np_pool_waiter taker = {.bytes = UINT32_MAX};
	uint8_t *data = random_bytes(16 * KIB);
	struct np_pool_line line;
	struct np_lb_slot *slot;
	struct np_buf all;

	use_peer(scene);
	scene->io->queue.region_ok = 1u << NP_LB_REGION_PEER;
	np_pool_line_init(&line);
	assert_true(np_pool_get(pool, &line, &taker, &all));
	slot = np_lb_send(scene->io, rw(nvme_cmd_write, 3, 32), data, 16 * KIB);
	np_lb_pump(scene->lb);
	assert_int_equal(np_stat_read(&pool->waiting), 1);
	assert_int_equal(slot->answers, 0);

	atomic_store(&region->state, NP_MEM_GONE);
	np_pool_evict(pool);
	np_lb_pump(scene->lb);
	assert_int_equal(slot->answers, 1);
	np_lb_assert_status(slot->cqe, NP_SUCCESS);
	assert_memory_equal(scene->backend->blocks + 3 * BLOCK, data, 16 * KIB);
	assert_int_equal(moved(scene, NP_TRAFFIC_P2P_WRITE), 0);
	assert_int_equal(moved(scene, NP_TRAFFIC_STAGED_BY + NP_STAGED_LOST), 16 * KIB);
	assert_sums_agree(scene);
	np_buf_put(&all);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		io_test(test_write_read__peer_memory),
		io_test(test_write_read__staged_by_reason),
		io_test(test_write_read__optional_memory_is_staged),
		io_test(test_write__segments_and_pages),
		io_test(test_write__inline),
		io_test(test_inline__in_pieces),
		io_test(test_write_read__within_a_quota),
		io_test(test_write__waits_for_memory_that_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
