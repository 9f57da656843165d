// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_teardown.c - ends of connections, and what happens at the same time as Connect.
 *
 * Depends: loopback.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loopback.h"
#include "target/base/le.h"

static int setup(void **state)
{
	*state = np_lb_open();
	return 0;
}

static int teardown(void **state)
{
	np_lb_close(*state);
	return 0;
}

static void test_teardown__admin_takes_io_queues_along(void **state)
{
	struct np_lb *lb = *state;
	struct np_lb_conn *admin = np_lb_connect_admin(lb, NP_LB_SUBNQN, true);
	struct np_lb_conn *other = np_lb_connect_admin(lb, NP_LB_SUBNQN, true);
	struct np_lb_conn *io1 = np_lb_connect_io(lb, admin, 1);
	struct np_lb_conn *io2 = np_lb_connect_io(lb, admin, 2);

	np_lb_disconnect(admin);
	np_lb_pump(lb);
	assert_true(admin->is_closed && io1->is_closed && io2->is_closed);
	assert_false(other->must_drain);
}

static void test_teardown__io_queue_alone(void **state)
{
	struct np_lb *lb = *state;
	struct np_lb_conn *admin = np_lb_connect_admin(lb, NP_LB_SUBNQN, true);
	struct np_lb_conn *io = np_lb_connect_io(lb, admin, 1);

	np_lb_disconnect(io);
	np_lb_pump(lb);
	assert_true(io->is_closed);
	assert_false(admin->must_drain);
	assert_int_equal(admin->queue.ctrl->nqueues, 1);
	/* Its number is free again. */
	np_lb_connect_io(lb, admin, 1);
}

static void count_ctrl(void *ctx, struct np_ctrl *ctrl)
{
	(void)ctrl;
	++*(unsigned int *)ctx;
}

/* The host disconnects while the control thread has the Connect. */
static void test_teardown__during_connect(void **state)
{
	struct np_lb *lb = *state;
	struct np_lb_conn *conn = np_lb_conn_new(lb, 0, NP_LB_DEPTH);
	struct nvmf_connect_data data;
	struct np_connect_cmd cmd;
	struct np_sqe sqe = np_lb_connect_sqe(0);
	struct np_data desc = {.kind = NP_DATA_INLINE, .bytes = sizeof(data)};
	struct np_lb_slot *slot;
	unsigned int left = 0;
	void *icd = aligned_alloc(512, sizeof(data));

	assert_non_null(icd);
	np_lb_connect_data(icd, NP_LB_SUBNQN, NP_LB_HOSTNQN, 0xffff);
	memcpy(&cmd, &sqe.cdw10, sizeof(cmd));
	cmd.kato_ms = np_le32(1000);
	memcpy(&sqe.cdw10, &cmd, sizeof(cmd));
	/* In-capsule data needs no pull: the request goes straight to the control thread. */
	slot = np_lb_send_data(conn, sqe, &desc, icd, NP_SUCCESS);
	assert_int_equal(conn->queue.state, NP_QUEUE_CONNECTING);
	np_queue_drain(&conn->queue);
	conn->must_drain = conn->is_drained = true;
	np_lb_pump(lb);
	assert_int_equal(slot->answers, 0);
	assert_int_equal(slot->releases, 1);
	assert_true(conn->is_closed);
	np_registry_each(count_ctrl, &left);
	assert_int_equal(left, 0);
	assert_true(np_list_is_empty(&lb->reactor.timers));
	free(icd);
}

static void test_registry_each__sees_every_controller(void **state)
{
	struct np_lb *lb = *state;
	unsigned int count = 0;

	np_lb_connect_admin(lb, NP_LB_SUBNQN, true);
	np_lb_connect_admin(lb, NP_DISCOVERY_NQN, true);
	np_registry_each(count_ctrl, &count);
	assert_int_equal(count, 2);
}

/* Two Connects whose data is fetched at the same time: one of them is too many. */
static void test_connect__two_at_once(void **state)
{
	struct np_lb *lb = *state;
	struct np_lb_conn *conn = np_lb_conn_new(lb, 0, NP_LB_DEPTH);
	struct nvmf_connect_data data;
	struct np_lb_slot *first, *second;
	unsigned int count = 0;

	np_lb_connect_data(&data, NP_LB_SUBNQN, NP_LB_HOSTNQN, 0xffff);
	first = np_lb_send(conn, np_lb_connect_sqe(0), &data, sizeof(data));
	second = np_lb_send(conn, np_lb_connect_sqe(0), &data, sizeof(data));
	np_lb_pump(lb);
	assert_int_equal(first->answers, 1);
	assert_int_equal(second->answers, 1);
	np_lb_assert_status(first->cqe, NP_SUCCESS);
	np_lb_assert_status(second->cqe, np_status_generic(NVME_SC_CMD_SEQ_ERROR));
	np_registry_each(count_ctrl, &count);
	assert_int_equal(count, 1);
}

#define WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD(test_teardown__admin_takes_io_queues_along),
		WORLD(test_teardown__io_queue_alone),
		WORLD(test_teardown__during_connect),
		WORLD(test_registry_each__sees_every_controller),
		WORLD(test_connect__two_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
