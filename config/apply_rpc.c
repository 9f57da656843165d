// SPDX-License-Identifier: BSD-3-Clause
/*
 * apply_rpc.c - methods of the control socket that change something.
 *
 * Thread: control.
 * Depends: apply.h, jansson.
 */
#include "config/apply_rpc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/apply.h"
#include "config/apply_mem.h"
#include "config/apply_reload.h"
#include "target/memory/mem.h"

/* What the region called @label gets on with, for who has handed it over. */
static json_t *np_apply_describe(const struct np_daemon *daemon, const char *label)
{
	const struct np_mem_region *region;
	json_t *devices = json_array();
	const struct np_list *pos;

	np_mem_for_each(&daemon->mem, region) {
		if (strcmp(region->label, label) != 0)
			continue;
		np_list_for_each(pos, &region->notes) {
			const struct np_mem_note *note =
				np_container_of(pos, struct np_mem_note, link);

			json_array_append_new(devices,
				json_pack("{s:s, s:s, s:s}", "device", note->subject, "result",
					np_verdict_name(note->verdict), "reason", note->reason));
		}
		return json_pack("{s:s, s:I, s:b, s:o}", "name", region->name, "size_bytes",
			(json_int_t)region->device_bytes, "is_peer", (int)region->is_peer,
			"devices", devices);
	}
	json_decref(devices);
	return NULL;
}

int np_apply_rpc_add_memory(
	void *ctx, const json_t *params, int fd, json_t **ret_result, struct np_rpc_error *error)
{
	const char *name = json_string_value(json_object_get(params, "name"));
	struct np_daemon *daemon = ctx;
	int ret;

	if (!name || fd < 0) {
		error->code = NP_RPC_INVALID_PARAMS;
		snprintf(error->message, sizeof(error->message), "%s",
			!name ? "params: an object whose \"name\" is that of one of daemon.memory[]"
			      : "no descriptor came with the request (SCM_RIGHTS)");
		return -EINVAL;
	}
	ret = np_apply_add_dmabuf(daemon, name, fd, error->message, sizeof(error->message));
	if (!ret)
		*ret_result = np_apply_describe(daemon, name);
	return ret;
}

int np_apply_rpc_reload(
	void *ctx, const json_t *params, json_t **ret_result, struct np_rpc_error *error)
{
	json_t *changes;
	int ret;

	(void)params;
	ret = np_apply_reload_file(ctx, &changes, error->message, sizeof(error->message));
	if (!ret)
		*ret_result = json_pack("{s:o}", "changes", changes);
	return ret;
}
