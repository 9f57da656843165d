/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * report_json.h - what the reports share in making their JSON.
 *
 * Thread: control.
 * Depends: jansson, traffic.h.
 */
#ifndef NP_CONFIG_REPORT_JSON_H
#define NP_CONFIG_REPORT_JSON_H

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/rpc.h"
#include "target/memory/traffic.h"

/* A list into which visitors append; failures surface as -ENOMEM at the end. */
struct np_report_list {
	json_t *list;
	bool failed;
};

static inline void np_report_append(struct np_report_list *list, json_t *item)
{
	if (!item || json_array_append_new(list->list, item))
		list->failed = true;
}

/* Return: the list, for json_pack(); NULL, which fails it, if something is missing in there. */
static inline json_t *np_report_take(struct np_report_list *list)
{
	if (!list->failed)
		return list->list;
	json_decref(list->list);
	return NULL;
}

/* The end of a method. @result NULL: there was no memory for it. */
static inline int np_report_finish(json_t *result, json_t **ret_result)
{
	if (!result)
		return -ENOMEM;
	*ret_result = result;
	return 0;
}

static inline json_int_t np_report_int(uint64_t value)
{
	return (json_int_t)value;
}

/* Adds what was moved, and where it lay, to @object. Return: @object; NULL, freed, without memory. */
json_t *np_report_traffic(json_t *object, const struct np_traffic_sum *sum);

/* The methods, each in the file of its name; report.c has their table. */
int np_report_stats(
	void *ctx, const json_t *params, json_t **ret_result, struct np_rpc_error *error);
int np_report_conns(
	void *ctx, const json_t *params, json_t **ret_result, struct np_rpc_error *error);
int np_report_memory(
	void *ctx, const json_t *params, json_t **ret_result, struct np_rpc_error *error);

#endif
