// SPDX-License-Identifier: BSD-3-Clause
/*
 * drain.c - the reactor's part of a teardown: stop, become quiet, be swept.
 *
 * stop: nothing is posted any more, what waits is given up. quiet: the QP has flushed all that was
 * posted, and all slots are free. sweep: the QP is destroyed; no completion can come any more, but a
 * backend may still hold a request, and its slot is waited for without a limit.
 *
 * Thread: the connection's reactor.
 * Depends: conn.h, rw.h.
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "transport/rdma/conn.h"
#include "transport/rdma/fence.h"
#include "transport/rdma/recv.h"
#include "transport/rdma/rw.h"
#include "transport/rdma/stall.h"

void np_rdma_conn_fail(struct np_rdma_conn *conn, const char *fmt, ...)
{
	va_list args;

	if (conn->is_failed || conn->is_stopped)
		return;
	conn->is_failed = true;
	va_start(args, fmt);
	vsnprintf(conn->failure, sizeof(conn->failure), fmt, args);
	va_end(args);
	/* Nothing is undone here: the caller may be deep inside of a request. */
	np_rdma_conn_say_failed(conn);
}

/* From stop to here the reactor must not sleep through a completion of the send queue. */
static void become_quiet(struct np_rdma_conn *conn)
{
	if (!conn->is_quiet)
		conn->queue.reactor->nwaiting--;
	conn->is_quiet = true;
}

void np_rdma_conn_check_idle(struct np_rdma_conn *conn)
{
	if (!conn->is_stopped || conn->slots_used)
		return;
	if (conn->is_swept) {
		np_rdma_conn_say_swept(conn);
		return;
	}
	if (conn->is_quiet || conn->recvs_posted || conn->sq.free != conn->sq.entries)
		return;
	become_quiet(conn);
	np_rdma_conn_say_quiet(conn);
}

/* Capsules that nobody will look at. */
static void drop_waiting(struct np_rdma_conn *conn)
{
	struct np_list *link;

	while ((link = np_list_pop(&conn->recv_wait))) {
		np_rdma_recv_give_back(conn, np_container_of(link, struct np_rdma_recv, link));
		conn->queue.reactor->nwaiting--;
	}
}

/* Jobs that have found no room in the send queue. */
static void abandon_waiting(struct np_list *waiting)
{
	struct np_list *link;

	while ((link = np_list_pop(waiting))) {
		struct np_rdma_slot *slot = np_container_of(link, struct np_rdma_slot, link);

		slot->err = -ECONNABORTED;
		np_rdma_settle(slot);
	}
}

/* Ends the job of a slot whose QP is destroyed; harmless on one that has none. */
static void abandon(struct np_rdma_slot *slot)
{
	if (!slot->inflight || slot->is_fenced)
		return;
	slot->inflight = 0;
	slot->err = -ECONNABORTED;
	np_rdma_settle(slot);
}

void np_rdma_conn_stop(struct np_rdma_conn *conn)
{
	assert(!conn->is_stopped);
	conn->is_stopped = true;
	np_rdma_stall_unwatch(conn);
	/* As if one slot were in use: not idle before all below is done. */
	conn->slots_used++;
	conn->queue.reactor->nwaiting++;
	np_rdma_post(conn);
	drop_waiting(conn);
	np_queue_drain(&conn->queue);
	abandon_waiting(&conn->send_wait);
	abandon_waiting(&conn->read_wait);
	np_rdma_fence_abandon(conn);
	np_rdma_conn_say_stopped(conn);
	conn->slots_used--;
	np_rdma_conn_check_idle(conn);
}

void np_rdma_conn_sweep(struct np_rdma_conn *conn)
{
	np_rdma_cq_sweep(conn->cq);
	np_rdma_recv_detach(conn);
	become_quiet(conn);
	/* An RNIC that never flushed: its work requests ended with the QP. A fence has one of its own. */
	for (uint32_t i = 0; i < conn->slots_made; i++)
		abandon(&conn->slots[i]);
	conn->is_swept = true;
	np_rdma_conn_check_idle(conn);
}
