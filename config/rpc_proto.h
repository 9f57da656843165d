/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The language of the control socket, shared by daemon and CLI: JSON-RPC 2.0 objects, each on one
 * line that ends with '\n', over a Unix stream socket. Batches (arrays) are not part of it.
 *
 * Thread: that of the caller; pure, no I/O.
 * Depends: jansson.
 */
#ifndef NP_CONFIG_RPC_PROTO_H
#define NP_CONFIG_RPC_PROTO_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define NP_RPC_REQUEST_MAX (64 << 10) /* bytes of a request without its newline */
#define NP_RPC_REPLY_MAX (16 << 20)

/* The codes of JSON-RPC 2.0 section 5.1; OURS is for what a method itself reports. */
enum np_rpc_code {
	NP_RPC_PARSE_ERROR = -32700,
	NP_RPC_INVALID_REQUEST = -32600,
	NP_RPC_METHOD_NOT_FOUND = -32601,
	NP_RPC_INVALID_PARAMS = -32602,
	NP_RPC_INTERNAL_ERROR = -32603,
	NP_RPC_OURS = -32000,
};

struct np_rpc_error {
	int code;
	char message[256];
};

/* Bytes in any portions to lines. */
struct np_rpc_decoder {
	char *buf;
	size_t size;
	size_t begin;   /* first byte not handed out */
	size_t scanned; /* no newline before it */
	size_t end;
	size_t frame_max;
};

struct np_rpc_request {
	json_t *id; /* NULL: a notification, which is not answered */
	const char *method;
	json_t *params; /* array or object, or NULL */
	json_t *root;   /* owns the above */
};

struct np_rpc_reply {
	json_int_t id;
	json_t *result; /* NULL: failed, see .error */
	struct np_rpc_error error;
	json_t *root; /* owns result */
};

/* Prepare @decoder for frames of at most @frame_max bytes. Allocates nothing. */
void np_rpc_decoder_init(struct np_rpc_decoder *decoder, size_t frame_max);
void np_rpc_decoder_fini(struct np_rpc_decoder *decoder);

/**
 * np_rpc_decoder_feed() - append received bytes
 * @bytes: @len of them, copied
 *
 * Take out every frame before the next call: what is fed is kept until then. Invalidates frames
 * taken out before.
 * Return: 0; -ENOMEM.
 */
int np_rpc_decoder_feed(struct np_rpc_decoder *decoder, const void *bytes, size_t len);

/**
 * np_rpc_decoder_next() - take out the next complete line that is not blank
 * @ret_frame: receives the line without its end, valid until the next feed or fini
 * @ret_len: bytes of it
 *
 * Return: 1 with a frame; 0 when more bytes are needed; -EMSGSIZE when a frame is, or is going
 * to be, longer than allowed: the stream is of no more use.
 */
int np_rpc_decoder_next(struct np_rpc_decoder *decoder, const char **ret_frame, size_t *ret_len);

/**
 * np_rpc_parse_request() - a frame as a request
 * @ret_request: receives the request, to be given to np_rpc_request_fini()
 * @ret_error: receives what to answer; ret_request->id is then the id to answer to, or NULL
 *
 * Both are always to be finished. Return: 0; -EINVAL with ret_error; -ENOMEM likewise.
 */
int np_rpc_parse_request(const char *frame, size_t len, struct np_rpc_request *ret_request,
	struct np_rpc_error *ret_error);
void np_rpc_request_fini(struct np_rpc_request *request);

/* Parse a reply. Return: 0, *ret_reply to be finished; -EINVAL when it is none. */
int np_rpc_parse_reply(const char *frame, size_t len, struct np_rpc_reply *ret_reply);
void np_rpc_reply_fini(struct np_rpc_reply *reply);

/*
 * Make a frame, newline included, to be given to free(). @params, @id and @result are borrowed;
 * @params may be NULL, an @id that is NULL is written as null. Return: NULL without memory.
 */
char *np_rpc_format_request(json_int_t id, const char *method, json_t *params);
char *np_rpc_format_result(json_t *id, json_t *result);
char *np_rpc_format_error(json_t *id, const struct np_rpc_error *error);

#endif
