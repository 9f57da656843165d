/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * chap.h - the calculations of DH-HMAC-CHAP: responses, Diffie-Hellman.
 *
 * Spec: NVM Express Base 2.0, 8.13.5; RFC 7919 (groups).
 *
 * Thread: any, pure.
 * Depends: libcrypto.
 */
#ifndef NP_NVME_CHAP_H
#define NP_NVME_CHAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/base/secret.h"
#include "target/base/wire_auth.h"

#define NP_CHAP_HASH_BYTES NP_SECRET_BYTES_MAX /* of the longest hash */
#define NP_CHAP_DH_BYTES 1024u                 /* of a value of the largest group */

/* "hmac(sha256)" and "ffdhe2048" or "null", the kernel's names. Return: NULL for none. */
const char *np_chap_hash_name(uint8_t hash);
const char *np_chap_group_name(uint8_t group);

/* Return: 0 if there is no such hash, or group. */
uint32_t np_chap_hash_bytes(uint8_t hash);
uint32_t np_chap_group_bytes(uint8_t group);

/* What a response is made of. */
struct np_chap_answer {
	uint8_t hash;
	const struct np_secret *secret;
	const uint8_t *challenge;  /* hash bytes */
	const uint8_t *shared_key; /* of Diffie-Hellman, NULL for none */
	size_t shared_bytes;
	uint32_t seqnum;
	uint16_t tid;
	bool is_hosts; /* else the controller's */
	const char *hostnqn, *subnqn;
};

/*
 * The response of one side to the challenge of the other, np_chap_hash_bytes() long.
 * Return: false if it cannot be calculated.
 */
bool np_chap_respond(const struct np_chap_answer *answer, uint8_t *ret_response);

/* A key pair of Diffie-Hellman. */
struct np_chap_dh;

/* Return: NULL without memory or such a group; to be freed with np_chap_dh_free(), for which NULL is fine. */
struct np_chap_dh *np_chap_dh_new(uint8_t group);
void np_chap_dh_free(struct np_chap_dh *dh);

/* The public value, np_chap_group_bytes() long. Return: success */
bool np_chap_dh_public(const struct np_chap_dh *dh, uint8_t *ret_value, size_t bytes);

/* The key that is shared with whom @value is from. Return: false if @value is none. */
bool np_chap_dh_share(
	const struct np_chap_dh *dh, const uint8_t *value, size_t bytes, uint8_t *ret_key);

/* Random bytes, without a way to guess them. Return: success */
bool np_chap_random(void *ret_value, size_t bytes);

/* Are they equal? Takes as long whatever differs. */
bool np_chap_is_equal(const uint8_t *a, const uint8_t *b, size_t bytes);

#endif
