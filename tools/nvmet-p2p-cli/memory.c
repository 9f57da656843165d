// SPDX-License-Identifier: BSD-3-Clause
/*
 * nvmet-p2p-cli memory
 *
 * Thread: the only one.
 * Depends: table.h.
 */
#include "tools/nvmet-p2p-cli/cli.h"
#include "tools/nvmet-p2p-cli/table.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static void print_pools(json_t *providers, FILE *out)
{
	static const struct np_table_column columns[] = {
		{"NAME", "name", NP_TABLE_TEXT},
		{"KIND", "kind", NP_TABLE_TEXT},
		{"PCI", "pci", NP_TABLE_TEXT},
		{"SIZE", "size_bytes", NP_TABLE_BYTES},
		{"POOL", "pool_bytes", NP_TABLE_BYTES},
		{"IN USE", "in_use_bytes", NP_TABLE_BYTES},
		{"HIGH WATER", "high_water_bytes", NP_TABLE_BYTES},
		{"WAITS", "waits", NP_TABLE_COUNT},
		{"WAITING", "waiting", NP_TABLE_COUNT},
	};
	struct np_table *table = np_table_new("Providers", columns, ARRAY_SIZE(columns));
	json_t *provider;
	size_t i;

	json_array_foreach(providers, i, provider)
		np_table_add(table, provider);
	np_table_print(table, out);
	np_table_free(table);
}

/* Namespaces with a quota, a reserve, or pages of their own. */
static void print_users(json_t *providers, FILE *out)
{
	static const struct np_table_column columns[] = {
		{"PROVIDER", NULL, NP_TABLE_TEXT},
		{"NSID", "nsid", NP_TABLE_COUNT},
		{"SUBSYSTEM", "nqn", NP_TABLE_TEXT},
		{"IN USE", "in_use_bytes", NP_TABLE_BYTES},
		{"HIGH WATER", "high_water_bytes", NP_TABLE_BYTES},
		{"QUOTA", "quota_bytes", NP_TABLE_BYTES},
		{"RESERVE", "reserve_bytes", NP_TABLE_BYTES},
	};
	struct np_table *table = np_table_new("\nUsers", columns, ARRAY_SIZE(columns));
	json_t *provider;
	json_t *user;
	size_t i, k;

	json_array_foreach(providers, i, provider)
		json_array_foreach(json_object_get(provider, "users"), k, user)
			np_table_add(table, user, np_json_text(provider, "name"));
	np_table_print(table, out);
	np_table_free(table);
}

/* What the self-tests of each provider with each RNIC and each drive gave. */
static void print_pairs(json_t *providers, FILE *out)
{
	static const struct np_table_column columns[] = {
		{"PROVIDER", NULL, NP_TABLE_TEXT},
		{"WITH", NULL, NP_TABLE_TEXT},
		{"RESULT", "result", NP_TABLE_TEXT},
		{"REASON", "reason", NP_TABLE_TEXT},
	};
	struct np_table *table = np_table_new("\nSelf-tests", columns, ARRAY_SIZE(columns));
	json_t *provider;
	json_t *pair;
	size_t i, k;

	json_array_foreach(providers, i, provider) {
		const char *name = np_json_text(provider, "name");

		json_array_foreach(json_object_get(provider, "devices"), k, pair)
			np_table_add(table, pair, name, np_json_text(pair, "device"));
		json_array_foreach(json_object_get(provider, "drives"), k, pair)
			np_table_add(table, pair, name, np_json_text(pair, "drive"));
	}
	np_table_print(table, out);
	np_table_free(table);
}

void np_cli_print_memory(json_t *result, FILE *out)
{
	json_t *providers = json_object_get(result, "providers");

	print_pools(providers, out);
	print_users(providers, out);
	print_pairs(providers, out);
}
