// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_rotational.c - namespaces on media that rotate, and what a host learns of them.
 *
 * Depends: io_scene.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io_scene.h"
#include "target/base/le.h"

#define ROTATES (1 << 4) /* of NSFEAT, CNS 08h */
#define LOG_ROTATIONAL 0x16
#define BAD_FIELD np_status_generic(NVME_SC_INVALID_FIELD)
#define BAD_LOG np_status_specific(NVME_SC_INVALID_LOG_PAGE)

static uint8_t data[4096];

/* Namespace 3 rotates, 1 does not. */
static int setup_disk(void **state)
{
	struct scene *scene;

	setup(state);
	scene = *state;
	scene->lb->backends[1].base.is_rotational = true;
	return 0;
}

static struct np_status identify(struct scene *scene, uint8_t cns, uint32_t nsid, uint32_t cdw11)
{
	struct np_sqe sqe = np_lb_sqe(nvme_admin_identify, nsid);

	sqe.cdw10 = np_le32(cns);
	sqe.cdw11 = np_le32(cdw11);
	return np_lb_status(np_lb_exec(scene->admin, sqe, data, sizeof(data)));
}

static struct np_status get_log(struct scene *scene, uint8_t lid, uint16_t group)
{
	struct np_sqe sqe = np_lb_sqe(nvme_admin_get_log_page, 0);

	sqe.cdw10 = np_le32(lid | (512 / 4 - 1) << 16);
	sqe.cdw11 = np_le32((uint32_t)group << 16);
	return np_lb_status(np_lb_exec(scene->admin, sqe, data, 512));
}

static void test_rotational__is_identified(void **state)
{
	const struct nvme_id_independent_id_ns *common = (const void *)data;
	const struct nvme_id_endurance_group_list *list = (const void *)data;
	const struct nvme_id_ctrl *ctrl = (const void *)data;
	struct scene *scene = *state;

	assert_true(
		np_status_is_ok(identify(scene, NVME_IDENTIFY_CNS_CSI_INDEPENDENT_ID_NS, 3, 0)));
	assert_true(common->nsfeat & ROTATES);
	assert_int_equal(np_le16(common->endgid), 3);
	assert_true(
		np_status_is_ok(identify(scene, NVME_IDENTIFY_CNS_CSI_INDEPENDENT_ID_NS, 1, 0)));
	assert_false(common->nsfeat & ROTATES);
	assert_int_equal(common->endgid, 0);
	assert_true(np_status_is_ok(identify(scene, NVME_IDENTIFY_CNS_NS, 3, 0)));
	assert_int_equal(np_le16(((const struct nvme_id_ns *)(const void *)data)->endgid), 3);

	assert_true(np_status_is_ok(identify(scene, NVME_IDENTIFY_CNS_CTRL, 0, 0)));
	assert_true(np_le32(ctrl->ctratt) & NVME_CTRL_CTRATT_ENDURANCE_GROUPS);
	assert_true(np_status_is_ok(identify(scene, NVME_IDENTIFY_CNS_ENDURANCE_GROUP_ID, 0, 0)));
	assert_int_equal(np_le16(list->num), 1);
	assert_int_equal(np_le16(list->identifier[0]), 3);
	assert_true(np_status_is_ok(identify(scene, NVME_IDENTIFY_CNS_ENDURANCE_GROUP_ID, 0, 4)));
	assert_int_equal(list->num, 0);
}

static void test_rotational__has_logs(void **state)
{
	const struct nvme_endurance_group_log *group = (const void *)data;
	struct scene *scene = *state;
	struct np_sqe sqe = rw(nvme_cmd_write, 0, 1001);
	uint8_t *blocks = random_bytes(1001 * BLOCK);

	sqe.nsid = np_le32(3);
	np_lb_assert_status(np_lb_exec(scene->io, sqe, blocks, 1001 * BLOCK), NP_SUCCESS);
	free(blocks);
	assert_true(np_status_is_ok(get_log(scene, NVME_LOG_LID_ENDURANCE_GROUP, 3)));
	assert_int_equal(group->avl_spare, 100);
	assert_int_equal(group->host_write_cmds[0], 1);
	assert_int_equal(group->data_units_written[0], 1001 * BLOCK / 512000 + 1);
	assert_int_equal(group->host_read_cmds[0], 0);
	assert_true(np_status_is_ok(get_log(scene, LOG_ROTATIONAL, 3)));
	assert_int_equal(data[0], 3);
	assert_int_equal(data[2], 1);
	assert_true(np_status_is(get_log(scene, LOG_ROTATIONAL, 1), BAD_FIELD));
	assert_true(np_status_is(get_log(scene, NVME_LOG_LID_ENDURANCE_GROUP, 0), BAD_FIELD));
}

static void test_rotational__where_nothing_rotates(void **state)
{
	const struct nvme_id_ctrl *ctrl = (const void *)data;
	struct scene *scene = *state;

	scene->lb->backends[1].base.is_rotational = false;
	assert_true(np_status_is(get_log(scene, LOG_ROTATIONAL, 3), BAD_LOG));
	assert_true(np_status_is(get_log(scene, NVME_LOG_LID_ENDURANCE_GROUP, 3), BAD_LOG));
	assert_true(np_status_is(
		identify(scene, NVME_IDENTIFY_CNS_ENDURANCE_GROUP_ID, 0, 0), BAD_FIELD));
	assert_true(np_status_is_ok(identify(scene, NVME_IDENTIFY_CNS_CTRL, 0, 0)));
	assert_false(np_le32(ctrl->ctratt) & NVME_CTRL_CTRATT_ENDURANCE_GROUPS);
}

#define DISK(test) cmocka_unit_test_setup_teardown(test, setup_disk, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DISK(test_rotational__is_identified),
		DISK(test_rotational__has_logs),
		DISK(test_rotational__where_nothing_rotates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
