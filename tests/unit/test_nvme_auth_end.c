// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_auth_end.c - hosts that cannot prove who they are, or take too long; secrets that change; and the
 *                        thread that calculates.
 *
 * Depends: auth_scene.h.
 */
#include <unistd.h>

#include "auth_scene.h"

#define WRONG_PROOF "a wrong proof of who it is, or it wants one of us (dhchap_ctrl_key)"

static void test_failure__ends_the_association(void **state)
{
	struct auth_scene *scene = *state;

	scene->host.secret.value[0] = 2;
	assert_int_equal(prove(scene, scene->admin), NP_AUTH_ID_FAILURE1);
	assert_true(np_status_is(identify(scene->admin), REQUIRED));
	/* Time to be told. */
	assert_null(scene->admin->why);
	np_lb_advance(scene->lb, NP_AUTH_FAREWELL_MS + 100);
	assert_string_equal(scene->admin->why, WRONG_PROOF);
}

/* The operator reads what has to be changed. */
static void test_failure__says_why(void **state)
{
	struct auth_scene *scene = *state;
	const uint32_t bytes = chap_negotiate(&scene->host);

	scene->host.message[offsetof(struct np_auth_negotiate, protocols) +
		offsetof(struct np_auth_protocol, nhashes)] = 0;
	tell(scene, scene->admin, bytes);
	assert_int_equal(ask(scene, scene->admin), NP_AUTH_ID_FAILURE1);
	np_lb_advance(scene->lb, NP_AUTH_FAREWELL_MS + 100);
	assert_string_equal(scene->admin->why, "it offers no hash as strong as dhchap_hash");
}

/* Whoever goes on failing has no more time for it than who does so once. */
static void test_failure__again_and_again(void **state)
{
	struct auth_scene *scene = *state;

	scene->host.secret.value[0] = 2;
	for (unsigned int i = 0; i < 12 && !scene->admin->why; i++) {
		assert_int_equal(prove(scene, scene->admin), NP_AUTH_ID_FAILURE1);
		np_lb_advance(scene->lb, 100);
	}
	assert_string_equal(scene->admin->why, WRONG_PROOF);
}

/* On an I/O queue it is not even known that it is the host's: the controller does not notice. */
static void test_failure__on_an_io_queue(void **state)
{
	struct auth_scene *scene = *state;
	struct np_lb_conn *io;
	struct np_ctrl *ctrl;

	assert_int_equal(prove(scene, scene->admin), NP_AUTH_ID_SUCCESS1);
	enable(scene->admin);
	ctrl = scene->admin->queue.ctrl;
	np_lb_advance(scene->lb, NP_AUTH_LIMIT_MS);
	atomic_store(&ctrl->activity, 0);
	io = np_lb_connect_io(scene->lb, scene->admin, 1);
	assert_int_equal(atomic_load(&ctrl->nunproven), 0);
	scene->host.secret.value[0] = 2;
	assert_int_equal(prove(scene, io), NP_AUTH_ID_FAILURE1);
	np_lb_assert_status(np_lb_exec(io, np_lb_sqe(nvme_cmd_flush, 1), NULL, 0), REQUIRED);
	assert_int_equal(atomic_load(&ctrl->activity), 0);
	assert_int_equal(ctrl->errlog.count, 0);
	np_lb_advance(scene->lb, NP_AUTH_FAREWELL_MS + 100);
	assert_string_equal(io->why, WRONG_PROOF);
	assert_null(scene->admin->why);
	assert_true(np_status_is_ok(identify(scene->admin)));
}

/* Which holds in the place of the keep-alive timeout: a host that calculates says nothing. */
static void test_limit__of_time(void **state)
{
	struct auth_scene *scene = *state;

	np_ctrl_set_kato(scene->admin->queue.ctrl, 5000);
	tell(scene, scene->admin, chap_negotiate(&scene->host));
	np_lb_advance(scene->lb, NP_AUTH_LIMIT_MS - 200);
	assert_null(scene->admin->why);
	np_lb_advance(scene->lb, 400);
	assert_string_equal(scene->admin->why, "no proof of who it is");
}

/* A host that is connected stays so with another secret, until it is to prove itself anew. */
static void test_proof__anew(void **state)
{
	struct auth_scene *scene = *state;

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

/* With the thread: the answer comes some time, and the reactor goes on meanwhile. */
static void exec_later(struct auth_scene *scene, struct np_lb_conn *conn, uint8_t fctype,
	uint32_t bytes, void *data)
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
	struct auth_scene *scene = *state;
	uint32_t bytes;

	assert_int_equal(np_auth_thread_start(), 0);
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
	struct auth_scene *scene = *state;
	struct np_lb_slot *first, *second;
	uint32_t bytes;

	assert_int_equal(np_auth_thread_start(), 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		AUTH_TEST(test_failure__ends_the_association),
		AUTH_TEST(test_failure__says_why),
		AUTH_TEST(test_failure__again_and_again),
		AUTH_TEST(test_failure__on_an_io_queue),
		AUTH_TEST(test_limit__of_time),
		AUTH_TEST(test_proof__anew),
		AUTH_TEST(test_thread__does_the_work),
		AUTH_TEST(test_thread__is_not_disturbed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
