// SPDX-License-Identifier: BSD-3-Clause
/*
 * Aligned columns at a terminal, filled from JSON.
 *
 * Thread: the only one.
 * Depends: jansson.
 */
#include "tools/nvmet-p2p-cli/table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define CELL_MAX 256

struct line {
	char *note; /* NULL: a row */
	char **cells;
};

struct np_table {
	const char *title;
	const struct np_table_column *columns;
	size_t n_columns;
	struct line *lines;
	size_t n_lines;
	size_t *widths;
};

static void *need(void *ptr)
{
	if (!ptr) {
		fputs("nvmet-p2p-cli: out of memory\n", stderr);
		exit(2);
	}
	return ptr;
}

/* Some of these texts come from hosts: none of them is to steer the terminal. */
char *np_table_printable(const char *text)
{
	char *copy = need(strdup(*text ? text : "-"));

	for (char *c = copy; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	}
	return copy;
}

/* Columns that @text takes: bytes inside a UTF-8 sequence take none. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

const char *np_table_format_count(uint64_t value, char *buf, size_t size)
{
	char digits[NP_TABLE_VALUE_MAX];
	int n = snprintf(digits, sizeof(digits), "%" PRIu64, value);
	size_t used = 0;

	for (int i = 0; i < n && used + 2 < size; i++) {
		if (i > 0 && (n - i) % 3 == 0)
			buf[used++] = ',';
		buf[used++] = digits[i];
	}
	buf[used] = '\0';
	return buf;
}

const char *np_table_format_bytes(uint64_t value, char *buf, size_t size)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double scaled = (double)value;
	size_t unit = 0;

	/* What would be rounded to 1024 belongs to the next unit. */
	while (scaled >= 1023.95 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		scaled /= 1024;
		unit++;
	}
	if (unit > 0 && (uint64_t)(scaled * 10 + 0.5) % 10 != 0)
		snprintf(buf, size, "%.1f %s", scaled, units[unit]);
	else
		snprintf(buf, size, "%.0f %s", scaled, units[unit]);
	return buf;
}

const char *np_table_format_age(uint64_t seconds, char *buf, size_t size)
{
	uint64_t minutes = seconds / 60;
	uint64_t hours = minutes / 60;

	if (minutes == 0)
		snprintf(buf, size, "%" PRIu64 "s", seconds);
	else if (hours == 0)
		snprintf(buf, size, "%" PRIu64 "m %02" PRIu64 "s", minutes, seconds % 60);
	else if (hours < 24)
		snprintf(buf, size, "%" PRIu64 "h %02" PRIu64 "m", hours, minutes % 60);
	else
		snprintf(buf, size, "%" PRIu64 "d %02" PRIu64 "h", hours / 24, hours % 24);
	return buf;
}

const char *np_json_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void format_text(json_t *value, char *buf, size_t size)
{
	size_t used = 0;
	size_t i;
	json_t *item;

	buf[0] = '\0';
	if (json_is_string(value))
		snprintf(buf, size, "%s", json_string_value(value));
	else if (json_is_integer(value))
		snprintf(buf, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_boolean(value))
		snprintf(buf, size, "%s", json_is_true(value) ? "yes" : "no");
	json_array_foreach(value, i, item) {
		if (used + 1 < size && i > 0)
			buf[used++] = ',';
		format_text(item, buf + used, size - used);
		used += strlen(buf + used);
	}
}

static void format_value(json_t *value, enum np_table_format format, char *buf, size_t size)
{
	uint64_t number = (uint64_t)json_integer_value(value);

	if (format == NP_TABLE_TEXT || !json_is_integer(value) || json_integer_value(value) < 0)
		format_text(value, buf, size);
	else if (format == NP_TABLE_COUNT)
		np_table_format_count(number, buf, size);
	else if (format == NP_TABLE_BYTES)
		np_table_format_bytes(number, buf, size);
	else
		np_table_format_age(number, buf, size);
}

struct np_table *np_table_new(
	const char *title, const struct np_table_column *columns, size_t n_columns)
{
	struct np_table *table = need(calloc(1, sizeof(*table)));

	table->title = title;
	table->columns = columns;
	table->n_columns = n_columns;
	table->widths = need(calloc(n_columns, sizeof(*table->widths)));
	for (size_t i = 0; i < n_columns; i++)
		table->widths[i] = width_of(columns[i].title);
	return table;
}

void np_table_free(struct np_table *table)
{
	for (size_t i = 0; i < table->n_lines; i++) {
		for (size_t c = 0; table->lines[i].cells && c < table->n_columns; c++)
			free(table->lines[i].cells[c]);
		free(table->lines[i].cells);
		free(table->lines[i].note);
	}
	free(table->lines);
	free(table->widths);
	free(table);
}

static struct line *add_line(struct np_table *table)
{
	size_t size = (table->n_lines + 1) * sizeof(*table->lines);
	struct line *line;

	table->lines = need(realloc(table->lines, size));
	line = &table->lines[table->n_lines++];
	*line = (struct line){.note = NULL};
	return line;
}

void np_table_add(struct np_table *table, json_t *object, ...)
{
	struct line *line = add_line(table);
	va_list args;

	line->cells = need(calloc(table->n_columns, sizeof(*line->cells)));
	va_start(args, object);
	for (size_t i = 0; i < table->n_columns; i++) {
		const struct np_table_column *column = &table->columns[i];
		char text[CELL_MAX];
		size_t width;

		if (column->key)
			format_value(json_object_get(object, column->key), column->format, text,
				sizeof(text));
		else
			snprintf(text, sizeof(text), "%s", va_arg(args, const char *));
		line->cells[i] = np_table_printable(text);
		width = width_of(line->cells[i]);
		if (width > table->widths[i])
			table->widths[i] = width;
	}
	va_end(args);
}

void np_table_note(struct np_table *table, const char *label, const char *text)
{
	char note[2 * CELL_MAX];

	if (!text || !*text)
		return;
	snprintf(note, sizeof(note), "%s: %s", label, text);
	add_line(table)->note = np_table_printable(note);
}

static void print_cell(const struct np_table *table, size_t i, const char *text, FILE *out)
{
	int pad = (int)(table->widths[i] - width_of(text));
	const char *gap = i > 0 ? "  " : "";

	if (table->columns[i].format != NP_TABLE_TEXT)
		fprintf(out, "%s%*s%s", gap, pad, "", text);
	else if (i + 1 < table->n_columns)
		fprintf(out, "%s%s%*s", gap, text, pad, "");
	else
		fprintf(out, "%s%s", gap, text);
}

void np_table_print(const struct np_table *table, FILE *out)
{
	fprintf(out, "%s\n", table->title);
	if (table->n_lines == 0) {
		fputs("none\n", out);
		return;
	}
	for (size_t c = 0; c < table->n_columns; c++)
		print_cell(table, c, table->columns[c].title, out);
	fputc('\n', out);
	for (size_t i = 0; i < table->n_lines; i++) {
		const struct line *line = &table->lines[i];

		if (line->note)
			fprintf(out, "    %s", line->note);
		for (size_t c = 0; line->cells && c < table->n_columns; c++)
			print_cell(table, c, line->cells[c], out);
		fputc('\n', out);
	}
}

void np_table_print_rows(const char *title, const struct np_table_column *columns, size_t n_columns,
	json_t *rows, FILE *out)
{
	struct np_table *table = np_table_new(title, columns, n_columns);
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
		np_table_add(table, row);
	np_table_print(table, out);
	np_table_free(table);
}
