// SPDX-License-Identifier: BSD-3-Clause
/*
 * case_auth.c - authentication by who does not do it right. The host with RAW_OTHER_HOSTNQN has to prove who it
 *               is, the one with RAW_HOSTNQN need not; test_35_authentication.py has such a target.
 *
 * Spec: NVM Express Base 2.0, 6.1, 6.2, 8.13.
 */
#include <string.h>

#include "target/base/le.h"
#include "target/base/wire_auth.h"
#include "tests/rxe/rawclient/raw.h"

#define PAGE 4096u

/* A queue of the other host on which it has proven nothing. Return: NULL after raw_say(). */
static struct raw_queue *open_unproven(struct raw_env *env, struct raw_env *ret_other)
{
	struct raw_queue *queue;
	struct raw_connect connect;
	struct raw_answer answer;

	*ret_other = *env;
	ret_other->is_other_host = true;
	queue = raw_open_plain(ret_other, 0, RAW_DEPTH);
	if (!queue)
		return NULL;
	raw_connect_init(ret_other, &connect, 0, RAW_DEPTH, 0xffff);
	if (!raw_connect_exec(queue, &connect, &answer) && !raw_status(&answer) &&
		np_le16(answer.cqe.connect.authreq) == NP_AUTHREQ_ATR)
		return queue;
	raw_say(env, false, "Connect: status %03xh, AUTHREQ %04xh", raw_status(&answer),
		np_le16(answer.cqe.connect.authreq));
	raw_queue_close(queue);
	return NULL;
}

static void auth_sqe(const struct raw_env *env, struct np_sqe *sqe, uint8_t fctype, uint32_t bytes)
{
	const struct np_auth_cmd cmd = {.spsp0 = NP_AUTH_SPSP,
		.spsp1 = NP_AUTH_SPSP,
		.secp = NP_AUTH_SECP,
		.bytes = np_le32(bytes)};

	raw_sqe_init(sqe, NP_OPCODE_FABRICS, fctype);
	memcpy(&sqe->cdw10, &cmd, sizeof(cmd));
	raw_use_data(env, sqe, bytes);
}

/* ---- what is not taken -------------------------------------------------------------------- */

static bool run_required(struct raw_env *env, const struct raw_case *self)
{
	static const struct {
		uint8_t opcode, fctype;
	} cmds[] = {
		{NP_OPCODE_FABRICS, nvme_fabrics_type_property_get},
		{NP_OPCODE_FABRICS, nvme_fabrics_type_property_set},
		{nvme_admin_identify, 0},
		{nvme_admin_get_log_page, 0},
		{nvme_admin_keep_alive, 0},
		{nvme_admin_async_event, 0},
	};
	struct raw_env other;
	struct raw_queue *queue = open_unproven(env, &other);
	bool is_ok = queue;
	struct np_sqe sqe;

	for (size_t i = 0; is_ok && i < sizeof(cmds) / sizeof(cmds[0]); i++) {
		raw_sqe_init(&sqe, cmds[i].opcode, cmds[i].fctype);
		is_ok = raw_expect(queue, &sqe, NULL, 0, self->want);
	}
	return queue && raw_end_as(env, &other, queue, is_ok);
}

static bool run_fields(struct raw_env *env, const struct raw_case *self)
{
	static const struct {
		size_t offset;
		uint8_t value;
	} faults[] = {
		{offsetof(struct np_auth_cmd, secp), 0},
		{offsetof(struct np_auth_cmd, spsp0), 2},
		{offsetof(struct np_auth_cmd, spsp1), 0},
		{offsetof(struct np_auth_cmd, bytes), 0},
		{offsetof(struct np_auth_cmd, bytes) + 2, 1},
	};
	struct raw_env other;
	struct raw_queue *queue = open_unproven(env, &other);
	bool is_ok = queue;
	struct np_sqe sqe;

	for (size_t i = 0; is_ok && i < 2 * sizeof(faults) / sizeof(faults[0]); i++) {
		auth_sqe(env, &sqe,
			i % 2 ? nvme_fabrics_type_auth_send : nvme_fabrics_type_auth_receive, 64);
		((uint8_t *)&sqe.cdw10)[faults[i / 2].offset] = faults[i / 2].value;
		is_ok = raw_expect(queue, &sqe, NULL, 0, self->want);
	}
	return queue && raw_end_as(env, &other, queue, is_ok);
}

static bool run_needless(struct raw_env *env, const struct raw_case *self)
{
	struct np_sqe sqe;

	auth_sqe(env, &sqe, nvme_fabrics_type_auth_send, 64);
	return raw_expect(env->shared->admin, &sqe, NULL, 0, self->want);
}

/* ---- what is not proven ------------------------------------------------------------------- */

/* Asks what the controller has to say. It is the failure of this case, and then the end. */
static bool expect_failure(struct raw_queue *queue, const struct raw_case *self)
{
	struct raw_env *env = queue->env;
	struct np_auth_failure failure;
	struct np_sqe sqe;

	auth_sqe(env, &sqe, nvme_fabrics_type_auth_receive, PAGE);
	if (!raw_expect(queue, &sqe, NULL, 0, 0))
		return false;
	memcpy(&failure, env->data, sizeof(failure));
	if (failure.head.id != NP_AUTH_ID_FAILURE1 || failure.explanation != self->want)
		return raw_say(env, false, "message %02xh, explanation %02xh", failure.head.id,
			failure.explanation);
	return raw_expect_closed(queue) &&
		raw_say(env, true, "explanation %02xh, and the end", failure.explanation);
}

static bool send_message(struct raw_queue *queue, const void *message, uint32_t bytes)
{
	struct np_sqe sqe;

	memcpy(queue->env->data, message, bytes);
	auth_sqe(queue->env, &sqe, nvme_fabrics_type_auth_send, bytes);
	return raw_expect(queue, &sqe, NULL, 0, 0);
}

/* Hears a challenge. Return: bytes of its hash, 0 after raw_say(). */
static uint32_t hear_challenge(struct raw_queue *queue)
{
	struct raw_env *env = queue->env;
	const struct np_auth_challenge *challenge = (const void *)env->data;
	uint8_t message[sizeof(struct np_auth_negotiate) + sizeof(struct np_auth_protocol)] = {0};
	struct np_auth_protocol *protocol = (void *)(message + sizeof(struct np_auth_negotiate));
	struct np_sqe sqe;

	message[offsetof(struct np_auth_negotiate, nprotocols)] = 1;
	*protocol = (struct np_auth_protocol){.id = NP_AUTH_PROTOCOL_DHCHAP,
		.nhashes = 1,
		.ngroups = 1,
		.hashes = {NP_CHAP_SHA256},
		.groups = {NP_CHAP_NO_DH}};
	auth_sqe(env, &sqe, nvme_fabrics_type_auth_receive, PAGE);
	if (!send_message(queue, message, sizeof(message)) || !raw_expect(queue, &sqe, NULL, 0, 0))
		return 0;
	if (challenge->head.id != NP_AUTH_ID_CHALLENGE || challenge->hash_bytes != 32) {
		raw_say(env, false, "message %02xh in the place of a challenge",
			challenge->head.id);
		return 0;
	}
	return challenge->hash_bytes;
}

static bool run_noise(struct raw_env *env, const struct raw_case *self)
{
	static const uint8_t noise[512] = {0xff, 0xee, 0xdd};
	struct raw_env other;
	struct raw_queue *queue = open_unproven(env, &other);

	return queue &&
		raw_end_as(env, &other, queue,
			send_message(queue, noise, sizeof(noise)) && expect_failure(queue, self));
}

/* A right dialog with a response that is none. */
static bool run_guess(struct raw_env *env, const struct raw_case *self)
{
	uint8_t message[sizeof(struct np_auth_reply) + 64] = {
		NP_AUTH_TYPE_DHCHAP, NP_AUTH_ID_REPLY};
	struct raw_env other;
	struct raw_queue *queue = open_unproven(env, &other);

	message[offsetof(struct np_auth_reply, hash_bytes)] = 32;
	return queue &&
		raw_end_as(env, &other, queue,
			hear_challenge(queue) && send_message(queue, message, sizeof(message)) &&
				expect_failure(queue, self));
}

/* That it is content, before it has proven anything. */
static bool run_content(struct raw_env *env, const struct raw_case *self)
{
	const struct np_auth_success2 message = {
		.head = {.type = NP_AUTH_TYPE_DHCHAP, .id = NP_AUTH_ID_SUCCESS2}};
	struct raw_env other;
	struct raw_queue *queue = open_unproven(env, &other);

	return queue &&
		raw_end_as(env, &other, queue,
			hear_challenge(queue) && send_message(queue, &message, sizeof(message)) &&
				expect_failure(queue, self));
}

#define AUTH(title, runner, status)                                                      \
	{                                                                                \
		.name = "auth-" title, .run = runner, .want = status, .is_by_name = true \
	}

/* The status, or the explanation of the failure. */
const struct raw_case raw_auth_cases[] = {
	AUTH("required", run_required, RAW_SPECIFIC(NVME_SC_AUTH_REQUIRED)),
	AUTH("fields", run_fields, NVME_SC_INVALID_FIELD),
	AUTH("needless", run_needless, NVME_SC_INVALID_OPCODE),
	AUTH("noise", run_noise, NP_AUTH_BAD_MESSAGE),
	AUTH("guess", run_guess, NP_AUTH_FAILED),
	AUTH("content-too-early", run_content, NP_AUTH_BAD_MESSAGE),
	{0},
};
