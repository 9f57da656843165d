// SPDX-License-Identifier: BSD-3-Clause
/*
 * nvmet-p2p-cli: what a running nvmet-p2pd knows and does, as tables or as JSON.
 *
 * Thread: the only one.
 * Depends: cli.h, config/model.h.
 */
#include <string.h>

#include "config/model.h"
#include "tools/nvmet-p2p-cli/cli.h"

#define TIMEOUT_ANSWER_S 10
#define TIMEOUT_TESTS_S 600 /* the daemon makes regions and tests them before it answers */

struct command {
	const char *name;
	int (*run)(struct np_cli *cli, int argc, char **argv);
	int timeout_s; /* unless the user says otherwise */
	const char *help;
};

static const struct command commands[] = {
	{"status", np_cli_run_report, TIMEOUT_ANSWER_S,
		"ports, RDMA devices, namespaces, and why P2P is off"},
	{"stats", np_cli_run_report, TIMEOUT_ANSWER_S,
		"bytes and commands by namespace, work by reactor"},
	{"conns", np_cli_run_report, TIMEOUT_ANSWER_S, "connections of hosts"},
	{"memory", np_cli_run_report, TIMEOUT_ANSWER_S,
		"memory providers, their pools and self-tests"},
	{"selftest", np_cli_run_report, TIMEOUT_TESTS_S,
		"test all memory again, now, and print what was found"},
	{"doctor", np_cli_run_doctor, TIMEOUT_ANSWER_S,
		"can this machine do P2P, with or without a daemon; --test: and try it"},
	{"events", np_cli_run_events, TIMEOUT_ANSWER_S,
		"the last changes of state; -f, --follow: and those to come"},
	{"copy", np_cli_run_copy, TIMEOUT_ANSWER_S,
		"from drive to drive through a CMB, no daemon; copy --help"},
	{"ana-state", np_cli_run_ana_state, TIMEOUT_ANSWER_S,
		"PORTID GROUP optimized|non-optimized|inaccessible|persistent-loss|change"},
	{"ana-group", np_cli_run_ana_group, TIMEOUT_ANSWER_S,
		"NQN NSID GROUP: move a namespace to an ANA group"},
	{"reload", np_cli_run_report, TIMEOUT_TESTS_S,
		"have the daemon read its configuration again, and print what has changed"},
	{"add-memory", np_cli_run_add_memory, TIMEOUT_ANSWER_S,
		"NAME --fd N | NAME --exporter udmabuf [--bytes N]: hand over a dma-buf"},
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
	fputs("Usage: nvmet-p2p-cli [OPTIONS] COMMAND\n\n"
	      "Asks a running nvmet-p2pd; the doctor looks at the machine itself.\n\n"
	      "Commands:\n",
		out);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-20s %s\n", commands[i].name, commands[i].help);
	fprintf(out,
		"\nOptions:\n"
		"  -j, --json           print the answer as JSON\n"
		"  -s, --socket PATH    control socket (default %s)\n"
		"  -t, --timeout SEC    give up after SEC seconds (default %d; reload, selftest "
		"%d)\n"
		"  -h, --help           this text\n"
		"  -V, --version        the version\n\n"
		"Exit status: 0 done, 1 the daemon reports an error, 2 wrong usage or no daemon.\n"
		"copy: 0 copied, 1 failed or not equal, 2 refused.\n"
		"doctor: 0 P2P works somewhere, 1 nowhere, 2 it could not tell.\n",
		NP_CFG_SOCKET_DEFAULT, TIMEOUT_ANSWER_S, TIMEOUT_TESTS_S);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {NP_CLI_LONG, {"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'}, {NULL, 0, NULL, 0}};
	struct np_cli cli = {.socket = NP_CFG_SOCKET_DEFAULT};
	const struct command *command;
	int opt, ret, first;

	/* Up to the command; what follows is for that to understand. */
	while ((opt = getopt_long(argc, argv, "+hV" NP_CLI_SHORT, options, NULL)) != -1) {
		if (opt == 'h') {
			print_help(stdout);
			return NP_CLI_OK;
		}
		if (opt == 'V') {
			puts("nvmet-p2p-cli " NP_VERSION);
			return NP_CLI_OK;
		}
		ret = np_cli_option(&cli, opt);
		if (ret)
			return ret;
	}
	if (optind == argc)
		return np_cli_usage("no command", NULL);
	command = find_command(argv[optind]);
	if (!command)
		return np_cli_usage("no command", argv[optind]);
	if (!cli.timeout_s)
		cli.timeout_s = command->timeout_s;
	first = optind;
	optind = 0; /* getopt(3): begin anew */
	return command->run(&cli, argc - first, argv + first);
}
