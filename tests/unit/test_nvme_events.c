// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_events.c - asynchronous events, the changed namespace list, the error log.
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

static struct np_lb_slot *send_aer(struct np_lb_conn *conn)
{
	struct np_lb_slot *slot = np_lb_send(conn, np_lb_sqe(nvme_admin_async_event, 0), NULL, 0);

	np_lb_pump(conn->lb);
	return slot;
}

static void test_aer__limit(void **state)
{
	struct np_lb *lb = *state;
	struct np_lb_conn *conn = np_lb_connect_admin(lb, NP_LB_SUBNQN, true);
	struct np_lb_slot *slots[NP_CTRL_MAX_AERS], *extra;

	for (unsigned int i = 0; i < NP_CTRL_MAX_AERS; i++) {
		slots[i] = send_aer(conn);
		assert_int_equal(slots[i]->answers, 0);
	}
	extra = send_aer(conn);
	assert_int_equal(extra->answers, 1);
	np_lb_assert_status(extra->cqe, np_status_specific(NVME_SC_ASYNC_LIMIT));
	np_lb_disconnect(conn);
	np_lb_pump(lb);
	for (unsigned int i = 0; i < NP_CTRL_MAX_AERS; i++)
		assert_int_equal(slots[i]->releases, 1);
	assert_true(conn->is_closed);
}

static void read_changed_ns(struct np_lb_conn *conn, uint32_t *list, bool retain)
{
	struct np_sqe sqe = np_lb_sqe(nvme_admin_get_log_page, NVME_NSID_ALL);

	sqe.cdw10 = np_le32(NVME_LOG_LID_CHANGED_NS | (retain ? 1u << 15 : 0) | 1023u << 16);
	np_lb_assert_status(np_lb_exec(conn, sqe, list, 4096), NP_SUCCESS);
}

static void test_aen__is_masked_until_its_log_was_read(void **state)
{
	struct np_lb *lb = *state;
	struct np_lb_conn *conn = np_lb_connect_admin(lb, NP_LB_SUBNQN, true);
	struct np_ctrl *ctrl = conn->queue.ctrl;
	struct np_lb_slot *first = send_aer(conn), *second = send_aer(conn);
	uint32_t list[1024];

	/* Not asked for. */
	np_ctrl_send_aen(ctrl, NP_AEN_NS_CHANGED);
	np_lb_pump(lb);
	assert_int_equal(first->answers, 0);

	ctrl->aen_config = 1 << 8;
	np_ctrl_note_changed_ns(ctrl, 3);
	np_ctrl_note_changed_ns(ctrl, 1);
	np_ctrl_note_changed_ns(ctrl, 3);
	np_lb_pump(lb);
	assert_int_equal(first->answers, 1);
	assert_int_equal(np_le32(first->cqe.dw0), 0x040002);
	assert_int_equal(second->answers, 0);

	read_changed_ns(conn, list, true);
	assert_int_equal(list[0], 1);
	assert_int_equal(list[1], 3);
	assert_int_equal(list[2], 0);
	np_ctrl_note_changed_ns(ctrl, 7);
	np_lb_pump(lb);
	assert_int_equal(second->answers, 0);

	read_changed_ns(conn, list, false);
	np_ctrl_note_changed_ns(ctrl, 9);
	np_lb_pump(lb);
	assert_int_equal(second->answers, 1);
	assert_int_equal(ctrl->naers, 0);
}

static void test_aen__waits_for_a_request(void **state)
{
	struct np_lb *lb = *state;
	struct np_lb_conn *conn = np_lb_connect_admin(lb, NP_DISCOVERY_NQN, true);

	conn->queue.ctrl->aen_config = 1u << 31;
	np_ctrl_send_aen(conn->queue.ctrl, NP_AEN_DISC_CHANGED);
	assert_int_equal(send_aer(conn)->cqe.dw0, np_le32(0x70f002));
}

static void test_changed_ns__overflow_is_ffffffff(void **state)
{
	struct np_lb_conn *conn = np_lb_connect_admin(*state, NP_LB_SUBNQN, true);
	uint32_t list[1024];

	for (uint32_t nsid = 1024; nsid >= 1; nsid--)
		np_ctrl_note_changed_ns(conn->queue.ctrl, nsid);
	np_ctrl_note_changed_ns(conn->queue.ctrl, 512);
	read_changed_ns(conn, list, false);
	for (uint32_t i = 0; i < 1024; i++)
		assert_int_equal(list[i], i + 1);
	for (uint32_t nsid = 1; nsid <= 1025; nsid++)
		np_ctrl_note_changed_ns(conn->queue.ctrl, nsid);
	read_changed_ns(conn, list, false);
	assert_int_equal(list[0], 0xffffffff);
	assert_int_equal(list[1], 0);
}

static void test_errlog__keeps_the_newest(void **state)
{
	struct nvme_error_log_page entry = {0}, got[NP_ERRLOG_ENTRIES + 1];
	struct np_errlog log;

	(void)state;
	np_errlog_init(&log);
	assert_int_equal(np_errlog_read(&log, got, 2), 0);
	assert_int_equal(got[0].error_count, 0);
	for (uint16_t i = 1; i <= 70; i++) {
		entry.cmdid = np_le16(i);
		np_errlog_add(&log, &entry);
	}
	assert_int_equal(np_errlog_read(&log, got, NP_ERRLOG_ENTRIES + 1), 70);
	for (unsigned int i = 0; i < NP_ERRLOG_ENTRIES; i++) {
		assert_int_equal(np_le64(got[i].error_count), 70 - i);
		assert_int_equal(np_le16(got[i].cmdid), 70 - i);
	}
	assert_int_equal(got[NP_ERRLOG_ENTRIES].error_count, 0);
	np_errlog_fini(&log);
}

#define WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD(test_aer__limit),
		WORLD(test_aen__is_masked_until_its_log_was_read),
		WORLD(test_aen__waits_for_a_request),
		WORLD(test_changed_ns__overflow_is_ffffffff),
		cmocka_unit_test(test_errlog__keeps_the_newest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
