/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * report.h - the RPC methods `status`, `stats`, `conns` and `memory`.
 *
 * Thread: control.
 * Depends: apply.h, rpc.h.
 */
#ifndef NP_CONFIG_REPORT_H
#define NP_CONFIG_REPORT_H

#include "config/rpc.h"

/* For np_rpc_open(); their ctx is the struct np_daemon. docs/rpc.md describes the results. */
extern const struct np_rpc_method np_report_methods[];

#endif
