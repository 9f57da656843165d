// SPDX-License-Identifier: BSD-3-Clause
/*
 * A request of the control socket to its answer.
 *
 * Thread: control.
 * Depends: config/rpc.h.
 */
#include "config/rpc_answer.h"

#include <stdio.h>
#include <string.h>

/* Call the method that @request names. Return: its result, NULL with @error filled. */
static json_t *call_method(const struct np_rpc_method *method, void *ctx,
	const struct np_rpc_request *request, int passed, struct np_rpc_error *error)
{
	json_t *result = NULL;
	int err;

	while (method->name && strcmp(method->name, request->method) != 0)
		method++;
	if (!method->name) {
		error->code = NP_RPC_METHOD_NOT_FOUND;
		snprintf(error->message, sizeof(error->message), "no method \"%.64s\"",
			request->method);
		return NULL;
	}
	err = method->fn ? method->fn(ctx, request->params, &result, error)
			 : method->fn_fd(ctx, request->params, passed, &result, error);
	if (err == 0 && result)
		return result;
	if (error->code == 0)
		error->code = err ? NP_RPC_OURS : NP_RPC_INTERNAL_ERROR;
	if (error->message[0] == '\0')
		snprintf(error->message, sizeof(error->message), "%s", strerror(-err));
	return NULL;
}

char *np_rpc_answer(
	const struct np_rpc_method *methods, void *ctx, const char *frame, size_t len, int passed)
{
	struct np_rpc_error error = {.code = 0};
	struct np_rpc_request request;
	json_t *result = NULL;
	char *text = NULL;
	bool is_notification;

	if (np_rpc_parse_request(frame, len, &request, &error) == 0) {
		result = call_method(methods, ctx, &request, passed, &error);
		is_notification = !request.id;
	} else {
		is_notification = false; /* an answer is the only way to tell */
	}
	if (!is_notification)
		text = result ? np_rpc_format_result(request.id, result)
			      : np_rpc_format_error(request.id, &error);
	json_decref(result);
	np_rpc_request_fini(&request);
	return text;
}
