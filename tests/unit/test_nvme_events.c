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

static void note_changed_ns(struct np_ctrl *ctrl, uint32_t nsid)
{
	np_ctrl_note(ctrl, &(struct np_news){.kind = NP_AEN_NS_CHANGED, .nsid = nsid});
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
	note_changed_ns(ctrl, 3);
	note_changed_ns(ctrl, 1);
	note_changed_ns(ctrl, 3);
	np_lb_pump(lb);
	assert_int_equal(first->answers, 1);
	assert_int_equal(np_le32(first->cqe.dw0), 0x040002);
	assert_int_equal(second->answers, 0);

	read_changed_ns(conn, list, true);
	assert_int_equal(list[0], 1);
	assert_int_equal(list[1], 3);
	assert_int_equal(list[2], 0);
	note_changed_ns(ctrl, 7);
	np_lb_pump(lb);
	assert_int_equal(second->answers, 0);

	read_changed_ns(conn, list, false);
	note_changed_ns(ctrl, 9);
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
		note_changed_ns(conn->queue.ctrl, nsid);
	note_changed_ns(conn->queue.ctrl, 512);
	read_changed_ns(conn, list, false);
	for (uint32_t i = 0; i < 1024; i++)
		assert_int_equal(list[i], i + 1);
	for (uint32_t nsid = 1; nsid <= 1025; nsid++)
		note_changed_ns(conn->queue.ctrl, nsid);
	read_changed_ns(conn, list, false);
	assert_int_equal(list[0], 0xffffffff);
	assert_int_equal(list[1], 0);
}

/* ---- health ------------------------------------------------------------------------------- */

static void set_feature(struct np_lb_conn *conn, uint8_t fid, uint32_t value)
{
	struct np_sqe sqe = np_lb_sqe(nvme_admin_set_features, 0);

	sqe.cdw10 = np_le32(fid);
	sqe.cdw11 = np_le32(value);
	np_lb_assert_status(np_lb_exec(conn, sqe, NULL, 0), NP_SUCCESS);
}

static void read_log(struct np_lb_conn *conn, uint8_t lid, void *log, uint32_t bytes)
{
	struct np_sqe sqe = np_lb_sqe(nvme_admin_get_log_page, NVME_NSID_ALL);

	sqe.cdw10 = np_le32(lid | (bytes / 4 - 1) << 16);
	np_lb_assert_status(np_lb_exec(conn, sqe, log, bytes), NP_SUCCESS);
}

static void note_health(struct np_lb_conn *conn, uint8_t warnings, uint16_t kelvin)
{
	np_ctrl_note_health(
		conn->queue.ctrl, &(struct np_health){.warnings = warnings, .kelvin = kelvin});
	np_lb_pump(conn->lb);
}

static void assert_told(const struct np_lb_slot *aer, uint32_t dw0)
{
	assert_int_equal(aer->answers, 1);
	assert_int_equal(np_le32(aer->cqe.dw0), dw0);
}

static void test_health__is_told_to_who_asked(void **state)
{
	struct np_lb_conn *conn = np_lb_connect_admin(*state, NP_LB_SUBNQN, true);
	struct np_lb_slot *aer = send_aer(conn);
	struct nvme_smart_log log;

	note_health(conn, 0x1f, 300);
	assert_int_equal(aer->answers, 0);
	set_feature(conn, NVME_FEAT_FID_ASYNC_EVENT, NVME_SMART_CRIT_SPARE);
	note_health(conn, 0x1e, 300);
	assert_int_equal(aer->answers, 0);
	/* What there was before he asked is news to him. */
	note_health(conn, 0x1f, 300);
	assert_told(aer, 0x020201);
	/* Once. */
	aer = send_aer(conn);
	read_log(conn, NVME_LOG_LID_SMART, &log, sizeof(log));
	note_health(conn, 0x1f, 300);
	assert_int_equal(aer->answers, 0);
	/* Until it comes again. */
	note_health(conn, 0, 300);
	note_health(conn, 1, 300);
	assert_told(aer, 0x020201);
}

static void test_health__each_reliability_warning(void **state)
{
	static const uint8_t warnings[] = {
		NVME_SMART_CRIT_DEGRADED, NVME_SMART_CRIT_MEDIA, NVME_SMART_CRIT_VOLATILE_MEMORY};
	struct np_lb_conn *conn = np_lb_connect_admin(*state, NP_LB_SUBNQN, true);
	struct nvme_smart_log log;

	set_feature(conn, NVME_FEAT_FID_ASYNC_EVENT, 0x1f);
	for (unsigned int i = 0; i < sizeof(warnings); i++) {
		struct np_lb_slot *aer = send_aer(conn);

		note_health(conn, warnings[i], 300);
		assert_told(aer, 0x020001);
		read_log(conn, NVME_LOG_LID_SMART, &log, sizeof(log));
	}
}

/* One event until the log is read, which tells of all. */
static void test_health__one_event_a_log_page(void **state)
{
	struct np_lb_conn *conn = np_lb_connect_admin(*state, NP_LB_SUBNQN, true);
	struct np_lb_slot *aer, *second;
	struct nvme_smart_log log;

	set_feature(conn, NVME_FEAT_FID_ASYNC_EVENT, 0x1f);
	note_health(conn, 0x07, 300);
	aer = send_aer(conn);
	assert_told(aer, 0x020201);
	second = send_aer(conn);
	note_health(conn, 0x0f, 300);
	assert_int_equal(second->answers, 0);
	read_log(conn, NVME_LOG_LID_SMART, &log, sizeof(log));
	note_health(conn, 0x1f, 300);
	assert_told(second, 0x020001);
}

static void test_health__temperature_thresholds_of_the_host(void **state)
{
	const uint32_t under = NVME_FEATURE_TEMPTHRESH_THSEL_UNDER << NVME_FEAT_TT_THSEL_SHIFT;
	struct np_lb_conn *conn = np_lb_connect_admin(*state, NP_LB_SUBNQN, true);
	struct np_lb_slot *aer = send_aer(conn);
	struct nvme_smart_log log;

	set_feature(conn, NVME_FEAT_FID_ASYNC_EVENT, NVME_SMART_CRIT_TEMPERATURE);
	set_feature(conn, NVME_FEAT_FID_TEMP_THRESH, 310);
	set_feature(conn, NVME_FEAT_FID_TEMP_THRESH, under | 290);
	note_health(conn, 0, 309);
	note_health(conn, 0, 291);
	note_health(conn, 0, 0);
	assert_int_equal(aer->answers, 0);
	note_health(conn, 0, 310);
	assert_told(aer, 0x020101);
	read_log(conn, NVME_LOG_LID_SMART, &log, sizeof(log));
	note_health(conn, 0, 300);
	note_health(conn, 0, 290);
	assert_told(send_aer(conn), 0x020101);
}

/* An error of the target itself: in the log, by no command. */
static void test_error__is_told_and_logged(void **state)
{
	const struct np_news news = {.kind = NP_AEN_ERROR, .nsid = 3, .lba = 77};
	struct np_lb_conn *conn = np_lb_connect_admin(*state, NP_LB_SUBNQN, true);
	struct np_lb_slot *aer = send_aer(conn);
	struct nvme_error_log_page entry;

	np_ctrl_note(conn->queue.ctrl, &news);
	np_lb_pump(conn->lb);
	assert_told(aer, 0x010400);
	aer = send_aer(conn);
	np_ctrl_note(conn->queue.ctrl, &news);
	np_lb_pump(conn->lb);
	assert_int_equal(aer->answers, 0);
	read_log(conn, NVME_LOG_LID_ERROR, &entry, sizeof(entry));
	assert_int_equal(np_le64(entry.error_count), 2);
	assert_int_equal(entry.cmdid, 0xffff);
	assert_int_equal(entry.sqid, 0xffff);
	assert_int_equal(np_le32(entry.nsid), 3);
	assert_int_equal(np_le64(entry.lba), 77);
	assert_int_equal(np_le16(entry.status_field) >> 1, NVME_SC_INTERNAL);
	np_ctrl_note(conn->queue.ctrl, &news);
	np_lb_pump(conn->lb);
	assert_told(aer, 0x010400);
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
		WORLD(test_health__is_told_to_who_asked),
		WORLD(test_health__each_reliability_warning),
		WORLD(test_health__one_event_a_log_page),
		WORLD(test_health__temperature_thresholds_of_the_host),
		WORLD(test_error__is_told_and_logged),
		cmocka_unit_test(test_errlog__keeps_the_newest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
