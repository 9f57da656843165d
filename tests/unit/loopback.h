/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * loopback.h - a whole target in one thread for unit tests: a transport whose wire is memcpy, a
 * backend that is RAM, a reactor and a control thread that run when np_lb_pump() says so.
 *
 * Nothing happens between two calls: np_lb_send() hands a capsule over, np_lb_pump() runs the
 * world until it is idle. Memory keys do not exist: an SGL's addresses are pointers.
 * Depends: nvme room.
 */
#ifndef NP_TESTS_LOOPBACK_H
#define NP_TESTS_LOOPBACK_H

#include "target/nvme/ctrl.h"
#include "target/nvme/registry.h"
#include "target/nvme/req.h"

#define NP_LB_HOSTNQN "nqn.2014-08.org.nvmexpress:uuid:host-1"
/* The subsystem of most tests: allows NP_LB_HOSTNQN; namespaces 1 and 3. */
#define NP_LB_SUBNQN "nqn.2026-01.org.example:a"
/* Allows any host; no namespaces. On the first port only. */
#define NP_LB_SUBNQN_OPEN "nqn.2026-01.org.example:open"
/* Allows another host only. On the first port only. */
#define NP_LB_SUBNQN_OTHER "nqn.2026-01.org.example:other"

#define NP_LB_DEPTH 32
#define NP_LB_NS_BLOCKS 4096u
#define NP_LB_BLOCK_SHIFT 9
#define NP_LB_POOL_BYTES (4u * 1024 * 1024)
#define NP_LB_MAX_PENDING 64
#define NP_LB_MAX_CONNS 16
#define NP_LB_REGION_PEER 2u

/* A RAM-backed np_backend; tests turn its switches. */
struct np_lb_backend {
	struct np_backend base;
	uint8_t *blocks;
	bool is_queued;               /* complete later, not within submit() */
	bool is_held;                 /* with is_queued: do not complete until this is cleared */
	bool can_cancel;              /* operations that are not completed yet */
	unsigned int busy_left;       /* that many submits are answered NP_IO_BUSY */
	uint32_t appended;            /* with base.zoned: blocks, in the one zone that is used */
	uint8_t zone_ext[64];         /* that was set last */
	struct nvme_smart_log health; /* with base.has_health; asked for later, as by a drive */
	struct np_sqe passed;         /* with base.can_passthru: the last that was handed over */
	uint64_t passed_result;       /* and what it is answered with */
	uint8_t spoils_writes;        /* these bits of each write's first byte come out wrong */
	struct np_status fail;        /* status of each operation of kind fail_op */
	enum np_io_op fail_op;
	unsigned int ops_seen[NP_IO_OPS];
	struct np_io last; /* copy of the newest operation */
	struct {
		struct np_io *io;
		struct np_status status;
	} pending[NP_LB_MAX_PENDING];
	unsigned int npending;
	struct np_uring_op *cancel; /* its done() is to be called */
};

enum np_lb_wire {
	NP_LB_IDLE,
	NP_LB_PULL,
	NP_LB_PUSH,
	NP_LB_RESPOND,
};

/* One command of a test. */
struct np_lb_slot {
	struct np_req req;
	enum np_lb_wire wire; /* what the transport has to do */
	bool is_used;
	unsigned int answers; /* responses sent; 1 is right */
	unsigned int releases;
	struct np_cqe cqe; /* of the response */
};

struct np_lb;

struct np_lb_conn {
	struct np_queue queue;
	struct np_lb *lb;
	bool must_drain, is_drained, is_closed;
	const char *why; /* of abort_conn() */
	struct np_lb_slot slots[NP_LB_DEPTH];
	unsigned int pulls, pushes;          /* calls of the transport ops */
	void (*on_pull)(struct np_req *req); /* when the data of a pull is there, or NULL */
};

struct np_lb {
	struct np_reactor reactor;
	struct np_runtime runtime;
	struct np_mem mem;
	struct np_mem_region regions[3]; /* host, admin, peer */
	struct np_transport transport;
	struct np_target target;
	struct np_port ports[2]; /* 10.0.0.1:4420 with all three; 0.0.0.0:4421 with the first */
	struct np_subsys subsys, open_subsys, other_subsys;
	struct np_ns ns[2]; /* nsid 1 and 3 */
	struct np_lb_backend backends[2];
	struct np_lb_conn *conns[NP_LB_MAX_CONNS];
	unsigned int nconns;
};

extern const struct np_backend_ops np_lb_backend_ops;
extern const struct np_transport_ops np_lb_transport_ops;

/* Builds the world above. There is one at a time. */
struct np_lb *np_lb_open(void);

/* Drains all connections, checks that nothing is left over, frees. */
void np_lb_close(struct np_lb *lb);

/* A connection at lb->ports[0] whose first capsule has not come. Freed by np_lb_close(). */
struct np_lb_conn *np_lb_conn_new(struct np_lb *lb, uint16_t qid, uint16_t depth);

/* Ends the oldest operation that waits, held or not. */
void np_lb_backend_complete_first(struct np_lb_backend *backend);

/* Messages, pollers, wire and backends, until nothing moves. */
void np_lb_pump(struct np_lb *lb);

/* Lets @ms pass, in steps of 100 ms with np_lb_pump() after each. */
void np_lb_advance(struct np_lb *lb, uint64_t ms);

/* The host goes away. Takes effect in the next np_lb_pump(). */
void np_lb_disconnect(struct np_lb_conn *conn);

/* An SQE with an SGL, its opcode and NSID set. */
struct np_sqe np_lb_sqe(uint8_t opcode, uint32_t nsid);

/**
 * np_lb_send() - hand over a capsule
 * @sqe: its CID is set here
 * @buf: the host's buffer, read or written by the command; NULL without data
 *
 * Return: the command, which is in flight until slot->answers is 1.
 */
struct np_lb_slot *np_lb_send(
	struct np_lb_conn *conn, struct np_sqe sqe, void *buf, uint32_t bytes);

/* np_lb_send() with data already described; @icd and @sgl_status as for np_req_begin(). */
struct np_lb_slot *np_lb_send_data(struct np_lb_conn *conn, struct np_sqe sqe,
	const struct np_data *data, void *icd, struct np_status sgl_status);

/* Sends, pumps, and asserts that there was exactly one answer. Return: its CQE. */
struct np_cqe np_lb_exec(struct np_lb_conn *conn, struct np_sqe sqe, void *buf, uint32_t bytes);

/* The status in @cqe. */
static inline struct np_status np_lb_status(struct np_cqe cqe)
{
	return (struct np_status){(uint16_t)(cqe.status >> 1)};
}

/* Fails the test unless @cqe has the status type and code of @want. */
void np_lb_assert_status(struct np_cqe cqe, struct np_status want);

/* A right Connect: 32 entries, KATO 0. */
struct np_sqe np_lb_connect_sqe(uint16_t qid);
void np_lb_connect_data(
	struct nvmf_connect_data *data, const char *subnqn, const char *hostnqn, uint16_t cntlid);

/* Connects an admin queue; enabled unless @is_enabled is false. */
struct np_lb_conn *np_lb_connect_admin(struct np_lb *lb, const char *subnqn, bool is_enabled);

/* Connects an I/O queue to @admin's controller. */
struct np_lb_conn *np_lb_connect_io(struct np_lb *lb, struct np_lb_conn *admin, uint16_t qid);

/* Property commands; @size_code as in ATTRIB. */
struct np_cqe np_lb_property_get(struct np_lb_conn *conn, uint32_t offset, uint8_t size_code);
struct np_cqe np_lb_property_set(
	struct np_lb_conn *conn, uint32_t offset, uint8_t size_code, uint64_t value);

#endif
