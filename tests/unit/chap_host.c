// SPDX-License-Identifier: BSD-3-Clause
/*
 * chap_host.c - the host's side of DH-HMAC-CHAP, for tests.
 */
#include "chap_host.h"

#include <string.h>

#include "target/base/le.h"

#define SEQNUM 0x5eedu

static void head(struct chap_host *host, uint8_t type, uint8_t id)
{
	const struct np_auth_head in = {.type = type, .id = id, .tid = np_le16(CHAP_TID)};

	memset(host->message, 0, sizeof(host->message));
	memcpy(host->message, &in, sizeof(in));
}

uint32_t chap_negotiate(struct chap_host *host)
{
	struct np_auth_negotiate *message = (void *)host->message;

	head(host, NP_AUTH_TYPE_COMMON, NP_AUTH_ID_NEGOTIATE);
	message->nprotocols = 1;
	message->protocols[0].id = NP_AUTH_PROTOCOL_DHCHAP;
	message->protocols[0].nhashes = 3;
	message->protocols[0].ngroups = 6;
	for (uint8_t i = 0; i < 3; i++)
		message->protocols[0].hashes[i] = (uint8_t)(NP_CHAP_SHA512 - i);
	for (uint8_t i = 0; i < 6; i++)
		message->protocols[0].groups[i] = i;
	return sizeof(*message) + sizeof(message->protocols[0]);
}

static void answer(const struct chap_host *host, const struct np_secret *secret, bool is_hosts,
	const uint8_t *challenge, uint32_t seqnum, uint8_t *ret_response)
{
	const struct np_chap_answer in = {
		.hash = host->hash,
		.secret = secret,
		.challenge = challenge,
		.shared_key = host->dh ? host->shared_key : NULL,
		.shared_bytes = np_chap_group_bytes(host->group),
		.seqnum = seqnum,
		.tid = CHAP_TID,
		.is_hosts = is_hosts,
		.hostnqn = host->hostnqn,
		.subnqn = host->subnqn,
	};

	if (!np_chap_respond(&in, ret_response))
		memset(ret_response, 0, NP_CHAP_HASH_BYTES);
}

uint32_t chap_reply(struct chap_host *host, const struct np_auth_challenge *challenge)
{
	struct np_auth_reply *message = (void *)host->message;
	const uint32_t seqnum = np_le32(challenge->seqnum);
	const uint32_t n = challenge->hash_bytes, dh_bytes = np_le16(challenge->dh_bytes);
	uint8_t values[NP_CHAP_HASH_BYTES + NP_CHAP_DH_BYTES], response[NP_CHAP_HASH_BYTES];

	host->hash = challenge->hash;
	host->group = challenge->group;
	memcpy(values, challenge->values, n + dh_bytes);
	head(host, NP_AUTH_TYPE_DHCHAP, NP_AUTH_ID_REPLY);
	message->hash_bytes = (uint8_t)n;
	message->dh_bytes = np_le16((uint16_t)dh_bytes);
	message->seqnum = np_le32(SEQNUM);
	if (dh_bytes) {
		host->dh = np_chap_dh_new(host->group);
		np_chap_dh_share(host->dh, values + n, dh_bytes, host->shared_key);
		np_chap_dh_public(host->dh, message->values + (size_t)2 * n, dh_bytes);
	}
	answer(host, &host->secret, true, values, seqnum, response);
	memcpy(message->values, response, n);
	if (host->ctrl_secret.bytes) {
		message->has_challenge = 1;
		np_chap_random(host->challenge, n);
		memcpy(message->values + n, host->challenge, n);
	}
	return (uint32_t)sizeof(*message) + 2 * n + dh_bytes;
}

uint32_t chap_success2(struct chap_host *host)
{
	head(host, NP_AUTH_TYPE_DHCHAP, NP_AUTH_ID_SUCCESS2);
	return sizeof(struct np_auth_success2);
}

uint32_t chap_failure2(struct chap_host *host)
{
	head(host, NP_AUTH_TYPE_COMMON, NP_AUTH_ID_FAILURE2);
	((struct np_auth_failure *)(void *)host->message)->explanation = NP_AUTH_FAILED;
	return sizeof(struct np_auth_failure);
}

bool chap_is_proven(const struct chap_host *host, const struct np_auth_success1 *success)
{
	uint8_t wanted[NP_CHAP_HASH_BYTES];

	answer(host, &host->ctrl_secret, false, host->challenge, SEQNUM, wanted);
	return success->has_response &&
		!memcmp(wanted, success->response, np_chap_hash_bytes(host->hash));
}

void chap_end(struct chap_host *host)
{
	np_chap_dh_free(host->dh);
	host->dh = NULL;
}
