// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_rdma_sendq.c - what a turn gathers is posted at its end; what the queue pair refuses.
 *
 * Depends: sendq.c, rw.c, recv.c, drain.c, sgl.c, cmocka.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rdma_world.h"

static void test_turn__rings_one_doorbell(void **state)
{
	struct world *w = world_new(64, 4);
	struct np_req *first = arrive(w, 0), *second = arrive(w, 1), *third = arrive(w, 0);

	(void)state;
	set_data(w, first, &cmd_read, 2, 512);
	set_data(w, second, &cmd_write, 2, 512);
	set_data(w, third, &cmd_read, 1, 512);
	np_rdma_respond(first);
	np_rdma_pull(second);
	np_rdma_respond(third);
	assert_int_equal(fake.doorbells, 0);
	end_turn(w);
	assert_int_equal(fake.doorbells, 1);
	assert_int_equal(fake.count, 7);
	assert_int_equal(fake.wrs[2].opcode, IBV_WR_SEND);
	assert_int_equal(fake.wrs[3].opcode, IBV_WR_RDMA_READ);
	assert_int_equal(fake.wrs[5].opcode, IBV_WR_RDMA_WRITE);
	end_turn(w);
	assert_int_equal(fake.doorbells, 1);
	free(w);
}

/* What finds no room among the gathered goes with the next doorbell of the same turn, in order. */
static void test_turn__posts_more_than_a_batch(void **state)
{
	struct world *w = world_new(64, 4);
	struct np_req *reqs[3];

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		reqs[i] = arrive(w, i % RECVS);
		set_data(w, reqs[i], &cmd_read, 15, 512);
		reqs[i]->data.segs[0].key = 100 + i;
		np_rdma_respond(reqs[i]);
	}
	end_turn(w);
	assert_int_equal(fake.doorbells, 2);
	assert_int_equal(fake.count, 48);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(fake.wrs[16 * i].wr.rdma.rkey, 100 + i);
	for (unsigned int i = 0; i < 48; i++)
		complete_next(w, IBV_WC_SUCCESS);
	assert_int_equal(seen.released, 3);
	assert_int_equal(w->conn.sq.free, 64);
	free(w);
}

static void test_failed_post__never_calls_back_from_within(void **state)
{
	struct world *w = world_new(64, 4);
	struct np_req *req = arrive(w, 0);

	(void)state;
	set_data(w, req, &cmd_write, 1, 512);
	fake.fail_at = 0;
	np_rdma_pull(req);
	assert_int_equal(seen.pulled, 0);
	run_later(w);
	assert_int_equal(seen.pulled, 1);
	assert_true(seen.err < 0);
	assert_int_equal(seen.failed, 1);
	assert_int_equal(w->conn.sq.free, 64);
	free(w);
}

/* Of three jobs the second is refused as a whole, and with it all that follow. */
static void test_failed_post__gives_back_what_was_not_posted(void **state)
{
	struct world *w = world_new(64, 4);
	struct np_req *first = arrive(w, 0), *second = arrive(w, 1), *third = arrive(w, 0);

	(void)state;
	set_data(w, first, &cmd_read, 2, 512);
	set_data(w, second, &cmd_read, 2, 512);
	set_data(w, third, &cmd_write, 2, 512);
	np_rdma_respond(first);
	np_rdma_respond(second);
	np_rdma_pull(third);
	fake.fail_at = 3;
	end_turn(w);
	assert_int_equal(fake.count, 3);
	assert_int_equal(seen.failed, 1);
	assert_int_equal(seen.pulled, 1);
	assert_true(seen.err < 0);
	/* The second, and the third: its answer is refused like its READs. */
	assert_int_equal(seen.released, 2);
	assert_int_equal(w->conn.sq.free, 61);
	assert_int_equal(w->conn.read_credits, 4);
	for (unsigned int i = 0; i < 3; i++)
		complete_next(w, IBV_WC_WR_FLUSH_ERR);
	assert_int_equal(seen.released, 3);
	assert_int_equal(w->conn.sq.free, 64);
	assert_int_equal(w->reactor.nwaiting, 0);
	free(w);
}

/* The host is to send the command again, elsewhere: it must not hear of an error. */
static void test_failed_post__is_not_answered(void **state)
{
	struct world *w = world_new(64, 4);
	struct np_req *req = arrive(w, 0);

	(void)state;
	set_data(w, req, &cmd_write, 1, 512);
	np_rdma_pull(req);
	fake.fail_at = 0;
	np_rdma_post(&w->conn);
	assert_int_equal(seen.pulled, 1);
	assert_int_equal(seen.released, 1);
	fake.fail_at = -1; /* an answer would be taken */
	end_turn(w);
	assert_int_equal(fake.count, 0);
	free(w);
}

static void test_failed_connection__begins_nothing(void **state)
{
	struct world *w = world_new(64, 4);

	(void)state;
	np_rdma_conn_fail(&w->conn, "some reason");
	complete((uintptr_t)&w->recvs[0].op, IBV_WC_SUCCESS, sizeof(struct np_sqe));
	assert_int_equal(seen.begun, 0);
	assert_int_equal(w->conn.slots_used, 0);
	free(w);
}

/* The capsule that waits is given up with the connection, whatever slot becomes free before. */
static void test_failed_connection__begins_nothing_that_waited(void **state)
{
	struct world *w = world_new(64, 4);
	struct np_req *first = arrive(w, 0);

	(void)state;
	for (unsigned int i = 1; i < SLOTS; i++)
		arrive(w, 0);
	arrive(w, 1);
	assert_int_equal(w->reactor.nwaiting, 1);
	np_rdma_respond(first);
	end_turn(w);
	np_rdma_conn_fail(&w->conn, "some reason");
	complete_next(w, IBV_WC_SUCCESS);
	assert_int_equal(seen.released, 1);
	assert_int_equal(seen.begun, SLOTS);
	assert_int_equal(w->conn.slots_used, SLOTS - 1);
	np_rdma_conn_stop(&w->conn);
	assert_int_equal(w->reactor.nwaiting, 1); /* for the teardown alone */
	free(w);
}

/* All is in the queue, and whether it will be carried out is unknown until the QP is gone. */
static void test_failed_doorbell__leaves_all_in_flight(void **state)
{
	struct world *w = world_new(64, 4);
	struct np_req *done = arrive(w, 0), *lost = arrive(w, 1);

	(void)state;
	set_data(w, done, &cmd_write, 1, 512);
	set_data(w, lost, &cmd_write, 1, 512);
	np_rdma_pull(done);
	np_rdma_pull(lost);
	fake.doorbell_err = 5;
	end_turn(w);
	assert_int_equal(seen.failed, 1);
	assert_int_equal(seen.pulled, 0);
	assert_int_equal(w->conn.sq.free, 62);
	complete_next(w, IBV_WC_SUCCESS);
	assert_int_equal(seen.pulled, 1);
	assert_int_equal(seen.err, 0);
	assert_int_equal(w->conn.sq.free, 63);
	np_rdma_respond(done);
	assert_int_equal(seen.released, 1);
	np_rdma_conn_stop(&w->conn);
	assert_int_equal(seen.quiet, 0);
	assert_int_equal(seen.released, 1);
	np_rdma_conn_sweep(&w->conn);
	assert_int_equal(seen.pulled, 2);
	assert_int_equal(seen.released, 2);
	assert_int_equal(seen.swept, 1);
	assert_int_equal(w->reactor.nwaiting, 0);
	free(w);
}

/* The stop posts what the turn has gathered, then nothing more. */
static void test_stop__posts_what_is_gathered(void **state)
{
	struct world *w = world_new(64, 4);
	struct np_req *req = arrive(w, 0);

	(void)state;
	set_data(w, req, &cmd_read, 1, 512);
	np_rdma_respond(req);
	np_rdma_conn_stop(&w->conn);
	assert_int_equal(fake.count, 2);
	assert_true(np_list_is_empty(&w->cq.at_end));
	complete_next(w, IBV_WC_WR_FLUSH_ERR);
	complete_next(w, IBV_WC_WR_FLUSH_ERR);
	assert_int_equal(seen.released, 1);
	assert_int_equal(w->conn.sq.free, 64);
	free(w);
}

/* The cut chain's WRITE may still read the buffer: it is released only when the QP is gone. */
static void test_cut_chain__keeps_its_buffer_until_the_sweep(void **state)
{
	struct world *w = world_new(64, 4);
	struct np_req *cut = arrive(w, 0), *refused = arrive(w, 1);

	(void)state;
	set_data(w, cut, &cmd_read, 1, 512);
	set_data(w, refused, &cmd_read, 1, 512);
	np_rdma_respond(cut);
	np_rdma_respond(refused);
	fake.fail_at = 1;
	end_turn(w);
	assert_int_equal(seen.failed, 1);
	assert_int_equal(seen.released, 1);
	np_rdma_conn_stop(&w->conn);
	assert_int_equal(seen.released, 1);
	np_rdma_conn_sweep(&w->conn);
	assert_int_equal(seen.released, 2);
	assert_int_equal(seen.swept, 1);
	free(w);
}

/* Nothing of it completes, so nothing but the failed post tells of it. */
static void test_cut_chain__ends_the_connection(void **state)
{
	struct world *w = world_new(64, 4);
	struct np_req *req = arrive(w, 0);

	(void)state;
	set_data(w, req, &cmd_read, 1, 512);
	np_rdma_respond(req);
	fake.fail_at = 1;
	end_turn(w);
	assert_int_equal(seen.failed, 1);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turn__rings_one_doorbell),
		cmocka_unit_test(test_turn__posts_more_than_a_batch),
		cmocka_unit_test(test_failed_post__never_calls_back_from_within),
		cmocka_unit_test(test_failed_post__gives_back_what_was_not_posted),
		cmocka_unit_test(test_failed_post__is_not_answered),
		cmocka_unit_test(test_failed_connection__begins_nothing),
		cmocka_unit_test(test_failed_connection__begins_nothing_that_waited),
		cmocka_unit_test(test_failed_doorbell__leaves_all_in_flight),
		cmocka_unit_test(test_stop__posts_what_is_gathered),
		cmocka_unit_test(test_cut_chain__keeps_its_buffer_until_the_sweep),
		cmocka_unit_test(test_cut_chain__ends_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
