// SPDX-License-Identifier: BSD-3-Clause
/*
 * One call of the daemon over its control socket.
 *
 * Thread: the only one.
 * Depends: config/rpc_proto.h.
 */
#include "tools/nvmet-p2p-cli/client.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "config/rpc_fd.h"

#define CALL_ID 1

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int wait_for(int fd, short events, int64_t deadline_ms)
{
	struct pollfd pfd = {.fd = fd, .events = events};

	for (;;) {
		int64_t left_ms = deadline_ms - now_ms();
		int n = poll(&pfd, 1, left_ms > 0 ? (int)left_ms : 0);

		if (n > 0)
			return 0;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

static int connect_to(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int err;
	int fd;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static int send_all(int fd, const char *text, int passed, int64_t deadline_ms)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t n = passed < 0 ? send(fd, text, len, MSG_NOSIGNAL)
				       : np_rpc_send_with(fd, text, len, passed);
		int err;

		if (n >= 0) {
			passed = -1;
			text += n;
			len -= (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return errno == EPIPE ? -ECONNRESET : -errno;
		err = wait_for(fd, POLLOUT, deadline_ms);
		if (err < 0)
			return err;
	}
	return 0;
}

/* Receive until @decoder gives a frame. */
static int receive_frame(int fd, struct np_rpc_decoder *decoder, int64_t deadline_ms,
	const char **ret_frame, size_t *ret_len)
{
	char bytes[16 << 10];

	for (;;) {
		int err = np_rpc_decoder_next(decoder, ret_frame, ret_len);
		ssize_t n;

		if (err != 0)
			return err < 0 ? err : 0;
		err = wait_for(fd, POLLIN, deadline_ms);
		if (err < 0)
			return err;
		n = recv(fd, bytes, sizeof(bytes), 0);
		if (n == 0)
			return -ECONNRESET;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n > 0 && np_rpc_decoder_feed(decoder, bytes, (size_t)n) < 0)
			return -ENOMEM;
	}
}

static int take_reply(
	const char *frame, size_t len, json_t **ret_result, struct np_rpc_error *ret_error)
{
	struct np_rpc_reply reply;
	bool is_result;

	if (np_rpc_parse_reply(frame, len, &reply) < 0)
		return -EPROTO;
	/* An error about a request that could not be read has no id. */
	if (reply.result && reply.id != CALL_ID) {
		np_rpc_reply_fini(&reply);
		return -EPROTO;
	}
	is_result = reply.result != NULL;
	if (is_result)
		*ret_result = json_incref(reply.result);
	else
		*ret_error = reply.error;
	np_rpc_reply_fini(&reply);
	return is_result ? 0 : 1;
}

int np_client_call(const char *path, const char *method, json_t *params, int passed, int timeout_ms,
	json_t **ret_result, struct np_rpc_error *ret_error)
{
	int64_t deadline_ms = now_ms() + timeout_ms;
	struct np_rpc_decoder decoder;
	char *request = np_rpc_format_request(CALL_ID, method, params);
	const char *frame;
	size_t len;
	int err;
	int fd;

	if (!request)
		return -ENOMEM;
	fd = connect_to(path);
	if (fd < 0) {
		free(request);
		return fd;
	}
	np_rpc_decoder_init(&decoder, NP_RPC_REPLY_MAX);
	err = send_all(fd, request, passed, deadline_ms);
	if (err == 0)
		err = receive_frame(fd, &decoder, deadline_ms, &frame, &len);
	if (err == 0)
		err = take_reply(frame, len, ret_result, ret_error);
	np_rpc_decoder_fini(&decoder);
	close(fd);
	free(request);
	return err;
}
