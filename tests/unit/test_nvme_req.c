// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_req.c - the life of a request: refusals, waits, busy backends, failures, draining.
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

static struct np_sqe write_sqe(uint32_t nblocks)
{
	return rw(nvme_cmd_write, 0, nblocks);
}

/* ---- refusals ---- */

static void test_np_req_begin__refuses(void **state)
{
	const struct {
		uint8_t opcode, flags;
		uint32_t bytes; /* of the SGL; the command wants 512 */
		struct np_status sgl, want;
	} cases[] = {
		{0xee, NP_SQE_PSDT_SGL, 512, NP_SUCCESS, np_status_generic(NVME_SC_INVALID_OPCODE)},
		{nvme_cmd_write, NP_SQE_PSDT_SGL | 1, 512, NP_SUCCESS,
			np_status_generic(NVME_SC_INVALID_FIELD)},
		{nvme_cmd_write, 0, 512, NP_SUCCESS, np_status_generic(NVME_SC_INVALID_FIELD)},
		{nvme_cmd_write, NP_SQE_PSDT_SGL_MPTR, 512, NP_SUCCESS,
			np_status_generic(NVME_SC_INVALID_FIELD)},
		{nvme_cmd_write, NP_SQE_PSDT_SGL, 511, NP_SUCCESS,
			np_status_generic(NVME_SC_SGL_INVALID_DATA)},
		{nvme_cmd_write, NP_SQE_PSDT_SGL, 1024, NP_SUCCESS,
			np_status_generic(NVME_SC_SGL_INVALID_DATA)},
		{nvme_cmd_write, NP_SQE_PSDT_SGL, 512, np_status_generic(NVME_SC_SGL_INVALID_TYPE),
			np_status_generic(NVME_SC_SGL_INVALID_TYPE)},
		{nvme_cmd_flush, NP_SQE_PSDT_SGL, 512, NP_SUCCESS,
			np_status_generic(NVME_SC_SGL_INVALID_DATA)},
	};
	struct scene *scene = *state;
	struct nvme_error_log_page entry;
	uint8_t data[1024] = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct np_data desc = {.kind = NP_DATA_KEYED,
			.bytes = cases[i].bytes,
			.nsegs = 1,
			.segs = {{(uintptr_t)data, cases[i].bytes, 0}}};
		struct np_sqe sqe = np_lb_sqe(cases[i].opcode, 1);
		struct np_lb_slot *slot;

		sqe.flags = cases[i].flags;
		slot = np_lb_send_data(scene->io, sqe, &desc, NULL, cases[i].sgl);
		np_lb_pump(scene->lb);
		assert_int_equal(slot->answers, 1);
		np_lb_assert_status(slot->cqe, cases[i].want);
		assert_true(np_lb_status(slot->cqe).field & NVME_SC_DNR);
		assert_true(np_lb_status(slot->cqe).field & NVME_SC_MORE);
		assert_int_equal(np_errlog_read(&scene->io->queue.ctrl->errlog, &entry, 1), i + 1);
		assert_int_equal(np_le16(entry.sqid), 1);
		assert_int_equal(np_le16(entry.status_field) >> 1, cases[i].want.field);
	}
	assert_int_equal(scene->backend->ops_seen[NP_IO_WRITE], 0);
	assert_int_equal(atomic_load(&scene->io->queue.inflight), 0);
}

static void test_np_req_begin__sqhd_goes_round(void **state)
{
	struct scene *scene = *state;
	uint16_t before, entries = scene->io->queue.sq_entries;

	before = np_le16(np_lb_exec(scene->io, np_lb_sqe(nvme_cmd_flush, 1), NULL, 0).sqhd);
	for (unsigned int i = 1; i < 3u * entries; i++) {
		struct np_cqe cqe = np_lb_exec(scene->io, np_lb_sqe(nvme_cmd_flush, 1), NULL, 0);

		assert_int_equal(np_le16(cqe.sqhd), (before + i) % entries);
	}
}

/* ---- waiting ---- */

static void test_np_req_get_buf__waits_in_order(void **state)
{
	enum { N = 16 };
	struct scene *scene = *state;
	const struct np_pool *pool = scene->lb->regions[NP_REGION_HOST].pools[0];
	struct np_sqe get_queues = np_lb_sqe(nvme_admin_get_features, 0);
	uint8_t *data = calloc(N, 512 * KIB);
	struct np_lb_slot *slots[N];

	/* 16 x 512 KiB through a pool of 4 MiB, while the drive holds what it has. */
	scene->backend->is_queued = true;
	scene->backend->is_held = true;
	for (size_t i = 0; i < N; i++) {
		memset(data + i * 512 * KIB, (int)i + 1, 512 * KIB);
		slots[i] = np_lb_send(scene->io, write_sqe(1024), data + i * 512 * KIB, 512 * KIB);
	}
	np_lb_pump(scene->lb);
	assert_int_equal(np_stat_read(&pool->waiting), 8);
	assert_int_equal(scene->backend->npending, 8);
	/* Admin commands have memory of their own. */
	get_queues.cdw10 = htole32(NVME_FEAT_FID_NUM_QUEUES);
	np_lb_assert_status(np_lb_exec(scene->admin, get_queues, NULL, 0), NP_SUCCESS);
	scene->backend->is_held = false;
	np_lb_pump(scene->lb);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(slots[i]->answers, 1);
		np_lb_assert_status(slots[i]->cqe, NP_SUCCESS);
	}
	/* All wrote the same blocks: the last in the queue is the last on the drive. */
	assert_int_equal(scene->backend->blocks[0], N);
	assert_int_equal(np_stat_read(&pool->waiting), 0);
	assert_int_equal(np_stat_read(&pool->in_use_bytes), 0);
	free(data);
}

static void test_np_req_retry__busy_backend(void **state)
{
	struct scene *scene = *state;
	uint8_t data[4 * KIB];
	struct np_lb_slot *slot;

	memset(data, 0x77, sizeof(data));
	scene->backend->busy_left = 3;
	slot = np_lb_send(scene->io, write_sqe(8), data, sizeof(data));
	np_lb_pump(scene->lb);
	assert_int_equal(slot->answers, 0);
	np_lb_advance(scene->lb, 1000);
	assert_int_equal(slot->answers, 1);
	np_lb_assert_status(slot->cqe, NP_SUCCESS);
	assert_int_equal(scene->backend->ops_seen[NP_IO_WRITE], 1);
	assert_int_equal(scene->backend->blocks[0], 0x77);
}

/* ---- failures ---- */

static void test_np_req_piece_done__failure_ends_the_command(void **state)
{
	const struct np_status status = np_status_media(NVME_SC_READ_ERROR);
	struct scene *scene = *state;
	uint8_t *data = calloc(1, 64 * KIB);
	struct np_traffic_sum moved;

	scene->backend->base.max_io_bytes = 16 * KIB;
	scene->backend->fail = status;
	scene->backend->fail_op = NP_IO_WRITE;
	np_lb_assert_status(np_lb_exec(scene->io, write_sqe(128), data, 64 * KIB), status);
	assert_int_equal(scene->backend->ops_seen[NP_IO_WRITE], 1);
	assert_int_equal(np_ns_sum(&scene->lb->ns[0], errors), 1);
	moved = np_ns_traffic(&scene->lb->ns[0]);
	assert_int_equal(np_traffic_write_bytes(&moved), 0);
	assert_false(np_ns_is_used(&scene->lb->ns[0]));
	free(data);
}

static void test_np_req_complete__failed_read_sends_no_data(void **state)
{
	struct scene *scene = *state;
	struct np_sqe sqe = np_lb_sqe(nvme_cmd_read, 1);
	uint8_t data[512];

	memset(scene->backend->blocks, 0x11, sizeof(data));
	memset(data, 0xee, sizeof(data));
	scene->backend->fail = np_status_media(NVME_SC_READ_ERROR);
	scene->backend->fail_op = NP_IO_READ;
	np_lb_assert_status(np_lb_exec(scene->io, sqe, data, sizeof(data)), scene->backend->fail);
	assert_int_equal(data[0], 0xee);
	assert_int_equal(data[511], 0xee);
}

/* ---- draining ---- */

/* Requests in every state when the host goes: each slot is released once, nobody is answered. */
static void test_np_queue_drain__every_state(void **state)
{
	enum { N = 24 };
	struct scene *scene = *state;
	uint8_t *data = calloc(1, 512 * KIB);
	struct np_lb_slot *slots[N];

	scene->backend->is_queued = true;
	scene->backend->is_held = true;
	for (size_t i = 0; i < N; i++)
		slots[i] = np_lb_send(scene->io, write_sqe(1024), data, 512 * KIB);
	np_lb_pump(scene->lb); /* 8 with the drive, 16 waiting */
	scene->lb->backends[1].busy_left = 1000;
	struct np_sqe busy = write_sqe(1);
	uint8_t block[512] = {0};
	busy.nsid = htole32(3);
	const struct np_data inline_data = {.kind = NP_DATA_INLINE, .bytes = 512};
	struct np_lb_slot *retrying =
		np_lb_send_data(scene->io, busy, &inline_data, block, NP_SUCCESS);
	np_lb_pump(scene->lb);
	np_lb_disconnect(scene->io);
	np_lb_pump(scene->lb);
	/* The drive still holds 8: the connection must not be freed under them. */
	assert_false(scene->io->is_closed);
	assert_int_equal(atomic_load(&scene->io->queue.inflight), 8);
	assert_int_equal(retrying->releases, 1);
	scene->backend->is_held = false;
	np_lb_pump(scene->lb);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(slots[i]->releases, 1);
		assert_int_equal(slots[i]->answers, 0);
	}
	assert_true(scene->io->is_closed);
	assert_int_equal(scene->lb->regions[NP_REGION_HOST].pools[0]->in_use_bytes, 0);
	assert_int_equal(scene->lb->regions[NP_REGION_HOST].pools[0]->waiting, 0);
	/* The admin queue lives on. */
	assert_false(scene->admin->is_closed);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		io_test(test_np_req_begin__refuses),
		io_test(test_np_req_begin__sqhd_goes_round),
		io_test(test_np_req_get_buf__waits_in_order),
		io_test(test_np_req_retry__busy_backend),
		io_test(test_np_req_piece_done__failure_ends_the_command),
		io_test(test_np_req_complete__failed_read_sends_no_data),
		io_test(test_np_queue_drain__every_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
