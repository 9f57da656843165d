// SPDX-License-Identifier: BSD-3-Clause
/*
 * apply_created.c - namespaces that hosts have created: in the model, and in the state that is kept.
 *
 * Thread: control.
 * Depends: fields.h, state.h, text.h, jansson; subsys.h for the name of a file.
 */
#include "config/apply_created.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/fields.h"
#include "target/nvme/subsys.h"

#define NP_CREATED_KIND "namespaces"

/* ---- in the model ------------------------------------------------------------------------- */

static const struct np_cfg_class *np_created_class(void)
{
	return np_cfg_field_find(np_cfg_field_find(&np_cfg_class, "subsystems")->sub, "namespaces")
		->sub;
}

struct np_cfg_ns *np_created_add(struct np_cfg_subsys *subsys, const struct np_created_wish *wish)
{
	char uuid[NP_CFG_TEXT_MAX], path[PATH_MAX];
	struct np_cfg_ns *list, *ns;

	list = realloc(subsys->namespaces, (subsys->n_namespaces + 1) * sizeof(*list));
	if (!list)
		return NULL;
	subsys->namespaces = list;
	ns = &list[subsys->n_namespaces];
	memset(ns, 0, sizeof(*ns));
	if (np_cfg_class_init(np_created_class(), ns)) {
		np_cfg_class_fini(np_created_class(), ns);
		return NULL;
	}
	ns->nsid = wish->nsid;
	ns->device.uuid.is_given = true;
	memcpy(ns->device.uuid.bytes, wish->uuid, sizeof(wish->uuid));
	ns->device.size_bytes = wish->bytes;
	ns->ana_grpid = wish->ana_grpid;
	ns->engine = NP_CFG_ENGINE_FILE;
	ns->is_created = true;
	ns->is_private = wish->is_private;
	np_cfg_format_id(&ns->device.uuid, uuid, sizeof(uuid));
	snprintf(path, sizeof(path), "%s/%s.img", subsys->created.folder, uuid);
	ns->device.path = strdup(path);
	if (!ns->device.path) {
		np_cfg_class_fini(np_created_class(), ns);
		return NULL;
	}
	subsys->n_namespaces++;
	return ns;
}

struct np_cfg_ns *np_created_find(const struct np_cfg_subsys *subsys, uint32_t nsid)
{
	struct np_cfg_ns *ns = np_cfg_find_ns(subsys, nsid);

	return ns && ns->is_created ? ns : NULL;
}

void np_created_drop(struct np_cfg_subsys *subsys, uint32_t nsid)
{
	struct np_cfg_ns *ns = np_created_find(subsys, nsid);
	const size_t index = (size_t)(ns - subsys->namespaces);

	np_cfg_class_fini(np_created_class(), ns);
	subsys->n_namespaces--;
	memmove(ns, ns + 1, (subsys->n_namespaces - index) * sizeof(*ns));
}

static void np_created_drop_all(struct np_cfg_subsys *subsys)
{
	size_t i = 0;

	while (i < subsys->n_namespaces) {
		if (subsys->namespaces[i].is_created)
			np_created_drop(subsys, subsys->namespaces[i].nsid);
		else
			i++;
	}
}

/* Return: n_allowed_hosts if it is not one of them. */
static size_t np_created_host(const struct np_cfg_ns *ns, const char *hostnqn)
{
	size_t i = 0;

	while (i < ns->n_allowed_hosts && strcmp(ns->allowed_hosts[i], hostnqn) != 0)
		i++;
	return i;
}

bool np_created_has_host(const struct np_cfg_ns *ns, const char *hostnqn)
{
	return np_created_host(ns, hostnqn) < ns->n_allowed_hosts;
}

int np_created_add_host(struct np_cfg_ns *ns, const char *hostnqn)
{
	char **hosts = realloc(ns->allowed_hosts, (ns->n_allowed_hosts + 1) * sizeof(*hosts));

	if (!hosts)
		return -ENOMEM;
	ns->allowed_hosts = hosts;
	hosts[ns->n_allowed_hosts] = strdup(hostnqn);
	if (!hosts[ns->n_allowed_hosts])
		return -ENOMEM;
	ns->n_allowed_hosts++;
	return 0;
}

void np_created_drop_host(struct np_cfg_ns *ns, const char *hostnqn)
{
	const size_t i = np_created_host(ns, hostnqn);

	free(ns->allowed_hosts[i]);
	ns->allowed_hosts[i] = ns->allowed_hosts[--ns->n_allowed_hosts];
}

uint64_t np_created_bytes(const struct np_cfg_subsys *subsys)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < subsys->n_namespaces; i++) {
		if (subsys->namespaces[i].is_created)
			bytes += subsys->namespaces[i].device.size_bytes;
	}
	return bytes;
}

/* ---- what is kept ------------------------------------------------------------------------- */

static void np_created_path(const struct np_state *state, const struct np_cfg_subsys *subsys,
	char *ret_path, size_t size)
{
	uint8_t owner[16];

	np_ns_make_uuid(subsys->nqn, 0, owner);
	np_state_path(state, NP_CREATED_KIND, owner, ret_path, size);
}

/* Return: is all of it there? */
static bool np_created_parse(
	const json_t *kept, struct np_created_wish *ret_wish, const json_t **ret_hosts)
{
	const char *text = json_string_value(json_object_get(kept, "uuid"));
	const json_int_t nsid = json_integer_value(json_object_get(kept, "nsid"));
	const json_int_t bytes = json_integer_value(json_object_get(kept, "bytes"));
	const json_int_t grpid = json_integer_value(json_object_get(kept, "ana_grpid"));
	struct np_cfg_id uuid;

	*ret_hosts = json_object_get(kept, "hosts");
	if (!text || np_cfg_parse_id(text, &uuid) || !uuid.is_given || nsid < 1 ||
		nsid >= UINT32_MAX || bytes < 1 || grpid < 1 || grpid > NP_ANA_GROUPS ||
		!json_is_array(*ret_hosts))
		return false;
	*ret_wish = (struct np_created_wish){
		.nsid = (uint32_t)nsid,
		.bytes = (uint64_t)bytes,
		.ana_grpid = (uint32_t)grpid,
		.is_private = json_is_true(json_object_get(kept, "private")),
	};
	memcpy(ret_wish->uuid, uuid.bytes, sizeof(ret_wish->uuid));
	return true;
}

static int np_created_load_one(
	struct np_cfg_subsys *subsys, const json_t *kept, char *why, size_t why_size)
{
	struct np_created_wish wish;
	const json_t *hosts, *host;
	struct np_cfg_ns *ns;
	size_t i;

	if (!np_created_parse(kept, &wish, &hosts)) {
		snprintf(why, why_size, "the list of namespaces that hosts created is damaged");
		return -EINVAL;
	}
	if (np_cfg_find_ns(subsys, wish.nsid)) {
		snprintf(why, why_size, "a host has created a namespace %u already", wish.nsid);
		return -EEXIST;
	}
	ns = np_created_add(subsys, &wish);
	if (!ns)
		return -ENOMEM;
	json_array_foreach(hosts, i, host) {
		if (json_is_string(host) && np_created_add_host(ns, json_string_value(host)))
			return -ENOMEM;
	}
	return 0;
}

int np_created_load(
	const struct np_state *state, struct np_cfg_subsys *subsys, char *why, size_t why_size)
{
	char path[PATH_MAX];
	json_t *root;
	const json_t *kept;
	size_t i;
	int ret;

	snprintf(why, why_size, "out of memory");
	if (state->unknown[0]) {
		snprintf(why, why_size, "%s", state->unknown);
		return -EACCES;
	}
	np_created_path(state, subsys, path, sizeof(path));
	ret = np_state_get(path, &root, why, why_size);
	json_array_foreach(json_object_get(root, "namespaces"), i, kept) {
		if (!ret)
			ret = np_created_load_one(subsys, kept, why, why_size);
	}
	json_decref(root);
	if (ret)
		np_created_drop_all(subsys);
	return ret;
}

static json_t *np_created_show(const struct np_cfg_ns *ns)
{
	char uuid[NP_CFG_TEXT_MAX];
	json_t *hosts = json_array();

	for (size_t i = 0; i < ns->n_allowed_hosts; i++) {
		if (json_array_append_new(hosts, json_string(ns->allowed_hosts[i]))) {
			json_decref(hosts);
			return NULL;
		}
	}
	np_cfg_format_id(&ns->device.uuid, uuid, sizeof(uuid));
	return json_pack("{s:I, s:s, s:I, s:I, s:b, s:o}", "nsid", (json_int_t)ns->nsid, "uuid",
		uuid, "bytes", (json_int_t)ns->device.size_bytes, "ana_grpid",
		(json_int_t)ns->ana_grpid, "private", (int)ns->is_private, "hosts", hosts);
}

int np_created_save(const struct np_state *state, const struct np_cfg_subsys *subsys)
{
	json_t *list = json_array();
	char path[PATH_MAX];

	for (size_t i = 0; i < subsys->n_namespaces; i++) {
		if (!subsys->namespaces[i].is_created)
			continue;
		if (json_array_append_new(list, np_created_show(&subsys->namespaces[i]))) {
			json_decref(list);
			return -ENOMEM;
		}
	}
	np_created_path(state, subsys, path, sizeof(path));
	return np_state_put(
		state, path, json_pack("{s:s, s:o}", "nqn", subsys->nqn, "namespaces", list));
}
