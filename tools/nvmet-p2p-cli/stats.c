// SPDX-License-Identifier: BSD-3-Clause
/*
 * nvmet-p2p-cli stats
 *
 * Thread: the only one.
 * Depends: table.h.
 */
#include "tools/nvmet-p2p-cli/cli.h"
#include "tools/nvmet-p2p-cli/table.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const struct np_table_column data_columns[] = {
	{"SUBSYSTEM", "nqn", NP_TABLE_TEXT},
	{"NSID", "nsid", NP_TABLE_COUNT},
	NP_TABLE_TRAFFIC,
};

static const struct np_table_column rnic_columns[] = {
	{"DEVICE", "name", NP_TABLE_TEXT},
	NP_TABLE_TRAFFIC,
};

static const struct np_table_column command_columns[] = {
	{"SUBSYSTEM", "nqn", NP_TABLE_TEXT},
	{"NSID", "nsid", NP_TABLE_COUNT},
	{"READ", "read_ios", NP_TABLE_COUNT},
	{"WRITE", "write_ios", NP_TABLE_COUNT},
	{"FLUSH", "flush_ios", NP_TABLE_COUNT},
	{"DSM", "dsm_ios", NP_TABLE_COUNT},
	{"ZEROES", "write_zeroes_ios", NP_TABLE_COUNT},
	{"COMPARE", "compare_ios", NP_TABLE_COUNT},
	{"VERIFY", "verify_ios", NP_TABLE_COUNT},
	{"COPY", "copy_ios", NP_TABLE_COUNT},
	{"UNCOR", "write_uncor_ios", NP_TABLE_COUNT},
	{"PASSTHRU", "passthru_ios", NP_TABLE_COUNT},
	{"ERRORS", "errors", NP_TABLE_COUNT},
};

static const struct np_table_column reactor_columns[] = {
	{"CPU", "cpu", NP_TABLE_COUNT},
	{"REQUESTS", "requests", NP_TABLE_COUNT},
	{"LOOPS", "loops", NP_TABLE_COUNT},
	{"BUSY", "busy_polls", NP_TABLE_COUNT},
	{"SLEEPS", "sleeps", NP_TABLE_COUNT},
};

/* What was staged, by its reason, below the row. */
static void note_reasons(struct np_table *table, json_t *row)
{
	static const struct {
		const char *key, *label;
	} reasons[] = {
		{"staged_not_wanted_bytes", "staged, p2pmem is \"0\""},
		{"staged_no_memory_bytes", "staged, no memory that RNIC and drive share"},
		{"staged_path_bytes", "staged, path MTU too small"},
		{"staged_layout_bytes", "staged, layout of the host's memory"},
		{"staged_lost_bytes", "staged, peer memory lost"},
	};
	char bytes[NP_TABLE_VALUE_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		json_int_t value = json_integer_value(json_object_get(row, reasons[i].key));

		if (value)
			np_table_note(table, reasons[i].label,
				np_table_format_bytes((uint64_t)value, bytes, sizeof(bytes)));
	}
}

static void print_data(const char *title, const struct np_table_column *columns, size_t n_columns,
	json_t *rows, FILE *out)
{
	struct np_table *table = np_table_new(title, columns, n_columns);
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		np_table_add(table, row);
		note_reasons(table, row);
	}
	np_table_print(table, out);
	np_table_free(table);
}

void np_cli_print_stats(json_t *result, FILE *out)
{
	json_t *namespaces = json_object_get(result, "namespaces");

	print_data("Data", data_columns, ARRAY_SIZE(data_columns), namespaces, out);
	print_data("\nRDMA devices", rnic_columns, ARRAY_SIZE(rnic_columns),
		json_object_get(result, "devices"), out);
	np_table_print_rows(
		"\nCommands", command_columns, ARRAY_SIZE(command_columns), namespaces, out);
	np_table_print_rows("\nReactors", reactor_columns, ARRAY_SIZE(reactor_columns),
		json_object_get(result, "reactors"), out);
}
