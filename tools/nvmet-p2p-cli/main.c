// SPDX-License-Identifier: BSD-3-Clause
/*
 * nvmet-p2p-cli: asks a running nvmet-p2pd and prints its answer, as tables or as JSON.
 *
 * Thread: the only one.
 * Depends: client.h, cli.h, config/model.h.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "config/model.h"
#include "tools/nvmet-p2p-cli/cli.h"
#include "tools/nvmet-p2p-cli/client.h"

#define TIMEOUT_DEFAULT_S 10
#define TIMEOUT_MAX_S 3600

enum exit_code {
	EXIT_OK = 0,
	EXIT_DAEMON = 1, /* the daemon answered with an error */
	EXIT_US = 2,     /* wrong usage, no connection, no understanding */
};

struct options {
	const char *socket;
	int timeout_s;
	bool is_json;
};

struct command {
	const char *name;
	void (*print)(json_t *result, FILE *out);
	const char *help;
};

static const struct command commands[] = {
	{"status", np_cli_print_status, "ports, RDMA devices, namespaces, and why P2P is off"},
	{"stats", np_cli_print_stats, "bytes and commands by namespace, work by reactor"},
	{"conns", np_cli_print_conns, "connections of hosts"},
	{"memory", np_cli_print_memory, "memory providers, their pools and self-tests"},
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
	fputs("Usage: nvmet-p2p-cli [OPTIONS] COMMAND\n\n"
	      "Asks a running nvmet-p2pd.\n\n"
	      "Commands:\n",
		out);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-20s %s\n", commands[i].name, commands[i].help);
	fprintf(out,
		"\nOptions:\n"
		"  -j, --json           print the answer as JSON\n"
		"  -s, --socket PATH    control socket (default %s)\n"
		"  -t, --timeout SEC    give up after SEC seconds (default %d)\n"
		"  -h, --help           this text\n"
		"  -V, --version        the version\n\n"
		"Exit status: 0 done, 1 the daemon reports an error, 2 wrong usage or no daemon.\n",
		NP_CFG_SOCKET_DEFAULT, TIMEOUT_DEFAULT_S);
}

static int usage_error(const char *what, const char *value)
{
	fprintf(stderr, "nvmet-p2p-cli: %s%s%s%s, try --help\n", what, value ? " \"" : "",
		value ? value : "", value ? "\"" : "");
	return EXIT_US;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

static int connect_error(const char *path, int err)
{
	const char *hint = "";

	if (err == -ENOENT || err == -ECONNREFUSED)
		hint = " (is nvmet-p2pd running?)";
	else if (err == -EACCES || err == -EPERM)
		hint = " (only root may)";
	fprintf(stderr, "nvmet-p2p-cli: %s: %s%s\n", path, strerror(-err), hint);
	return EXIT_US;
}

static int run(const struct command *command, const struct options *options)
{
	struct np_rpc_error error;
	json_t *result;
	int err = np_client_call(
		options->socket, command->name, options->timeout_s * 1000, &result, &error);

	if (err < 0)
		return connect_error(options->socket, err);
	if (err > 0) {
		fprintf(stderr, "nvmet-p2p-cli: %s: %s (%d)\n", command->name, error.message,
			error.code);
		return EXIT_DAEMON;
	}
	if (options->is_json) {
		json_dumpf(result, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
		fputc('\n', stdout);
	} else {
		command->print(result, stdout);
	}
	json_decref(result);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "nvmet-p2p-cli: standard output: %s\n", strerror(errno));
		return EXIT_US;
	}
	return EXIT_OK;
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

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{"json", no_argument, NULL, 'j'},
		{"socket", required_argument, NULL, 's'},
		{"timeout", required_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	struct options options = {NP_CFG_SOCKET_DEFAULT, TIMEOUT_DEFAULT_S, false};
	const struct command *command;
	int opt;

	while ((opt = getopt_long(argc, argv, "js:t:hV", long_options, NULL)) != -1) {
		switch (opt) {
		case 'j':
			options.is_json = true;
			break;
		case 's':
			options.socket = optarg;
			break;
		case 't':
			if (parse_timeout(optarg, &options.timeout_s) < 0)
				return usage_error("no number of seconds:", optarg);
			break;
		case 'h':
			print_help(stdout);
			return EXIT_OK;
		case 'V':
			puts("nvmet-p2p-cli " NP_VERSION);
			return EXIT_OK;
		default:
			return usage_error("wrong option", NULL);
		}
	}
	if (optind == argc)
		return usage_error("no command", NULL);
	if (optind + 1 < argc)
		return usage_error("one command at a time, not also", argv[optind + 1]);
	command = find_command(argv[optind]);
	if (!command)
		return usage_error("no command", argv[optind]);
	return run(command, &options);
}
