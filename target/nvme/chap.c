// SPDX-License-Identifier: BSD-3-Clause
/*
 * chap.c - the calculations of DH-HMAC-CHAP.
 *
 * Thread: any, pure.
 * Depends: libcrypto.
 */
#include "target/nvme/chap.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "target/base/le.h"

static const struct {
	const char *name, *digest;
	uint32_t bytes;
} np_chap_hashes[] = {
	[NP_CHAP_SHA256] = {"hmac(sha256)", "SHA256", 32},
	[NP_CHAP_SHA384] = {"hmac(sha384)", "SHA384", 48},
	[NP_CHAP_SHA512] = {"hmac(sha512)", "SHA512", 64},
};

static const struct {
	const char *name;
	uint32_t bytes;
} np_chap_groups[] = {
	[NP_CHAP_NO_DH] = {"null", 0},
	[NP_CHAP_FFDHE2048] = {"ffdhe2048", 256},
	[NP_CHAP_FFDHE3072] = {"ffdhe3072", 384},
	[NP_CHAP_FFDHE4096] = {"ffdhe4096", 512},
	[NP_CHAP_FFDHE6144] = {"ffdhe6144", 768},
	[NP_CHAP_FFDHE8192] = {"ffdhe8192", 1024},
};

struct np_chap_dh {
	EVP_PKEY *pair;
	uint8_t group;
};

const char *np_chap_hash_name(uint8_t hash)
{
	return hash < sizeof(np_chap_hashes) / sizeof(np_chap_hashes[0]) ? np_chap_hashes[hash].name
									 : NULL;
}

uint32_t np_chap_hash_bytes(uint8_t hash)
{
	return np_chap_hash_name(hash) ? np_chap_hashes[hash].bytes : 0;
}

const char *np_chap_group_name(uint8_t group)
{
	return group < sizeof(np_chap_groups) / sizeof(np_chap_groups[0])
		? np_chap_groups[group].name
		: NULL;
}

uint32_t np_chap_group_bytes(uint8_t group)
{
	return np_chap_group_name(group) ? np_chap_groups[group].bytes : 0;
}

bool np_chap_random(void *ret_value, size_t bytes)
{
	return RAND_bytes(ret_value, (int)bytes) == 1;
}

bool np_chap_is_equal(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	return !CRYPTO_memcmp(a, b, bytes);
}

/* ---- responses ---------------------------------------------------------------------------- */

/* What is hashed for a response: a challenge, three numbers, a word and two names. */
#define NP_CHAP_TEXT_BYTES (NP_CHAP_HASH_BYTES + 7 + 10 + 2 * 256)

struct np_chap_text {
	uint8_t data[NP_CHAP_TEXT_BYTES];
	size_t bytes;
};

static void np_chap_add(struct np_chap_text *text, const void *data, size_t bytes)
{
	if (bytes > sizeof(text->data) - text->bytes)
		bytes = sizeof(text->data) - text->bytes;
	memcpy(text->data + text->bytes, data, bytes);
	text->bytes += bytes;
}

static void np_chap_add_string(struct np_chap_text *text, const char *string)
{
	np_chap_add(text, string, strlen(string));
}

static const EVP_MD *np_chap_digest(uint8_t hash)
{
	return EVP_get_digestbyname(np_chap_hashes[hash].digest);
}

static bool np_chap_hmac(uint8_t hash, const void *key, size_t key_bytes, const void *data,
	size_t bytes, uint8_t *ret_mac)
{
	return HMAC(np_chap_digest(hash), key, (int)key_bytes, data, bytes, ret_mac, NULL);
}

/* The secret as it is used under the name @nqn. Return: bytes of @ret_key, 0 if that fails. */
static size_t np_chap_bind(
	const struct np_secret *secret, const char *nqn, uint8_t ret_key[NP_CHAP_HASH_BYTES])
{
	struct np_chap_text text = {.bytes = 0};

	if (!secret->hash) {
		memcpy(ret_key, secret->value, secret->bytes);
		return secret->bytes;
	}
	np_chap_add_string(&text, nqn);
	np_chap_add_string(&text, "NVMe-over-Fabrics");
	if (!np_chap_hmac(
		    secret->hash, secret->value, secret->bytes, text.data, text.bytes, ret_key))
		return 0;
	return np_chap_hash_bytes(secret->hash);
}

/* The challenge, mixed with the shared key if there is one. */
static bool np_chap_augment(
	const struct np_chap_answer *answer, uint8_t ret_challenge[NP_CHAP_HASH_BYTES])
{
	const uint32_t bytes = np_chap_hash_bytes(answer->hash);
	uint8_t key[NP_CHAP_HASH_BYTES];
	bool is_ok;

	if (!answer->shared_key) {
		memcpy(ret_challenge, answer->challenge, bytes);
		return true;
	}
	is_ok = EVP_Digest(answer->shared_key, answer->shared_bytes, key, NULL,
			np_chap_digest(answer->hash), NULL) &&
		np_chap_hmac(answer->hash, key, bytes, answer->challenge, bytes, ret_challenge);
	np_secret_forget(key, sizeof(key));
	return is_ok;
}

bool np_chap_respond(const struct np_chap_answer *answer, uint8_t *ret_response)
{
	const char *first = answer->is_hosts ? answer->hostnqn : answer->subnqn;
	const char *second = answer->is_hosts ? answer->subnqn : answer->hostnqn;
	const uint32_t seqnum_le = np_le32(answer->seqnum);
	const uint16_t tid_le = np_le16(answer->tid);
	uint8_t challenge[NP_CHAP_HASH_BYTES], key[NP_CHAP_HASH_BYTES];
	const size_t key_bytes = np_chap_bind(answer->secret, first, key);
	struct np_chap_text text = {.bytes = 0};
	bool is_ok = key_bytes && np_chap_augment(answer, challenge);

	if (is_ok) {
		np_chap_add(&text, challenge, np_chap_hash_bytes(answer->hash));
		np_chap_add(&text, &seqnum_le, sizeof(seqnum_le));
		np_chap_add(&text, &tid_le, sizeof(tid_le));
		np_chap_add(&text, "", 1); /* SC_C: no secure channel */
		np_chap_add_string(&text, answer->is_hosts ? "HostHost" : "Controller");
		np_chap_add_string(&text, first);
		np_chap_add(&text, "", 1);
		np_chap_add_string(&text, second);
		is_ok = np_chap_hmac(
			answer->hash, key, key_bytes, text.data, text.bytes, ret_response);
	}
	np_secret_forget(key, sizeof(key));
	np_secret_forget(challenge, sizeof(challenge));
	return is_ok;
}

/* ---- Diffie-Hellman ----------------------------------------------------------------------- */

struct np_chap_dh *np_chap_dh_new(uint8_t group)
{
	struct np_chap_dh *dh = calloc(1, sizeof(*dh));
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
	OSSL_PARAM params[2] = {OSSL_PARAM_END, OSSL_PARAM_END};

	if (dh && ctx && np_chap_group_bytes(group)) {
		params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
			(char *)(uintptr_t)np_chap_groups[group].name, 0);
		dh->group = group;
		if (EVP_PKEY_keygen_init(ctx) != 1 || EVP_PKEY_CTX_set_params(ctx, params) != 1 ||
			EVP_PKEY_generate(ctx, &dh->pair) != 1)
			dh->pair = NULL;
	}
	EVP_PKEY_CTX_free(ctx);
	if (dh && dh->pair)
		return dh;
	free(dh);
	return NULL;
}

void np_chap_dh_free(struct np_chap_dh *dh)
{
	if (!dh)
		return;
	EVP_PKEY_free(dh->pair);
	free(dh);
}

bool np_chap_dh_public(const struct np_chap_dh *dh, uint8_t *ret_value, size_t bytes)
{
	unsigned char *value = NULL;
	/* Padded to the length of the group's prime. */
	const size_t got = EVP_PKEY_get1_encoded_public_key(dh->pair, &value);
	const bool is_ok = got == bytes;

	if (is_ok)
		memcpy(ret_value, value, bytes);
	OPENSSL_free(value);
	return is_ok;
}

bool np_chap_dh_share(
	const struct np_chap_dh *dh, const uint8_t *value, size_t bytes, uint8_t *ret_key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, dh->pair, NULL);
	EVP_PKEY *peer = EVP_PKEY_new();
	unsigned int pad = 1;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_uint(OSSL_EXCHANGE_PARAM_PAD, &pad), OSSL_PARAM_END};
	size_t key_bytes = np_chap_group_bytes(dh->group);
	/* That the value is in the group, and not one of its trivial members, libcrypto checks. */
	const bool is_ok = ctx && peer && bytes == key_bytes &&
		EVP_PKEY_copy_parameters(peer, dh->pair) == 1 &&
		EVP_PKEY_set1_encoded_public_key(peer, value, bytes) == 1 &&
		EVP_PKEY_derive_init_ex(ctx, params) == 1 &&
		EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
		EVP_PKEY_derive(ctx, ret_key, &key_bytes) == 1 && key_bytes == bytes;

	EVP_PKEY_free(peer);
	EVP_PKEY_CTX_free(ctx);
	return is_ok;
}
