// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_ana.c - ANA states: what a host is answered, told and shown in each of them.
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

#define PORT(scene) (&(scene)->lb->ports[0])

static void assert_io(struct scene *scene, uint32_t nsid, struct np_status status)
{
	uint8_t data[BLOCK];
	struct np_sqe sqe = rw(nvme_cmd_read, 0, 1);

	sqe.nsid = np_le32(nsid);
	np_lb_assert_status(np_lb_exec(scene->io, sqe, data, sizeof(data)), status);
}

static void test_io__by_state(void **state)
{
	static const struct {
		enum nvme_ana_state state;
		uint16_t field; /* SCT 3, DNR clear */
	} cases[] = {
		{NVME_ANA_STATE_OPTIMIZED, 0},
		{NVME_ANA_STATE_NONOPTIMIZED, 0},
		{NVME_ANA_STATE_INACCESSIBLE, 0x302},
		{NVME_ANA_STATE_PERSISTENT_LOSS, 0x301},
		{NVME_ANA_STATE_CHANGE, 0x303},
	};
	static const uint8_t opcodes[] = {nvme_cmd_flush, nvme_cmd_write_zeroes};
	struct scene *scene = *state;

	atomic_store(&scene->lb->ns[1].ana_group, 2);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct np_status status = {cases[i].field};

		np_ana_set(&PORT(scene)->ana, 1, cases[i].state);
		assert_io(scene, 1, status);
		for (size_t j = 0; j < sizeof(opcodes); j++)
			np_lb_assert_status(
				np_lb_exec(scene->io, rw(opcodes[j], 0, 1), NULL, 0), status);
		/* Another group, and a namespace that is not there, have nothing to do with it. */
		assert_io(scene, 3, NP_SUCCESS);
		assert_io(scene, 2, np_status_generic(NVME_SC_INVALID_FIELD));
	}
}

/* A command that has begun goes on: its host may not know yet. */
static void test_io__that_has_begun_ends(void **state)
{
	struct scene *scene = *state;
	uint8_t data[BLOCK] = {1};
	struct np_lb_slot *slot;

	scene->backend->is_queued = scene->backend->is_held = true;
	slot = np_lb_send(scene->io, rw(nvme_cmd_write, 5, 1), data, sizeof(data));
	np_lb_pump(scene->lb);
	np_ana_set(&PORT(scene)->ana, 1, NVME_ANA_STATE_INACCESSIBLE);
	scene->backend->is_held = false;
	np_lb_pump(scene->lb);
	assert_int_equal(slot->answers, 1);
	np_lb_assert_status(slot->cqe, NP_SUCCESS);
}

static void test_state__is_of_a_port(void **state)
{
	struct scene *scene = *state;

	np_ana_set(&scene->lb->ports[1].ana, 1, NVME_ANA_STATE_INACCESSIBLE);
	assert_io(scene, 1, NP_SUCCESS);
}

/* ---- what the host is shown ---------------------------------------------------------------- */

static struct np_cqe read_log(
	struct scene *scene, uint8_t lsp, uint64_t offset, void *data, uint32_t bytes)
{
	struct np_sqe sqe = np_lb_sqe(nvme_admin_get_log_page, NVME_NSID_ALL);

	sqe.cdw10 = np_le32(NVME_LOG_LID_ANA | (uint32_t)lsp << 8 | (bytes / 4 - 1) << 16);
	sqe.cdw12 = np_le32((uint32_t)offset);
	return np_lb_exec(scene->admin, sqe, data, bytes);
}

static void assert_group(const void *at, uint32_t group, uint64_t changes, uint8_t state,
	const uint32_t *nsids, uint32_t count)
{
	struct nvme_ana_group_desc got;

	memcpy(&got, at, sizeof(got));
	assert_int_equal(np_le32(got.grpid), group);
	assert_int_equal(np_le64(got.chgcnt), changes);
	assert_int_equal(got.state, state);
	assert_int_equal(np_le32(got.nnsids), count);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t nsid_le;

		memcpy(&nsid_le, (const uint8_t *)at + sizeof(got) + i * sizeof(nsid_le),
			sizeof(nsid_le));
		assert_int_equal(np_le32(nsid_le), nsids[i]);
	}
}

static void assert_header(const void *at, uint64_t changes, uint16_t groups)
{
	struct nvme_ana_log header;

	memcpy(&header, at, sizeof(header));
	assert_int_equal(np_le64(header.chgcnt), changes);
	assert_int_equal(np_le16(header.ngrps), groups);
}

static void test_log__lists_groups_with_namespaces(void **state)
{
	static const uint32_t both[] = {1, 3}, first[] = {1}, second[] = {3};
	struct scene *scene = *state;
	uint8_t log[256], part[64];

	memset(log, 0xee, sizeof(log));
	np_lb_assert_status(read_log(scene, 0, 0, log, sizeof(log)), NP_SUCCESS);
	assert_header(log, 0, 1);
	assert_group(log + 16, 1, 0, NVME_ANA_STATE_OPTIMIZED, both, 2);

	atomic_store(&scene->lb->ns[1].ana_group, NP_ANA_GROUPS);
	assert_true(np_ana_set(&PORT(scene)->ana, NP_ANA_GROUPS, NVME_ANA_STATE_CHANGE));
	assert_false(np_ana_set(&PORT(scene)->ana, NP_ANA_GROUPS, NVME_ANA_STATE_CHANGE));
	assert_true(np_ana_set(&PORT(scene)->ana, NP_ANA_GROUPS, NVME_ANA_STATE_INACCESSIBLE));
	/* A group without namespaces counts, and is not listed. */
	assert_true(np_ana_set(&PORT(scene)->ana, 7, NVME_ANA_STATE_PERSISTENT_LOSS));
	np_lb_assert_status(read_log(scene, 0, 0, log, sizeof(log)), NP_SUCCESS);
	assert_header(log, 3, 2);
	assert_group(log + 16, 1, 0, NVME_ANA_STATE_OPTIMIZED, first, 1);
	assert_group(log + 52, NP_ANA_GROUPS, 2, NVME_ANA_STATE_INACCESSIBLE, second, 1);
	assert_int_equal(log[88], 0);

	/* Groups only, and from an offset on. */
	np_lb_assert_status(read_log(scene, 1, 0, log, sizeof(log)), NP_SUCCESS);
	assert_header(log, 3, 2);
	assert_group(log + 16, 1, 0, NVME_ANA_STATE_OPTIMIZED, NULL, 0);
	assert_group(log + 48, NP_ANA_GROUPS, 2, NVME_ANA_STATE_INACCESSIBLE, NULL, 0);
	np_lb_assert_status(read_log(scene, 1, 32, part, sizeof(part)), NP_SUCCESS);
	assert_memory_equal(part, log + 32, 48);
	np_lb_assert_status(read_log(scene, 1, 84, part, sizeof(part)),
		np_status_generic(NVME_SC_INVALID_FIELD));
}

static void test_event__is_acknowledged_by_the_log(void **state)
{
	struct scene *scene = *state;
	struct np_ctrl *ctrl = scene->admin->queue.ctrl;
	struct np_lb_slot *slots[2];
	uint8_t log[64];

	for (int i = 0; i < 2; i++)
		slots[i] = np_lb_send(scene->admin, np_lb_sqe(nvme_admin_async_event, 0), NULL, 0);
	ctrl->aen_config = NVME_CTRL_OAES_ANA;
	np_ctrl_send_aen(ctrl, NP_AEN_ANA_CHANGED);
	np_ctrl_send_aen(ctrl, NP_AEN_ANA_CHANGED);
	np_lb_pump(scene->lb);
	assert_int_equal(slots[0]->answers, 1);
	assert_int_equal(np_le32(slots[0]->cqe.dw0), 0x0c0302);
	assert_int_equal(slots[1]->answers, 0);
	read_log(scene, 0, 0, log, sizeof(log));
	np_ctrl_send_aen(ctrl, NP_AEN_ANA_CHANGED);
	np_lb_pump(scene->lb);
	assert_int_equal(slots[1]->answers, 1);
}

static void identify(struct scene *scene, uint8_t cns, void *data)
{
	struct np_sqe sqe = np_lb_sqe(nvme_admin_identify, 1);

	sqe.cdw10 = np_le32(cns);
	np_lb_assert_status(np_lb_exec(scene->admin, sqe, data, 4096), NP_SUCCESS);
}

static void test_identify__shows_groups(void **state)
{
	struct scene *scene = *state;
	struct nvme_id_independent_id_ns common;
	struct nvme_id_ctrl ctrl;
	struct nvme_id_ns ns;

	assert_int_equal(sizeof(common), 4096);
	identify(scene, NVME_IDENTIFY_CNS_CTRL, &ctrl);
	assert_true(ctrl.cmic & NVME_CTRL_CMIC_MULTI_ANA_REPORTING);
	assert_true(np_le32(ctrl.oaes) & NVME_CTRL_OAES_ANA);
	assert_int_equal(ctrl.anacap, 0x1f);
	assert_int_equal(ctrl.anatt, NP_ANA_TRANSITION_S);
	assert_int_equal(np_le32(ctrl.anagrpmax), NP_ANA_GROUPS);
	assert_int_equal(np_le32(ctrl.nanagrpid), NP_ANA_GROUPS);
	atomic_store(&scene->ns->ana_group, 5);
	identify(scene, NVME_IDENTIFY_CNS_NS, &ns);
	assert_int_equal(np_le32(ns.anagrpid), 5);
	assert_int_equal(ns.nuse, ns.nsze);
	identify(scene, NVME_IDENTIFY_CNS_CSI_INDEPENDENT_ID_NS, &common);
	assert_int_equal(np_le32(common.anagrpid), 5);
	np_ana_set(&PORT(scene)->ana, 5, NVME_ANA_STATE_INACCESSIBLE);
	identify(scene, NVME_IDENTIFY_CNS_NS, &ns);
	assert_int_equal(ns.nuse, 0);
	assert_true(ns.nsze != 0);
}

/* Features of a namespace are not to be had by a path that does not lead to it, but is it protected? */
static void test_features__by_state(void **state)
{
	static const struct {
		uint8_t opcode, fid;
		bool is_told;
	} cases[] = {
		{nvme_admin_get_features, NVME_FEAT_FID_RESV_MASK, false},
		{nvme_admin_set_features, NVME_FEAT_FID_RESV_MASK, false},
		{nvme_admin_get_features, NVME_FEAT_FID_RESV_PERSIST, false},
		{nvme_admin_set_features, NVME_FEAT_FID_WRITE_PROTECT, false},
		{nvme_admin_get_features, NVME_FEAT_FID_ERR_RECOVERY, true},
	};
	struct scene *scene = *state;

	np_ana_set(&PORT(scene)->ana, 1, NVME_ANA_STATE_INACCESSIBLE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct np_sqe sqe = np_lb_sqe(cases[i].opcode, 1);

		sqe.cdw10 = np_le32(cases[i].fid);
		np_lb_assert_status(np_lb_exec(scene->admin, sqe, NULL, 0),
			cases[i].is_told ? NP_SUCCESS : np_status_path(NVME_SC_ANA_INACCESSIBLE));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		io_test(test_io__by_state),
		io_test(test_io__that_has_begun_ends),
		io_test(test_state__is_of_a_port),
		io_test(test_log__lists_groups_with_namespaces),
		io_test(test_event__is_acknowledged_by_the_log),
		io_test(test_identify__shows_groups),
		io_test(test_features__by_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
