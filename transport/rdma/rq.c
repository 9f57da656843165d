// SPDX-License-Identifier: BSD-3-Clause
/*
 * rq.c - makes receives, shares them, posts them for the first time.
 *
 * Thread: control. A shared queue grows while its reactor posts to it: the providers of rdma-core
 *         lock a queue.
 * Depends: rq.h, conn.h, recv.h.
 */
#include "transport/rdma/rq.h"

#include <errno.h>
#include <stdlib.h>

#include "target/base/line.h"
#include "target/reactor/uring.h"
#include "transport/rdma/conn.h"
#include "transport/rdma/recv.h"

/*
 * In-capsule data begins at a multiple of this, or of an SQE where there is less, so that a drive
 * can take it as it lies. What fills pages begins with one: each page costs a PRP entry.
 */
#define DATA_ALIGN 512u
/* Receives for every command that hosts may send, up to this number; then a share each. */
#define SHARED_FULL 1024u
#define SHARED_EACH 16u
#define SHARED_MAX 4096u
#define SHARED_STEP 64u

/* Receives that were made together. */
struct chunk {
	struct np_list link;
	struct np_rdma_rq *rq;
	uint8_t *memory; /* their data, then their SQEs */
	size_t bytes;    /* of memory */
	struct np_call call;
	struct ibv_mr *mr;
	struct np_rdma_recv recvs[];
};

static void chunk_fix(struct np_msg *msg)
{
	struct chunk *chunk = np_container_of(msg, struct chunk, call.msg);

	(void)np_uring_fix(chunk->rq->cq->reactor, chunk->memory, chunk->bytes);
	np_call_done(&chunk->call);
}

static void chunk_unfix(struct np_msg *msg)
{
	struct chunk *chunk = np_container_of(msg, struct chunk, call.msg);

	np_uring_unfix(chunk->rq->cq->reactor, chunk->memory);
	np_call_done(&chunk->call);
}

static void chunk_free(struct chunk *chunk)
{
	struct np_rdma_rq *rq = chunk->rq;

	if (chunk->mr)
		np_call(&chunk->call, rq->cq->reactor, chunk_unfix);
	if (chunk->mr && ibv_dereg_mr(chunk->mr))
		np_log_warn("%s: memory of capsules could not be deregistered", rq->dev->name);
	free(chunk->memory);
	free(chunk);
}

/* Data and SQEs in one piece, so that one registration does. */
static int chunk_new(struct np_rdma_rq *rq, uint32_t count, struct chunk **ret_chunk)
{
	uint32_t align = rq->inline_bytes >= DATA_ALIGN ? DATA_ALIGN : sizeof(struct np_sqe);
	size_t stride = (rq->inline_bytes + align - 1) / align * align;
	struct chunk *chunk = np_line_alloc(sizeof(*chunk) + count * sizeof(chunk->recvs[0]));
	int err;

	if (!chunk)
		return -ENOMEM;
	chunk->rq = rq;
	chunk->bytes = (stride + sizeof(struct np_sqe)) * count;
	chunk->bytes = (chunk->bytes + NP_PAGE_BYTES - 1) / NP_PAGE_BYTES * NP_PAGE_BYTES;
	err = -posix_memalign((void **)&chunk->memory, NP_PAGE_BYTES, chunk->bytes);
	if (!err) {
		chunk->mr = ibv_reg_mr(
			rq->dev->pd, chunk->memory, chunk->bytes, IBV_ACCESS_LOCAL_WRITE);
		err = chunk->mr ? 0 : -errno;
	}
	if (err) {
		chunk_free(chunk);
		return err;
	}
	/* Data of I/O is written from where it lies, more quickly if the ring knows the place. */
	if (rq->inline_bytes > NP_RDMA_ADMIN_ICD)
		np_call(&chunk->call, rq->cq->reactor, chunk_fix);
	for (uint32_t i = 0; i < count; i++)
		np_rdma_recv_init(&chunk->recvs[i], rq, chunk->mr->lkey,
			(const struct np_sqe *)(void *)(chunk->memory + stride * count) + i,
			chunk->memory + stride * i);
	*ret_chunk = chunk;
	return 0;
}

/* Return: 0 or -errno; then nothing has changed. */
static int rq_grow(struct np_rdma_rq *rq, uint32_t count)
{
	struct chunk *chunk;
	int err;

	err = np_rdma_cq_reserve(rq->cq, 0, count);
	if (err)
		return err;
	err = chunk_new(rq, count, &chunk);
	if (err) {
		np_rdma_cq_unreserve(rq->cq, 0, count);
		return err;
	}
	np_list_add_tail(&rq->chunks, &chunk->link);
	rq->nrecvs += count;
	/* One that is refused would not be refused by a queue that works: its users will notice. */
	for (uint32_t i = 0; i < count && rq->srq && !err; i++)
		err = np_rdma_recv_post(&chunk->recvs[i]);
	return err;
}

static struct np_rdma_rq *rq_new(struct np_rdma_conn *conn)
{
	struct np_rdma_rq *rq = calloc(1, sizeof(*rq));

	if (!rq)
		return NULL;
	rq->dev = conn->dev;
	rq->cq = conn->cq;
	rq->inline_bytes = conn->inline_bytes;
	np_list_init(&rq->link);
	np_list_init(&rq->chunks);
	return rq;
}

static void rq_free(struct np_rdma_rq *rq)
{
	struct np_list *link;

	if (rq->srq && ibv_destroy_srq(rq->srq))
		np_log_warn("%s: a shared receive queue could not be destroyed", rq->dev->name);
	while ((link = np_list_pop(&rq->chunks)))
		chunk_free(np_container_of(link, struct chunk, link));
	np_rdma_cq_unreserve(rq->cq, 0, rq->nrecvs);
	np_list_del(&rq->link);
	free(rq);
}

/* ---- shared -------------------------------------------------------------------------------- */

static bool can_share(const struct np_rdma_dev *dev)
{
	const struct ibv_device_attr *attr = &dev->attr.orig_attr;

	return attr->max_srq > 0 && attr->max_srq_wr >= (int)SHARED_FULL &&
		attr->max_srq_sge >= NP_RDMA_RECV_SGES;
}

static struct np_rdma_rq *shared_find(const struct np_rdma_conn *conn)
{
	struct np_list *pos;

	np_list_for_each(pos, &conn->dev->rqs) {
		struct np_rdma_rq *rq = np_container_of(pos, struct np_rdma_rq, link);

		if (rq->cq == conn->cq && rq->inline_bytes == conn->inline_bytes)
			return rq;
	}
	return NULL;
}

static struct np_rdma_rq *shared_new(struct np_rdma_conn *conn)
{
	struct np_rdma_rq *rq = rq_new(conn);
	struct ibv_srq_init_attr init;

	if (!rq)
		return NULL;
	rq->max_recvs = np_rdma_min_u32(SHARED_MAX, (uint32_t)conn->dev->attr.orig_attr.max_srq_wr);
	init = (struct ibv_srq_init_attr){
		.attr = {.max_wr = rq->max_recvs, .max_sge = NP_RDMA_RECV_SGES}};
	rq->srq = ibv_create_srq(conn->dev->pd, &init);
	if (!rq->srq) {
		rq_free(rq);
		return NULL;
	}
	np_list_add_tail(&conn->dev->rqs, &rq->link);
	return rq;
}

/* How many receives so many connections share. */
static uint32_t shared_wanted(const struct np_rdma_rq *rq)
{
	uint32_t each = rq->nusers * SHARED_EACH, wanted;

	wanted = np_rdma_min_u32(rq->depths, each > SHARED_FULL ? each : SHARED_FULL);
	wanted = (wanted + SHARED_STEP - 1) / SHARED_STEP * SHARED_STEP;
	return np_rdma_min_u32(wanted, rq->max_recvs);
}

static int shared_join(struct np_rdma_rq *rq, struct np_rdma_conn *conn)
{
	uint32_t wanted;
	int err;

	rq->nusers++;
	rq->depths += conn->queue.depth;
	conn->rq = rq;
	wanted = shared_wanted(rq);
	if (wanted <= rq->nrecvs)
		return 0;
	err = rq_grow(rq, wanted - rq->nrecvs);
	/* With less than its share it goes on: a host's SEND is tried again until there is room. */
	return rq->nrecvs ? 0 : err;
}

/* ---- for a connection ---------------------------------------------------------------------- */

int np_rdma_rq_get(struct np_rdma_conn *conn)
{
	struct np_rdma_rq *rq = shared_find(conn);

	if (!rq && can_share(conn->dev))
		rq = shared_new(conn);
	if (rq)
		return shared_join(rq, conn);
	rq = rq_new(conn);
	if (!rq)
		return -ENOMEM;
	rq->conn = conn;
	conn->rq = rq;
	return rq_grow(rq, conn->queue.depth);
}

int np_rdma_rq_start(struct np_rdma_conn *conn)
{
	struct chunk *chunk;
	int err = 0;

	if (conn->rq->srq)
		return 0;
	chunk = np_list_first(&conn->rq->chunks, struct chunk, link);
	for (uint32_t i = 0; i < conn->rq->nrecvs && !err; i++)
		err = np_rdma_recv_post(&chunk->recvs[i]);
	return err;
}

void np_rdma_rq_put(struct np_rdma_conn *conn)
{
	struct np_rdma_rq *rq = conn->rq;

	conn->rq = NULL;
	if (!rq)
		return;
	if (rq->srq) {
		rq->nusers--;
		rq->depths -= conn->queue.depth;
	}
	/* Its users were swept: no completion of a receive is left. */
	if (!rq->nusers)
		rq_free(rq);
}
