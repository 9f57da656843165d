/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Aligned columns at a terminal, filled from JSON. What is missing shows as "-", what is not
 * printable as '?'.
 *
 * Thread: the only one. Running out of memory ends the program.
 * Depends: jansson.
 */
#ifndef NP_CLI_TABLE_H
#define NP_CLI_TABLE_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

enum np_table_format {
	NP_TABLE_TEXT,  /* as it is; booleans as yes and no, arrays joined by commas */
	NP_TABLE_COUNT, /* 1,234,567 */
	NP_TABLE_BYTES, /* 1.2 MiB */
	NP_TABLE_AGE,   /* seconds, as 3h 02m */
};

struct np_table_column {
	const char *title; /* numbers are aligned to the right */
	const char *key;   /* member of the row's object; NULL: the caller's text */
	enum np_table_format format;
};

/* Columns of what was moved and where it lay, as docs/rpc.md has it. */
#define NP_TABLE_TRAFFIC                                                                      \
	{"READ", "read_bytes", NP_TABLE_BYTES}, {"BY P2P", "p2p_read_bytes", NP_TABLE_BYTES}, \
		{"STAGED", "staged_read_bytes", NP_TABLE_BYTES},                              \
		{"WRITTEN", "write_bytes", NP_TABLE_BYTES},                                   \
		{"BY P2P", "p2p_write_bytes", NP_TABLE_BYTES},                                \
		{"STAGED", "staged_write_bytes", NP_TABLE_BYTES},                             \
	{                                                                                     \
		"INLINE", "inline_write_bytes", NP_TABLE_BYTES                                \
	}

struct np_table;

/* Make a table with @n_columns @columns, which stay borrowed, and @title above it. */
struct np_table *np_table_new(
	const char *title, const struct np_table_column *columns, size_t n_columns);
void np_table_free(struct np_table *table);

/* Add a row out of the members of @object; columns without a key take their text from the varargs. */
void np_table_add(struct np_table *table, json_t *object, ...);

/* Add a line below the last row: "@label: @text". Does nothing when @text is NULL or empty. */
void np_table_note(struct np_table *table, const char *label, const char *text);

/* Write title, head and rows; "none" in their place when there is no row. */
void np_table_print(const struct np_table *table, FILE *out);

/* A table of @rows, an array of objects, and nothing else. */
void np_table_print_rows(const char *title, const struct np_table_column *columns, size_t n_columns,
	json_t *rows, FILE *out);

/* Format into @buf, as the formats above; NP_TABLE_VALUE_MAX bytes are enough for numbers. */
#define NP_TABLE_VALUE_MAX 32
const char *np_table_format_count(uint64_t value, char *buf, size_t size);
const char *np_table_format_bytes(uint64_t value, char *buf, size_t size);
const char *np_table_format_age(uint64_t seconds, char *buf, size_t size);

/* Return: a copy of @text, to be given to free(), with '?' for what is not printable. */
char *np_table_printable(const char *text);

/* Return: the string member @key of @object, "" when there is none. */
const char *np_json_text(const json_t *object, const char *key);

#endif
