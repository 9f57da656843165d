/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * auth_scene.h - a host that has to prove who it is, on a loopback queue.
 *
 * Depends: loopback.h, chap_host.h.
 */
#ifndef NP_TESTS_AUTH_SCENE_H
#define NP_TESTS_AUTH_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chap_host.h"
#include "loopback.h"
#include "target/base/le.h"
#include "target/nvme/auth.h"
#include "target/nvme/auth_thread.h"
#include "target/nvme/connect.h"

#define REQUIRED np_status_specific(NVME_SC_AUTH_REQUIRED)
#define BAD_FIELD np_status_generic(NVME_SC_INVALID_FIELD)
#define RECEIVE_BYTES 2048u
#define ENABLE 0x00460001u

struct auth_scene {
	struct np_lb *lb;
	struct np_lb_conn *admin;
	struct chap_host host;
	uint8_t said[RECEIVE_BYTES];
};

/* The secret of NP_LB_HOSTNQN from now on, which begins with @first. */
void set_secret(uint8_t first, bool has_ctrl_secret);

/* The admin queue of a host that has to prove itself. */
int auth_setup(void **state);
int auth_teardown(void **state);

struct np_sqe auth_sqe(uint8_t fctype, uint32_t bytes);

/* Sends scene->host.message. */
void tell(struct auth_scene *scene, struct np_lb_conn *conn, uint32_t bytes);

/* Return: the id of what the controller says. */
uint8_t ask(struct auth_scene *scene, struct np_lb_conn *conn);

/* Return: what the controller says in the end. */
uint8_t prove(struct auth_scene *scene, struct np_lb_conn *conn);

struct np_status identify(struct np_lb_conn *conn);
void enable(struct np_lb_conn *conn);

#define AUTH_TEST(test) cmocka_unit_test_setup_teardown(test, auth_setup, auth_teardown)

#endif
