// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_logpage.c - Get Log Page: each page, hostile offsets and lengths.
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
#include "target/nvme/logpage.h"

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

static uint8_t data[8192];

static struct np_sqe log_sqe(uint8_t lid, uint32_t nsid, uint64_t offset, uint32_t bytes)
{
	struct np_sqe sqe = np_lb_sqe(nvme_admin_get_log_page, nsid);
	const uint32_t dwords_0b = bytes / 4 - 1;

	sqe.cdw10 = np_le32(lid | dwords_0b << 16);
	sqe.cdw11 = np_le32(dwords_0b >> 16);
	sqe.cdw12 = np_le32((uint32_t)offset);
	sqe.cdw13 = np_le32((uint32_t)(offset >> 32));
	return sqe;
}

static struct np_cqe get_log(
	struct np_lb_conn *conn, uint8_t lid, uint32_t nsid, uint64_t offset, uint32_t bytes)
{
	memset(data, 0xee, sizeof(data));
	return np_lb_exec(conn, log_sqe(lid, nsid, offset, bytes), data, bytes);
}

static void get_log_ok(struct np_lb_conn *conn, uint8_t lid, uint32_t nsid, uint32_t bytes)
{
	np_lb_assert_status(get_log(conn, lid, nsid, 0, bytes), NP_SUCCESS);
}

static void test_window_put__any_position(void **state)
{
	static const struct {
		uint64_t offset, pos;
		uint32_t bytes;
		const char *want;
	} cases[] = {
		{0, 0, 8, "abcd...."},
		{0, 4, 8, "....abcd"},
		{0, 6, 8, "......ab"},
		{0, 8, 8, "........"},
		{2, 0, 8, "cd......"},
		{4, 0, 8, "........"},
		{3, 1, 1, "c......."},
		{UINT64_MAX - 3, 0, 8, "........"},
		{0, UINT64_MAX - 1, 8, "........"},
		{UINT64_MAX - 3, UINT64_MAX - 1, 8, "..abcd.."},
		{1, 0, 0, "........"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t *buf = malloc(8);
		const struct np_window window = {buf, cases[i].offset, cases[i].bytes};

		assert_non_null(buf);
		memset(buf, '.', 8);
		np_window_put(&window, cases[i].pos, "abcd", 4);
		assert_memory_equal(buf, cases[i].want, 8);
		free(buf);
	}
}

/* For every offset and length: the same bytes as in the log read whole. */
static void check_windows(struct np_lb *lb)
{
	static const struct {
		const char *subnqn;
		uint8_t lid;
		uint32_t bytes;
	} cases[] = {
		{NP_LB_SUBNQN, NVME_LOG_LID_SUPPORTED_LOG_PAGES, 1024},
		{NP_LB_SUBNQN, NVME_LOG_LID_ERROR, 4096},
		{NP_LB_SUBNQN, NVME_LOG_LID_SMART, 512},
		{NP_LB_SUBNQN, NVME_LOG_LID_FW_SLOT, 512},
		{NP_LB_SUBNQN, NVME_LOG_LID_CHANGED_NS, 4096},
		{NP_LB_SUBNQN, NVME_LOG_LID_CMD_EFFECTS, 4096},
		{NP_LB_SUBNQN, NVME_LOG_LID_FID_SUPPORTED_EFFECTS, 1024},
		{NP_DISCOVERY_NQN, NVME_LOG_LID_FID_SUPPORTED_EFFECTS, 1024},
		{NP_DISCOVERY_NQN, NVME_LOG_LID_DISCOVER, 5120},
	};
	static const uint8_t zeroes[8192];
	static uint8_t whole[8192];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct np_lb_conn *conn = np_lb_connect_admin(lb, cases[i].subnqn, true);

		print_message("log %#x\n", cases[i].lid);
		get_log_ok(conn, cases[i].lid, NVME_NSID_ALL, cases[i].bytes);
		memcpy(whole, data, cases[i].bytes);
		for (uint32_t offset = 0; offset <= cases[i].bytes; offset += 268) {
			const uint32_t left = cases[i].bytes - offset;
			const uint32_t known = left < 2000 ? left : 2000;

			np_lb_assert_status(
				get_log(conn, cases[i].lid, NVME_NSID_ALL, offset, 2000),
				NP_SUCCESS);
			assert_memory_equal(data, whole + offset, known);
			assert_memory_equal(data + known, zeroes, 2000 - known);
		}
		/* The end is a legal offset, what lies beyond is not. */
		np_lb_assert_status(
			get_log(conn, cases[i].lid, NVME_NSID_ALL, cases[i].bytes, 4), NP_SUCCESS);
		np_lb_assert_status(
			get_log(conn, cases[i].lid, NVME_NSID_ALL, cases[i].bytes + 4, 4),
			np_status_generic(NVME_SC_INVALID_FIELD));
		np_lb_assert_status(
			get_log(conn, cases[i].lid, NVME_NSID_ALL, UINT64_MAX - 3, 4096),
			np_status_generic(NVME_SC_INVALID_FIELD));
		np_lb_assert_status(get_log(conn, cases[i].lid, NVME_NSID_ALL, 1ull << 63, 4096),
			np_status_generic(NVME_SC_INVALID_FIELD));
		np_lb_assert_status(get_log(conn, cases[i].lid, NVME_NSID_ALL, 2, 4),
			np_status_generic(NVME_SC_INVALID_FIELD));
	}
}

static void test_logs__windows_agree_with_the_whole(void **state)
{
	check_windows(*state);
}

/* A connection holds little of the memory that all share. */
static void test_logs__go_in_pieces(void **state)
{
	struct np_lb *lb = *state;

	lb->regions[NP_REGION_ADMIN].pools[0]->max_bytes = 1024;
	check_windows(lb);
}

static void test_log__which_controller_has_which(void **state)
{
	static const struct {
		uint8_t lid;
		bool of_io, of_discovery;
	} cases[] = {
		{0x00, true, true},
		{0x01, true, true},
		{0x02, true, false},
		{0x03, true, false},
		{0x04, true, false},
		{0x05, true, false},
		{0x06, false, false},
		{0x0c, true, false},
		{0x12, true, true},
		{0x13, false, false},
		{0x70, false, true},
		{0x80, true, false},
		{0xff, false, false},
	};
	struct np_lb_conn *io = np_lb_connect_admin(*state, NP_LB_SUBNQN, true);
	struct np_lb_conn *disc = np_lb_connect_admin(*state, NP_DISCOVERY_NQN, true);
	const struct np_status unknown = np_status_specific(NVME_SC_INVALID_LOG_PAGE);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t supported;

		np_lb_assert_status(get_log(io, cases[i].lid, NVME_NSID_ALL, 0, 512),
			cases[i].of_io ? NP_SUCCESS : unknown);
		np_lb_assert_status(get_log(disc, cases[i].lid, NVME_NSID_ALL, 0, 512),
			cases[i].of_discovery ? NP_SUCCESS : unknown);
		/* The log of logs says the same. */
		np_lb_assert_status(
			get_log(io, 0x00, 0, cases[i].lid * sizeof(supported), 4), NP_SUCCESS);
		memcpy(&supported, data, sizeof(supported));
		assert_int_equal(np_le32(supported), cases[i].of_io);
	}
}

/* Log page 12h says of each feature what Get Features does. */
static void test_log__features(void **state)
{
	struct np_lb_conn *conn = np_lb_connect_admin(*state, NP_LB_SUBNQN, true);
	static uint32_t effects[256];

	get_log_ok(conn, NVME_LOG_LID_FID_SUPPORTED_EFFECTS, 0, sizeof(effects));
	memcpy(effects, data, sizeof(effects));
	for (unsigned int fid = 0; fid < 256; fid++) {
		struct np_sqe sqe = np_lb_sqe(nvme_admin_get_features, NVME_NSID_NONE);
		struct np_status status;

		sqe.cdw10 = np_le32(fid | NVME_GET_FEATURES_SEL_SUPPORTED << 8);
		status = np_lb_status(np_lb_exec(conn, sqe, NULL, 0));
		assert_int_equal(np_status_is_ok(status), np_le32(effects[fid]) & 1);
	}
	/* Its own for each namespace; the controller's. */
	assert_int_equal(np_le32(effects[NVME_FEAT_FID_WRITE_PROTECT]), 1 | 1 << 20);
	assert_int_equal(np_le32(effects[NVME_FEAT_FID_KATO]), 1 | 1 << 21);
}

static void test_log__length_limits(void **state)
{
	struct np_lb_conn *conn = np_lb_connect_admin(*state, NP_LB_SUBNQN, true);
	const struct np_status bad = np_status_generic(NVME_SC_INVALID_FIELD);
	uint8_t *big = malloc(NP_MDTS_BYTES + 4);
	struct np_sqe sqe;

	assert_non_null(big);
	np_lb_assert_status(np_lb_exec(conn, log_sqe(NVME_LOG_LID_SMART, 0, 0, NP_MDTS_BYTES), big,
				    NP_MDTS_BYTES),
		NP_SUCCESS);
	np_lb_assert_status(np_lb_exec(conn, log_sqe(NVME_LOG_LID_SMART, 0, 0, NP_MDTS_BYTES + 4),
				    big, NP_MDTS_BYTES + 4),
		bad);
	/* NUMD of all ones is 16 GiB: its length in bytes must not wrap to 0. */
	sqe = log_sqe(NVME_LOG_LID_SMART, 0, 0, 4);
	sqe.cdw10 = np_le32(NVME_LOG_LID_SMART | 0xffffu << 16);
	sqe.cdw11 = np_le32(0xffff);
	np_lb_assert_status(np_lb_exec(conn, sqe, NULL, 0), bad);
	free(big);
}

static void test_log_error__has_the_last_failures(void **state)
{
	struct np_lb_conn *conn = np_lb_connect_admin(*state, NP_LB_SUBNQN, true);
	struct nvme_error_log_page entry;
	struct np_sqe sqe = np_lb_sqe(nvme_admin_identify, 0x55);

	sqe.cdw10 = np_le32(0xff);
	np_lb_exec(conn, sqe, data, 4096);
	get_log_ok(conn, NVME_LOG_LID_ERROR, NVME_NSID_ALL, 4096);
	memcpy(&entry, data, sizeof(entry));
	assert_int_equal(np_le64(entry.error_count), 1);
	assert_int_equal(np_le16(entry.sqid), 0);
	assert_int_equal(
		np_le16(entry.status_field) >> 1, np_status_generic(NVME_SC_INVALID_FIELD).field);
	assert_int_equal(np_le16(entry.parm_error_location), 40);
	assert_int_equal(np_le32(entry.nsid), 0x55);
	memcpy(&entry, data + sizeof(entry), sizeof(entry));
	assert_int_equal(np_le64(entry.error_count), 0);
}

static uint64_t smart_counter(const uint8_t field[16])
{
	uint64_t value;

	memcpy(&value, field, sizeof(value));
	return np_le64(value);
}

static void test_log_smart__counts(void **state)
{
	struct np_lb *lb = *state;
	struct np_lb_conn *conn = np_lb_connect_admin(lb, NP_LB_SUBNQN, true);
	struct nvme_smart_log log;

	np_stat_add(&lb->ns[0].stats[0].read_ios, 5);
	np_stat_add(&lb->ns[0].stats[0].traffic.count[NP_TRAFFIC_P2P_READ], 512000);
	np_stat_add(&lb->ns[1].stats[0].write_ios, 7);
	np_stat_add(&lb->ns[1].stats[0].traffic.count[NP_TRAFFIC_INLINE_WRITE], 512001 + 511);
	np_stat_add(&lb->ns[1].stats[0].read_ios, 1);
	np_stat_add(&lb->ns[1].stats[0].traffic.count[NP_TRAFFIC_STAGED_READ], 512);

	get_log_ok(conn, NVME_LOG_LID_SMART, NVME_NSID_ALL, sizeof(log));
	memcpy(&log, data, sizeof(log));
	assert_int_equal(smart_counter(log.host_reads), 6);
	assert_int_equal(smart_counter(log.data_units_read), 2);
	assert_int_equal(smart_counter(log.host_writes), 7);
	assert_int_equal(smart_counter(log.data_units_written), 2);
	assert_int_equal(log.critical_warning, 0);

	get_log_ok(conn, NVME_LOG_LID_SMART, 1, sizeof(log));
	memcpy(&log, data, sizeof(log));
	assert_int_equal(smart_counter(log.host_reads), 5);
	assert_int_equal(smart_counter(log.data_units_read), 1);
	assert_int_equal(smart_counter(log.host_writes), 0);

	np_lb_assert_status(get_log(conn, NVME_LOG_LID_SMART, 2, 0, sizeof(log)),
		np_status_generic(NVME_SC_INVALID_NS));
}

static void test_log_effects__is_the_opcode_tables(void **state)
{
	struct np_lb_conn *conn = np_lb_connect_admin(*state, NP_LB_SUBNQN, true);
	struct nvme_cmd_effects_log log;
	struct np_sqe sqe;

	get_log_ok(conn, NVME_LOG_LID_CMD_EFFECTS, 0, sizeof(log));
	memcpy(&log, data, sizeof(log));
	for (unsigned int opcode = 0; opcode < 256; opcode++) {
		const struct np_cmd *cmd = np_cmd_find_admin((uint8_t)opcode);

		assert_int_equal(
			np_le32(log.acs[opcode]) & 1, cmd && !(cmd->flags & NP_CMD_MANAGES));
		assert_int_equal(np_le32(log.iocs[opcode]) & 1,
			np_cmd_find_io((uint8_t)opcode) &&
				!(np_cmd_find_io((uint8_t)opcode)->flags & NP_CMD_ZONED));
	}
	assert_int_equal(np_le32(log.iocs[nvme_cmd_write]), 3);
	assert_int_equal(np_le32(log.iocs[nvme_cmd_read]), 1);
	assert_int_equal(np_le32(log.acs[nvme_admin_identify]), 1);

	sqe = log_sqe(NVME_LOG_LID_CMD_EFFECTS, 0, 0, 4096);
	sqe.cdw14 = np_le32((uint32_t)NVME_CSI_ZNS << 24);
	np_lb_assert_status(np_lb_exec(conn, sqe, data, 4096), NP_SUCCESS);
	memcpy(&log, data, sizeof(log));
	assert_int_equal(np_le32(log.acs[nvme_admin_identify]), 1);
	for (unsigned int opcode = 0; opcode < 256; opcode++)
		assert_int_equal(log.iocs[opcode], 0);

	sqe.cdw14 = np_le32(((uint32_t)NVME_CSI_ZNS + 1) << 24);
	np_lb_assert_status(
		np_lb_exec(conn, sqe, data, 4096), np_status_specific(NVME_SC_INVALID_LOG_PAGE));
}

static void test_log_firmware__is_one_slot(void **state)
{
	struct np_lb_conn *conn = np_lb_connect_admin(*state, NP_LB_SUBNQN, true);

	get_log_ok(conn, NVME_LOG_LID_FW_SLOT, 0, 512);
	assert_int_equal(data[0], 1);
	assert_memory_equal(data + 8, "1.0     ", 8);
	assert_int_equal(data[16], 0);
}

#define WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window_put__any_position),
		WORLD(test_logs__windows_agree_with_the_whole),
		WORLD(test_logs__go_in_pieces),
		WORLD(test_log__which_controller_has_which),
		WORLD(test_log__features),
		WORLD(test_log__length_limits),
		WORLD(test_log_error__has_the_last_failures),
		WORLD(test_log_smart__counts),
		WORLD(test_log_effects__is_the_opcode_tables),
		WORLD(test_log_firmware__is_one_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
