// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_rdma_stall.c - a connection whose work requests do not complete is ended, and no other.
 *
 * Depends: stall.c, rw.c, recv.c, drain.c, cmocka.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rdma_world.h"

static void pass(struct world *w, unsigned int seconds)
{
	for (unsigned int i = 0; i < seconds; i++) {
		w->reactor.now_us += 1000000;
		np_reactor_run_timers(&w->reactor);
	}
}

/* An answer that the host does not take. */
static void answer(struct world *w, unsigned int recv)
{
	struct np_req *req = arrive(w, recv);

	set_data(w, req, &cmd_read, 1, 512);
	np_rdma_respond(req);
	end_turn(w);
}

static void test_stall__ends_what_takes_nothing(void **state)
{
	struct world *w = world_new(8, 1);

	(void)state;
	np_rdma_stall_watch(&w->conn);
	pass(w, 9); /* one second before a look */
	answer(w, 0);
	pass(w, 30);
	assert_int_equal(seen.failed, 0);
	pass(w, 10);
	assert_int_equal(seen.failed, 1);
	assert_non_null(strstr(w->conn.failure, "took nothing"));
	pass(w, 60);
	assert_int_equal(seen.failed, 1);
	free(w);
}

static void test_stall__leaves_an_idle_connection(void **state)
{
	struct world *w = world_new(8, 1);

	(void)state;
	np_rdma_stall_watch(&w->conn);
	answer(w, 0);
	complete_next(w, IBV_WC_SUCCESS); /* the WRITE, which is not signalled */
	complete_next(w, IBV_WC_SUCCESS);
	pass(w, 300);
	assert_int_equal(seen.failed, 0);
	free(w);
}

/* One completion in half a minute is slow, but it is progress. */
static void test_stall__leaves_a_slow_connection(void **state)
{
	struct world *w = world_new(16, 1);

	(void)state;
	np_rdma_stall_watch(&w->conn);
	for (unsigned int i = 0; i < 10; i++) {
		answer(w, i % RECVS);
		pass(w, 25);
		complete_next(w, IBV_WC_SUCCESS);
		complete_next(w, IBV_WC_SUCCESS);
	}
	assert_int_equal(seen.failed, 0);
	free(w);
}

static void test_stall__ends_with_the_connection(void **state)
{
	struct world *w = world_new(8, 1);

	(void)state;
	np_rdma_stall_watch(&w->conn);
	answer(w, 0);
	np_rdma_conn_stop(&w->conn);
	assert_true(np_list_is_empty(&w->reactor.timers));
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stall__ends_what_takes_nothing),
		cmocka_unit_test(test_stall__leaves_an_idle_connection),
		cmocka_unit_test(test_stall__leaves_a_slow_connection),
		cmocka_unit_test(test_stall__ends_with_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
