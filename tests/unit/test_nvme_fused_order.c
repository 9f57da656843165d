// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_fused_order.c - Compare and Write as one: nobody comes between, and nothing is left behind by
 * a pair that ends early.
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

/* ---- nobody in between -------------------------------------------------------------------- */

static void test_fused__others_wait(void **state)
{
	struct scene *scene = *state;
	struct np_lb_conn *io2 = np_lb_connect_io(scene->lb, scene->admin, 2);
	struct nvme_dsm_range range = {.slba = htole64(1000), .nlb = htole32(1)};
	uint8_t other[BYTES], far[BLOCK], in[BLOCK];
	struct np_lb_slot *write, *before, *beside, *read, *dsm;
	struct np_sqe sqe = np_lb_sqe(nvme_cmd_dsm, 1);
	struct pair pair;

	memset(other, 9, BYTES);
	memset(far, 8, BLOCK);
	hold(scene, true);
	send_pair(scene->io, &pair, 0, 2);
	np_lb_pump(scene->lb);
	assert_int_equal(scene->backend->ops_seen[NP_IO_READ], 1);

	/* What touches the blocks, or may, waits; what does not goes on. */
	write = np_lb_send(io2, rw(nvme_cmd_write, LBA + NBLOCKS - 1, NBLOCKS), other, BYTES);
	read = np_lb_send(io2, rw(nvme_cmd_read, LBA, 1), in, BLOCK);
	sqe.cdw11 = htole32(NVME_DSMGMT_AD);
	dsm = np_lb_send(io2, sqe, &range, sizeof(range));
	before = np_lb_send(io2, rw(nvme_cmd_write, LBA - 1, 1), far, BLOCK);
	beside = np_lb_send(io2, rw(nvme_cmd_write, LBA + NBLOCKS, 1), far, BLOCK);
	np_lb_advance(scene->lb, 100);
	assert_int_equal(scene->backend->ops_seen[NP_IO_READ], 1);
	assert_int_equal(scene->backend->ops_seen[NP_IO_WRITE], 2);
	assert_int_equal(scene->backend->ops_seen[NP_IO_DEALLOCATE], 0);
	hold(scene, false);
	np_lb_advance(scene->lb, 100);
	assert_ended(pair.first, NP_SUCCESS, "compare");
	assert_ended(pair.second, NP_SUCCESS, "write");
	assert_ended(write, NP_SUCCESS, "the other's write");
	assert_ended(read, NP_SUCCESS, "the other's read");
	assert_ended(dsm, NP_SUCCESS, "deallocate");
	assert_ended(before, NP_SUCCESS, "the write before it");
	assert_ended(beside, NP_SUCCESS, "the write behind it");
	assert_int_equal(in[0], 2);
	assert_int_equal(scene->backend->blocks[(LBA + NBLOCKS - 1) * BLOCK], 9);
	assert_open(scene);
}

static void test_fused__waits_for_what_had_begun(void **state)
{
	struct scene *scene = *state;
	struct np_lb_conn *io2 = np_lb_connect_io(scene->lb, scene->admin, 2);
	uint8_t old[BLOCK], far[BLOCK] = {0};
	struct np_lb_slot *write, *beside;
	struct pair pair;

	memset(old, 5, BLOCK);
	hold(scene, true);
	write = np_lb_send(io2, rw(nvme_cmd_write, LBA, 1), old, BLOCK);
	beside = np_lb_send(io2, rw(nvme_cmd_write, LBA - 1, 1), far, BLOCK);
	np_lb_pump(scene->lb);
	send_pair(scene->io, &pair, 0, 2);
	np_lb_advance(scene->lb, 100);
	assert_int_equal(scene->backend->ops_seen[NP_IO_READ], 0);
	hold(scene, false);
	np_lb_advance(scene->lb, 100);
	assert_ended(write, NP_SUCCESS, "write");
	assert_ended(beside, NP_SUCCESS, "write beside");
	/* It came too late for what it expected. */
	assert_ended(pair.first, DIFFERS, "compare");
	assert_ended(pair.second, FAILED, "write");
	assert_open(scene);
}

/* Of two who expect the same, one is right. */
static void test_fused__one_of_two_wins(void **state)
{
	struct scene *scene = *state;
	struct np_lb_conn *io2 = np_lb_connect_io(scene->lb, scene->admin, 2);
	struct pair a, b;

	hold(scene, true);
	send_pair(scene->io, &a, 0, 1);
	send_pair(io2, &b, 0, 2);
	np_lb_advance(scene->lb, 100);
	assert_int_equal(scene->backend->ops_seen[NP_IO_READ], 1);
	hold(scene, false);
	np_lb_advance(scene->lb, 100);
	assert_ended(a.first, NP_SUCCESS, "compare");
	assert_ended(a.second, NP_SUCCESS, "write");
	assert_ended(b.first, DIFFERS, "compare");
	assert_ended(b.second, FAILED, "write");
	assert_blocks(scene, 1);
	assert_open(scene);
}

/* The Compare has given its buffer back: pairs that hold one and wait for another would be stuck. */
static void look_at_memory(struct np_req *req)
{
	if (req->sqe.opcode == nvme_cmd_write)
		assert_int_equal(np_stat_read(&req->buf.pool->in_use_bytes), req->buf.bytes);
}

static void test_fused__holds_one_buffer_at_a_time(void **state)
{
	struct scene *scene = *state;
	const unsigned int pulls = scene->io->pulls;
	struct pair pair;

	scene->io->on_pull = look_at_memory;
	send_pair(scene->io, &pair, 0, 2);
	np_lb_pump(scene->lb);
	assert_int_equal(scene->io->pulls, pulls + 2);
	assert_ended(pair.second, NP_SUCCESS, "write");
}

/* The largest, through a pool that has no room for it at once. */
static void test_fused__in_pieces(void **state)
{
	struct scene *scene = *state;
	const uint32_t bytes = NP_MDTS_BYTES;
	uint8_t *old = random_bytes(bytes), *new = random_bytes(bytes);
	struct np_lb_slot *first, *second;

	memcpy(scene->backend->blocks, old, bytes);
	scene->backend->base.max_io_bytes = 64 * KIB;
	first = np_lb_send(scene->io, half(FIRST, 0, bytes / BLOCK), old, bytes);
	second = np_lb_send(scene->io, half(SECOND, 0, bytes / BLOCK), new, bytes);
	np_lb_pump(scene->lb);
	assert_ended(first, NP_SUCCESS, "compare");
	assert_ended(second, NP_SUCCESS, "write");
	assert_memory_equal(scene->backend->blocks, new, bytes);
	free(old);
	free(new);
}

/* ---- ends --------------------------------------------------------------------------------- */

enum phase {
	ALONE,   /* the second never comes */
	BEGUN,   /* an earlier command is still at work */
	BUSY,    /* another pair has the blocks */
	COMPARE, /* the drive reads */
	PHASES,
};

/* Brings a pair so far, on a connection of its own. */
static struct np_lb_conn *bring(struct scene *scene, enum phase phase, struct pair *pair)
{
	struct np_lb_conn *io2 = np_lb_connect_io(scene->lb, scene->admin, 2);
	static uint8_t block[BLOCK];
	static struct pair other;

	hold(scene, true);
	memset(pair, 0, sizeof(*pair));
	if (phase == BEGUN)
		np_lb_send(scene->io, rw(nvme_cmd_write, LBA, 1), block, BLOCK);
	if (phase == BUSY)
		send_pair(scene->io, &other, 0, 0);
	np_lb_pump(scene->lb);
	if (phase == ALONE)
		pair->first = np_lb_send(io2, half(FIRST, LBA, NBLOCKS), pair->old, BYTES);
	else
		send_pair(io2, pair, 0, 0);
	np_lb_pump(scene->lb);
	return io2;
}

static void test_fused__host_leaves(void **state)
{
	struct scene *scene = *state;

	for (unsigned int phase = 0; phase < PHASES; phase++) {
		struct pair pair;
		struct np_lb_conn *io2 = bring(scene, phase, &pair);

		np_lb_disconnect(io2);
		np_lb_advance(scene->lb, 100);
		/* It opens no gate that another pair has shut. */
		if (phase == BUSY)
			assert_int_equal(scene->ns->gate->state, NP_GATE_SHUT);
		hold(scene, false);
		np_lb_advance(scene->lb, 100);
		assert_true(io2->is_closed);
		assert_int_equal(pair.first->releases, 1);
		assert_int_equal(pair.first->answers, 0);
		assert_open(scene);
	}
}

static void test_fused__abort(void **state)
{
	struct scene *scene = *state;

	for (unsigned int phase = 0; phase < BEGUN + 1; phase++) {
		struct np_sqe sqe = np_lb_sqe(nvme_admin_abort_cmd, 0);
		struct pair pair;
		struct np_lb_conn *io2 = bring(scene, phase, &pair);
		struct np_lb_slot *abort;

		sqe.cdw10 = htole32(2 | (uint32_t)np_le16(pair.first->req.sqe.cid) << 16);
		abort = np_lb_send(scene->admin, sqe, NULL, 0);
		np_lb_pump(scene->lb);
		hold(scene, false);
		np_lb_advance(scene->lb, 100);
		assert_ended(pair.first, np_status_aborted(), "compare");
		assert_int_equal(np_le32(abort->cqe.dw0), 0);
		if (pair.second)
			assert_ended(pair.second, FAILED, "write");
		assert_open(scene);
		np_lb_disconnect(io2);
		np_lb_pump(scene->lb);
	}
}

/* While the pair waits, its path is closed: neither of the two is done. */
static void test_fused__loses_access_while_it_waits(void **state)
{
	struct scene *scene = *state;
	struct pair pair;

	bring(scene, BEGUN, &pair);
	np_ana_set(&scene->lb->ports[0].ana, 1, NVME_ANA_STATE_INACCESSIBLE);
	hold(scene, false);
	np_lb_advance(scene->lb, 100);
	assert_ended(pair.first, np_status_path(NVME_SC_ANA_INACCESSIBLE), "compare");
	assert_ended(pair.second, FAILED, "write");
	assert_int_equal(scene->backend->ops_seen[NP_IO_READ], 0);
	assert_open(scene);
}

/* And so is a command that the pair keeps waiting. */
static void test_fused__others_lose_access_while_they_wait(void **state)
{
	struct scene *scene = *state;
	struct np_lb_slot *write;
	uint8_t block[BLOCK] = {0};
	struct pair pair;

	bring(scene, COMPARE, &pair);
	write = np_lb_send(scene->io, rw(nvme_cmd_write, LBA, 1), block, BLOCK);
	np_lb_pump(scene->lb);
	np_ana_set(&scene->lb->ports[0].ana, 1, NVME_ANA_STATE_INACCESSIBLE);
	hold(scene, false);
	np_lb_advance(scene->lb, 100);
	assert_ended(write, np_status_path(NVME_SC_ANA_INACCESSIBLE), "write");
	assert_ended(pair.second, NP_SUCCESS, "the pair's write");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		io_test(test_fused__others_wait),
		io_test(test_fused__waits_for_what_had_begun),
		io_test(test_fused__one_of_two_wins),
		io_test(test_fused__holds_one_buffer_at_a_time),
		io_test(test_fused__in_pieces),
		io_test(test_fused__host_leaves),
		io_test(test_fused__abort),
		io_test(test_fused__loses_access_while_it_waits),
		io_test(test_fused__others_lose_access_while_they_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
