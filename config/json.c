// SPDX-License-Identifier: BSD-3-Clause
/*
 * JSON text to model: one walk over the tables of config/fields.h. The JSON path of the value in
 * hand is a chain of frames on the stack, made into text only for a message.
 *
 * Thread: any.
 * Depends: config/fields.h, config/diag.h, jansson.
 */
#include "config/json.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/fields.h"

#define PATH_MAX_BYTES 192
#define CPU_MAX 1023

struct place {
	const struct place *up;
	const char *key; /* NULL: an element of the array above */
	size_t index;
};

static size_t format_place(const struct place *at, char *buf, size_t size)
{
	size_t used = 0;
	int n;

	if (!at)
		return 0;
	used = format_place(at->up, buf, size);
	if (at->key)
		n = snprintf(buf + used, size - used, "%s%s", used ? "." : "", at->key);
	else
		n = snprintf(buf + used, size - used, "[%zu]", at->index);
	used += (size_t)(n > 0 ? n : 0);
	return used < size ? used : size - 1;
}

__attribute__((format(printf, 3, 4))) static int place_error(
	struct np_cfg_diag *diag, const struct place *at, const char *fmt, ...)
{
	char path[PATH_MAX_BYTES] = "";
	char msg[256];
	va_list args;

	format_place(at, path, sizeof(path));
	va_start(args, fmt);
	vsnprintf(msg, sizeof(msg), fmt, args);
	va_end(args);
	np_cfg_diag_error(diag, -EINVAL, path, "%s", msg);
	return -EINVAL;
}

static void place_warn(struct np_cfg_diag *diag, const struct place *at, const char *msg)
{
	char path[PATH_MAX_BYTES] = "";

	format_place(at, path, sizeof(path));
	np_cfg_diag_warn(diag, path, "%s", msg);
}

static int wrong_type(
	struct np_cfg_diag *diag, const struct place *at, const char *expected, const json_t *found)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object",
		[JSON_ARRAY] = "an array",
		[JSON_STRING] = "a string",
		[JSON_INTEGER] = "an integer",
		[JSON_REAL] = "a real number",
		[JSON_TRUE] = "a boolean",
		[JSON_FALSE] = "a boolean",
		[JSON_NULL] = "null",
	};

	place_error(diag, at, "expected %s, found %s", expected, names[json_typeof(found)]);
	return -EINVAL;
}

static int no_memory(struct np_cfg_diag *diag)
{
	np_cfg_diag_error(diag, -ENOMEM, "", "out of memory");
	return -ENOMEM;
}

/* An integer as such or as text: decimal, or hex with 0x. */
static int get_int(struct np_cfg_diag *diag, const struct place *at, const json_t *json,
	int64_t min, int64_t max, int64_t *ret_value)
{
	int64_t value;

	if (json_is_integer(json)) {
		value = json_integer_value(json);
	} else if (json_is_string(json)) {
		const char *text = json_string_value(json);
		const char *digits = text + (*text == '-');
		bool is_hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
		char *end;

		errno = 0;
		value = strtoll(text, &end, is_hex ? 16 : 10);
		if (*digits < '0' || *digits > '9' || *end != '\0' || errno)
			return place_error(diag, at, "\"%.40s\" is not an integer", text);
	} else {
		return wrong_type(diag, at, "an integer", json);
	}
	if (value < min || value > max)
		return place_error(diag, at,
			"%" PRId64 " is out of range (%" PRId64 " to %" PRId64 ")", value, min,
			max);
	*ret_value = value;
	return 0;
}

static int get_bool(
	struct np_cfg_diag *diag, const struct place *at, const json_t *json, bool *ret_value)
{
	const char *text = json_string_value(json);

	if (json_is_boolean(json)) {
		*ret_value = json_is_true(json);
	} else if (json_is_integer(json) && (json_integer_value(json) & ~1LL) == 0) {
		*ret_value = json_integer_value(json) != 0;
	} else if (text && (strcmp(text, "1") == 0 || strcmp(text, "true") == 0)) {
		*ret_value = true;
	} else if (text && (strcmp(text, "0") == 0 || strcmp(text, "false") == 0)) {
		*ret_value = false;
	} else if (text) {
		return place_error(
			diag, at, "\"%.40s\" is not a boolean (0, 1, true, false)", text);
	} else if (json_is_integer(json)) {
		return place_error(diag, at, "%" JSON_INTEGER_FORMAT " is not a boolean (0, 1)",
			json_integer_value(json));
	} else {
		return wrong_type(diag, at, "a boolean", json);
	}
	return 0;
}

/* A copy of the string @json; with @is_numeric an integer or boolean is taken as its digits. */
static int get_str(struct np_cfg_diag *diag, const struct place *at, const json_t *json,
	bool is_numeric, char **ret_text)
{
	char digits[24];
	const char *text = digits;

	if (json_is_string(json))
		text = json_string_value(json);
	else if (is_numeric && json_is_integer(json))
		snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, json_integer_value(json));
	else if (is_numeric && json_is_boolean(json))
		snprintf(digits, sizeof(digits), "%d", json_is_true(json));
	else
		return wrong_type(diag, at, "a string", json);
	*ret_text = strdup(text);
	return *ret_text ? 0 : no_memory(diag);
}

static int parse_str(struct np_cfg_diag *diag, const struct place *at, const json_t *json,
	const struct np_cfg_field *field, void *base)
{
	const char *raw = json_string_value(json);
	char *text = NULL;

	if (!raw || !(field->flags & NP_CFG_KERNEL_NIL) || strcmp(raw, "(null)") != 0) {
		int err = get_str(diag, at, json, field->flags & NP_CFG_NUMERIC, &text);

		if (err < 0)
			return err;
	}
	free(np_cfg_field_get_ptr(field, base));
	np_cfg_field_set_ptr(field, base, text);
	return 0;
}

static int parse_enum(struct np_cfg_diag *diag, const struct place *at, const json_t *json,
	const struct np_cfg_field *field, void *base)
{
	char allowed[128] = "";
	const char *text = json_string_value(json);
	const struct np_cfg_name *name;

	if (!text)
		return wrong_type(diag, at, "a string", json);
	for (name = field->names; name->name; name++) {
		size_t used = strlen(allowed);

		if (strcmp(name->name, text) == 0) {
			np_cfg_field_set_int(field, base, name->value);
			return 0;
		}
		if (name->name[0])
			snprintf(allowed + used, sizeof(allowed) - used, "%s\"%s\"",
				used ? ", " : "", name->name);
	}
	return place_error(diag, at, "\"%.40s\" is none of %s", text, allowed);
}

static int parse_text(struct np_cfg_diag *diag, const struct place *at, const json_t *json,
	const struct np_cfg_field *field, void *base)
{
	char *text = NULL;
	int err = get_str(diag, at, json, field->flags & NP_CFG_NUMERIC, &text);

	if (err < 0)
		return err;
	if (field->text->parse(text, (char *)base + field->offset) < 0)
		err = place_error(diag, at, "\"%.60s\" is not %s", text, field->text->expected);
	free(text);
	return err;
}

static int parse_strs(struct np_cfg_diag *diag, const struct place *at, const json_t *json,
	const struct np_cfg_field *field, void *base)
{
	struct place here = {.up = at};
	size_t n = json_array_size(json);
	char **items;

	if (!json_is_array(json))
		return wrong_type(diag, at, "an array", json);
	if (n == 0)
		return 0;
	items = calloc(n, sizeof(*items));
	if (!items)
		return no_memory(diag);
	np_cfg_field_set_ptr(field, base, items);
	np_cfg_field_set_count(field, base, n);
	for (here.index = 0; here.index < n; here.index++) {
		int err = get_str(diag, &here, json_array_get(json, here.index),
			field->flags & NP_CFG_NUMERIC, &items[here.index]);

		if (err < 0)
			return err;
	}
	return 0;
}

static int parse_cpus(struct np_cfg_diag *diag, const struct place *at, const json_t *json,
	const struct np_cfg_field *field, void *base)
{
	struct np_cfg_reactors *reactors = (void *)((char *)base + field->offset);
	struct place here = {.up = at};
	size_t n = json_array_size(json);
	int64_t value = 0;
	int err;

	if (!json_is_array(json)) {
		if (!json_is_integer(json) && !json_is_string(json))
			return wrong_type(diag, at, "a count or an array of CPUs", json);
		err = get_int(diag, at, json, 1, field->max, &value);
		if (err == 0)
			reactors->count = (unsigned int)value;
		return err;
	}
	if (n < 1 || n > (size_t)field->max)
		return place_error(diag, at, "%zu CPUs, expected 1 to %" PRId64, n, field->max);
	reactors->cpus = calloc(n, sizeof(*reactors->cpus));
	if (!reactors->cpus)
		return no_memory(diag);
	reactors->count = (unsigned int)n;
	for (here.index = 0; here.index < n; here.index++) {
		err = get_int(diag, &here, json_array_get(json, here.index), 0, CPU_MAX, &value);
		if (err < 0)
			return err;
		reactors->cpus[here.index] = (int)value;
	}
	return 0;
}

static int parse_object(struct np_cfg_diag *diag, const struct place *at, json_t *json,
	const struct np_cfg_class *cls, void *base);

static int parse_list(struct np_cfg_diag *diag, const struct place *at, const json_t *json,
	const struct np_cfg_field *field, void *base)
{
	struct place here = {.up = at};
	size_t n = json_array_size(json);
	char *items;

	if (!json_is_array(json))
		return wrong_type(diag, at, "an array", json);
	if (n == 0)
		return 0;
	items = calloc(n, field->sub->size);
	if (!items)
		return no_memory(diag);
	/* Owned by the model from here on: zeroed elements are safe to free. */
	np_cfg_field_set_ptr(field, base, items);
	np_cfg_field_set_count(field, base, n);
	for (here.index = 0; here.index < n; here.index++) {
		void *item = items + here.index * field->sub->size;
		int err;

		if (np_cfg_class_init(field->sub, item) < 0)
			return no_memory(diag);
		err = parse_object(diag, &here, json_array_get(json, here.index), field->sub, item);
		if (err < 0)
			return err;
	}
	return 0;
}

static int parse_field(struct np_cfg_diag *diag, const struct place *at, json_t *json,
	const struct np_cfg_field *field, void *base)
{
	int64_t value = 0;
	int err;

	switch (field->kind) {
	case NP_CFG_KIND_STR:
		return parse_str(diag, at, json, field, base);
	case NP_CFG_KIND_BOOL:
		return get_bool(diag, at, json, (void *)((char *)base + field->offset));
	case NP_CFG_KIND_INT:
		err = get_int(diag, at, json, field->min, field->max, &value);
		if (err == 0)
			np_cfg_field_set_int(field, base, value);
		return err;
	case NP_CFG_KIND_ENUM:
		return parse_enum(diag, at, json, field, base);
	case NP_CFG_KIND_TEXT:
		return parse_text(diag, at, json, field, base);
	case NP_CFG_KIND_OBJ:
		return parse_object(diag, at, json, field->sub, (char *)base + field->offset);
	case NP_CFG_KIND_LIST:
		return parse_list(diag, at, json, field, base);
	case NP_CFG_KIND_CPUS:
		return parse_cpus(diag, at, json, field, base);
	case NP_CFG_KIND_STRS:
		if (!field->def_text || !json_is_object(json_array_get(json, 0)))
			return parse_strs(diag, at, json, field, base);
		/* The kernel has something else by that name. */
		__attribute__((fallthrough));
	case NP_CFG_KIND_SKIP:
		if (field->def_text)
			place_warn(diag, at, field->def_text);
		return 0;
	}
	return 0;
}

static int parse_object(struct np_cfg_diag *diag, const struct place *at, json_t *json,
	const struct np_cfg_class *cls, void *base)
{
	struct place here = {.up = at};
	const char *key;
	json_t *value;

	if (!json_is_object(json))
		return wrong_type(diag, at, "an object", json);
	for (size_t i = 0; i < cls->n_fields; i++) {
		const struct np_cfg_field *field = &cls->fields[i];
		int err;

		here.key = field->key;
		value = json_object_get(json, field->key);
		if (!value && field->flags & NP_CFG_REQUIRED)
			return place_error(diag, &here, "missing");
		err = value ? parse_field(diag, &here, value, field, base) : 0;
		if (err < 0)
			return err;
	}
	json_object_foreach(json, key, value) {
		here.key = key;
		if (!np_cfg_field_find(cls, key))
			place_warn(diag, &here, "unknown key, ignored");
	}
	return 0;
}

int np_cfg_parse(const char *text, size_t len, struct np_cfg_diag *diag, struct np_cfg **ret_cfg)
{
	json_error_t syntax;
	struct np_cfg *cfg;
	json_t *json;
	int err;

	json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &syntax);
	if (!json)
		return np_cfg_diag_error(diag, -EINVAL, "", "line %d, column %d: %s", syntax.line,
			syntax.column, syntax.text);
	cfg = np_cfg_new();
	err = cfg ? parse_object(diag, NULL, json, &np_cfg_class, cfg) : no_memory(diag);
	json_decref(json);
	if (err < 0) {
		np_cfg_free(cfg);
		return err;
	}
	*ret_cfg = cfg;
	return 0;
}
