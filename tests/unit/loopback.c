// SPDX-License-Identifier: BSD-3-Clause
/*
 * loopback.c - the transport and the backend of the loopback world, and what makes it turn.
 *
 * Thread: the test's, which plays reactor and control thread.
 * Depends: cmocka, nvme room.
 */
#include "loopback.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "target/base/le.h"

/* ---- the backend ------------------------------------------------------------------------- */

static struct np_status np_lb_backend_run(struct np_lb_backend *backend, struct np_io *io)
{
	const size_t shift = NP_LB_BLOCK_SHIFT;
	uint8_t *blocks = backend->blocks + (io->lba << shift);

	if (!np_status_is_ok(backend->fail) && io->op == backend->fail_op)
		return backend->fail;
	if (io->op == NP_IO_FLUSH)
		return NP_SUCCESS;
	if (io->op == NP_IO_ZONE_SEND) {
		if (io->bytes)
			memcpy(backend->zone_ext, io->va, io->bytes);
		return NP_SUCCESS;
	}
	if (io->op == NP_IO_ZONE_RECEIVE) {
		memset(io->va, (int)io->action, io->bytes);
		return NP_SUCCESS;
	}
	if (io->op == NP_IO_ZONE_APPEND) {
		io->result = io->lba + backend->appended;
		memcpy(blocks + (backend->appended << shift), io->va, (size_t)io->nblocks << shift);
		backend->appended += io->nblocks;
		return NP_SUCCESS;
	}
	if (io->op == NP_IO_PASSTHRU) {
		backend->passed = *io->sqe;
		io->result = backend->passed_result;
		if (io->sqe->opcode & NP_DIR_TO_HOST)
			memset(io->va, 0x5a, io->bytes / 2);
		else if (io->bytes)
			memcpy(backend->blocks, io->va, io->bytes);
		return NP_SUCCESS;
	}
	if (io->op == NP_IO_HEALTH) {
		memcpy(io->va, &backend->health, sizeof(backend->health));
		return NP_SUCCESS;
	}
	assert_true(io->lba + io->nblocks <= NP_LB_NS_BLOCKS);
	if (io->op == NP_IO_READ)
		memcpy(io->va, blocks, (size_t)io->nblocks << shift);
	else if (io->op == NP_IO_COPY)
		memcpy(blocks, backend->blocks + (io->source << shift),
			(size_t)io->nblocks << shift);
	else if (io->op == NP_IO_WRITE)
		memcpy(blocks, io->va, (size_t)io->nblocks << shift);
	else
		memset(blocks, 0, (size_t)io->nblocks << shift);
	if (io->op == NP_IO_WRITE)
		blocks[0] ^= backend->spoils_writes;
	return NP_SUCCESS;
}

static enum np_io_submit np_lb_backend_submit(struct np_backend *base, struct np_reactor *reactor,
	struct np_io *io, struct np_status *ret_status)
{
	struct np_lb_backend *backend = np_container_of(base, struct np_lb_backend, base);
	struct np_status status;

	(void)reactor;
	if (backend->busy_left) {
		backend->busy_left--;
		return NP_IO_BUSY;
	}
	backend->ops_seen[io->op]++;
	backend->last = *io;
	status = np_lb_backend_run(backend, io);
	if (!backend->is_queued) {
		*ret_status = status;
		return NP_IO_DONE;
	}
	assert_true(backend->npending < NP_LB_MAX_PENDING);
	backend->pending[backend->npending].io = io;
	backend->pending[backend->npending].status = status;
	backend->npending++;
	return NP_IO_QUEUED;
}

/* The world has one reactor, and @io does not tell its backend: the first that has it. */
static bool np_lb_backend_cancel(
	struct np_reactor *reactor, struct np_io *io, struct np_uring_op *op)
{
	struct np_lb *lb = np_container_of(reactor, struct np_lb, reactor);

	for (unsigned int b = 0; b < 2; b++) {
		struct np_lb_backend *backend = &lb->backends[b];

		for (unsigned int i = 0; backend->can_cancel && i < backend->npending; i++) {
			if (backend->pending[i].io != io)
				continue;
			backend->pending[i].status = np_status_aborted();
			backend->is_held = false;
			backend->cancel = op;
			return true;
		}
	}
	return false;
}

const struct np_backend_ops np_lb_backend_ops = {
	.name = "ram",
	.submit = np_lb_backend_submit,
	.cancel = np_lb_backend_cancel,
};

void np_lb_backend_complete_first(struct np_lb_backend *backend)
{
	struct np_io *io = backend->pending[0].io;
	const struct np_status status = backend->pending[0].status;

	assert_true(backend->npending);
	backend->npending--;
	memmove(backend->pending, backend->pending + 1,
		backend->npending * sizeof(backend->pending[0]));
	io->done(io, status);
}

static unsigned int np_lb_backend_complete(struct np_lb_backend *backend)
{
	struct np_uring_op *cancel = backend->cancel;
	unsigned int done = 0;

	backend->cancel = NULL;
	while (backend->npending && !backend->is_held) {
		np_lb_backend_complete_first(backend);
		done++;
	}
	if (cancel)
		cancel->done(cancel, 0, 0);
	return done;
}

/* ---- the transport ----------------------------------------------------------------------- */

static struct np_lb_slot *np_lb_slot_of(struct np_req *req)
{
	return np_container_of(req, struct np_lb_slot, req);
}

static struct np_lb_conn *np_lb_conn_of(struct np_queue *queue)
{
	return np_container_of(queue, struct np_lb_conn, queue);
}

static void np_lb_pull(struct np_req *req)
{
	assert_int_equal(np_lb_slot_of(req)->wire, NP_LB_IDLE);
	np_lb_slot_of(req)->wire = NP_LB_PULL;
	np_lb_conn_of(req->queue)->pulls++;
}

static void np_lb_push(struct np_req *req)
{
	assert_int_equal(np_lb_slot_of(req)->wire, NP_LB_IDLE);
	np_lb_slot_of(req)->wire = NP_LB_PUSH;
	np_lb_conn_of(req->queue)->pushes++;
}

static void np_lb_release(struct np_lb_slot *slot)
{
	slot->releases++;
	np_req_release(&slot->req);
}

static void np_lb_respond(struct np_req *req)
{
	struct np_lb_slot *slot = np_lb_slot_of(req);

	assert_int_equal(slot->wire, NP_LB_IDLE);
	if (req->queue->state == NP_QUEUE_DRAINING)
		np_lb_release(slot);
	else
		slot->wire = NP_LB_RESPOND;
}

static void np_lb_abort_conn(
	struct np_transport *transport, struct np_queue *queue, const char *why)
{
	(void)transport;
	np_lb_conn_of(queue)->must_drain = true;
	np_lb_conn_of(queue)->why = why;
}

static struct np_req *np_lb_find_req(struct np_queue *queue, uint16_t cid)
{
	struct np_lb_conn *conn = np_lb_conn_of(queue);

	for (unsigned int i = 0; i < NP_LB_DEPTH; i++)
		if (np_req_is_open(&conn->slots[i].req) &&
			np_le16(conn->slots[i].req.sqe.cid) == cid)
			return &conn->slots[i].req;
	return NULL;
}

const struct np_transport_ops np_lb_transport_ops = {
	.name = "loopback",
	.pull = np_lb_pull,
	.push = np_lb_push,
	.respond = np_lb_respond,
	.find_req = np_lb_find_req,
	.abort_conn = np_lb_abort_conn,
};

/* Copies the piece at req->va to or from the host's segments. */
static void np_lb_copy(struct np_req *req, bool to_host)
{
	uint32_t skip = req->piece_offset, left = req->piece_bytes;
	uint8_t *va = req->va;

	for (unsigned int i = 0; i < req->data.nsegs && left; i++) {
		const struct np_sgl_seg *seg = &req->data.segs[i];
		uint8_t *host = (uint8_t *)(uintptr_t)seg->addr + skip; // NOLINT
		uint32_t n;

		if (skip >= seg->bytes) {
			skip -= seg->bytes;
			continue;
		}
		n = seg->bytes - skip < left ? seg->bytes - skip : left;
		memcpy(to_host ? host : va, to_host ? va : host, n);
		va += n;
		left -= n;
		skip = 0;
	}
	assert_int_equal(left, 0);
}

static void np_lb_send_response(struct np_lb_slot *slot)
{
	if (np_req_has_data_out(&slot->req))
		np_lb_copy(&slot->req, true);
	slot->cqe = slot->req.cqe;
	slot->answers++;
	np_lb_release(slot);
}

/* Return: true if the slot had something to do. */
static bool np_lb_run_wire(struct np_lb_slot *slot)
{
	const bool is_dying = slot->req.queue && slot->req.queue->state == NP_QUEUE_DRAINING;
	const enum np_lb_wire wire = slot->wire;

	slot->wire = NP_LB_IDLE;
	switch (wire) {
	case NP_LB_IDLE:
		return false;
	case NP_LB_PULL:
		if (!is_dying)
			np_lb_copy(&slot->req, false);
		if (!is_dying && np_lb_conn_of(slot->req.queue)->on_pull)
			np_lb_conn_of(slot->req.queue)->on_pull(&slot->req);
		np_req_pulled(&slot->req, is_dying ? -ECANCELED : 0);
		return true;
	case NP_LB_PUSH:
		if (!is_dying)
			np_lb_copy(&slot->req, true);
		np_req_pushed(&slot->req, is_dying ? -ECANCELED : 0);
		return true;
	case NP_LB_RESPOND:
		if (is_dying)
			np_lb_release(slot);
		else
			np_lb_send_response(slot);
		return true;
	}
	return false;
}

/* Draining, and closing when nothing is in flight: as each transport does it. */
static bool np_lb_run_teardown(struct np_lb_conn *conn)
{
	if (conn->must_drain && !conn->is_drained) {
		conn->is_drained = true;
		np_queue_drain(&conn->queue);
		return true;
	}
	if (!conn->is_drained || conn->is_closed)
		return false;
	for (unsigned int i = 0; i < NP_LB_DEPTH; i++)
		if (conn->slots[i].req.step != NP_REQ_FREE)
			return false;
	conn->is_closed = true;
	np_queue_closed(&conn->queue);
	return true;
}

void np_lb_disconnect(struct np_lb_conn *conn)
{
	conn->must_drain = true;
}

void np_lb_pump(struct np_lb *lb)
{
	unsigned int work;

	do {
		struct np_list *pos, *tmp;

		work = np_mailbox_drain(&lb->reactor.mailbox);
		work += np_mailbox_drain(&lb->runtime.control);
		np_list_for_each_safe(pos, tmp, &lb->reactor.pollers) {
			struct np_poller *poller = np_container_of(pos, struct np_poller, link);

			work += poller->poll(poller);
		}
		for (unsigned int i = 0; i < 2; i++)
			work += np_lb_backend_complete(&lb->backends[i]);
		for (unsigned int c = 0; c < lb->nconns; c++) {
			for (unsigned int i = 0; i < NP_LB_DEPTH; i++)
				work += np_lb_run_wire(&lb->conns[c]->slots[i]);
			work += np_lb_run_teardown(lb->conns[c]);
		}
	} while (work);
}

void np_lb_advance(struct np_lb *lb, uint64_t ms)
{
	const uint64_t step_ms = 100;

	for (uint64_t passed = 0; passed < ms; passed += step_ms) {
		lb->reactor.now_us += (ms - passed < step_ms ? ms - passed : step_ms) * 1000;
		np_reactor_run_timers(&lb->reactor);
		np_lb_pump(lb);
	}
}
