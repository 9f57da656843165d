/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * loop.h - two queue pairs of one device, connected to each other: for self-tests and fences.
 *
 * Thread: control thread.
 * Depends: libibverbs.
 */
#ifndef NP_RDMA_LOOP_H
#define NP_RDMA_LOOP_H

#include <infiniband/verbs.h>
#include <stdint.h>

struct np_rdma_loop {
	struct ibv_cq *cq;
	struct ibv_qp *near, *far; /* near works, far only answers */
};

struct np_rdma_loop_ends {
	struct ibv_pd *near_pd, *far_pd;
	struct ibv_cq *near_cq; /* for what the near end sends; NULL: one of the loop's own */
	uint32_t sends;         /* work requests at a time */
};

/**
 * np_rdma_loop_open() - connect a pair through the fabric's own loopback
 * @port: an active one
 * @mtu: path MTU of the pair
 *
 * Return: 0 or -errno; -EADDRNOTAVAIL if the port has no address to connect to.
 */
int np_rdma_loop_open(struct ibv_context *ctx, const struct np_rdma_loop_ends *ends, uint8_t port,
	enum ibv_mtu mtu, struct np_rdma_loop *ret_loop);

void np_rdma_loop_close(struct np_rdma_loop *loop);

/**
 * np_rdma_loop_run() - one RDMA READ or WRITE, to its end; of a loop with a queue of its own
 * @opcode: IBV_WR_RDMA_READ or IBV_WR_RDMA_WRITE
 * @sge: local memory
 * @remote: address of sge->length bytes in memory that @rkey opens
 * @ret_status: what the completion says
 *
 * Return: 0, -errno of the post, or -ETIMEDOUT without a completion.
 */
int np_rdma_loop_run(struct np_rdma_loop *loop, enum ibv_wr_opcode opcode, struct ibv_sge *sge,
	uint64_t remote, uint32_t rkey, enum ibv_wc_status *ret_status);

#endif
