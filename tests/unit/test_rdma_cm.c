// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_rdma_cm.c - events of a listener: who is let in, and what ends the listening. The connection
 *                  manager, the devices and the making of a connection are stubs that count.
 *
 * Depends: cm.c, conn.c, priv.c, cmocka.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "target/base/le.h"
#include "transport/rdma/conn.h"
#include "transport/rdma/recv.h"
#include "transport/rdma/stall.h"

/* ---- stubs --------------------------------------------------------------------------------- */

static struct {
	unsigned int built, handed_over, rejected, destroyed;
	struct np_cm_reject reject;
	struct rdma_cm_id listener;
	struct np_rdma_conn conn;
} seen;

int rdma_create_id(struct rdma_event_channel *channel, struct rdma_cm_id **id, void *context,
	enum rdma_port_space ps)
{
	(void)channel;
	(void)ps;
	seen.listener.context = context;
	*id = &seen.listener;
	return 0;
}

int rdma_set_option(struct rdma_cm_id *id, int level, int name, void *value, size_t bytes)
{
	(void)id;
	(void)level;
	(void)name;
	(void)value;
	(void)bytes;
	return 0;
}

int rdma_bind_addr(struct rdma_cm_id *id, struct sockaddr *addr)
{
	(void)id;
	(void)addr;
	return 0;
}

int rdma_listen(struct rdma_cm_id *id, int backlog)
{
	(void)id;
	(void)backlog;
	return 0;
}

int rdma_reject(struct rdma_cm_id *id, const void *data, uint8_t bytes)
{
	(void)id;
	assert_int_equal(bytes, sizeof(seen.reject));
	memcpy(&seen.reject, data, sizeof(seen.reject));
	seen.rejected++;
	return 0;
}

int rdma_destroy_id(struct rdma_cm_id *id)
{
	(void)id;
	seen.destroyed++;
	return 0;
}

int np_rdma_dev_get(struct np_rdma *rdma, struct ibv_context *ctx, char *why, size_t why_size,
	struct np_rdma_dev **ret_dev)
{
	static struct np_rdma_dev dev;

	(void)rdma;
	(void)ctx;
	(void)why;
	(void)why_size;
	*ret_dev = &dev;
	return 0;
}

void np_rdma_dev_put(struct np_rdma_dev *dev)
{
	(void)dev;
}

void np_rdma_dev_removed(struct np_rdma_dev *dev)
{
	(void)dev;
}

void np_rdma_dev_poll_async(struct np_rdma *rdma)
{
	(void)rdma;
}

int np_rdma_conn_build(struct np_rdma *rdma, struct np_rdma_dev *dev, struct rdma_cm_id *id,
	struct np_port *port, const struct np_priv *priv, const struct rdma_conn_param *param,
	struct np_rdma_conn **ret_conn, char *why, size_t why_size)
{
	(void)dev;
	(void)id;
	(void)port;
	(void)priv;
	(void)param;
	(void)why;
	(void)why_size;
	rdma->base.nconns++;
	seen.built++;
	*ret_conn = &seen.conn;
	return 0;
}

void np_rdma_conn_free(struct np_rdma_conn *conn)
{
	(void)conn;
}

void np_rdma_recv_attach(struct np_rdma_conn *conn)
{
	(void)conn;
}

void np_rdma_stall_watch(struct np_rdma_conn *conn)
{
	(void)conn;
}

void np_rdma_conn_stop(struct np_rdma_conn *conn)
{
	(void)conn;
}

void np_rdma_conn_sweep(struct np_rdma_conn *conn)
{
	(void)conn;
}

static void port_lost(void *ctx, struct np_port *port, const char *why)
{
	(void)ctx;
	port->state = NP_PORT_RETRYING;
	snprintf(port->reason, sizeof(port->reason), "%s", why);
}

void np_queue_closed(struct np_queue *queue)
{
	(void)queue;
}

void np_reactor_send(struct np_reactor *reactor, struct np_msg *msg)
{
	(void)reactor;
	(void)msg;
	seen.handed_over++;
}

/* ---- a port that listens ------------------------------------------------------------------- */

struct world {
	struct np_runtime runtime;
	struct np_rdma rdma;
	struct np_port port;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char why[256];

	assert_non_null(w);
	memset(&seen, 0, sizeof(seen));
	w->runtime.loop = ev_default_loop(0);
	w->rdma.runtime = &w->runtime;
	w->rdma.channel = (void *)w; /* only handed to stubs */
	np_list_init(&w->rdma.listeners);
	np_list_init(&w->rdma.conns);
	strcpy(w->port.traddr, "127.0.0.1");
	strcpy(w->port.trsvcid, "4420");
	w->port.max_entries = NP_MAX_QUEUE_DEPTH;
	assert_int_equal(np_rdma_cm_listen(&w->rdma, &w->port, why, sizeof(why)), 0);
	w->port.state = NP_PORT_LISTENING;
	w->rdma.settings.port_lost = port_lost;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	np_rdma_cm_unlisten(&w->rdma, &w->port);
	free(w);
	return 0;
}

static void send_event(const struct np_rdma_cm_event *event)
{
	struct np_rdma_endpoint *endpoint = seen.listener.context;

	endpoint->event(endpoint, event);
}

/* A good request of a host that is another than all before. */
static void request(struct rdma_cm_id *id)
{
	const struct np_cm_req req = {.hsqsize_0b = np_le16(31), .hrqsize = np_le16(32)};
	struct np_rdma_cm_event event = {
		.type = RDMA_CM_EVENT_CONNECT_REQUEST,
		.id = id,
		.param = {.private_data_len = sizeof(req), .initiator_depth = 1},
	};

	memcpy(event.private_data, &req, sizeof(req));
	send_event(&event);
}

/* ---- tests --------------------------------------------------------------------------------- */

static void test_request__the_last_one_within_the_limit_is_let_in(void **state)
{
	struct world *w = *state;
	struct rdma_cm_id id = {0};

	w->rdma.base.nconns = NP_RDMA_MAX_CONNS - 1;
	request(&id);
	assert_int_equal(seen.built, 1);
	assert_int_equal(seen.handed_over, 1);
	assert_int_equal(seen.rejected, 0);
	assert_int_equal(seen.destroyed, 0);
	assert_ptr_equal(id.context, &seen.conn.endpoint);
	assert_int_equal(w->rdma.base.nconns, NP_RDMA_MAX_CONNS);
}

static void test_request__beyond_the_limit_is_turned_away(void **state)
{
	struct world *w = *state;
	struct rdma_cm_id id = {0};

	w->rdma.base.nconns = NP_RDMA_MAX_CONNS;
	request(&id);
	assert_int_equal(seen.rejected, 1);
	assert_int_equal(np_le16(seen.reject.recfmt), 0);
	assert_int_equal(np_le16(seen.reject.status), NP_CM_NO_RSC);
	assert_int_equal(seen.destroyed, 1);
	/* Nobody else is touched, and the port goes on listening. */
	assert_int_equal(seen.built, 0);
	assert_int_equal(seen.handed_over, 0);
	assert_int_equal(w->rdma.base.nconns, NP_RDMA_MAX_CONNS);
	assert_int_equal(w->port.state, NP_PORT_LISTENING);
	/* One has left: the next is let in. */
	w->rdma.base.nconns--;
	request(&id);
	assert_int_equal(seen.built, 1);
	assert_int_equal(seen.rejected, 1);
}

/* Of a host that was let in, as many seconds after that as it may take for its Connect. */
static void come_to_greeting_time(struct world *w, struct rdma_cm_id *id)
{
	struct np_rdma_conn *conn = &seen.conn;

	conn->rdma = &w->rdma;
	conn->id = id;
	request(id);
	conn->state = NP_RDMA_LIVE;
	ev_invoke(w->runtime.loop, &conn->timer, EV_TIMER);
}

static void test_greeting__ends_who_has_no_controller(void **state)
{
	struct world *w = *state;
	struct rdma_cm_id id = {0};

	/* It has sent something, which was refused. */
	atomic_store(&seen.conn.queue.requests, 1);
	come_to_greeting_time(w, &id);
	assert_int_equal(seen.conn.state, NP_RDMA_DRAINING);
}

static void test_greeting__leaves_who_is_connected(void **state)
{
	struct world *w = *state;
	struct rdma_cm_id id = {0};
	struct np_ctrl *ctrl = (void *)&id;

	seen.conn.queue.attached = ctrl;
	come_to_greeting_time(w, &id);
	assert_int_equal(seen.conn.state, NP_RDMA_LIVE);
}

static void lose_listener(struct world *w, enum rdma_cm_event_type type, const char *reason)
{
	const struct np_rdma_cm_event event = {.type = type, .id = &seen.listener};

	send_event(&event);
	assert_int_equal(w->port.state, NP_PORT_RETRYING);
	assert_string_equal(w->port.reason, reason);
	assert_null(w->port.listener);
	assert_int_equal(seen.destroyed, 1);
	assert_true(np_list_is_empty(&w->rdma.listeners));
}

static void test_address_change__makes_the_port_listen_again(void **state)
{
	lose_listener(*state, RDMA_CM_EVENT_ADDR_CHANGE, "its address has moved");
}

static void test_device_removal__makes_the_port_listen_again(void **state)
{
	lose_listener(*state, RDMA_CM_EVENT_DEVICE_REMOVAL, "its RDMA device was removed");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_request__the_last_one_within_the_limit_is_let_in),
		TEST(test_request__beyond_the_limit_is_turned_away),
		TEST(test_greeting__ends_who_has_no_controller),
		TEST(test_greeting__leaves_who_is_connected),
		TEST(test_address_change__makes_the_port_listen_again),
		TEST(test_device_removal__makes_the_port_listen_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
