// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_rdma_rw.c - jobs of request slots on a queue pair of ours: credits, queue entries, failures.
 *                  The NVMe side and the control thread are stubs that count.
 *
 * Depends: rw.c, recv.c, drain.c, sgl.c, cmocka.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rdma_world.h"

static void test_pull__goes_on_as_credits_return(void **state)
{
	struct world *w = world_new(64, 2);
	struct np_req *req = arrive(w, 0);

	(void)state;
	set_data(w, req, &cmd_write, 5, 4096);
	np_rdma_pull(req);
	end_turn(w);
	assert_int_equal(fake.count, 2);
	complete_next(w, IBV_WC_SUCCESS);
	assert_int_equal(fake.count, 3);
	for (int i = 0; i < 3; i++)
		complete_next(w, IBV_WC_SUCCESS);
	assert_int_equal(fake.count, 5);
	assert_int_equal(seen.pulled, 0);
	complete_next(w, IBV_WC_SUCCESS);
	assert_int_equal(seen.pulled, 1);
	assert_int_equal(seen.err, 0);
	for (unsigned int i = 0; i < 5; i++) {
		assert_int_equal(fake.wrs[i].opcode, IBV_WR_RDMA_READ);
		assert_true(fake.wrs[i].wr.rdma.remote_addr == 0x100000u * (i + 1));
		assert_int_equal(fake.wrs[i].wr.rdma.rkey, i + 1);
		assert_true(fake.sges[i].addr == (uintptr_t)w->data + i * 4096);
		assert_int_equal(fake.sges[i].lkey, 0x33);
	}
	assert_int_equal(w->conn.sq.free, 64);
	assert_int_equal(w->conn.read_credits, 2);
	assert_int_equal(w->reactor.nwaiting, 0);
	free(w);
}

static void test_pull__waits_in_line(void **state)
{
	struct world *w = world_new(64, 1);
	struct np_req *first = arrive(w, 0), *second = arrive(w, 1);

	(void)state;
	set_data(w, first, &cmd_write, 2, 512);
	set_data(w, second, &cmd_write, 1, 512);
	second->data.segs[0].key = 99;
	np_rdma_pull(first);
	np_rdma_pull(second);
	end_turn(w);
	assert_int_equal(fake.count, 1);
	complete_next(w, IBV_WC_SUCCESS);
	assert_int_equal(fake.wrs[1].wr.rdma.rkey, 2);
	complete_next(w, IBV_WC_SUCCESS);
	assert_int_equal(fake.wrs[2].wr.rdma.rkey, 99);
	complete_next(w, IBV_WC_SUCCESS);
	assert_int_equal(seen.pulled, 2);
	free(w);
}

static void test_respond__chains_writes_and_send(void **state)
{
	struct world *w = world_new(64, 4);
	struct np_req *req = arrive(w, 0);

	(void)state;
	set_data(w, req, &cmd_read, 3, 512);
	req->data.invalidate = true;
	req->data.invalidate_key = 0x77;
	np_rdma_respond(req);
	end_turn(w);
	assert_int_equal(fake.recvs, RECVS + 1);
	assert_int_equal(fake.count, 4);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(fake.wrs[i].opcode, IBV_WR_RDMA_WRITE);
		assert_int_equal(fake.wrs[i].send_flags & IBV_SEND_SIGNALED, 0);
	}
	assert_int_equal(fake.wrs[3].opcode, IBV_WR_SEND_WITH_INV);
	assert_int_equal(fake.wrs[3].invalidate_rkey, 0x77);
	assert_int_equal(
		fake.wrs[3].send_flags, IBV_SEND_SIGNALED | IBV_SEND_SOLICITED | IBV_SEND_INLINE);
	assert_int_equal(w->conn.sq.free, 60);
	for (unsigned int i = 0; i < 4; i++)
		complete_next(w, IBV_WC_SUCCESS);
	assert_int_equal(seen.released, 1);
	assert_int_equal(w->conn.sq.free, 64);
	assert_int_equal(w->conn.slots_used, 0);
	free(w);
}

static void test_respond__sends_no_data_of_a_failed_command(void **state)
{
	struct world *w = world_new(64, 4);
	struct np_req *req = arrive(w, 0);

	(void)state;
	set_data(w, req, &cmd_read, 3, 512);
	req->cqe.status = 0x4004;
	np_rdma_respond(req);
	end_turn(w);
	assert_int_equal(fake.count, 1);
	assert_int_equal(fake.wrs[0].opcode, IBV_WR_SEND);
	free(w);
}

static void test_respond__waits_for_the_send_queue(void **state)
{
	struct world *w = world_new(5, 4);
	struct np_req *first = arrive(w, 0), *second = arrive(w, 1), *third;

	(void)state;
	set_data(w, first, &cmd_read, 3, 512);
	set_data(w, second, &cmd_read, 1, 512);
	np_rdma_respond(first);
	np_rdma_respond(second);
	end_turn(w);
	assert_int_equal(fake.count, 4);
	/* Nobody overtakes: a READ would fit, but a response waits. */
	third = arrive(w, 0);
	set_data(w, third, &cmd_write, 1, 512);
	np_rdma_pull(third);
	end_turn(w);
	assert_int_equal(fake.count, 4);
	for (unsigned int i = 0; i < 4; i++)
		complete_next(w, IBV_WC_SUCCESS);
	assert_int_equal(fake.count, 7);
	assert_int_equal(fake.wrs[4].opcode, IBV_WR_RDMA_WRITE);
	assert_int_equal(fake.wrs[5].opcode, IBV_WR_SEND);
	assert_int_equal(fake.wrs[6].opcode, IBV_WR_RDMA_READ);
	for (unsigned int i = 0; i < 3; i++)
		complete_next(w, IBV_WC_SUCCESS);
	assert_int_equal(seen.released, 2);
	assert_int_equal(seen.pulled, 1);
	assert_int_equal(w->conn.sq.free, 5);
	free(w);
}

static void test_push__signals_the_last_write(void **state)
{
	struct world *w = world_new(64, 4);
	struct np_req *req = arrive(w, 0);

	(void)state;
	set_data(w, req, &cmd_read, 4, 1000);
	req->piece_offset = 500;
	req->piece_bytes = 1000;
	np_rdma_push(req);
	end_turn(w);
	assert_int_equal(fake.count, 2);
	assert_true(fake.wrs[0].wr.rdma.remote_addr == 0x100000 + 500);
	assert_int_equal(fake.sges[0].length, 500);
	assert_int_equal(fake.sges[1].length, 500);
	assert_true(fake.sges[1].addr == (uintptr_t)w->data + 500);
	complete_next(w, IBV_WC_SUCCESS);
	assert_int_equal(seen.pushed, 0);
	complete_next(w, IBV_WC_SUCCESS);
	assert_int_equal(seen.pushed, 1);
	assert_int_equal(w->conn.sq.free, 64);
	free(w);
}

static void test_recv__capsules_wait_for_slots(void **state)
{
	struct world *w = world_new(64, 4);
	struct np_req *reqs[SLOTS];

	(void)state;
	for (unsigned int i = 0; i < SLOTS; i++)
		reqs[i] = arrive(w, 0);
	assert_int_equal(seen.begun, SLOTS);
	arrive(w, 1);
	assert_int_equal(seen.begun, SLOTS);
	assert_int_equal(w->reactor.nwaiting, 1);
	np_rdma_respond(reqs[0]);
	end_turn(w);
	complete_next(w, IBV_WC_SUCCESS);
	assert_int_equal(w->reactor.nwaiting, 0);
	assert_int_equal(seen.begun, SLOTS + 1);
	assert_ptr_equal(seen.last, reqs[0]);
	assert_int_equal(w->conn.slots_used, SLOTS);
	free(w);
}

static void test_recv__is_given_back_when_nothing_in_it_is_used(void **state)
{
	struct world *w = world_new(64, 4);
	struct np_req *req;

	(void)state;
	arrive(w, 0);
	assert_int_equal(fake.recvs, RECVS + 1);
	req = arrive_inline(w, 1);
	assert_int_equal(fake.recvs, RECVS + 1);
	np_rdma_respond(req);
	assert_int_equal(fake.recvs, RECVS + 2);
	free(w);
}

/* Receives that it shares would let a host have more commands than its queue holds. */
static void test_recv__more_commands_than_the_queue_end_the_connection(void **state)
{
	struct world *w = world_new(64, 4);

	(void)state;
	share(w);
	w->conn.queue.depth = 2;
	np_rdma_respond(arrive(w, 0));
	arrive(w, 0);
	arrive(w, 1);
	assert_int_equal(seen.failed, 0);
	assert_int_equal(seen.begun, 3);
	arrive(w, 0);
	assert_int_equal(seen.failed, 1);
	assert_int_equal(seen.begun, 3);
	assert_int_equal(fake.shared_recvs, 4);
	free(w);
}

static void test_recv__finds_the_connection_by_its_queue_pair(void **state)
{
	struct world *w = world_new(64, 4), *other = world_new(64, 4);

	(void)state;
	share(w);
	other->conn.cq = &w->cq;
	other->conn.qp_num = QP_NUM + NP_RDMA_CQ_BUCKETS; /* in the same list */
	np_rdma_recv_attach(&other->conn);
	assert_ptr_equal(arrive(w, 0)->queue, &w->conn.queue);
	np_rdma_recv_detach(&w->conn);
	arrive(w, 1);
	assert_int_equal(seen.begun, 1);
	assert_int_equal(fake.shared_recvs, 2);
	free(other);
	free(w);
}

static void test_recv__short_capsule_ends_the_connection(void **state)
{
	struct world *w = world_new(64, 4);

	(void)state;
	complete((uintptr_t)&w->recvs[0].op, IBV_WC_SUCCESS, 63);
	assert_int_equal(seen.begun, 0);
	assert_int_equal(seen.failed, 1);
	complete((uintptr_t)&w->recvs[1].op, IBV_WC_WR_FLUSH_ERR, 0);
	assert_int_equal(seen.failed, 1);
	free(w);
}

static void test_failed_read__is_reported_once(void **state)
{
	struct world *w = world_new(64, 4);
	struct np_req *req = arrive(w, 0);

	(void)state;
	set_data(w, req, &cmd_write, 3, 512);
	np_rdma_pull(req);
	end_turn(w);
	complete_next(w, IBV_WC_REM_ACCESS_ERR);
	complete_next(w, IBV_WC_WR_FLUSH_ERR);
	assert_int_equal(seen.pulled, 0);
	complete_next(w, IBV_WC_WR_FLUSH_ERR);
	assert_int_equal(seen.pulled, 1);
	assert_true(seen.err < 0);
	assert_int_equal(seen.failed, 1);
	assert_non_null(strstr(w->conn.failure, "RDMA READ"));
	free(w);
}

/* The reactor may sleep through the end of an answer, but of nothing else. */
static void test_waiting__is_counted_but_for_answers_on_their_way(void **state)
{
	struct world *w = world_new(4, 1);
	struct np_req *write = arrive(w, 0), *read = arrive(w, 1), *late = arrive(w, 0);

	(void)state;
	assert_int_equal(w->reactor.nwaiting, 0);
	set_data(w, write, &cmd_write, 2, 512);
	set_data(w, read, &cmd_read, 2, 512);
	set_data(w, late, &cmd_read, 0, 0);
	np_rdma_pull(write);
	end_turn(w);
	assert_int_equal(w->reactor.nwaiting, 1);
	np_rdma_respond(read);
	end_turn(w);
	assert_int_equal(fake.count, 4); /* one READ, two WRITEs and a SEND: the queue is full */
	assert_int_equal(w->reactor.nwaiting, 1);
	np_rdma_respond(late);
	end_turn(w);
	assert_int_equal(w->reactor.nwaiting, 2);
	complete_next(w, IBV_WC_SUCCESS); /* the READ: the late answer goes, then the second READ */
	assert_int_equal(w->reactor.nwaiting, 1);
	for (unsigned int i = 0; i < 4; i++)
		complete_next(w, IBV_WC_SUCCESS);
	assert_int_equal(seen.pulled, 0);
	complete_next(w, IBV_WC_SUCCESS);
	assert_int_equal(seen.pulled, 1);
	assert_int_equal(w->reactor.nwaiting, 0);
	for (unsigned int i = 0; i < SLOTS; i++)
		arrive(w, 0);
	assert_int_equal(w->reactor.nwaiting, 1); /* the writer holds the fourth slot */
	np_rdma_conn_stop(&w->conn);
	assert_int_equal(w->reactor.nwaiting, 1);
	np_rdma_conn_sweep(&w->conn);
	assert_int_equal(w->reactor.nwaiting, 0);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pull__goes_on_as_credits_return),
		cmocka_unit_test(test_pull__waits_in_line),
		cmocka_unit_test(test_respond__chains_writes_and_send),
		cmocka_unit_test(test_respond__sends_no_data_of_a_failed_command),
		cmocka_unit_test(test_respond__waits_for_the_send_queue),
		cmocka_unit_test(test_push__signals_the_last_write),
		cmocka_unit_test(test_recv__capsules_wait_for_slots),
		cmocka_unit_test(test_recv__is_given_back_when_nothing_in_it_is_used),
		cmocka_unit_test(test_recv__more_commands_than_the_queue_end_the_connection),
		cmocka_unit_test(test_recv__finds_the_connection_by_its_queue_pair),
		cmocka_unit_test(test_recv__short_capsule_ends_the_connection),
		cmocka_unit_test(test_failed_read__is_reported_once),
		cmocka_unit_test(test_waiting__is_counted_but_for_answers_on_their_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
