// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_ctrl.c - properties, enable, reset, shutdown, keep-alive.
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

#define CC_ENABLE 0x460001u /* IOCQES 4, IOSQES 6, EN */

static uint64_t get(struct np_lb_conn *conn, uint32_t offset, uint8_t size_code)
{
	const struct np_cqe cqe = np_lb_property_get(conn, offset, size_code);

	np_lb_assert_status(cqe, NP_SUCCESS);
	return np_le64(cqe.dw0_1);
}

static void test_property_get__what_there_is(void **state)
{
	struct np_lb_conn *conn = np_lb_connect_admin(*state, NP_LB_SUBNQN, false);
	const uint64_t cap = get(conn, NVME_REG_CAP, 1);

	assert_int_equal(NVME_CAP_MQES(cap), 1023);
	assert_int_equal(NVME_CAP_CQR(cap), 1);
	assert_int_equal(NVME_CAP_CSS(cap), NVME_CAP_CSS_NVM | NVME_CAP_CSS_CSI);
	assert_int_equal(NVME_CAP_MPSMIN(cap), 0);
	assert_int_equal(NVME_CAP_MPSMAX(cap), 0);
	assert_int_equal(NVME_CAP_CRMS(cap), NVME_CAP_CRWMS);
	assert_int_equal(get(conn, NVME_REG_VS, 0), 0x020000);
	assert_int_equal(get(conn, NVME_REG_CC, 0), 0);
	assert_int_equal(get(conn, NVME_REG_CSTS, 0), 0);
	assert_int_equal(get(conn, NVME_REG_CRTO, 0), NVME_CAP_TO(cap));
}

static void test_property__refuses(void **state)
{
	static const struct {
		bool is_set;
		uint32_t offset;
		uint8_t size_code;
		uint16_t error_loc;
	} cases[] = {
		{false, NVME_REG_CAP, 0, 40},
		{false, NVME_REG_VS, 1, 40},
		{false, NVME_REG_VS, 2, 40},
		{false, NVME_REG_NSSR, 0, 44},
		{false, NVME_REG_ASQ, 1, 44},
		{false, 2, 0, 44},
		{false, 0xfffffffc, 0, 44},
		{true, NVME_REG_CAP, 1, 44},
		{true, NVME_REG_VS, 0, 44},
		{true, NVME_REG_CSTS, 0, 44},
		{true, NVME_REG_NSSR, 0, 44},
		{true, NVME_REG_CC, 1, 40},
	};
	struct np_lb_conn *conn = np_lb_connect_admin(*state, NP_LB_SUBNQN, true);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nvme_error_log_page entry;

		print_message("%s %#x\n", cases[i].is_set ? "set" : "get", cases[i].offset);
		np_lb_assert_status(cases[i].is_set
				? np_lb_property_set(conn, cases[i].offset, cases[i].size_code, 1)
				: np_lb_property_get(conn, cases[i].offset, cases[i].size_code),
			np_status_generic(NVME_SC_INVALID_FIELD));
		np_errlog_read(&conn->queue.ctrl->errlog, &entry, 1);
		assert_int_equal(np_le16(entry.parm_error_location) & 0xff, cases[i].error_loc);
	}
	assert_int_equal(get(conn, NVME_REG_CC, 0), CC_ENABLE);
}

static void test_property__not_on_io_queues(void **state)
{
	struct np_lb_conn *admin = np_lb_connect_admin(*state, NP_LB_SUBNQN, true);
	struct np_lb_conn *io = np_lb_connect_io(*state, admin, 1);

	np_lb_assert_status(np_lb_property_get(io, NVME_REG_CSTS, 0),
		np_status_generic(NVME_SC_INVALID_OPCODE));
}

/* Whoever resets the subsystem keeps his connection; the other hosts lose theirs. */
static void test_nssr__resets_all_controllers(void **state)
{
	struct np_lb *lb = *state;
	struct np_lb_conn *conn, *io, *other, *elsewhere;

	lb->subsys.may_be_reset = true;
	conn = np_lb_connect_admin(lb, NP_LB_SUBNQN, true);
	io = np_lb_connect_io(lb, conn, 1);
	other = np_lb_connect_admin(lb, NP_LB_SUBNQN, true);
	elsewhere = np_lb_connect_admin(lb, NP_LB_SUBNQN_OPEN, true);
	assert_int_equal(NVME_CAP_NSSRC(get(conn, NVME_REG_CAP, 1)), 1);
	assert_int_equal(get(conn, NVME_REG_NSSR, 0), 0);
	/* Any other value than "NVMe" does nothing. */
	np_lb_assert_status(np_lb_property_set(conn, NVME_REG_NSSR, 0, 1), NP_SUCCESS);
	assert_false(other->is_closed);
	assert_int_equal(get(conn, NVME_REG_CSTS, 0), 1);

	np_lb_assert_status(np_lb_property_set(conn, NVME_REG_NSSR, 0, 0x4e564d65), NP_SUCCESS);
	np_lb_pump(lb);
	assert_true(other->is_closed);
	assert_false(elsewhere->is_closed);
	assert_false(conn->is_closed);
	assert_int_equal(get(conn, NVME_REG_CC, 0), 0);
	assert_int_equal(get(conn, NVME_REG_CSTS, 0), 1 << NVME_CSTS_NSSRO_SHIFT);
	np_lb_assert_status(np_lb_exec(io, np_lb_sqe(nvme_cmd_flush, 1), NULL, 0),
		np_status_generic(NVME_SC_CMD_SEQ_ERROR));
	np_lb_assert_status(np_lb_property_set(conn, NVME_REG_CSTS, 0, 0x10), NP_SUCCESS);
	assert_int_equal(get(conn, NVME_REG_CSTS, 0), 0);
	np_lb_assert_status(np_lb_property_set(conn, NVME_REG_CC, 0, CC_ENABLE), NP_SUCCESS);
	assert_int_equal(get(conn, NVME_REG_CSTS, 0), 1);
}

static void test_set_cc__states(void **state)
{
	static const struct {
		const char *name;
		uint32_t cc, csts;
	} steps[] = {
		{"enable", CC_ENABLE, 1},
		{"reset", 0x460000, 0},
		{"page size 8 KiB", CC_ENABLE | 1 << 7, 2},
		{"disable clears the fatal status", 0, 0},
		{"weighted arbitration", CC_ENABLE | 1 << 11, 2},
		{"off", 0, 0},
		{"entry sizes", 0x450001, 2},
		{"off", 0, 0},
		{"no such command set", CC_ENABLE | 1 << 4, 2},
		{"off", 0, 0},
		{"all command sets", CC_ENABLE | 6 << 4, 1},
		{"normal shutdown", CC_ENABLE | 6 << 4 | 1 << 14, 8},
		{"off", 0, 0},
		{"enable again", CC_ENABLE, 1},
		{"abrupt shutdown", CC_ENABLE | 2 << 14, 8},
	};
	struct np_lb_conn *conn = np_lb_connect_admin(*state, NP_LB_SUBNQN, false);

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		print_message("%s\n", steps[i].name);
		np_lb_assert_status(
			np_lb_property_set(conn, NVME_REG_CC, 0, steps[i].cc), NP_SUCCESS);
		assert_int_equal(get(conn, NVME_REG_CC, 0), steps[i].cc);
		assert_int_equal(get(conn, NVME_REG_CSTS, 0), steps[i].csts);
	}
}

static void test_not_ready__only_fabrics(void **state)
{
	struct np_lb_conn *conn = np_lb_connect_admin(*state, NP_LB_SUBNQN, false);

	np_lb_assert_status(np_lb_exec(conn, np_lb_sqe(nvme_admin_keep_alive, 0), NULL, 0),
		np_status_generic(NVME_SC_CMD_SEQ_ERROR));
}

static void test_unknown_opcode__invalid(void **state)
{
	struct np_lb_conn *conn = np_lb_connect_admin(*state, NP_LB_SUBNQN, true);
	struct np_lb_conn *disc = np_lb_connect_admin(*state, NP_DISCOVERY_NQN, true);

	np_lb_assert_status(np_lb_exec(conn, np_lb_sqe(nvme_admin_create_sq, 0), NULL, 0),
		np_status_generic(NVME_SC_INVALID_OPCODE));
	np_lb_assert_status(np_lb_exec(disc, np_lb_sqe(nvme_admin_abort_cmd, 0), NULL, 0),
		np_status_generic(NVME_SC_INVALID_OPCODE));
}

static void set_kato(struct np_lb_conn *conn, uint32_t ms)
{
	struct np_sqe sqe = np_lb_sqe(nvme_admin_set_features, 0);

	sqe.cdw10 = np_le32(NVME_FEAT_FID_KATO);
	sqe.cdw11 = np_le32(ms);
	np_lb_assert_status(np_lb_exec(conn, sqe, NULL, 0), NP_SUCCESS);
}

static void test_keep_alive__silence_ends_the_association(void **state)
{
	struct np_lb *lb = *state;
	struct np_lb_conn *admin = np_lb_connect_admin(lb, NP_LB_SUBNQN, true);
	struct np_lb_conn *io = np_lb_connect_io(lb, admin, 1);

	set_kato(admin, 1000);
	np_lb_advance(lb, 900);
	assert_false(admin->must_drain);
	np_lb_advance(lb, 1200);
	assert_true(admin->is_closed && io->is_closed);
	assert_non_null(strstr(admin->why, "keep-alive"));
}

static void test_keep_alive__traffic_on_any_queue_counts(void **state)
{
	struct np_lb *lb = *state;
	struct np_lb_conn *admin = np_lb_connect_admin(lb, NP_LB_SUBNQN, true);
	struct np_lb_conn *io = np_lb_connect_io(lb, admin, 1);

	set_kato(admin, 1000);
	for (unsigned int i = 0; i < 20; i++) {
		np_lb_advance(lb, 500);
		np_lb_exec(io, np_lb_sqe(nvme_cmd_flush, 1), NULL, 0);
	}
	for (unsigned int i = 0; i < 20; i++) {
		np_lb_advance(lb, 500);
		np_lb_assert_status(np_lb_exec(admin, np_lb_sqe(nvme_admin_keep_alive, 0), NULL, 0),
			NP_SUCCESS);
	}
	assert_false(admin->must_drain);
}

static void test_keep_alive__off(void **state)
{
	struct np_lb *lb = *state;
	struct np_lb_conn *admin = np_lb_connect_admin(lb, NP_LB_SUBNQN, true);
	struct np_lb_conn *disc = np_lb_connect_admin(lb, NP_DISCOVERY_NQN, true);

	np_lb_assert_status(np_lb_exec(admin, np_lb_sqe(nvme_admin_keep_alive, 0), NULL, 0),
		np_status_generic(NVME_SC_KAT_INVALID));
	np_lb_advance(lb, 110000);
	assert_false(admin->must_drain || disc->must_drain);
	/* A forgotten discovery controller does not stay for ever. */
	np_lb_advance(lb, 140000);
	assert_false(admin->must_drain);
	assert_true(disc->is_closed);
}

static void test_set_kato__rounds_up(void **state)
{
	static const struct {
		uint32_t asked, got;
	} cases[] = {{0, 0}, {1, 1000}, {1000, 1000}, {1001, 2000}, {0xffffffff, 4294967000u}};
	struct np_lb_conn *admin = np_lb_connect_admin(*state, NP_LB_SUBNQN, true);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set_kato(admin, cases[i].asked);
		assert_int_equal(admin->queue.ctrl->kato_ms, cases[i].got);
	}
}

/* The namespace's identity must survive restarts: a fixed vector. */
static void test_ns_make_uuid__is_stable(void **state)
{
	static const uint8_t want[16] = {0xcb, 0xe8, 0x38, 0x02, 0x00, 0xc3, 0x5b, 0x10, 0x8a, 0xd6,
		0xeb, 0x06, 0xcc, 0x10, 0x06, 0xcb};
	char longest[NP_NQN_BYTES];
	uint8_t uuid[16], other[16];

	(void)state;
	np_ns_make_uuid("nqn.2024-01.org.example:a", 1, uuid);
	assert_memory_equal(uuid, want, sizeof(want));
	np_ns_make_uuid("nqn.2024-01.org.example:a", 2, other);
	assert_memory_not_equal(uuid, other, sizeof(uuid));
	memset(longest, 'n', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	np_ns_make_uuid(longest, NP_MAX_NAMESPACES, uuid);
	np_ns_make_uuid(longest, NP_MAX_NAMESPACES - 1, other);
	assert_memory_not_equal(uuid, other, sizeof(uuid));
}

#define WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD(test_property_get__what_there_is),
		WORLD(test_property__refuses),
		WORLD(test_property__not_on_io_queues),
		WORLD(test_nssr__resets_all_controllers),
		WORLD(test_set_cc__states),
		WORLD(test_not_ready__only_fabrics),
		WORLD(test_unknown_opcode__invalid),
		WORLD(test_keep_alive__silence_ends_the_association),
		WORLD(test_keep_alive__traffic_on_any_queue_counts),
		WORLD(test_keep_alive__off),
		WORLD(test_set_kato__rounds_up),
		cmocka_unit_test(test_ns_make_uuid__is_stable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
