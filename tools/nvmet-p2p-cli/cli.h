/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The commands: each prints the result of the daemon's method of the same name as tables.
 *
 * Thread: the only one.
 * Depends: jansson.
 */
#ifndef NP_CLI_CLI_H
#define NP_CLI_CLI_H

#include <jansson.h>
#include <stdio.h>

/* Ports, RDMA devices, namespaces, each with the reason where it does not do what was asked. */
void np_cli_print_status(json_t *result, FILE *out);

/* Bytes and commands by namespace, work by reactor. */
void np_cli_print_stats(json_t *result, FILE *out);

/* Connections. */
void np_cli_print_conns(json_t *result, FILE *out);

/* Memory providers, their pools, and how they get on with RNICs and drives. */
void np_cli_print_memory(json_t *result, FILE *out);

#endif
