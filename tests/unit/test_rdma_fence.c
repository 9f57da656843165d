// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_rdma_fence.c - what is pulled into peer memory is handed on when one byte of it came back.
 *
 * Depends: rdma_world.h, fence.c, cmocka.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rdma_world.h"
#include "transport/rdma/fence.h"

static struct np_rdma_fence fence;
static struct ibv_mr far_mr;
static uint8_t far_byte;

/* A connection with a fence of @entries; its work requests are remembered like the connection's. */
static struct world *fenced_world(uint32_t entries, bool is_peer)
{
	struct world *w = world_new(64, 8);

	far_mr.rkey = 0x77;
	fence = (struct np_rdma_fence){.cq = &w->cq, .far_mr = &far_mr, .far = &far_byte};
	fence.loop.near = &w->qp;
	fence.sq.entries = fence.sq.free = entries;
	np_rdma_fence_init(&fence);
	w->conn.fence = &fence;
	w->region.is_peer = is_peer;
	return w;
}

static struct np_req *pull(struct world *w, unsigned int recv, unsigned int nsegs)
{
	struct np_req *req = arrive(w, recv);

	set_data(w, req, &cmd_write, nsegs, 4096);
	np_rdma_pull(req);
	end_turn(w);
	return req;
}

static void test_pull__into_peer_memory_waits_for_its_last_byte(void **state)
{
	struct world *w = fenced_world(4, true);

	(void)state;
	pull(w, 0, 2);
	complete_next(w, IBV_WC_SUCCESS);
	assert_int_equal(fake.count, 2);
	complete_next(w, IBV_WC_SUCCESS);
	assert_int_equal(seen.pulled, 0);
	assert_int_equal(fake.count, 3);
	assert_int_equal(fake.wrs[2].opcode, IBV_WR_RDMA_WRITE);
	assert_true(fake.wrs[2].send_flags & IBV_SEND_SIGNALED);
	assert_int_equal(fake.sges[2].addr, (uintptr_t)w->data + 8191);
	assert_int_equal(fake.sges[2].length, 1);
	assert_int_equal(fake.sges[2].lkey, 0x33);
	assert_int_equal(fake.wrs[2].wr.rdma.remote_addr, (uintptr_t)&far_byte);
	assert_int_equal(fake.wrs[2].wr.rdma.rkey, 0x77);
	assert_int_equal(w->reactor.nwaiting, 1);
	complete_next(w, IBV_WC_SUCCESS);
	assert_int_equal(seen.pulled, 1);
	assert_int_equal(seen.err, 0);
	assert_int_equal(w->reactor.nwaiting, 0);
	assert_int_equal(fence.sq.free, 4);
	assert_int_equal(np_stat_read(&w->conn.queue.fences), 1);
	free(w);
}

static void test_pull__into_host_memory_needs_none(void **state)
{
	struct world *w = fenced_world(4, false);

	(void)state;
	pull(w, 0, 1);
	complete_next(w, IBV_WC_SUCCESS);
	assert_int_equal(seen.pulled, 1);
	assert_int_equal(fake.count, 1);
	free(w);
}

static void test_fence__waits_for_room(void **state)
{
	struct world *w = fenced_world(1, true);

	(void)state;
	pull(w, 0, 1);
	pull(w, 1, 1);
	complete_next(w, IBV_WC_SUCCESS);
	complete_next(w, IBV_WC_SUCCESS);
	assert_int_equal(fake.count, 3); /* two READs and the first fence */
	complete_next(w, IBV_WC_SUCCESS);
	assert_int_equal(seen.pulled, 1);
	assert_int_equal(fake.count, 4);
	complete_next(w, IBV_WC_SUCCESS);
	assert_int_equal(seen.pulled, 2);
	assert_true(np_list_is_empty(&fence.waiting));
	free(w);
}

static void test_fence__that_fails_ends_the_connection(void **state)
{
	struct world *w = fenced_world(4, true);

	(void)state;
	pull(w, 0, 1);
	complete_next(w, IBV_WC_SUCCESS);
	complete_next(w, IBV_WC_RETRY_EXC_ERR);
	assert_int_equal(seen.failed, 1);
	assert_int_equal(seen.pulled, 1);
	assert_true(seen.err < 0);
	assert_true(atomic_load(&fence.is_broken));
	free(w);
}

static void test_stop__gives_up_what_waits_for_room(void **state)
{
	struct world *w = fenced_world(1, true);

	(void)state;
	pull(w, 0, 1);
	pull(w, 1, 1);
	complete_next(w, IBV_WC_SUCCESS);
	complete_next(w, IBV_WC_SUCCESS);
	np_rdma_conn_stop(&w->conn);
	assert_int_equal(seen.pulled, 1);
	assert_true(seen.err < 0);
	assert_true(np_list_is_empty(&fence.waiting));
	/* The one on its way has a queue pair of its own, and ends by itself. */
	np_rdma_conn_sweep(&w->conn);
	assert_int_equal(seen.pulled, 1);
	assert_int_equal(seen.swept, 0);
	complete_next(w, IBV_WC_SUCCESS);
	assert_int_equal(seen.pulled, 2);
	assert_int_equal(seen.swept, 1);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pull__into_peer_memory_waits_for_its_last_byte),
		cmocka_unit_test(test_pull__into_host_memory_needs_none),
		cmocka_unit_test(test_fence__waits_for_room),
		cmocka_unit_test(test_fence__that_fails_ends_the_connection),
		cmocka_unit_test(test_stop__gives_up_what_waits_for_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
