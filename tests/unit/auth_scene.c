// SPDX-License-Identifier: BSD-3-Clause
/*
 * auth_scene.c - a host that has to prove who it is, on a loopback queue.
 */
#include "auth_scene.h"

void set_secret(uint8_t first, bool has_ctrl_secret)
{
	struct np_auth_entry entry = {.nqn = NP_LB_HOSTNQN, .host = {.hash = NP_CHAP_SHA256}};

	entry.host.secret = (struct np_secret){.bytes = 32, .value = {first}};
	if (has_ctrl_secret)
		entry.host.ctrl_secret = (struct np_secret){.hash = 2, .bytes = 48, .value = {9}};
	assert_int_equal(np_auth_set_hosts(&entry, 1), 0);
}

int auth_setup(void **state)
{
	struct auth_scene *scene = calloc(1, sizeof(*scene));

	set_secret(1, true);
	scene->lb = np_lb_open();
	scene->admin = np_lb_connect_admin(scene->lb, NP_LB_SUBNQN, false);
	scene->host.hostnqn = NP_LB_HOSTNQN;
	scene->host.subnqn = NP_LB_SUBNQN;
	scene->host.secret = (struct np_secret){.bytes = 32, .value = {1}};
	*state = scene;
	return 0;
}

int auth_teardown(void **state)
{
	struct auth_scene *scene = *state;

	/* First, for the thread may be about to wake the reactor. */
	np_auth_thread_stop();
	np_lb_close(scene->lb);
	chap_end(&scene->host);
	free(scene);
	return 0;
}

struct np_sqe auth_sqe(uint8_t fctype, uint32_t bytes)
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

void tell(struct auth_scene *scene, struct np_lb_conn *conn, uint32_t bytes)
{
	np_lb_assert_status(np_lb_exec(conn, auth_sqe(nvme_fabrics_type_auth_send, bytes),
				    scene->host.message, bytes),
		NP_SUCCESS);
}

uint8_t ask(struct auth_scene *scene, struct np_lb_conn *conn)
{
	np_lb_assert_status(
		np_lb_exec(conn, auth_sqe(nvme_fabrics_type_auth_receive, sizeof(scene->said)),
			scene->said, sizeof(scene->said)),
		NP_SUCCESS);
	return ((const struct np_auth_head *)(const void *)scene->said)->id;
}

uint8_t prove(struct auth_scene *scene, struct np_lb_conn *conn)
{
	tell(scene, conn, chap_negotiate(&scene->host));
	assert_int_equal(ask(scene, conn), NP_AUTH_ID_CHALLENGE);
	tell(scene, conn, chap_reply(&scene->host, (const void *)scene->said));
	return ask(scene, conn);
}

struct np_status identify(struct np_lb_conn *conn)
{
	static uint8_t data[4096];
	struct np_sqe sqe = np_lb_sqe(nvme_admin_identify, 0);

	sqe.cdw10 = np_le32(NVME_IDENTIFY_CNS_CTRL);
	return np_lb_status(np_lb_exec(conn, sqe, data, sizeof(data)));
}

void enable(struct np_lb_conn *conn)
{
	np_lb_assert_status(np_lb_property_set(conn, NVME_REG_CC, 0, ENABLE), NP_SUCCESS);
}
