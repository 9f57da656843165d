// SPDX-License-Identifier: BSD-3-Clause
/*
 * nvmet-p2p-cli ana-state, ana-group: by which port which namespaces can be reached.
 *
 * Thread: the only one.
 * Depends: cli.h.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "tools/nvmet-p2p-cli/cli.h"
#include "tools/nvmet-p2p-cli/table.h"

/* Takes options and @count arguments. Return: NP_CLI_OK with optind at the first; or NP_CLI_US. */
static int take_arguments(struct np_cli *cli, int argc, char **argv, int count, const char *usage)
{
	int ret = np_cli_options(cli, argc, argv);

	if (ret)
		return ret;
	return argc - optind == count ? NP_CLI_OK : np_cli_usage(usage, NULL);
}

/* What is allowed is the daemon's to say. Return: NP_CLI_OK, or NP_CLI_US with a message. */
static int parse_number(const char *text, json_int_t *ret_value)
{
	char *end;

	errno = 0;
	*ret_value = strtoll(text, &end, 0);
	return end == text || *end || errno ? np_cli_usage("no number:", text) : NP_CLI_OK;
}

static int ask(const struct np_cli *cli, const char *method, json_t *params,
	void (*print)(json_t *result, FILE *out))
{
	json_t *result;
	int ret;

	if (!params)
		return np_cli_usage("an argument is no UTF-8", NULL);
	ret = np_cli_ask(cli, method, params, &result);
	json_decref(params);
	if (ret)
		return ret;
	ret = np_cli_show(cli, result, print);
	json_decref(result);
	return ret;
}

static long long number(json_t *result, const char *key)
{
	return (long long)json_integer_value(json_object_get(result, key));
}

static void print_state(json_t *result, FILE *out)
{
	fprintf(out, "port %lld: ANA group %lld is %s\n", number(result, "portid"),
		number(result, "grpid"), np_json_text(result, "state"));
}

static void print_group(json_t *result, FILE *out)
{
	char *nqn = np_table_printable(np_json_text(result, "nqn"));

	fprintf(out, "namespace %s/%lld is in ANA group %lld\n", nqn, number(result, "nsid"),
		number(result, "grpid"));
	free(nqn);
}

int np_cli_run_ana_state(struct np_cli *cli, int argc, char **argv)
{
	json_int_t portid, group;

	if (take_arguments(cli, argc, argv, 3, "ana-state needs PORTID GROUP STATE") ||
		parse_number(argv[optind], &portid) || parse_number(argv[optind + 1], &group))
		return NP_CLI_US;
	return ask(cli, "set_ana_state",
		json_pack("{s:I, s:I, s:s}", "portid", portid, "grpid", group, "state",
			argv[optind + 2]),
		print_state);
}

int np_cli_run_ana_group(struct np_cli *cli, int argc, char **argv)
{
	json_int_t nsid, group;

	if (take_arguments(cli, argc, argv, 3, "ana-group needs NQN NSID GROUP") ||
		parse_number(argv[optind + 1], &nsid) || parse_number(argv[optind + 2], &group))
		return NP_CLI_US;
	return ask(cli, "set_ana_group",
		json_pack("{s:s, s:I, s:I}", "nqn", argv[optind], "nsid", nsid, "grpid", group),
		print_group);
}
