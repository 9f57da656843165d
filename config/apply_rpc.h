/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * apply_rpc.h - methods of the control socket that change something, see docs/rpc.md.
 *
 * Thread: control.
 * Depends: config/rpc.h.
 */
#ifndef NP_CONFIG_APPLY_RPC_H
#define NP_CONFIG_APPLY_RPC_H

#include "config/rpc.h"

/* add_memory: as np_rpc_method.fn_fd, @ctx is the struct np_daemon. */
int np_apply_rpc_add_memory(
	void *ctx, const json_t *params, int fd, json_t **ret_result, struct np_rpc_error *error);

/* reload: as np_rpc_method.fn, @ctx likewise. */
int np_apply_rpc_reload(
	void *ctx, const json_t *params, json_t **ret_result, struct np_rpc_error *error);

/* set_ana_state, set_ana_group: as np_rpc_method.fn, likewise. */
int np_apply_rpc_set_ana_state(
	void *ctx, const json_t *params, json_t **ret_result, struct np_rpc_error *error);
int np_apply_rpc_set_ana_group(
	void *ctx, const json_t *params, json_t **ret_result, struct np_rpc_error *error);

#endif
