// SPDX-License-Identifier: BSD-3-Clause
/*
 * rdma_world.c - a connection on a queue pair that only remembers what is posted.
 *
 * Depends: rdma_world.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rdma_world.h"

/* ---- a queue pair that only remembers ------------------------------------------------------ */

struct fake_qp fake;

static int fake_post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad)
{
	(void)qp;
	fake.doorbells++;
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
	return fake.doorbell_err;
}

static int fake_post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	(void)qp;
	(void)wr;
	(void)bad;
	fake.recvs++;
	return 0;
}

static int fake_post_srq_recv(struct ibv_srq *srq, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	(void)srq;
	(void)wr;
	(void)bad;
	fake.shared_recvs++;
	return 0;
}

void complete(uint64_t wr_id, enum ibv_wc_status status, uint32_t bytes)
{
	struct ibv_wc wc = {.wr_id = wr_id, .status = status, .byte_len = bytes, .qp_num = QP_NUM};
	struct np_rdma_op *op = (struct np_rdma_op *)(uintptr_t)wr_id;

	op->done(op, &wc);
}

static void run_all(struct np_list *list)
{
	struct np_list *link;

	while ((link = np_list_pop(list))) {
		struct np_rdma_later *later = np_container_of(link, struct np_rdma_later, link);

		later->fn(later);
	}
}

void end_turn(struct world *w)
{
	run_all(&w->cq.at_end);
}

void complete_next(struct world *w, enum ibv_wc_status status)
{
	const struct ibv_send_wr *wr = &fake.wrs[fake.done++];

	assert_in_range(fake.done, 1, fake.count);
	if (status != IBV_WC_SUCCESS || wr->send_flags & IBV_SEND_SIGNALED)
		complete(wr->wr_id, status, 0);
	end_turn(w);
}

/* ---- stubs --------------------------------------------------------------------------------- */

struct seen seen;

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

const struct np_cmd cmd_read = {.name = "Read", .dir = NP_DIR_TO_HOST};
const struct np_cmd cmd_write = {.name = "Write", .dir = NP_DIR_FROM_HOST};

struct world *world_new(uint32_t sq_entries, uint32_t read_limit)
{
	struct world *w = calloc(1, sizeof(*w));
	struct np_rdma_conn *conn;

	assert_non_null(w);
	memset(&fake, 0, sizeof(fake));
	memset(&seen, 0, sizeof(seen));
	fake.fail_at = -1;
	w->ctx.ops.post_send = fake_post_send;
	w->ctx.ops.post_recv = fake_post_recv;
	w->ctx.ops.post_srq_recv = fake_post_srq_recv;
	w->qp.context = w->srq.context = &w->ctx;
	w->region.id = 3;
	w->pool.region = &w->region;
	w->dev.mrs[3].lkey = 0x33;
	w->dev.has_send_inv = true;
	w->mr.lkey = 0x11;
	np_list_init(&w->cq.later);
	np_list_init(&w->cq.at_end);
	for (unsigned int i = 0; i < NP_RDMA_CQ_BUCKETS; i++)
		np_list_init(&w->cq.conns[i]);
	conn = &w->conn;
	conn->qp = &w->qp;
	conn->dev = &w->dev;
	conn->cq = &w->cq;
	conn->qp_num = QP_NUM;
	conn->mr = &w->mr;
	conn->rq = &w->rq;
	conn->queue.reactor = &w->reactor;
	conn->slots = w->slots;
	conn->nslots = SLOTS;
	conn->queue.depth = SLOTS + 1;
	conn->inline_bytes = sizeof(w->recv_data[0]);
	w->rq = (struct np_rdma_rq){.dev = &w->dev, .cq = &w->cq, .conn = conn};
	w->rq.inline_bytes = conn->inline_bytes;
	conn->has_inline = true;
	conn->sq.entries = conn->sq.free = sq_entries;
	conn->read_limit = conn->read_credits = read_limit;
	np_list_init(&conn->by_qp_num);
	np_list_init(&conn->recv_wait);
	np_list_init(&w->reactor.timers);
	np_rdma_rw_init(conn);
	np_rdma_stall_init(conn);
	for (unsigned int i = 0; i < RECVS; i++) {
		np_rdma_recv_init(&w->recvs[i], &w->rq, 0x11, &w->sqes[i], w->recv_data[i]);
		assert_int_equal(np_rdma_recv_post(&w->recvs[i]), 0);
	}
	return w;
}

void share(struct world *w)
{
	w->rq.srq = &w->srq;
	w->rq.conn = NULL;
	w->conn.recvs_posted = 0;
	np_rdma_recv_attach(&w->conn);
}

struct np_req *arrive(struct world *w, unsigned int recv)
{
	complete((uintptr_t)&w->recvs[recv].op, IBV_WC_SUCCESS, 64);
	return seen.last;
}

struct np_req *arrive_inline(struct world *w, unsigned int recv)
{
	w->sqes[recv].sgl.type = NP_SGL_DATA_BLOCK << 4 | NP_SGL_SUB_OFFSET;
	w->sqes[recv].sgl.plain.length = 128;
	complete((uintptr_t)&w->recvs[recv].op, IBV_WC_SUCCESS, 64 + 128);
	memset(&w->sqes[recv], 0, sizeof(w->sqes[recv]));
	return seen.last;
}

void set_data(struct world *w, struct np_req *req, const struct np_cmd *cmd, unsigned int nsegs,
	uint32_t seg_bytes)
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

void run_later(struct world *w)
{
	run_all(&w->cq.later);
	end_turn(w);
}
