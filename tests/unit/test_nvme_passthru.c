// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_passthru.c - commands that are let through to the drive, and those that are not.
 *
 * Depends: io_scene.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/check.h"
#include "io_scene.h"
#include "target/nvme/passthru.h"

#define BAD_FIELD np_status_generic(NVME_SC_INVALID_FIELD)
#define BAD_OPCODE np_status_generic(NVME_SC_INVALID_OPCODE)

enum { PLAIN = 0x80, TO_DRIVE = 0x81, FROM_DRIVE = 0x82, BOTH_WAYS = 0x83, OTHER = 0x84 };

static int setup_passthru(void **state)
{
	struct scene *scene;

	setup(state);
	scene = *state;
	scene->lb->subsys.passthru[PLAIN / 64] = 0xf; /* 80h to 83h */
	scene->backend->base.can_passthru = true;
	scene->backend->is_queued = true;
	return 0;
}

static struct np_sqe command(uint8_t opcode)
{
	struct np_sqe sqe = np_lb_sqe(opcode, 1);

	sqe.cdw2 = np_le32(2);
	sqe.cdw3 = np_le32(3);
	sqe.cdw10 = np_le32(10);
	sqe.cdw15 = np_le32(15);
	return sqe;
}

static void test_passthru__data_and_result(void **state)
{
	struct scene *scene = *state;
	uint8_t *out = random_bytes(4096), in[1024];
	struct np_cqe cqe;

	scene->backend->passed_result = 0x1122334455667788;
	cqe = np_lb_exec(scene->io, command(PLAIN), NULL, 0);
	np_lb_assert_status(cqe, NP_SUCCESS);
	assert_true(np_le64(cqe.dw0_1) == 0x1122334455667788);
	assert_int_equal(scene->backend->passed.opcode, PLAIN);
	assert_int_equal(np_le32(scene->backend->passed.cdw2), 2);
	assert_int_equal(np_le32(scene->backend->passed.cdw15), 15);

	np_lb_assert_status(np_lb_exec(scene->io, command(TO_DRIVE), out, 4096), NP_SUCCESS);
	assert_memory_equal(scene->backend->blocks, out, 4096);
	assert_int_equal(written(scene), 4096);

	/* The half that the drive does not write is nobody's data. */
	memset(in, 0xee, sizeof(in));
	np_lb_assert_status(np_lb_exec(scene->io, command(FROM_DRIVE), in, sizeof(in)), NP_SUCCESS);
	assert_int_equal(in[511], 0x5a);
	for (size_t i = 512; i < sizeof(in); i++)
		assert_int_equal(in[i], 0);
	assert_int_equal(read_back(scene), sizeof(in));
	assert_int_equal(np_ns_sum(scene->ns, passthru_ios), 3);
	free(out);
}

static void test_passthru__status_of_the_drive(void **state)
{
	const struct np_status status = {0x4281}; /* media error, DNR */
	struct scene *scene = *state;

	scene->backend->fail = status;
	scene->backend->fail_op = NP_IO_PASSTHRU;
	np_lb_assert_status(np_lb_exec(scene->io, command(PLAIN), NULL, 0), status);
}

static void assert_refused(
	struct scene *scene, uint8_t opcode, uint32_t bytes, struct np_status status)
{
	const unsigned int before = scene->backend->ops_seen[NP_IO_PASSTHRU];
	uint8_t *data = random_bytes(bytes + 1);

	np_lb_assert_status(
		np_lb_exec(scene->io, command(opcode), bytes ? data : NULL, bytes), status);
	assert_int_equal(scene->backend->ops_seen[NP_IO_PASSTHRU], before);
	free(data);
}

static void test_passthru__only_what_is_let_through(void **state)
{
	struct scene *scene = *state;

	assert_refused(scene, OTHER, 0, BAD_OPCODE);
	assert_refused(scene, BOTH_WAYS, 0, BAD_OPCODE);
	scene->backend->base.can_passthru = false;
	assert_refused(scene, PLAIN, 0, BAD_OPCODE);
	scene->backend->base.can_passthru = true;
	assert_refused(scene, PLAIN, 4, np_status_generic(NVME_SC_SGL_INVALID_DATA));
	assert_refused(scene, TO_DRIVE, 6, BAD_FIELD);
	scene->backend->base.max_io_bytes = 4096;
	assert_refused(scene, TO_DRIVE, 4100, BAD_FIELD);
	/* It might write. */
	scene->ns->is_protected = true;
	assert_refused(scene, FROM_DRIVE, 4, np_status_generic(NVME_SC_NS_WRITE_PROTECTED));
}

/* What the configuration may not let through is what the target answers itself. */
static void test_passthru__not_of_own_commands(void **state)
{
	(void)state;
	for (unsigned int opcode = 0; opcode <= UINT8_MAX; opcode++)
		assert_int_equal(np_cfg_is_served((uint8_t)opcode),
			opcode == NP_OPCODE_FABRICS || np_cmd_find_io((uint8_t)opcode));
}

static void test_passthru__of_the_effects_log(void **state)
{
	struct scene *scene = *state;
	struct np_sqe sqe = np_lb_sqe(nvme_admin_get_log_page, NVME_NSID_ALL);
	struct nvme_cmd_effects_log log;

	sqe.cdw10 = np_le32(NVME_LOG_LID_CMD_EFFECTS | (sizeof(log) / 4 - 1) << 16);
	np_lb_assert_status(np_lb_exec(scene->admin, sqe, &log, sizeof(log)), NP_SUCCESS);
	assert_int_equal(np_le32(log.iocs[FROM_DRIVE]), 3); /* supported, changes blocks */
	assert_int_equal(log.iocs[BOTH_WAYS], 0);
	assert_int_equal(log.iocs[OTHER], 0);
}

#define PASSTHRU(test) cmocka_unit_test_setup_teardown(test, setup_passthru, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PASSTHRU(test_passthru__data_and_result),
		PASSTHRU(test_passthru__status_of_the_drive),
		PASSTHRU(test_passthru__only_what_is_let_through),
		cmocka_unit_test(test_passthru__not_of_own_commands),
		PASSTHRU(test_passthru__of_the_effects_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
