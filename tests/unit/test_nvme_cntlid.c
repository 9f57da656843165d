// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_cntlid.c - static controllers: whose they are, and that they are found again.
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

#define OTHER_HOST "nqn.2014-08.org.nvmexpress:uuid:host-2"
#define FIRST 10
#define LAST 12

static int setup(void **state)
{
	struct np_lb *lb = np_lb_open();

	lb->subsys.has_static_ctrls = true;
	lb->subsys.allow_any_host = true;
	lb->subsys.cntlid_min = FIRST;
	lb->subsys.cntlid_max = LAST;
	*state = lb;
	return 0;
}

static int teardown(void **state)
{
	np_lb_close(*state);
	return 0;
}

/* Return: the connection, whose answer is in *ret_cqe. */
static struct np_lb_conn *ask(
	struct np_lb *lb, const char *hostnqn, uint16_t cntlid, struct np_cqe *ret_cqe)
{
	struct np_lb_conn *conn = np_lb_conn_new(lb, 0, NP_LB_DEPTH);
	struct nvmf_connect_data data;

	np_lb_connect_data(&data, NP_LB_SUBNQN, hostnqn, cntlid);
	*ret_cqe = np_lb_exec(conn, np_lb_connect_sqe(0), &data, sizeof(data));
	return conn;
}

static struct np_lb_conn *get(struct np_lb *lb, const char *hostnqn, uint16_t cntlid, uint16_t want)
{
	struct np_cqe cqe;
	struct np_lb_conn *conn = ask(lb, hostnqn, cntlid, &cqe);

	np_lb_assert_status(cqe, NP_SUCCESS);
	assert_int_equal(np_le16(cqe.connect.cntlid), want);
	return conn;
}

static void refuse(struct np_lb *lb, const char *hostnqn, uint16_t cntlid, struct np_status status)
{
	struct np_cqe cqe;

	ask(lb, hostnqn, cntlid, &cqe);
	np_lb_assert_status(cqe, status);
	if (np_status_is(status, np_status_specific(NVME_SC_CONNECT_INVALID_PARAM))) {
		assert_int_equal(
			np_le16(cqe.connect_error.ipo), offsetof(struct nvmf_connect_data, cntlid));
		assert_int_equal(cqe.connect_error.iattr, 1);
	}
}

static void leave(struct np_lb *lb, struct np_lb_conn *conn)
{
	np_lb_disconnect(conn);
	np_lb_pump(lb);
	assert_true(conn->is_closed);
}

static void test_static__is_found_again(void **state)
{
	struct np_lb *lb = *state;
	struct np_lb_conn *conn = get(lb, NP_LB_HOSTNQN, NP_CNTLID_ANY_STATIC, FIRST);

	leave(lb, conn);
	/* Another host does not get it, neither by chance nor by its id. */
	conn = get(lb, OTHER_HOST, NP_CNTLID_ANY_STATIC, FIRST + 1);
	refuse(lb, OTHER_HOST, FIRST, np_status_specific(NVME_SC_CONNECT_INVALID_PARAM));
	leave(lb, get(lb, NP_LB_HOSTNQN, NP_CNTLID_ANY_STATIC, FIRST));
	leave(lb, get(lb, NP_LB_HOSTNQN, FIRST, FIRST));
	leave(lb, conn);
}

static void test_static__while_it_is_in_use(void **state)
{
	const struct np_status busy = np_status_specific(NVME_SC_CONNECT_CTRL_BUSY);
	struct np_lb *lb = *state;
	struct np_lb_conn *first = get(lb, NP_LB_HOSTNQN, NP_CNTLID_ANY_STATIC, FIRST);
	struct np_lb_conn *last = get(lb, NP_LB_HOSTNQN, LAST, LAST);

	refuse(lb, NP_LB_HOSTNQN, FIRST, busy);
	leave(lb, get(lb, NP_LB_HOSTNQN, NP_CNTLID_ANY_STATIC, FIRST + 1));
	leave(lb, last);
	/* All three are the first host's now, though two of them are free. */
	refuse(lb, OTHER_HOST, NP_CNTLID_ANY_STATIC, busy);
	leave(lb, first);
}

static void test_static__no_such_controller(void **state)
{
	const struct np_status invalid = np_status_specific(NVME_SC_CONNECT_INVALID_PARAM);
	struct np_lb *lb = *state;

	refuse(lb, NP_LB_HOSTNQN, NP_CNTLID_DYNAMIC, invalid);
	refuse(lb, NP_LB_HOSTNQN, FIRST - 1, invalid);
	refuse(lb, NP_LB_HOSTNQN, LAST + 1, invalid);
	lb->subsys.has_static_ctrls = false;
	refuse(lb, NP_LB_HOSTNQN, NP_CNTLID_ANY_STATIC, invalid);
	refuse(lb, NP_LB_HOSTNQN, FIRST, invalid);
	leave(lb, get(lb, NP_LB_HOSTNQN, NP_CNTLID_DYNAMIC, FIRST));
}

#define STATIC(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATIC(test_static__is_found_again),
		STATIC(test_static__while_it_is_in_use),
		STATIC(test_static__no_such_controller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
