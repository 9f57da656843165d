// SPDX-License-Identifier: BSD-3-Clause
/*
 * auth.c - Authentication Send and Receive.
 *
 * A command travels reactor -> authentication thread -> reactor.
 *
 * Thread: by section.
 * Depends: auth_dialog.h, registry.h.
 */
#include "target/nvme/auth.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "target/base/event.h"
#include "target/base/le.h"
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
	bool has_failed;
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

/* ---- the thread, and what it knows -------------------------------------------------------- */

static struct {
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t news;
	pthread_t thread;
	bool is_running, must_end;
	struct np_msg *first, **end; /* what is to be done, oldest first */
	struct np_auth_entry *entries;
	size_t n;
} np_auths = {.lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER};

static struct np_msg *np_auth_await(void)
{
	struct np_msg *msg;

	pthread_mutex_lock(&np_auths.lock);
	while (!np_auths.first && !np_auths.must_end)
		pthread_cond_wait(&np_auths.news, &np_auths.lock);
	msg = np_auths.first;
	if (msg) {
		np_auths.first = msg->next;
		if (!np_auths.first)
			np_auths.end = &np_auths.first;
	}
	pthread_mutex_unlock(&np_auths.lock);
	return msg;
}

static void *np_auth_main(void *arg)
{
	struct np_msg *msg;

	while ((msg = np_auth_await()) != NULL)
		msg->fn(msg);
	return arg;
}

int np_auth_start(void)
{
	int ret;

	np_auths.first = NULL;
	np_auths.end = &np_auths.first;
	np_auths.must_end = false;
	ret = -pthread_create(&np_auths.thread, NULL, np_auth_main, NULL);
	np_auths.is_running = !ret;
	if (!ret)
		pthread_setname_np(np_auths.thread, "np-auth");
	return ret;
}

void np_auth_stop(void)
{
	if (np_auths.is_running) {
		pthread_mutex_lock(&np_auths.lock);
		np_auths.must_end = true;
		pthread_cond_signal(&np_auths.news);
		pthread_mutex_unlock(&np_auths.lock);
		pthread_join(np_auths.thread, NULL);
		np_auths.is_running = false;
	}
	np_auth_set_hosts(NULL, 0);
}

/* Has @msg->fn run on the thread. Context: any. */
static void np_auth_send(struct np_msg *msg)
{
	if (!np_auths.is_running) {
		msg->fn(msg);
		return;
	}
	pthread_mutex_lock(&np_auths.lock);
	msg->next = NULL;
	*np_auths.end = msg;
	np_auths.end = &msg->next;
	pthread_cond_signal(&np_auths.news);
	pthread_mutex_unlock(&np_auths.lock);
}

int np_auth_set_hosts(const struct np_auth_entry *entries, size_t n)
{
	struct np_auth_entry *now = n ? malloc(n * sizeof(*now)) : NULL, *before;
	size_t n_before;

	if (n && !now)
		return -ENOMEM;
	if (n)
		memcpy(now, entries, n * sizeof(*now));
	pthread_mutex_lock(&np_auths.lock);
	before = np_auths.entries;
	n_before = np_auths.n;
	np_auths.entries = now;
	np_auths.n = n;
	pthread_mutex_unlock(&np_auths.lock);
	if (before)
		np_secret_forget(before, n_before * sizeof(*before));
	free(before);
	return 0;
}

/* Copies what is known of a host; @ret_host may be NULL. Return: is anything? Context: any. */
static bool np_auth_find(const char *nqn, struct np_auth_host *ret_host)
{
	bool is_found = false;

	pthread_mutex_lock(&np_auths.lock);
	for (size_t i = 0; !is_found && i < np_auths.n; i++) {
		is_found = !strcmp(np_auths.entries[i].nqn, nqn);
		if (is_found && ret_host)
			*ret_host = np_auths.entries[i].host;
	}
	pthread_mutex_unlock(&np_auths.lock);
	return is_found;
}

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

static void np_auth_end(struct np_msg *msg)
{
	struct np_auth *auth = np_container_of(msg, struct np_auth, end_msg);

	np_registry_disconnect(auth->queue->attached, auth->end_why);
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

void np_auth_begin(struct np_queue *queue)
{
	queue->auth->is_awaited = true;
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
	if (!queue->auth)
		return;
	np_auth_settle(queue->auth);
	np_timer_cancel(&queue->auth->timer);
	/* What is sent after this might come after the word that the queue is closed. */
	queue->auth->is_ended = true;
}

/* Time is up. All of the association ends, which is one host's. */
static void np_auth_expired(struct np_timer *timer)
{
	struct np_auth *auth = np_container_of(timer, struct np_auth, timer);

	if (auth->is_ended)
		return;
	auth->is_ended = true;
	auth->end_why = auth->has_failed ? "its proof of who it is was wrong"
					 : "it has not proven who it is";
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
	auth->has_failed = false;
	np_auth_settle(auth);
	np_timer_cancel(&auth->timer);
	atomic_store(&auth->proof,
		NP_PROOF_IS_THERE | (dialog->is_mutual ? NP_PROOF_IS_MUTUAL : 0) |
			(uint32_t)dialog->hash << NP_PROOF_HASH_SHIFT |
			(uint32_t)dialog->group << NP_PROOF_GROUP_SHIFT);
}

static void np_auth_failed(struct np_auth *auth)
{
	char host[NP_NQN_BYTES];

	np_log_escape(host, sizeof(host), auth->hostnqn, sizeof(auth->hostnqn));
	np_event(NP_EVENT_HOST, NP_LOG_WARN,
		"ctrl %u q%u: host '%s' has not proven who it is (explanation %02xh)",
		auth->queue->ctrl->cntlid, auth->queue->qid, host, auth->dialog.explanation);
	auth->has_failed = true;
	atomic_store(&auth->proof, 0);
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
	np_auth_send(&req->msg);
}
