// SPDX-License-Identifier: BSD-3-Clause
/*
 * conn.c - the life of a connection as the control thread sees it.
 *
 * BUILDING -> ADOPTED -> LIVE, and from each of these -> DRAINING -> SWEEPING -> DRAINED. There is
 * no other way out. Events come from the connection manager, from timers and, as messages, from the
 * reactor; np_rdma_conn_event() answers every pair of state and event.
 *
 * Thread: control thread; the say functions run on the reactor.
 * Depends: conn.h, priv.h.
 */
#include "transport/rdma/conn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "transport/rdma/recv.h"
#include "transport/rdma/stall.h"

/* Spec: InfiniBand Architecture 1.4, volume 1, 9.7.5.2.8, table 46. */
#define RNR_TIMER_640_US 12

enum conn_event {
	EVENT_ADOPTED, /* by the reactor */
	EVENT_ESTABLISHED,
	EVENT_GONE,
	EVENT_STOPPED, /* the reactor posts nothing any more */
	EVENT_QUIET,   /* all is given back, the QP has flushed */
	EVENT_TIMEOUT,
	EVENT_SWEPT, /* the reactor has forgotten the connection */
};

static void conn_event(struct np_rdma_conn *conn, enum conn_event event, const char *why);

const char *np_rdma_state_name(enum np_rdma_state state)
{
	static const char *const names[] = {
		[NP_RDMA_BUILDING] = "building",
		[NP_RDMA_ADOPTED] = "adopted",
		[NP_RDMA_LIVE] = "live",
		[NP_RDMA_DRAINING] = "draining",
		[NP_RDMA_SWEEPING] = "sweeping",
		[NP_RDMA_DRAINED] = "drained",
	};

	return names[state];
}

/* The only place that writes conn->state after build.c. */
static void set_state(struct np_rdma_conn *conn, enum np_rdma_state state, const char *why)
{
	bool matters = state == NP_RDMA_LIVE || state == NP_RDMA_DRAINING;
	const char *from = np_rdma_state_name(conn->state);

	conn->state = state;
	if (matters)
		np_log_limited(&conn->rdma->limit, NP_LOG_INFO, "conn %u q%u host=%s: %s -> %s: %s",
			conn->queue.id, conn->queue.qid, conn->host, from,
			np_rdma_state_name(state), why);
	else
		np_log_debug("conn %u q%u host=%s: %s -> %s: %s", conn->queue.id, conn->queue.qid,
			conn->host, from, np_rdma_state_name(state), why);
}

static void set_timer(struct np_rdma_conn *conn, double seconds)
{
	struct ev_loop *loop = conn->rdma->runtime->loop;

	ev_timer_stop(loop, &conn->timer);
	if (seconds <= 0)
		return;
	/* Building and testing may have blocked the loop: its clock lags. */
	ev_now_update(loop);
	ev_timer_set(&conn->timer, seconds, 0);
	ev_timer_start(loop, &conn->timer);
}

/* ---- messages: control -> reactor -> control ----------------------------------------------- */

static void adopted(struct np_msg *msg)
{
	conn_event(np_container_of(msg, struct np_rdma_conn, adopt_msg), EVENT_ADOPTED,
		"the reactor is ready");
}

static void adopt(struct np_msg *msg)
{
	struct np_rdma_conn *conn = np_container_of(msg, struct np_rdma_conn, adopt_msg);

	np_rdma_recv_attach(conn);
	np_rdma_stall_watch(conn);
	msg->fn = adopted;
	np_runtime_send_control(conn->rdma->runtime, msg);
}

static void stop(struct np_msg *msg)
{
	np_rdma_conn_stop(np_container_of(msg, struct np_rdma_conn, drain_msg));
}

static void stopped(struct np_msg *msg)
{
	conn_event(np_container_of(msg, struct np_rdma_conn, drain_msg), EVENT_STOPPED, "stopped");
}

void np_rdma_conn_say_stopped(struct np_rdma_conn *conn)
{
	conn->drain_msg.fn = stopped;
	np_runtime_send_control(conn->rdma->runtime, &conn->drain_msg);
}

static void quiet(struct np_msg *msg)
{
	conn_event(np_container_of(msg, struct np_rdma_conn, quiet_msg), EVENT_QUIET, "flushed");
}

void np_rdma_conn_say_quiet(struct np_rdma_conn *conn)
{
	conn->quiet_msg.fn = quiet;
	np_runtime_send_control(conn->rdma->runtime, &conn->quiet_msg);
}

static void failed(struct np_msg *msg)
{
	struct np_rdma_conn *conn = np_container_of(msg, struct np_rdma_conn, fail_msg);

	conn_event(conn, EVENT_GONE, conn->failure);
}

void np_rdma_conn_say_failed(struct np_rdma_conn *conn)
{
	conn->fail_msg.fn = failed;
	np_runtime_send_control(conn->rdma->runtime, &conn->fail_msg);
}

static void sweep(struct np_msg *msg)
{
	np_rdma_conn_sweep(np_container_of(msg, struct np_rdma_conn, sweep_msg));
}

static void swept(struct np_msg *msg)
{
	conn_event(np_container_of(msg, struct np_rdma_conn, sweep_msg), EVENT_SWEPT,
		"nothing refers to it");
}

void np_rdma_conn_say_swept(struct np_rdma_conn *conn)
{
	conn->sweep_msg.fn = swept;
	np_runtime_send_control(conn->rdma->runtime, &conn->sweep_msg);
}

/* ---- what happens on an event -------------------------------------------------------------- */

static void begin_drain(struct np_rdma_conn *conn, const char *why)
{
	set_state(conn, NP_RDMA_DRAINING, why);
	conn->queue.is_going = true;
	set_timer(conn, 0);
	conn->drain_msg.fn = stop;
	np_reactor_send(conn->queue.reactor, &conn->drain_msg);
}

/*
 * How long a host waits that found no receive in a shared queue, before it sends its capsule again.
 * The connection manager leaves the attribute 0, which stands for 655 ms.
 */
static void set_rnr_timer(struct np_rdma_conn *conn)
{
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_RTS, .min_rnr_timer = RNR_TIMER_640_US};

	if (ibv_modify_qp(conn->qp, &attr, IBV_QP_STATE | IBV_QP_MIN_RNR_TIMER))
		np_log_debug("conn %u: keeps the RNR timer: %s", conn->queue.id, strerror(errno));
}

static void accept_host(struct np_rdma_conn *conn)
{
	struct np_cm_accept accept;
	struct rdma_conn_param param = {
		.private_data = &accept,
		.private_data_len = sizeof(accept),
		.initiator_depth = (uint8_t)conn->read_limit,
		.flow_control = 1,
		/* For ever: a host's SEND may find no receive in a shared queue. */
		.rnr_retry_count = 7,
	};

	np_priv_format_accept(conn->queue.depth, &accept);
	if (rdma_accept(conn->id, &param)) {
		char why[96];

		snprintf(why, sizeof(why), "accept failed: %s", strerror(errno));
		begin_drain(conn, why);
		return;
	}
	set_rnr_timer(conn);
	set_state(conn, NP_RDMA_ADOPTED, "accepted");
	set_timer(conn, NP_RDMA_GREETING_S);
}

/* From here on the QP gives back what was posted to it. */
static void flush_qp(struct np_rdma_conn *conn)
{
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_ERR};

	/* Either may fail, on a host that has left already or a device that is gone. */
	rdma_disconnect(conn->id);
	ibv_modify_qp(conn->qp, &attr, IBV_QP_STATE);
	set_timer(conn, NP_RDMA_DRAIN_S);
}

static void begin_sweep(struct np_rdma_conn *conn, const char *why)
{
	set_timer(conn, 0);
	rdma_destroy_qp(conn->id);
	set_state(conn, NP_RDMA_SWEEPING, why);
	conn->sweep_msg.fn = sweep;
	np_reactor_send(conn->queue.reactor, &conn->sweep_msg);
}

static void end(struct np_rdma_conn *conn, const char *why)
{
	struct np_rdma_dev *dev = conn->dev;
	struct rdma_cm_id *id = conn->id;

	set_state(conn, NP_RDMA_DRAINED, why);
	np_queue_closed(&conn->queue);
	np_rdma_conn_free(conn);
	rdma_destroy_id(id);
	/* Last: it may free the device, which librdmacm closes only without an id. */
	np_rdma_dev_put(dev);
}

static void timed_out(struct np_rdma_conn *conn)
{
	if (conn->state == NP_RDMA_DRAINING) {
		np_log_limited(&conn->rdma->limit, NP_LOG_WARN,
			"conn %u q%u host=%s: the RNIC did not flush the queue pair within %.0f s",
			conn->queue.id, conn->queue.qid, conn->host, NP_RDMA_DRAIN_S);
		begin_sweep(conn, "flush timed out");
	} else if (!conn->queue.attached) {
		/* No controller, so no keep-alive would ever find out that the host is gone. */
		begin_drain(conn, "the host sent no Connect that was granted");
	}
}

static void conn_event(struct np_rdma_conn *conn, enum conn_event event, const char *why)
{
	enum np_rdma_state state = conn->state;

	switch (event) {
	case EVENT_ADOPTED: /* else it has begun to drain meanwhile, and is not accepted */
		if (state == NP_RDMA_BUILDING)
			accept_host(conn);
		break;
	case EVENT_ESTABLISHED: /* may come late, after a drain has begun */
		if (state == NP_RDMA_ADOPTED)
			set_state(conn, NP_RDMA_LIVE, why);
		break;
	case EVENT_GONE: /* the first reason counts */
		if (state < NP_RDMA_DRAINING)
			begin_drain(conn, why);
		break;
	case EVENT_STOPPED: /* comes in DRAINING only: it alone lets the timer start */
		if (state == NP_RDMA_DRAINING)
			flush_qp(conn);
		break;
	case EVENT_QUIET: /* else the time limit was quicker */
		if (state == NP_RDMA_DRAINING)
			begin_sweep(conn, why);
		break;
	case EVENT_TIMEOUT:
		if (state <= NP_RDMA_DRAINING)
			timed_out(conn);
		break;
	case EVENT_SWEPT: /* comes in SWEEPING only: the answer to its message */
		if (state == NP_RDMA_SWEEPING)
			end(conn, why);
		break;
	}
}

void np_rdma_conn_gone(struct np_rdma_conn *conn, const char *why)
{
	conn_event(conn, EVENT_GONE, why);
}

/* ---- the connection manager and the timer --------------------------------------------------- */

static void on_cm_event(struct np_rdma_endpoint *endpoint, const struct np_rdma_cm_event *event)
{
	struct np_rdma_conn *conn = np_container_of(endpoint, struct np_rdma_conn, endpoint);

	switch (event->type) {
	case RDMA_CM_EVENT_ESTABLISHED:
		conn_event(conn, EVENT_ESTABLISHED, "established");
		break;
	case RDMA_CM_EVENT_DISCONNECTED:
		conn_event(conn, EVENT_GONE, "the host disconnected");
		break;
	case RDMA_CM_EVENT_DEVICE_REMOVAL:
		np_rdma_dev_removed(conn->dev);
		break;
	case RDMA_CM_EVENT_CONNECT_ERROR:
	case RDMA_CM_EVENT_UNREACHABLE:
	case RDMA_CM_EVENT_REJECTED:
	case RDMA_CM_EVENT_ADDR_CHANGE:
		conn_event(conn, EVENT_GONE, rdma_event_str(event->type));
		break;
	default:
		np_log_debug("conn %u: %s", conn->queue.id, rdma_event_str(event->type));
		break;
	}
}

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	conn_event(timer->data, EVENT_TIMEOUT, "time is up");
}

int np_rdma_conn_start(struct np_rdma *rdma, struct rdma_cm_id *id, struct np_port *port,
	const struct np_priv *priv, const struct rdma_conn_param *param,
	enum np_cm_status *ret_status, char *why, size_t why_size)
{
	struct np_rdma_conn *conn;
	struct np_rdma_dev *dev;
	int err;

	*ret_status = NP_CM_NO_RSC;
	if (rdma->base.nconns >= NP_RDMA_MAX_CONNS) {
		snprintf(why, why_size, "there are %u connections already", rdma->base.nconns);
		return -EUSERS;
	}
	if (!param->initiator_depth) {
		*ret_status = NP_CM_INVALID_IRD;
		snprintf(why, why_size, "the host allows no RDMA READ");
		return -EINVAL;
	}
	err = np_rdma_dev_get(rdma, id->verbs, why, why_size, &dev);
	if (err)
		return err;
	err = np_rdma_conn_build(rdma, dev, id, port, priv, param, &conn, why, why_size);
	if (err)
		return err;
	conn->endpoint.event = on_cm_event;
	id->context = &conn->endpoint;
	ev_timer_init(&conn->timer, on_timer, 0., 0.);
	conn->timer.data = conn;
	conn->adopt_msg.fn = adopt;
	np_reactor_send(conn->queue.reactor, &conn->adopt_msg);
	*ret_status = NP_CM_OK;
	return 0;
}
