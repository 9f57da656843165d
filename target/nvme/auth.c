// SPDX-License-Identifier: BSD-3-Clause
/*
 * auth.c - Authentication Send and Receive.
 *
 * A command travels reactor -> authentication thread -> reactor.
 *
 * Thread: by section.
 * Depends: auth_dialog.h, auth_thread.h, registry.h.
 */
#include "target/nvme/auth.h"

#include <stdlib.h>
#include <string.h>

#include "target/base/event.h"
#include "target/base/le.h"
#include "target/nvme/auth_thread.h"
#include "target/nvme/ctrl.h"
#include "target/nvme/registry.h"

/* The dialog on one queue. */
struct np_auth {
	struct np_queue *queue;
	char hostnqn[NP_NQN_BYTES], subnqn[NP_NQN_BYTES];
	_Atomic uint32_t proof; /* 0 for none, see np_auth_proof_of(); written by the reactor */

	/* The reactor's: */
	bool is_busy;    /* a command is with the authentication thread, and the dialog with it */
	bool is_awaited; /* and counted in nunproven of the controller */
	bool is_ended;   /* end_msg is on its way */
	const char *failure; /* NULL: none since the last proof */
	struct np_timer timer;
	const char *end_why;
	struct np_msg end_msg;

	struct np_auth_dialog dialog;
};

enum {
	NP_PROOF_IS_THERE = 1 << 0,
	NP_PROOF_IS_MUTUAL = 1 << 1,
	NP_PROOF_HASH_SHIFT = 8,
	NP_PROOF_GROUP_SHIFT = 16,
};

/* ---- queues, control ---------------------------------------------------------------------- */

static void np_auth_expired(struct np_timer *timer);

bool np_auth_arm(struct np_queue *queue, const char *hostnqn, const char *subnqn)
{
	struct np_auth *auth;

	np_auth_disarm(queue);
	if (!np_auth_find(hostnqn, NULL))
		return true;
	auth = calloc(1, sizeof(*auth));
	if (!auth)
		return false;
	auth->queue = queue;
	strncpy(auth->hostnqn, hostnqn, sizeof(auth->hostnqn) - 1);
	strncpy(auth->subnqn, subnqn, sizeof(auth->subnqn) - 1);
	auth->dialog.hostnqn = auth->hostnqn;
	auth->dialog.subnqn = auth->subnqn;
	np_timer_init(&auth->timer, np_auth_expired);
	queue->auth = auth;
	return true;
}

void np_auth_disarm(struct np_queue *queue)
{
	if (!queue->auth)
		return;
	np_auth_dialog_reset(&queue->auth->dialog);
	free(queue->auth);
	queue->auth = NULL;
}

/* Of an I/O queue it is not even known that it is the host's. */
static void np_auth_end(struct np_msg *msg)
{
	struct np_auth *auth = np_container_of(msg, struct np_auth, end_msg);
	struct np_queue *queue = auth->queue;
	char host[NP_NQN_BYTES];

	np_log_escape(host, sizeof(host), auth->hostnqn, sizeof(auth->hostnqn));
	np_event(NP_EVENT_HOST, NP_LOG_WARN,
		"ctrl %u q%u: who calls himself '%s' is disconnected: %s", queue->attached->cntlid,
		queue->qid, host, auth->end_why);
	if (queue->qid)
		np_registry_disconnect_queue(queue, auth->end_why);
	else
		np_registry_disconnect(queue->attached, auth->end_why);
}

struct np_auth_proof np_auth_proof_of(const struct np_queue *queue)
{
	const uint32_t proof = queue->auth ? atomic_load(&queue->auth->proof) : 0;

	return (struct np_auth_proof){
		.is_there = proof & NP_PROOF_IS_THERE,
		.is_mutual = proof & NP_PROOF_IS_MUTUAL,
		.hash = (uint8_t)(proof >> NP_PROOF_HASH_SHIFT),
		.group = (uint8_t)(proof >> NP_PROOF_GROUP_SHIFT),
	};
}

/* ---- queues, their reactor ---------------------------------------------------------------- */

static uint64_t np_auth_now_ms(const struct np_queue *queue)
{
	return queue->reactor->now_us / 1000;
}

/* A host that has just proven itself connects its I/O queues; who comes later has to be quick. */
static bool np_auth_may_be_silent(const struct np_queue *queue)
{
	return !queue->qid ||
		np_auth_now_ms(queue) < atomic_load(&queue->ctrl->proven_ms) + NP_AUTH_LIMIT_MS;
}

void np_auth_begin(struct np_queue *queue)
{
	queue->auth->is_awaited = np_auth_may_be_silent(queue);
	if (queue->auth->is_awaited)
		atomic_fetch_add_explicit(&queue->ctrl->nunproven, 1, memory_order_relaxed);
	np_reactor_set_timer(queue->reactor, &queue->auth->timer, NP_AUTH_LIMIT_MS);
}

static void np_auth_settle(struct np_auth *auth)
{
	if (auth->is_awaited)
		atomic_fetch_sub_explicit(&auth->queue->ctrl->nunproven, 1, memory_order_relaxed);
	auth->is_awaited = false;
}

void np_auth_drain(struct np_queue *queue)
{
	if (!queue->ctrl || !queue->auth)
		return;
	np_auth_settle(queue->auth);
	np_timer_cancel(&queue->auth->timer);
	/* What is sent after this might come after the word that the queue is closed. */
	queue->auth->is_ended = true;
}

/* Time is up. */
static void np_auth_expired(struct np_timer *timer)
{
	struct np_auth *auth = np_container_of(timer, struct np_auth, timer);

	if (auth->is_ended)
		return;
	auth->is_ended = true;
	auth->end_why = auth->failure ? auth->failure : "no proof of who it is";
	auth->end_msg.fn = np_auth_end;
	np_registry_send(&auth->end_msg);
}

static void np_auth_succeeded(struct np_auth *auth)
{
	const struct np_auth_dialog *dialog = &auth->dialog;
	char host[NP_NQN_BYTES];

	np_log_escape(host, sizeof(host), auth->hostnqn, sizeof(auth->hostnqn));
	if (!auth->queue->qid)
		np_event(NP_EVENT_HOST, NP_LOG_INFO, "ctrl %u: host '%s' has proven %s: %s, %s",
			auth->queue->ctrl->cntlid, host,
			dialog->is_mutual ? "itself, and so have we" : "itself",
			np_chap_hash_name(dialog->hash), np_chap_group_name(dialog->group));
	auth->failure = NULL;
	np_auth_settle(auth);
	if (!auth->queue->qid)
		atomic_store(&auth->queue->ctrl->proven_ms, np_auth_now_ms(auth->queue));
	np_timer_cancel(&auth->timer);
	atomic_store(&auth->proof,
		NP_PROOF_IS_THERE | (dialog->is_mutual ? NP_PROOF_IS_MUTUAL : 0) |
			(uint32_t)dialog->hash << NP_PROOF_HASH_SHIFT |
			(uint32_t)dialog->group << NP_PROOF_GROUP_SHIFT);
}

/* For the operator, who is to find what has to be changed, and where. */
static const char *np_auth_failure(const struct np_auth_dialog *dialog)
{
	if (dialog->is_rejected)
		return "it does not believe our proof (dhchap_ctrl_key), or gave up";
	switch (dialog->explanation) {
	case NP_AUTH_FAILED:
		return "a wrong proof of who it is, or it wants one of us (dhchap_ctrl_key)";
	case NP_AUTH_NO_PROTOCOL:
		return "it does not offer DH-HMAC-CHAP";
	case NP_AUTH_CONCAT_MISMATCH:
		return "it wants a secure channel, which RDMA has not";
	case NP_AUTH_NO_HASH:
		return "it offers no hash as strong as dhchap_hash";
	case NP_AUTH_NO_DH_GROUP:
		return "it offers no group as strong as dhchap_dhgroup, or a wrong value of one";
	default:
		return "its messages of authentication are wrong";
	}
}

/* Once: whoever goes on failing is not given more time for it. */
static void np_auth_failed(struct np_auth *auth)
{
	char host[NP_NQN_BYTES];

	atomic_store(&auth->proof, 0);
	if (auth->failure)
		return;
	auth->failure = np_auth_failure(&auth->dialog);
	np_log_escape(host, sizeof(host), auth->hostnqn, sizeof(auth->hostnqn));
	np_event(NP_EVENT_HOST, NP_LOG_WARN, "ctrl %u q%u: host '%s': %s (explanation %02xh)",
		auth->queue->ctrl->cntlid, auth->queue->qid, host, auth->failure,
		auth->dialog.explanation);
	if (auth->queue->state == NP_QUEUE_LIVE)
		np_reactor_set_timer(auth->queue->reactor, &auth->timer, NP_AUTH_FAREWELL_MS);
}

/* What a command has led to. */
static void np_auth_worked(struct np_msg *msg)
{
	struct np_req *req = np_container_of(msg, struct np_req, msg);
	const struct np_status status = {req->cqe.status};
	struct np_auth *auth = req->queue->auth;

	auth->is_busy = false;
	if (auth->dialog.step == NP_AUTH_DONE) {
		np_auth_succeeded(auth);
		np_auth_dialog_reset(&auth->dialog);
	} else if (auth->dialog.step == NP_AUTH_FAILED_DONE) {
		np_auth_failed(auth);
		np_auth_dialog_reset(&auth->dialog);
	}
	np_req_complete(req, status);
}

/* ---- commands, the authentication thread -------------------------------------------------- */

static void np_auth_work(struct np_msg *msg)
{
	struct np_req *req = np_container_of(msg, struct np_req, msg);
	struct np_auth *auth = req->queue->auth;
	struct np_status status = NP_SUCCESS;
	struct np_auth_host host;

	if (req->cmd->dir == NP_DIR_FROM_HOST) {
		const bool is_known = np_auth_find(auth->hostnqn, &host);

		np_auth_dialog_hear(&auth->dialog, is_known ? &host : NULL, req->va, req->bytes);
		np_secret_forget(&host, sizeof(host));
	} else if (!np_auth_dialog_say(&auth->dialog, req->va, req->bytes)) {
		status = np_req_bad(req, NP_SQE_OFFSET(struct np_auth_cmd, bytes), 0,
			np_status_generic(NVME_SC_INVALID_FIELD));
	}
	np_registry_reply(req, status, np_auth_worked);
}

/* ---- commands, the queue's reactor -------------------------------------------------------- */

#define NP_AUTH_BAD(req, member)                                      \
	np_req_bad(req, NP_SQE_OFFSET(struct np_auth_cmd, member), 0, \
		np_status_generic(NVME_SC_INVALID_FIELD))

struct np_status np_auth_check(struct np_req *req, uint32_t *ret_bytes)
{
	struct np_auth_cmd cmd;

	if (!req->queue->auth)
		return np_req_bad_opcode(req);
	memcpy(&cmd, &req->sqe.cdw10, sizeof(cmd));
	if (cmd.secp != NP_AUTH_SECP)
		return NP_AUTH_BAD(req, secp);
	if (cmd.spsp0 != NP_AUTH_SPSP)
		return NP_AUTH_BAD(req, spsp0);
	if (cmd.spsp1 != NP_AUTH_SPSP)
		return NP_AUTH_BAD(req, spsp1);
	if (!cmd.bytes || np_le32(cmd.bytes) > NP_AUTH_MESSAGE_MAX)
		return NP_AUTH_BAD(req, bytes);
	*ret_bytes = np_le32(cmd.bytes);
	return NP_SUCCESS;
}

void np_auth_execute(struct np_req *req)
{
	struct np_auth *auth = req->queue->auth;

	/* Its data may have been on its way while another began. */
	if (auth->is_busy) {
		np_req_complete(req, np_status_generic(NVME_SC_CMD_SEQ_ERROR));
		return;
	}
	auth->is_busy = true;
	req->msg.fn = np_auth_work;
	np_auth_thread_send(&req->msg);
}
