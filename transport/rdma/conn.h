/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * conn.h - a connection: one queue pair, its capsules and its request slots.
 *
 * The control thread builds it (build.c), decides about its state (conn.c) and frees it; in between
 * it belongs to one reactor (recv.c, rw.c, drain.c).
 *
 * Thread: by section of the struct.
 * Depends: cm.h, cq.h, dev.h, req.h.
 */
#ifndef NP_RDMA_CONN_H
#define NP_RDMA_CONN_H

#include <ev.h>
#include <rdma/rdma_cma.h>
#include <stdbool.h>
#include <stdint.h>

#include "target/nvme/req.h"
#include "transport/rdma/cm.h"
#include "transport/rdma/cq.h"
#include "transport/rdma/dev.h"
#include "transport/rdma/priv.h"
#include "transport/rdma/rq.h"
#include "transport/rdma/sendq.h"

enum np_rdma_state {
	NP_RDMA_BUILDING, /* handed to the reactor, which has not said yes yet */
	NP_RDMA_ADOPTED,  /* accepted; the host has not confirmed */
	NP_RDMA_LIVE,
	NP_RDMA_DRAINING, /* the QP flushes */
	NP_RDMA_SWEEPING, /* the QP is gone; backends may still hold requests */
	NP_RDMA_DRAINED,  /* nothing refers to it any more */
};

struct np_rdma_conn;

/* Pieces of memory in a receive. */
#define NP_RDMA_RECV_SGES 2

/*
 * Where a capsule arrives. A resource of its own: it is given back as soon as nothing in it is used
 * any more.
 */
struct np_rdma_recv {
	struct np_rdma_op op;
	struct np_list link; /* in conn->recv_wait */
	struct np_rdma_rq *rq;
	const struct np_sqe *sqe; /* the capsule's two parts */
	uint8_t *data;
	uint32_t lkey;  /* of both */
	uint32_t bytes; /* arrived of both */
};

/*
 * A command and the work requests done for it. At a time it does one job: a pull, a push or a
 * response.
 */
struct np_rdma_slot {
	struct np_req req;
	struct np_list link; /* free, or in read_wait or send_wait of the connection */
	struct np_rdma_conn *conn;
	struct np_rdma_recv *recv; /* its capsule, while data in it is used; else NULL */
	struct np_rdma_op part_op; /* one of a job's RDMA work requests */
	struct np_rdma_op last_op; /* the last one of a chain, the only one that is signalled */
	struct np_rdma_op fence_op;
	struct np_rdma_later later;
	/* Called once at the end of the job; @err is 0 or negative. */
	void (*over)(struct np_rdma_slot *slot, int err);
	const char *verb;  /* of the job, for logs */
	uint16_t posted;   /* segments of the piece that are posted */
	uint16_t inflight; /* work requests that are not completed */
	uint16_t chain;    /* send queue entries that last_op gives back */
	bool is_waited;    /* counted in the reactor's nwaiting */
	bool is_fenced;    /* what is in flight is its fence */
	int err;
};

struct np_rdma_conn {
	/* Constant after build.c, but for queue: */
	struct np_queue queue; /* the reactor's */
	struct np_rdma_endpoint endpoint;
	struct np_rdma *rdma;
	struct np_rdma_dev *dev;
	struct np_rdma_cq *cq;
	struct np_rdma_fence *fence; /* for what is pulled into peer memory, or NULL */
	char fence_reason[96];       /* why there is none though its device needs one */
	struct ibv_qp *qp;           /* valid until SWEEPING */
	uint32_t qp_num;
	struct np_rdma_rq *rq;
	struct np_rdma_slot *slots; /* room for nslots */
	uint32_t nslots;
	struct np_cqe *wire_cqes; /* registered copies, one a slot; NULL if has_inline */
	struct ibv_mr *mr;        /* of wire_cqes */
	uint32_t inline_bytes;    /* in-capsule data that is taken */
	uint32_t read_limit;      /* READs that may be outstanding */
	bool has_inline;          /* the QP sends a CQE without reading memory */
	char host[64];            /* numeric address */
	uint32_t path_mtu;        /* bytes */
	uint64_t born_ms;         /* CLOCK_MONOTONIC */

	/* Reactor only: */
	struct np_list by_qp_num; /* in cq->conns */
	struct np_list free_slots;
	struct np_list recv_wait;            /* capsules without a slot */
	struct np_list read_wait, send_wait; /* jobs without send queue entries or read credits */
	uint32_t slots_made;                 /* the first ones, so many */
	uint32_t slots_used;
	uint32_t recvs_posted; /* of its own; those that it shares are not flushed with its QP */
	uint32_t unanswered;   /* commands; a host may have as many as the queue is deep */
	uint32_t read_credits;
	struct np_rdma_sendq sq;
	struct np_rdma_later post; /* of what is gathered in sq */
	struct np_rdma_stall {
		struct np_timer timer;
		uint32_t completed, seen; /* work requests; now and at the last look */
		unsigned int looks;       /* in a row at which some waited and none had completed */
	} stall;
	bool is_failed;  /* control has been told */
	bool is_stopped; /* nothing is posted any more */
	bool is_quiet;   /* control has been told */
	bool is_swept;
	char failure[128];
	struct np_msg fail_msg, quiet_msg; /* to control */

	/* Control thread only: */
	enum np_rdma_state state;
	struct rdma_cm_id *id;
	struct np_list link;                           /* in rdma->conns */
	struct ev_timer timer;                         /* greeting, then drain */
	struct np_msg adopt_msg, drain_msg, sweep_msg; /* to the reactor and back */
};

/* "building" and so on. */
const char *np_rdma_state_name(enum np_rdma_state state);

/* Calls on the control thread --------------------------------------------------------------- */

/**
 * np_rdma_conn_start() - build a connection and hand it to a reactor
 * @id: of the connection request; belongs to the connection on success
 * @port: where it came in
 * @priv: what the host asks for
 * @param: of the connection request
 * @ret_status: why the host is to be turned away
 *
 * Return: 0, or -errno and @ret_status with a sentence in @why.
 */
int np_rdma_conn_start(struct np_rdma *rdma, struct rdma_cm_id *id, struct np_port *port,
	const struct np_priv *priv, const struct rdma_conn_param *param,
	enum np_cm_status *ret_status, char *why, size_t why_size);

/* Begins the teardown; does nothing if it has begun. Never frees within the call. */
void np_rdma_conn_gone(struct np_rdma_conn *conn, const char *why);

/* build.c: all but the handover. */
int np_rdma_conn_build(struct np_rdma *rdma, struct np_rdma_dev *dev, struct rdma_cm_id *id,
	struct np_port *port, const struct np_priv *priv, const struct rdma_conn_param *param,
	struct np_rdma_conn **ret_conn, char *why, size_t why_size);

/* build.c: the undo; the QP may be gone already. The id and the use of the device stay. */
void np_rdma_conn_free(struct np_rdma_conn *conn);

/* Calls on the reactor ---------------------------------------------------------------------- */

/* Something went wrong that ends the connection; the first reason is kept. */
void np_rdma_conn_fail(struct np_rdma_conn *conn, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* drain.c: takes the connection's last resources back; see there. For np_msg.fn. */
void np_rdma_conn_stop(struct np_rdma_conn *conn);
void np_rdma_conn_sweep(struct np_rdma_conn *conn);

/* drain.c: something was given back; if it was the last, control is told. */
void np_rdma_conn_check_idle(struct np_rdma_conn *conn);

/* conn.c: answers to the control thread, which drain.c sends. */
void np_rdma_conn_say_stopped(struct np_rdma_conn *conn);
void np_rdma_conn_say_quiet(struct np_rdma_conn *conn);
void np_rdma_conn_say_swept(struct np_rdma_conn *conn);
void np_rdma_conn_say_failed(struct np_rdma_conn *conn);

#endif
