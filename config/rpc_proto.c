// SPDX-License-Identifier: BSD-3-Clause
/*
 * The language of the control socket: lines, requests, replies.
 *
 * Thread: that of the caller; pure, no I/O.
 * Depends: jansson.
 */
#include "config/rpc_proto.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void np_rpc_decoder_init(struct np_rpc_decoder *decoder, size_t frame_max)
{
	*decoder = (struct np_rpc_decoder){.frame_max = frame_max};
}

void np_rpc_decoder_fini(struct np_rpc_decoder *decoder)
{
	free(decoder->buf);
	np_rpc_decoder_init(decoder, decoder->frame_max);
}

int np_rpc_decoder_feed(struct np_rpc_decoder *decoder, const void *bytes, size_t len)
{
	size_t used = decoder->end - decoder->begin;

	if (len == 0)
		return 0;
	if (decoder->begin > 0) {
		memmove(decoder->buf, decoder->buf + decoder->begin, used);
		decoder->scanned -= decoder->begin;
		decoder->begin = 0;
		decoder->end = used;
	}
	if (len > decoder->size - used) {
		size_t size = decoder->size ? decoder->size : 1024;
		char *buf;

		while (size - used < len)
			size *= 2;
		buf = realloc(decoder->buf, size);
		if (!buf)
			return -ENOMEM;
		decoder->buf = buf;
		decoder->size = size;
	}
	memcpy(decoder->buf + decoder->end, bytes, len);
	decoder->end += len;
	return 0;
}

static bool is_blank(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!strchr(" \t\r", line[i]) || line[i] == '\0')
			return false;
	}
	return true;
}

int np_rpc_decoder_next(struct np_rpc_decoder *decoder, const char **ret_frame, size_t *ret_len)
{
	while (decoder->scanned < decoder->end) {
		char *line = decoder->buf + decoder->begin;
		char *from = decoder->buf + decoder->scanned;
		char *newline = memchr(from, '\n', decoder->end - decoder->scanned);
		size_t len;

		decoder->scanned = newline ? (size_t)(newline - decoder->buf) + 1 : decoder->end;
		len = decoder->scanned - decoder->begin - (newline != NULL);
		if (len > decoder->frame_max) {
			decoder->scanned = decoder->begin; /* stay here: fail each time */
			return -EMSGSIZE;
		}
		if (!newline)
			return 0;
		decoder->begin = decoder->scanned;
		if (is_blank(line, len))
			continue;
		*ret_frame = line;
		*ret_len = len;
		return 1;
	}
	return 0;
}

static void set_error(struct np_rpc_error *error, int code, const char *message)
{
	error->code = code;
	snprintf(error->message, sizeof(error->message), "%s", message);
}

/* Section 4: an id is a string, a number or null. */
static bool is_id(const json_t *id)
{
	return json_is_string(id) || json_is_number(id) || json_is_null(id);
}

int np_rpc_parse_request(const char *frame, size_t len, struct np_rpc_request *ret_request,
	struct np_rpc_error *ret_error)
{
	struct np_rpc_request request = {.root = NULL};
	json_error_t syntax;
	const char *version;
	json_t *id;

	*ret_request = request;
	request.root = json_loadb(frame, len, JSON_REJECT_DUPLICATES, &syntax);
	if (!request.root) {
		set_error(ret_error, NP_RPC_PARSE_ERROR, syntax.text);
		return -EINVAL;
	}
	id = json_object_get(request.root, "id");
	if (is_id(id))
		request.id = id;
	version = json_string_value(json_object_get(request.root, "jsonrpc"));
	request.method = json_string_value(json_object_get(request.root, "method"));
	request.params = json_object_get(request.root, "params");
	*ret_request = request;

	if (!version || strcmp(version, "2.0") != 0 || !request.method || (id && !request.id)) {
		set_error(ret_error, NP_RPC_INVALID_REQUEST, "not a JSON-RPC 2.0 request");
		return -EINVAL;
	}
	if (request.params && !json_is_object(request.params) && !json_is_array(request.params)) {
		set_error(ret_error, NP_RPC_INVALID_PARAMS, "params is no object and no array");
		return -EINVAL;
	}
	return 0;
}

void np_rpc_request_fini(struct np_rpc_request *request)
{
	json_decref(request->root);
	*request = (struct np_rpc_request){.root = NULL};
}

static int parse_error(json_t *error, struct np_rpc_error *ret_error)
{
	json_t *code = json_object_get(error, "code");
	const char *message = json_string_value(json_object_get(error, "message"));

	if (!json_is_integer(code) || !message)
		return -EINVAL;
	set_error(ret_error, (int)json_integer_value(code), message);
	return 0;
}

int np_rpc_parse_reply(const char *frame, size_t len, struct np_rpc_reply *ret_reply)
{
	struct np_rpc_reply reply = {.id = -1};
	json_t *id;

	reply.root = json_loadb(frame, len, JSON_REJECT_DUPLICATES, NULL);
	reply.result = json_object_get(reply.root, "result");
	id = json_object_get(reply.root, "id");
	if (json_is_integer(id))
		reply.id = json_integer_value(id);
	if (!id ||
		(!reply.result &&
			parse_error(json_object_get(reply.root, "error"), &reply.error) < 0)) {
		json_decref(reply.root);
		return -EINVAL;
	}
	*ret_reply = reply;
	return 0;
}

void np_rpc_reply_fini(struct np_rpc_reply *reply)
{
	json_decref(reply->root);
	*reply = (struct np_rpc_reply){.root = NULL};
}

/* One line of @message, which it takes. */
static char *to_frame(json_t *message)
{
	char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
	char *frame = NULL;
	size_t len;

	json_decref(message);
	if (!text)
		return NULL;
	len = strlen(text);
	frame = realloc(text, len + 2);
	if (!frame) {
		free(text);
		return NULL;
	}
	memcpy(frame + len, "\n", 2);
	return frame;
}

char *np_rpc_format_request(json_int_t id, const char *method, json_t *params)
{
	json_t *message =
		json_pack("{s:s, s:I, s:s}", "jsonrpc", "2.0", "id", id, "method", method);

	if (params && json_object_set(message, "params", params) < 0) {
		json_decref(message);
		return NULL;
	}
	return to_frame(message);
}

char *np_rpc_format_result(json_t *id, json_t *result)
{
	return to_frame(json_pack("{s:s, s:O?, s:O?}", "jsonrpc", "2.0", "id",
		id ? id : json_null(), "result", result ? result : json_null()));
}

char *np_rpc_format_error(json_t *id, const struct np_rpc_error *error)
{
	return to_frame(json_pack("{s:s, s:O, s:{s:i, s:s}}", "jsonrpc", "2.0", "id",
		id ? id : json_null(), "error", "code", error->code, "message", error->message));
}
