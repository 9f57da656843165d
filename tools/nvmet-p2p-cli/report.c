// SPDX-License-Identifier: BSD-3-Clause
/*
 * nvmet-p2p-cli status, stats, conns, memory, selftest, reload: one question, one table or more.
 *
 * Thread: the only one.
 * Depends: cli.h, table.h.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/nvmet-p2p-cli/cli.h"
#include "tools/nvmet-p2p-cli/table.h"

static void print_changes(json_t *result, FILE *out)
{
	json_t *changes = json_object_get(result, "changes"), *change;
	size_t i;

	json_array_foreach(changes, i, change) {
		char *text = np_table_printable(json_string_value(change));

		fprintf(out, "%s\n", text);
		free(text);
	}
	if (!json_array_size(changes))
		fputs("nothing has changed\n", out);
}

static const struct {
	const char *method;
	void (*print)(json_t *result, FILE *out);
} reports[] = {
	{"status", np_cli_print_status},
	{"stats", np_cli_print_stats},
	{"conns", np_cli_print_conns},
	{"memory", np_cli_print_memory},
	{"selftest", np_cli_print_memory},
	{"reload", print_changes},
};

static int report(const struct np_cli *cli, const char *method)
{
	json_t *result;
	int ret = np_cli_ask(cli, method, NULL, &result);

	if (ret)
		return ret;
	for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++) {
		if (!strcmp(reports[i].method, method))
			ret = np_cli_show(cli, result, reports[i].print);
	}
	json_decref(result);
	return ret;
}

int np_cli_run_report(struct np_cli *cli, int argc, char **argv)
{
	int ret = np_cli_options(cli, argc, argv);

	if (ret)
		return ret;
	if (optind < argc)
		return np_cli_usage("one command at a time, not also", argv[optind]);
	return report(cli, argv[0]);
}
