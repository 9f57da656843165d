// SPDX-License-Identifier: BSD-3-Clause
/*
 * doctor.c - nvmet-p2p-cli doctor, from its facts to its exit status.
 *
 * Thread: the only one.
 * Depends: client.h, doctor.h.
 */
#include "tools/nvmet-p2p-cli/doctor.h"

#include <errno.h>
#include <string.h>

#include "tools/nvmet-p2p-cli/cli.h"
#include "tools/nvmet-p2p-cli/client.h"

/* A daemon need not run; one that is there and silent is worth a word. */
static void ask_daemon(struct np_doc_facts *facts, const char *socket, int timeout_ms)
{
	struct np_rpc_error error;
	json_t *memory;
	int err = np_client_call(socket, "memory", NULL, -1, timeout_ms, &memory, &error);

	if (err == 0) {
		np_doc_take_notes(facts, memory);
		json_decref(memory);
	} else if (err > 0) {
		np_doc_unseen(facts, "a daemon's self-tests: it answers \"%s\"", error.message);
	} else if (err != -ENOENT && err != -ECONNREFUSED) {
		np_doc_unseen(facts, "whether a daemon runs: %s: %s", socket, strerror(-err));
	}
}

/* What others than root cannot see is named once, not for each device. */
static void admit_not_root(struct np_doc_facts *facts, bool wants_test)
{
	if (facts->host.is_root)
		return;
	np_doc_unseen(facts,
		"without root: whether ACS redirects, whether memory and drives can be opened, "
		"what a daemon found%s",
		wants_test ? "; and no self-test can run" : "");
}

static int examine(const char *socket, int timeout_ms, bool wants_test, bool is_json)
{
	struct np_doc_facts facts = {.rnics = NULL};
	struct np_doc_report report;
	json_t *result;

	np_doc_find_host(&facts);
	np_doc_find_rnics(&facts);
	np_doc_find_drives(&facts);
	np_doc_find_providers(&facts);
	np_doc_infer(&facts);
	ask_daemon(&facts, socket, timeout_ms);
	admit_not_root(&facts, wants_test);
	if (wants_test && facts.host.is_root)
		np_doc_test(&facts);
	np_doc_judge(&facts, &report);
	result = np_doc_json(&facts, &report);
	if (!result) {
		fputs("nvmet-p2p-cli: out of memory\n", stderr);
		return NP_DOC_CANNOT_TELL;
	}
	if (is_json) {
		json_dumpf(result, stdout, JSON_INDENT(2));
		fputc('\n', stdout);
	} else {
		np_doc_print(result, stdout);
	}
	json_decref(result);
	np_doc_report_fini(&report);
	np_doc_facts_fini(&facts);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "nvmet-p2p-cli: standard output: %s\n", strerror(errno));
		return NP_DOC_CANNOT_TELL;
	}
	return (int)report.result;
}

int np_cli_run_doctor(struct np_cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		NP_CLI_LONG, {"test", no_argument, NULL, 'T'}, {NULL, 0, NULL, 0}};
	bool wants_test = false;
	int opt, ret;

	while ((opt = getopt_long(argc, argv, NP_CLI_SHORT, options, NULL)) != -1) {
		ret = NP_CLI_OK;
		if (opt == 'T')
			wants_test = true;
		else
			ret = np_cli_option(cli, opt);
		if (ret)
			return ret;
	}
	if (optind < argc)
		return np_cli_usage("one command at a time, not also", argv[optind]);
	return examine(cli->socket, cli->timeout_s * 1000, wants_test, cli->is_json);
}
