// SPDX-License-Identifier: BSD-3-Clause
/*
 * auth_dialog.c - the controller's side of DH-HMAC-CHAP.
 *
 * Thread: any, one at a time.
 * Depends: chap.h.
 */
#include "target/nvme/auth_dialog.h"

#include <string.h>

#include "target/base/le.h"

void np_auth_dialog_reset(struct np_auth_dialog *dialog)
{
	const struct np_auth_dialog names = {.hostnqn = dialog->hostnqn, .subnqn = dialog->subnqn};

	np_chap_dh_free(dialog->dh);
	np_secret_forget(dialog, sizeof(*dialog));
	*dialog = names;
}

/* The dialog has failed, if there is a reason. Return: whether there is none. */
static bool np_auth_goes_on(struct np_auth_dialog *dialog, uint8_t explanation)
{
	if (!explanation)
		return true;
	dialog->step = NP_AUTH_SEND_FAILURE1;
	dialog->explanation = explanation;
	return false;
}

/* ---- negotiate ---------------------------------------------------------------------------- */

/*
 * The weakest of @ids that is as strong as @least: both hashes and groups are numbered by strength.
 * Return: -1 if there is none.
 */
static int np_auth_choose(
	const uint8_t *ids, unsigned int n, uint8_t least, const char *(*name)(uint8_t id))
{
	int chosen = -1;

	for (unsigned int i = 0; i < n; i++) {
		if (ids[i] >= least && name(ids[i]) && (chosen < 0 || ids[i] < chosen))
			chosen = ids[i];
	}
	return chosen;
}

static uint8_t np_auth_agree(struct np_auth_dialog *dialog, const struct np_auth_protocol *protocol)
{
	int hash, group;

	if (protocol->nhashes > NP_AUTH_IDS || protocol->ngroups > NP_AUTH_IDS)
		return NP_AUTH_BAD_PAYLOAD;
	hash = np_auth_choose(
		protocol->hashes, protocol->nhashes, dialog->host.hash, np_chap_hash_name);
	if (hash < 0)
		return NP_AUTH_NO_HASH;
	group = np_auth_choose(
		protocol->groups, protocol->ngroups, dialog->host.group, np_chap_group_name);
	if (group < 0)
		return NP_AUTH_NO_DH_GROUP;
	dialog->hash = (uint8_t)hash;
	dialog->group = (uint8_t)group;
	dialog->step = NP_AUTH_SEND_CHALLENGE;
	return 0;
}

static uint8_t np_auth_negotiate(struct np_auth_dialog *dialog, const void *data, uint32_t bytes)
{
	const struct np_auth_negotiate *message = data;

	if (bytes < sizeof(*message) ||
		(bytes - sizeof(*message)) / sizeof(message->protocols[0]) < message->nprotocols)
		return NP_AUTH_BAD_PAYLOAD;
	if (message->sc_c)
		return NP_AUTH_CONCAT_MISMATCH;
	for (unsigned int i = 0; i < message->nprotocols; i++) {
		if (message->protocols[i].id == NP_AUTH_PROTOCOL_DHCHAP)
			return np_auth_agree(dialog, &message->protocols[i]);
	}
	return NP_AUTH_NO_PROTOCOL;
}

/* ---- reply -------------------------------------------------------------------------------- */

/* Return: success, with the proof of one side or the other. */
static bool np_auth_prove(const struct np_auth_dialog *dialog, bool is_hosts,
	uint8_t ret_response[NP_CHAP_HASH_BYTES])
{
	const struct np_chap_answer answer = {
		.hash = dialog->hash,
		.secret = is_hosts ? &dialog->host.secret : &dialog->host.ctrl_secret,
		.challenge = is_hosts ? dialog->challenge : dialog->ctrl_challenge,
		.shared_key = dialog->dh ? dialog->shared_key : NULL,
		.shared_bytes = np_chap_group_bytes(dialog->group),
		.seqnum = is_hosts ? dialog->seqnum : dialog->ctrl_seqnum,
		.tid = dialog->tid,
		.is_hosts = is_hosts,
		.hostnqn = dialog->hostnqn,
		.subnqn = dialog->subnqn,
	};

	return np_chap_respond(&answer, ret_response);
}

/* Is the message as long as it says, with values of the lengths that were agreed on? */
static bool np_auth_reply_fits(
	const struct np_auth_dialog *dialog, const struct np_auth_reply *reply, uint32_t bytes)
{
	return bytes >= sizeof(*reply) && reply->hash_bytes == np_chap_hash_bytes(dialog->hash) &&
		np_le16(reply->dh_bytes) == np_chap_group_bytes(dialog->group) &&
		bytes >= sizeof(*reply) + 2u * reply->hash_bytes + np_le16(reply->dh_bytes);
}

static uint8_t np_auth_reply(struct np_auth_dialog *dialog, const void *data, uint32_t bytes)
{
	const struct np_auth_reply *reply = data;
	const uint32_t n = np_chap_hash_bytes(dialog->hash);
	uint8_t wanted[NP_CHAP_HASH_BYTES];
	bool is_right;

	if (!np_auth_reply_fits(dialog, reply, bytes))
		return NP_AUTH_BAD_PAYLOAD;
	if (dialog->dh &&
		!np_chap_dh_share(dialog->dh, reply->values + (size_t)2 * n,
			np_le16(reply->dh_bytes), dialog->shared_key))
		return NP_AUTH_NO_DH_GROUP;
	is_right =
		np_auth_prove(dialog, true, wanted) && np_chap_is_equal(wanted, reply->values, n);
	np_secret_forget(wanted, sizeof(wanted));
	if (!is_right)
		return NP_AUTH_FAILED;
	if (reply->has_challenge) {
		memcpy(dialog->ctrl_challenge, reply->values + n, n);
		dialog->ctrl_seqnum = np_le32(reply->seqnum);
		dialog->is_mutual = true;
		/* Whoever sends our challenge back wants us to answer it for him. */
		if (!dialog->host.ctrl_secret.bytes ||
			!memcmp(dialog->ctrl_challenge, dialog->challenge, n))
			return NP_AUTH_FAILED;
	}
	dialog->step = NP_AUTH_SEND_SUCCESS1;
	return 0;
}

/* ---- what the host says ------------------------------------------------------------------- */

static uint8_t np_auth_chap(struct np_auth_dialog *dialog, const struct np_auth_host *host,
	const void *data, uint32_t bytes)
{
	const struct np_auth_head *head = data;

	if (np_le16(head->tid) != dialog->tid)
		return NP_AUTH_BAD_PAYLOAD;
	/* It may have another secret by now, or none. */
	if (!host)
		return NP_AUTH_FAILED;
	dialog->host = *host;
	if (head->id == NP_AUTH_ID_REPLY && dialog->step == NP_AUTH_EXPECT_REPLY)
		return np_auth_reply(dialog, data, bytes);
	if (head->id != NP_AUTH_ID_SUCCESS2 || dialog->step != NP_AUTH_EXPECT_SUCCESS2)
		return NP_AUTH_BAD_MESSAGE;
	if (bytes < sizeof(struct np_auth_success2))
		return NP_AUTH_BAD_PAYLOAD;
	dialog->step = NP_AUTH_DONE;
	return 0;
}

static void np_auth_rejected(struct np_auth_dialog *dialog, const void *data, uint32_t bytes)
{
	const struct np_auth_failure *failure = data;

	dialog->step = NP_AUTH_FAILED_DONE;
	dialog->is_rejected = true;
	dialog->explanation = bytes < sizeof(*failure) ? 0 : failure->explanation;
}

static uint8_t np_auth_begin(struct np_auth_dialog *dialog, const struct np_auth_host *host,
	const struct np_auth_head *head, uint32_t bytes)
{
	np_auth_dialog_reset(dialog);
	dialog->tid = np_le16(head->tid);
	if (!host)
		return NP_AUTH_FAILED;
	dialog->host = *host;
	return np_auth_negotiate(dialog, head, bytes);
}

void np_auth_dialog_hear(struct np_auth_dialog *dialog, const struct np_auth_host *host,
	const void *data, uint32_t bytes)
{
	const struct np_auth_head *head = data;
	const bool is_common = bytes >= sizeof(*head) && head->type == NP_AUTH_TYPE_COMMON;
	uint8_t explanation = NP_AUTH_BAD_MESSAGE;

	if (bytes < sizeof(*head)) {
		explanation = NP_AUTH_BAD_PAYLOAD;
	} else if (is_common && head->id == NP_AUTH_ID_NEGOTIATE) {
		explanation = np_auth_begin(dialog, host, head, bytes);
	} else if (is_common && head->id == NP_AUTH_ID_FAILURE2) {
		np_auth_rejected(dialog, data, bytes);
		return;
	} else if (head->type == NP_AUTH_TYPE_DHCHAP) {
		explanation = np_auth_chap(dialog, host, data, bytes);
	}
	np_auth_goes_on(dialog, explanation);
}

/* ---- what the host is told ---------------------------------------------------------------- */

static void np_auth_head(
	const struct np_auth_dialog *dialog, struct np_auth_head *head, uint8_t type, uint8_t id)
{
	head->type = type;
	head->id = id;
	head->tid = np_le16(dialog->tid);
}

/* Return: 0, or why not. */
static uint8_t np_auth_challenge(struct np_auth_dialog *dialog, struct np_auth_challenge *message)
{
	const uint32_t n = np_chap_hash_bytes(dialog->hash);
	const uint32_t dh_bytes = np_chap_group_bytes(dialog->group);

	if (!np_chap_random(dialog->challenge, n) ||
		!np_chap_random(&dialog->seqnum, sizeof(dialog->seqnum)))
		return NP_AUTH_FAILED;
	/* 0 would say that there is none. */
	dialog->seqnum |= 1;
	np_auth_head(dialog, &message->head, NP_AUTH_TYPE_DHCHAP, NP_AUTH_ID_CHALLENGE);
	message->hash_bytes = (uint8_t)n;
	message->hash = dialog->hash;
	message->group = dialog->group;
	message->dh_bytes = np_le16((uint16_t)dh_bytes);
	message->seqnum = np_le32(dialog->seqnum);
	memcpy(message->values, dialog->challenge, n);
	if (dh_bytes) {
		dialog->dh = np_chap_dh_new(dialog->group);
		if (!dialog->dh || !np_chap_dh_public(dialog->dh, message->values + n, dh_bytes))
			return NP_AUTH_FAILED;
	}
	dialog->step = NP_AUTH_EXPECT_REPLY;
	return 0;
}

static uint8_t np_auth_success1(struct np_auth_dialog *dialog, struct np_auth_success1 *message)
{
	np_auth_head(dialog, &message->head, NP_AUTH_TYPE_DHCHAP, NP_AUTH_ID_SUCCESS1);
	message->hash_bytes = (uint8_t)np_chap_hash_bytes(dialog->hash);
	message->has_response = dialog->is_mutual;
	if (dialog->is_mutual && !np_auth_prove(dialog, false, message->response))
		return NP_AUTH_FAILED;
	dialog->step = dialog->is_mutual ? NP_AUTH_EXPECT_SUCCESS2 : NP_AUTH_DONE;
	return 0;
}

static void np_auth_failure1(struct np_auth_dialog *dialog, struct np_auth_failure *message)
{
	np_auth_head(dialog, &message->head, NP_AUTH_TYPE_COMMON, NP_AUTH_ID_FAILURE1);
	message->reason = 1;
	message->explanation = dialog->explanation;
	dialog->step = NP_AUTH_FAILED_DONE;
}

/* What it takes to say what is to be said. */
static uint32_t np_auth_need(const struct np_auth_dialog *dialog)
{
	switch (dialog->step) {
	case NP_AUTH_SEND_CHALLENGE:
		return (uint32_t)sizeof(struct np_auth_challenge) +
			np_chap_hash_bytes(dialog->hash) + np_chap_group_bytes(dialog->group);
	case NP_AUTH_SEND_SUCCESS1:
		return (uint32_t)sizeof(struct np_auth_success1) + np_chap_hash_bytes(dialog->hash);
	default:
		return sizeof(struct np_auth_failure);
	}
}

bool np_auth_dialog_say(struct np_auth_dialog *dialog, void *data, uint32_t room)
{
	uint8_t explanation;

	if (room < np_auth_need(dialog))
		return false;
	memset(data, 0, room);
	if (dialog->step == NP_AUTH_SEND_CHALLENGE)
		explanation = np_auth_challenge(dialog, data);
	else if (dialog->step == NP_AUTH_SEND_SUCCESS1)
		explanation = np_auth_success1(dialog, data);
	else
		explanation = dialog->step == NP_AUTH_SEND_FAILURE1 ? dialog->explanation
								    : NP_AUTH_BAD_MESSAGE;
	if (!np_auth_goes_on(dialog, explanation)) {
		memset(data, 0, room);
		np_auth_failure1(dialog, data);
	}
	return true;
}
