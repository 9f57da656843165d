// SPDX-License-Identifier: BSD-3-Clause
/*
 * Model to JSON text, the reverse of config/json.c: one walk over the same tables. Values that
 * were not given stay out; numbers are written as numbers.
 *
 * Thread: any.
 * Depends: config/fields.h, jansson.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "config/fields.h"
#include "config/json.h"

static json_t *dump_object(const struct np_cfg_class *cls, const void *base);

static json_t *dump_text(const struct np_cfg_field *field, const void *base)
{
	char text[NP_CFG_TEXT_MAX];

	field->text->format((const char *)base + field->offset, text, sizeof(text));
	return *text ? json_string(text) : json_null();
}

static json_t *dump_cpus(const struct np_cfg_reactors *reactors)
{
	json_t *array;

	if (!reactors->cpus)
		return json_integer(reactors->count);
	array = json_array();
	for (unsigned int i = 0; array && i < reactors->count; i++) {
		if (json_array_append_new(array, json_integer(reactors->cpus[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *dump_list(const struct np_cfg_field *field, const void *base)
{
	const char *items = np_cfg_field_get_ptr(field, base);
	size_t n = np_cfg_field_get_count(field, base);
	json_t *array = json_array();

	for (size_t i = 0; array && i < n; i++) {
		json_t *item;

		if (field->kind == NP_CFG_KIND_STRS)
			item = json_string(((char *const *)(const void *)items)[i]);
		else
			item = dump_object(field->sub, items + i * field->sub->size);
		if (json_array_append_new(array, item) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

/* Return: the value, JSON null when there is nothing to write, NULL without memory. */
static json_t *dump_field(const struct np_cfg_field *field, const void *base)
{
	const void *src = (const char *)base + field->offset;
	const char *text;

	switch (field->kind) {
	case NP_CFG_KIND_STR:
		text = np_cfg_field_get_ptr(field, base);
		return text ? json_string(text) : json_null();
	case NP_CFG_KIND_BOOL:
		return json_boolean(*(const bool *)src);
	case NP_CFG_KIND_INT:
		return json_integer(np_cfg_field_get_int(field, base));
	case NP_CFG_KIND_ENUM:
		return json_string(np_cfg_name_of(
			field->names, (unsigned int)np_cfg_field_get_int(field, base)));
	case NP_CFG_KIND_TEXT:
		return dump_text(field, base);
	case NP_CFG_KIND_OBJ:
		return dump_object(field->sub, src);
	case NP_CFG_KIND_LIST:
	case NP_CFG_KIND_STRS:
		return dump_list(field, base);
	case NP_CFG_KIND_CPUS:
		return dump_cpus(src);
	case NP_CFG_KIND_SKIP:
		break;
	}
	return json_null();
}

static json_t *dump_object(const struct np_cfg_class *cls, const void *base)
{
	json_t *object = json_object();

	for (size_t i = 0; object && i < cls->n_fields; i++) {
		const struct np_cfg_field *field = &cls->fields[i];
		json_t *value;

		if (field->flags & NP_CFG_ALIAS)
			continue;
		value = dump_field(field, base);
		if (json_is_null(value))
			continue;
		if (json_object_set_new(object, field->key, value) < 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

int np_cfg_dump(const struct np_cfg *cfg, char **ret_text)
{
	json_t *json = dump_object(&np_cfg_class, cfg);
	char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
	size_t len;
	char *line;

	json_decref(json);
	if (!text)
		return -ENOMEM;
	len = strlen(text);
	line = realloc(text, len + 2);
	if (!line) {
		free(text);
		return -ENOMEM;
	}
	memcpy(line + len, "\n", 2);
	*ret_text = line;
	return 0;
}
