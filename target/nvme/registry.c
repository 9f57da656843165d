// SPDX-License-Identifier: BSD-3-Clause
/*
 * registry.c - who may connect, and which controllers there are.
 *
 * A Connect travels reactor -> control -> reactor in its own message. From the decision on, the
 * queue is on its controller's list, so a connection that dies meanwhile is detached like any
 * other: it is closed only after its last request, which is this one, was answered.
 *
 * Thread: control, but for np_registry_connect(), np_registry_answer(), np_registry_send(),
 *         np_registry_ask(), np_registry_reply(), np_registry_ctrl_fatal().
 * Depends: ctrl.h, connect.h.
 */
#include "target/nvme/registry.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "target/base/event.h"
#include "target/base/le.h"
#include "target/nvme/auth.h"
#include "target/nvme/cntlid.h"
#include "target/nvme/connect.h"

/* The one registry. A singleton because the process has one control thread and one set of hosts. */
static struct {
	struct np_runtime *runtime;
	struct np_transport *transport;
	struct np_target *target;
	struct np_list ctrls;
	struct np_log_limit refusals;
} np_registry;

static const struct np_connect_fault np_fault_qid = {
	offsetof(struct np_sqe, cdw10) + offsetof(struct np_connect_cmd, qid), false};
static const struct np_connect_fault np_fault_sqsize = {
	offsetof(struct np_sqe, cdw10) + offsetof(struct np_connect_cmd, sqsize_0b), false};
static const struct np_connect_fault np_fault_subnqn = {
	offsetof(struct nvmf_connect_data, subsysnqn), true};

void np_registry_open(
	struct np_runtime *runtime, struct np_transport *transport, struct np_target *target)
{
	memset(&np_registry, 0, sizeof(np_registry));
	np_registry.runtime = runtime;
	np_registry.transport = transport;
	np_registry.target = target;
	np_list_init(&np_registry.ctrls);
}

void np_registry_close(void)
{
	assert(np_list_is_empty(&np_registry.ctrls));
	np_registry.runtime = NULL;
}

struct np_ctrl *np_registry_find(const struct np_subsys *subsys, uint32_t cntlid)
{
	struct np_list *pos;

	np_list_for_each(pos, &np_registry.ctrls) {
		struct np_ctrl *ctrl = np_container_of(pos, struct np_ctrl, link);

		if (ctrl->subsys == subsys && ctrl->cntlid == cntlid)
			return ctrl;
	}
	return NULL;
}

static void np_registry_attach(struct np_ctrl *ctrl, struct np_queue *queue)
{
	queue->attached = ctrl;
	np_list_add_tail(&ctrl->queues, &queue->ctrl_link);
	ctrl->nqueues++;
}

static struct np_status np_registry_join_admin(
	struct np_req *req, struct np_subsys *subsys, const struct np_connect *connect)
{
	struct np_queue *queue = req->queue;
	struct np_ctrl *ctrl;
	uint16_t cntlid;
	struct np_status status = np_cntlid_choose(req, subsys, connect, &cntlid);

	if (!np_status_is_ok(status))
		return status;
	ctrl = np_ctrl_new(
		np_registry.target, subsys, queue, cntlid, connect->hostnqn, connect->hostid);
	if (!ctrl)
		return np_status_retryable(np_status_generic(NVME_SC_INTERNAL));
	np_list_add_tail(&np_registry.ctrls, &ctrl->link);
	np_registry_attach(ctrl, queue);
	return NP_SUCCESS;
}

static bool np_registry_has_qid(const struct np_ctrl *ctrl, uint16_t qid)
{
	struct np_list *pos;

	np_list_for_each(pos, &ctrl->queues) {
		if (np_container_of(pos, struct np_queue, ctrl_link)->qid == qid)
			return true;
	}
	return false;
}

static struct np_status np_registry_join_io(
	struct np_req *req, struct np_subsys *subsys, const struct np_connect *connect)
{
	struct np_queue *queue = req->queue;
	struct np_ctrl *ctrl = np_registry_find(subsys, connect->cntlid);

	if (connect->qid > subsys->max_io_queues)
		return np_connect_refuse(req, np_fault_qid);
	/* Another host's controller is as unknown as one that does not exist. */
	if (!ctrl || ctrl->is_closing || strcmp(ctrl->hostnqn, connect->hostnqn) ||
		memcmp(ctrl->hostid, connect->hostid, sizeof(ctrl->hostid)))
		return np_connect_refuse_cntlid(req);
	if (!np_ctrl_is_ready(ctrl) || np_registry_has_qid(ctrl, connect->qid))
		return np_status_generic(NVME_SC_CMD_SEQ_ERROR);
	np_registry_attach(ctrl, queue);
	return NP_SUCCESS;
}

static struct np_status np_registry_decide(struct np_req *req, struct np_connect *connect)
{
	struct np_queue *queue = req->queue;
	struct np_connect_fault fault;
	struct np_subsys *subsys;
	struct np_status status;

	status = np_connect_parse(&req->sqe, req->va, req->bytes, connect, &fault);
	if (np_status_is(status, np_status_specific(NVME_SC_CONNECT_INVALID_PARAM)))
		return np_connect_refuse(req, fault);
	if (!np_status_is_ok(status))
		return status;
	if (connect->qid != queue->qid)
		return np_connect_refuse(req, np_fault_qid);
	if (connect->entries > queue->depth ||
		(queue->qid && connect->entries > queue->port->max_entries))
		return np_connect_refuse(req, np_fault_sqsize);
	subsys = np_port_find_subsys(np_registry.target, queue->port, connect->subnqn);
	if (!subsys)
		return np_connect_refuse(req, np_fault_subnqn);
	if (!np_subsys_allows(subsys, connect->hostnqn))
		return np_status_specific(NVME_SC_CONNECT_INVALID_HOST);
	if (!subsys->is_discovery && !np_auth_arm(queue, connect->hostnqn, subsys->nqn))
		return np_status_retryable(np_status_generic(NVME_SC_INTERNAL));
	if (connect->qid)
		return np_registry_join_io(req, subsys, connect);
	return np_registry_join_admin(req, subsys, connect);
}

/* Fabrics has status codes that other command sets use with other meanings. */
static const char *np_registry_reason(struct np_status status)
{
	if (np_status_is(status, np_status_specific(NVME_SC_CONNECT_INVALID_HOST)))
		return "the host is not allowed";
	if (np_status_is(status, np_status_specific(NVME_SC_CONNECT_CTRL_BUSY)))
		return "all controller ids are in use";
	if (np_status_is(status, np_status_specific(NVME_SC_CONNECT_INVALID_PARAM)))
		return "wrong or unknown value";
	if (np_status_is(status, np_status_generic(NVME_SC_CMD_SEQ_ERROR)))
		return "the controller is not ready, or has this queue already";
	return np_status_name(status);
}

static void np_registry_log(
	const struct np_req *req, const struct np_connect *connect, struct np_status status)
{
	char host[NP_NQN_BYTES], subsys[NP_NQN_BYTES];
	const struct np_queue *queue = req->queue;

	np_log_escape(host, sizeof(host), connect->hostnqn, sizeof(connect->hostnqn));
	np_log_escape(subsys, sizeof(subsys), connect->subnqn, sizeof(connect->subnqn));
	if (!np_status_is_ok(status))
		np_log_limited(&np_registry.refusals, NP_LOG_WARN,
			"conn %u q%u: connect of host '%s' to '%s' refused: %s (%s byte %u)",
			queue->id, queue->qid, host, subsys, np_registry_reason(status),
			req->cqe.connect_error.iattr ? "data" : "command",
			np_le16(req->cqe.connect_error.ipo));
	else if (!connect->qid)
		np_event(NP_EVENT_HOST, NP_LOG_INFO,
			"ctrl %u: host '%s' connected to '%s' (conn %u)", queue->attached->cntlid,
			host, subsys, queue->id);
	else
		np_log_debug("ctrl %u: q%u connected (conn %u)", queue->attached->cntlid,
			queue->qid, queue->id);
}

/* Back on the reactor: the queue becomes what was decided. */
static void np_registry_answer(struct np_msg *msg)
{
	struct np_req *req = np_container_of(msg, struct np_req, msg);
	const struct np_status status = {req->cqe.status};
	struct np_queue *queue = req->queue;
	struct np_ctrl *ctrl = queue->attached;
	struct np_connect_cmd cmd;
	const bool is_draining = queue->state == NP_QUEUE_DRAINING;

	if (!np_status_is_ok(status)) {
		if (!is_draining)
			queue->state = NP_QUEUE_NEW;
		np_req_complete(req, status);
		return;
	}
	memcpy(&cmd, &req->sqe.cdw10, sizeof(cmd));
	queue->ctrl = ctrl;
	queue->sq_entries = (uint16_t)(np_le16(cmd.sqsize_0b) + 1u);
	queue->sqhd_disabled = cmd.cattr & NP_CATTR_NO_SQ_FLOW;
	if (is_draining) {
		/* np_queue_drain() came before there was a controller to tell. */
		np_ctrl_drain(ctrl, queue);
	} else {
		queue->state = NP_QUEUE_LIVE;
		if (!queue->qid)
			np_ctrl_set_kato(ctrl, np_le32(cmd.kato_ms));
		if (queue->auth)
			np_auth_begin(queue);
		else
			np_ctrl_touch(ctrl);
	}
	req->cqe.connect.cntlid = np_le16(ctrl->cntlid);
	req->cqe.connect.authreq = np_le16(queue->auth ? NP_AUTHREQ_ATR : 0);
	np_req_complete(req, NP_SUCCESS);
}

/* On the control thread. */
static void np_registry_handle(struct np_msg *msg)
{
	struct np_req *req = np_container_of(msg, struct np_req, msg);
	struct np_connect connect = {0};
	const struct np_status status = np_registry_decide(req, &connect);

	if (!np_status_is_ok(status))
		np_auth_disarm(req->queue);
	np_registry_log(req, &connect, status);
	np_registry_reply(req, status, np_registry_answer);
}

void np_registry_connect(struct np_req *req)
{
	req->queue->state = NP_QUEUE_CONNECTING;
	np_registry_ask(req, np_registry_handle);
}

void np_registry_disconnect_queue(struct np_queue *queue, const char *why)
{
	np_registry.transport->ops->abort_conn(np_registry.transport, queue, why);
}

void np_registry_disconnect(struct np_ctrl *ctrl, const char *why)
{
	struct np_list *pos, *tmp;

	np_list_for_each_safe(pos, tmp, &ctrl->queues)
		np_registry_disconnect_queue(np_container_of(pos, struct np_queue, ctrl_link), why);
}

void np_queue_closed(struct np_queue *queue)
{
	struct np_ctrl *ctrl = queue->attached;

	np_auth_disarm(queue);
	if (!ctrl)
		return;
	queue->attached = NULL;
	np_list_del(&queue->ctrl_link);
	ctrl->nqueues--;
	if (queue == ctrl->admin_queue) {
		ctrl->is_closing = true;
		np_event(NP_EVENT_HOST, NP_LOG_INFO, "ctrl %u: admin queue closed", ctrl->cntlid);
		np_registry_disconnect(ctrl, "its admin queue is gone");
	}
	if (ctrl->nqueues)
		return;
	np_list_del(&ctrl->link);
	np_ctrl_free(ctrl);
}

static void np_registry_end(struct np_msg *msg)
{
	struct np_ctrl *ctrl = np_container_of(msg, struct np_ctrl, fatal_msg);
	char host[NP_NQN_BYTES];

	np_log_escape(host, sizeof(host), ctrl->hostnqn, sizeof(ctrl->hostnqn));
	np_event(NP_EVENT_HOST, NP_LOG_WARN, "ctrl %u: host '%s' is disconnected: %s", ctrl->cntlid,
		host, ctrl->fatal_why);
	np_registry_disconnect(ctrl, ctrl->fatal_why);
}

void np_registry_ctrl_fatal(struct np_ctrl *ctrl, const char *why)
{
	/*
	 * Once is enough, and nothing follows the draining of the admin queue: so the message
	 * reaches the control thread before the word that this queue is closed.
	 */
	if (ctrl->is_fatal || ctrl->is_dead)
		return;
	ctrl->is_fatal = true;
	ctrl->fatal_why = why;
	atomic_fetch_or_explicit(&ctrl->csts, 1u << NVME_CSTS_CFS_SHIFT, memory_order_release);
	ctrl->fatal_msg.fn = np_registry_end;
	np_runtime_send_control(np_registry.runtime, &ctrl->fatal_msg);
}

struct np_registry_news {
	struct np_msg msg;
	struct np_ctrl *ctrl;
	struct np_news news;
	struct np_health health;
};

/* On the controller's reactor. */
static void np_registry_told(struct np_msg *msg)
{
	struct np_registry_news *told = np_container_of(msg, struct np_registry_news, msg);

	np_ctrl_note(told->ctrl, &told->news);
	free(told);
}

static void np_registry_told_health(struct np_msg *msg)
{
	struct np_registry_news *told = np_container_of(msg, struct np_registry_news, msg);

	np_ctrl_note_health(told->ctrl, &told->health);
	free(told);
}

/* The controller outlives the message: its reactor has yet to say that its last queue is gone. */
static void np_registry_send_news(const struct np_registry_news *what)
{
	struct np_registry_news *news;

	if (what->ctrl->is_closing)
		return;
	news = malloc(sizeof(*news));
	if (!news)
		return;
	*news = *what;
	np_reactor_send(news->ctrl->reactor, &news->msg);
}

void np_registry_tell(struct np_ctrl *ctrl, const struct np_news *news)
{
	np_registry_send_news(&(struct np_registry_news){
		.msg.fn = np_registry_told, .ctrl = ctrl, .news = *news});
}

void np_registry_tell_health(struct np_ctrl *ctrl, const struct np_health *health)
{
	np_registry_send_news(&(struct np_registry_news){
		.msg.fn = np_registry_told_health, .ctrl = ctrl, .health = *health});
}

void np_registry_send(struct np_msg *msg)
{
	np_runtime_send_control(np_registry.runtime, msg);
}

void np_registry_ask(struct np_req *req, void (*fn)(struct np_msg *msg))
{
	req->msg.fn = fn;
	np_registry_send(&req->msg);
}

static void np_registry_replied(struct np_msg *msg)
{
	struct np_req *req = np_container_of(msg, struct np_req, msg);

	np_req_complete(req, (struct np_status){req->cqe.status});
}

/* The CQE's status field carries the verdict to the reactor. */
void np_registry_reply(struct np_req *req, struct np_status status, void (*fn)(struct np_msg *msg))
{
	req->cqe.status = status.field;
	req->msg.fn = fn ? fn : np_registry_replied;
	np_reactor_send(req->queue->reactor, &req->msg);
}

void np_registry_each(void (*fn)(void *ctx, struct np_ctrl *ctrl), void *ctx)
{
	struct np_list *pos;

	np_list_for_each(pos, &np_registry.ctrls)
		fn(ctx, np_container_of(pos, struct np_ctrl, link));
}
