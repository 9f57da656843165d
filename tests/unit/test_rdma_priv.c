// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_rdma_priv.c - private data of connection requests, and the answers.
 *
 * Depends: priv.h, cmocka.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "transport/rdma/priv.h"

#define MAX_QID 128
#define MIN_DEPTH 2
#define MAX_DEPTH 1024

/* Little-endian by construction: the bytes are written one by one. */
static void put16(uint8_t *dst, unsigned int value)
{
	dst[0] = (uint8_t)value;
	dst[1] = (uint8_t)(value >> 8);
}

static enum np_cm_status parse(unsigned int recfmt, unsigned int qid, unsigned int hrqsize,
	unsigned int hsqsize, size_t len, struct np_priv *ret)
{
	uint8_t data[64] = {0};

	put16(data, recfmt);
	put16(data + 2, qid);
	put16(data + 4, hrqsize);
	put16(data + 6, hsqsize);
	return np_priv_parse(data, len, MAX_QID, MIN_DEPTH, MAX_DEPTH, ret);
}

static void test_parse__takes_what_linux_sends(void **state)
{
	struct np_priv priv = {0};

	(void)state;
	assert_int_equal(parse(0, 0, 32, 31, 56, &priv), NP_CM_OK);
	assert_int_equal(priv.qid, 0);
	assert_int_equal(priv.depth, 32);
	assert_int_equal(parse(0, 128, 1024, 1023, 32, &priv), NP_CM_OK);
	assert_int_equal(priv.qid, 128);
	assert_int_equal(priv.depth, 1024);
	assert_int_equal(parse(0, 1, 2, 1, 32, &priv), NP_CM_OK);
	assert_int_equal(priv.depth, 2);
}

static void test_parse__refuses_with_the_right_code(void **state)
{
	static const struct {
		unsigned int recfmt, qid, hrqsize, hsqsize;
		size_t len;
		enum np_cm_status status;
	} rows[] = {
		{0, 1, 128, 127, 31, NP_CM_INVALID_LEN},
		{0, 1, 128, 127, 0, NP_CM_INVALID_LEN},
		{1, 1, 128, 127, 32, NP_CM_INVALID_RECFMT},
		{0x100, 1, 128, 127, 32, NP_CM_INVALID_RECFMT},
		{0, 129, 128, 127, 32, NP_CM_INVALID_QID},
		{0, 0xffff, 128, 127, 32, NP_CM_INVALID_QID},
		{0, 1, 128, 0, 32, NP_CM_INVALID_HSQSIZE},
		{0, 1, 128, 1024, 32, NP_CM_INVALID_HSQSIZE},
		{0, 1, 128, 0xffff, 32, NP_CM_INVALID_HSQSIZE},
		{0, 1, 0, 127, 32, NP_CM_INVALID_HRQSIZE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct np_priv priv = {.qid = 77, .depth = 78};

		assert_int_equal(parse(rows[i].recfmt, rows[i].qid, rows[i].hrqsize,
					 rows[i].hsqsize, rows[i].len, &priv),
			rows[i].status);
		assert_int_equal(priv.qid, 77);
		assert_int_equal(priv.depth, 78);
	}
}

static void test_parse__takes_no_data_at_all(void **state)
{
	struct np_priv priv;

	(void)state;
	assert_int_equal(
		np_priv_parse(NULL, 0, MAX_QID, MIN_DEPTH, MAX_DEPTH, &priv), NP_CM_INVALID_LEN);
}

static void test_format__writes_little_endian(void **state)
{
	struct np_cm_accept accept;
	struct np_cm_reject reject;
	uint8_t want[32] = {0, 0, 0x00, 0x04};
	const uint8_t want_reject[4] = {0, 0, 6, 0};

	(void)state;
	memset(&accept, 0xee, sizeof(accept));
	np_priv_format_accept(1024, &accept);
	assert_memory_equal(&accept, want, sizeof(want));
	np_priv_format_reject(NP_CM_NO_RSC, &reject);
	assert_memory_equal(&reject, want_reject, sizeof(want_reject));
}

static void test_status_name__knows_every_code(void **state)
{
	(void)state;
	for (unsigned int i = 0; i <= NP_CM_INVALID_CNTLID; i++)
		assert_non_null(np_priv_status_name((enum np_cm_status)i));
	assert_string_equal(np_priv_status_name((enum np_cm_status)99), "unknown reason");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse__takes_what_linux_sends),
		cmocka_unit_test(test_parse__refuses_with_the_right_code),
		cmocka_unit_test(test_parse__takes_no_data_at_all),
		cmocka_unit_test(test_format__writes_little_endian),
		cmocka_unit_test(test_status_name__knows_every_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
