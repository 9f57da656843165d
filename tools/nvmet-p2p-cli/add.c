// SPDX-License-Identifier: BSD-3-Clause
/*
 * nvmet-p2p-cli add-memory: hands a dma-buf over to the daemon.
 *
 * Either a descriptor that this process was started with, or host memory made here, which is for
 * trying out what an RNIC and a drive do with a dma-buf.
 *
 * Thread: the only one.
 * Depends: cli.h, target/memory/udmabuf.h.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/memory/udmabuf.h"
#include "tools/nvmet-p2p-cli/cli.h"
#include "tools/nvmet-p2p-cli/table.h"

struct add {
	const char *name, *exporter;
	long long bytes; /* 0: not given */
	long long fd;    /* -1: not given */
};

static int parse_number(const char *text, long long max, long long *ret_value)
{
	char *end;

	errno = 0;
	*ret_value = strtoll(text, &end, 0);
	if (end == text || *end || errno || *ret_value < 0 || *ret_value > max)
		return np_cli_usage("no number that would do:", text);
	return NP_CLI_OK;
}

static int parse_args(struct np_cli *cli, int argc, char **argv, struct add *ret_add)
{
	static const struct option options[] = {NP_CLI_LONG,
		{"exporter", required_argument, NULL, 'e'}, {"bytes", required_argument, NULL, 'b'},
		{"fd", required_argument, NULL, 'f'}, {NULL, 0, NULL, 0}};
	int opt, ret;

	while ((opt = getopt_long(argc, argv, NP_CLI_SHORT "e:b:f:", options, NULL)) != -1) {
		ret = NP_CLI_OK;
		if (opt == 'e')
			ret_add->exporter = optarg;
		else if (opt == 'b')
			ret = parse_number(optarg, LLONG_MAX, &ret_add->bytes);
		else if (opt == 'f')
			ret = parse_number(optarg, INT_MAX, &ret_add->fd);
		else
			ret = np_cli_option(cli, opt);
		if (ret)
			return ret;
	}
	if (optind + 1 != argc)
		return np_cli_usage("add-memory needs one name", NULL);
	ret_add->name = argv[optind];
	if ((ret_add->fd >= 0) == (ret_add->exporter != NULL))
		return np_cli_usage("add-memory needs either --fd or --exporter", NULL);
	if (ret_add->exporter && strcmp(ret_add->exporter, "udmabuf") != 0)
		return np_cli_usage("only \"udmabuf\" can be made here, not", ret_add->exporter);
	return NP_CLI_OK;
}

static void print_added(json_t *result, FILE *out)
{
	json_t *pair;
	size_t i;

	fprintf(out, "%s%s\n", np_json_text(result, "name"),
		json_is_true(json_object_get(result, "is_peer")) ? "" : ", which is host memory");
	json_array_foreach(json_object_get(result, "devices"), i, pair)
		fprintf(out, "  with %s: %s: %s\n", np_json_text(pair, "device"),
			np_json_text(pair, "result"), np_json_text(pair, "reason"));
}

/* Return: NP_CLI_OK with a descriptor that is to be closed, or an exit code. */
static int make_dmabuf(const struct add *add, int *ret_fd)
{
	size_t bytes = add->bytes ? (size_t)add->bytes : NP_UDMABUF_DEFAULT_BYTES;
	int memfd, err = np_udmabuf_new(bytes, ret_fd, &memfd);

	if (err) {
		fprintf(stderr, "nvmet-p2p-cli: udmabuf of %zu bytes: %s\n", bytes, strerror(-err));
		return NP_CLI_US;
	}
	close(memfd);
	return NP_CLI_OK;
}

int np_cli_run_add_memory(struct np_cli *cli, int argc, char **argv)
{
	struct add add = {.fd = -1};
	int ret = parse_args(cli, argc, argv, &add), fd = (int)add.fd;
	json_t *params, *result;

	if (!ret && add.exporter)
		ret = make_dmabuf(&add, &fd);
	if (ret)
		return ret;
	params = json_pack("{s:s}", "name", add.name);
	ret = np_cli_ask_with(cli, "add_memory", params, fd, &result);
	json_decref(params);
	if (add.exporter)
		close(fd);
	if (ret)
		return ret;
	ret = np_cli_show(cli, result, print_added);
	json_decref(result);
	return ret;
}
