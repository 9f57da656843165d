// SPDX-License-Identifier: BSD-3-Clause
/*
 * cq.c - poll completions in batches, and sleep without losing one.
 *
 * Thread: made, resized and freed by the control thread, polled by its reactor. The providers of
 *         rdma-core lock a queue, so a resize may meet a poll.
 * Depends: reactor.h, libibverbs.
 */
#include "transport/rdma/cq.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "target/base/line.h"

#define CQ_BATCH 32
#define CQ_MIN_ENTRIES 1024u

static void run_later(struct np_rdma_cq *cq)
{
	struct np_list todo, *link;

	/* What is added meanwhile has its turn next time, so that this loop ends. */
	np_list_init(&todo);
	np_list_move_all(&todo, &cq->later);
	while ((link = np_list_pop(&todo))) {
		struct np_rdma_later *later = np_container_of(link, struct np_rdma_later, link);

		later->fn(later);
	}
}

static void breaks(struct np_rdma_cq *cq, const char *what, int err)
{
	np_log_err("%s: %s a completion queue of reactor %u failed: error %d", cq->device, what,
		cq->reactor->index, err);
	cq->is_broken = true;
}

/* Handles one batch. Return: completions handled. */
static unsigned int poll_half(struct np_rdma_cq *cq, struct np_rdma_cq_half *half)
{
	struct ibv_wc wcs[CQ_BATCH];
	int count;

	if (cq->is_broken)
		return 0;
	count = ibv_poll_cq(half->cq, CQ_BATCH, wcs);
	if (count < 0) {
		breaks(cq, "polling", count);
		return 0;
	}
	for (int i = 0; i < count; i++) {
		struct np_rdma_op *op = (struct np_rdma_op *)(uintptr_t)wcs[i].wr_id;

		op->done(op, &wcs[i]);
	}
	return (unsigned int)count;
}

static unsigned int cq_poll(struct np_poller *poller)
{
	struct np_rdma_cq *cq = np_container_of(poller, struct np_rdma_cq, poller);
	unsigned int count = 0;

	if (!np_list_is_empty(&cq->later)) {
		run_later(cq);
		count++;
	}
	/* Sends first: they give back what the commands to come need. */
	count += poll_half(cq, &cq->send);
	return count + poll_half(cq, &cq->recv);
}

static void cq_end(struct np_poller *poller)
{
	struct np_rdma_cq *cq = np_container_of(poller, struct np_rdma_cq, poller);
	struct np_list *link;

	while ((link = np_list_pop(&cq->at_end))) {
		struct np_rdma_later *later = np_container_of(link, struct np_rdma_later, link);

		later->fn(later);
	}
}

/* Return: whether it has been armed just now. */
static bool arm_half(struct np_rdma_cq *cq, struct np_rdma_cq_half *half)
{
	int err;

	if (half->is_armed || cq->is_broken)
		return false;
	err = ibv_req_notify_cq(half->cq, 0);
	if (err)
		breaks(cq, "arming", err);
	else
		half->is_armed = true;
	return half->is_armed;
}

static bool cq_arm(struct np_poller *poller)
{
	struct np_rdma_cq *cq = np_container_of(poller, struct np_rdma_cq, poller);
	bool armed = arm_half(cq, &cq->recv);

	if (cq->reactor->nwaiting)
		armed |= arm_half(cq, &cq->send);
	/* What came before a queue was armed raises no event. */
	if (armed)
		return cq_poll(poller) > 0;
	return !np_list_is_empty(&cq->later);
}

static bool take_event(struct np_rdma_cq *cq)
{
	struct np_rdma_cq_half *half;
	struct ibv_cq *event_cq;
	void *ctx;

	if (ibv_get_cq_event(cq->channel, &event_cq, &ctx))
		return false;
	ibv_ack_cq_events(event_cq, 1);
	half = ctx;
	half->is_armed = false;
	return true;
}

static void cq_ready(struct np_watch *watch)
{
	struct np_rdma_cq *cq = np_container_of(watch, struct np_rdma_cq, watch);

	/* A queue is armed again only after its event was taken, so there is one a queue at most. */
	if (take_event(cq) && (cq->recv.is_armed || cq->send.is_armed))
		take_event(cq);
}

static void watch_closed(struct np_watch *watch)
{
	struct np_rdma_cq *cq = np_container_of(watch, struct np_rdma_cq, watch);

	np_call_done(&cq->call);
}

static void cq_attach(struct np_msg *msg)
{
	struct np_rdma_cq *cq = np_container_of(msg, struct np_rdma_cq, call.msg);

	cq->result = np_reactor_watch(cq->reactor, &cq->watch);
	if (!cq->result)
		np_reactor_add_poller(cq->reactor, &cq->poller);
	np_call_done(&cq->call);
}

static void cq_detach(struct np_msg *msg)
{
	struct np_rdma_cq *cq = np_container_of(msg, struct np_rdma_cq, call.msg);

	np_reactor_del_poller(&cq->poller);
	np_reactor_unwatch(&cq->watch, watch_closed);
}

static void destroy_half(struct np_rdma_cq *cq, struct np_rdma_cq_half *half)
{
	if (half->cq && ibv_destroy_cq(half->cq))
		np_log_warn("%s: a completion queue could not be destroyed", cq->device);
}

static void destroy_verbs(struct np_rdma_cq *cq)
{
	destroy_half(cq, &cq->send);
	destroy_half(cq, &cq->recv);
	if (cq->channel && ibv_destroy_comp_channel(cq->channel))
		np_log_warn("%s: a completion channel could not be destroyed", cq->device);
}

static int create_half(struct np_rdma_cq *cq, struct ibv_context *ctx, uint32_t max_entries,
	struct np_rdma_cq_half *half)
{
	half->entries_max = max_entries;
	half->entries = CQ_MIN_ENTRIES < max_entries ? CQ_MIN_ENTRIES : max_entries;
	half->cq = ibv_create_cq(ctx, (int)half->entries, half, cq->channel, 0);
	return half->cq ? 0 : -errno;
}

static int create_verbs(struct np_rdma_cq *cq, struct ibv_context *ctx, uint32_t max_entries)
{
	int flags, err;

	cq->channel = ibv_create_comp_channel(ctx);
	if (!cq->channel)
		return -errno;
	flags = fcntl(cq->channel->fd, F_GETFL);
	if (flags < 0 || fcntl(cq->channel->fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	err = create_half(cq, ctx, max_entries, &cq->recv);
	return err ? err : create_half(cq, ctx, max_entries, &cq->send);
}

int np_rdma_cq_new(struct ibv_context *ctx, struct np_reactor *reactor, uint32_t max_entries,
	struct np_rdma_cq **ret_cq)
{
	struct np_rdma_cq *cq = np_line_alloc(sizeof(*cq));
	int err;

	if (!cq)
		return -ENOMEM;
	np_list_init(&cq->link);
	cq->reactor = reactor;
	cq->device = ibv_get_device_name(ctx->device);
	np_list_init(&cq->later);
	np_list_init(&cq->at_end);
	for (unsigned int i = 0; i < NP_RDMA_CQ_BUCKETS; i++)
		np_list_init(&cq->conns[i]);
	cq->poller.poll = cq_poll;
	cq->poller.end = cq_end;
	cq->poller.arm = cq_arm;
	err = create_verbs(cq, ctx, max_entries);
	if (err)
		goto err_verbs;
	cq->watch.fd = cq->channel->fd;
	cq->watch.ready = cq_ready;
	np_call(&cq->call, reactor, cq_attach);
	err = cq->result;
	if (err)
		goto err_verbs;
	*ret_cq = cq;
	return 0;

err_verbs:
	destroy_verbs(cq);
	free(cq);
	return err;
}

int np_rdma_cq_moderate(struct np_rdma_cq *cq, const struct ibv_cq_moderation_caps *caps,
	uint16_t count, uint16_t period_us)
{
	struct ibv_modify_cq_attr attr = {
		.attr_mask = IBV_CQ_ATTR_MODERATE,
		.moderate = {.cq_count = count < caps->max_cq_count ? count : caps->max_cq_count,
			.cq_period =
				period_us < caps->max_cq_period ? period_us : caps->max_cq_period},
	};
	int err;

	if (!caps->max_cq_count || !caps->max_cq_period)
		return -EOPNOTSUPP;
	err = ibv_modify_cq(cq->recv.cq, &attr);
	return err ? -err : -ibv_modify_cq(cq->send.cq, &attr);
}

void np_rdma_cq_free(struct np_rdma_cq *cq)
{
	np_call(&cq->call, cq->reactor, cq_detach);
	destroy_verbs(cq);
	np_list_del(&cq->link);
	free(cq);
}

static int reserve_half(struct np_rdma_cq_half *half, uint32_t entries)
{
	uint32_t need = half->entries_used + entries, grown = half->entries;
	int err;

	if (need > half->entries_max)
		return -ENOSPC;
	while (grown < need)
		grown = grown > half->entries_max / 2 ? half->entries_max : grown * 2;
	if (grown != half->entries) {
		err = ibv_resize_cq(half->cq, (int)grown);
		if (err)
			return -err;
		half->entries = grown;
	}
	half->entries_used = need;
	return 0;
}

int np_rdma_cq_reserve(struct np_rdma_cq *cq, uint32_t sends, uint32_t recvs)
{
	int err;

	if (cq->is_broken)
		return -EIO;
	err = reserve_half(&cq->send, sends);
	if (err)
		return err;
	err = reserve_half(&cq->recv, recvs);
	if (err)
		cq->send.entries_used -= sends;
	return err;
}

void np_rdma_cq_unreserve(struct np_rdma_cq *cq, uint32_t sends, uint32_t recvs)
{
	cq->send.entries_used -= sends;
	cq->recv.entries_used -= recvs;
}

static void sweep_half(struct np_rdma_cq *cq, struct np_rdma_cq_half *half)
{
	unsigned int count;

	/*
	 * Other connections may go on completing for ever: what is older than this call fits the
	 * queue once, so count instead of waiting for it to be empty.
	 */
	for (uint32_t left = (uint32_t)half->cq->cqe; left; left -= count < left ? count : left) {
		count = poll_half(cq, half);
		if (!count)
			return;
	}
}

void np_rdma_cq_sweep(struct np_rdma_cq *cq)
{
	sweep_half(cq, &cq->send);
	sweep_half(cq, &cq->recv);
}
