// SPDX-License-Identifier: BSD-3-Clause
/*
 * queue.c - connections: connection manager, queue pair, capsules out and answers in.
 *
 * Polls with short pauses: nothing here is meant to be quick, and each wait has a limit.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "target/base/le.h"
#include "tests/rxe/rawclient/raw.h"

#define LIMIT_MS 30000
#define PAUSE_US 300
#define RESOLVE_MS 5000
#define IS_SEND (UINT64_C(1) << 32)
#define CM_REJECTED_BY_CONSUMER 28

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void raw_params_init(struct raw_params *params, uint16_t qid, uint16_t depth)
{
	*params = (struct raw_params){
		.req = {.qid = np_le16(qid),
			.hrqsize = np_le16(depth),
			.hsqsize_0b = np_le16((uint16_t)(depth - 1))},
		.private_bytes = sizeof(params->req),
		.read_limit = 16,
		.retries = 7,
		.recvs = RAW_RECVS,
	};
}

/* ---- the connection manager ---------------------------------------------------------------- */

/* Return: the type of the next event, which is acknowledged, or -ETIMEDOUT. */
static int next_event(struct raw_queue *queue, int *ret_reject)
{
	uint64_t end = now_ms() + LIMIT_MS;
	struct rdma_cm_event *event;
	struct np_cm_reject reject;
	int type;

	while (rdma_get_cm_event(queue->channel, &event)) {
		if (now_ms() > end)
			return -ETIMEDOUT;
		usleep(PAUSE_US);
	}
	type = (int)event->event;
	if (type == RDMA_CM_EVENT_REJECTED && event->status == CM_REJECTED_BY_CONSUMER &&
		event->param.conn.private_data_len >= sizeof(reject)) {
		memcpy(&reject, event->param.conn.private_data, sizeof(reject));
		*ret_reject = np_le16(reject.recfmt) ? -1 : np_le16(reject.status);
	}
	rdma_ack_cm_event(event);
	return type;
}

static int expect_event(struct raw_queue *queue, enum rdma_cm_event_type want, int *ret_reject)
{
	int type = next_event(queue, ret_reject);

	if (type == (int)want)
		return 0;
	if (type == RDMA_CM_EVENT_REJECTED)
		return -ECONNREFUSED;
	return type < 0 ? type : -EPROTO;
}

static int resolve(struct raw_queue *queue)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST}, *info;
	int err, ignored;

	if (getaddrinfo(queue->env->address, queue->env->service, &hints, &info))
		return -EINVAL;
	err = rdma_resolve_addr(queue->id, NULL, info->ai_addr, RESOLVE_MS) ? -errno : 0;
	freeaddrinfo(info);
	if (!err)
		err = expect_event(queue, RDMA_CM_EVENT_ADDR_RESOLVED, &ignored);
	if (!err)
		err = rdma_resolve_route(queue->id, RESOLVE_MS) ? -errno : 0;
	if (!err)
		err = expect_event(queue, RDMA_CM_EVENT_ROUTE_RESOLVED, &ignored);
	return err;
}

/* ---- the queue pair ------------------------------------------------------------------------ */

/* What all queues share. */
static int open_data(struct raw_env *env, struct ibv_context *verbs)
{
	const int access = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ |
		IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_MW_BIND;

	if (env->pd)
		return 0;
	env->pd = ibv_alloc_pd(verbs);
	env->data = aligned_alloc(4096, RAW_DATA_BYTES);
	if (!env->pd || !env->data)
		return -ENOMEM;
	memset(env->data, 0, RAW_DATA_BYTES);
	env->data_mr = ibv_reg_mr(env->pd, env->data, RAW_DATA_BYTES, access);
	return env->data_mr ? 0 : -errno;
}

static uint8_t *send_buffer(struct raw_queue *queue, unsigned int index)
{
	return queue->memory + (size_t)index * RAW_CAPSULE_BYTES;
}

static struct np_cqe *recv_buffer(struct raw_queue *queue, unsigned int index)
{
	return (struct np_cqe *)(void *)send_buffer(queue, RAW_SENDS) + index;
}

static int post_recv(struct raw_queue *queue, unsigned int index)
{
	struct ibv_sge sge = {
		(uintptr_t)recv_buffer(queue, index), sizeof(struct np_cqe), queue->mr->lkey};
	struct ibv_recv_wr wr = {.wr_id = index, .sg_list = &sge, .num_sge = 1}, *bad;

	return -ibv_post_recv(queue->id->qp, &wr, &bad);
}

static int create_qp(struct raw_queue *queue, unsigned int recvs)
{
	size_t bytes = (size_t)RAW_SENDS * RAW_CAPSULE_BYTES + RAW_RECVS * sizeof(struct np_cqe);
	struct ibv_qp_init_attr init = {
		.qp_type = IBV_QPT_RC,
		.cap = {.max_send_wr = RAW_SENDS + 1,
			.max_recv_wr = RAW_RECVS,
			.max_send_sge = 1,
			.max_recv_sge = 1},
	};
	int err = open_data(queue->env, queue->id->verbs);

	if (err)
		return err;
	queue->memory = aligned_alloc(4096, bytes);
	if (!queue->memory)
		return -ENOMEM;
	queue->mr = ibv_reg_mr(queue->env->pd, queue->memory, bytes, IBV_ACCESS_LOCAL_WRITE);
	queue->cq = ibv_create_cq(queue->id->verbs, RAW_SENDS + 1 + RAW_RECVS, NULL, NULL, 0);
	if (!queue->mr || !queue->cq)
		return -errno;
	init.send_cq = init.recv_cq = queue->cq;
	if (rdma_create_qp(queue->id, queue->env->pd, &init))
		return -errno;
	for (unsigned int i = 0; i < recvs && !err; i++)
		err = post_recv(queue, i);
	return err;
}

/* A queue pair that may ask for a connection. */
static int prepare(
	struct raw_env *env, const struct raw_params *params, struct raw_queue **ret_queue)
{
	struct raw_queue *queue = calloc(1, sizeof(*queue));
	int err;

	if (!queue)
		return -ENOMEM;
	queue->env = env;
	queue->channel = rdma_create_event_channel();
	if (!queue->channel || fcntl(queue->channel->fd, F_SETFL, O_NONBLOCK) < 0 ||
		rdma_create_id(queue->channel, &queue->id, queue, RDMA_PS_TCP))
		err = -errno;
	else if ((err = resolve(queue)) == 0)
		err = create_qp(queue, params->recvs);
	if (err) {
		raw_queue_close(queue);
		return err;
	}
	*ret_queue = queue;
	return 0;
}

static int ask(struct raw_queue *queue, const struct raw_params *params)
{
	struct rdma_conn_param param = {
		.private_data = &params->req,
		.private_data_len = params->private_bytes,
		.responder_resources = params->read_limit,
		.initiator_depth = 1,
		.retry_count = params->retries,
		.rnr_retry_count = 7,
		.flow_control = 1,
	};

	return rdma_connect(queue->id, &param) ? -errno : 0;
}

int raw_queue_open(struct raw_env *env, const struct raw_params *params,
	struct raw_queue **ret_queue, int *ret_reject)
{
	struct raw_queue *queue;
	int err = prepare(env, params, &queue);

	*ret_reject = -1;
	if (err)
		return err;
	err = ask(queue, params);
	if (!err)
		err = expect_event(queue, RDMA_CM_EVENT_ESTABLISHED, ret_reject);
	if (err) {
		raw_queue_close(queue);
		return err;
	}
	*ret_queue = queue;
	return 0;
}

int raw_queue_open_and_leave(struct raw_env *env, const struct raw_params *params)
{
	struct raw_queue *queue;
	int err = prepare(env, params, &queue);

	if (err)
		return err;
	err = ask(queue, params);
	raw_queue_close(queue);
	return err;
}

void raw_queue_close(struct raw_queue *queue)
{
	if (!queue)
		return;
	if (queue->id) {
		if (queue->id->qp) {
			rdma_disconnect(queue->id);
			rdma_destroy_qp(queue->id);
		}
		rdma_destroy_id(queue->id);
	}
	if (queue->cq)
		ibv_destroy_cq(queue->cq);
	if (queue->mr)
		ibv_dereg_mr(queue->mr);
	if (queue->channel)
		rdma_destroy_event_channel(queue->channel);
	free(queue->memory);
	free(queue);
}

/* ---- capsules ------------------------------------------------------------------------------ */

static void take(struct raw_queue *queue, const struct ibv_wc *wc)
{
	struct raw_answer *answer;

	if (wc->status != IBV_WC_SUCCESS)
		queue->is_flushed = true;
	if (wc->wr_id & IS_SEND) {
		queue->sends_taken &= ~(UINT64_C(1) << (wc->wr_id & (RAW_SENDS - 1)));
		return;
	}
	if (wc->status != IBV_WC_SUCCESS || wc->byte_len != sizeof(struct np_cqe))
		return;
	answer = &queue->answers[queue->head++ % RAW_RECVS];
	answer->cqe = *recv_buffer(queue, (unsigned int)wc->wr_id);
	answer->wc_flags = wc->wc_flags;
	answer->key = wc->invalidated_rkey;
	post_recv(queue, (unsigned int)wc->wr_id);
}

void raw_poll(struct raw_queue *queue)
{
	struct rdma_cm_event *event;
	struct ibv_wc wc[16];
	int count;

	while ((count = ibv_poll_cq(queue->cq, 16, wc)) > 0) {
		for (int i = 0; i < count; i++)
			take(queue, &wc[i]);
	}
	while (rdma_get_cm_event(queue->channel, &event) == 0) {
		if (event->event == RDMA_CM_EVENT_DISCONNECTED)
			queue->is_closed = true;
		rdma_ack_cm_event(event);
	}
}

static bool has_answer(const struct raw_queue *queue)
{
	return queue->head != queue->tail;
}

static bool has_send_buffer(const struct raw_queue *queue)
{
	return queue->sends_taken != UINT64_MAX;
}

static bool is_closed(const struct raw_queue *queue)
{
	return queue->is_closed;
}

/* Polls until @done, or for ever useless. */
static int await(struct raw_queue *queue, bool (*done)(const struct raw_queue *queue))
{
	uint64_t end = now_ms() + LIMIT_MS;

	for (;;) {
		raw_poll(queue);
		if (done(queue))
			return 0;
		if (done != is_closed && (queue->is_closed || queue->is_flushed))
			return -ECONNRESET;
		if (now_ms() > end)
			return -ETIMEDOUT;
		usleep(PAUSE_US);
	}
}

int raw_send(struct raw_queue *queue, const void *capsule, uint32_t bytes)
{
	struct ibv_sge sge = {.length = bytes, .lkey = queue->mr->lkey};
	struct ibv_send_wr wr = {.opcode = IBV_WR_SEND, .send_flags = IBV_SEND_SIGNALED}, *bad;
	int err = await(queue, has_send_buffer);
	unsigned int index;

	if (err)
		return err;
	index = (unsigned int)__builtin_ctzll(~queue->sends_taken);
	memcpy(send_buffer(queue, index), capsule, bytes);
	sge.addr = (uintptr_t)send_buffer(queue, index);
	wr.wr_id = IS_SEND | index;
	wr.sg_list = &sge;
	wr.num_sge = 1;
	if (ibv_post_send(queue->id->qp, &wr, &bad))
		return -ECONNRESET;
	queue->sends_taken |= UINT64_C(1) << index;
	return 0;
}

int raw_bind(struct raw_queue *queue, struct ibv_mw *mw, uint32_t bytes, uint32_t *ret_key)
{
	struct raw_env *env = queue->env;
	struct ibv_send_wr wr = {
		.wr_id = IS_SEND,
		.opcode = IBV_WR_BIND_MW,
		.bind_mw = {.mw = mw,
			.rkey = ibv_inc_rkey(mw->rkey),
			.bind_info = {.mr = env->data_mr,
				.addr = (uintptr_t)env->data,
				.length = bytes,
				.mw_access_flags =
					IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_WRITE}},
	};
	struct ibv_send_wr *bad;
	int err = ibv_post_send(queue->id->qp, &wr, &bad);

	/* Not signalled: the capsule that uses it is posted behind it. */
	*ret_key = wr.bind_mw.rkey;
	return -err;
}

int raw_receive(struct raw_queue *queue, struct raw_answer *ret_answer)
{
	int err = await(queue, has_answer);

	if (!err)
		*ret_answer = queue->answers[queue->tail++ % RAW_RECVS];
	return err;
}

bool raw_expect_closed(struct raw_queue *queue)
{
	if (await(queue, is_closed))
		return raw_say(queue->env, false, "the target did not end the connection");
	return true;
}
