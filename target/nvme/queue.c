// SPDX-License-Identifier: BSD-3-Clause
/*
 * queue.c - set-up and draining of the NVMe side of a connection.
 *
 * Thread: as queue.h says.
 * Depends: req.h, ctrl.h.
 */
#include "target/nvme/queue.h"

#include "target/nvme/auth.h"
#include "target/nvme/ctrl.h"
#include "target/nvme/io.h"
#include "target/nvme/req.h"

#define NP_QUEUE_RETRY_MS 1

/* Runs the requests that could not go on a moment ago; they may come back here. */
static void np_queue_retry(struct np_timer *timer)
{
	struct np_queue *queue = np_container_of(timer, struct np_queue, retry_timer);
	struct np_list busy, *node;

	np_list_init(&busy);
	np_list_move_all(&busy, &queue->retry);
	while ((node = np_list_pop(&busy)) != NULL) {
		struct np_req *req = np_container_of(node, struct np_req, link);

		if (req->step == NP_REQ_BEGIN)
			np_req_begin_again(req);
		else
			np_io_submit(req);
	}
}

void np_req_retry(struct np_req *req)
{
	struct np_queue *queue = req->queue;
	const struct np_status status = np_req_must_end(req);

	if (!np_status_is_ok(status)) {
		np_req_complete(req, status);
		return;
	}
	/* Not later because of who comes later. */
	if (np_list_is_empty(&queue->retry))
		np_reactor_set_timer(queue->reactor, &queue->retry_timer, NP_QUEUE_RETRY_MS);
	np_list_add_tail(&queue->retry, &req->link);
}

void np_queue_init(struct np_queue *queue, const struct np_transport_ops *transport,
	struct np_reactor *reactor, const struct np_port *port, struct np_mem *mem, uint32_t id,
	uint16_t qid, uint16_t depth)
{
	*queue = (struct np_queue){
		.transport = transport,
		.reactor = reactor,
		.port = port,
		.id = id,
		.state = NP_QUEUE_NEW,
		.qid = qid,
		.depth = depth,
		.sq_entries = depth,
		.host_pool = mem->regions[NP_REGION_HOST]->pools[reactor->index],
		.admin_pool = mem->regions[NP_REGION_ADMIN]->pools[reactor->index],
	};
	for (unsigned int i = 0; i < NP_MAX_REGIONS; i++)
		np_pool_line_init(&queue->lines[i]);
	np_list_init(&queue->waiting);
	np_list_init(&queue->retry);
	np_list_init(&queue->first);
	np_list_init(&queue->ctrl_link);
	np_timer_init(&queue->retry_timer, np_queue_retry);
}

void np_queue_drain(struct np_queue *queue)
{
	struct np_req *req;

	queue->state = NP_QUEUE_DRAINING;
	np_timer_cancel(&queue->retry_timer);
	np_auth_drain(queue);
	while ((req = np_list_first(&queue->waiting, struct np_req, link)) != NULL)
		np_req_give_up(req, np_status_generic(NVME_SC_ABORT_QUEUE));
	while ((req = np_list_first(&queue->retry, struct np_req, link)) != NULL)
		np_req_give_up(req, np_status_generic(NVME_SC_ABORT_QUEUE));
	if ((req = np_list_first(&queue->first, struct np_req, link)) != NULL)
		np_req_give_up(req, np_status_generic(NVME_SC_ABORT_QUEUE));
	if (queue->ctrl)
		np_ctrl_drain(queue->ctrl, queue);
}
