// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_identify.c - the Identify command, each CNS.
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

static union {
	uint8_t bytes[4096];
	struct nvme_id_ctrl ctrl;
	struct nvme_id_ns ns;
	struct nvme_ns_list list;
	struct nvme_id_independent_id_ns common_ns;
} data;

static const uint8_t zeroes[4096];

static struct np_cqe identify(
	struct np_lb_conn *conn, uint8_t cns, uint32_t nsid, uint8_t csi, uint32_t bytes)
{
	struct np_sqe sqe = np_lb_sqe(nvme_admin_identify, nsid);

	memset(&data, 0xee, sizeof(data));
	sqe.cdw10 = np_le32(cns);
	sqe.cdw11 = np_le32((uint32_t)csi << 24);
	return np_lb_exec(conn, sqe, &data, bytes);
}

static void identify_ok(struct np_lb_conn *conn, uint8_t cns, uint32_t nsid)
{
	np_lb_assert_status(identify(conn, cns, nsid, 0, sizeof(data)), NP_SUCCESS);
}

static void test_identify_ctrl__io(void **state)
{
	struct np_lb *lb = *state;
	struct np_lb_conn *conn = np_lb_connect_admin(lb, NP_LB_SUBNQN, true);

	identify_ok(conn, NVME_IDENTIFY_CNS_CTRL, 0);
	assert_memory_equal(data.ctrl.sn, "SERIAL-1            ", 20);
	assert_memory_equal(data.ctrl.mn, "a model                                 ", 40);
	assert_memory_equal(data.ctrl.fr, "1.0     ", 8);
	assert_int_equal(np_le16(data.ctrl.cntlid), conn->queue.ctrl->cntlid);
	assert_int_equal(data.ctrl.mdts, 8);
	assert_int_equal(data.ctrl.cntrltype, NVME_CTRL_CNTRLTYPE_IO);
	assert_int_equal(data.ctrl.sqes, 0x66);
	assert_int_equal(data.ctrl.cqes, 0x44);
	assert_int_equal(np_le16(data.ctrl.kas), 10);
	assert_int_equal(np_le32(data.ctrl.ctratt), 0x41);
	assert_int_equal(np_le32(data.ctrl.sgls), 0x100005);
	assert_int_equal(np_le16(data.ctrl.maxcmd), 1024);
	assert_int_equal(data.ctrl.msdbd, 16);
	conn->queue.region_paged = 1;
	identify_ok(conn, NVME_IDENTIFY_CNS_CTRL, 0);
	assert_int_equal(data.ctrl.msdbd, 1);
	assert_int_equal(np_le32(data.ctrl.iorcsz), 1);
	assert_int_equal(data.ctrl.fcatt, 0);
	assert_int_equal(data.ctrl.ofcs, 0);
	assert_int_equal(data.ctrl.aerl, 3);
	assert_int_equal(data.ctrl.elpe, 63);
	assert_string_equal(data.ctrl.subnqn, NP_LB_SUBNQN);
	assert_true(np_le32(data.ctrl.nn) >= 3);
	/* The admin command and the property must not differ. */
	assert_int_equal(np_le32(data.ctrl.ver), NP_CTRL_VERSION);
}

static void test_identify_ctrl__capsule_holds_data_and_sgl(void **state)
{
	static const struct {
		uint32_t port;
		bool is_given, requires_p2p;
		uint32_t ioccsz;
	} cases[] = {
		{0, true, false, (64 + 256) / 16},
		{4096, false, false, (64 + 4096) / 16},
		{4096, false, true, (64 + 256) / 16},
		{4096, true, true, (64 + 4096) / 16},
		{16384, true, false, (64 + 16384) / 16},
	};
	struct np_lb *lb = *state;
	struct np_lb_conn *conn = np_lb_connect_admin(lb, NP_LB_SUBNQN, true);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		lb->ports[0].inline_bytes = cases[i].port;
		lb->ports[0].is_inline_given = cases[i].is_given;
		lb->subsys.requires_p2p = cases[i].requires_p2p;
		identify_ok(conn, NVME_IDENTIFY_CNS_CTRL, 0);
		assert_int_equal(np_le32(data.ctrl.ioccsz), cases[i].ioccsz);
	}
}

static void test_identify_ctrl__announces_what_the_drives_can(void **state)
{
	struct np_lb *lb = *state;
	struct np_lb_conn *conn = np_lb_connect_admin(lb, NP_LB_SUBNQN, true);

	identify_ok(conn, NVME_IDENTIFY_CNS_CTRL, 0);
	assert_int_equal(np_le16(data.ctrl.oncs),
		NVME_CTRL_ONCS_COMPARE | NVME_CTRL_ONCS_COPY | NVME_CTRL_ONCS_VERIFY |
			NVME_CTRL_ONCS_DSM | NVME_CTRL_ONCS_WRITE_ZEROES |
			NVME_CTRL_ONCS_SAVE_FEATURES | NVME_CTRL_ONCS_TIMESTAMP);
	assert_int_equal(data.ctrl.vwc, 0x05);
	assert_int_equal(np_le16(data.ctrl.ocfs), 3);
	assert_int_equal(np_le16(data.ctrl.fuses), 1);
	assert_int_equal(np_le16(data.ctrl.crdt1), 10);
	assert_int_equal(data.ctrl.nwpc, 0);
	assert_int_equal(np_le16(data.ctrl.acwu), 15);

	/* Announced if all drives have it. */
	lb->backends[0].base.can_write_uncor = true;
	identify_ok(conn, NVME_IDENTIFY_CNS_CTRL, 0);
	assert_int_equal(np_le16(data.ctrl.oncs) & NVME_CTRL_ONCS_WRITE_UNCORRECTABLE, 0);
	lb->backends[1].base.can_write_uncor = true;
	identify_ok(conn, NVME_IDENTIFY_CNS_CTRL, 0);
	assert_true(np_le16(data.ctrl.oncs) & NVME_CTRL_ONCS_WRITE_UNCORRECTABLE);
	lb->backends[1].base.can_write_uncor = false;

	/* One namespace without Write Zeroes is enough to lose it, for Deallocate it is not. */
	lb->backends[0].base.can_write_zeroes = false;
	lb->backends[0].base.can_deallocate = false;
	lb->backends[0].base.volatile_cache = false;
	identify_ok(conn, NVME_IDENTIFY_CNS_CTRL, 0);
	assert_int_equal(np_le16(data.ctrl.oncs),
		NVME_CTRL_ONCS_COMPARE | NVME_CTRL_ONCS_COPY | NVME_CTRL_ONCS_VERIFY |
			NVME_CTRL_ONCS_DSM | NVME_CTRL_ONCS_SAVE_FEATURES |
			NVME_CTRL_ONCS_TIMESTAMP);
	assert_int_equal(data.ctrl.vwc, 0x05);

	lb->backends[1].base.can_deallocate = false;
	lb->backends[1].base.volatile_cache = false;
	identify_ok(conn, NVME_IDENTIFY_CNS_CTRL, 0);
	assert_int_equal(np_le16(data.ctrl.oncs),
		NVME_CTRL_ONCS_COMPARE | NVME_CTRL_ONCS_COPY | NVME_CTRL_ONCS_VERIFY |
			NVME_CTRL_ONCS_SAVE_FEATURES | NVME_CTRL_ONCS_TIMESTAMP);
	assert_int_equal(data.ctrl.vwc, 0);
}

static void test_identify_ctrl__discovery(void **state)
{
	struct np_lb_conn *conn = np_lb_connect_admin(*state, NP_DISCOVERY_NQN, true);

	identify_ok(conn, NVME_IDENTIFY_CNS_CTRL, 0);
	assert_int_equal(data.ctrl.cntrltype, NVME_CTRL_CNTRLTYPE_DISCOVERY);
	assert_string_equal(data.ctrl.subnqn, NP_DISCOVERY_NQN);
	assert_int_equal(data.ctrl.nn, 0);
	assert_int_equal(data.ctrl.oncs, 0);
	assert_int_equal(data.ctrl.sqes, 0);
	assert_int_equal(np_le32(data.ctrl.oaes), 1u << 31);
	assert_int_equal(data.ctrl.lpa, NVME_CTRL_LPA_EXTENDED);
	/* The rest of Identify it does not have. */
	np_lb_assert_status(identify(conn, NVME_IDENTIFY_CNS_NS, 1, 0, 4096),
		np_status_generic(NVME_SC_INVALID_FIELD));
}

static void test_identify_ns__active(void **state)
{
	struct np_lb *lb = *state;
	struct np_lb_conn *conn = np_lb_connect_admin(lb, NP_LB_SUBNQN, true);

	memset(lb->ns[1].nguid, 0x77, 16);
	memset(lb->ns[1].eui64, 0x66, 8);
	identify_ok(conn, NVME_IDENTIFY_CNS_NS, 3);
	assert_int_equal(np_le64(data.ns.nsze), NP_LB_NS_BLOCKS);
	assert_int_equal(np_le64(data.ns.ncap), NP_LB_NS_BLOCKS);
	assert_int_equal(np_le64(data.ns.nuse), NP_LB_NS_BLOCKS);
	assert_int_equal(data.ns.lbaf[0].ds, NP_LB_BLOCK_SHIFT);
	assert_int_equal(data.ns.nmic, 1);
	assert_int_equal(data.ns.nsfeat, NVME_NS_FEAT_NATOMIC);
	assert_int_equal(np_le16(data.ns.nacwu), 2047);
	assert_int_equal(data.ns.nawun, 0);
	assert_int_equal(np_le32(data.ns.mcl), 32768);
	assert_int_equal(np_le16(data.ns.mssrl), 32768);
	assert_int_equal(data.ns.msrc, 127);
	assert_memory_equal(data.ns.nguid, lb->ns[1].nguid, 16);
	assert_memory_equal(data.ns.eui64, lb->ns[1].eui64, 8);
	identify_ok(conn, NVME_IDENTIFY_CNS_CSI_INDEPENDENT_ID_NS, 3);
	assert_int_equal(data.common_ns.nmic, 1);
	assert_int_equal(data.common_ns.nstat, 1);
}

/* What each CNS says of a namespace id without a namespace. */
static void test_identify__inactive_and_invalid_nsid(void **state)
{
	static const struct {
		uint8_t cns;
		bool inactive_is_zeroes;
	} cases[] = {
		{NVME_IDENTIFY_CNS_NS, true},
		{NVME_IDENTIFY_CNS_NS_DESC_LIST, false},
		{NVME_IDENTIFY_CNS_CSI_NS, true},
		{NVME_IDENTIFY_CNS_CSI_INDEPENDENT_ID_NS, true},
	};
	static const uint32_t invalid[] = {0, NP_MAX_NAMESPACES + 1, 0xfffffffe, 0xffffffff};
	const struct np_status bad_ns = np_status_generic(NVME_SC_INVALID_NS);
	struct np_lb_conn *conn = np_lb_connect_admin(*state, NP_LB_SUBNQN, true);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t k = 0; k < sizeof(invalid) / sizeof(invalid[0]); k++)
			np_lb_assert_status(
				identify(conn, cases[i].cns, invalid[k], 0, 4096), bad_ns);
		if (!cases[i].inactive_is_zeroes) {
			np_lb_assert_status(identify(conn, cases[i].cns, 2, 0, 4096), bad_ns);
			continue;
		}
		identify_ok(conn, cases[i].cns, 2);
		assert_memory_equal(&data, zeroes, sizeof(zeroes));
	}
}

/* As a kernel target's file may have it. */
static void test_identify__high_nsid(void **state)
{
	const struct np_status bad_ns = np_status_generic(NVME_SC_INVALID_NS);
	struct np_lb *lb = *state;
	struct np_lb_conn *conn = np_lb_connect_admin(lb, NP_LB_SUBNQN, true);

	lb->subsys.nn = 100000;
	lb->ns[1].nsid = 100000;
	identify_ok(conn, NVME_IDENTIFY_CNS_CTRL, 0);
	assert_int_equal(np_le32(data.ctrl.nn), 100000);
	assert_true(np_le32(data.ctrl.mnan) <= 100000);
	identify_ok(conn, NVME_IDENTIFY_CNS_NS, 100000);
	assert_int_equal(np_le64(data.ns.nsze), NP_LB_NS_BLOCKS);
	identify_ok(conn, NVME_IDENTIFY_CNS_NS, 99999);
	assert_memory_equal(&data, zeroes, sizeof(zeroes));
	np_lb_assert_status(identify(conn, NVME_IDENTIFY_CNS_NS, 100001, 0, 4096), bad_ns);
}

static void test_identify_list__is_above_the_nsid(void **state)
{
	static const struct {
		uint32_t after, first, second;
	} cases[] = {{0, 1, 3}, {1, 3, 0}, {2, 3, 0}, {3, 0, 0}, {0xfffffffd, 0, 0}};
	struct np_lb_conn *conn = np_lb_connect_admin(*state, NP_LB_SUBNQN, true);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		identify_ok(conn, NVME_IDENTIFY_CNS_NS_ACTIVE_LIST, cases[i].after);
		assert_int_equal(np_le32(data.list.ns[0]), cases[i].first);
		assert_int_equal(np_le32(data.list.ns[1]), cases[i].second);
		assert_memory_equal(data.bytes + 8, zeroes, sizeof(zeroes) - 8);
		identify_ok(conn, NVME_IDENTIFY_CNS_CSI_NS_ACTIVE_LIST, cases[i].after);
		assert_int_equal(np_le32(data.list.ns[0]), cases[i].first);
	}
	for (uint32_t nsid = 0xfffffffe; nsid; nsid++)
		np_lb_assert_status(identify(conn, NVME_IDENTIFY_CNS_NS_ACTIVE_LIST, nsid, 0, 4096),
			np_status_generic(NVME_SC_INVALID_NS));
}

static void test_identify_descs__identities_and_end(void **state)
{
	struct np_lb *lb = *state;
	struct np_lb_conn *conn = np_lb_connect_admin(lb, NP_LB_SUBNQN, true);
	static const uint8_t csi[] = {NVME_NIDT_CSI, 1, 0, 0, 0, 0, 0, 0};

	identify_ok(conn, NVME_IDENTIFY_CNS_NS_DESC_LIST, 1);
	assert_int_equal(data.bytes[0], NVME_NIDT_UUID);
	assert_int_equal(data.bytes[1], 16);
	assert_memory_equal(data.bytes + 4, lb->ns[0].uuid, 16);
	assert_memory_equal(data.bytes + 20, csi, sizeof(csi));

	memset(lb->ns[0].nguid, 0x77, 16);
	identify_ok(conn, NVME_IDENTIFY_CNS_NS_DESC_LIST, 1);
	assert_int_equal(data.bytes[0], NVME_NIDT_NGUID);
	assert_memory_equal(data.bytes + 4, lb->ns[0].nguid, 16);
	assert_int_equal(data.bytes[20], NVME_NIDT_UUID);
	assert_memory_equal(data.bytes + 40, csi, sizeof(csi));

	memset(lb->ns[0].eui64, 0x66, 8);
	identify_ok(conn, NVME_IDENTIFY_CNS_NS_DESC_LIST, 1);
	assert_int_equal(data.bytes[0], NVME_NIDT_EUI64);
	assert_int_equal(data.bytes[1], 8);
	assert_memory_equal(data.bytes + 4, lb->ns[0].eui64, 8);
	assert_int_equal(data.bytes[12], NVME_NIDT_NGUID);
	assert_memory_equal(data.bytes + 52, csi, sizeof(csi));
}

static void test_identify__csi(void **state)
{
	static const uint8_t with_csi[] = {NVME_IDENTIFY_CNS_CSI_NS, NVME_IDENTIFY_CNS_CSI_CTRL,
		NVME_IDENTIFY_CNS_CSI_NS_ACTIVE_LIST};
	struct np_lb_conn *conn = np_lb_connect_admin(*state, NP_LB_SUBNQN, true);

	for (size_t i = 0; i < sizeof(with_csi); i++) {
		identify_ok(conn, with_csi[i], 1);
		np_lb_assert_status(identify(conn, with_csi[i], 1, NVME_CSI_ZNS, 4096),
			np_status_generic(NVME_SC_INVALID_FIELD));
	}
	/* Elsewhere the field is reserved. */
	np_lb_assert_status(
		identify(conn, NVME_IDENTIFY_CNS_NS, 1, NVME_CSI_ZNS, 4096), NP_SUCCESS);
	identify_ok(conn, NVME_IDENTIFY_CNS_COMMAND_SET_STRUCTURE, 0);
	assert_int_equal(data.bytes[0], 1);
	assert_memory_equal(data.bytes + 1, zeroes, 4095);
}

static unsigned int list_ctrls(struct np_lb_conn *conn, uint8_t cns, uint32_t nsid, uint16_t from,
	uint16_t ret_ids[], unsigned int max)
{
	struct np_sqe sqe = np_lb_sqe(nvme_admin_identify, nsid);
	static struct nvme_ctrl_list list;
	unsigned int n;

	memset(&list, 0xff, sizeof(list));
	sqe.cdw10 = np_le32(cns | (uint32_t)from << 16);
	np_lb_assert_status(np_lb_exec(conn, sqe, &list, sizeof(list)), NP_SUCCESS);
	n = np_le16(list.num);
	assert_true(n <= max);
	for (unsigned int i = 0; i < n; i++)
		ret_ids[i] = np_le16(list.identifier[i]);
	assert_int_equal(list.identifier[n], 0);
	return n;
}

static void test_identify__lists_of_controllers(void **state)
{
	struct np_lb *lb = *state;
	struct np_lb_conn *first = np_lb_connect_admin(lb, NP_LB_SUBNQN, true);
	struct np_lb_conn *second = np_lb_connect_admin(lb, NP_LB_SUBNQN, true);
	struct np_lb_conn *other = np_lb_connect_admin(lb, NP_LB_SUBNQN_OPEN, true);
	uint16_t ids[4], want[] = {first->queue.ctrl->cntlid, second->queue.ctrl->cntlid};
	const uint8_t all = NVME_IDENTIFY_CNS_CTRL_LIST, of_ns = NVME_IDENTIFY_CNS_NS_CTRL_LIST;

	assert_true(want[0] < want[1]);
	assert_int_equal(list_ctrls(first, all, 0, 0, ids, 4), 2);
	assert_memory_equal(ids, want, sizeof(want));
	assert_int_equal(list_ctrls(first, all, 0, want[0], ids, 4), 2);
	assert_int_equal(list_ctrls(first, all, 0, (uint16_t)(want[0] + 1), ids, 4), 1);
	assert_int_equal(ids[0], want[1]);
	assert_int_equal(list_ctrls(first, all, 0, 0xffff, ids, 4), 0);
	assert_int_equal(list_ctrls(other, all, 0, 0, ids, 4), 1);
	/* Of a namespace; of one that is not active: nobody. */
	assert_int_equal(list_ctrls(first, of_ns, 3, 0, ids, 4), 2);
	assert_int_equal(list_ctrls(first, of_ns, 2, 0, ids, 4), 0);
	np_lb_assert_status(identify(first, of_ns, NVME_NSID_ALL, 0, 4096),
		np_status_generic(NVME_SC_INVALID_FIELD));
	np_lb_assert_status(
		identify(first, of_ns, 0, 0, 4096), np_status_generic(NVME_SC_INVALID_NS));
	np_lb_assert_status(identify(first, of_ns, NP_MAX_NAMESPACES + 1, 0, 4096),
		np_status_generic(NVME_SC_INVALID_NS));
}

static void test_identify__wrong_cns_or_length(void **state)
{
	static const uint8_t bad[] = {0x04, 0x09, 0x10, 0x14, 0x1b, 0x80, 0xff};
	struct np_lb_conn *conn = np_lb_connect_admin(*state, NP_LB_SUBNQN, true);
	struct nvme_error_log_page entry;

	for (size_t i = 0; i < sizeof(bad); i++)
		np_lb_assert_status(identify(conn, bad[i], 1, 0, 4096),
			np_status_generic(NVME_SC_INVALID_FIELD));
	np_errlog_read(&conn->queue.ctrl->errlog, &entry, 1);
	assert_int_equal(np_le64(entry.error_count), sizeof(bad));
	assert_int_equal(np_le16(entry.parm_error_location), 40);
	np_lb_assert_status(identify(conn, NVME_IDENTIFY_CNS_CTRL, 0, 0, 4092),
		np_status_generic(NVME_SC_SGL_INVALID_DATA));
}

#define WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD(test_identify_ctrl__io),
		WORLD(test_identify_ctrl__capsule_holds_data_and_sgl),
		WORLD(test_identify_ctrl__announces_what_the_drives_can),
		WORLD(test_identify_ctrl__discovery),
		WORLD(test_identify_ns__active),
		WORLD(test_identify__inactive_and_invalid_nsid),
		WORLD(test_identify__high_nsid),
		WORLD(test_identify_list__is_above_the_nsid),
		WORLD(test_identify_descs__identities_and_end),
		WORLD(test_identify__csi),
		WORLD(test_identify__lists_of_controllers),
		WORLD(test_identify__wrong_cns_or_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
