// SPDX-License-Identifier: BSD-3-Clause
/*
 * Tests of config/rpc.c: a server on a socket of its own, real clients, one thread that runs the
 * loop until what it waits for is there.
 *
 * Thread: one.
 * Depends: cmocka, libev.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/rpc.h"

#define BIG_BYTES (4 << 20)
#define WAIT_LIMIT_S 20.0

struct fixture {
	struct ev_loop *loop;
	struct np_rpc *rpc;
	char dir[64];
	char path[96];
	unsigned int n_calls;
};

static int method_echo(
	void *ctx, const json_t *params, json_t **ret_result, struct np_rpc_error *error)
{
	(void)error;
	((struct fixture *)ctx)->n_calls++;
	*ret_result = params ? json_deep_copy(params) : json_string("none");
	return 0;
}

static int method_big(
	void *ctx, const json_t *params, json_t **ret_result, struct np_rpc_error *error)
{
	char *text = malloc(BIG_BYTES);

	(void)ctx;
	(void)params;
	(void)error;
	memset(text, 'x', BIG_BYTES);
	*ret_result = json_stringn(text, BIG_BYTES);
	free(text);
	return 0;
}

static int method_busy(
	void *ctx, const json_t *params, json_t **ret_result, struct np_rpc_error *error)
{
	(void)ctx;
	(void)params;
	(void)ret_result;
	(void)error;
	return -EBUSY;
}

static int method_picky(
	void *ctx, const json_t *params, json_t **ret_result, struct np_rpc_error *error)
{
	(void)ctx;
	(void)params;
	(void)ret_result;
	error->code = NP_RPC_INVALID_PARAMS;
	strcpy(error->message, "not so");
	return -EINVAL;
}

static const struct np_rpc_method methods[] = {
	{"echo", method_echo, NULL},
	{"big", method_big, NULL},
	{"busy", method_busy, NULL},
	{"picky", method_picky, NULL},
	{NULL, NULL, NULL},
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/test_rpc_XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/sock", f->dir);
	f->loop = ev_loop_new(EVFLAG_AUTO);
	assert_int_equal(np_rpc_open(f->loop, f->path, methods, f, NULL, 0, &f->rpc), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	np_rpc_close(f->rpc);
	ev_loop_destroy(f->loop);
	unlink(f->path);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static int client_open(const struct fixture *f)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(addr.sun_path, f->path, strlen(f->path) + 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static void client_send(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Takes from @fd what is there, up to the end of a line. Return: bytes, 0 at its end, or -1. */
static ssize_t take_line(int fd, char *to, size_t room)
{
	ssize_t n = recv(fd, to, room, MSG_DONTWAIT | MSG_PEEK);
	char *end = n > 0 ? memchr(to, '\n', (size_t)n) : NULL;

	return n > 0 ? recv(fd, to, end ? (size_t)(end + 1 - to) : (size_t)n, MSG_DONTWAIT) : n;
}

/* Run the loop until @fd gave a line, which the caller frees, or its end: NULL. */
static char *client_line(const struct fixture *f, int fd)
{
	ev_tstamp limit = ev_time() + WAIT_LIMIT_S;
	const size_t room = BIG_BYTES + 256;
	char *line = malloc(room);
	size_t used = 0;

	while (ev_time() < limit) {
		ssize_t n = take_line(fd, line + used, room - used);

		if (n == 0)
			break;
		if (n < 0 && errno != EAGAIN) /* the server closed with bytes of ours unread */
			break;
		if (n < 0) {
			ev_run(f->loop, EVRUN_NOWAIT);
			continue;
		}
		used += (size_t)n;
		if (line[used - 1] == '\n') {
			line[used - 1] = '\0';
			return line;
		}
	}
	if (ev_time() >= limit)
		fail_msg("no line within %.0f s", WAIT_LIMIT_S);
	free(line);
	return NULL;
}

static void expect_line(const struct fixture *f, int fd, const char *expected)
{
	char *line = client_line(f, fd);

	assert_non_null(line);
	assert_string_equal(line, expected);
	free(line);
}

static void expect_end(const struct fixture *f, int fd)
{
	char *line = client_line(f, fd);

	if (line)
		fail_msg("expected the end, got %s", line);
}

#define REQUEST(id, method) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\"}\n"
#define RESULT(id, result) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" result "}"
#define ERROR(id, code, message)                                                                 \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":{\"code\":" code ",\"message\":\"" message \
	"\"}}"

static void test_server__answers(void **state)
{
	static const struct {
		const char *request;
		const char *answer;
	} cases[] = {
		{REQUEST("1", "echo"), RESULT("1", "\"none\"")},
		{REQUEST("\"a\"", "echo"), RESULT("\"a\"", "\"none\"")},
		{REQUEST("null", "echo"), RESULT("null", "\"none\"")},
		{"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"echo\",\"params\":[1,{}]}\n",
			RESULT("2", "[1,{}]")},
		{REQUEST("3", "nothing"), ERROR("3", "-32601", "no method \\\"nothing\\\"")},
		{REQUEST("4", "busy"), ERROR("4", "-32000", "Device or resource busy")},
		{REQUEST("5", "picky"), ERROR("5", "-32602", "not so")},
		{"[]\n", ERROR("null", "-32600", "not a JSON-RPC 2.0 request")},
		{"{\n", ERROR("null", "-32700", "string or '}' expected near end of file")},
	};
	struct fixture *f = *state;
	int fd = client_open(f);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		client_send(fd, cases[i].request);
		expect_line(f, fd, cases[i].answer);
	}
	close(fd);
}

static void test_server__does_not_answer_notifications(void **state)
{
	struct fixture *f = *state;
	int fd = client_open(f);

	client_send(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}\n" REQUEST("9", "echo"));
	expect_line(f, fd, RESULT("9", "\"none\""));
	assert_int_equal(f->n_calls, 2);
	close(fd);
}

static void test_server__takes_any_split_and_keeps_the_order(void **state)
{
	static const char text[] =
		REQUEST("1", "echo") "\n" REQUEST("2", "busy") REQUEST("3", "echo");
	struct fixture *f = *state;
	int fd = client_open(f);

	client_send(fd, text);
	for (const char *c = text; *c; c++) {
		client_send(fd, (char[]){*c, '\0'});
		ev_run(f->loop, EVRUN_NOWAIT);
	}
	for (int round = 0; round < 2; round++) {
		expect_line(f, fd, RESULT("1", "\"none\""));
		expect_line(f, fd, ERROR("2", "-32000", "Device or resource busy"));
		expect_line(f, fd, RESULT("3", "\"none\""));
	}
	close(fd);
}

/* The answer does not fit the socket: others are served meanwhile, the rest follows in order. */
static void test_server__a_slow_reader_holds_up_nobody(void **state)
{
	struct fixture *f = *state;
	int slow = client_open(f);
	int other = client_open(f);
	char *line;

	client_send(slow, REQUEST("1", "big") REQUEST("2", "echo"));
	for (int i = 0; i < 10; i++)
		ev_run(f->loop, EVRUN_NOWAIT);
	client_send(other, REQUEST("5", "echo"));
	expect_line(f, other, RESULT("5", "\"none\""));
	assert_int_equal(f->n_calls, 1);

	line = client_line(f, slow);
	assert_int_equal(strlen(line), BIG_BYTES + strlen(RESULT("1", "\"\"")));
	free(line);
	expect_line(f, slow, RESULT("2", "\"none\""));
	close(slow);
	close(other);
}

static void test_server__drops_a_client_that_takes_nothing(void **state)
{
	struct fixture *f = *state;
	ev_tstamp start = ev_time();
	int fd = client_open(f);

	client_send(fd, REQUEST("1", "big"));
	/* That the server is gone shows in sending: what it sent before could still be read. */
	while (send(fd, "\n", 1, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 || errno == EAGAIN) {
		assert_true(ev_time() < start + WAIT_LIMIT_S);
		ev_run(f->loop, EVRUN_ONCE);
	}
	assert_true(ev_time() > start + NP_RPC_STALL_S / 2);
	close(fd);
}

static void test_server__refuses_a_request_without_end(void **state)
{
	struct fixture *f = *state;
	int fd = client_open(f);
	char *text = malloc(NP_RPC_REQUEST_MAX + 2);

	memset(text, ' ', NP_RPC_REQUEST_MAX + 1);
	text[NP_RPC_REQUEST_MAX + 1] = '\0';
	client_send(fd, text);
	expect_line(f, fd, ERROR("null", "-32600", "request too long"));
	expect_end(f, fd);
	free(text);
	close(fd);
}

static void test_server__survives_clients_that_leave(void **state)
{
	struct fixture *f = *state;
	int fds[3];

	for (int i = 0; i < 3; i++)
		fds[i] = client_open(f);
	client_send(fds[0], "{\"jsonrpc\"");
	client_send(fds[1], REQUEST("1", "big") REQUEST("2", "big"));
	for (int i = 0; i < 5; i++)
		ev_run(f->loop, EVRUN_NOWAIT);
	close(fds[0]);
	close(fds[1]);
	client_send(fds[2], REQUEST("1", "echo"));
	expect_line(f, fds[2], RESULT("1", "\"none\""));
	close(fds[2]);
}

/* Half a connection is enough: the answer follows the end of the requests. */
static void test_server__answers_after_shutdown(void **state)
{
	struct fixture *f = *state;
	int fd = client_open(f);

	client_send(fd, REQUEST("1", "echo"));
	shutdown(fd, SHUT_WR);
	expect_line(f, fd, RESULT("1", "\"none\""));
	expect_end(f, fd);
	close(fd);
}

static void test_server__limits_the_clients(void **state)
{
	struct fixture *f = *state;
	int fds[NP_RPC_CLIENTS_MAX + 1];

	for (int i = 0; i < NP_RPC_CLIENTS_MAX; i++) {
		fds[i] = client_open(f);
		client_send(fds[i], REQUEST("1", "echo"));
		expect_line(f, fds[i], RESULT("1", "\"none\""));
	}
	fds[NP_RPC_CLIENTS_MAX] = client_open(f);
	expect_end(f, fds[NP_RPC_CLIENTS_MAX]);
	close(fds[NP_RPC_CLIENTS_MAX]);

	close(fds[0]);
	ev_run(f->loop, EVRUN_NOWAIT);
	fds[0] = client_open(f);
	client_send(fds[0], REQUEST("2", "echo"));
	expect_line(f, fds[0], RESULT("2", "\"none\""));
	for (int i = 0; i < NP_RPC_CLIENTS_MAX; i++)
		close(fds[i]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_server__answers, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_server__does_not_answer_notifications, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_server__takes_any_split_and_keeps_the_order, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_server__a_slow_reader_holds_up_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_server__drops_a_client_that_takes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_server__refuses_a_request_without_end, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_server__survives_clients_that_leave, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_server__answers_after_shutdown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_server__limits_the_clients, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
