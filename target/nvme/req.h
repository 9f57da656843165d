/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * req.h - one command on its way from capsule to completion.
 *
 * begin -> get_buf -> (pull) -> execute -> complete -> respond -> release. Embedded in the
 * transport's request slot, which is recycled and never freed while the connection lives.
 *
 * Thread: the reactor of req->queue.
 * Depends: queue.h, backend.h, wire.h.
 */
#ifndef NP_NVME_REQ_H
#define NP_NVME_REQ_H

#include <stdbool.h>
#include <stdint.h>

#include "target/backend/backend.h"
#include "target/base/list.h"
#include "target/base/wire.h"
#include "target/nvme/gate.h"
#include "target/nvme/queue.h"

/* For asserts, traces and teardown; never for dispatch. Only req.c writes it. */
enum np_req_step {
	NP_REQ_FREE,
	NP_REQ_BEGIN,
	NP_REQ_WAIT_BUF,
	NP_REQ_PULL,
	NP_REQ_EXECUTE,
	NP_REQ_PUSH,
	NP_REQ_RESPOND,
};

/* Direction of a command's data. The values are bits 1:0 of every opcode. */
enum np_dir {
	NP_DIR_NONE = 0,
	NP_DIR_FROM_HOST = 1,
	NP_DIR_TO_HOST = 2,
};

#define NP_ERROR_LOC_UNKNOWN UINT16_MAX
#define NP_ROOM_BYTES (128u * 1024u) /* what a pool can give: less, if that is less */

/* Where the host's data is. Filled by the transport from the capsule. */
struct np_sgl_seg {
	uint64_t addr;
	uint32_t bytes;
	uint32_t key;
};

enum np_data_kind {
	NP_DATA_NONE,
	NP_DATA_INLINE, /* in the capsule */
	NP_DATA_KEYED,  /* in the host's memory */
};

struct np_data {
	enum np_data_kind kind;
	uint32_t bytes;         /* sum of all segments */
	uint32_t inline_offset; /* from the end of the SQE */
	bool invalidate;        /* answer with SEND with invalidate of invalidate_key */
	uint32_t invalidate_key;
	uint16_t nsegs;
	struct np_sgl_seg segs[NP_MAX_SGL_SEGS];
};

struct np_abort;
struct np_smart;
struct np_fused;
struct np_scrub;

struct np_req {
	struct np_queue *queue;
	enum np_req_step step;
	struct np_sqe sqe; /* a private copy: the host can write into the capsule's memory */
	struct np_cqe cqe;
	const struct np_cmd *cmd;
	struct np_ns *ns; /* NULL unless the command has one */

	struct np_data data;
	uint32_t bytes; /* length of the command's data, equal to data.bytes once checked */
	uint8_t *icd;   /* in-capsule data; valid for NP_DATA_INLINE */
	uint8_t *va;    /* the current piece of data: in buf, or in the capsule */
	uint32_t piece_offset, piece_bytes; /* of the host's data, what va holds */
	struct np_buf buf;
	struct np_pool_waiter waiter;
	uint8_t staged;         /* enum np_staged: why buf is not peer memory, if it is not */
	bool avoids_peer;       /* peer memory was away while this command used it */
	bool is_charged;        /* it has its place in the limits of its namespace, see qos.h */
	bool is_pushed;         /* all of its data is with the host, before the response */
	uint32_t epoch;         /* of buf's memory, see witness.h */
	struct np_scrub *scrub; /* its data is being looked at again, see scrub.h; else NULL */
	struct np_abort *abort; /* the host wants it to end, see abort.h; else NULL */
	struct np_io io;
	struct np_list link;      /* in queue->waiting, ->retry or ->first, or in ns->use[].line */
	struct np_msg msg;        /* to the control thread and back */
	struct np_gate_pass pass; /* while it is at work on its namespace */
	struct np_smart *smart;   /* what is gathered for its log, see smart.c; else NULL */
	struct np_fused *fused;   /* it is half of a pair; else NULL */
	uint16_t error_loc; /* byte of the SQE that was wrong, for the error log; 0xffff unknown */
	uint8_t error_bit;
};

/* One supported command. */
struct np_cmd {
	const char *name;
	enum np_dir dir;
	unsigned int flags;
	/*
	 * Checks the command's fields and says how much data it has.
	 * @ret_bytes: 0 at entry
	 */
	struct np_status (*check)(struct np_req *req, uint32_t *ret_bytes);
	/*
	 * Runs the command with the data of dir FROM_HOST at req->va. Ends, now or later, in one
	 * np_req_complete() or np_req_piece_done().
	 */
	void (*execute)(struct np_req *req);
};

enum {
	NP_CMD_PEER = 1 << 0, /* its buffer may be the namespace's peer memory */
	NP_CMD_PIECES =
		1 << 1,        /* may run piece by piece when the buffer is smaller than the data */
	NP_CMD_TWICE = 1 << 2, /* needs a second buffer as long as the first, behind it */
	NP_CMD_CHANGES_MEDIA = 1 << 3, /* for the effects log */
	NP_CMD_NO_READY = 1 << 4,      /* is taken while the controller is not ready */
	NP_CMD_DISCOVERY = 1 << 5,     /* admin commands: a discovery controller has it too */
	NP_CMD_READS = 1 << 6,         /* only looks at blocks: what a reservation may allow */
	NP_CMD_RESERVES = 1 << 7,      /* is about reservations, which do not forbid it */
	NP_CMD_ROOM = 1 << 8, /* needs a buffer of NP_ROOM_BYTES, its data and room to work with */
	NP_CMD_EXTENT = 1 << 9,    /* its blocks are those of SLBA and NLB */
	NP_CMD_EXTENTS = 1 << 10,  /* its data says which blocks */
	NP_CMD_FIRST = 1 << 11,    /* may be the first of a fused pair */
	NP_CMD_SECOND = 1 << 12,   /* and the second */
	NP_CMD_ZONED = 1 << 13,    /* of the Zoned Namespace Command Set alone */
	NP_CMD_MANAGES = 1 << 14,  /* changes which namespaces there are; only with a manager */
	NP_CMD_UNPROVEN = 1 << 15, /* is taken before the host has proven who it is */
};

/* Tables in cmd.c. Return: NULL for an unsupported opcode. */
const struct np_cmd *np_cmd_find_admin(uint8_t opcode);
const struct np_cmd *np_cmd_find_discovery(uint8_t opcode);
const struct np_cmd *np_cmd_find_io(uint8_t opcode);
const struct np_cmd *np_cmd_find_fabrics(uint8_t fctype, bool is_admin);

/* Calls from the transport ------------------------------------------------------------------ */

/**
 * np_req_begin() - take a command
 * @req: a free slot whose queue is set and whose data the transport has filled
 * @sqe: copied
 * @icd: in-capsule data, stays valid until respond(); NULL if there is none
 * @sgl_status: what the transport thinks of the SGL; answered to the host if it is an error
 */
void np_req_begin(
	struct np_req *req, const struct np_sqe *sqe, void *icd, struct np_status sgl_status);

/* pull() has filled req->va, or failed because the connection is dying (@err < 0). */
void np_req_pulled(struct np_req *req, int err);

/* push() has sent req->va to the host, or failed as above. */
void np_req_pushed(struct np_req *req, int err);

/* The response is out (or will never be): the slot's resources are given back. */
void np_req_release(struct np_req *req);

/* Calls from the commands ------------------------------------------------------------------- */

/**
 * np_req_piece_done() - the current piece of a NP_CMD_PIECES command was executed
 *
 * Goes on with the next piece, or completes the command after the last one or an error.
 */
void np_req_piece_done(struct np_req *req, struct np_status status);

/**
 * np_req_take_buf() - take a buffer, or wait for one
 * @granted: called with the buffer if there is none now; takes req->link out of its list first
 *
 * Return: true with a buffer.
 */
bool np_req_take_buf(struct np_req *req, struct np_pool *pool, uint32_t bytes,
	void (*granted)(struct np_pool_waiter *waiter, struct np_buf buf), struct np_buf *ret_buf);

/* Fetches the host's data [piece_offset, +piece_bytes) to req->va; goes on in scrub.c. */
void np_req_pull_again(struct np_req *req);

/* The backend was busy, or the gate shut: again in a millisecond. */
void np_req_retry(struct np_req *req);

/* For req.c, queue.c, qos.c: the gate was shut and may be open now, or there is room in the limits. */
void np_req_begin_again(struct np_req *req);

/* Is it a command that is not answered yet? */
static inline bool np_req_is_open(const struct np_req *req)
{
	return req->step != NP_REQ_FREE && req->step != NP_REQ_RESPOND;
}

/* Is it in a list of those that wait, its queue's or its namespace's, with no work of its own on the way? */
static inline bool np_req_is_waiting(const struct np_req *req)
{
	return !np_list_is_empty(&req->link);
}

/*
 * Between two parts of a command: may the next one begin? A host that has gone is owed no work, one that
 * wants the command aborted no more of it.
 * Return: success, or the status to answer with.
 */
struct np_status np_req_must_end(const struct np_req *req);

/* Answers a request that is waiting. */
void np_req_give_up(struct np_req *req, struct np_status status);

/* Answers the command. Exactly once a command. */
void np_req_complete(struct np_req *req, struct np_status status);

/* Is there a piece to be sent before the response? For respond(). */
static inline bool np_req_has_data_out(const struct np_req *req)
{
	return req->cmd && req->cmd->dir == NP_DIR_TO_HOST && req->bytes && !req->cqe.status &&
		!req->is_pushed;
}

/* Is the current piece the last one? */
static inline bool np_req_is_last_piece(const struct np_req *req)
{
	return req->piece_offset + req->piece_bytes == req->bytes;
}

/*
 * An RNIC that is a device learns that memory it reads is away, and fails. A software RNIC does not,
 * and what it has sent is looked at before the host is answered.
 */
static inline bool np_req_must_watch_push(const struct np_req *req)
{
	return req->cmd->dir == NP_DIR_TO_HOST && req->queue->is_software && req->buf.pool &&
		req->buf.pool->region->is_peer;
}

/* Between req.c, req_buf.c and fused.c ------------------------------------------------------ */

/* Begins a command that may: its buffer, its data, and so on. */
void np_req_start(struct np_req *req);

/* Takes a buffer for the pieces that are left, and goes on with np_req_next_piece(). */
void np_req_get_buf(struct np_req *req);
void np_req_next_piece(struct np_req *req);

/* Was the memory of the buffer there since the request has it? */
bool np_req_had_memory(const struct np_req *req);

/* Does the current piece again, in host memory. */
void np_req_redo_piece(struct np_req *req);

/* Where the second buffer of a NP_CMD_TWICE command is. */
static inline uint8_t *np_req_second_va(const struct np_req *req)
{
	return (uint8_t *)req->buf.va + req->buf.bytes / 2;
}

/* np_req_complete() with command specific dword 0 of the CQE. */
void np_req_complete_dw0(struct np_req *req, uint32_t dw0);

/* Notes for the error log which SQE field was wrong: for use in `return np_req_bad(...)`. */
static inline struct np_status np_req_bad(
	struct np_req *req, uint16_t byte, uint8_t bit, struct np_status status)
{
	req->error_loc = byte;
	req->error_bit = bit;
	return status;
}

#define np_req_bad_field(req, member, bit)                    \
	np_req_bad(req, offsetof(struct np_sqe, member), bit, \
		np_status_generic(NVME_SC_INVALID_FIELD))

/* There is no such namespace for the command. */
static inline struct np_status np_req_bad_nsid(struct np_req *req)
{
	return np_req_bad(
		req, offsetof(struct np_sqe, nsid), 0, np_status_generic(NVME_SC_INVALID_NS));
}

/* There is no such command, or not for its namespace. */
static inline struct np_status np_req_bad_opcode(struct np_req *req)
{
	return np_req_bad(
		req, offsetof(struct np_sqe, opcode), 0, np_status_generic(NVME_SC_INVALID_OPCODE));
}

#endif
