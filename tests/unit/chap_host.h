/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * chap_host.h - the host's side of DH-HMAC-CHAP, for tests: messages as they should be.
 *
 * Depends: chap.h.
 */
#ifndef NP_TESTS_CHAP_HOST_H
#define NP_TESTS_CHAP_HOST_H

#include "target/nvme/auth_dialog.h"

#define CHAP_TID 0x1234

struct chap_host {
	const char *hostnqn, *subnqn;
	struct np_secret secret, ctrl_secret; /* no bytes: the controller is not asked */
	uint8_t hash, group;                  /* of the challenge */
	uint8_t challenge[NP_CHAP_HASH_BYTES];
	struct np_chap_dh *dh;
	uint8_t shared_key[NP_CHAP_DH_BYTES];
	uint8_t message[NP_AUTH_MESSAGE_MAX]; /* the one that was made, or heard */
};

/* 0, 1, 2, ... */
static inline struct np_secret counting(uint8_t hash, uint8_t bytes)
{
	struct np_secret secret = {.hash = hash, .bytes = bytes};

	for (uint8_t i = 0; i < bytes; i++)
		secret.value[i] = i;
	return secret;
}

/* Each leaves a message in host->message. Return: its bytes. */
uint32_t chap_negotiate(struct chap_host *host);
/* @challenge: what the controller said. */
uint32_t chap_reply(struct chap_host *host, const struct np_auth_challenge *challenge);
uint32_t chap_success2(struct chap_host *host);
uint32_t chap_failure2(struct chap_host *host);

/* Is success1 what the controller alone could have said? */
bool chap_is_proven(const struct chap_host *host, const struct np_auth_success1 *success);

/* Frees what the dialog has needed. */
void chap_end(struct chap_host *host);

#endif
