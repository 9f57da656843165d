// SPDX-License-Identifier: BSD-3-Clause
/*
 * build.c - makes and unmakes a connection: memory, receives, queue pair.
 *
 * Thread: control thread; all of it happens before the reactor knows the connection, or after it has
 *         forgotten it. The verbs in here block.
 * Depends: conn.h, mr.h, rq.h, rw.h.
 */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "target/base/clock.h"
#include "target/base/line.h"
#include "transport/rdma/conn.h"
#include "transport/rdma/fence.h"
#include "transport/rdma/mr.h"
#include "transport/rdma/rw.h"
#include "transport/rdma/stall.h"

/*
 * More slots than commands: for answers which the host has, but whose completions are not polled
 * yet. Completions are polled in batches of this many. A capsule may wait if that is too few.
 */
#define EXTRA_SLOTS 32u
/*
 * Send queue entries: one for each command. Two, for a WRITE and its SEND, would only let more
 * answers stand in the RNIC's line instead of ours, and a ring that is twice as long is what most of
 * a connection's memory was. RNICs keep one entry free in a ring of a power of two.
 */
#define SQ_ENTRIES(depth) (((depth) < 64u ? 64u : (depth)) - 1u)
/* The longest chain must fit. */
#define MIN_SQ (NP_MAX_SGL_SEGS + 1u)
#define MIN_DATA (NP_MIN_CAPSULE_BYTES - (uint32_t)sizeof(struct np_sqe))

static int fail(int err, const char *what, char *why, size_t why_size)
{
	snprintf(why, why_size, "%s: %s", what, strerror(-err));
	return err;
}

static void set_addresses(struct np_rdma_conn *conn)
{
	struct sockaddr *peer = rdma_get_peer_addr(conn->id);
	struct sockaddr *local = rdma_get_local_addr(conn->id);

	if (getnameinfo(peer, sizeof(struct sockaddr_storage), conn->host, sizeof(conn->host), NULL,
		    0, NI_NUMERICHOST))
		snprintf(conn->host, sizeof(conn->host), "?");
	if (getnameinfo(local, sizeof(struct sockaddr_storage), conn->queue.local_addr,
		    sizeof(conn->queue.local_addr), NULL, 0, NI_NUMERICHOST))
		snprintf(conn->queue.local_addr, sizeof(conn->queue.local_addr), "?");
}

/* Admin queues: the least loaded reactor, they carry timers and events. I/O: in turn. */
static struct np_reactor *choose_reactor(struct np_rdma *rdma, uint16_t qid)
{
	struct np_runtime *runtime = rdma->runtime;
	unsigned int best = 0;

	if (qid)
		return runtime->reactors[rdma->next_reactor++ % runtime->nreactors];
	for (unsigned int i = 1; i < runtime->nreactors; i++) {
		if (rdma->load[i] < rdma->load[best])
			best = i;
	}
	return runtime->reactors[best];
}

/* Each slot is made when it is needed first, so a queue that is hardly used takes few pages. */
static int alloc_slots(struct np_rdma_conn *conn)
{
	void *slots = mmap(NULL, conn->nslots * sizeof(*conn->slots), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (slots == MAP_FAILED)
		return -errno;
	conn->slots = slots;
	return 0;
}

/* For RNICs that cannot take a CQE from the work request itself. */
static int alloc_wire_cqes(struct np_rdma_conn *conn)
{
	size_t bytes = conn->nslots * sizeof(*conn->wire_cqes);

	bytes = (bytes + NP_PAGE_BYTES - 1) / NP_PAGE_BYTES * NP_PAGE_BYTES;
	conn->wire_cqes = aligned_alloc(NP_PAGE_BYTES, bytes);
	if (!conn->wire_cqes)
		return -ENOMEM;
	conn->mr = ibv_reg_mr(conn->dev->pd, conn->wire_cqes, bytes, 0);
	return conn->mr ? 0 : -errno;
}

static int create_qp(struct np_rdma_conn *conn)
{
	struct ibv_qp_init_attr init = {
		.qp_context = conn,
		.send_cq = conn->cq->send.cq,
		.recv_cq = conn->cq->recv.cq,
		.srq = conn->rq->srq,
		.qp_type = IBV_QPT_RC,
		.cap = {.max_send_wr = conn->sq.entries,
			.max_recv_wr = conn->rq->srq ? 0 : conn->queue.depth,
			.max_send_sge = 1,
			.max_recv_sge = conn->rq->srq ? 0 : NP_RDMA_RECV_SGES,
			.max_inline_data = sizeof(struct np_cqe)},
	};
	struct ibv_qp_init_attr plain = init;

	plain.cap.max_inline_data = 0;
	conn->has_inline = !rdma_create_qp(conn->id, conn->dev->pd, &init);
	if (!conn->has_inline && rdma_create_qp(conn->id, conn->dev->pd, &plain))
		return -errno;
	conn->qp = conn->id->qp;
	conn->qp_num = conn->qp->qp_num;
	return conn->has_inline ? 0 : alloc_wire_cqes(conn);
}

static int read_path_mtu(struct np_rdma_conn *conn)
{
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_RTR};
	int mask;

	if (rdma_init_qp_attr(conn->id, &attr, &mask))
		return -errno;
	conn->path_mtu = np_rdma_mtu_bytes(attr.path_mtu);
	return 0;
}

static void set_limits(struct np_rdma_conn *conn, const struct rdma_conn_param *param)
{
	const struct ibv_device_attr *attr = &conn->dev->attr.orig_attr;
	uint32_t depth = conn->queue.depth;
	uint32_t room = conn->queue.port->inline_bytes;

	if (!conn->queue.qid)
		room = NP_RDMA_ADMIN_ICD;
	/* IOCCSZ covers the room for descriptors, and a host may use all of it for data. */
	conn->inline_bytes = room > MIN_DATA ? room : MIN_DATA;
	conn->nslots = depth + np_rdma_min_u32(depth, EXTRA_SLOTS);
	conn->sq.entries = np_rdma_min_u32(SQ_ENTRIES(depth), (uint32_t)attr->max_qp_wr);
	conn->sq.free = conn->sq.entries;
	conn->read_limit =
		np_rdma_min_u32(param->initiator_depth, (uint32_t)attr->max_qp_init_rd_atom);
	conn->read_credits = conn->read_limit;
}

static struct np_rdma_conn *conn_new(struct np_rdma *rdma, struct np_rdma_dev *dev,
	struct rdma_cm_id *id, struct np_port *port, const struct np_priv *priv)
{
	struct np_reactor *reactor = choose_reactor(rdma, priv->qid);
	struct np_rdma_conn *conn = np_line_alloc(sizeof(*conn));

	if (!conn)
		return NULL;
	conn->rdma = rdma;
	conn->dev = dev;
	conn->id = id;
	conn->born_ms = np_clock_ms();
	conn->state = NP_RDMA_BUILDING;
	np_list_init(&conn->by_qp_num);
	np_list_init(&conn->recv_wait);
	np_rdma_rw_init(conn);
	np_rdma_stall_init(conn);
	np_queue_init(&conn->queue, &np_transport_rdma_ops, reactor, port, rdma->mem,
		++rdma->last_conn_id, priv->qid, priv->depth);
	conn->queue.rnic = dev->id;
	conn->queue.is_software = dev->is_software;
	conn->queue.host_pool = dev->host->pools[reactor->index];
	np_list_add_tail(&rdma->conns, &conn->link);
	rdma->base.nconns++;
	rdma->load[reactor->index]++;
	dev->nconns++;
	return conn;
}

/* Gives back the receives and the room for completions; harmless without. */
static void leave_cq(struct np_rdma_conn *conn)
{
	struct np_rdma_cq *cq = conn->cq;

	conn->cq = NULL;
	np_rdma_rq_put(conn);
	if (!cq)
		return;
	np_rdma_cq_unreserve(cq, conn->sq.entries, 0);
	np_rdma_dev_trim_cq(conn->dev, cq);
}

/* Return: 0 or -errno, -ENOSPC if the queues cannot grow that far; then @conn has none. */
static int use_cq(struct np_rdma_conn *conn, struct np_rdma_cq *cq)
{
	int err = np_rdma_cq_reserve(cq, conn->sq.entries, 0);

	if (err)
		return err;
	conn->cq = cq;
	err = np_rdma_rq_get(conn);
	if (err)
		leave_cq(conn);
	return err;
}

/* Takes receives and room for completions where there is some: the first queues, else new ones. */
static int find_cq(struct np_rdma_conn *conn)
{
	struct np_reactor *reactor = conn->queue.reactor;
	struct np_list *pos, *tmp;
	struct np_rdma_cq *cq;
	int err;

	np_list_for_each_safe(pos, tmp, &conn->dev->cqs[reactor->index]) {
		/* Full, or one that cannot grow, or dead: its connections end, new ones need not. */
		if (!use_cq(conn, np_container_of(pos, struct np_rdma_cq, link)))
			return 0;
	}
	err = np_rdma_dev_add_cq(conn->dev, reactor, &cq);
	if (err)
		return err;
	err = use_cq(conn, cq);
	if (err)
		np_rdma_dev_trim_cq(conn->dev, cq);
	return err;
}

int np_rdma_conn_build(struct np_rdma *rdma, struct np_rdma_dev *dev, struct rdma_cm_id *id,
	struct np_port *port, const struct np_priv *priv, const struct rdma_conn_param *param,
	struct np_rdma_conn **ret_conn, char *why, size_t why_size)
{
	struct np_rdma_conn *conn;
	int err;

	err = np_rdma_mr_require_host(dev, why, why_size);
	if (err)
		return err;
	conn = conn_new(rdma, dev, id, port, priv);
	if (!conn)
		return fail(-ENOMEM, "a connection", why, why_size);
	set_addresses(conn);
	set_limits(conn, param);
	if (conn->sq.entries < MIN_SQ || priv->depth > dev->attr.orig_attr.max_qp_wr) {
		err = fail(-ENOSPC, "depth beyond the RNIC's limit", why, why_size);
		goto err_free;
	}
	err = alloc_slots(conn);
	if (err)
		fail(err, "memory for requests", why, why_size);
	else if ((err = find_cq(conn)))
		fail(err, "no receives, or no room for completions", why, why_size);
	else if ((err = create_qp(conn)))
		fail(err, "no queue pair", why, why_size);
	else if ((err = read_path_mtu(conn)))
		fail(err, "the path MTU is unknown", why, why_size);
	else if ((err = np_rdma_rq_start(conn)))
		fail(err, "receives cannot be posted", why, why_size);
	if (err)
		goto err_free;
	np_rdma_fence_get(conn);
	np_rdma_mr_judge_conn(conn);
	*ret_conn = conn;
	return 0;

err_free:
	np_rdma_conn_free(conn);
	np_rdma_dev_put(dev);
	return err;
}

static void count_closed(struct np_rdma_conn *conn)
{
	np_traffic_add(&conn->dev->closed, &conn->queue.traffic);
	np_traffic_add(&conn->rdma->base.closed, &conn->queue.traffic);
}

void np_rdma_conn_free(struct np_rdma_conn *conn)
{
	count_closed(conn);
	if (conn->id->qp)
		rdma_destroy_qp(conn->id);
	if (conn->mr && ibv_dereg_mr(conn->mr))
		np_log_warn("%s: memory of conn %u could not be deregistered", conn->dev->name,
			conn->queue.id);
	np_rdma_fence_put(conn);
	leave_cq(conn);
	free(conn->wire_cqes);
	if (conn->slots)
		munmap(conn->slots, conn->nslots * sizeof(*conn->slots));
	np_list_del(&conn->link);
	conn->rdma->load[conn->queue.reactor->index]--;
	conn->rdma->base.nconns--;
	free(conn);
}
