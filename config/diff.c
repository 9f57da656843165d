// SPDX-License-Identifier: BSD-3-Clause
/*
 * diff.c - comparing models by the tables of fields.c.
 *
 * Thread: any, pure.
 * Depends: config/fields.h, config/text.h.
 */
#include "config/diff.h"

#include <string.h>

#include "config/fields.h"

static const void *at(const struct np_cfg_field *field, const void *base)
{
	return (const char *)base + field->offset;
}

static bool is_text_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_class_equal(const struct np_cfg_class *cls, const void *a, const void *b);

static bool is_list_equal(const struct np_cfg_field *field, const void *a, const void *b)
{
	const char *items_a = np_cfg_field_get_ptr(field, a);
	const char *items_b = np_cfg_field_get_ptr(field, b);
	size_t n = np_cfg_field_get_count(field, a);

	if (n != np_cfg_field_get_count(field, b))
		return false;
	for (size_t i = 0; i < n; i++) {
		size_t step = field->kind == NP_CFG_KIND_STRS ? sizeof(char *) : field->sub->size;
		const void *item_a = items_a + i * step;
		const void *item_b = items_b + i * step;

		if (field->kind == NP_CFG_KIND_STRS
				? !is_text_equal(*(char *const *)item_a, *(char *const *)item_b)
				: !is_class_equal(field->sub, item_a, item_b))
			return false;
	}
	return true;
}

static bool is_cpus_equal(const struct np_cfg_reactors *a, const struct np_cfg_reactors *b)
{
	if (a->count != b->count || !a->cpus != !b->cpus)
		return false;
	return !a->cpus || memcmp(a->cpus, b->cpus, a->count * sizeof(*a->cpus)) == 0;
}

static bool is_field_equal(const struct np_cfg_field *field, const void *a, const void *b)
{
	char text_a[NP_CFG_TEXT_MAX];
	char text_b[NP_CFG_TEXT_MAX];

	switch (field->kind) {
	case NP_CFG_KIND_STR:
		return is_text_equal(
			np_cfg_field_get_ptr(field, a), np_cfg_field_get_ptr(field, b));
	case NP_CFG_KIND_BOOL:
		return *(const bool *)at(field, a) == *(const bool *)at(field, b);
	case NP_CFG_KIND_INT:
	case NP_CFG_KIND_ENUM:
		return np_cfg_field_get_int(field, a) == np_cfg_field_get_int(field, b);
	case NP_CFG_KIND_TEXT:
		field->text->format(at(field, a), text_a, sizeof(text_a));
		field->text->format(at(field, b), text_b, sizeof(text_b));
		return strcmp(text_a, text_b) == 0;
	case NP_CFG_KIND_OBJ:
		return is_class_equal(field->sub, at(field, a), at(field, b));
	case NP_CFG_KIND_LIST:
	case NP_CFG_KIND_STRS:
		return is_list_equal(field, a, b);
	case NP_CFG_KIND_CPUS:
		return is_cpus_equal(at(field, a), at(field, b));
	default:
		return true;
	}
}

static bool is_class_equal(const struct np_cfg_class *cls, const void *a, const void *b)
{
	for (size_t i = 0; i < cls->n_fields; i++) {
		if (!is_field_equal(&cls->fields[i], a, b))
			return false;
	}
	return true;
}

/* The class of the things that @key of @cls holds. */
static const struct np_cfg_class *class_of(const struct np_cfg_class *cls, const char *key)
{
	return np_cfg_field_find(cls, key)->sub;
}

bool np_cfg_is_equal(const struct np_cfg *a, const struct np_cfg *b)
{
	return is_class_equal(&np_cfg_class, a, b);
}

bool np_cfg_daemon_is_equal(const struct np_cfg_daemon *a, const struct np_cfg_daemon *b)
{
	return is_class_equal(class_of(&np_cfg_class, "daemon"), a, b);
}

bool np_cfg_ns_is_like(const struct np_cfg_ns *a, const struct np_cfg_ns *b)
{
	const struct np_cfg_class *cls =
		class_of(class_of(&np_cfg_class, "subsystems"), "namespaces");
	struct np_cfg_ns like = *a;

	like.ana_grpid = b->ana_grpid;
	like.qos = b->qos;
	like.allowed_hosts = b->allowed_hosts;
	like.n_allowed_hosts = b->n_allowed_hosts;
	return is_class_equal(cls, &like, b);
}

bool np_cfg_qos_is_equal(const struct np_cfg_qos *a, const struct np_cfg_qos *b)
{
	const struct np_cfg_class *cls =
		class_of(class_of(&np_cfg_class, "subsystems"), "namespaces");

	return is_class_equal(class_of(cls, "qos"), a, b);
}

bool np_cfg_host_secrets_are_equal(const struct np_cfg_host *a, const struct np_cfg_host *b)
{
	return is_text_equal(a->dhchap_key, b->dhchap_key) &&
		is_text_equal(a->dhchap_ctrl_key, b->dhchap_ctrl_key);
}

bool np_cfg_ns_sees_alike(const struct np_cfg_ns *a, const struct np_cfg_ns *b)
{
	bool is_same = a->n_allowed_hosts == b->n_allowed_hosts;

	for (size_t i = 0; is_same && i < a->n_allowed_hosts; i++)
		is_same = strcmp(a->allowed_hosts[i], b->allowed_hosts[i]) == 0;
	return is_same;
}

bool np_cfg_subsys_is_like(const struct np_cfg_subsys *a, const struct np_cfg_subsys *b)
{
	struct np_cfg_subsys like = *a;

	like.namespaces = b->namespaces;
	like.n_namespaces = b->n_namespaces;
	like.allowed_hosts = b->allowed_hosts;
	like.n_allowed_hosts = b->n_allowed_hosts;
	like.allow_any_host = b->allow_any_host;
	like.created = b->created;
	return is_class_equal(class_of(&np_cfg_class, "subsystems"), &like, b);
}

bool np_cfg_port_is_like(const struct np_cfg_port *a, const struct np_cfg_port *b)
{
	struct np_cfg_port like = *a;

	like.subsystems = b->subsystems;
	like.n_subsystems = b->n_subsystems;
	like.referrals = b->referrals;
	like.n_referrals = b->n_referrals;
	like.ana_groups = b->ana_groups;
	like.n_ana_groups = b->n_ana_groups;
	return is_class_equal(class_of(&np_cfg_class, "ports"), &like, b);
}
