// SPDX-License-Identifier: BSD-3-Clause
/*
 * abort.c - the Abort command.
 *
 * It travels admin queue -> control, which knows the queues of a controller -> reactor of the queue that
 * it names -> admin queue. There the command is found by its CID, and marked; what becomes of it is the
 * answer.
 *
 * Thread: by section.
 * Depends: ctrl.h, queue.h.
 */
#include "target/nvme/abort.h"

#include <stdlib.h>

#include "target/base/le.h"
#include "target/nvme/ctrl.h"
#include "target/nvme/registry.h"

struct np_abort {
	struct np_msg msg;
	struct np_req *req;      /* the Abort command */
	struct np_queue *queue;  /* which it names */
	struct np_req *victim;   /* the command that it names, while that is not answered */
	struct np_timer timer;   /* on the victim's reactor, as what follows */
	struct np_uring_op call; /* calls the victim's I/O back */
	bool is_calling;
	bool is_over;
	bool is_aborted;
};

static uint16_t np_abort_sqid(const struct np_req *req)
{
	return (uint16_t)np_le32(req->sqe.cdw10);
}

static uint16_t np_abort_cid(const struct np_req *req)
{
	return (uint16_t)(np_le32(req->sqe.cdw10) >> 16);
}

/* ---- the answer, on the admin queue's reactor --------------------------------------------- */

static void np_abort_answer(struct np_msg *msg)
{
	struct np_abort *abort = np_container_of(msg, struct np_abort, msg);
	struct np_req *req = abort->req;
	const bool is_aborted = abort->is_aborted;

	free(abort);
	req->queue->ctrl->naborts--;
	np_req_complete_dw0(req, !is_aborted);
}

static void np_abort_reply(struct np_abort *abort)
{
	abort->msg.fn = np_abort_answer;
	np_reactor_send(abort->req->queue->reactor, &abort->msg);
}

/* ---- the victim's reactor ----------------------------------------------------------------- */

static void np_abort_settle(struct np_abort *abort)
{
	if (abort->is_over && !abort->is_calling)
		np_abort_reply(abort);
}

/* The victim is answered, or is left alone. */
static void np_abort_end(struct np_abort *abort, bool is_aborted)
{
	np_timer_cancel(&abort->timer);
	if (abort->victim)
		abort->victim->abort = NULL;
	abort->victim = NULL;
	abort->is_aborted = is_aborted;
	abort->is_over = true;
	np_abort_settle(abort);
}

void np_abort_answered(struct np_req *req, struct np_status status)
{
	np_abort_end(req->abort, np_status_is(status, np_status_aborted()));
}

static void np_abort_expired(struct np_timer *timer)
{
	np_abort_end(np_container_of(timer, struct np_abort, timer), false);
}

/* Whether it was of use shows in the victim's own completion. */
static void np_abort_called(struct np_uring_op *op, int res, uint64_t big)
{
	struct np_abort *abort = np_container_of(op, struct np_abort, call);

	(void)res;
	(void)big;
	abort->is_calling = false;
	np_abort_settle(abort);
}

static void np_abort_running(struct np_abort *abort)
{
	struct np_req *req = abort->victim;
	const struct np_backend *backend = req->ns ? req->ns->backend : NULL;

	np_reactor_set_timer(req->queue->reactor, &abort->timer, NP_ABORT_WAIT_MS);
	if (req->step != NP_REQ_EXECUTE || !backend || !backend->ops->cancel)
		return;
	abort->call.done = np_abort_called;
	abort->is_calling = backend->ops->cancel(req->queue->reactor, &req->io, &abort->call);
}

static void np_abort_try(struct np_msg *msg)
{
	struct np_abort *abort = np_container_of(msg, struct np_abort, msg);
	struct np_queue *queue = abort->queue;
	struct np_req *victim = NULL;

	if (queue->state == NP_QUEUE_LIVE)
		victim = queue->transport->find_req(queue, np_abort_cid(abort->req));
	/* Two that wait for each other would both be in vain. */
	if (!victim || victim->abort || victim->cmd == abort->req->cmd) {
		np_abort_end(abort, false);
		return;
	}
	abort->victim = victim;
	victim->abort = abort;
	if (np_req_is_waiting(victim))
		np_req_give_up(victim, np_status_aborted());
	else if (!np_ctrl_unpark_aer(queue->ctrl, victim))
		np_abort_running(abort);
}

/* ---- control ------------------------------------------------------------------------------ */

static void np_abort_find_queue(struct np_msg *msg)
{
	struct np_abort *abort = np_container_of(msg, struct np_abort, msg);
	struct np_ctrl *ctrl = abort->req->queue->attached;
	struct np_list *pos;

	np_list_for_each(pos, &ctrl->queues) {
		struct np_queue *queue = np_container_of(pos, struct np_queue, ctrl_link);

		/* The reactor may have said its last word about one that is on its way out. */
		if (queue->qid != np_abort_sqid(abort->req) || queue->is_going)
			continue;
		abort->queue = queue;
		abort->msg.fn = np_abort_try;
		np_reactor_send(queue->reactor, &abort->msg);
		return;
	}
	np_abort_reply(abort);
}

/* ---- the command, on the admin queue's reactor -------------------------------------------- */

void np_abort_execute(struct np_req *req)
{
	struct np_ctrl *ctrl = req->queue->ctrl;
	struct np_abort *abort;

	if (ctrl->naborts == NP_ABORT_LIMIT) {
		np_req_complete(req, np_status_specific(NVME_SC_ABORT_LIMIT));
		return;
	}
	abort = calloc(1, sizeof(*abort));
	if (!abort) {
		np_req_complete_dw0(req, 1);
		return;
	}
	ctrl->naborts++;
	abort->req = req;
	np_timer_init(&abort->timer, np_abort_expired);
	abort->msg.fn = np_abort_find_queue;
	np_registry_send(&abort->msg);
}
