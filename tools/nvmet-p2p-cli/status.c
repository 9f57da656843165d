// SPDX-License-Identifier: BSD-3-Clause
/*
 * nvmet-p2p-cli status
 *
 * Thread: the only one.
 * Depends: table.h.
 */
#include <string.h>

#include "tools/nvmet-p2p-cli/cli.h"
#include "tools/nvmet-p2p-cli/table.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static void print_head(json_t *result, FILE *out)
{
	json_t *uptime = json_object_get(result, "uptime_s");
	char age[NP_TABLE_VALUE_MAX];

	np_table_format_age((uint64_t)json_integer_value(uptime), age, sizeof(age));
	fprintf(out, "nvmet-p2p %s, up %s\n", np_json_text(result, "version"), age);
}

static void print_ports(json_t *ports, FILE *out)
{
	static const struct np_table_column columns[] = {
		{"ID", "portid", NP_TABLE_COUNT},
		{"ADDRESS", "traddr", NP_TABLE_TEXT},
		{"SERVICE", "trsvcid", NP_TABLE_TEXT},
		{"FAMILY", "adrfam", NP_TABLE_TEXT},
		{"STATE", "state", NP_TABLE_TEXT},
	};
	struct np_table *table = np_table_new("\nPorts", columns, ARRAY_SIZE(columns));
	json_t *port;
	size_t i;

	json_array_foreach(ports, i, port) {
		np_table_add(table, port);
		if (strcmp(np_json_text(port, "state"), "listening") != 0)
			np_table_note(
				table, np_json_text(port, "state"), np_json_text(port, "reason"));
	}
	np_table_print(table, out);
	np_table_free(table);
}

/* Which port gives access to which groups of namespaces. */
static void print_groups(json_t *ports, FILE *out)
{
	static const struct np_table_column columns[] = {
		{"PORT", NULL, NP_TABLE_TEXT},
		{"GROUP", "grpid", NP_TABLE_COUNT},
		{"NAMESPACES", "namespaces", NP_TABLE_COUNT},
		{"STATE", "state", NP_TABLE_TEXT},
		{"CHANGES", "changes", NP_TABLE_COUNT},
	};
	struct np_table *table = np_table_new("\nANA groups", columns, ARRAY_SIZE(columns));
	char portid[NP_TABLE_VALUE_MAX];
	json_t *port, *group;
	size_t i, k;

	json_array_foreach(ports, i, port) {
		snprintf(portid, sizeof(portid), "%lld",
			(long long)json_integer_value(json_object_get(port, "portid")));
		json_array_foreach(json_object_get(port, "ana_groups"), k, group)
			np_table_add(table, group, portid);
	}
	np_table_print(table, out);
	np_table_free(table);
}

static void print_devices(json_t *devices, FILE *out)
{
	static const struct np_table_column columns[] = {
		{"NAME", "name", NP_TABLE_TEXT},
		{"PORTS", "ports", NP_TABLE_TEXT},
		{"ODP", "odp", NP_TABLE_TEXT},
		{"MTU", "mtu", NP_TABLE_TEXT},
	};
	struct np_table *table = np_table_new("\nRDMA devices", columns, ARRAY_SIZE(columns));
	json_t *device;
	size_t i;

	json_array_foreach(devices, i, device)
		np_table_add(table, device);
	np_table_print(table, out);
	np_table_free(table);
}

static void print_namespaces(json_t *namespaces, FILE *out)
{
	static const struct np_table_column columns[] = {
		{"SUBSYSTEM", "nqn", NP_TABLE_TEXT},
		{"NSID", "nsid", NP_TABLE_COUNT},
		{"STATE", "state", NP_TABLE_TEXT},
		{"ANA", "ana_grpid", NP_TABLE_COUNT},
		{"ENGINE", "engine", NP_TABLE_TEXT},
		{"DEVICE", "device", NP_TABLE_TEXT},
		{"SIZE", "size_bytes", NP_TABLE_BYTES},
		{"BLOCK", "block_bytes", NP_TABLE_BYTES},
		{"P2PMEM", "p2pmem", NP_TABLE_TEXT},
		{"P2P", "p2p", NP_TABLE_TEXT},
		{"MEMORY", "provider", NP_TABLE_TEXT},
	};
	struct np_table *table = np_table_new("\nNamespaces", columns, ARRAY_SIZE(columns));
	json_t *ns, *warning;
	char label[32];
	size_t i, k;

	json_array_foreach(namespaces, i, ns) {
		np_table_add(table, ns);
		json_array_foreach(json_object_get(ns, "drive_warnings"), k, warning)
			np_table_note(table, "drive warns", json_string_value(warning));
		if (strcmp(np_json_text(ns, "state"), "up") != 0)
			np_table_note(table, np_json_text(ns, "state"), np_json_text(ns, "reason"));
		if (json_is_true(json_object_get(ns, "write_protected")))
			np_table_note(
				table, "write protected", "by a host (nvme set-feature -f 0x84)");
		snprintf(label, sizeof(label), "P2P %s", np_json_text(ns, "p2p"));
		if (strcmp(np_json_text(ns, "p2p"), "on") != 0)
			np_table_note(table, label, np_json_text(ns, "p2p_reason"));
	}
	np_table_print(table, out);
	np_table_free(table);
}

/* Who keeps whom off. No table where nobody does, which is the usual case. */
static void print_reservations(json_t *namespaces, FILE *out)
{
	static const struct np_table_column columns[] = {
		{"SUBSYSTEM", NULL, NP_TABLE_TEXT},
		{"NSID", NULL, NP_TABLE_TEXT},
		{"TYPE", "type", NP_TABLE_TEXT},
		{"REGISTRANTS", "registrants", NP_TABLE_COUNT},
		{"PERSISTS", "persists", NP_TABLE_TEXT},
		{"HOST IDENTIFIERS OF HOLDERS", "holders", NP_TABLE_TEXT},
	};
	struct np_table *table = np_table_new("\nReservations", columns, ARRAY_SIZE(columns));
	char nsid[NP_TABLE_VALUE_MAX];
	bool is_any = false;
	json_t *ns;
	size_t i;

	json_array_foreach(namespaces, i, ns) {
		json_t *reservation = json_object_get(ns, "reservation");

		if (!json_is_object(reservation))
			continue;
		snprintf(nsid, sizeof(nsid), "%lld",
			(long long)json_integer_value(json_object_get(ns, "nsid")));
		np_table_add(table, reservation, np_json_text(ns, "nqn"), nsid);
		is_any = true;
	}
	if (is_any)
		np_table_print(table, out);
	np_table_free(table);
}

/* Where the data between a namespace and an RNIC lies, and why there. */
static void print_paths(json_t *namespaces, FILE *out)
{
	static const struct np_table_column columns[] = {
		{"SUBSYSTEM", NULL, NP_TABLE_TEXT},
		{"NSID", NULL, NP_TABLE_TEXT},
		{"DEVICE", "device", NP_TABLE_TEXT},
		{"MEMORY", "provider", NP_TABLE_TEXT},
		{"REASON", "reason", NP_TABLE_TEXT},
	};
	struct np_table *table = np_table_new("\nData paths", columns, ARRAY_SIZE(columns));
	char nsid[NP_TABLE_VALUE_MAX];
	json_t *ns, *path;
	size_t i, k;

	json_array_foreach(namespaces, i, ns) {
		snprintf(nsid, sizeof(nsid), "%lld",
			(long long)json_integer_value(json_object_get(ns, "nsid")));
		json_array_foreach(json_object_get(ns, "paths"), k, path)
			np_table_add(table, path, np_json_text(ns, "nqn"), nsid);
	}
	np_table_print(table, out);
	np_table_free(table);
}

void np_cli_print_status(json_t *result, FILE *out)
{
	print_head(result, out);
	print_ports(json_object_get(result, "ports"), out);
	print_groups(json_object_get(result, "ports"), out);
	print_devices(json_object_get(result, "devices"), out);
	print_namespaces(json_object_get(result, "namespaces"), out);
	print_paths(json_object_get(result, "namespaces"), out);
	print_reservations(json_object_get(result, "namespaces"), out);
}
