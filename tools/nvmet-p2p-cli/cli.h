/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What all commands share: common options, questions to the daemon, exit codes; and the commands.
 *
 * Thread: the only one.
 * Depends: jansson.
 */
#ifndef NP_CLI_CLI_H
#define NP_CLI_CLI_H

#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum np_cli_exit {
	NP_CLI_OK = 0,
	NP_CLI_DAEMON = 1, /* the daemon answered with an error */
	NP_CLI_WRONG = 1,  /* what the command did itself went wrong */
	NP_CLI_US = 2,     /* wrong usage, no connection, no understanding */
};

/* Options that may stand before or after any command. */
struct np_cli {
	const char *socket;
	int timeout_s;
	bool is_json;
};

/* For getopt_long() of a command: NP_CLI_SHORT "x", {NP_CLI_LONG, {"extra", ..., 'x'}, {NULL}}. */
#define NP_CLI_SHORT "js:t:"
#define NP_CLI_LONG                                                                 \
	{"json", no_argument, NULL, 'j'}, {"socket", required_argument, NULL, 's'}, \
	{                                                                           \
		"timeout", required_argument, NULL, 't'                             \
	}

/**
 * np_cli_option() - take a common option
 * @opt: what getopt_long() returned, with optarg
 *
 * Return: NP_CLI_OK, or NP_CLI_US with a message on standard error.
 */
int np_cli_option(struct np_cli *cli, int opt);

/*
 * Takes the options of a command that has only the common ones; optind is then at its first argument.
 * Return: as np_cli_option().
 */
int np_cli_options(struct np_cli *cli, int argc, char **argv);

/* Complains of wrong usage, about @value unless it is NULL. Return: NP_CLI_US. */
int np_cli_usage(const char *what, const char *value);

/**
 * np_cli_ask() - have the daemon run @method
 * @params: stays the caller's; or NULL
 * @ret_result: a new reference
 *
 * Return: NP_CLI_OK, or an exit code with a message on standard error.
 */
int np_cli_ask(const struct np_cli *cli, const char *method, json_t *params, json_t **ret_result);

/* The same, and hands the descriptor @fd over with it, which stays the caller's. */
int np_cli_ask_with(
	const struct np_cli *cli, const char *method, json_t *params, int fd, json_t **ret_result);

/* Prints @result as JSON if that was asked for, else by @print. Return: an exit code. */
int np_cli_show(const struct np_cli *cli, json_t *result, void (*print)(json_t *result, FILE *out));

/*
 * Commands. argv[0] is the command's name, what follows are its options and arguments.
 * Return: an exit code.
 */

/* status, stats, conns, memory, selftest, reload: print what the daemon's method of the same name says. */
int np_cli_run_report(struct np_cli *cli, int argc, char **argv);

/* Can this machine do P2P? Exit status: 0 somewhere, 1 not, 2 could not tell. See doctor.h. */
int np_cli_run_doctor(struct np_cli *cli, int argc, char **argv);

/* The last changes of state, and with --follow those to come. */
int np_cli_run_events(struct np_cli *cli, int argc, char **argv);

/* From drive to drive through given memory; asks no daemon. */
int np_cli_run_copy(struct np_cli *cli, int argc, char **argv);

/* Hands a dma-buf over to the daemon, as one of its daemon.memory[]. */
int np_cli_run_add_memory(struct np_cli *cli, int argc, char **argv);

/* The state of a group of namespaces at a port; the group of a namespace. */
int np_cli_run_ana_state(struct np_cli *cli, int argc, char **argv);
int np_cli_run_ana_group(struct np_cli *cli, int argc, char **argv);

/* Results as tables. */

/* Ports, RDMA devices, namespaces, each with the reason where it does not do what was asked. */
void np_cli_print_status(json_t *result, FILE *out);

/* Bytes and commands by namespace, work by reactor. */
void np_cli_print_stats(json_t *result, FILE *out);

/* Connections. */
void np_cli_print_conns(json_t *result, FILE *out);

/* Memory providers, their pools, and how they get on with RNICs and drives. */
void np_cli_print_memory(json_t *result, FILE *out);

#endif
