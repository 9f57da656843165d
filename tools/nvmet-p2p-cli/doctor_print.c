// SPDX-License-Identifier: BSD-3-Clause
/*
 * doctor_print.c - the doctor's report as text.
 *
 * Thread: the only one.
 * Depends: table.h.
 */
#include <string.h>

#include "tools/nvmet-p2p-cli/doctor.h"
#include "tools/nvmet-p2p-cli/table.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static void print_host(json_t *host, FILE *out)
{
	static const struct np_table_column columns[] = {
		{"KERNEL", "kernel", NP_TABLE_TEXT},
		{"PCI_P2PDMA", "pci_p2pdma", NP_TABLE_TEXT},
		{"ON_DEMAND_PAGING", "on_demand_paging", NP_TABLE_TEXT},
		{"IOMMU", "iommu", NP_TABLE_TEXT},
		{"MEMLOCK", "memlock_bytes", NP_TABLE_BYTES},
		{"ROOT", "root", NP_TABLE_TEXT},
		{"DAEMON", "daemon", NP_TABLE_TEXT},
	};
	struct np_table *table = np_table_new("Machine", columns, ARRAY_SIZE(columns));

	np_table_add(table, host);
	np_table_print(table, out);
	np_table_free(table);
}

static void print_devices(json_t *result, FILE *out)
{
	static const struct np_table_column rnics[] = {
		{"NAME", "name", NP_TABLE_TEXT},
		{"KIND", "kind", NP_TABLE_TEXT},
		{"PCI", "pci", NP_TABLE_TEXT},
		{"ACTIVE", "active", NP_TABLE_TEXT},
		{"PATH MTU", "path_mtu", NP_TABLE_COUNT},
		{"NETDEV", "netdev", NP_TABLE_TEXT},
		{"MTU", "netdev_mtu", NP_TABLE_COUNT},
		{"ODP", "odp", NP_TABLE_TEXT},
		{"DMA-BUF", "dmabuf", NP_TABLE_TEXT},
	};
	static const struct np_table_column providers[] = {
		{"NAME", "name", NP_TABLE_TEXT},
		{"SIZE", "size_bytes", NP_TABLE_BYTES},
		{"FREE", "available_bytes", NP_TABLE_BYTES},
		{"REGISTERED", "registered", NP_TABLE_TEXT},
		{"PUBLISHED", "published", NP_TABLE_TEXT},
	};
	static const struct np_table_column drives[] = {
		{"NAME", "name", NP_TABLE_TEXT},
		{"CONTROLLER", "controller", NP_TABLE_TEXT},
		{"PCI", "pci", NP_TABLE_TEXT},
		{"MODEL", "model", NP_TABLE_TEXT},
	};

	np_table_print_rows(
		"\nRDMA devices", rnics, ARRAY_SIZE(rnics), json_object_get(result, "rnics"), out);
	np_table_print_rows("\nDevice memory", providers, ARRAY_SIZE(providers),
		json_object_get(result, "providers"), out);
	np_table_print_rows(
		"\nDrives", drives, ARRAY_SIZE(drives), json_object_get(result, "drives"), out);
}

/* @indent: what the lines below @node begin with. A line is not longer than the tree is deep. */
static void print_node(json_t *node, const char *indent, const char *branch, FILE *out)
{
	json_t *children = json_object_get(node, "children");
	const char *what = np_json_text(node, "what");
	char below[256];
	json_t *child;
	size_t i;

	fprintf(out, "%s%s%s%s%s\n", indent, branch, np_json_text(node, "name"),
		what[0] ? "  " : "", what);
	snprintf(below, sizeof(below), "%.250s%s", indent,
		!branch[0]                 ? ""
			: branch[0] == '`' ? "   "
					   : "|  ");
	json_array_foreach(children, i, child)
		print_node(child, below, i + 1 < json_array_size(children) ? "+- " : "`- ", out);
}

static void print_tree(json_t *tree, FILE *out)
{
	json_t *node;
	size_t i;

	fputs("\nWays\n", out);
	if (!json_array_size(tree))
		fputs("none\n", out);
	json_array_foreach(tree, i, node)
		print_node(node, "", "", out);
}

static void print_matrix(json_t *matrix, FILE *out)
{
	static const struct np_table_column columns[] = {
		{"RNIC", "rnic", NP_TABLE_TEXT},
		{"MEMORY", "memory", NP_TABLE_TEXT},
		{"DRIVE", "drive", NP_TABLE_TEXT},
		{"P2P", "result", NP_TABLE_TEXT},
		{"BASIS", "basis", NP_TABLE_TEXT},
		{"RNIC TO MEMORY", "rnic_way", NP_TABLE_TEXT},
		{"DRIVE TO MEMORY", "drive_way", NP_TABLE_TEXT},
		{"ADVICE", "advice", NP_TABLE_TEXT},
	};
	struct np_table *table = np_table_new("\nMatrix", columns, ARRAY_SIZE(columns));
	json_t *cell;
	size_t i;

	json_array_foreach(matrix, i, cell) {
		np_table_add(table, cell);
		np_table_note(table,
			json_is_true(json_object_get(cell, "sure")) ? "why" : "why, as far as seen",
			np_json_text(cell, "reason"));
	}
	np_table_print(table, out);
	np_table_free(table);
}

static void print_list(const char *title, bool is_numbered, json_t *list, FILE *out)
{
	json_t *line;
	size_t i;

	if (!json_array_size(list))
		return;
	fprintf(out, "\n%s\n", title);
	json_array_foreach(list, i, line) {
		if (is_numbered)
			fprintf(out, "%zu. %s\n", i + 1, json_string_value(line));
		else
			fprintf(out, "- %s\n", json_string_value(line));
	}
}

void np_doc_print(json_t *result, FILE *out)
{
	print_host(json_object_get(result, "host"), out);
	print_devices(result, out);
	print_tree(json_object_get(result, "tree"), out);
	print_matrix(json_object_get(result, "matrix"), out);
	print_list("Advice", true, json_object_get(result, "advice"), out);
	print_list("Not seen", false, json_object_get(result, "unseen"), out);
	fprintf(out, "\n%s\n", np_json_text(result, "summary"));
}
