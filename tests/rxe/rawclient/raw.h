/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * raw.h - a host on bare verbs, for what no proper host would send.
 *
 * A case opens queues, sends capsules as it likes, and says what it got instead of what it wanted.
 * The first RAW_SCRATCH_BYTES of the namespace are overwritten; nothing else is.
 *
 * Thread: one.
 * Depends: librdmacm, libibverbs, wire.h, le.h.
 */
#ifndef NP_RAW_H
#define NP_RAW_H

#include <nvme/types.h>
#include <rdma/rdma_cma.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/base/wire.h"

#define RAW_SCRATCH_BYTES (8u << 20)
#define RAW_DATA_BYTES (2u << 20)
#define RAW_CAPSULE_BYTES (40u << 10) /* the longest that can be sent */
#define RAW_SENDS 64u                 /* capsules on their way at a time */
#define RAW_RECVS 256u
#define RAW_DEPTH 32u

/* Both are to be allowed, with another letter at the end neither is. */
#define RAW_HOSTNQN "nqn.2024-01.test:rawclient"
#define RAW_OTHER_HOSTNQN "nqn.2024-01.test:rawclient-2"

/* Status codes as they are compared here: SCT in 10:8, SC in 7:0. */
#define RAW_SPECIFIC(sc) ((uint16_t)(NVME_SCT_CMD_SPECIFIC << NVME_SCT_SHIFT | (sc)))
#define RAW_MEDIA(sc) ((uint16_t)(NVME_SCT_MEDIA << NVME_SCT_SHIFT | (sc)))
#define RAW_PATH(sc) ((uint16_t)(NVME_SCT_PATH << NVME_SCT_SHIFT | (sc)))

/* A connection request. */
struct raw_params {
	struct np_cm_req req;
	uint8_t private_bytes; /* of req that are sent */
	uint8_t read_limit;    /* RDMA READs that the target may have outstanding */
	uint8_t retries;       /* of the target's RNIC, 7 is for ever with some */
	unsigned int recvs;    /* posted from the beginning */
};

struct raw_answer {
	struct np_cqe cqe;
	unsigned int wc_flags;
	uint32_t key; /* that was invalidated, if it was a SEND with invalidate */
};

struct raw_queue {
	struct raw_env *env;
	struct rdma_event_channel *channel;
	struct rdma_cm_id *id;
	struct ibv_cq *cq;
	struct ibv_mr *mr;
	uint8_t *memory;      /* capsules to send, then buffers to receive */
	uint64_t sends_taken; /* bit per capsule buffer */
	uint16_t next_cid;
	bool is_flushed; /* a work request failed: the QP is in the error state */
	bool is_closed;  /* the target disconnected */
	unsigned int head, tail;
	struct raw_answer answers[RAW_RECVS]; /* received, in order: [tail, head) */
};

/* An enabled controller with one I/O queue. */
struct raw_ctrl {
	struct raw_queue *admin, *io;
	uint16_t cntlid;
};

struct raw_env {
	/* From the command line: */
	const char *address, *service, *subnqn;
	uint32_t nsid;
	uint16_t cntlid; /* that an admin queue asks for: FFFFh, FFFEh for a static one */
	uint8_t css;     /* CC.CSS: command sets that are enabled */

	bool is_other_host; /* connects by another NQN and ID */

	struct ibv_pd *pd; /* of the device that reaches the target; NULL before the first queue */
	struct ibv_mr *data_mr;
	uint8_t *data;           /* RAW_DATA_BYTES, readable and writable by the target */
	struct raw_ctrl *shared; /* for cases that do no harm; opened when it is wanted */

	/* From Identify, once shared was opened: */
	uint32_t nn, block_bytes, mdts_bytes, inline_bytes;
	uint16_t msdbd, oncs;
	uint64_t nblocks;

	char detail[240]; /* of the running case */
};

/* Connect, before it is sent. */
struct raw_connect {
	struct np_connect_cmd cmd;
	struct nvmf_connect_data data;
	uint32_t bytes; /* of data */
	bool is_inline; /* data in the capsule */
};

#define RAW_NSID_OURS 0xfffffff0u /* raw_env.nsid */

/* A command by its fields, and which of them the error log is to name. */
struct raw_fields {
	bool is_io;
	uint8_t opcode;
	uint32_t nsid;
	uint32_t cdw10_15[6];
	uint32_t bytes;   /* of data */
	const void *data; /* what it begins with; NULL: whatever is there */
	uint32_t data_bytes;
	uint8_t byte, bit; /* of the command */
	bool is_unnamed;   /* the log names none */
};

/* What a case needs depends on run; unused members are zero. */
struct raw_case {
	const char *name;
	bool (*run)(struct raw_env *env, const struct raw_case *self);
	uint16_t want; /* status or reject code */
	void (*twist_cm)(struct raw_params *params);
	void (*twist_connect)(struct raw_connect *connect);
	void (*twist)(const struct raw_env *env, struct np_sqe *sqe);
	const struct raw_fields *fields;
	uint16_t ipo;     /* byte that a refused Connect names */
	bool ipo_in_data; /* in its data, else in its SQE */
	bool is_by_name;  /* runs only if it is named: slow, or for a target of its own */
};

/* Each ends with an entry without a name. */
#define RAW_NO_FIELD UINT16_MAX /* for raw_is_logged() */

/*
 * Is the newest entry of the error log that of @sqe, with status @want and the wrong field at @where, byte
 * in 7:0 and bit in 10:8?
 */
bool raw_is_logged(
	struct raw_env *env, const struct np_sqe *sqe, bool is_io, uint16_t want, uint16_t where);

/* Sends the command of self->fields: the answer is self->want, and the error log says the same. */
bool raw_run_fields(struct raw_env *env, const struct raw_case *self);

/* Rows of tables of them: a command of the admin queue, and of the I/O queue. */
#define RAW_FIELDS(title, status, ...)                                \
	{                                                             \
		.name = title, .run = raw_run_fields, .want = status, \
		.fields = &(const struct raw_fields)                  \
		{                                                     \
			__VA_ARGS__                                   \
		}                                                     \
	}
#define RAW_ADMIN(title, status, op, ns, ...) \
	RAW_FIELDS(title, status, .opcode = (op), .nsid = (ns), __VA_ARGS__)
#define RAW_IO(title, status, op, ns, ...) \
	RAW_FIELDS(title, status, .is_io = true, .opcode = (op), .nsid = (ns), __VA_ARGS__)

extern const struct raw_case raw_cm_cases[], raw_capsule_cases[], raw_connect_cases[],
	raw_discovery_cases[], raw_command_cases[], raw_field_cases[], raw_share_cases[],
	raw_manage_cases[], raw_each_cases[], raw_sgl_cases[], raw_data_cases[], raw_abort_cases[],
	raw_fused_cases[], raw_storm_cases[], raw_state_cases[], raw_zoned_cases[],
	raw_auth_cases[];

/* Notes what went wrong, or with a result of true what was seen. Return: @result. */
bool raw_say(struct raw_env *env, bool result, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* queue.c: connections ---------------------------------------------------------------------- */

/* A good request for queue @qid with room for @depth commands. */
void raw_params_init(struct raw_params *params, uint16_t qid, uint16_t depth);

/**
 * raw_queue_open() - connect
 * @ret_queue: to be closed with raw_queue_close()
 * @ret_reject: the reject code of the target's private data, or -1 if it sent none
 *
 * Return: 0, -ECONNREFUSED with @ret_reject, -ETIMEDOUT, or another -errno.
 */
int raw_queue_open(struct raw_env *env, const struct raw_params *params,
	struct raw_queue **ret_queue, int *ret_reject);

/* Asks for a connection and leaves without waiting for the answer. Return: 0 or -errno. */
int raw_queue_open_and_leave(struct raw_env *env, const struct raw_params *params);

/* NULL is fine. The target is told by the connection manager. */
void raw_queue_close(struct raw_queue *queue);

/* Sends @bytes, at most RAW_CAPSULE_BYTES. Return: 0, -ECONNRESET, -ETIMEDOUT. */
int raw_send(struct raw_queue *queue, const void *capsule, uint32_t bytes);

/* The next answer, whichever command it is for. Return: 0, -ECONNRESET, -ETIMEDOUT. */
int raw_receive(struct raw_queue *queue, struct raw_answer *ret_answer);

/* Binds @mw to @bytes of env->data. Return: 0 with its new key, or -errno. */
int raw_bind(struct raw_queue *queue, struct ibv_mw *mw, uint32_t bytes, uint32_t *ret_key);

/* Takes what has come, without waiting. */
void raw_poll(struct raw_queue *queue);

/* Waits until the target ends the connection. */
bool raw_expect_closed(struct raw_queue *queue);

/* nvme.c: commands -------------------------------------------------------------------------- */

/* A command without data; its id is set when it is sent. */
void raw_sqe_init(struct np_sqe *sqe, uint8_t opcode, uint32_t nsid);

void raw_sgl_keyed(
	struct np_sgl_desc *desc, uint64_t addr, uint32_t bytes, uint32_t key, uint8_t subtype);

/* The data is @bytes from where env->data begins. */
void raw_use_data(const struct raw_env *env, struct np_sqe *sqe, uint32_t bytes);

void raw_set_lba(struct np_sqe *sqe, uint64_t lba);

/* A descriptor of @type whose address is an offset in the capsule. */
void raw_sgl_offset(struct np_sgl_desc *desc, uint8_t type, uint64_t offset, uint32_t bytes);

/* Read or Write of @nblocks at @lba, with the start of env->data. */
void raw_rw(const struct raw_env *env, struct np_sqe *sqe, uint8_t opcode, uint64_t lba,
	uint32_t nblocks);

/* Sends a command with @icd behind it. Return: 0 and its answer; see raw_receive(). */
int raw_exec(struct raw_queue *queue, struct np_sqe *sqe, const void *icd, uint32_t icd_bytes,
	struct raw_answer *ret_answer);

/* SCT and SC of @answer. */
uint16_t raw_status(const struct raw_answer *answer);

/* Is DNR right? It is set with an error unless that is one of another time or path. */
bool raw_is_final_enough(const struct raw_answer *answer);

/* raw_exec(), and an answer of status @want. */
bool raw_expect(struct raw_queue *queue, struct np_sqe *sqe, const void *icd, uint32_t icd_bytes,
	uint16_t want);

/* For raw_case.run: a block is read or written as self->twist bends the command; self->want. */
bool raw_run_read(struct raw_env *env, const struct raw_case *self);
bool raw_run_write(struct raw_env *env, const struct raw_case *self);

/* The connection still does what it should. */
bool raw_expect_unharmed(struct raw_queue *io);

/* A good Connect for queue @qid; cntlid that of env for an admin queue. */
void raw_connect_init(const struct raw_env *env, struct raw_connect *connect, uint16_t qid,
	uint16_t depth, uint16_t cntlid);

/* Sends Connect. Return: as raw_exec(). */
int raw_connect_exec(
	struct raw_queue *queue, const struct raw_connect *connect, struct raw_answer *ret_answer);

/* A connection of queue @qid on which nothing was sent. Return: NULL after raw_say(). */
struct raw_queue *raw_open_plain(struct raw_env *env, uint16_t qid, uint16_t depth);

/* A connected queue. Return: NULL after raw_say(). */
struct raw_queue *raw_open_connected(
	struct raw_env *env, uint16_t qid, uint16_t depth, uint16_t cntlid, uint16_t *ret_cntlid);

/* Ends what was done with @as, a copy of @env that is another host or looks at another subsystem. */
bool raw_end_as(
	struct raw_env *env, const struct raw_env *as, struct raw_queue *queue, bool result);

/* Sets CC.EN and waits for CSTS.RDY. */
bool raw_enable(struct raw_queue *admin);

/* Identify: its data is where env->data begins. */
bool raw_identify(struct raw_queue *admin, uint32_t nsid, uint32_t cns, uint8_t csi);

/* Sets what env has of controller and namespace env->nsid. */
bool raw_learn(struct raw_env *env, struct raw_queue *admin);

/* Return: NULL after raw_say(). */
struct raw_ctrl *raw_ctrl_open(struct raw_env *env, uint16_t io_depth);
void raw_ctrl_close(struct raw_ctrl *ctrl);

/* The controller of cases that do no harm, opened or opened again. Return: NULL after raw_say(). */
struct raw_ctrl *raw_shared(struct raw_env *env);

#endif
