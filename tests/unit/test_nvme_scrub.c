// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_scrub.c - writes through peer memory that are looked at again.
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

static struct {
	unsigned int calls, rnic;
	struct np_mem_region *region;
	uint64_t lba;
} distrusted;

static void distrust(
	struct np_ns *ns, unsigned int rnic, struct np_mem_region *region, uint64_t lba)
{
	(void)ns;
	distrusted.calls++;
	distrusted.rnic = rnic;
	distrusted.region = region;
	distrusted.lba = lba;
}

/* Peer memory that is wrong: the RNIC misplaces a byte there, and nowhere else. */
static void spoil_peer(struct np_req *req)
{
	if (req->buf.pool->region->is_peer)
		req->va[100] ^= 1;
}

/* The host's own memory, which it changes while its command is on the way. */
static uint8_t *restless;

static void change_data(struct np_req *req)
{
	(void)req;
	restless[7]++;
}

static void use_scrub(struct scene *scene, uint32_t every)
{
	memset(&distrusted, 0, sizeof(distrusted));
	np_ns_set_path(scene->ns, scene->io->queue.rnic, &scene->lb->regions[NP_LB_REGION_PEER],
		NP_STAGED_NO_MEMORY);
	scene->io->queue.region_ok = 1u << NP_LB_REGION_PEER;
	scene->ns->scrub_every = every;
	scene->ns->distrust = distrust;
}

static struct np_cqe write_one(struct scene *scene, uint64_t lba, uint8_t *data, uint32_t bytes)
{
	return np_lb_exec(scene->io, rw(nvme_cmd_write, lba, bytes / BLOCK), data, bytes);
}

static void test_scrub__finds_nothing(void **state)
{
	struct scene *scene = *state;
	uint8_t *data = random_bytes(64 * KIB);
	const unsigned int pulls = scene->io->pulls;

	use_scrub(scene, 3);
	for (unsigned int i = 0; i < 7; i++)
		np_lb_assert_status(write_one(scene, i * 128, data, 64 * KIB), NP_SUCCESS);
	assert_int_equal(np_ns_sum(scene->ns, scrubs), 2);
	assert_int_equal(np_ns_sum(scene->ns, scrub_mismatches), 0);
	assert_int_equal(np_ns_sum(scene->ns, write_ios), 7);
	assert_int_equal(moved(scene, NP_TRAFFIC_P2P_WRITE), 7 * 64 * KIB);
	assert_int_equal(moved(scene, NP_TRAFFIC_STAGED_WRITE), 0);
	assert_int_equal(scene->io->pulls - pulls, 9);
	assert_int_equal(scene->backend->ops_seen[NP_IO_READ], 2);
	assert_int_equal(distrusted.calls, 0);
	free(data);
}

static void test_scrub__is_for_peer_memory_only(void **state)
{
	struct scene *scene = *state;
	uint8_t *data = random_bytes(4 * KIB);

	use_scrub(scene, 1);
	scene->io->queue.region_ok = 0;
	np_lb_assert_status(write_one(scene, 0, data, 4 * KIB), NP_SUCCESS);
	assert_int_equal(np_ns_sum(scene->ns, scrubs), 0);
	free(data);
}

/* The host has its data on the drive all the same, and peer memory is not used any more. */
static void test_scrub__mends_what_is_wrong(void **state)
{
	struct scene *scene = *state;
	uint8_t *data = random_bytes(16 * KIB);

	use_scrub(scene, 1);
	scene->io->on_pull = spoil_peer;
	np_lb_assert_status(write_one(scene, 40, data, 16 * KIB), NP_SUCCESS);
	assert_memory_equal(scene->backend->blocks + 40 * BLOCK, data, 16 * KIB);
	assert_int_equal(np_ns_sum(scene->ns, scrub_mismatches), 1);
	assert_int_equal(distrusted.calls, 1);
	assert_int_equal(distrusted.rnic, scene->io->queue.rnic);
	assert_ptr_equal(distrusted.region, &scene->lb->regions[NP_LB_REGION_PEER]);
	assert_int_equal(distrusted.lba, 40);
	assert_null(np_ns_region(scene->ns, scene->io->queue.rnic));
	np_lb_assert_status(write_one(scene, 40, data, 16 * KIB), NP_SUCCESS);
	assert_int_equal(moved(scene, NP_TRAFFIC_STAGED_BY + NP_STAGED_LOST), 16 * KIB);
	assert_int_equal(np_ns_sum(scene->ns, scrubs), 1);
	free(data);
}

static void test_scrub__that_cannot_mend_fails_the_write(void **state)
{
	struct scene *scene = *state;
	uint8_t *data = random_bytes(4 * KIB);

	use_scrub(scene, 1);
	scene->backend->spoils_writes = 1;
	np_lb_assert_status(
		write_one(scene, 0, data, 4 * KIB), np_status_media(NVME_SC_WRITE_FAULT));
	assert_int_equal(distrusted.calls, 1);
	free(data);
}

static void test_scrub__cannot_tell_if_the_host_changes_its_data(void **state)
{
	struct scene *scene = *state;
	uint8_t *data = random_bytes(4 * KIB);

	use_scrub(scene, 1);
	restless = data;
	scene->io->on_pull = change_data;
	np_lb_assert_status(write_one(scene, 0, data, 4 * KIB), NP_SUCCESS);
	assert_int_equal(np_ns_sum(scene->ns, scrub_unsure), 1);
	assert_int_equal(np_ns_sum(scene->ns, scrub_mismatches), 0);
	assert_int_equal(distrusted.calls, 0);
	free(data);
}

/* A piece that is larger than the host memory at hand is looked at part by part, wholly. */
static void test_scrub__goes_part_by_part(void **state)
{
	enum { POOL = 32 * KIB, DATA = 100 * KIB };
	struct scene *scene = *state;
	struct np_pool *pool, *usual = scene->io->queue.host_pool;
	uint8_t *memory = aligned_alloc(NP_PAGE_BYTES, POOL), *data = random_bytes(DATA);

	assert_int_equal(np_pool_new(usual->region, memory, POOL, &pool), 0);
	np_pool_attach(pool, &scene->lb->reactor);
	scene->io->queue.host_pool = pool;
	use_scrub(scene, 1);
	np_lb_assert_status(write_one(scene, 0, data, DATA), NP_SUCCESS);
	assert_int_equal(scene->backend->ops_seen[NP_IO_READ], 7); /* 16 KiB each */
	assert_int_equal(np_ns_sum(scene->ns, scrubs), 1);
	/* A fault in the last part only is found too. */
	scene->backend->ops_seen[NP_IO_READ] = 0;
	scene->backend->is_queued = scene->backend->is_held = true;
	np_lb_send(scene->io, rw(nvme_cmd_write, 0, DATA / BLOCK), data, DATA);
	np_lb_pump(scene->lb);
	scene->backend->blocks[DATA - 1] ^= 1;
	scene->backend->is_held = false;
	np_lb_pump(scene->lb);
	assert_int_equal(np_ns_sum(scene->ns, scrub_mismatches), 1);
	assert_memory_equal(scene->backend->blocks, data, DATA);
	assert_int_equal(np_stat_read(&pool->in_use_bytes), 0);
	np_pool_detach(pool);
	np_pool_free(pool);
	free(memory);
	free(data);
}

/* The connection ends at each point of it: nothing is left over, as np_lb_close() asserts. */
static void test_scrub__ends_with_its_connection(void **state)
{
	struct scene *scene = *state;
	uint8_t *data = random_bytes(4 * KIB);

	use_scrub(scene, 1);
	scene->backend->is_queued = scene->backend->is_held = true;
	np_lb_send(scene->io, rw(nvme_cmd_write, 0, 8), data, 4 * KIB);
	np_lb_pump(scene->lb); /* the write is with the drive */
	scene->backend->is_held = false;
	np_lb_disconnect(scene->io);
	np_lb_pump(scene->lb);
	assert_true(scene->io->is_closed);
	assert_int_equal(
		np_stat_read(&scene->lb->regions[NP_LB_REGION_PEER].pools[0]->in_use_bytes), 0);
	assert_int_equal(
		np_stat_read(&scene->lb->regions[NP_REGION_HOST].pools[0]->in_use_bytes), 0);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		io_test(test_scrub__finds_nothing),
		io_test(test_scrub__is_for_peer_memory_only),
		io_test(test_scrub__mends_what_is_wrong),
		io_test(test_scrub__that_cannot_mend_fails_the_write),
		io_test(test_scrub__cannot_tell_if_the_host_changes_its_data),
		io_test(test_scrub__goes_part_by_part),
		io_test(test_scrub__ends_with_its_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
