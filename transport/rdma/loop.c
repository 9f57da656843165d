// SPDX-License-Identifier: BSD-3-Clause
/*
 * loop.c - a pair of queue pairs on one device, connected by hand.
 *
 * Thread: control thread.
 * Depends: libibverbs.
 */
#include "transport/rdma/loop.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "target/base/clock.h"

#define LOOP_TIMEOUT_MS 2000

static bool is_ipv4(const union ibv_gid *gid)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(gid->raw, prefix, sizeof(prefix)) == 0;
}

/* How well a GID suits: RoCE v2 over IPv4 works everywhere, RoCE v2 nearly. */
static int rate_gid(const struct ibv_gid_entry *entry)
{
	if (entry->gid_type == IBV_GID_TYPE_ROCE_V2)
		return is_ipv4(&entry->gid) ? 3 : 2;
	return 1;
}

static int find_gid(struct ibv_context *ctx, uint8_t port, struct ibv_gid_entry *ret_entry)
{
	struct ibv_gid_entry entries[256];
	ssize_t count = ibv_query_gid_table(ctx, entries, 256, 0);
	int best = 0;

	if (count < 0)
		return (int)count;
	for (ssize_t i = 0; i < count; i++) {
		if (entries[i].port_num != port || rate_gid(&entries[i]) <= best)
			continue;
		best = rate_gid(&entries[i]);
		*ret_entry = entries[i];
	}
	return best ? 0 : -EADDRNOTAVAIL;
}

static struct ibv_qp *create_qp(
	struct np_rdma_loop *loop, struct ibv_pd *pd, struct ibv_cq *send_cq, uint32_t sends)
{
	struct ibv_qp_init_attr init = {
		.send_cq = send_cq ? send_cq : loop->cq,
		.recv_cq = loop->cq,
		.qp_type = IBV_QPT_RC,
		.sq_sig_all = 1,
		.cap = {.max_send_wr = sends,
			.max_recv_wr = 1,
			.max_send_sge = 1,
			.max_recv_sge = 1},
	};

	return ibv_create_qp(pd, &init);
}

static int to_init(struct ibv_qp *qp, uint8_t port)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = port,
		.qp_access_flags = IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_WRITE,
	};

	return -ibv_modify_qp(
		qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS);
}

static int to_rtr(struct ibv_qp *qp, uint32_t peer_qpn, const struct ibv_gid_entry *gid,
	uint16_t lid, enum ibv_mtu mtu)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = mtu,
		.dest_qp_num = peer_qpn,
		.max_dest_rd_atomic = 1,
		.min_rnr_timer = 12,
		.ah_attr = {.is_global = 1,
			.dlid = lid,
			.port_num = (uint8_t)gid->port_num,
			.grh = {.dgid = gid->gid,
				.sgid_index = (uint8_t)gid->gid_index,
				.hop_limit = 64}},
	};

	return -ibv_modify_qp(qp, &attr,
		IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
			IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER);
}

static int to_rts(struct ibv_qp *qp)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTS,
		.timeout = 14,
		.retry_cnt = 3,
		.rnr_retry = 3,
		.max_rd_atomic = 1,
	};

	return -ibv_modify_qp(qp, &attr,
		IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
			IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC);
}

static int connect_one(struct ibv_qp *qp, uint32_t peer_qpn, const struct ibv_gid_entry *gid,
	uint16_t lid, enum ibv_mtu mtu)
{
	int err;

	err = to_init(qp, (uint8_t)gid->port_num);
	if (!err)
		err = to_rtr(qp, peer_qpn, gid, lid, mtu);
	if (!err)
		err = to_rts(qp);
	return err;
}

int np_rdma_loop_open(struct ibv_context *ctx, const struct np_rdma_loop_ends *ends, uint8_t port,
	enum ibv_mtu mtu, struct np_rdma_loop *ret_loop)
{
	struct np_rdma_loop loop = {0};
	struct ibv_gid_entry gid;
	struct ibv_port_attr attr;
	int err;

	err = find_gid(ctx, port, &gid);
	if (err)
		return err;
	err = -ibv_query_port(ctx, port, &attr);
	if (err)
		return err;
	loop.cq = ibv_create_cq(ctx, 8, NULL, NULL, 0);
	if (!loop.cq)
		return -errno;
	loop.near = create_qp(&loop, ends->near_pd, ends->near_cq, ends->sends);
	loop.far = loop.near ? create_qp(&loop, ends->far_pd, NULL, 1) : NULL;
	if (!loop.far) {
		err = -errno;
		goto err_close;
	}
	err = connect_one(loop.far, loop.near->qp_num, &gid, attr.lid, mtu);
	if (!err)
		err = connect_one(loop.near, loop.far->qp_num, &gid, attr.lid, mtu);
	if (err)
		goto err_close;
	*ret_loop = loop;
	return 0;

err_close:
	np_rdma_loop_close(&loop);
	return err;
}

void np_rdma_loop_close(struct np_rdma_loop *loop)
{
	if (loop->near)
		ibv_destroy_qp(loop->near);
	if (loop->far)
		ibv_destroy_qp(loop->far);
	if (loop->cq)
		ibv_destroy_cq(loop->cq);
	*loop = (struct np_rdma_loop){0};
}

int np_rdma_loop_run(struct np_rdma_loop *loop, enum ibv_wr_opcode opcode, struct ibv_sge *sge,
	uint64_t remote, uint32_t rkey, enum ibv_wc_status *ret_status)
{
	struct ibv_send_wr wr = {
		.sg_list = sge,
		.num_sge = 1,
		.opcode = opcode,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = {.remote_addr = remote, .rkey = rkey},
	};
	uint64_t deadline = np_clock_ms() + LOOP_TIMEOUT_MS;
	struct ibv_send_wr *bad;
	struct ibv_wc wc;
	int err, count;

	err = ibv_post_send(loop->near, &wr, &bad);
	if (err)
		return -err;
	do {
		count = ibv_poll_cq(loop->cq, 1, &wc);
		if (count < 0)
			return -EIO;
		if (count) {
			*ret_status = wc.status;
			return 0;
		}
	} while (np_clock_ms() < deadline);
	return -ETIMEDOUT;
}
