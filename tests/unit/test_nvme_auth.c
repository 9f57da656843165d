// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_auth.c - Authentication Send and Receive on queues: who has to prove himself, and what is taken
 *                    before that.
 *
 * Depends: auth_scene.h.
 */
#include "auth_scene.h"

/* What Connect says of it. */
static uint16_t authreq_of(struct auth_scene *scene, const char *subnqn, const char *hostnqn,
	uint16_t qid, uint16_t cntlid)
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
	struct auth_scene *scene = *state;

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
	struct auth_scene *scene = *state;
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
	struct auth_scene *scene = *state;
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

/* A Connect that was refused leaves nothing for the next one. */
static void test_connect__after_a_refused_one(void **state)
{
	struct auth_scene *scene = *state;
	struct np_lb_conn *conn = np_lb_conn_new(scene->lb, 0, NP_LB_DEPTH);
	struct nvmf_connect_data data;
	struct np_cqe cqe;

	np_lb_connect_data(&data, NP_LB_SUBNQN, NP_LB_HOSTNQN, 7);
	np_lb_assert_status(np_lb_exec(conn, np_lb_connect_sqe(0), &data, sizeof(data)),
		np_status_specific(NVME_SC_CONNECT_INVALID_PARAM));
	assert_null(conn->queue.auth);
	np_lb_connect_data(&data, NVME_DISC_SUBSYS_NAME, NP_LB_HOSTNQN, NP_CNTLID_DYNAMIC);
	cqe = np_lb_exec(conn, np_lb_connect_sqe(0), &data, sizeof(data));
	np_lb_assert_status(cqe, NP_SUCCESS);
	assert_int_equal(cqe.connect.authreq, 0);
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
	struct auth_scene *scene = *state;
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
	struct auth_scene *scene = *state;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		AUTH_TEST(test_connect__says_who_has_to),
		AUTH_TEST(test_queue__is_shut_until_proven),
		AUTH_TEST(test_proof__is_mutual),
		AUTH_TEST(test_connect__after_a_refused_one),
		AUTH_TEST(test_commands__with_wrong_fields),
		AUTH_TEST(test_commands__of_who_need_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
