// SPDX-License-Identifier: BSD-3-Clause
/*
 * Tests of config/rpc_proto.c.
 *
 * Thread: one.
 * Depends: cmocka.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/rpc_proto.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Feed @text in pieces of @step bytes; the frames end up in @joined, separated by '|'. */
static int decode(const char *text, size_t step, size_t frame_max, char *joined)
{
	struct np_rpc_decoder decoder;
	size_t left = strlen(text);
	int err = 0;

	joined[0] = '\0';
	np_rpc_decoder_init(&decoder, frame_max);
	while (left > 0 && err == 0) {
		size_t n = left < step ? left : step;
		const char *frame;
		size_t len;

		assert_int_equal(np_rpc_decoder_feed(&decoder, text, n), 0);
		text += n;
		left -= n;
		while ((err = np_rpc_decoder_next(&decoder, &frame, &len)) > 0) {
			strncat(joined, frame, len);
			strncat(joined, "|", 2);
		}
	}
	if (err < 0) /* and it stays so */
		assert_int_equal(
			np_rpc_decoder_next(&decoder, &(const char *){NULL}, &(size_t){0}), err);
	np_rpc_decoder_fini(&decoder);
	return err;
}

static void test_decoder__frames_do_not_depend_on_the_splits(void **state)
{
	static const struct {
		const char *text;
		int err;
		const char *frames;
	} cases[] = {
		{"", 0, ""},
		{"{}\n", 0, "{}|"},
		{"{}", 0, ""},
		{"a\nbb\nccc\nd", 0, "a|bb|ccc|"},
		{"\n\r\n \t\na\n\n", 0, "a|"},
		{"12345678\n1\n", 0, "12345678|1|"},
		{"1\n123456789\n2\n", -EMSGSIZE, "1|"},
		{"1\n123456789", -EMSGSIZE, "1|"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (size_t step = 1; step <= strlen(cases[i].text) + 1; step++) {
			char joined[64];

			assert_int_equal(decode(cases[i].text, step, 8, joined), cases[i].err);
			assert_string_equal(joined, cases[i].frames);
		}
	}
}

static void test_parse_request__takes_requests(void **state)
{
	static const char text[] =
		"{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"stats\",\"params\":{\"a\":1}}";
	struct np_rpc_request request;
	struct np_rpc_error error;

	(void)state;
	assert_int_equal(np_rpc_parse_request(text, strlen(text), &request, &error), 0);
	assert_string_equal(request.method, "stats");
	assert_string_equal(json_string_value(request.id), "x");
	assert_int_equal(json_object_size(request.params), 1);
	np_rpc_request_fini(&request);
}

static void test_parse_request__refuses_with_the_code(void **state)
{
	static const struct {
		const char *text;
		int code;
		bool has_id;
	} cases[] = {
		{"{", NP_RPC_PARSE_ERROR, false},
		{"\"x\"", NP_RPC_PARSE_ERROR, false},
		{"[]", NP_RPC_INVALID_REQUEST, false},
		{"{}", NP_RPC_INVALID_REQUEST, false},
		{"{\"id\":1,\"method\":\"a\"}", NP_RPC_INVALID_REQUEST, true},
		{"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"a\"}", NP_RPC_INVALID_REQUEST, true},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":2}", NP_RPC_INVALID_REQUEST, true},
		{"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"a\"}", NP_RPC_INVALID_REQUEST, false},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":7}",
			NP_RPC_INVALID_PARAMS, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *text = cases[i].text;
		struct np_rpc_request request;
		struct np_rpc_error error;

		assert_int_equal(
			np_rpc_parse_request(text, strlen(text), &request, &error), -EINVAL);
		assert_int_equal(error.code, cases[i].code);
		assert_int_equal(request.id != NULL, cases[i].has_id);
		np_rpc_request_fini(&request);
	}
}

static void test_format__is_one_line_that_parses_back(void **state)
{
	struct np_rpc_error error = {NP_RPC_OURS, "line 1\nline 2"};
	json_t *result = json_pack("{s:s}", "k", "a\nb");
	json_t *id = json_integer(7);
	struct np_rpc_reply reply;
	char *text;

	(void)state;
	text = np_rpc_format_request(7, "stats", NULL);
	assert_string_equal(text, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"stats\"}\n");
	free(text);

	text = np_rpc_format_result(id, result);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	assert_int_equal(np_rpc_parse_reply(text, strlen(text), &reply), 0);
	assert_int_equal(reply.id, 7);
	assert_true(json_equal(reply.result, result));
	np_rpc_reply_fini(&reply);
	free(text);

	text = np_rpc_format_error(NULL, &error);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	assert_int_equal(np_rpc_parse_reply(text, strlen(text), &reply), 0);
	assert_null(reply.result);
	assert_int_equal(reply.error.code, NP_RPC_OURS);
	assert_string_equal(reply.error.message, "line 1\nline 2");
	np_rpc_reply_fini(&reply);
	free(text);
	json_decref(result);
	json_decref(id);
}

static void test_parse_reply__refuses_the_rest(void **state)
{
	static const char *const cases[] = {"", "[]", "{}", "{\"result\":1}", "{\"id\":1}",
		"{\"id\":1,\"error\":{}}",
		"{\"id\":1,\"error\":{\"code\":\"x\",\"message\":\"y\"}}"};
	struct np_rpc_reply reply;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(np_rpc_parse_reply(cases[i], strlen(cases[i]), &reply), -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decoder__frames_do_not_depend_on_the_splits),
		cmocka_unit_test(test_parse_request__takes_requests),
		cmocka_unit_test(test_parse_request__refuses_with_the_code),
		cmocka_unit_test(test_format__is_one_line_that_parses_back),
		cmocka_unit_test(test_parse_reply__refuses_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
