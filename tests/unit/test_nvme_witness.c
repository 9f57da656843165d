// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_witness.c - peer memory that is away while a command uses it: the command is done again in
 *                       host memory, and the host notices nothing.
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

static uint64_t place; /* of the witness */

static void use_witness(struct scene *scene)
{
	struct np_mem_region *region = &scene->lb->regions[NP_LB_REGION_PEER];

	np_ns_set_path(scene->ns, scene->io->queue.rnic, region, NP_STAGED_NO_MEMORY);
	scene->io->queue.region_ok = 1u << NP_LB_REGION_PEER;
	region->witness = &place;
	assert_true(np_witness_place(region));
	assert_int_equal(place, region->word);
}

static uint64_t away; /* how long it is, in pulls of data, or in commands of the drive */

static void spoil_pull(struct np_req *req)
{
	if (!away || !req->buf.pool->region->is_peer)
		return;
	memset(req->va, 0xff, req->piece_bytes);
	place = UINT64_MAX;
}

static void test_write__is_done_again(void **state)
{
	struct scene *scene = *state;
	uint8_t *data = random_bytes(64 * KIB);

	use_witness(scene);
	write_and_read(scene, 0, 64 * KIB);
	assert_int_equal(moved(scene, NP_TRAFFIC_P2P_WRITE), 64 * KIB);
	away = 1;
	scene->io->on_pull = spoil_pull;
	np_lb_assert_status(
		np_lb_exec(scene->io, rw(nvme_cmd_write, 8, 128), data, 64 * KIB), NP_SUCCESS);
	assert_memory_equal(scene->backend->blocks + 8 * BLOCK, data, 64 * KIB);
	assert_int_equal(moved(scene, NP_TRAFFIC_P2P_WRITE), 64 * KIB);
	assert_int_equal(moved(scene, NP_TRAFFIC_STAGED_BY + NP_STAGED_LOST), 64 * KIB);
	/* Still away: it is not used at all. */
	np_lb_assert_status(
		np_lb_exec(scene->io, rw(nvme_cmd_write, 8, 128), data, 64 * KIB), NP_SUCCESS);
	assert_int_equal(moved(scene, NP_TRAFFIC_STAGED_BY + NP_STAGED_LOST), 128 * KIB);
	/* And there again. */
	away = 0;
	place = scene->lb->regions[NP_LB_REGION_PEER].word;
	write_and_read(scene, 0, 4 * KIB);
	assert_int_equal(moved(scene, NP_TRAFFIC_P2P_WRITE), 68 * KIB);
	assert_int_equal(np_ns_sum(scene->ns, errors), 0);
	free(data);
}

/* It was away and is there again when the drive has done: only the pulses in between tell. */
static void test_write__is_done_again_after_a_gap(void **state)
{
	struct scene *scene = *state;
	struct np_mem_region *region = &scene->lb->regions[NP_LB_REGION_PEER];
	uint8_t *data = random_bytes(4 * KIB);
	struct np_lb_slot *slot;

	use_witness(scene);
	scene->backend->is_queued = scene->backend->is_held = true;
	slot = np_lb_send(scene->io, rw(nvme_cmd_write, 0, 8), data, 4 * KIB);
	np_lb_pump(scene->lb);
	place = 0;
	np_lb_advance(scene->lb, 100); /* a pulse */
	place = region->word;
	memset(scene->backend->blocks, 0, 4 * KIB);
	scene->backend->is_held = false;
	np_lb_pump(scene->lb);
	assert_int_equal(slot->answers, 1);
	np_lb_assert_status(slot->cqe, NP_SUCCESS);
	assert_memory_equal(scene->backend->blocks, data, 4 * KIB);
	assert_int_equal(moved(scene, NP_TRAFFIC_STAGED_BY + NP_STAGED_LOST), 4 * KIB);
	free(data);
}

static void test_read__is_done_again(void **state)
{
	struct scene *scene = *state;
	uint8_t *data = random_bytes(16 * KIB), *in = calloc(1, 16 * KIB);
	struct np_lb_slot *slot;

	use_witness(scene);
	np_lb_exec(scene->io, rw(nvme_cmd_write, 0, 32), data, 16 * KIB);
	scene->backend->is_queued = scene->backend->is_held = true;
	slot = np_lb_send(scene->io, rw(nvme_cmd_read, 0, 32), in, 16 * KIB);
	np_lb_pump(scene->lb);
	memset(scene->backend->last.va, 0xff, 16 * KIB);
	place = UINT64_MAX;
	scene->backend->is_held = false;
	np_lb_pump(scene->lb);
	assert_int_equal(slot->answers, 1);
	assert_memory_equal(in, data, 16 * KIB);
	free(data);
	free(in);
}

/* A software RNIC sends what it finds; it is asked before the host is answered. */
static void test_read__that_was_sent_is_sent_again(void **state)
{
	struct scene *scene = *state;
	uint8_t *data = random_bytes(16 * KIB), *in = calloc(1, 16 * KIB);
	struct np_lb_slot *slot;

	use_witness(scene);
	scene->io->queue.is_software = true;
	np_lb_exec(scene->io, rw(nvme_cmd_write, 0, 32), data, 16 * KIB);
	scene->io->pushes = 0;
	slot = np_lb_send(scene->io, rw(nvme_cmd_read, 0, 32), in, 16 * KIB);
	assert_int_equal(scene->io->pushes, 1);
	memset(slot->req.va, 0xff, 16 * KIB);
	place = 0;
	np_lb_pump(scene->lb);
	assert_int_equal(slot->answers, 1);
	np_lb_assert_status(slot->cqe, NP_SUCCESS);
	assert_memory_equal(in, data, 16 * KIB);
	free(data);
	free(in);
}

/* What the drive makes of a command that is only passed through is not known: it is not done twice. */
static void test_passthru__fails(void **state)
{
	const uint8_t opcode = 0x81; /* data to the drive */
	struct scene *scene = *state;
	uint8_t *data = random_bytes(4 * KIB);
	struct np_lb_slot *slot;

	use_witness(scene);
	scene->lb->subsys.passthru[opcode / 64] = 1u << opcode % 64;
	scene->backend->base.can_passthru = true;
	scene->backend->is_queued = scene->backend->is_held = true;
	slot = np_lb_send(scene->io, np_lb_sqe(opcode, 1), data, 4 * KIB);
	np_lb_pump(scene->lb);
	place = UINT64_MAX;
	scene->backend->is_held = false;
	np_lb_pump(scene->lb);
	assert_int_equal(slot->answers, 1);
	np_lb_assert_status(slot->cqe, np_status_generic(NVME_SC_DATA_XFER_ERROR));
	assert_int_equal(scene->backend->ops_seen[NP_IO_PASSTHRU], 1);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		io_test(test_write__is_done_again),
		io_test(test_write__is_done_again_after_a_gap),
		io_test(test_read__is_done_again),
		io_test(test_read__that_was_sent_is_sent_again),
		io_test(test_passthru__fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
