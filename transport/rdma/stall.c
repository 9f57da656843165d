// SPDX-License-Identifier: BSD-3-Clause
/*
 * stall.c - ends a connection on which work requests do not complete any more.
 *
 * A host that posts no receives can hold our SENDs for ever: how often they are tried again is what
 * it wrote into its connection request (RNR retry count), and 7 means without end. What it holds are
 * buffers that all connections of the reactor share. A dead completion queue looks the same.
 *
 * Thread: the connection's reactor.
 * Depends: conn.h.
 */
#include "transport/rdma/stall.h"

#define LOOK_MS 10000u
#define MAX_LOOKS 4u /* the first may come right after the work was posted */

static void look(struct np_timer *timer)
{
	struct np_rdma_conn *conn = np_container_of(timer, struct np_rdma_conn, stall.timer);
	struct np_rdma_stall *stall = &conn->stall;
	bool is_idle = conn->sq.free == conn->sq.entries;

	stall->looks = is_idle || stall->seen != stall->completed ? 0 : stall->looks + 1;
	stall->seen = stall->completed;
	if (stall->looks == MAX_LOOKS) {
		np_rdma_conn_fail(
			conn, "the host took nothing for %u s", (MAX_LOOKS - 1) * LOOK_MS / 1000);
		return;
	}
	np_rdma_stall_watch(conn);
}

void np_rdma_stall_init(struct np_rdma_conn *conn)
{
	np_timer_init(&conn->stall.timer, look);
}

void np_rdma_stall_watch(struct np_rdma_conn *conn)
{
	struct np_reactor *reactor = conn->queue.reactor;

	/* All at the same time, so that many idle connections wake the reactor once. */
	np_reactor_set_timer(
		reactor, &conn->stall.timer, LOOK_MS - reactor->now_us / 1000 % LOOK_MS);
}

void np_rdma_stall_unwatch(struct np_rdma_conn *conn)
{
	np_timer_cancel(&conn->stall.timer);
}
