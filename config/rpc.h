/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control socket of the daemon: a Unix stream socket, mode 0600, that answers JSON-RPC
 * requests (config/rpc_proto.h) out of a table of methods. Never blocks; a client is read again
 * only when it has taken its last answer, so one client costs at most one request and one answer.
 *
 * Thread: control, the one that runs the loop.
 * Depends: config/rpc_proto.h, base/log.h, libev.
 */
#ifndef NP_CONFIG_RPC_H
#define NP_CONFIG_RPC_H

#include <jansson.h>

#include "config/rpc_proto.h"

#define NP_RPC_CLIENTS_MAX 64
#define NP_RPC_STALL_S 5.0 /* an answer of which nothing is taken that long ends the client */

struct ev_loop;
struct np_rpc;

struct np_rpc_method {
	const char *name; /* NULL ends the table */
	/*
	 * Answer a request. @params is an object, an array, or NULL. Called on the loop's thread,
	 * must not block, must not close the server.
	 * Return: 0 with a new reference in *ret_result; -errno. A handler that has more to say
	 * than the errno fills @error, which comes zeroed.
	 */
	int (*fn)(void *ctx, const json_t *params, json_t **ret_result, struct np_rpc_error *error);
	/*
	 * The same, in the place of fn, with the descriptor that came with the bytes of the
	 * request (rpc_fd.h), -1 if none did. It is closed afterwards.
	 */
	int (*fn_fd)(void *ctx, const json_t *params, int fd, json_t **ret_result,
		struct np_rpc_error *error);
};

/**
 * np_rpc_open() - serve @methods on a new socket at @path
 * @path: absolute, shorter than sun_path; a socket there that nobody answers on is replaced
 * @methods: borrowed until np_rpc_close(), ends with a NULL name
 * @ctx: handed to the methods
 * @why: receives the reason of a failure, with the path
 * @ret_rpc: receives the server
 *
 * Context: control thread.
 * Return: 0; -EADDRINUSE when another process answers there; -EEXIST when @path is no socket;
 * -ENAMETOOLONG; the errno of socket, bind or listen.
 */
int np_rpc_open(struct ev_loop *loop, const char *path, const struct np_rpc_method *methods,
	void *ctx, char *why, size_t why_size, struct np_rpc **ret_rpc);

/* Drop all clients, close the socket, remove its file if it is still ours. NULL is fine. */
void np_rpc_close(struct np_rpc *rpc);

#endif
