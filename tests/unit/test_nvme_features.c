// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_features.c - Get Features and Set Features.
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

#define INVALID_FIELD NVME_SC_INVALID_FIELD
#define NOT_CHANGEABLE (0x100 | NVME_SC_FEATURE_NOT_CHANGEABLE)
#define NOT_SAVEABLE (0x100 | NVME_SC_FEATURE_NOT_SAVEABLE)
#define NOT_PER_NS (0x100 | NVME_SC_FEATURE_NOT_PER_NS)

enum {
	CURRENT = 0,
	DEFAULT = 1 << 8,
	SAVED = 2 << 8,
	SUPPORTED = 3 << 8,
};

/* One command and what it must answer. Run in order on one controller. */
struct step {
	bool is_set;
	uint32_t cdw10, cdw11, nsid;
	uint16_t status; /* SCT and SC */
	uint32_t dw0;
};

static void run_steps(struct np_lb_conn *conn, const struct step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const uint8_t opcode =
			steps[i].is_set ? nvme_admin_set_features : nvme_admin_get_features;
		struct np_sqe sqe = np_lb_sqe(opcode, steps[i].nsid);
		struct np_cqe cqe;

		sqe.cdw10 = np_le32(steps[i].cdw10);
		sqe.cdw11 = np_le32(steps[i].cdw11);
		cqe = np_lb_exec(conn, sqe, NULL, 0);
		print_message("%s %#x %#x\n", steps[i].is_set ? "set" : "get", steps[i].cdw10,
			steps[i].cdw11);
		assert_int_equal(np_lb_status(cqe).field & 0x7ff, steps[i].status);
		assert_int_equal(np_le32(cqe.dw0), steps[i].dw0);
	}
}

#define RUN(conn, steps) run_steps(conn, steps, sizeof(steps) / sizeof(steps[0]))

static const struct step io_steps[] = {
	/* Arbitration */
	{false, 0x01, 0, 0, 0, 0},
	{true, 0x01, 0x01020307, 0, 0, 0},
	{false, 0x01, 0, 0, 0, 0x01020307},
	{false, 0x01 | DEFAULT, 0, 0, 0, 0},
	{false, 0x01 | SAVED, 0, 0, 0, 0},
	{false, 0x01 | SUPPORTED, 0, 0, 0, 4},
	{true, 0x01, 0x08, 0, INVALID_FIELD, 0},
	/* Power management: there is one state. */
	{false, 0x02, 0, 0, 0, 0},
	{true, 0x02, 0, 0, 0, 0},
	{true, 0x02, 1, 0, INVALID_FIELD, 0},
	/* Temperature thresholds, over and under, of the composite temperature. */
	{false, 0x04, 0, 0, 0, 0xffff},
	{false, 0x04, 1 << 20, 0, 0, 0},
	{true, 0x04, 350, 0, 0, 0},
	{false, 0x04, 0, 0, 0, 350},
	{true, 0x04, 1 << 20 | 10, 0, 0, 0},
	{false, 0x04, 1 << 20, 0, 0, 10},
	{true, 0x04, 0xf << 16 | 360, 0, 0, 0},
	{false, 0x04, 0, 0, 0, 360},
	{false, 0x04, 0xf << 16, 0, INVALID_FIELD, 0},
	{false, 0x04, 1 << 16, 0, INVALID_FIELD, 0},
	{true, 0x04, 2 << 20, 0, INVALID_FIELD, 0},
	/* Error recovery, which belongs to namespaces. */
	{true, 0x05, 100, NVME_NSID_ALL, 0, 0},
	{false, 0x05, 0, 1, 0, 100},
	{false, 0x05, 0, 2, NVME_SC_INVALID_NS, 0},
	{true, 0x05, 1 << 16, 1, INVALID_FIELD, 0},
	{false, 0x05 | SUPPORTED, 0, 1, 0, 6},
	/* Volatile write cache */
	{false, 0x06, 0, 0, 0, 1},
	{true, 0x06, 1, 0, 0, 0},
	{true, 0x06, 0, 0, NOT_CHANGEABLE, 0},
	/* Number of queues: 4, zero-based. */
	{false, 0x07, 0, 0, 0, 0x00030003},
	{false, 0x07 | DEFAULT, 0, 0, 0, 0x00030003},
	{true, 0x07, 0x00070007, 0, 0, 0x00030003},
	{true, 0x07, 0xffff0000, 0, INVALID_FIELD, 0},
	{true, 0x07, 0x0000ffff, 0, INVALID_FIELD, 0},
	/* Write atomicity */
	{true, 0x0a, 1, 0, 0, 0},
	{false, 0x0a, 0, 0, 0, 1},
	{true, 0x0a, 2, 0, INVALID_FIELD, 0},
	/* Asynchronous events */
	{false, 0x0b, 0, 0, 0, 0},
	{true, 0x0b, 0x11f, 0, 0, 0},
	{false, 0x0b, 0, 0, 0, 0x11f},
	{true, 0x0b, 0x200, 0, INVALID_FIELD, 0},
	{true, 0x0b, 1u << 31, 0, INVALID_FIELD, 0},
	/* Keep-alive */
	{true, 0x0f, 2500, 0, 0, 0},
	{false, 0x0f, 0, 0, 0, 3000},
	{true, 0x0f, 0, 0, 0, 0},
	{false, 0x0f, 0, 0, 0, 0},
	/* I/O command set profile */
	{false, 0x19, 0, 0, 0, 0},
	{true, 0x19, 1, 0, INVALID_FIELD, 0},
	/* Host identifier: comes with Connect; 64-bit ones do not exist here. */
	{true, 0x81, 1, 0, NVME_SC_CMD_SEQ_ERROR, 0},
	{false, 0x81, 0, 0, INVALID_FIELD, 0},
	{false, 0x81 | SUPPORTED, 0, 0, 0, 0},
	/* None of ours */
	{false, 0x00, 0, 0, INVALID_FIELD, 0},
	{false, 0x03, 0, 1, INVALID_FIELD, 0},
	{false, 0x08, 0, 0, INVALID_FIELD, 0},
	{false, 0xff, 0, 0, INVALID_FIELD, 0},
	{true, 0xff, 0, 0, INVALID_FIELD, 0},
	{false, 0x01 | 4 << 8, 0, 0, INVALID_FIELD, 0},
	/* Nothing is saved; most features are not a namespace's. */
	{true, 0x01 | 1u << 31, 0, 0, NOT_SAVEABLE, 0},
	{true, 0x01, 0, 1, NOT_PER_NS, 0},
	{true, 0x01, 0, NVME_NSID_ALL, 0, 0},
};

static void test_features__io_controller(void **state)
{
	RUN(np_lb_connect_admin(*state, NP_LB_SUBNQN, true), io_steps);
}

static void test_features__no_cache(void **state)
{
	static const struct step steps[] = {
		{false, 0x06, 0, 0, INVALID_FIELD, 0},
		{true, 0x06, 1, 0, INVALID_FIELD, 0},
	};
	struct np_lb *lb = *state;

	lb->backends[0].base.volatile_cache = lb->backends[1].base.volatile_cache = false;
	RUN(np_lb_connect_admin(lb, NP_LB_SUBNQN, true), steps);
}

static void test_features__discovery_controller(void **state)
{
	static const struct step steps[] = {
		{false, 0x07, 0, 0, INVALID_FIELD, 0},
		{false, 0x81, 1, 0, INVALID_FIELD, 0},
		{true, 0x0b, 1u << 31, 0, 0, 0},
		{false, 0x0b, 0, 0, 0, 1u << 31},
		{true, 0x0b, 1u << 8, 0, INVALID_FIELD, 0},
		{true, 0x0f, 30000, 0, 0, 0},
		{false, 0x0f, 0, 0, 0, 30000},
	};

	RUN(np_lb_connect_admin(*state, NP_DISCOVERY_NQN, true), steps);
}

static void test_features__host_identifier(void **state)
{
	struct np_lb_conn *conn = np_lb_connect_admin(*state, NP_LB_SUBNQN, true);
	struct np_sqe sqe = np_lb_sqe(nvme_admin_get_features, 0);
	uint8_t id[16] = {0}, want[16];

	memset(want, 0x5a, sizeof(want));
	sqe.cdw10 = np_le32(NVME_FEAT_FID_HOST_ID);
	sqe.cdw11 = np_le32(1);
	np_lb_assert_status(np_lb_exec(conn, sqe, id, sizeof(id)), NP_SUCCESS);
	assert_memory_equal(id, want, sizeof(want));
	np_lb_assert_status(
		np_lb_exec(conn, sqe, id, 8), np_status_generic(NVME_SC_SGL_INVALID_DATA));
	/* Its set is refused whatever comes with it. */
	sqe.opcode = nvme_admin_set_features;
	np_lb_assert_status(
		np_lb_exec(conn, sqe, id, sizeof(id)), np_status_generic(NVME_SC_CMD_SEQ_ERROR));
}

static struct np_cqe feature(
	struct np_lb_conn *conn, bool is_set, uint8_t fid, void *data, uint32_t bytes)
{
	struct np_sqe sqe =
		np_lb_sqe(is_set ? nvme_admin_set_features : nvme_admin_get_features, 0);

	sqe.cdw10 = np_le32(fid);
	return np_lb_exec(conn, sqe, data, bytes);
}

static uint64_t timestamp(struct np_lb_conn *conn, uint8_t *ret_attributes)
{
	uint8_t data[8] = {0};
	uint64_t ms_le = 0;

	np_lb_assert_status(
		feature(conn, false, NVME_FEAT_FID_TIMESTAMP, data, sizeof(data)), NP_SUCCESS);
	memcpy(&ms_le, data, 6);
	*ret_attributes = data[6];
	return np_le64(ms_le);
}

/* It counts from the reset on, until a host says what time it is. */
static void test_features__timestamp(void **state)
{
	struct np_lb *lb = *state;
	struct np_lb_conn *conn = np_lb_connect_admin(lb, NP_LB_SUBNQN, true);
	uint8_t data[8] = {0xff, 0xee, 0xdd, 0xcc, 0xbb, 0x01}, attributes;

	assert_int_equal(timestamp(conn, &attributes), 0);
	np_lb_advance(lb, 300);
	assert_int_equal(timestamp(conn, &attributes), 300);
	assert_int_equal(attributes, 0);
	np_lb_assert_status(
		feature(conn, true, NVME_FEAT_FID_TIMESTAMP, data, sizeof(data)), NP_SUCCESS);
	np_lb_advance(lb, 200);
	assert_int_equal(timestamp(conn, &attributes), 0x01bbccddeeff + 200);
	assert_int_equal(attributes, 1 << 1);
	np_lb_property_set(conn, NVME_REG_CC, 0, 0x460000);
	np_lb_property_set(conn, NVME_REG_CC, 0, 0x460001);
	assert_int_equal(timestamp(conn, &attributes), 0);
	assert_int_equal(attributes, 0);
}

/* A host that knows of delays is told when to try again. */
static void test_features__host_behavior(void **state)
{
	struct np_lb *lb = *state;
	struct np_lb_conn *conn = np_lb_connect_admin(lb, NP_LB_SUBNQN, true);
	struct np_lb_conn *io = np_lb_connect_io(lb, conn, 1);
	struct nvme_feat_host_behavior behavior = {.acre = 1}, got;
	const uint8_t fid = NVME_FEAT_FID_HOST_BEHAVIOR;
	struct np_cqe cqe;

	np_ana_set(&lb->ports[0].ana, 1, NVME_ANA_STATE_INACCESSIBLE);
	cqe = np_lb_exec(io, np_lb_sqe(nvme_cmd_flush, 1), NULL, 0);
	assert_int_equal(np_lb_status(cqe).field & NVME_SC_CRD, 0);
	np_lb_assert_status(feature(conn, true, fid, &behavior, sizeof(behavior)), NP_SUCCESS);
	memset(&got, 0xff, sizeof(got));
	np_lb_assert_status(feature(conn, false, fid, &got, sizeof(got)), NP_SUCCESS);
	assert_memory_equal(&got, &behavior, sizeof(got));
	cqe = np_lb_exec(io, np_lb_sqe(nvme_cmd_flush, 1), NULL, 0);
	np_lb_assert_status(cqe, np_status_path(NVME_SC_ANA_INACCESSIBLE));
	assert_int_equal(np_lb_status(cqe).field & (NVME_SC_CRD | NVME_SC_DNR), 1 << 11);
	/* There is nothing to wait for where another try is in vain. */
	np_ana_set(&lb->ports[0].ana, 1, NVME_ANA_STATE_OPTIMIZED);
	lb->backends[0].fail = np_status_generic(NVME_SC_INTERNAL);
	lb->backends[0].fail_op = NP_IO_FLUSH;
	cqe = np_lb_exec(io, np_lb_sqe(nvme_cmd_flush, 1), NULL, 0);
	assert_int_equal(np_lb_status(cqe).field & (NVME_SC_CRD | NVME_SC_DNR), NVME_SC_DNR);
	lb->backends[0].fail = np_status_generic(NVME_SC_LBA_RANGE);
	cqe = np_lb_exec(io, np_lb_sqe(nvme_cmd_flush, 1), NULL, 0);
	assert_int_equal(np_lb_status(cqe).field & (NVME_SC_CRD | NVME_SC_DNR), NVME_SC_DNR);
	lb->backends[0].fail = NP_SUCCESS;
	cqe = np_lb_exec(io, np_lb_sqe(nvme_cmd_flush, 1), NULL, 0);
	assert_int_equal(np_lb_status(cqe).field, 0);
	behavior.acre = 2;
	np_lb_assert_status(feature(conn, true, fid, &behavior, sizeof(behavior)),
		np_status_generic(NVME_SC_INVALID_FIELD));
}

#define WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD(test_features__io_controller),
		WORLD(test_features__no_cache),
		WORLD(test_features__discovery_controller),
		WORLD(test_features__host_identifier),
		WORLD(test_features__timestamp),
		WORLD(test_features__host_behavior),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
