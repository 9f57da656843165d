// SPDX-License-Identifier: BSD-3-Clause
/*
 * apply_resv.c - reservations that persist: a file for each namespace in daemon.state_dir.
 *
 * It is on the medium before the command is answered that asked for it.
 *
 * Thread: control.
 * Depends: apply.h, state.h, resv.h, jansson.
 */
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/apply.h"
#include "target/base/event.h"

#define NP_HEX_BYTES (2 * NP_HOSTID_BYTES + 1)

/* ---- text --------------------------------------------------------------------------------- */

static void np_apply_resv_to_hex(const uint8_t *bytes, char ret_text[NP_HEX_BYTES])
{
	for (unsigned int i = 0; i < NP_HOSTID_BYTES; i++)
		snprintf(ret_text + 2 * i, 3, "%02x", bytes[i]);
}

static bool np_apply_resv_from_hex(const char *text, uint8_t ret_bytes[NP_HOSTID_BYTES])
{
	if (!text || strlen(text) != NP_HEX_BYTES - 1 ||
		strspn(text, "0123456789abcdef") != NP_HEX_BYTES - 1)
		return false;
	for (unsigned int i = 0; i < NP_HOSTID_BYTES; i++) {
		const char pair[] = {text[2 * i], text[2 * i + 1], '\0'};

		ret_bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return true;
}

/* A number as text: 64 bits are more than JSON's numbers hold everywhere. */
static bool np_apply_resv_to_key(const char *text, uint64_t *ret_key)
{
	char *end;

	if (!text || strncmp(text, "0x", 2) != 0)
		return false;
	errno = 0;
	*ret_key = strtoull(text, &end, 16);
	return end != text + 2 && !*end && !errno;
}

static json_t *np_apply_resv_format(const struct np_applied_ns *applied, const struct np_resv *resv)
{
	json_t *registrants = json_array();

	for (uint32_t i = 0; i < resv->count; i++) {
		char hostid[NP_HEX_BYTES], key[24];

		np_apply_resv_to_hex(resv->list[i].hostid, hostid);
		snprintf(key, sizeof(key), "0x%llx", (unsigned long long)resv->list[i].key);
		if (json_array_append_new(registrants,
			    json_pack("{s:s, s:s, s:b}", "hostid", hostid, "key", key, "holds",
				    (int)np_resv_is_holder(resv, i)))) {
			json_decref(registrants);
			return NULL;
		}
	}
	return json_pack("{s:s, s:I, s:I, s:i, s:o}", "nqn", applied->cfg_subsys->nqn, "nsid",
		(json_int_t)applied->cfg->nsid, "generation", (json_int_t)resv->generation, "type",
		(int)resv->type, "registrants", registrants);
}

/* Return: 0, or -EINVAL: the rest of the state is as it was then. */
static int np_apply_resv_parse_registrant(const json_t *item, struct np_resv *resv)
{
	struct np_registrant *registrant = &resv->list[resv->count];

	if (!np_apply_resv_from_hex(
		    json_string_value(json_object_get(item, "hostid")), registrant->hostid) ||
		!np_apply_resv_to_key(
			json_string_value(json_object_get(item, "key")), &registrant->key))
		return -EINVAL;
	/* They are in order, each but once. */
	if (resv->count && memcmp(registrant[-1].hostid, registrant->hostid, NP_HOSTID_BYTES) >= 0)
		return -EINVAL;
	if (json_is_true(json_object_get(item, "holds")))
		resv->holder = resv->count;
	resv->count++;
	return 0;
}

/* Return: 0, -EINVAL for what we have not written, or -ENOMEM. */
static int np_apply_resv_parse(
	const struct np_applied_ns *applied, json_t *root, struct np_resv **ret_resv)
{
	const json_t *registrants = json_object_get(root, "registrants");
	const char *nqn = json_string_value(json_object_get(root, "nqn"));
	const json_int_t type = json_integer_value(json_object_get(root, "type"));
	struct np_resv *resv;
	bool has_holder = false;
	const json_t *item;
	size_t i;

	if (!nqn || strcmp(nqn, applied->cfg_subsys->nqn) != 0 ||
		json_integer_value(json_object_get(root, "nsid")) != applied->cfg->nsid ||
		!json_is_array(registrants) || type < 0 || type > NVME_RESERVATION_RTYPE_EAAR ||
		(type && !json_array_size(registrants)))
		return -EINVAL;
	resv = calloc(1, sizeof(*resv) + json_array_size(registrants) * sizeof(resv->list[0]));
	if (!resv)
		return -ENOMEM;
	resv->generation = (uint32_t)json_integer_value(json_object_get(root, "generation"));
	resv->type = (uint8_t)type;
	resv->persists = true;
	json_array_foreach(registrants, i, item) {
		has_holder |= json_is_true(json_object_get(item, "holds"));
		if (!np_apply_resv_parse_registrant(item, resv))
			continue;
		free(resv);
		return -EINVAL;
	}
	/* Of a type that has one holder somebody must be it. */
	if (type && !has_holder) {
		free(resv);
		return -EINVAL;
	}
	*ret_resv = resv;
	return 0;
}

/* ---- files -------------------------------------------------------------------------------- */

static void np_apply_resv_path(const struct np_applied_ns *applied, char *ret_path, size_t size)
{
	np_apply_state_path(applied, "reservation", ret_path, size);
}

/* np_resv_ns.save */
static int np_apply_resv_save(struct np_resv_ns *ns, const struct np_resv *resv)
{
	const struct np_applied_ns *applied = ns->owner;
	const struct np_state *state = &applied->daemon->state;
	char path[PATH_MAX];
	int ret;

	np_apply_resv_path(applied, path, sizeof(path));
	ret = resv->persists ? np_state_put(state, path, np_apply_resv_format(applied, resv))
			     : np_state_remove(state, path);
	if (ret)
		np_event(NP_EVENT_NAMESPACE, NP_LOG_ERR, "%s: a reservation cannot be kept: %s",
			path, strerror(-ret));
	return ret;
}

/* Return: 0, also without a file; else -errno with a sentence in applied->state_reason. */
static int np_apply_resv_load(struct np_applied_ns *applied)
{
	struct np_resv *resv, *old;
	char path[PATH_MAX];
	json_t *root;
	int ret;

	np_apply_resv_path(applied, path, sizeof(path));
	ret = np_state_get(path, &root, applied->state_reason, sizeof(applied->state_reason));
	if (ret || !root)
		return ret;
	ret = np_apply_resv_parse(applied, root, &resv);
	json_decref(root);
	if (ret) {
		snprintf(applied->state_reason, sizeof(applied->state_reason),
			"%.200s has no reservation of it", path);
		return ret;
	}
	old = atomic_exchange(&applied->resv->now, resv);
	free(old);
	return 0;
}

int np_apply_resv(struct np_daemon *daemon, struct np_applied_ns *applied)
{
	applied->resv = np_resv_ns_new();
	if (!applied->resv)
		return -ENOMEM;
	applied->resv->owner = applied;
	applied->resv->save = np_apply_resv_save;
	applied->resv->can_persist = daemon->state.can_keep;
	return np_apply_resv_load(applied) == -ENOMEM ? -ENOMEM : 0;
}
