/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A request of the control socket to its answer.
 *
 * Thread: control.
 * Depends: config/rpc.h.
 */
#ifndef NP_CONFIG_RPC_ANSWER_H
#define NP_CONFIG_RPC_ANSWER_H

#include <stddef.h>

#include "config/rpc.h"

/**
 * np_rpc_answer() - have the method answer that a request names
 * @methods, @ctx: as for np_rpc_open()
 * @frame: the request, @len bytes
 * @passed: the descriptor that came with it, or -1; stays the caller's
 *
 * Return: the answer, to be given to free(); NULL when the request gets none.
 */
char *np_rpc_answer(
	const struct np_rpc_method *methods, void *ctx, const char *frame, size_t len, int passed);

#endif
