// SPDX-License-Identifier: BSD-3-Clause
/*
 * Tests of np_rpc_open() and np_rpc_close(): the socket file and what may lie in its place.
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
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/rpc.h"

/* Of the last np_rpc_open(). */
static char why[192];

struct fixture {
	struct ev_loop *loop;
	struct np_rpc *rpc;
	char dir[64];
	char path[96];
};

static const struct np_rpc_method methods[] = {{NULL, NULL, NULL}};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/test_rpc_XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/sock", f->dir);
	f->loop = ev_loop_new(EVFLAG_AUTO);
	assert_int_equal(np_rpc_open(f->loop, f->path, methods, f, why, sizeof(why), &f->rpc), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	np_rpc_close(f->rpc);
	ev_loop_destroy(f->loop);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static void test_open__mode_is_0600_whatever_the_umask(void **state)
{
	static const mode_t masks[] = {0, 022, 0777};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		mode_t old = umask(masks[i]);
		struct stat st;

		np_rpc_close(f->rpc);
		assert_int_equal(access(f->path, F_OK), -1);
		assert_int_equal(
			np_rpc_open(f->loop, f->path, methods, f, why, sizeof(why), &f->rpc), 0);
		umask(old);
		assert_int_equal(stat(f->path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
}

static void test_open__replaces_only_a_stale_socket(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct np_rpc *second = NULL;
	char path[128];
	int fd;

	assert_int_equal(
		np_rpc_open(f->loop, f->path, methods, f, why, sizeof(why), &second), -EADDRINUSE);
	assert_null(second);
	assert_non_null(strstr(why, "another daemon"));

	snprintf(path, sizeof(path), "%s/other", f->dir);
	memcpy(addr.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd);
	assert_int_equal(np_rpc_open(f->loop, path, methods, f, why, sizeof(why), &second), 0);
	np_rpc_close(second);

	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	assert_int_equal(
		np_rpc_open(f->loop, path, methods, f, why, sizeof(why), &second), -EEXIST);
	assert_int_equal(unlink(path), 0);

	assert_int_equal(
		np_rpc_open(f->loop, "/nonexistent/sock", methods, f, why, sizeof(why), &second),
		-ENOENT);
	assert_non_null(strstr(why, "/nonexistent/sock: No such file"));
	memset(path, 'x', 120);
	path[120] = '\0';
	assert_int_equal(
		np_rpc_open(f->loop, path, methods, f, why, sizeof(why), &second), -ENAMETOOLONG);
}

static void test_close__leaves_the_socket_of_another(void **state)
{
	struct fixture *f = *state;
	struct np_rpc *second;

	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(np_rpc_open(f->loop, f->path, methods, f, why, sizeof(why), &second), 0);
	np_rpc_close(f->rpc);
	assert_int_equal(access(f->path, F_OK), 0);
	f->rpc = second;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_open__mode_is_0600_whatever_the_umask, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_open__replaces_only_a_stale_socket, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_close__leaves_the_socket_of_another, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
