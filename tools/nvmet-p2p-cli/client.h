/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One call of the daemon over its control socket.
 *
 * Thread: the only one.
 * Depends: config/rpc_proto.h.
 */
#ifndef NP_CLI_CLIENT_H
#define NP_CLI_CLIENT_H

#include <jansson.h>

#include "config/rpc_proto.h"

/**
 * np_client_call() - connect, call @method, take the answer, hang up
 * @path: the socket
 * @params: stays the caller's; NULL for none
 * @passed: a descriptor to hand over, which stays the caller's; -1 for none
 * @timeout_ms: for all of it
 * @ret_result: receives a reference to the result
 * @ret_error: receives what the daemon says instead
 *
 * Return: 0 with *ret_result; 1 with *ret_error; the errno of connecting; -ETIMEDOUT;
 * -ECONNRESET when the daemon hangs up; -EPROTO when its answer is not understood; -ENOMEM.
 */
int np_client_call(const char *path, const char *method, json_t *params, int passed, int timeout_ms,
	json_t **ret_result, struct np_rpc_error *ret_error);

#endif
