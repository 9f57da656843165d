// SPDX-License-Identifier: BSD-3-Clause
/*
 * Tests of descriptors over the control socket: handed to the method, closed if nobody takes them.
 * What is handed over is the writing end of a pipe: its reader sees the end when all are closed.
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
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/rpc.h"
#include "config/rpc_fd.h"

#define REQUEST(method) "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" method "\"}\n"

struct fixture {
	struct ev_loop *loop;
	struct np_rpc *rpc;
	char dir[64];
	char path[96];
	int client;
	int reader, writer; /* a pipe */
};

static int method_plain(
	void *ctx, const json_t *params, json_t **ret_result, struct np_rpc_error *error)
{
	(void)ctx;
	(void)params;
	(void)error;
	*ret_result = json_string("plain");
	return 0;
}

/* Writes one byte into the descriptor. */
static int method_write(
	void *ctx, const json_t *params, int fd, json_t **ret_result, struct np_rpc_error *error)
{
	(void)ctx;
	(void)params;
	(void)error;
	if (fd < 0)
		return -EBADF;
	*ret_result = json_integer(write(fd, "x", 1));
	return 0;
}

static const struct np_rpc_method methods[] = {
	{"plain", method_plain, NULL},
	{"write", NULL, method_write},
	{NULL, NULL, NULL},
};

static int setup(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct fixture *f = calloc(1, sizeof(*f));
	int fds[2];

	assert_non_null(f);
	strcpy(f->dir, "/tmp/test_rpc_XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/sock", f->dir);
	f->loop = ev_loop_new(EVFLAG_AUTO);
	assert_int_equal(np_rpc_open(f->loop, f->path, methods, f, NULL, 0, &f->rpc), 0);
	f->client = socket(AF_UNIX, SOCK_STREAM, 0);
	memcpy(addr.sun_path, f->path, strlen(f->path) + 1);
	assert_int_equal(connect(f->client, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	f->reader = fds[0];
	f->writer = fds[1];
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	np_rpc_close(f->rpc);
	ev_loop_destroy(f->loop);
	close(f->client);
	close(f->reader);
	if (f->writer >= 0)
		close(f->writer);
	unlink(f->path);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

/* Runs the loop as long as anything is to be done, then reads what was answered. */
static void expect_answer(struct fixture *f, const char *part)
{
	char text[512];
	ssize_t n = -1;

	for (int i = 0; i < 1000 && n < 0; i++) {
		ev_run(f->loop, EVRUN_NOWAIT);
		n = recv(f->client, text, sizeof(text) - 1, MSG_DONTWAIT);
	}
	assert_true(n > 0);
	text[n] = '\0';
	if (!strstr(text, part))
		fail_msg("no %s in %s", part, text);
}

/* Our own is closed, and the server has none left: the pipe is at its end. */
static void expect_closed(struct fixture *f)
{
	char byte;

	close(f->writer);
	f->writer = -1;
	assert_int_equal(read(f->reader, &byte, 1), 0);
}

static void send_with(struct fixture *f, const char *text)
{
	assert_int_equal(
		np_rpc_send_with(f->client, text, strlen(text), f->writer), (ssize_t)strlen(text));
}

static void test_rpc_fd__reaches_the_method(void **state)
{
	struct fixture *f = *state;
	char bytes[4];

	send_with(f, REQUEST("write"));
	expect_answer(f, "\"result\":1");
	assert_int_equal(read(f->reader, bytes, sizeof(bytes)), 1);
	expect_closed(f);
}

static void test_rpc_fd__comes_with_the_first_part(void **state)
{
	struct fixture *f = *state;
	const char *rest = &REQUEST("write")[5];

	assert_int_equal(np_rpc_send_with(f->client, REQUEST("write"), 5, f->writer), 5);
	ev_run(f->loop, EVRUN_NOWAIT);
	assert_int_equal(send(f->client, rest, strlen(rest), 0), (ssize_t)strlen(rest));
	expect_answer(f, "\"result\":1");
	assert_int_equal(read(f->reader, (char[4]){0}, 4), 1);
	expect_closed(f);
}

static void test_rpc_fd__is_of_one_request(void **state)
{
	struct fixture *f = *state;

	send_with(f, REQUEST("write"));
	expect_answer(f, "\"result\":1");
	assert_int_equal(read(f->reader, (char[4]){0}, 4), 1);
	assert_true(send(f->client, REQUEST("write"), strlen(REQUEST("write")), 0) > 0);
	expect_answer(f, "Bad file descriptor");
	expect_closed(f);
}

static void test_rpc_fd__is_closed_unless_taken(void **state)
{
	static const char *const requests[] = {
		REQUEST("plain"), REQUEST("none"), "{\n", "{\"jsonrpc\":\"2.0\",\"id\":[]}\n"};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		send_with(f, requests[i]);
		expect_answer(f, "\"jsonrpc\"");
	}
	expect_closed(f);
}

static void test_rpc_fd__is_closed_with_the_client(void **state)
{
	struct fixture *f = *state;

	send_with(f, "{");
	send_with(f, " ");
	for (int i = 0; i < 10; i++)
		ev_run(f->loop, EVRUN_NOWAIT);
	close(f->client);
	f->client = socket(AF_UNIX, SOCK_STREAM, 0);
	for (int i = 0; i < 10; i++)
		ev_run(f->loop, EVRUN_NOWAIT);
	expect_closed(f);
}

/* Three in one message, and more than there is room for in another. */
static void test_rpc_fd__keeps_only_the_first(void **state)
{
	static const size_t counts[] = {3, 60};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct iovec iov = {REQUEST("write"), strlen(REQUEST("write"))};
		char control[CMSG_SPACE(60 * sizeof(int))] __attribute__((aligned(8))) = {0};
		struct msghdr msg = {.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = CMSG_SPACE(counts[i] * sizeof(int))};
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(counts[i] * sizeof(int));
		for (size_t j = 0; j < counts[i]; j++)
			memcpy(CMSG_DATA(cmsg) + j * sizeof(int), &f->writer, sizeof(int));
		assert_true(sendmsg(f->client, &msg, 0) > 0);
		expect_answer(f, "\"result\":1");
		assert_int_equal(read(f->reader, (char[4]){0}, 4), 1);
	}
	expect_closed(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_rpc_fd__reaches_the_method),
		TEST(test_rpc_fd__comes_with_the_first_part),
		TEST(test_rpc_fd__is_of_one_request),
		TEST(test_rpc_fd__is_closed_unless_taken),
		TEST(test_rpc_fd__is_closed_with_the_client),
		TEST(test_rpc_fd__keeps_only_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
