// SPDX-License-Identifier: BSD-3-Clause
/*
 * req_buf.c - the buffer of a request: out of which memory, and was that there all the time?
 *
 * Thread: the reactor of req->queue.
 * Depends: req.h, pool.h.
 */
#include "target/nvme/ctrl.h"
#include "target/nvme/req.h"

/* Does every segment but the first begin on a page boundary of a page-aligned buffer? */
static bool np_data_is_paged(const struct np_data *data)
{
	uint32_t offset = 0;

	for (unsigned int i = 0; i < data->nsegs; i++) {
		if (offset % NP_PAGE_BYTES)
			return false;
		offset += data->segs[i].bytes;
	}
	return true;
}

/*
 * Return: the memory chosen for this request's data, or NULL for host memory. The cause is in
 * req->staged where it is not peer memory.
 */
static struct np_mem_region *np_req_find_peer(struct np_req *req)
{
	const struct np_queue *queue = req->queue;
	const struct np_ns_path *path = &req->ns->paths[queue->rnic];
	struct np_mem_region *region = np_ns_region(req->ns, queue->rnic);

	/* A namespace that is on its way out is not told that its memory is. */
	if (req->avoids_peer || (region && np_mem_is_lost(region))) {
		req->staged = NP_STAGED_LOST;
		return NULL;
	}
	if (!region || !region->is_peer)
		req->staged = atomic_load_explicit(&path->staged, memory_order_relaxed);
	if (!region)
		return NULL;
	if (!np_queue_may_use(queue, region)) {
		req->staged = NP_STAGED_PATH;
		return NULL;
	}
	if (atomic_load_explicit(&queue->region_paged, memory_order_relaxed) >> region->id & 1 &&
		!np_data_is_paged(&req->data)) {
		req->staged = NP_STAGED_LAYOUT;
		return NULL;
	}
	return region;
}

static struct np_pool *np_req_choose_pool(struct np_req *req)
{
	const struct np_queue *queue = req->queue;
	struct np_mem_region *peer;

	req->waiter.user = NULL;
	/* Not the queue's number alone: Connect on an I/O queue must not wait behind I/O either. */
	if (queue->qid == 0 || req->sqe.opcode == NP_OPCODE_FABRICS)
		return queue->admin_pool;
	if (!(req->cmd->flags & NP_CMD_PEER) || req->data.kind != NP_DATA_KEYED)
		return queue->host_pool;
	peer = np_req_find_peer(req);
	if (!peer)
		return queue->host_pool;
	req->waiter.user = np_ns_user(req->ns, peer, queue->reactor->index);
	return peer->pools[queue->reactor->index];
}

static void np_req_have_buf(struct np_req *req, struct np_buf buf)
{
	uint32_t usable = req->cmd->flags & NP_CMD_TWICE ? buf.bytes / 2 : buf.bytes;

	req->buf = buf;
	if (buf.pool->region->is_peer && !np_witness_is_there(buf.pool)) {
		np_req_redo_piece(req);
		return;
	}
	req->epoch = buf.pool->witness.epoch;
	if (usable < req->bytes && !(req->cmd->flags & NP_CMD_PIECES)) {
		np_req_complete(req, np_status_generic(NVME_SC_DATA_XFER_ERROR));
		return;
	}
	np_req_next_piece(req);
}

static void np_req_count_wait(const struct np_req *req, struct np_traffic *traffic)
{
	np_stat_add(&traffic->count[NP_TRAFFIC_WAITS], 1);
	np_stat_add(&traffic->count[NP_TRAFFIC_WAIT_US], req->waiter.waited_us);
}

static void np_req_granted(struct np_pool_waiter *waiter, struct np_buf buf)
{
	struct np_req *req = np_container_of(waiter, struct np_req, waiter);

	np_list_del(&req->link);
	np_req_count_wait(req, &req->queue->traffic);
	if (req->ns)
		np_req_count_wait(req, &req->ns->stats[req->queue->reactor->index].traffic);
	if (buf.pool)
		np_req_have_buf(req, buf);
	else
		np_req_get_buf(req); /* that memory is gone */
}

bool np_req_take_buf(struct np_req *req, struct np_pool *pool, uint32_t bytes,
	void (*granted)(struct np_pool_waiter *waiter, struct np_buf buf), struct np_buf *ret_buf)
{
	req->waiter.bytes = bytes;
	req->waiter.granted = granted;
	if (np_pool_get(pool, &req->queue->lines[pool->region->id], &req->waiter, ret_buf))
		return true;
	req->step = NP_REQ_WAIT_BUF;
	np_list_add_tail(&req->queue->waiting, &req->link);
	return false;
}

static uint32_t np_req_buf_bytes(const struct np_req *req)
{
	if (req->cmd->flags & NP_CMD_ROOM)
		return NP_ROOM_BYTES;
	return req->cmd->flags & NP_CMD_TWICE ? req->bytes * 2 : req->bytes;
}

void np_req_get_buf(struct np_req *req)
{
	const uint32_t bytes = np_req_buf_bytes(req);
	struct np_buf buf;

	if (np_req_take_buf(req, np_req_choose_pool(req), bytes, np_req_granted, &buf))
		np_req_have_buf(req, buf);
}

bool np_req_had_memory(const struct np_req *req)
{
	struct np_pool *pool = req->buf.pool;

	if (!pool || !pool->region->is_peer)
		return true;
	return np_witness_look(pool) && pool->witness.epoch == req->epoch &&
		!np_mem_is_lost(pool->region);
}

void np_req_redo_piece(struct np_req *req)
{
	np_buf_put(&req->buf);
	req->avoids_peer = true;
	np_req_get_buf(req);
}
