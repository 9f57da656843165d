// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_chap.c - the calculations of DH-HMAC-CHAP.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chap_host.h"

#define HOSTNQN "nqn.2024-01.x:host"
#define SUBNQN "nqn.2024-01.x:sub"

/* Calculated by hashlib and hmac of Python. */
static void test_respond__as_others_calculate(void **state)
{
	static const struct {
		uint8_t hash, secret_hash, secret_bytes;
		bool has_dh, is_hosts;
		uint8_t begin[8];
	} cases[] = {
		{NP_CHAP_SHA256, 0, 32, false, true,
			{0xec, 0x58, 0xa8, 0x09, 0xa3, 0x16, 0x27, 0x40}},
		{NP_CHAP_SHA384, 1, 32, false, true,
			{0xb4, 0xeb, 0xbd, 0x39, 0x96, 0xa3, 0x35, 0x00}},
		{NP_CHAP_SHA512, 3, 64, true, true,
			{0xf7, 0x2a, 0x57, 0x2c, 0x5a, 0xf2, 0xc2, 0xf0}},
		{NP_CHAP_SHA256, 2, 48, true, false,
			{0xd0, 0x8b, 0xac, 0x2a, 0xb3, 0x79, 0xcb, 0x73}},
	};
	uint8_t challenge[NP_CHAP_HASH_BYTES], shared[256], response[NP_CHAP_HASH_BYTES];

	(void)state;
	memset(challenge, 0x11, sizeof(challenge));
	memset(shared, 0x22, sizeof(shared));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct np_secret secret =
			counting(cases[i].secret_hash, cases[i].secret_bytes);
		const struct np_chap_answer answer = {
			.hash = cases[i].hash,
			.secret = &secret,
			.challenge = challenge,
			.shared_key = cases[i].has_dh ? shared : NULL,
			.shared_bytes = sizeof(shared),
			.seqnum = 0x01020304,
			.tid = 0x0506,
			.is_hosts = cases[i].is_hosts,
			.hostnqn = HOSTNQN,
			.subnqn = SUBNQN,
		};

		assert_true(np_chap_respond(&answer, response));
		assert_memory_equal(response, cases[i].begin, sizeof(cases[i].begin));
	}
}

static void test_dh__both_have_the_same_key(void **state)
{
	uint8_t a_value[256], b_value[256], a_key[256], b_key[256];
	struct np_chap_dh *a = np_chap_dh_new(NP_CHAP_FFDHE2048);
	struct np_chap_dh *b = np_chap_dh_new(NP_CHAP_FFDHE2048);

	(void)state;
	assert_true(np_chap_dh_public(a, a_value, 256) && np_chap_dh_public(b, b_value, 256));
	assert_memory_not_equal(a_value, b_value, 256);
	assert_true(np_chap_dh_share(a, b_value, 256, a_key));
	assert_true(np_chap_dh_share(b, a_value, 256, b_key));
	assert_memory_equal(a_key, b_key, 256);
	/* Members of the group that make the key known to all, and none. */
	assert_false(np_chap_dh_share(a, b_value, 255, a_key));
	memset(b_value, 0, sizeof(b_value));
	assert_false(np_chap_dh_share(a, b_value, 256, a_key));
	b_value[255] = 1;
	assert_false(np_chap_dh_share(a, b_value, 256, a_key));
	memset(b_value, 0xff, sizeof(b_value));
	assert_false(np_chap_dh_share(a, b_value, 256, a_key));
	np_chap_dh_free(a);
	np_chap_dh_free(b);
	assert_null(np_chap_dh_new(NP_CHAP_NO_DH));
	assert_null(np_chap_dh_new(6));
}

static void test_dh__of_each_group(void **state)
{
	(void)state;
	for (uint8_t group = NP_CHAP_FFDHE2048; group <= NP_CHAP_FFDHE8192; group++) {
		const uint32_t bytes = np_chap_group_bytes(group);
		struct np_chap_dh *a = np_chap_dh_new(group), *b = np_chap_dh_new(group);
		uint8_t a_value[NP_CHAP_DH_BYTES], b_value[NP_CHAP_DH_BYTES];
		uint8_t a_key[NP_CHAP_DH_BYTES], b_key[NP_CHAP_DH_BYTES];

		assert_int_equal(bytes, group < 4 ? 128u + 128u * group : 256u * (group - 1));
		assert_true(np_chap_dh_public(a, a_value, bytes));
		assert_true(np_chap_dh_public(b, b_value, bytes));
		assert_true(np_chap_dh_share(a, b_value, bytes, a_key));
		assert_true(np_chap_dh_share(b, a_value, bytes, b_key));
		assert_memory_equal(a_key, b_key, bytes);
		np_chap_dh_free(a);
		np_chap_dh_free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_respond__as_others_calculate),
		cmocka_unit_test(test_dh__both_have_the_same_key),
		cmocka_unit_test(test_dh__of_each_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
