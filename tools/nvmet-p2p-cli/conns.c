// SPDX-License-Identifier: BSD-3-Clause
/*
 * nvmet-p2p-cli conns
 *
 * Thread: the only one.
 * Depends: table.h.
 */
#include <string.h>

#include "tools/nvmet-p2p-cli/cli.h"
#include "tools/nvmet-p2p-cli/table.h"

/* Of I/O queues: an admin queue moves none. */
static void print_data(json_t *conns, FILE *out)
{
	static const struct np_table_column columns[] = {
		{"ID", "id", NP_TABLE_COUNT},
		{"DEVICE", "device", NP_TABLE_TEXT},
		NP_TABLE_TRAFFIC,
		{"WAITS", "waits", NP_TABLE_COUNT},
	};
	struct np_table *table =
		np_table_new("\nData", columns, sizeof(columns) / sizeof(columns[0]));
	json_t *conn;
	size_t i;

	json_array_foreach(conns, i, conn) {
		if (json_integer_value(json_object_get(conn, "qid")) > 0)
			np_table_add(table, conn);
	}
	np_table_print(table, out);
	np_table_free(table);
}

void np_cli_print_conns(json_t *result, FILE *out)
{
	static const struct np_table_column columns[] = {
		{"ID", "id", NP_TABLE_COUNT},
		{"HOST", "host", NP_TABLE_TEXT},
		{"SUBSYSTEM", "nqn", NP_TABLE_TEXT},
		{"CTRL", "cntlid", NP_TABLE_COUNT},
		{"QID", "qid", NP_TABLE_COUNT},
		{"DEPTH", "depth", NP_TABLE_COUNT},
		{"PATH MTU", "path_mtu", NP_TABLE_COUNT},
		{"REACTOR", "reactor", NP_TABLE_COUNT},
		{"STATE", "state", NP_TABLE_TEXT},
		{"IN FLIGHT", "inflight", NP_TABLE_COUNT},
		{"REQUESTS", "requests", NP_TABLE_COUNT},
		{"AGE", "age_s", NP_TABLE_AGE},
		{"P2P", "p2p", NP_TABLE_TEXT},
		{"AUTH", "auth", NP_TABLE_TEXT},
		{"HOST NQN", "hostnqn", NP_TABLE_TEXT},
	};
	struct np_table *table =
		np_table_new("Connections", columns, sizeof(columns) / sizeof(columns[0]));
	json_t *conn;
	size_t i;

	json_array_foreach(json_object_get(result, "conns"), i, conn) {
		np_table_add(table, conn);
		if (strcmp(np_json_text(conn, "p2p"), "yes") != 0)
			np_table_note(table, "no P2P", np_json_text(conn, "p2p_reason"));
	}
	np_table_print(table, out);
	np_table_free(table);
	print_data(json_object_get(result, "conns"), out);
}
