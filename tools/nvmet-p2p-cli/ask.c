// SPDX-License-Identifier: BSD-3-Clause
/*
 * Common options, questions to the daemon, and what to say when either is wrong.
 *
 * Thread: the only one.
 * Depends: client.h, cli.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/nvmet-p2p-cli/cli.h"
#include "tools/nvmet-p2p-cli/client.h"

#define TIMEOUT_MAX_S 3600

int np_cli_usage(const char *what, const char *value)
{
	fprintf(stderr, "nvmet-p2p-cli: %s%s%s%s, try --help\n", what, value ? " \"" : "",
		value ? value : "", value ? "\"" : "");
	return NP_CLI_US;
}

static int parse_timeout(const char *text, int *ret_seconds)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (end == text || *end || value < 1 || value > TIMEOUT_MAX_S)
		return -EINVAL;
	*ret_seconds = (int)value;
	return 0;
}

int np_cli_option(struct np_cli *cli, int opt)
{
	switch (opt) {
	case 'j':
		cli->is_json = true;
		return NP_CLI_OK;
	case 's':
		cli->socket = optarg;
		return NP_CLI_OK;
	case 't':
		if (parse_timeout(optarg, &cli->timeout_s) < 0)
			return np_cli_usage("no number of seconds:", optarg);
		return NP_CLI_OK;
	default:
		return np_cli_usage("wrong option", NULL);
	}
}

int np_cli_options(struct np_cli *cli, int argc, char **argv)
{
	static const struct option options[] = {NP_CLI_LONG, {NULL, 0, NULL, 0}};
	int opt, ret;

	while ((opt = getopt_long(argc, argv, NP_CLI_SHORT, options, NULL)) != -1) {
		ret = np_cli_option(cli, opt);
		if (ret)
			return ret;
	}
	return NP_CLI_OK;
}

static int connect_error(const char *path, int err)
{
	const char *hint = "";

	if (err == -ENOENT || err == -ECONNREFUSED)
		hint = " (is nvmet-p2pd running?)";
	else if (err == -EACCES || err == -EPERM)
		hint = " (only root may)";
	else if (err == -ETIMEDOUT)
		hint = " (the daemon may still do it)";
	fprintf(stderr, "nvmet-p2p-cli: %s: %s%s\n", path, strerror(-err), hint);
	return NP_CLI_US;
}

int np_cli_ask(const struct np_cli *cli, const char *method, json_t *params, json_t **ret_result)
{
	return np_cli_ask_with(cli, method, params, -1, ret_result);
}

int np_cli_ask_with(
	const struct np_cli *cli, const char *method, json_t *params, int fd, json_t **ret_result)
{
	struct np_rpc_error error;
	int err = np_client_call(
		cli->socket, method, params, fd, cli->timeout_s * 1000, ret_result, &error);

	if (err < 0)
		return connect_error(cli->socket, err);
	if (err > 0) {
		fprintf(stderr, "nvmet-p2p-cli: %s: %s (%d)\n", method, error.message, error.code);
		return NP_CLI_DAEMON;
	}
	return NP_CLI_OK;
}

int np_cli_show(const struct np_cli *cli, json_t *result, void (*print)(json_t *result, FILE *out))
{
	if (cli->is_json) {
		json_dumpf(result, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
		fputc('\n', stdout);
	} else {
		print(result, stdout);
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "nvmet-p2p-cli: standard output: %s\n", strerror(errno));
		return NP_CLI_US;
	}
	return NP_CLI_OK;
}
