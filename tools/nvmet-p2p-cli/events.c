// SPDX-License-Identifier: BSD-3-Clause
/*
 * nvmet-p2p-cli events: a line for each change of state.
 *
 * Thread: the only one.
 * Depends: cli.h, table.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/nvmet-p2p-cli/cli.h"
#include "tools/nvmet-p2p-cli/table.h"

#define LOOK_AGAIN_NS 500000000l

static void print_event(json_t *event, FILE *out)
{
	json_int_t time_ms = json_integer_value(json_object_get(event, "time_ms"));
	time_t seconds = (time_t)(time_ms / 1000);
	char *text = np_table_printable(np_json_text(event, "text"));
	char when[32] = "-";
	struct tm tm;

	if (localtime_r(&seconds, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	fprintf(out, "%s.%03d  %-7s  %-9s  %s\n", when, (int)(time_ms % 1000),
		np_json_text(event, "level"), np_json_text(event, "kind"), text);
	free(text);
}

static void print_events(json_t *result, FILE *out)
{
	json_t *event;
	size_t i;

	json_array_foreach(json_object_get(result, "events"), i, event)
		print_event(event, out);
}

/* As JSON: an object a line, so that a program can read along. */
static void print_lines(json_t *result, FILE *out)
{
	json_t *event;
	size_t i;

	json_array_foreach(json_object_get(result, "events"), i, event) {
		json_dumpf(event, out, JSON_COMPACT);
		fputc('\n', out);
	}
}

/* Return: the number of the last event in @result, or @after if there is none. */
static json_int_t last_number(json_t *result, json_int_t after)
{
	json_t *events = json_object_get(result, "events");
	size_t count = json_array_size(events);

	if (!count)
		return after;
	return json_integer_value(json_object_get(json_array_get(events, count - 1), "number"));
}

/* Until the daemon or the terminal has gone. Return: an exit code. */
static int follow(const struct np_cli *cli)
{
	const struct timespec pause = {.tv_nsec = LOOK_AGAIN_NS};
	json_int_t after = 0;

	for (;;) {
		json_t *params = json_pack("{s:I}", "after", after), *result;
		int ret = np_cli_ask(cli, "events", params, &result);

		json_decref(params);
		if (ret)
			return ret;
		(cli->is_json ? print_lines : print_events)(result, stdout);
		after = last_number(result, after);
		json_decref(result);
		if (fflush(stdout) || ferror(stdout)) {
			fprintf(stderr, "nvmet-p2p-cli: standard output: %s\n", strerror(errno));
			return NP_CLI_US;
		}
		nanosleep(&pause, NULL);
	}
}

int np_cli_run_events(struct np_cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		NP_CLI_LONG, {"follow", no_argument, NULL, 'f'}, {NULL, 0, NULL, 0}};
	bool is_following = false;
	json_t *result;
	int opt, ret;

	while ((opt = getopt_long(argc, argv, NP_CLI_SHORT "f", options, NULL)) != -1) {
		ret = NP_CLI_OK;
		if (opt == 'f')
			is_following = true;
		else
			ret = np_cli_option(cli, opt);
		if (ret)
			return ret;
	}
	if (optind < argc)
		return np_cli_usage("one command at a time, not also", argv[optind]);
	if (is_following)
		return follow(cli);
	ret = np_cli_ask(cli, "events", NULL, &result);
	if (ret)
		return ret;
	ret = np_cli_show(cli, result, print_events);
	json_decref(result);
	return ret;
}
