/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The model described as tables: each key with its kind, place, range and default. Whoever walks
 * a model (defaults, free, compare, JSON in and out) walks these, so a new key is one line.
 *
 * Thread: any, constant data.
 * Depends: config/model.h, config/text.h.
 */
#ifndef NP_CONFIG_FIELDS_H
#define NP_CONFIG_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "config/text.h"

enum np_cfg_kind {
	NP_CFG_KIND_STR,  /* char *, NULL = not given */
	NP_CFG_KIND_BOOL, /* bool */
	NP_CFG_KIND_INT,  /* integer of .size bytes, signed when .min < 0 */
	NP_CFG_KIND_ENUM, /* enum, one of .names */
	NP_CFG_KIND_TEXT, /* a value with a text form, .text; empty text = not given */
	NP_CFG_KIND_OBJ,  /* struct inside, .sub */
	NP_CFG_KIND_LIST, /* array of struct, .sub, pointer and .count_offset */
	/* array of char *, pointer and .count_offset; objects are left aside if .def_text says why */
	NP_CFG_KIND_STRS,
	NP_CFG_KIND_CPUS, /* struct np_cfg_reactors: a count, or an array of CPUs */
	NP_CFG_KIND_SKIP, /* known and left aside; .def_text says why, NULL = silently */
};

enum np_cfg_field_flags {
	NP_CFG_REQUIRED = 1 << 0,
	NP_CFG_ALIAS =
		1 << 1, /* second name of another field: read first, so it loses; not written */
	NP_CFG_NUMERIC = 1 << 2, /* a string that may be given as an integer */
	NP_CFG_KERNEL_NIL =
		1 << 3, /* "(null)" is how the kernel shows a string that was never set */
};

struct np_cfg_text_ops {
	const char *expected; /* for the message */
	int (*parse)(const char *text, void *dst);
	void (*format)(const void *src, char *buf, size_t size);
};

struct np_cfg_field {
	const char *key;
	enum np_cfg_kind kind;
	unsigned int flags;
	size_t offset;
	size_t size;
	size_t count_offset;
	int64_t min;
	int64_t max;
	int64_t def;
	const char *def_text;
	const struct np_cfg_name *names;
	const struct np_cfg_text_ops *text;
	const struct np_cfg_class *sub;
};

struct np_cfg_class {
	size_t size;
	const struct np_cfg_field *fields;
	size_t n_fields;
};

extern const struct np_cfg_class np_cfg_class;

/* Return: the field of @cls called @key, NULL when there is none. */
const struct np_cfg_field *np_cfg_field_find(const struct np_cfg_class *cls, const char *key);

/* Read and write an INT or ENUM field of the struct at @base. The value must fit. */
int64_t np_cfg_field_get_int(const struct np_cfg_field *field, const void *base);
void np_cfg_field_set_int(const struct np_cfg_field *field, void *base, int64_t value);

/* Read and write the pointer of a STR, LIST or STRS field, and the count of the last two. */
void *np_cfg_field_get_ptr(const struct np_cfg_field *field, const void *base);
void np_cfg_field_set_ptr(const struct np_cfg_field *field, void *base, void *ptr);
size_t np_cfg_field_get_count(const struct np_cfg_field *field, const void *base);
void np_cfg_field_set_count(const struct np_cfg_field *field, void *base, size_t count);

/*
 * Fill the zeroed struct at @base with the defaults of @cls.
 * Return: 0; -ENOMEM (np_cfg_class_fini() is still due).
 */
int np_cfg_class_init(const struct np_cfg_class *cls, void *base);

/*
 * Make the struct at @to, which holds nothing yet, one like that at @from.
 * Return: 0; -ENOMEM (np_cfg_class_fini() of @to is still due).
 */
int np_cfg_class_copy(const struct np_cfg_class *cls, const void *from, void *to);

/* Free what the struct at @base owns, not the struct. */
void np_cfg_class_fini(const struct np_cfg_class *cls, void *base);

#endif
