// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_auth.c - Authentication Send and Receive on queues: who has to prove himself, what is taken before,
 *                    and what becomes of those who cannot.
 *
 * Depends: loopback.h, chap_host.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "chap_host.h"
#include "loopback.h"
#include "target/base/le.h"
#include "target/nvme/auth.h"
#include "target/nvme/connect.h"

#define REQUIRED np_status_specific(NVME_SC_AUTH_REQUIRED)
#define BAD_FIELD np_status_generic(NVME_SC_INVALID_FIELD)
#define RECEIVE_BYTES 2048u
#define ENABLE 0x00460001u

struct scene {
	struct np_lb *lb;
	struct np_lb_conn *admin;
	struct chap_host host;
	uint8_t said[RECEIVE_BYTES];
};

static void set_secret(uint8_t first, bool has_ctrl_secret)
{
	struct np_auth_entry entry = {.nqn = NP_LB_HOSTNQN, .host = {.hash = NP_CHAP_SHA256}};

	entry.host.secret = (struct np_secret){.bytes = 32, .value = {first}};
	if (has_ctrl_secret)
		entry.host.ctrl_secret = (struct np_secret){.hash = 2, .bytes = 48, .value = {9}};
	assert_int_equal(np_auth_set_hosts(&entry, 1), 0);
}

/* The admin queue of a host that has to prove itself. */
static int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	set_secret(1, true);
	scene->lb = np_lb_open();
	scene->admin = np_lb_connect_admin(scene->lb, NP_LB_SUBNQN, false);
	scene->host.hostnqn = NP_LB_HOSTNQN;
	scene->host.subnqn = NP_LB_SUBNQN;
	scene->host.secret = (struct np_secret){.bytes = 32, .value = {1}};
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	/* First, for the thread may be about to wake the reactor. */
	np_auth_stop();
	np_lb_close(scene->lb);
	chap_end(&scene->host);
	free(scene);
	return 0;
}

static struct np_sqe auth_sqe(uint8_t fctype, uint32_t bytes)
{
	const struct np_auth_cmd cmd = {.spsp0 = NP_AUTH_SPSP,
		.spsp1 = NP_AUTH_SPSP,
		.secp = NP_AUTH_SECP,
		.bytes = np_le32(bytes)};
	struct np_sqe sqe = np_lb_sqe(NP_OPCODE_FABRICS, 0);

	sqe.fabrics.fctype = fctype;
	memcpy(&sqe.cdw10, &cmd, sizeof(cmd));
	return sqe;
}

static void tell(struct scene *scene, struct np_lb_conn *conn, uint32_t bytes)
{
	np_lb_assert_status(np_lb_exec(conn, auth_sqe(nvme_fabrics_type_auth_send, bytes),
				    scene->host.message, bytes),
		NP_SUCCESS);
}

/* Return: the id of what the controller says. */
static uint8_t ask(struct scene *scene, struct np_lb_conn *conn)
{
	np_lb_assert_status(
		np_lb_exec(conn, auth_sqe(nvme_fabrics_type_auth_receive, sizeof(scene->said)),
			scene->said, sizeof(scene->said)),
		NP_SUCCESS);
	return ((const struct np_auth_head *)(const void *)scene->said)->id;
}

/* Return: what the controller says in the end. */
static uint8_t prove(struct scene *scene, struct np_lb_conn *conn)
{
	tell(scene, conn, chap_negotiate(&scene->host));
	assert_int_equal(ask(scene, conn), NP_AUTH_ID_CHALLENGE);
	tell(scene, conn, chap_reply(&scene->host, (const void *)scene->said));
	return ask(scene, conn);
}

static struct np_status identify(struct np_lb_conn *conn)
{
	static uint8_t data[4096];
	struct np_sqe sqe = np_lb_sqe(nvme_admin_identify, 0);

	sqe.cdw10 = np_le32(NVME_IDENTIFY_CNS_CTRL);
	return np_lb_status(np_lb_exec(conn, sqe, data, sizeof(data)));
}

static void enable(struct np_lb_conn *conn)
{
	np_lb_assert_status(np_lb_property_set(conn, NVME_REG_CC, 0, ENABLE), NP_SUCCESS);
}

/* What Connect says of it. */
static uint16_t authreq_of(
	struct scene *scene, const char *subnqn, const char *hostnqn, uint16_t qid, uint16_t cntlid)
{
	struct np_lb_conn *conn = np_lb_conn_new(scene->lb, qid, NP_LB_DEPTH);
	struct nvmf_connect_data data;
	struct np_cqe cqe;

	np_lb_connect_data(&data, subnqn, hostnqn, cntlid);
	cqe = np_lb_exec(conn, np_lb_connect_sqe(qid), &data, sizeof(data));
	np_lb_assert_status(cqe, NP_SUCCESS);
	return np_le16(cqe.connect.authreq);
}

static void test_connect__says_who_has_to(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(authreq_of(scene, NP_LB_SUBNQN, NP_LB_HOSTNQN, 0, NP_CNTLID_DYNAMIC), 2);
	/* Who has no secret cannot; a discovery controller does not ask. */
	assert_int_equal(
		authreq_of(scene, NP_LB_SUBNQN_OPEN, "nqn.2024-01.x:another", 0, NP_CNTLID_DYNAMIC),
		0);
	assert_int_equal(
		authreq_of(scene, NVME_DISC_SUBSYS_NAME, NP_LB_HOSTNQN, 0, NP_CNTLID_DYNAMIC), 0);
}

/* Nothing else is taken, on no queue. */
static void test_queue__is_shut_until_proven(void **state)
{
	struct scene *scene = *state;
	struct np_lb_conn *admin = scene->admin, *io;
	struct np_cqe cqe;

	np_lb_assert_status(np_lb_property_get(admin, NVME_REG_CAP, 1), REQUIRED);
	np_lb_assert_status(np_lb_property_set(admin, NVME_REG_CC, 0, ENABLE), REQUIRED);
	assert_true(np_status_is(identify(admin), REQUIRED));
	assert_false(np_auth_proof_of(&admin->queue).is_there);
	assert_int_equal(prove(scene, admin), NP_AUTH_ID_SUCCESS1);
	assert_true(np_auth_proof_of(&admin->queue).is_there);
	enable(admin);
	assert_true(np_status_is_ok(identify(admin)));

	io = np_lb_connect_io(scene->lb, admin, 1);
	cqe = np_lb_exec(io, np_lb_sqe(nvme_cmd_flush, 1), NULL, 0);
	np_lb_assert_status(cqe, REQUIRED);
	assert_true(np_lb_status(cqe).field & NVME_SC_DNR);
	assert_int_equal(prove(scene, io), NP_AUTH_ID_SUCCESS1);
	np_lb_assert_status(np_lb_exec(io, np_lb_sqe(nvme_cmd_flush, 1), NULL, 0), NP_SUCCESS);
	/* In time: nothing happens to it when that is over. */
	np_lb_advance(scene->lb, 2 * NP_AUTH_LIMIT_MS);
	assert_null(io->why);
}

static void test_proof__is_mutual(void **state)
{
	struct scene *scene = *state;
	struct np_auth_proof proof;

	scene->host.ctrl_secret = (struct np_secret){.hash = 2, .bytes = 48, .value = {9}};
	assert_int_equal(prove(scene, scene->admin), NP_AUTH_ID_SUCCESS1);
	assert_true(chap_is_proven(&scene->host, (const void *)scene->said));
	/* Until the host says that it is content. */
	assert_true(np_status_is(identify(scene->admin), REQUIRED));
	tell(scene, scene->admin, chap_success2(&scene->host));
	proof = np_auth_proof_of(&scene->admin->queue);
	assert_true(proof.is_there && proof.is_mutual);
	enable(scene->admin);
	assert_true(np_status_is_ok(identify(scene->admin)));
}

static void test_failure__ends_the_association(void **state)
{
	struct scene *scene = *state;

	scene->host.secret.value[0] = 2;
	assert_int_equal(prove(scene, scene->admin), NP_AUTH_ID_FAILURE1);
	assert_true(np_status_is(identify(scene->admin), REQUIRED));
	/* Time to be told. */
	assert_null(scene->admin->why);
	np_lb_advance(scene->lb, NP_AUTH_FAREWELL_MS + 100);
	assert_string_equal(scene->admin->why, "its proof of who it is was wrong");
}

/* Which holds in the place of the keep-alive timeout: a host that calculates says nothing. */
static void test_limit__of_time(void **state)
{
	struct scene *scene = *state;

	np_ctrl_set_kato(scene->admin->queue.ctrl, 5000);
	tell(scene, scene->admin, chap_negotiate(&scene->host));
	np_lb_advance(scene->lb, NP_AUTH_LIMIT_MS - 200);
	assert_null(scene->admin->why);
	np_lb_advance(scene->lb, 400);
	assert_string_equal(scene->admin->why, "it has not proven who it is");
}

/* A host that is connected stays so with another secret, until it is to prove itself anew. */
static void test_proof__anew(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(prove(scene, scene->admin), NP_AUTH_ID_SUCCESS1);
	enable(scene->admin);
	set_secret(7, false);
	assert_true(np_status_is_ok(identify(scene->admin)));
	scene->host.secret.value[0] = 7;
	tell(scene, scene->admin, chap_negotiate(&scene->host));
	assert_true(np_status_is_ok(identify(scene->admin)));
	assert_int_equal(prove(scene, scene->admin), NP_AUTH_ID_SUCCESS1);
	assert_true(np_status_is_ok(identify(scene->admin)));
	/* It counts again. */
	assert_int_equal(atomic_load(&scene->admin->queue.ctrl->nunproven), 0);
	/* The old one is worth nothing any more. */
	scene->host.secret.value[0] = 1;
	assert_int_equal(prove(scene, scene->admin), NP_AUTH_ID_FAILURE1);
	assert_true(np_status_is(identify(scene->admin), REQUIRED));
	np_lb_advance(scene->lb, NP_AUTH_FAREWELL_MS + 100);
	assert_non_null(scene->admin->why);
}

static void test_commands__with_wrong_fields(void **state)
{
	static const struct {
		uint8_t offset, value;
	} cases[] = {
		{offsetof(struct np_auth_cmd, secp), 0xea},
		{offsetof(struct np_auth_cmd, spsp0), 0},
		{offsetof(struct np_auth_cmd, spsp1), 2},
		{offsetof(struct np_auth_cmd, bytes), 0},
		{offsetof(struct np_auth_cmd, bytes) + 2, 1},
	};
	static const uint8_t types[] = {
		nvme_fabrics_type_auth_send, nvme_fabrics_type_auth_receive};
	struct scene *scene = *state;
	uint8_t data[64] = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t k = 0; k < sizeof(types); k++) {
			struct np_sqe sqe = auth_sqe(types[k], sizeof(data));

			((uint8_t *)&sqe.cdw10)[cases[i].offset] = cases[i].value;
			np_lb_assert_status(
				np_lb_exec(scene->admin, sqe, data, sizeof(data)), BAD_FIELD);
		}
	}
	/* Another length than that of the data. */
	np_lb_assert_status(np_lb_exec(scene->admin, auth_sqe(types[0], 60), data, sizeof(data)),
		np_status_generic(NVME_SC_SGL_INVALID_DATA));
	/* No room for what is to be said: nothing is lost. */
	tell(scene, scene->admin, chap_negotiate(&scene->host));
	np_lb_assert_status(np_lb_exec(scene->admin, auth_sqe(types[1], 40), data, 40), BAD_FIELD);
	assert_int_equal(ask(scene, scene->admin), NP_AUTH_ID_CHALLENGE);
	tell(scene, scene->admin, chap_reply(&scene->host, (const void *)scene->said));
	assert_int_equal(ask(scene, scene->admin), NP_AUTH_ID_SUCCESS1);
}

/* Of a host that has no secret the commands are not known. */
static void test_commands__of_who_need_not(void **state)
{
	struct scene *scene = *state;
	struct np_lb_conn *conn;

	assert_int_equal(np_auth_set_hosts(NULL, 0), 0);
	conn = np_lb_connect_admin(scene->lb, NP_LB_SUBNQN, true);
	np_lb_assert_status(np_lb_exec(conn, auth_sqe(nvme_fabrics_type_auth_send, 16),
				    scene->host.message, 16),
		np_status_generic(NVME_SC_INVALID_OPCODE));
	/* And whose secret was taken away cannot prove anything. */
	tell(scene, scene->admin, chap_negotiate(&scene->host));
	assert_int_equal(ask(scene, scene->admin), NP_AUTH_ID_FAILURE1);
}

/* With the thread: the answer comes some time, and the reactor goes on meanwhile. */
static void exec_later(
	struct scene *scene, struct np_lb_conn *conn, uint8_t fctype, uint32_t bytes, void *data)
{
	struct np_lb_slot *slot = np_lb_send(conn, auth_sqe(fctype, bytes), data, bytes);

	for (unsigned int i = 0; i < 10000 && !slot->answers; i++) {
		np_lb_pump(scene->lb);
		usleep(1000);
	}
	assert_int_equal(slot->answers, 1);
	np_lb_assert_status(slot->cqe, NP_SUCCESS);
}

static void test_thread__does_the_work(void **state)
{
	const uint8_t send = nvme_fabrics_type_auth_send, receive = nvme_fabrics_type_auth_receive;
	struct scene *scene = *state;
	uint32_t bytes;

	assert_int_equal(np_auth_start(), 0);
	bytes = chap_negotiate(&scene->host);
	exec_later(scene, scene->admin, send, bytes, scene->host.message);
	exec_later(scene, scene->admin, receive, sizeof(scene->said), scene->said);
	bytes = chap_reply(&scene->host, (const void *)scene->said);
	exec_later(scene, scene->admin, send, bytes, scene->host.message);
	set_secret(7, false);
	exec_later(scene, scene->admin, receive, sizeof(scene->said), scene->said);
	assert_true(np_auth_proof_of(&scene->admin->queue).is_there);
}

/* A second command of the queue, and a host that leaves, while the first is calculated. */
static void test_thread__is_not_disturbed(void **state)
{
	struct scene *scene = *state;
	struct np_lb_slot *first, *second;
	uint32_t bytes;

	assert_int_equal(np_auth_start(), 0);
	bytes = chap_negotiate(&scene->host);
	first = np_lb_send(scene->admin, auth_sqe(nvme_fabrics_type_auth_send, bytes),
		scene->host.message, bytes);
	second = np_lb_send(scene->admin,
		auth_sqe(nvme_fabrics_type_auth_receive, sizeof(scene->said)), scene->said,
		sizeof(scene->said));
	np_lb_disconnect(scene->admin);
	for (unsigned int i = 0; i < 10000 && !scene->admin->is_closed; i++) {
		np_lb_pump(scene->lb);
		usleep(1000);
	}
	assert_true(scene->admin->is_closed);
	assert_true(first->releases == 1 && second->releases == 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_connect__says_who_has_to),
		TEST(test_queue__is_shut_until_proven),
		TEST(test_proof__is_mutual),
		TEST(test_failure__ends_the_association),
		TEST(test_limit__of_time),
		TEST(test_proof__anew),
		TEST(test_commands__with_wrong_fields),
		TEST(test_commands__of_who_need_not),
		TEST(test_thread__does_the_work),
		TEST(test_thread__is_not_disturbed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
