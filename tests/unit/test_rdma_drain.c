// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_rdma_drain.c - the reactor's part of a teardown: stop, quiet, sweep. The queue pair is ours,
 *                     the NVMe side and the control thread are stubs that count.
 *
 * Depends: drain.c, rw.c, recv.c, sgl.c, cmocka.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rdma_world.h"

/* The queue pair gives the receives back. */
static void flush_recvs(struct world *w)
{
	for (unsigned int i = 0; i < RECVS; i++)
		complete((uintptr_t)&w->recvs[i].op, IBV_WC_WR_FLUSH_ERR, 0);
}

static void test_teardown__quiet_after_all_is_flushed(void **state)
{
	struct world *w = world_new(3, 1);
	struct np_req *first = arrive(w, 0), *second = arrive(w, 1);

	(void)state;
	set_data(w, first, &cmd_write, 2, 512);  /* one READ in flight, one waits */
	set_data(w, second, &cmd_write, 1, 512); /* waits */
	np_rdma_pull(first);
	np_rdma_pull(second);
	end_turn(w);
	assert_int_equal(fake.count, 1);
	np_rdma_conn_stop(&w->conn);
	assert_int_equal(seen.stopped, 1);
	assert_int_equal(seen.pulled, 1); /* the second, with an error */
	assert_true(seen.err < 0);
	assert_int_equal(seen.released, 1);
	assert_int_equal(seen.quiet, 0);
	complete_next(w, IBV_WC_WR_FLUSH_ERR);
	assert_int_equal(fake.count, 1);
	assert_int_equal(seen.pulled, 2);
	assert_int_equal(seen.released, 2);
	assert_int_equal(seen.quiet, 0);
	flush_recvs(w);
	assert_int_equal(seen.quiet, 1);
	assert_int_equal(seen.failed, 0);
	assert_int_equal(w->reactor.nwaiting, 0);
	np_rdma_conn_sweep(&w->conn);
	assert_int_equal(seen.swept, 1);
	assert_int_equal(w->reactor.nwaiting, 0);
	free(w);
}

static void test_teardown__waits_for_posted_receives(void **state)
{
	struct world *w = world_new(8, 1);

	(void)state;
	np_rdma_conn_stop(&w->conn);
	assert_int_equal(seen.quiet, 0);
	complete((uintptr_t)&w->recvs[0].op, IBV_WC_WR_FLUSH_ERR, 0);
	assert_int_equal(seen.quiet, 0);
	complete((uintptr_t)&w->recvs[1].op, IBV_WC_WR_FLUSH_ERR, 0);
	assert_int_equal(seen.quiet, 1);
	free(w);
}

/* A backend holds a request beyond the end of the QP. */
static void test_teardown__waits_for_the_backend(void **state)
{
	struct world *w = world_new(8, 1);
	struct np_req *req = arrive(w, 0);

	(void)state;
	np_rdma_conn_stop(&w->conn);
	np_rdma_conn_sweep(&w->conn);
	assert_int_equal(seen.swept, 0);
	set_data(w, req, &cmd_read, 1, 512);
	np_rdma_respond(req);
	end_turn(w);
	assert_int_equal(fake.count, 0);
	assert_int_equal(seen.released, 1);
	assert_int_equal(seen.swept, 1);
	assert_int_equal(seen.quiet, 0);
	free(w);
}

/* A piecewise command that goes on after the stop, and one answered by np_queue_drain(). */
static void test_teardown__late_jobs_post_nothing(void **state)
{
	struct world *w = world_new(8, 1);
	struct np_req *req = arrive(w, 0);

	(void)state;
	arrive(w, 1); /* the last one: answered while draining */
	seen.complete_on_drain = true;
	np_rdma_conn_stop(&w->conn);
	assert_int_equal(seen.released, 1);
	assert_int_equal(seen.quiet, 0);
	set_data(w, req, &cmd_write, 1, 512);
	np_rdma_pull(req);
	assert_int_equal(seen.pulled, 0);
	run_later(w);
	assert_int_equal(seen.pulled, 1);
	assert_int_equal(seen.released, 2);
	assert_int_equal(fake.count, 0);
	assert_int_equal(fake.recvs, 2 * RECVS); /* once at the beginning, once for each capsule */
	assert_int_equal(seen.quiet, 0);
	flush_recvs(w);
	assert_int_equal(seen.quiet, 1);
	free(w);
}

/* Nobody flushes receives that others use too, and each finds its way back to them. */
static void test_teardown__leaves_shared_receives_to_others(void **state)
{
	struct world *w = world_new(8, 1);
	struct np_req *held;

	(void)state;
	share(w);
	held = arrive_inline(w, 0);
	assert_int_equal(fake.shared_recvs, 0);
	np_rdma_conn_stop(&w->conn);
	assert_int_equal(seen.quiet, 0);
	complete((uintptr_t)&w->recvs[1].op, IBV_WC_SUCCESS, 64);
	assert_int_equal(seen.begun, 1);
	assert_int_equal(fake.shared_recvs, 1);
	np_rdma_respond(held);
	assert_int_equal(fake.shared_recvs, 2);
	assert_int_equal(seen.quiet, 1);
	np_rdma_conn_sweep(&w->conn);
	/* It is forgotten. */
	complete((uintptr_t)&w->recvs[0].op, IBV_WC_WR_FLUSH_ERR, 0);
	assert_int_equal(fake.shared_recvs, 3);
	assert_int_equal(seen.failed, 0);
	assert_int_equal(fake.recvs, RECVS);
	free(w);
}

/* What waits for a slot when the connection ends is given back too. */
static void test_teardown__gives_back_what_waited(void **state)
{
	struct world *w = world_new(8, 1);

	(void)state;
	share(w);
	for (unsigned int i = 0; i < SLOTS; i++)
		arrive(w, 0);
	arrive(w, 1);
	assert_int_equal(w->reactor.nwaiting, 1);
	assert_int_equal(fake.shared_recvs, SLOTS);
	np_rdma_conn_stop(&w->conn);
	assert_int_equal(fake.shared_recvs, SLOTS + 1);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_teardown__quiet_after_all_is_flushed),
		cmocka_unit_test(test_teardown__waits_for_posted_receives),
		cmocka_unit_test(test_teardown__waits_for_the_backend),
		cmocka_unit_test(test_teardown__late_jobs_post_nothing),
		cmocka_unit_test(test_teardown__leaves_shared_receives_to_others),
		cmocka_unit_test(test_teardown__gives_back_what_waited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
