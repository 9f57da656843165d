// SPDX-License-Identifier: BSD-3-Clause
/*
 * Tests of nvmet-p2p-cli as it is run: the executable against a server in a child process that
 * answers with fixed results. The expected tables are in data/cli-NAME.txt.
 *
 * Thread: one, and a child process.
 * Depends: cmocka, libev.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/rpc.h"

#define OUTPUT_MAX 8192

struct fixture {
	char dir[64];
	char socket[96];
	char old_socket[96]; /* of a daemon that knows none of our methods */
	pid_t server;
};

static int answer_from_file(const char *name, json_t **ret_result)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/cli-%s.json", NP_TEST_DATA, name);
	*ret_result = json_load_file(path, 0, NULL);
	return *ret_result ? 0 : -ENOENT;
}

#define METHOD(name)                                                                              \
	static int method_##name(                                                                 \
		void *ctx, const json_t *params, json_t **ret_result, struct np_rpc_error *error) \
	{                                                                                         \
		(void)ctx;                                                                        \
		(void)params;                                                                     \
		(void)error;                                                                      \
		return answer_from_file(#name, ret_result);                                       \
	}

METHOD(status)
METHOD(stats)
METHOD(conns)
METHOD(memory)
METHOD(events)

/* Reads what is in the file that was handed over. */
static int method_add_memory(
	void *ctx, const json_t *params, int fd, json_t **ret_result, struct np_rpc_error *error)
{
	const char *name = json_string_value(json_object_get(params, "name"));
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	(void)ctx;
	(void)error;
	*ret_result = json_pack("{s:s, s:b, s:[{s:s, s:s, s:s}]}", "name", name, "is_peer", 0,
		"devices", "device", "rxe0", "result", n < 0 ? "none" : "works", "reason", text);
	return 0;
}

static const struct np_rpc_method methods[] = {
	{"status", method_status, NULL},
	{"stats", method_stats, NULL},
	{"conns", method_conns, NULL},
	{"memory", method_memory, NULL},
	{"events", method_events, NULL},
	{"add_memory", NULL, method_add_memory},
	{NULL, NULL, NULL},
};

static const struct np_rpc_method no_methods[] = {{NULL, NULL, NULL}};

/* Until killed. Exits instead of returning to cmocka. */
static void serve(const struct fixture *f, int ready_fd)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct np_rpc *rpc;
	struct np_rpc *old;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (np_rpc_open(loop, f->socket, methods, NULL, NULL, 0, &rpc) < 0 ||
		np_rpc_open(loop, f->old_socket, no_methods, NULL, NULL, 0, &old) < 0 ||
		write(ready_fd, "r", 1) != 1)
		_exit(1);
	ev_run(loop, 0);
	_exit(0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int ready[2];
	char byte;

	strcpy(f->dir, "/tmp/test_cli_XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->socket, sizeof(f->socket), "%s/sock", f->dir);
	snprintf(f->old_socket, sizeof(f->old_socket), "%s/old", f->dir);
	assert_int_equal(pipe(ready), 0);
	f->server = fork();
	assert_true(f->server >= 0);
	if (f->server == 0)
		serve(f, ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	kill(f->server, SIGKILL);
	waitpid(f->server, NULL, 0);
	unlink(f->socket);
	unlink(f->old_socket);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

/* Run the CLI with @args; what it prints on both streams goes to @output. Return: exit status. */
static int run_cli(const char *args, char *output)
{
	const char *emulator = getenv("NP_TEST_EMULATOR");
	char command[1024];
	size_t used = 0;
	size_t n;
	FILE *pipe_in;
	int status;

	snprintf(command, sizeof(command), "%s %s/nvmet-p2p-cli %s 2>&1", emulator ? emulator : "",
		NP_TEST_BIN, args);
	pipe_in = popen(command, "r");
	assert_non_null(pipe_in);
	while ((n = fread(output + used, 1, OUTPUT_MAX - 1 - used, pipe_in)) > 0)
		used += n;
	output[used] = '\0';
	status = pclose(pipe_in);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int run_on(const char *path, const char *args, char *output)
{
	char all[512];

	snprintf(all, sizeof(all), "-s %s %s", path, args);
	return run_cli(all, output);
}

static void expect_table(const struct fixture *f, const char *name)
{
	char output[OUTPUT_MAX];
	char expected[OUTPUT_MAX];
	char path[512];
	size_t n;
	FILE *file;

	snprintf(path, sizeof(path), "%s/cli-%s.txt", NP_TEST_DATA, name);
	file = fopen(path, "r");
	assert_non_null(file);
	n = fread(expected, 1, sizeof(expected) - 1, file);
	expected[n] = '\0';
	fclose(file);
	assert_int_equal(run_on(f->socket, name, output), 0);
	assert_string_equal(output, expected);
}

static void test_cli__prints_tables(void **state)
{
	expect_table(*state, "status");
	expect_table(*state, "stats");
	expect_table(*state, "conns");
	expect_table(*state, "memory");
	setenv("TZ", "UTC", 1);
	expect_table(*state, "events");
}

static void test_cli__prints_json_as_it_is(void **state)
{
	struct fixture *f = *state;
	static const char *const forms[] = {"--json stats", "stats --json", "-j stats"};
	json_t *expected;

	assert_int_equal(answer_from_file("stats", &expected), 0);
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		char output[OUTPUT_MAX];
		json_t *json;

		assert_int_equal(run_on(f->socket, forms[i], output), 0);
		json = json_loads(output, 0, NULL);
		assert_non_null(json);
		assert_true(json_equal(json, expected));
		json_decref(json);
	}
	json_decref(expected);
}

static void test_cli__hands_a_descriptor_over(void **state)
{
	struct fixture *f = *state;
	char output[OUTPUT_MAX], args[256], path[96];
	FILE *file;

	snprintf(path, sizeof(path), "%s/file", f->dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("in the file", file);
	assert_int_equal(fclose(file), 0);
	snprintf(args, sizeof(args), "add-memory gpu0 --fd 7 7<%s", path);
	assert_int_equal(run_on(f->socket, args, output), 0);
	assert_string_equal(output,
		"gpu0, which is host memory\n"
		"  with rxe0: works: in the file\n");
	assert_int_equal(unlink(path), 0);
}

static void test_cli__an_error_of_the_daemon_is_1(void **state)
{
	struct fixture *f = *state;
	char output[OUTPUT_MAX];

	assert_int_equal(run_on(f->old_socket, "memory", output), 1);
	assert_string_equal(output, "nvmet-p2p-cli: memory: no method \"memory\" (-32601)\n");
}

static void test_cli__no_daemon_is_2(void **state)
{
	char output[OUTPUT_MAX];

	(void)state;
	assert_int_equal(run_cli("-s /nonexistent/sock status", output), 2);
	assert_string_equal(output,
		"nvmet-p2p-cli: /nonexistent/sock: No such file or directory "
		"(is nvmet-p2pd running?)\n");
}

static void test_cli__a_daemon_that_does_not_answer_is_2(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct fixture *f = *state;
	char output[OUTPUT_MAX];
	char args[256];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/mute", f->dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 4), 0);
	snprintf(args, sizeof(args), "-s %s -t 1 status", addr.sun_path);
	assert_int_equal(run_cli(args, output), 2);
	assert_non_null(
		strstr(output, "/mute: Connection timed out (the daemon may still do it)\n"));
	close(fd);
	assert_int_equal(unlink(addr.sun_path), 0);
}

static void test_cli__wrong_usage_is_2(void **state)
{
	static const struct {
		const char *args;
		const char *says;
	} cases[] = {
		{"", "nvmet-p2p-cli: no command, try --help\n"},
		{"stat", "nvmet-p2p-cli: no command \"stat\", try --help\n"},
		{"stats conns",
			"nvmet-p2p-cli: one command at a time, not also \"conns\", try --help\n"},
		{"-t x stats", "nvmet-p2p-cli: no number of seconds: \"x\", try --help\n"},
		{"add-memory --fd 0", "nvmet-p2p-cli: add-memory needs one name, try --help\n"},
		{"add-memory a b --fd 0", "nvmet-p2p-cli: add-memory needs one name, try --help\n"},
		{"add-memory a",
			"nvmet-p2p-cli: add-memory needs either --fd or --exporter, try --help\n"},
		{"add-memory a --fd 0 --exporter udmabuf",
			"nvmet-p2p-cli: add-memory needs either --fd or --exporter, try --help\n"},
		{"add-memory a --fd -1",
			"nvmet-p2p-cli: no number that would do: \"-1\", try --help\n"},
		{"add-memory a --exporter gpu",
			"nvmet-p2p-cli: only \"udmabuf\" can be made here, not \"gpu\", try "
			"--help\n"},
	};
	struct fixture *f = *state;
	char output[OUTPUT_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(run_cli(cases[i].args, output), 2);
		assert_string_equal(output, cases[i].says);
	}
	assert_int_equal(run_cli("--colour", output), 2);
	assert_int_equal(run_cli("--help", output), 0);
	assert_non_null(strstr(output, "\n  status "));
	assert_int_equal(run_cli("--version", output), 0);
	assert_string_equal(output, "nvmet-p2p-cli " NP_VERSION "\n");
	assert_int_equal(run_on(f->socket, "status >/dev/full", output), 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cli__prints_tables),
		cmocka_unit_test(test_cli__prints_json_as_it_is),
		cmocka_unit_test(test_cli__hands_a_descriptor_over),
		cmocka_unit_test(test_cli__an_error_of_the_daemon_is_1),
		cmocka_unit_test(test_cli__no_daemon_is_2),
		cmocka_unit_test(test_cli__a_daemon_that_does_not_answer_is_2),
		cmocka_unit_test(test_cli__wrong_usage_is_2),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
