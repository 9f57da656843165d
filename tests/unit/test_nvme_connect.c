// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_connect.c - Fabrics Connect: each field right and wrong, who may connect.
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
#include "target/nvme/connect.h"

#define IPO_QID 42
#define IPO_SQSIZE 44
#define IPO_CNTLID 16
#define IPO_SUBNQN 256
#define IPO_HOSTNQN 512

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

/* A Connect that a test bends. */
struct attempt {
	struct np_connect_cmd cmd;
	struct nvmf_connect_data data;
	uint32_t bytes;
};

static void bend_recfmt(struct attempt *a)
{
	a->cmd.recfmt = np_le16(1);
}

static void bend_length(struct attempt *a)
{
	a->bytes = 1020;
}

static void bend_sqsize_zero(struct attempt *a)
{
	a->cmd.sqsize_0b = 0;
}

static void bend_sqsize_deep(struct attempt *a)
{
	a->cmd.sqsize_0b = np_le16(NP_LB_DEPTH);
}

static void bend_sqsize_max(struct attempt *a)
{
	a->cmd.sqsize_0b = 0xffff;
}

static void bend_qid(struct attempt *a)
{
	a->cmd.qid = np_le16(1);
}

static void bend_cntlid(struct attempt *a)
{
	a->data.cntlid = np_le16(7);
}

static void bend_subnqn_unknown(struct attempt *a)
{
	strcpy(a->data.subsysnqn, "nqn.2026-01.org.example:none");
}

static void bend_subnqn_empty(struct attempt *a)
{
	a->data.subsysnqn[0] = '\0';
}

static void bend_subnqn_endless(struct attempt *a)
{
	memset(a->data.subsysnqn, 'n', sizeof(a->data.subsysnqn));
}

static void bend_subnqn_long(struct attempt *a)
{
	memset(a->data.subsysnqn, 'n', NP_NQN_BYTES);
}

static void bend_hostnqn_endless(struct attempt *a)
{
	memset(a->data.hostnqn, 'n', sizeof(a->data.hostnqn));
}

static void bend_hostnqn_empty(struct attempt *a)
{
	a->data.hostnqn[0] = '\0';
}

static void bend_hostnqn_other(struct attempt *a)
{
	strcpy(a->data.hostnqn, "nqn.2026-01.org.example:stranger");
}

static void bend_other_subsys(struct attempt *a)
{
	strcpy(a->data.subsysnqn, NP_LB_SUBNQN_OTHER);
}

static const struct {
	const char *name;
	void (*bend)(struct attempt *a);
	uint16_t sct_sc;
	uint16_t ipo;
	uint8_t iattr;
} bad_connects[] = {
	{"recfmt", bend_recfmt, 0x180, 0, 0},
	{"data length", bend_length, NVME_SC_SGL_INVALID_DATA, 0, 0},
	{"sqsize 0", bend_sqsize_zero, 0x182, IPO_SQSIZE, 0},
	{"sqsize beyond the connection", bend_sqsize_deep, 0x182, IPO_SQSIZE, 0},
	{"sqsize ffffh", bend_sqsize_max, 0x182, IPO_SQSIZE, 0},
	{"qid not that of the connection", bend_qid, 0x182, IPO_QID, 0},
	{"static cntlid", bend_cntlid, 0x182, IPO_CNTLID, 1},
	{"unknown subnqn", bend_subnqn_unknown, 0x182, IPO_SUBNQN, 1},
	{"empty subnqn", bend_subnqn_empty, 0x182, IPO_SUBNQN, 1},
	{"endless subnqn", bend_subnqn_endless, 0x182, IPO_SUBNQN, 1},
	{"subnqn of 224 bytes", bend_subnqn_long, 0x182, IPO_SUBNQN, 1},
	{"endless hostnqn", bend_hostnqn_endless, 0x182, IPO_HOSTNQN, 1},
	{"empty hostnqn", bend_hostnqn_empty, 0x182, IPO_HOSTNQN, 1},
	{"host not allowed", bend_hostnqn_other, 0x184, 0, 0},
	{"subsystem of another host", bend_other_subsys, 0x184, 0, 0},
};

static struct np_cqe try_connect(struct np_lb_conn *conn, struct attempt *a)
{
	struct np_sqe sqe = np_lb_connect_sqe(0);

	memcpy(&sqe.cdw10, &a->cmd, sizeof(a->cmd));
	return np_lb_exec(conn, sqe, &a->data, a->bytes);
}

static struct attempt good_attempt(void)
{
	const struct np_sqe sqe = np_lb_connect_sqe(0);
	struct attempt a = {.bytes = sizeof(a.data)};

	memcpy(&a.cmd, &sqe.cdw10, sizeof(a.cmd));
	np_lb_connect_data(&a.data, NP_LB_SUBNQN, NP_LB_HOSTNQN, 0xffff);
	return a;
}

static void test_connect__names_the_wrong_field(void **state)
{
	struct np_lb *lb = *state;
	struct np_lb_conn *conn = np_lb_conn_new(lb, 0, NP_LB_DEPTH);
	struct attempt a;

	for (size_t i = 0; i < sizeof(bad_connects) / sizeof(bad_connects[0]); i++) {
		struct np_cqe cqe;

		a = good_attempt();
		bad_connects[i].bend(&a);
		cqe = try_connect(conn, &a);
		print_message("%s\n", bad_connects[i].name);
		assert_int_equal(np_lb_status(cqe).field & 0x7ff, bad_connects[i].sct_sc);
		assert_int_equal(np_le16(cqe.connect_error.ipo), bad_connects[i].ipo);
		assert_int_equal(cqe.connect_error.iattr, bad_connects[i].iattr);
		assert_int_equal(conn->queue.state, NP_QUEUE_NEW);
		assert_null(conn->queue.ctrl);
	}
	/* A refusal costs nothing: the same connection still can. */
	a = good_attempt();
	np_lb_assert_status(try_connect(conn, &a), NP_SUCCESS);
}

static void test_connect__longest_nqn_is_looked_up(void **state)
{
	struct np_lb_conn *conn = np_lb_conn_new(*state, 0, NP_LB_DEPTH);
	struct attempt a = good_attempt();

	strcpy(a.data.subsysnqn, NP_LB_SUBNQN_OPEN);
	memset(a.data.hostnqn, 'h', NP_NQN_BYTES - 1);
	a.data.hostnqn[NP_NQN_BYTES - 1] = '\0';
	np_lb_assert_status(try_connect(conn, &a), NP_SUCCESS);
	assert_int_equal(strlen(conn->queue.ctrl->hostnqn), NP_NQN_BYTES - 1);
}

static void test_connect__binds_the_queue(void **state)
{
	struct np_lb *lb = *state;
	struct np_lb_conn *conn = np_lb_conn_new(lb, 0, 64);
	struct attempt a = good_attempt();
	struct np_cqe cqe;

	a.cmd.cattr = NP_CATTR_NO_SQ_FLOW;
	a.cmd.kato_ms = np_le32(4500);
	cqe = try_connect(conn, &a);
	np_lb_assert_status(cqe, NP_SUCCESS);
	assert_int_equal(np_le16(cqe.sqhd), 0xffff);
	assert_int_equal(np_le16(cqe.connect.cntlid), conn->queue.ctrl->cntlid);
	assert_int_equal(np_le16(cqe.connect.authreq), 0);
	assert_int_equal(conn->queue.sq_entries, NP_LB_DEPTH);
	assert_int_equal(conn->queue.depth, 64);
	assert_int_equal(conn->queue.ctrl->kato_ms, 5000);
	assert_string_equal(conn->queue.ctrl->hostnqn, NP_LB_HOSTNQN);
	/* Only once. */
	np_lb_assert_status(try_connect(conn, &a), np_status_generic(NVME_SC_CMD_SEQ_ERROR));
}

static void test_connect__sqhd_wraps_at_the_asked_size(void **state)
{
	struct np_lb_conn *conn = np_lb_conn_new(*state, 0, 64);
	struct attempt a = good_attempt();
	uint16_t want = np_le16(try_connect(conn, &a).sqhd);

	assert_int_equal(want, 1);
	for (unsigned int i = 0; i < 100; i++) {
		const struct np_cqe cqe = np_lb_property_get(conn, NVME_REG_VS, 0);

		want = (uint16_t)((want + 1) % NP_LB_DEPTH);
		assert_int_equal(np_le16(cqe.sqhd), want);
	}
}

static void test_connect__nothing_before_it(void **state)
{
	struct np_lb_conn *conn = np_lb_conn_new(*state, 0, NP_LB_DEPTH);
	uint8_t data[4096];

	np_lb_assert_status(np_lb_exec(conn, np_lb_sqe(nvme_admin_identify, 0), data, sizeof(data)),
		np_status_generic(NVME_SC_CMD_SEQ_ERROR));
	np_lb_assert_status(np_lb_property_get(conn, NVME_REG_CAP, 1),
		np_status_generic(NVME_SC_CMD_SEQ_ERROR));
}

static void test_connect__cntlids_go_round(void **state)
{
	struct np_lb *lb = *state;
	struct np_lb_conn *conns[3];
	struct attempt a = good_attempt();
	uint16_t last;

	lb->subsys.cntlid_min = 10;
	lb->subsys.cntlid_max = 12;
	for (unsigned int i = 0; i < 3; i++) {
		conns[i] = np_lb_connect_admin(lb, NP_LB_SUBNQN, false);
		assert_int_equal(conns[i]->queue.ctrl->cntlid, 10 + i);
	}
	np_lb_assert_status(try_connect(np_lb_conn_new(lb, 0, NP_LB_DEPTH), &a),
		np_status_specific(NVME_SC_CONNECT_CTRL_BUSY));
	last = conns[1]->queue.ctrl->cntlid;
	np_lb_disconnect(conns[1]);
	np_lb_pump(lb);
	assert_int_equal(np_lb_connect_admin(lb, NP_LB_SUBNQN, false)->queue.ctrl->cntlid, last);
}

static struct np_status connect_io(
	struct np_lb *lb, uint16_t qid, uint16_t cntlid, const char *hostnqn, uint8_t hostid)
{
	struct np_lb_conn *conn = np_lb_conn_new(lb, qid, NP_LB_DEPTH);
	struct nvmf_connect_data data;

	np_lb_connect_data(&data, NP_LB_SUBNQN, hostnqn, cntlid);
	memset(data.hostid, hostid, sizeof(data.hostid));
	return np_lb_status(np_lb_exec(conn, np_lb_connect_sqe(qid), &data, sizeof(data)));
}

static void test_connect_io__checks_the_association(void **state)
{
	const struct np_status invalid = np_status_specific(NVME_SC_CONNECT_INVALID_PARAM);
	const struct np_status sequence = np_status_generic(NVME_SC_CMD_SEQ_ERROR);
	struct np_lb *lb = *state;
	struct np_lb_conn *admin = np_lb_connect_admin(lb, NP_LB_SUBNQN, false);
	const uint16_t cntlid = admin->queue.ctrl->cntlid;

	lb->subsys.allow_any_host = true;
	/* Not before the controller is ready. */
	assert_true(np_status_is(connect_io(lb, 1, cntlid, NP_LB_HOSTNQN, 0x5a), sequence));
	np_lb_property_set(admin, NVME_REG_CC, 0, 0x460001);
	assert_true(np_status_is(connect_io(lb, 1, cntlid + 1, NP_LB_HOSTNQN, 0x5a), invalid));
	assert_true(np_status_is(connect_io(lb, 1, 0xffff, NP_LB_HOSTNQN, 0x5a), invalid));
	assert_true(np_status_is(connect_io(lb, 1, cntlid, "nqn.2026-01.org:x", 0x5a), invalid));
	assert_true(np_status_is(connect_io(lb, 1, cntlid, NP_LB_HOSTNQN, 0x5b), invalid));
	assert_true(np_status_is(connect_io(lb, 5, cntlid, NP_LB_HOSTNQN, 0x5a), invalid));
	assert_true(np_status_is_ok(connect_io(lb, 4, cntlid, NP_LB_HOSTNQN, 0x5a)));
	/* The port's I/O queues are shorter: as CAP said, had the host asked. */
	lb->ports[0].max_entries = NP_LB_DEPTH - 1;
	assert_true(np_status_is(connect_io(lb, 3, cntlid, NP_LB_HOSTNQN, 0x5a), invalid));
	assert_int_equal(
		NVME_CAP_MQES(np_lb_connect_admin(lb, NP_LB_SUBNQN, false)->queue.ctrl->cap),
		NP_LB_DEPTH - 2);
	lb->ports[0].max_entries = NP_LB_DEPTH;
	/* The queue number is taken. */
	assert_true(np_status_is(connect_io(lb, 4, cntlid, NP_LB_HOSTNQN, 0x5a), sequence));
	assert_int_equal(admin->queue.ctrl->nqueues, 2);
}

#define WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD(test_connect__names_the_wrong_field),
		WORLD(test_connect__longest_nqn_is_looked_up),
		WORLD(test_connect__binds_the_queue),
		WORLD(test_connect__sqhd_wraps_at_the_asked_size),
		WORLD(test_connect__nothing_before_it),
		WORLD(test_connect__cntlids_go_round),
		WORLD(test_connect_io__checks_the_association),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
