// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_auth_dialog.c - the dialog of DH-HMAC-CHAP without a queue, right and wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chap_host.h"
#include "target/base/le.h"

#define HOSTNQN "nqn.2024-01.x:host"
#define SUBNQN "nqn.2024-01.x:sub"

struct scene {
	struct np_auth_dialog dialog;
	struct np_auth_host known; /* of the host */
	struct chap_host host;
	uint8_t said[NP_AUTH_MESSAGE_MAX];
};

static int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	scene->dialog.hostnqn = scene->host.hostnqn = HOSTNQN;
	scene->dialog.subnqn = scene->host.subnqn = SUBNQN;
	scene->known.secret = scene->host.secret = counting(1, 32);
	scene->known.ctrl_secret = counting(0, 48);
	scene->known.hash = NP_CHAP_SHA256;
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	np_auth_dialog_reset(&scene->dialog);
	chap_end(&scene->host);
	free(scene);
	return 0;
}

static void hear(struct scene *scene, uint32_t bytes)
{
	np_auth_dialog_hear(&scene->dialog, &scene->known, scene->host.message, bytes);
}

/* What the controller says is a message with this id. */
static void assert_says(struct scene *scene, uint8_t type, uint8_t id)
{
	const struct np_auth_head *head = (const void *)scene->said;

	assert_true(np_auth_dialog_say(&scene->dialog, scene->said, sizeof(scene->said)));
	assert_int_equal(head->type, type);
	assert_int_equal(head->id, id);
	assert_int_equal(np_le16(head->tid), scene->dialog.tid);
}

static void assert_fails(struct scene *scene, uint8_t explanation)
{
	const struct np_auth_failure *failure = (const void *)scene->said;

	assert_says(scene, NP_AUTH_TYPE_COMMON, NP_AUTH_ID_FAILURE1);
	assert_int_equal(failure->reason, 1);
	assert_int_equal(failure->explanation, explanation);
	assert_int_equal(scene->dialog.step, NP_AUTH_FAILED_DONE);
}

/* As far as the challenge. */
static void begin(struct scene *scene)
{
	hear(scene, chap_negotiate(&scene->host));
	assert_says(scene, NP_AUTH_TYPE_DHCHAP, NP_AUTH_ID_CHALLENGE);
}

static uint32_t make_reply(struct scene *scene)
{
	return chap_reply(&scene->host, (const void *)scene->said);
}

static void test_dialog__one_way(void **state)
{
	struct scene *scene = *state;
	const struct np_auth_success1 *success = (const void *)scene->said;
	const struct np_auth_challenge *challenge = (const void *)scene->said;

	begin(scene);
	assert_int_equal(challenge->hash, NP_CHAP_SHA256);
	assert_int_equal(challenge->group, NP_CHAP_NO_DH);
	assert_int_equal(challenge->hash_bytes, 32);
	hear(scene, make_reply(scene));
	assert_says(scene, NP_AUTH_TYPE_DHCHAP, NP_AUTH_ID_SUCCESS1);
	assert_int_equal(success->has_response, 0);
	assert_int_equal(scene->dialog.step, NP_AUTH_DONE);
}

/* By the weakest that is as strong as the configuration wants, and both ways. */
static void test_dialog__mutual_with_dh(void **state)
{
	struct scene *scene = *state;
	const struct np_auth_challenge *challenge = (const void *)scene->said;

	scene->known.hash = NP_CHAP_SHA384;
	scene->known.group = NP_CHAP_FFDHE3072;
	scene->host.ctrl_secret = scene->known.ctrl_secret;
	begin(scene);
	assert_int_equal(challenge->hash, NP_CHAP_SHA384);
	assert_int_equal(np_le16(challenge->dh_bytes), 384);
	hear(scene, make_reply(scene));
	assert_says(scene, NP_AUTH_TYPE_DHCHAP, NP_AUTH_ID_SUCCESS1);
	assert_true(chap_is_proven(&scene->host, (const void *)scene->said));
	assert_int_equal(scene->dialog.step, NP_AUTH_EXPECT_SUCCESS2);
	hear(scene, chap_success2(&scene->host));
	assert_int_equal(scene->dialog.step, NP_AUTH_DONE);
}

static void test_dialog__wrong_secrets(void **state)
{
	struct scene *scene = *state;
	struct np_auth_reply *reply = (void *)scene->host.message;
	uint8_t old[sizeof(*reply) + 64];
	uint32_t bytes;

	scene->host.secret.value[31] ^= 1;
	begin(scene);
	hear(scene, make_reply(scene));
	assert_fails(scene, NP_AUTH_FAILED);
	scene->host.secret = scene->known.secret;
	/* Another name with the same secret. */
	scene->host.hostnqn = HOSTNQN "2";
	begin(scene);
	hear(scene, make_reply(scene));
	assert_fails(scene, NP_AUTH_FAILED);
	scene->host.hostnqn = HOSTNQN;
	/* The host wants a proof, and we have no secret for that. */
	scene->host.ctrl_secret = counting(0, 32);
	scene->known.ctrl_secret.bytes = 0;
	begin(scene);
	hear(scene, make_reply(scene));
	assert_fails(scene, NP_AUTH_FAILED);
	/* It sends our own challenge back. */
	scene->known.ctrl_secret = scene->host.ctrl_secret;
	begin(scene);
	bytes = make_reply(scene);
	memcpy(reply->values + 32, scene->dialog.challenge, 32);
	hear(scene, bytes);
	assert_fails(scene, NP_AUTH_FAILED);
	/* The reply to a challenge before. */
	begin(scene);
	bytes = make_reply(scene);
	hear(scene, bytes);
	assert_says(scene, NP_AUTH_TYPE_DHCHAP, NP_AUTH_ID_SUCCESS1);
	memcpy(old, scene->host.message, bytes);
	begin(scene);
	memcpy(scene->host.message, old, bytes);
	hear(scene, bytes);
	assert_fails(scene, NP_AUTH_FAILED);
	/* A host whose secret was taken away while it calculated. */
	begin(scene);
	bytes = make_reply(scene);
	np_auth_dialog_hear(&scene->dialog, NULL, scene->host.message, bytes);
	assert_fails(scene, NP_AUTH_FAILED);
	/* A host that is not known any more. */
	np_auth_dialog_hear(
		&scene->dialog, NULL, scene->host.message, chap_negotiate(&scene->host));
	assert_fails(scene, NP_AUTH_FAILED);
}

/* Each field of Negotiate. */
static void test_negotiate__refused(void **state)
{
	static const struct {
		uint8_t offset, value, explanation;
	} cases[] = {
		{offsetof(struct np_auth_negotiate, sc_c), 1, NP_AUTH_CONCAT_MISMATCH},
		{offsetof(struct np_auth_negotiate, nprotocols), 0, NP_AUTH_NO_PROTOCOL},
		{offsetof(struct np_auth_negotiate, nprotocols), 2, NP_AUTH_BAD_PAYLOAD},
		{8 + offsetof(struct np_auth_protocol, id), 2, NP_AUTH_NO_PROTOCOL},
		{8 + offsetof(struct np_auth_protocol, nhashes), 0, NP_AUTH_NO_HASH},
		{8 + offsetof(struct np_auth_protocol, nhashes), 31, NP_AUTH_BAD_PAYLOAD},
		{8 + offsetof(struct np_auth_protocol, ngroups), 0, NP_AUTH_NO_DH_GROUP},
		{8 + offsetof(struct np_auth_protocol, ngroups), 31, NP_AUTH_BAD_PAYLOAD},
		/* Of three hashes the first is the only one that would do. */
		{8 + offsetof(struct np_auth_protocol, hashes), 4, NP_AUTH_NO_HASH},
		/* And of the groups the last. */
		{8 + offsetof(struct np_auth_protocol, groups) + 5, 6, NP_AUTH_NO_DH_GROUP},
	};
	struct scene *scene = *state;

	scene->known.hash = NP_CHAP_SHA512;
	scene->known.group = NP_CHAP_FFDHE8192;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint32_t bytes = chap_negotiate(&scene->host);

		scene->host.message[cases[i].offset] = cases[i].value;
		hear(scene, bytes);
		assert_fails(scene, cases[i].explanation);
	}
	hear(scene, chap_negotiate(&scene->host) - 1);
	assert_fails(scene, NP_AUTH_BAD_PAYLOAD);
	chap_negotiate(&scene->host);
	hear(scene, sizeof(struct np_auth_head) - 1);
	assert_fails(scene, NP_AUTH_BAD_PAYLOAD);
}

/* Each field of Reply. */
static void test_reply__refused(void **state)
{
	static const struct {
		uint8_t offset, value, explanation;
	} cases[] = {
		{offsetof(struct np_auth_head, type), 2, NP_AUTH_BAD_MESSAGE},
		{offsetof(struct np_auth_head, id), NP_AUTH_ID_CHALLENGE, NP_AUTH_BAD_MESSAGE},
		{offsetof(struct np_auth_head, id), NP_AUTH_ID_SUCCESS2, NP_AUTH_BAD_MESSAGE},
		{offsetof(struct np_auth_head, tid), 0, NP_AUTH_BAD_PAYLOAD},
		{offsetof(struct np_auth_reply, hash_bytes), 31, NP_AUTH_BAD_PAYLOAD},
		{offsetof(struct np_auth_reply, hash_bytes), 255, NP_AUTH_BAD_PAYLOAD},
		{offsetof(struct np_auth_reply, dh_bytes), 1, NP_AUTH_BAD_PAYLOAD},
		{offsetof(struct np_auth_reply, dh_bytes) + 1, 0xff, NP_AUTH_BAD_PAYLOAD},
		{offsetof(struct np_auth_reply, values), 0, NP_AUTH_FAILED},
	};
	struct scene *scene = *state;

	scene->known.group = NP_CHAP_FFDHE2048;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t bytes;

		begin(scene);
		bytes = make_reply(scene);
		if (cases[i].explanation == NP_AUTH_FAILED)
			scene->host.message[cases[i].offset] ^= 1;
		else
			scene->host.message[cases[i].offset] = cases[i].value;
		hear(scene, bytes);
		assert_fails(scene, cases[i].explanation);
		chap_end(&scene->host);
	}
	begin(scene);
	hear(scene, make_reply(scene) - 1);
	assert_fails(scene, NP_AUTH_BAD_PAYLOAD);
	chap_end(&scene->host);
	/* A public value of zero. */
	begin(scene);
	make_reply(scene);
	memset(scene->host.message + sizeof(struct np_auth_reply) + 64, 0, 256);
	hear(scene, sizeof(struct np_auth_reply) + 64 + 256);
	assert_fails(scene, NP_AUTH_NO_DH_GROUP);
}

static void test_dialog__out_of_turn(void **state)
{
	struct scene *scene = *state;
	uint8_t small[24];

	/* Asked for the first word. */
	assert_fails(scene, NP_AUTH_BAD_MESSAGE);
	/* Asked twice for a challenge. */
	begin(scene);
	assert_fails(scene, NP_AUTH_BAD_MESSAGE);
	/* Success2 before anything. */
	hear(scene, chap_success2(&scene->host));
	assert_fails(scene, NP_AUTH_BAD_MESSAGE);
	/* Without room nothing happens. */
	hear(scene, chap_negotiate(&scene->host));
	assert_false(np_auth_dialog_say(&scene->dialog, small, sizeof(small)));
	assert_int_equal(scene->dialog.step, NP_AUTH_SEND_CHALLENGE);
	/* It gives up. */
	hear(scene, chap_failure2(&scene->host));
	assert_int_equal(scene->dialog.step, NP_AUTH_FAILED_DONE);
	assert_int_equal(scene->dialog.explanation, NP_AUTH_FAILED);
	assert_true(scene->dialog.is_rejected);
	/* And begins again. */
	test_dialog__one_way(state);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_dialog__one_way),
		TEST(test_dialog__mutual_with_dh),
		TEST(test_dialog__wrong_secrets),
		TEST(test_negotiate__refused),
		TEST(test_reply__refused),
		TEST(test_dialog__out_of_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
