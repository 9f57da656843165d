// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_smart.c - the SMART log: drives are asked, the worst of them is told, and one that says
 * nothing holds up nobody else.
 *
 * Depends: io_scene.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io_scene.h"
#include "target/nvme/smart.h"

static struct nvme_smart_log smart_log;

static struct np_lb_slot *ask(struct scene *scene, uint32_t nsid)
{
	struct np_sqe sqe = np_lb_sqe(nvme_admin_get_log_page, nsid);

	sqe.cdw10 = np_le32(NVME_LOG_LID_SMART | (sizeof(smart_log) / 4 - 1) << 16);
	memset(&smart_log, 0xee, sizeof(smart_log));
	return np_lb_send(scene->admin, sqe, &smart_log, sizeof(smart_log));
}

static void get(struct scene *scene, uint32_t nsid)
{
	struct np_lb_slot *slot = ask(scene, nsid);

	np_lb_pump(scene->lb);
	assert_int_equal(slot->answers, 1);
	np_lb_assert_status(slot->cqe, NP_SUCCESS);
}

static uint32_t kelvin(const struct nvme_smart_log *log)
{
	return log->temperature[0] | (uint32_t)log->temperature[1] << 8;
}

/* Both namespaces are on drives, 1 on the hotter, 3 on the older one. */
static int setup_drives(void **state)
{
	static const struct nvme_smart_log healths[] = {
		{.critical_warning = 2,
			.temperature = {0x52, 1},
			.avail_spare = 20,
			.spare_thresh = 10,
			.percent_used = 1,
			.power_on_hours = {10},
			.media_errors = {3},
			.unsafe_shutdowns = {1}},
		{.critical_warning = 1,
			.temperature = {0x30, 1},
			.avail_spare = 90,
			.spare_thresh = 5,
			.percent_used = 80,
			.power_on_hours = {200},
			.media_errors = {4},
			.unsafe_shutdowns = {2}},
	};
	struct scene *scene;

	setup(state);
	scene = *state;
	for (unsigned int i = 0; i < 2; i++) {
		struct np_lb_backend *backend = &scene->lb->backends[i];

		backend->base.has_health = true;
		backend->is_queued = true;
		backend->health = healths[i];
		snprintf(backend->base.pci, sizeof(backend->base.pci), "0000:0%u:00.0", i);
	}
	return 0;
}

static void test_smart__is_the_worst_of_all(void **state)
{
	struct scene *scene = *state;

	get(scene, NVME_NSID_ALL);
	assert_int_equal(smart_log.critical_warning, 3);
	assert_int_equal(kelvin(&smart_log), 0x152);
	assert_int_equal(smart_log.avail_spare, 20);
	assert_int_equal(smart_log.spare_thresh, 10);
	assert_int_equal(smart_log.percent_used, 80);
	assert_int_equal(smart_log.power_on_hours[0], 200);
	assert_int_equal(smart_log.media_errors[0], 7);
	assert_int_equal(smart_log.unsafe_shutdowns[0], 3);
}

/* A threshold that the host has set is crossed in its log, too. */
static void test_smart__warns_of_the_hosts_threshold(void **state)
{
	struct scene *scene = *state;

	scene->lb->backends[0].health.critical_warning = 0;
	get(scene, 1);
	assert_int_equal(smart_log.critical_warning, 0);
	scene->admin->queue.ctrl->values[NP_VALUE_TEMP_OVER] = 0x152;
	get(scene, 1);
	assert_int_equal(smart_log.critical_warning, NVME_SMART_CRIT_TEMPERATURE);
}

static void test_smart__of_one_namespace(void **state)
{
	struct scene *scene = *state;

	get(scene, 1);
	assert_int_equal(smart_log.percent_used, 1);
	assert_int_equal(scene->lb->backends[1].ops_seen[NP_IO_HEALTH], 0);
	get(scene, 3);
	assert_int_equal(smart_log.percent_used, 80);
	assert_int_equal(scene->lb->backends[0].ops_seen[NP_IO_HEALTH], 1);
}

/* A drive with two namespaces is asked, and counts, once. */
static void test_smart__asks_each_drive_once(void **state)
{
	struct scene *scene = *state;

	memcpy(scene->lb->backends[1].base.pci, scene->lb->backends[0].base.pci, 16);
	get(scene, NVME_NSID_ALL);
	assert_int_equal(smart_log.media_errors[0], 3);
	assert_int_equal(scene->lb->backends[1].ops_seen[NP_IO_HEALTH], 0);
	get(scene, 3);
	assert_int_equal(scene->lb->backends[1].ops_seen[NP_IO_HEALTH], 1);
}

static void test_smart__without_a_drive_that_says_anything(void **state)
{
	struct scene *scene = *state;

	scene->lb->backends[0].fail = np_status_generic(NVME_SC_INTERNAL);
	scene->lb->backends[0].fail_op = NP_IO_HEALTH;
	scene->lb->backends[1].busy_left = 1;
	get(scene, NVME_NSID_ALL);
	assert_int_equal(smart_log.avail_spare, 100);
	assert_int_equal(smart_log.percent_used, 0);
	assert_int_equal(kelvin(&smart_log), 0);
	scene->lb->backends[0].base.has_health = false;
	get(scene, 1);
	assert_int_equal(smart_log.avail_spare, 100);
}

/* Others are answered while a drive says nothing; its own asker may leave. */
static void test_smart__while_a_drive_does_not_answer(void **state)
{
	struct scene *scene = *state;
	struct np_lb_slot *slot;

	scene->backend->is_held = true;
	slot = ask(scene, NVME_NSID_ALL);
	np_lb_pump(scene->lb);
	assert_int_equal(slot->answers, 0);
	np_lb_assert_status(np_lb_exec(scene->admin, np_lb_sqe(nvme_admin_keep_alive, 0), NULL, 0),
		np_status_generic(NVME_SC_KAT_INVALID));
	np_lb_disconnect(scene->admin);
	np_lb_pump(scene->lb);
	assert_false(scene->admin->is_closed);
	scene->backend->is_held = false;
	np_lb_pump(scene->lb);
	assert_true(scene->admin->is_closed);
	assert_int_equal(slot->answers, 0);
	/* And no other drive is asked for him. */
	assert_int_equal(scene->lb->backends[1].ops_seen[NP_IO_HEALTH], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_smart__is_the_worst_of_all, setup_drives, teardown),
		cmocka_unit_test_setup_teardown(
			test_smart__warns_of_the_hosts_threshold, setup_drives, teardown),
		cmocka_unit_test_setup_teardown(
			test_smart__of_one_namespace, setup_drives, teardown),
		cmocka_unit_test_setup_teardown(
			test_smart__asks_each_drive_once, setup_drives, teardown),
		cmocka_unit_test_setup_teardown(
			test_smart__without_a_drive_that_says_anything, setup_drives, teardown),
		cmocka_unit_test_setup_teardown(
			test_smart__while_a_drive_does_not_answer, setup_drives, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
