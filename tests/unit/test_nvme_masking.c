// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_masking.c - a namespace that not every host may see: for the others it is not there.
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

static const char *allowed = "nqn.2014-08.org.nvmexpress:uuid:host-2";

static bool is_visible(const struct np_ns *ns, const char *hostnqn)
{
	(void)ns;
	return !strcmp(hostnqn, allowed);
}

/* Namespace 3 is hidden from the host of the scene. */
static int setup_masked(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	allowed = "nqn.2014-08.org.nvmexpress:uuid:host-2";
	scene->lb = np_lb_open();
	scene->lb->ns[1].is_visible = is_visible;
	scene->admin = np_lb_connect_admin(scene->lb, NP_LB_SUBNQN, true);
	scene->io = np_lb_connect_io(scene->lb, scene->admin, 1);
	scene->backend = &scene->lb->backends[1];
	scene->ns = &scene->lb->ns[1];
	*state = scene;
	return 0;
}

static struct np_cqe identify(struct scene *scene, uint8_t cns, uint32_t nsid, void *data)
{
	struct np_sqe sqe = np_lb_sqe(nvme_admin_identify, nsid);

	sqe.cdw10 = np_le32(cns);
	return np_lb_exec(scene->admin, sqe, data, 4096);
}

static void test_hidden__is_not_listed(void **state)
{
	struct scene *scene = *state;
	static struct nvme_ns_list list;
	static struct nvme_ctrl_list ctrls;
	static uint8_t data[4096], zeroes[4096];

	np_lb_assert_status(
		identify(scene, NVME_IDENTIFY_CNS_NS_ACTIVE_LIST, 0, &list), NP_SUCCESS);
	assert_int_equal(np_le32(list.ns[0]), 1);
	assert_int_equal(list.ns[1], 0);
	np_lb_assert_status(identify(scene, NVME_IDENTIFY_CNS_NS, 3, data), NP_SUCCESS);
	assert_memory_equal(data, zeroes, sizeof(data));
	np_lb_assert_status(identify(scene, NVME_IDENTIFY_CNS_NS_CTRL_LIST, 3, &ctrls), NP_SUCCESS);
	assert_int_equal(ctrls.num, 0);
}

static void test_hidden__takes_no_command(void **state)
{
	static const uint8_t opcodes[] = {nvme_cmd_read, nvme_cmd_write, nvme_cmd_flush};
	struct scene *scene = *state;
	uint8_t block[BLOCK] = {0};

	for (size_t i = 0; i < sizeof(opcodes); i++) {
		struct np_sqe sqe = rw(opcodes[i], 0, 1);

		sqe.nsid = np_le32(3);
		np_lb_assert_status(np_lb_exec(scene->io, sqe, block, i < 2 ? BLOCK : 0),
			np_status_generic(NVME_SC_INVALID_FIELD));
	}
	for (unsigned int op = 0; op < NP_IO_OPS; op++)
		assert_int_equal(scene->backend->ops_seen[op], 0);
}

static void test_visible__shares_the_view_of_all(void **state)
{
	struct scene *scene = *state;
	struct np_lb_conn *other;

	assert_true(scene->admin->queue.ctrl->owns_view);
	allowed = NP_LB_HOSTNQN;
	other = np_lb_connect_admin(scene->lb, NP_LB_SUBNQN, true);
	assert_false(other->queue.ctrl->owns_view);
	assert_ptr_equal(np_ctrl_view(other->queue.ctrl), scene->lb->subsys.view);
	/* What a controller sees changes with a publication, not by itself. */
	assert_int_equal(np_ctrl_view(scene->admin->queue.ctrl)->nns, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_hidden__is_not_listed, setup_masked, teardown),
		cmocka_unit_test_setup_teardown(
			test_hidden__takes_no_command, setup_masked, teardown),
		cmocka_unit_test_setup_teardown(
			test_visible__shares_the_view_of_all, setup_masked, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
