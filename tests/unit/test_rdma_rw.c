// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_rdma_rw.c - jobs of request slots on a queue pair of ours: credits, queue entries, failures,
 *                  teardown. The NVMe side and the control thread are stubs that count.
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

#include "transport/rdma/conn.h"
#include "transport/rdma/recv.h"
#include "transport/rdma/rw.h"

#define SLOTS 4
#define RECVS 2
#define MAX_WRS 64

/* ---- a queue pair that only remembers ------------------------------------------------------ */

static struct {
	struct ibv_send_wr wrs[MAX_WRS];
	struct ibv_sge sges[MAX_WRS];
	unsigned int count, done; /* posted; completed so far */
	unsigned int recvs;
	int fail_at; /* refuse this work request, -1 for none */
} fake;

static int fake_post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad)
{
	(void)qp;
	for (; wr; wr = wr->next) {
		if (fake.fail_at >= 0 && fake.count == (unsigned int)fake.fail_at) {
			*bad = wr;
			return 12;
		}
		assert_in_range(fake.count, 0, MAX_WRS - 1);
		assert_int_equal(wr->num_sge, 1);
		fake.wrs[fake.count] = *wr;
		fake.sges[fake.count++] = wr->sg_list[0];
	}
	return 0;
}

static int fake_post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	(void)qp;
	(void)wr;
	(void)bad;
	fake.recvs++;
	return 0;
}

static void complete(uint64_t wr_id, enum ibv_wc_status status, uint32_t bytes)
{
	struct ibv_wc wc = {.wr_id = wr_id, .status = status, .byte_len = bytes};
	struct np_rdma_op *op = (struct np_rdma_op *)(uintptr_t)wr_id;

	op->done(op, &wc);
}

/* Completes the oldest work request as hardware does: one that is not signalled only with an error. */
static void complete_next(enum ibv_wc_status status)
{
	const struct ibv_send_wr *wr = &fake.wrs[fake.done++];

	assert_in_range(fake.done, 1, fake.count);
	if (status != IBV_WC_SUCCESS || wr->send_flags & IBV_SEND_SIGNALED)
		complete(wr->wr_id, status, 0);
}

/* ---- stubs --------------------------------------------------------------------------------- */

static struct {
	unsigned int begun, pulled, pushed, released, stopped, quiet, swept, failed;
	int err;
	struct np_req *last;
	bool complete_on_drain;
} seen;

void np_req_begin(
	struct np_req *req, const struct np_sqe *sqe, void *icd, struct np_status sgl_status)
{
	(void)sqe;
	(void)icd;
	(void)sgl_status;
	seen.begun++;
	seen.last = req;
}

void np_req_pulled(struct np_req *req, int err)
{
	seen.pulled++;
	seen.err = err;
	if (err)
		np_rdma_respond(req);
}

void np_req_pushed(struct np_req *req, int err)
{
	seen.pushed++;
	seen.err = err;
	if (err)
		np_rdma_respond(req);
}

void np_req_release(struct np_req *req)
{
	(void)req;
	seen.released++;
}

void np_queue_drain(struct np_queue *queue)
{
	(void)queue;
	if (seen.complete_on_drain)
		np_rdma_respond(seen.last);
}

void np_rdma_conn_say_stopped(struct np_rdma_conn *conn)
{
	(void)conn;
	seen.stopped++;
}

void np_rdma_conn_say_quiet(struct np_rdma_conn *conn)
{
	(void)conn;
	assert_int_equal(seen.stopped, 1);
	seen.quiet++;
}

void np_rdma_conn_say_swept(struct np_rdma_conn *conn)
{
	(void)conn;
	seen.swept++;
}

void np_rdma_conn_say_failed(struct np_rdma_conn *conn)
{
	(void)conn;
	seen.failed++;
}

void np_rdma_cq_sweep(struct np_rdma_cq *cq)
{
	(void)cq;
}

/* ---- the connection ------------------------------------------------------------------------ */

struct world {
	struct ibv_context ctx;
	struct ibv_qp qp;
	struct ibv_mr mr;
	struct np_rdma_dev dev;
	struct np_rdma_cq cq;
	struct np_rdma_conn conn;
	struct np_rdma_slot slots[SLOTS];
	struct np_rdma_recv recvs[RECVS];
	uint8_t capsules[RECVS][320];
	struct np_mem_region region;
	struct np_pool pool;
	uint8_t data[65536];
};

static const struct np_cmd cmd_read = {.name = "Read", .dir = NP_DIR_TO_HOST};
static const struct np_cmd cmd_write = {.name = "Write", .dir = NP_DIR_FROM_HOST};

static struct world *world_new(uint32_t sq_entries, uint32_t read_limit)
{
	struct world *w = calloc(1, sizeof(*w));
	struct np_rdma_conn *conn;

	assert_non_null(w);
	memset(&fake, 0, sizeof(fake));
	memset(&seen, 0, sizeof(seen));
	fake.fail_at = -1;
	w->ctx.ops.post_send = fake_post_send;
	w->ctx.ops.post_recv = fake_post_recv;
	w->qp.context = &w->ctx;
	w->region.id = 3;
	w->pool.region = &w->region;
	w->dev.mrs[3].lkey = 0x33;
	w->dev.has_send_inv = true;
	w->mr.lkey = 0x11;
	np_list_init(&w->cq.later);
	conn = &w->conn;
	conn->qp = &w->qp;
	conn->dev = &w->dev;
	conn->cq = &w->cq;
	conn->mr = &w->mr;
	conn->slots = w->slots;
	conn->nslots = SLOTS;
	conn->capsule_bytes = sizeof(w->capsules[0]);
	conn->has_inline = true;
	conn->sq_entries = conn->sq_free = sq_entries;
	conn->read_limit = conn->read_credits = read_limit;
	np_list_init(&conn->free_slots);
	np_list_init(&conn->recv_wait);
	np_list_init(&conn->read_wait);
	np_list_init(&conn->send_wait);
	for (unsigned int i = 0; i < SLOTS; i++)
		np_rdma_slot_init(&w->slots[i], conn);
	for (unsigned int i = 0; i < RECVS; i++) {
		np_rdma_recv_init(&w->recvs[i], conn, w->capsules[i]);
		assert_int_equal(np_rdma_recv_post(&w->recvs[i]), 0);
	}
	return w;
}

/* A capsule arrives; returns the request that it became. */
static struct np_req *arrive(struct world *w, unsigned int recv)
{
	complete((uintptr_t)&w->recvs[recv].op, IBV_WC_SUCCESS, 64);
	return seen.last;
}

static void set_data(struct world *w, struct np_req *req, const struct np_cmd *cmd,
	unsigned int nsegs, uint32_t seg_bytes)
{
	req->cmd = cmd;
	req->data = (struct np_data){.kind = NP_DATA_KEYED, .nsegs = (uint16_t)nsegs};
	for (unsigned int i = 0; i < nsegs; i++)
		req->data.segs[i] = (struct np_sgl_seg){0x100000u * (i + 1), seg_bytes, i + 1};
	req->data.bytes = req->bytes = nsegs * seg_bytes;
	req->va = w->data;
	req->buf.pool = &w->pool;
	req->piece_offset = 0;
	req->piece_bytes = req->bytes;
}

static void run_later(struct world *w)
{
	struct np_list *link;

	while ((link = np_list_pop(&w->cq.later))) {
		struct np_rdma_later *later = np_container_of(link, struct np_rdma_later, link);

		later->fn(later);
	}
}

/* ---- tests --------------------------------------------------------------------------------- */

static void test_pull__goes_on_as_credits_return(void **state)
{
	struct world *w = world_new(64, 2);
	struct np_req *req = arrive(w, 0);

	(void)state;
	set_data(w, req, &cmd_write, 5, 4096);
	np_rdma_pull(req);
	assert_int_equal(fake.count, 2);
	complete_next(IBV_WC_SUCCESS);
	assert_int_equal(fake.count, 3);
	for (int i = 0; i < 3; i++)
		complete_next(IBV_WC_SUCCESS);
	assert_int_equal(fake.count, 5);
	assert_int_equal(seen.pulled, 0);
	complete_next(IBV_WC_SUCCESS);
	assert_int_equal(seen.pulled, 1);
	assert_int_equal(seen.err, 0);
	for (unsigned int i = 0; i < 5; i++) {
		assert_int_equal(fake.wrs[i].opcode, IBV_WR_RDMA_READ);
		assert_true(fake.wrs[i].wr.rdma.remote_addr == 0x100000u * (i + 1));
		assert_int_equal(fake.wrs[i].wr.rdma.rkey, i + 1);
		assert_true(fake.sges[i].addr == (uintptr_t)w->data + i * 4096);
		assert_int_equal(fake.sges[i].lkey, 0x33);
	}
	assert_int_equal(w->conn.sq_free, 64);
	assert_int_equal(w->conn.read_credits, 2);
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
	assert_int_equal(fake.count, 1);
	complete_next(IBV_WC_SUCCESS);
	assert_int_equal(fake.wrs[1].wr.rdma.rkey, 2);
	complete_next(IBV_WC_SUCCESS);
	assert_int_equal(fake.wrs[2].wr.rdma.rkey, 99);
	complete_next(IBV_WC_SUCCESS);
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
	assert_int_equal(w->conn.sq_free, 60);
	for (unsigned int i = 0; i < 4; i++)
		complete_next(IBV_WC_SUCCESS);
	assert_int_equal(seen.released, 1);
	assert_int_equal(w->conn.sq_free, 64);
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
	assert_int_equal(fake.count, 4);
	/* Nobody overtakes: a READ would fit, but a response waits. */
	third = arrive(w, 0);
	set_data(w, third, &cmd_write, 1, 512);
	np_rdma_pull(third);
	assert_int_equal(fake.count, 4);
	for (unsigned int i = 0; i < 4; i++)
		complete_next(IBV_WC_SUCCESS);
	assert_int_equal(fake.count, 7);
	assert_int_equal(fake.wrs[4].opcode, IBV_WR_RDMA_WRITE);
	assert_int_equal(fake.wrs[5].opcode, IBV_WR_SEND);
	assert_int_equal(fake.wrs[6].opcode, IBV_WR_RDMA_READ);
	for (unsigned int i = 0; i < 3; i++)
		complete_next(IBV_WC_SUCCESS);
	assert_int_equal(seen.released, 2);
	assert_int_equal(seen.pulled, 1);
	assert_int_equal(w->conn.sq_free, 5);
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
	assert_int_equal(fake.count, 2);
	assert_true(fake.wrs[0].wr.rdma.remote_addr == 0x100000 + 500);
	assert_int_equal(fake.sges[0].length, 500);
	assert_int_equal(fake.sges[1].length, 500);
	assert_true(fake.sges[1].addr == (uintptr_t)w->data + 500);
	complete_next(IBV_WC_SUCCESS);
	assert_int_equal(seen.pushed, 0);
	complete_next(IBV_WC_SUCCESS);
	assert_int_equal(seen.pushed, 1);
	assert_int_equal(w->conn.sq_free, 64);
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
	np_rdma_respond(reqs[0]);
	complete_next(IBV_WC_SUCCESS);
	assert_int_equal(seen.begun, SLOTS + 1);
	assert_ptr_equal(seen.last, reqs[0]);
	assert_int_equal(w->conn.slots_used, SLOTS);
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
	complete_next(IBV_WC_REM_ACCESS_ERR);
	complete_next(IBV_WC_WR_FLUSH_ERR);
	assert_int_equal(seen.pulled, 0);
	complete_next(IBV_WC_WR_FLUSH_ERR);
	assert_int_equal(seen.pulled, 1);
	assert_true(seen.err < 0);
	assert_int_equal(seen.failed, 1);
	assert_non_null(strstr(w->conn.failure, "RDMA READ"));
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
	assert_int_equal(w->conn.sq_free, 64);
	free(w);
}

/* The cut chain's WRITE may still read the buffer: it is released only when the QP is gone. */
static void test_cut_chain__keeps_its_buffer_until_the_sweep(void **state)
{
	struct world *w = world_new(64, 4);
	struct np_req *req = arrive(w, 0);

	(void)state;
	set_data(w, req, &cmd_read, 1, 512);
	fake.fail_at = 1;
	np_rdma_respond(req);
	assert_int_equal(seen.failed, 1);
	np_rdma_conn_stop(&w->conn);
	assert_int_equal(seen.released, 0);
	np_rdma_conn_sweep(&w->conn);
	assert_int_equal(seen.released, 1);
	assert_int_equal(seen.swept, 1);
	free(w);
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
	assert_int_equal(fake.count, 1);
	np_rdma_conn_stop(&w->conn);
	assert_int_equal(seen.stopped, 1);
	assert_int_equal(seen.pulled, 1); /* the second, with an error */
	assert_true(seen.err < 0);
	assert_int_equal(seen.released, 1);
	assert_int_equal(seen.quiet, 0);
	complete_next(IBV_WC_WR_FLUSH_ERR);
	assert_int_equal(fake.count, 1);
	assert_int_equal(seen.pulled, 2);
	assert_int_equal(seen.released, 2);
	assert_int_equal(seen.quiet, 1);
	assert_int_equal(seen.failed, 0);
	np_rdma_conn_sweep(&w->conn);
	assert_int_equal(seen.swept, 1);
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
	assert_int_equal(fake.recvs, RECVS);
	assert_int_equal(seen.quiet, 1);
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
		cmocka_unit_test(test_recv__short_capsule_ends_the_connection),
		cmocka_unit_test(test_failed_read__is_reported_once),
		cmocka_unit_test(test_failed_post__never_calls_back_from_within),
		cmocka_unit_test(test_cut_chain__keeps_its_buffer_until_the_sweep),
		cmocka_unit_test(test_teardown__quiet_after_all_is_flushed),
		cmocka_unit_test(test_teardown__waits_for_posted_receives),
		cmocka_unit_test(test_teardown__waits_for_the_backend),
		cmocka_unit_test(test_teardown__late_jobs_post_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
