/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rdma_world.h - a connection on a queue pair that only remembers what is posted; the NVMe side and
 * the control thread are stubs that count. For the tests of rw.c, recv.c, drain.c
 * and stall.c.
 *
 * Depends: cmocka, transport/rdma.
 */
#ifndef NP_TESTS_RDMA_WORLD_H
#define NP_TESTS_RDMA_WORLD_H

#include "transport/rdma/conn.h"
#include "transport/rdma/recv.h"
#include "transport/rdma/rw.h"
#include "transport/rdma/stall.h"

#define SLOTS 4
#define RECVS 2
#define MAX_WRS 64
#define QP_NUM 0x517

/* The queue pair: what was posted. */
extern struct fake_qp {
	struct ibv_send_wr wrs[MAX_WRS];
	struct ibv_sge sges[MAX_WRS];
	unsigned int count, done; /* posted; completed so far */
	unsigned int recvs, shared_recvs, doorbells;
	int fail_at;      /* refuse this work request, -1 for none */
	int doorbell_err; /* refuse none, and fail all the same */
} fake;

/* The stubs: how often each was called. */
extern struct seen {
	unsigned int begun, pulled, pushed, released, stopped, quiet, swept, failed;
	int err;
	struct np_req *last;
	bool complete_on_drain;
} seen;

struct world {
	struct ibv_context ctx;
	struct ibv_qp qp;
	struct ibv_srq srq;
	struct ibv_mr mr;
	struct np_rdma_dev dev;
	struct np_rdma_cq cq;
	struct np_rdma_conn conn;
	struct np_rdma_slot slots[SLOTS];
	struct np_rdma_rq rq;
	struct np_rdma_recv recvs[RECVS];
	struct np_sqe sqes[RECVS];
	uint8_t recv_data[RECVS][256];
	struct np_reactor reactor;
	struct np_mem_region region;
	struct np_pool pool;
	uint8_t data[65536];
};

extern const struct np_cmd cmd_read, cmd_write;

/* A connection with SLOTS slots and RECVS posted receives; also clears fake and seen. */
struct world *world_new(uint32_t sq_entries, uint32_t read_limit);

/* From now on the receives are shared with other connections. */
void share(struct world *w);

/* Has the operation of @wr_id completed. */
void complete(uint64_t wr_id, enum ibv_wc_status status, uint32_t bytes);

/* What was gathered is posted. */
void end_turn(struct world *w);

/* A turn that completes the oldest work request: one that is not signalled only with an error. */
void complete_next(struct world *w, enum ibv_wc_status status);

/* A capsule arrives; returns the request that it became. */
struct np_req *arrive(struct world *w, unsigned int recv);

/* As arrive(), with data in the capsule. */
struct np_req *arrive_inline(struct world *w, unsigned int recv);

/* Gives @req @nsegs segments of @seg_bytes each. */
void set_data(struct world *w, struct np_req *req, const struct np_cmd *cmd, unsigned int nsegs,
	uint32_t seg_bytes);

/* A turn that does what was put off to it. */
void run_later(struct world *w);

#endif
