// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_resv.c - the commands of reservations, by two hosts.
 *
 * Depends: io_scene.h.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io_scene.h"
#include "target/base/le.h"
#include "target/nvme/resv.h"

#define OK 0
#define CONFLICT (NVME_SC_RESERVATION_CONFLICT | NVME_SC_DNR)
#define INVALID (NVME_SC_INVALID_FIELD | NVME_SC_DNR)

enum {
	WE = NVME_RESERVATION_RTYPE_WE,
	EA = NVME_RESERVATION_RTYPE_EA,
	WERO = NVME_RESERVATION_RTYPE_WERO,
	EARO = NVME_RESERVATION_RTYPE_EARO,
};

struct hosts {
	struct scene *scene;
	struct np_lb_conn *admin[2], *io[2];
	struct np_resv_ns *resv;
};

/* Two hosts, 0x5a and 0x6b, at namespace 1, which can be reserved. */
static int setup_hosts(void **state)
{
	struct hosts *hosts = calloc(1, sizeof(*hosts));
	void *scene;

	assert_int_equal(setup(&scene), 0);
	hosts->scene = scene;
	hosts->resv = np_resv_ns_new();
	hosts->scene->ns->resv = hosts->resv;
	hosts->admin[0] = hosts->scene->admin;
	hosts->io[0] = hosts->scene->io;
	hosts->admin[1] = np_lb_connect_admin(hosts->scene->lb, NP_LB_SUBNQN, true);
	hosts->io[1] = np_lb_connect_io(hosts->scene->lb, hosts->admin[1], 1);
	memset(hosts->admin[1]->queue.ctrl->hostid, 0x6b, NP_HOSTID_BYTES);
	*state = hosts;
	return 0;
}

static int teardown_hosts(void **state)
{
	struct hosts *hosts = *state;
	void *scene = hosts->scene;

	teardown(&scene);
	np_resv_ns_free(hosts->resv);
	free(hosts);
	return 0;
}

static void command(struct hosts *hosts, int host, uint8_t opcode, uint32_t cdw10, uint64_t key,
	uint64_t other, uint16_t status)
{
	struct np_sqe sqe = np_lb_sqe(opcode, 1);
	uint64_t keys[2] = {htole64(key), htole64(other)};

	sqe.cdw10 = np_le32(cdw10);
	np_lb_assert_status(
		np_lb_exec(hosts->io[host], sqe, keys, opcode == nvme_cmd_resv_release ? 8 : 16),
		(struct np_status){status});
}

static void register_both(struct hosts *hosts)
{
	command(hosts, 0, nvme_cmd_resv_register, 0, 0, 0x111, OK);
	command(hosts, 1, nvme_cmd_resv_register, 0, 0, 0x222, OK);
}

static void assert_rw(struct hosts *hosts, int host, uint16_t read_status, uint16_t write_status)
{
	static const uint8_t reads[] = {nvme_cmd_read, nvme_cmd_compare};
	static const uint8_t writes[] = {nvme_cmd_write, nvme_cmd_write_zeroes, nvme_cmd_flush};
	uint8_t data[BLOCK] = {0};

	for (size_t i = 0; i < sizeof(reads); i++)
		np_lb_assert_status(
			np_lb_exec(hosts->io[host], rw(reads[i], 0, 1), data, sizeof(data)),
			(struct np_status){read_status});
	for (size_t i = 0; i < sizeof(writes); i++)
		np_lb_assert_status(np_lb_exec(hosts->io[host], rw(writes[i], 0, 1), data,
					    writes[i] == nvme_cmd_write ? sizeof(data) : 0),
			(struct np_status){write_status});
}

static void test_reservation__keeps_the_other_host_off(void **state)
{
	struct hosts *hosts = *state;

	register_both(hosts);
	assert_rw(hosts, 0, OK, OK);
	command(hosts, 0, nvme_cmd_resv_acquire, WE << 8, 0x111, 0, OK);
	assert_rw(hosts, 0, OK, OK);
	assert_rw(hosts, 1, OK, CONFLICT);
	command(hosts, 1, nvme_cmd_resv_acquire, 1 | EA << 8, 0x222, 0x111, OK);
	assert_rw(hosts, 0, CONFLICT, CONFLICT);
	assert_rw(hosts, 1, OK, OK);
	/* A holder whose connections are gone still holds it. */
	np_lb_disconnect(hosts->io[1]);
	np_lb_disconnect(hosts->admin[1]);
	np_lb_pump(hosts->scene->lb);
	assert_rw(hosts, 0, CONFLICT, CONFLICT);
	command(hosts, 0, nvme_cmd_resv_register, 0, 0, 0x111, OK);
	command(hosts, 0, nvme_cmd_resv_release, 1, 0x111, 0, OK);
	assert_rw(hosts, 0, OK, OK);
}

static void read_note(struct hosts *hosts, int host, uint64_t number, uint8_t type, uint8_t more)
{
	struct np_sqe sqe = np_lb_sqe(nvme_admin_get_log_page, 0);
	struct nvme_resv_notification_log log;

	sqe.cdw10 = np_le32(NVME_LOG_LID_RESERVATION | (sizeof(log) / 4 - 1) << 16);
	np_lb_assert_status(np_lb_exec(hosts->admin[host], sqe, &log, sizeof(log)), NP_SUCCESS);
	assert_int_equal(np_le64(log.lpc), number);
	assert_int_equal(log.rnlpt, type);
	assert_int_equal(log.nalp, more);
	assert_int_equal(np_le32(log.nsid), type ? 1 : 0);
}

static void test_notification__comes_by_event_and_log(void **state)
{
	struct hosts *hosts = *state;
	struct np_lb_slot *aers[2];
	/* The same host in another subsystem has nothing to do with it. */
	struct np_lb_conn *elsewhere =
		np_lb_connect_admin(hosts->scene->lb, NP_LB_SUBNQN_OPEN, true);

	memset(elsewhere->queue.ctrl->hostid, 0x6b, NP_HOSTID_BYTES);
	register_both(hosts);
	read_note(hosts, 1, 0, 0, 0);
	for (int i = 0; i < 2; i++)
		aers[i] =
			np_lb_send(hosts->admin[1], np_lb_sqe(nvme_admin_async_event, 0), NULL, 0);
	command(hosts, 0, nvme_cmd_resv_acquire, WERO << 8, 0x111, 0, OK);
	command(hosts, 0, nvme_cmd_resv_release, WERO << 8, 0x111, 0, OK);
	command(hosts, 0, nvme_cmd_resv_acquire, 1 | WE << 8, 0x111, 0x222, OK);
	assert_int_equal(aers[0]->answers, 1);
	assert_int_equal(np_le32(aers[0]->cqe.dw0), 0x800006);
	assert_int_equal(aers[1]->answers, 0);
	read_note(hosts, 1, 1, NVME_RESV_NOTIFY_RNLPT_RESERVATION_RELEASED, 1);
	/* The second one has an event of its own. */
	np_lb_pump(hosts->scene->lb);
	assert_int_equal(aers[1]->answers, 1);
	read_note(hosts, 1, 2, NVME_RESV_NOTIFY_RNLPT_REGISTRATION_PREEMPTED, 0);
	read_note(hosts, 1, 0, 0, 0);
	read_note(hosts, 0, 0, 0, 0);
	assert_int_equal(elsewhere->queue.ctrl->nresv_notes, 0);
}

/* A kind of notification that hosts do not want (feature 82h). */
static void test_notification__masked(void **state)
{
	struct hosts *hosts = *state;

	register_both(hosts);
	atomic_store(&hosts->resv->mask, NVME_FEAT_RESV_NOTIFY_RESREL);
	command(hosts, 0, nvme_cmd_resv_acquire, WERO << 8, 0x111, 0, OK);
	command(hosts, 0, nvme_cmd_resv_release, WERO << 8, 0x111, 0, OK);
	read_note(hosts, 1, 0, 0, 0);
	command(hosts, 0, nvme_cmd_resv_acquire, 1 | WE << 8, 0x111, 0x222, OK);
	read_note(hosts, 1, 1, NVME_RESV_NOTIFY_RNLPT_REGISTRATION_PREEMPTED, 0);
}

static void test_report__lists_registered_controllers(void **state)
{
	struct hosts *hosts = *state;
	struct np_sqe sqe = np_lb_sqe(nvme_cmd_resv_report, 1);
	struct {
		struct nvme_resv_status head;
		struct nvme_registered_ctrl_ext list[3];
	} report;

	register_both(hosts);
	command(hosts, 1, nvme_cmd_resv_acquire, EARO << 8, 0x222, 0, OK);
	sqe.cdw10 = np_le32(sizeof(report) / 4 - 1);
	sqe.cdw11 = np_le32(1);
	memset(&report, 0xee, sizeof(report));
	np_lb_assert_status(np_lb_exec(hosts->io[0], sqe, &report, sizeof(report)), NP_SUCCESS);
	assert_int_equal(np_le32(report.head.gen), 2);
	assert_int_equal(report.head.rtype, EARO);
	assert_int_equal(report.head.regctl[0], 2);
	assert_int_equal(report.head.ptpls, 0);
	assert_int_equal(np_le16(report.list[0].cntlid), hosts->admin[0]->queue.ctrl->cntlid);
	assert_int_equal(np_le64(report.list[0].rkey), 0x111);
	assert_int_equal(report.list[0].rcsts, 0);
	assert_int_equal(report.list[0].hostid[0], 0x5a);
	assert_int_equal(np_le16(report.list[1].cntlid), hosts->admin[1]->queue.ctrl->cntlid);
	assert_int_equal(np_le64(report.list[1].rkey), 0x222);
	assert_int_equal(report.list[1].rcsts, 1);
	assert_int_equal(report.list[2].rkey, 0);
	/* A host without a controller, and a part of the report. */
	np_lb_disconnect(hosts->io[1]);
	np_lb_disconnect(hosts->admin[1]);
	np_lb_pump(hosts->scene->lb);
	np_lb_assert_status(np_lb_exec(hosts->io[0], sqe, &report, sizeof(report)), NP_SUCCESS);
	assert_int_equal(np_le16(report.list[1].cntlid), 0xffff);
	sqe.cdw10 = np_le32(2);
	np_lb_assert_status(np_lb_exec(hosts->io[0], sqe, &report, 12), NP_SUCCESS);
	sqe.cdw11 = 0;
	np_lb_assert_status(np_lb_exec(hosts->io[0], sqe, &report, 12),
		np_status_generic(NVME_SC_HOSTID_FORMAT));
}

static void test_fields__that_are_refused(void **state)
{
	static const struct {
		uint8_t opcode;
		uint32_t cdw10;
	} cases[] = {
		{nvme_cmd_resv_register, 3},          /* RREGA */
		{nvme_cmd_resv_register, 1u << 30},   /* CPTPL reserved */
		{nvme_cmd_resv_register, 3u << 30},   /* persist */
		{nvme_cmd_resv_acquire, 3 | WE << 8}, /* RACQA */
		{nvme_cmd_resv_acquire, 8 | WE << 8}, /* IEKEY */
		{nvme_cmd_resv_acquire, 0},           /* RTYPE */
		{nvme_cmd_resv_acquire, 7 << 8},
		{nvme_cmd_resv_release, 2 | WE << 8}, /* RRELA */
		{nvme_cmd_resv_release, 8 | WE << 8},
		{nvme_cmd_resv_release, 0},
	};
	struct hosts *hosts = *state;

	register_both(hosts);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		command(hosts, 0, cases[i].opcode, cases[i].cdw10, 0x111, 0, INVALID);
	/* CPTPL "clear" asks for what is. */
	command(hosts, 0, nvme_cmd_resv_register, 2u << 30, 0, 0x111, OK);
	/* Namespace 3 cannot be reserved, and that is no business of its reads. */
	hosts->scene->ns->resv = NULL;
	command(hosts, 0, nvme_cmd_resv_register, 0, 0, 0x111,
		NVME_SC_INVALID_OPCODE | NVME_SC_DNR);
	assert_rw(hosts, 0, OK, OK);
}

/* The commands that the preempted host had on their way have ended before the answer. */
static void test_preempt_and_abort__waits(void **state)
{
	struct hosts *hosts = *state;
	struct np_lb *lb = hosts->scene->lb;
	struct np_sqe sqe = np_lb_sqe(nvme_cmd_resv_acquire, 1);
	uint64_t keys[2] = {htole64(0x222), htole64(0x111)};
	struct np_lb_slot *write, *preempt, *read;
	uint8_t data[BLOCK] = {7};

	register_both(hosts);
	command(hosts, 0, nvme_cmd_resv_acquire, WE << 8, 0x111, 0, OK);
	hosts->scene->backend->is_queued = hosts->scene->backend->is_held = true;
	write = np_lb_send(hosts->io[0], rw(nvme_cmd_write, 9, 1), data, sizeof(data));
	np_lb_pump(lb);
	sqe.cdw10 = np_le32(2 | WE << 8);
	preempt = np_lb_send(hosts->io[1], sqe, keys, sizeof(keys));
	np_lb_pump(lb);
	np_lb_advance(lb, 100);
	assert_int_equal(preempt->answers, 0);
	/* The new state holds already, and what begins now is not waited for. */
	hosts->scene->backend->is_queued = false;
	assert_rw(hosts, 0, OK, CONFLICT);
	hosts->scene->backend->is_queued = true;
	read = np_lb_send(hosts->io[0], rw(nvme_cmd_read, 9, 1), data, sizeof(data));
	np_lb_pump(lb);
	np_lb_backend_complete_first(hosts->scene->backend);
	np_lb_pump(lb);
	assert_int_equal(write->answers, 1);
	np_lb_assert_status(write->cqe, NP_SUCCESS);
	np_lb_advance(lb, 100);
	assert_int_equal(preempt->answers, 1);
	np_lb_assert_status(preempt->cqe, NP_SUCCESS);
	assert_int_equal(read->answers, 0);
	hosts->scene->backend->is_held = hosts->scene->backend->is_queued = false;
	np_lb_pump(lb);
	/* With nothing on its way there is nothing to wait for. */
	command(hosts, 0, nvme_cmd_resv_register, 0, 0, 0x111, OK);
	command(hosts, 0, nvme_cmd_resv_acquire, 2 | WE << 8, 0x111, 0x222, OK);
	assert_rw(hosts, 1, OK, CONFLICT);
}

static struct {
	unsigned int calls;
	int error;
	uint32_t count; /* of registrants */
	bool persists;
} saved;

static int save(struct np_resv_ns *resv, const struct np_resv *now)
{
	(void)resv;
	saved.calls++;
	saved.count = now->count;
	saved.persists = now->persists;
	return saved.error;
}

static void test_persistence__comes_before_the_answer(void **state)
{
	const uint32_t clear = 2u << 30, persist = 3u << 30;
	struct hosts *hosts = *state;

	memset(&saved, 0, sizeof(saved));
	hosts->resv->can_persist = true;
	hosts->resv->save = save;
	command(hosts, 0, nvme_cmd_resv_register, 0, 0, 0x111, OK);
	assert_int_equal(saved.calls, 0);
	command(hosts, 1, nvme_cmd_resv_register, persist, 0, 0x222, OK);
	assert_int_equal(saved.calls, 1);
	assert_true(saved.persists && saved.count == 2);
	command(hosts, 0, nvme_cmd_resv_acquire, WE << 8, 0x111, 0, OK);
	assert_int_equal(saved.calls, 2);
	/* What cannot be kept has not happened, and may be tried again. */
	saved.error = -ENOSPC;
	command(hosts, 0, nvme_cmd_resv_release, WE << 8, 0x111, 0, NVME_SC_INTERNAL);
	assert_rw(hosts, 1, OK, CONFLICT);
	saved.error = 0;
	command(hosts, 0, nvme_cmd_resv_release, WE << 8, 0x111, 0, OK);
	assert_rw(hosts, 1, OK, OK);
	command(hosts, 1, nvme_cmd_resv_register, 2 | clear, 0x222, 0x333, OK);
	assert_int_equal(saved.calls, 5);
	assert_false(saved.persists);
	command(hosts, 1, nvme_cmd_resv_register, 1, 0x333, 0, OK);
	assert_int_equal(saved.calls, 5);
}

static void test_identify__announces_what_is_enabled(void **state)
{
	struct hosts *hosts = *state;
	struct np_sqe sqe = np_lb_sqe(nvme_admin_identify, 1);
	struct nvme_id_ctrl ctrl;
	struct nvme_id_ns ns;

	for (int is_enabled = 1; is_enabled >= 0; is_enabled--) {
		hosts->scene->ns->resv = is_enabled ? hosts->resv : NULL;
		sqe.cdw10 = np_le32(NVME_IDENTIFY_CNS_NS);
		np_lb_assert_status(np_lb_exec(hosts->admin[0], sqe, &ns, sizeof(ns)), NP_SUCCESS);
		assert_int_equal(ns.rescap, is_enabled ? 0xfe : 0);
		sqe.cdw10 = np_le32(NVME_IDENTIFY_CNS_CTRL);
		np_lb_assert_status(
			np_lb_exec(hosts->admin[0], sqe, &ctrl, sizeof(ctrl)), NP_SUCCESS);
		assert_int_equal(!!(np_le16(ctrl.oncs) & NVME_CTRL_ONCS_RESERVATIONS), is_enabled);
	}
}

#define HOSTS(test) cmocka_unit_test_setup_teardown(test, setup_hosts, teardown_hosts)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOSTS(test_reservation__keeps_the_other_host_off),
		HOSTS(test_notification__comes_by_event_and_log),
		HOSTS(test_notification__masked),
		HOSTS(test_report__lists_registered_controllers),
		HOSTS(test_fields__that_are_refused),
		HOSTS(test_preempt_and_abort__waits),
		HOSTS(test_persistence__comes_before_the_answer),
		HOSTS(test_identify__announces_what_is_enabled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
