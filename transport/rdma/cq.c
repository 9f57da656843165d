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

#define CQ_BATCH 32
#define CQ_MIN_ENTRIES 1024u

static void run_later(struct np_rdma_cq *cq)
{
	struct np_list todo, *link;

	/* What is added meanwhile has its turn next time, so that this loop ends. */
	np_list_init(&todo);
	while ((link = np_list_pop(&cq->later)))
		np_list_add_tail(&todo, link);
	while ((link = np_list_pop(&todo))) {
		struct np_rdma_later *later = np_container_of(link, struct np_rdma_later, link);

		later->fn(later);
	}
}

/* Handles one batch. Return: completions handled. */
static unsigned int poll_batch(struct np_rdma_cq *cq)
{
	struct ibv_wc wcs[CQ_BATCH];
	int count;

	if (cq->is_broken)
		return 0;
	count = ibv_poll_cq(cq->cq, CQ_BATCH, wcs);
	if (count < 0) {
		np_log_err("%s: polling the completion queue of reactor %u failed: %d", cq->device,
			cq->reactor->index, count);
		cq->is_broken = true;
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
	return count + poll_batch(cq);
}

static bool cq_arm(struct np_poller *poller)
{
	struct np_rdma_cq *cq = np_container_of(poller, struct np_rdma_cq, poller);

	if (!cq->is_armed && !cq->is_broken) {
		if (ibv_req_notify_cq(cq->cq, 0)) {
			np_log_err("%s: arming the completion queue of reactor %u failed",
				cq->device, cq->reactor->index);
			cq->is_broken = true;
			return false;
		}
		cq->is_armed = true;
	}
	/* What came before the queue was armed raises no event. */
	return cq_poll(poller) > 0;
}

static void watch_closed(struct np_watch *watch)
{
	struct np_rdma_cq *cq = np_container_of(watch, struct np_rdma_cq, watch);

	sem_post(&cq->done);
}

static void cq_ready(struct np_watch *watch)
{
	struct np_rdma_cq *cq = np_container_of(watch, struct np_rdma_cq, watch);
	struct ibv_cq *event_cq;
	void *ctx;

	/* The queue is armed again only after its event was taken, so there is one at most. */
	if (ibv_get_cq_event(cq->channel, &event_cq, &ctx))
		return;
	ibv_ack_cq_events(cq->cq, 1);
	cq->is_armed = false;
}

static void cq_attach(struct np_msg *msg)
{
	struct np_rdma_cq *cq = np_container_of(msg, struct np_rdma_cq, msg);

	cq->result = np_reactor_watch(cq->reactor, &cq->watch);
	if (!cq->result)
		np_reactor_add_poller(cq->reactor, &cq->poller);
	sem_post(&cq->done);
}

static void cq_detach(struct np_msg *msg)
{
	struct np_rdma_cq *cq = np_container_of(msg, struct np_rdma_cq, msg);

	np_reactor_del_poller(&cq->poller);
	np_reactor_unwatch(&cq->watch, watch_closed);
}

/* Has @fn run on the reactor and waits until it has posted cq->done. */
static void call_reactor(struct np_rdma_cq *cq, void (*fn)(struct np_msg *msg))
{
	cq->msg.fn = fn;
	np_reactor_send(cq->reactor, &cq->msg);
	while (sem_wait(&cq->done) && errno == EINTR)
		;
}

static void destroy_verbs(struct np_rdma_cq *cq)
{
	if (cq->cq && ibv_destroy_cq(cq->cq))
		np_log_warn("%s: a completion queue could not be destroyed", cq->device);
	if (cq->channel && ibv_destroy_comp_channel(cq->channel))
		np_log_warn("%s: a completion channel could not be destroyed", cq->device);
}

static int create_verbs(struct np_rdma_cq *cq, struct ibv_context *ctx)
{
	uint32_t entries = CQ_MIN_ENTRIES < cq->entries_max ? CQ_MIN_ENTRIES : cq->entries_max;
	int flags;

	cq->channel = ibv_create_comp_channel(ctx);
	if (!cq->channel)
		return -errno;
	flags = fcntl(cq->channel->fd, F_GETFL);
	if (flags < 0 || fcntl(cq->channel->fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	cq->cq = ibv_create_cq(ctx, (int)entries, cq, cq->channel, 0);
	if (!cq->cq)
		return -errno;
	cq->entries = entries;
	return 0;
}

int np_rdma_cq_new(struct ibv_context *ctx, struct np_reactor *reactor, uint32_t max_entries,
	struct np_rdma_cq **ret_cq)
{
	struct np_rdma_cq *cq = calloc(1, sizeof(*cq));
	int err;

	if (!cq)
		return -ENOMEM;
	cq->reactor = reactor;
	cq->device = ibv_get_device_name(ctx->device);
	cq->entries_max = max_entries;
	np_list_init(&cq->later);
	cq->poller.poll = cq_poll;
	cq->poller.arm = cq_arm;
	sem_init(&cq->done, 0, 0);
	err = create_verbs(cq, ctx);
	if (err)
		goto err_verbs;
	cq->watch.fd = cq->channel->fd;
	cq->watch.ready = cq_ready;
	call_reactor(cq, cq_attach);
	err = cq->result;
	if (err)
		goto err_verbs;
	*ret_cq = cq;
	return 0;

err_verbs:
	destroy_verbs(cq);
	sem_destroy(&cq->done);
	free(cq);
	return err;
}

void np_rdma_cq_free(struct np_rdma_cq *cq)
{
	if (!cq)
		return;
	call_reactor(cq, cq_detach);
	destroy_verbs(cq);
	sem_destroy(&cq->done);
	free(cq);
}

int np_rdma_cq_reserve(struct np_rdma_cq *cq, uint32_t entries)
{
	uint32_t need = cq->entries_used + entries, grown = cq->entries;
	int err;

	if (need > cq->entries_max)
		return -ENOSPC;
	while (grown < need)
		grown = grown > cq->entries_max / 2 ? cq->entries_max : grown * 2;
	if (grown != cq->entries) {
		err = ibv_resize_cq(cq->cq, (int)grown);
		if (err)
			return -err;
		cq->entries = grown;
	}
	cq->entries_used = need;
	return 0;
}

void np_rdma_cq_unreserve(struct np_rdma_cq *cq, uint32_t entries)
{
	cq->entries_used -= entries;
}

void np_rdma_cq_sweep(struct np_rdma_cq *cq)
{
	unsigned int count;

	/*
	 * Other connections may go on completing for ever: what is older than this call fits the
	 * queue once, so count instead of waiting for it to be empty.
	 */
	for (uint32_t left = (uint32_t)cq->cq->cqe; left; left -= count < left ? count : left) {
		count = poll_batch(cq);
		if (!count)
			return;
	}
}
