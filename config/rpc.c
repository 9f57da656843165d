// SPDX-License-Identifier: BSD-3-Clause
/*
 * The control socket of the daemon: the socket, its clients, their requests.
 *
 * Thread: control, the one that runs the loop.
 * Depends: config/rpc_proto.h, base/log.h, libev.
 */
#include "config/rpc.h"

#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/rpc_answer.h"
#include "config/rpc_fd.h"
#include "target/base/list.h"
#include "target/base/log.h"

#define READ_BYTES (16 << 10)
#define ACCEPT_PAUSE_S 1.0

struct np_rpc {
	struct ev_loop *loop;
	const struct np_rpc_method *methods;
	void *ctx;
	struct sockaddr_un addr;
	dev_t dev; /* of our socket file, to know it again */
	ino_t ino;
	int fd;
	ev_io accept_io;
	ev_timer accept_pause;
	struct np_list clients;
	unsigned int n_clients;
	struct np_log_limit limit;
};

struct client {
	struct np_list node;
	struct np_rpc *rpc;
	int fd;
	int passed; /* a descriptor, for the first request that is answered; -1: none */
	ev_io read_io;
	ev_io write_io;
	ev_timer stall;
	struct np_rpc_decoder decoder;
	char *out; /* the answer on its way, NULL when there is none */
	size_t out_len;
	size_t out_sent;
	bool is_last; /* close when out is sent */
};

static void client_drop_passed(struct client *client)
{
	if (client->passed >= 0)
		close(client->passed);
	client->passed = -1;
}

static void client_free(struct client *client)
{
	struct ev_loop *loop = client->rpc->loop;

	ev_io_stop(loop, &client->read_io);
	ev_io_stop(loop, &client->write_io);
	ev_timer_stop(loop, &client->stall);
	np_list_del(&client->node);
	client->rpc->n_clients--;
	np_rpc_decoder_fini(&client->decoder);
	free(client->out);
	client_drop_passed(client);
	close(client->fd);
	free(client);
}

static void client_set_out(struct client *client, char *text)
{
	client->out = text;
	client->out_len = text ? strlen(text) : 0;
	client->out_sent = 0;
}

/* Answer complete requests until an answer is on its way or there are no more. */
static void client_answer(struct client *client)
{
	const char *frame;
	size_t len;
	int ready = 0;

	while (!client->out && (ready = np_rpc_decoder_next(&client->decoder, &frame, &len)) > 0) {
		client_set_out(client,
			np_rpc_answer(client->rpc->methods, client->rpc->ctx, frame, len,
				client->passed));
		client_drop_passed(client);
	}
	if (!client->out && ready < 0) {
		struct np_rpc_error error = {NP_RPC_INVALID_REQUEST, "request too long"};

		client_set_out(client, np_rpc_format_error(NULL, &error));
		client->is_last = true;
	}
}

/* Return: 1 all is sent; 0 the socket is full; -errno the client is gone. */
static int client_send(struct client *client)
{
	while (client->out_sent < client->out_len) {
		ssize_t n = send(client->fd, client->out + client->out_sent,
			client->out_len - client->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		client->out_sent += (size_t)n;
	}
	free(client->out);
	client_set_out(client, NULL);
	return 1;
}

/* Move the client on as far as it goes without waiting; may free it. */
static void client_run(struct client *client)
{
	struct ev_loop *loop = client->rpc->loop;
	size_t sent_before;
	int done;

	do {
		client_answer(client);
		sent_before = client->out_sent;
		done = client->out ? client_send(client) : 0;
		if (done < 0 || (done > 0 && client->is_last)) {
			client_free(client);
			return;
		}
	} while (done > 0);

	if (!client->out) {
		ev_timer_stop(loop, &client->stall);
		ev_io_stop(loop, &client->write_io);
		ev_io_start(loop, &client->read_io);
		return;
	}
	if (client->out_sent > sent_before || !ev_is_active(&client->stall))
		ev_timer_again(loop, &client->stall);
	ev_io_stop(loop, &client->read_io);
	ev_io_start(loop, &client->write_io);
}

static void on_read(struct ev_loop *loop, ev_io *io, int events)
{
	struct client *client = io->data;
	char bytes[READ_BYTES];
	ssize_t n = np_rpc_recv(client->fd, bytes, sizeof(bytes), &client->passed);

	(void)loop;
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || np_rpc_decoder_feed(&client->decoder, bytes, (size_t)n) < 0) {
		client_free(client);
		return;
	}
	client_run(client);
}

static void on_write(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)events;
	client_run(io->data);
}

static void on_stall(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct client *client = timer->data;

	(void)loop;
	(void)events;
	np_log_limited(&client->rpc->limit, NP_LOG_WARN,
		"control socket: a client took nothing of its answer for %.0f s, dropped",
		NP_RPC_STALL_S);
	client_free(client);
}

static int client_new(struct np_rpc *rpc, int fd)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		return -ENOMEM;
	client->rpc = rpc;
	client->fd = fd;
	client->passed = -1;
	np_rpc_decoder_init(&client->decoder, NP_RPC_REQUEST_MAX);
	ev_io_init(&client->read_io, on_read, fd, EV_READ);
	ev_io_init(&client->write_io, on_write, fd, EV_WRITE);
	ev_init(&client->stall, on_stall);
	client->stall.repeat = NP_RPC_STALL_S;
	client->read_io.data = client->write_io.data = client->stall.data = client;
	np_list_add_tail(&rpc->clients, &client->node);
	rpc->n_clients++;
	ev_io_start(rpc->loop, &client->read_io);
	return 0;
}

static void on_accept_pause(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct np_rpc *rpc = timer->data;

	(void)events;
	ev_io_start(loop, &rpc->accept_io);
}

static void on_accept(struct ev_loop *loop, ev_io *io, int events)
{
	struct np_rpc *rpc = io->data;
	int fd = accept4(rpc->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0) {
		if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
			return;
		/* Out of descriptors: the socket stays readable, so look away for a while. */
		np_log_limited(
			&rpc->limit, NP_LOG_WARN, "control socket: accept: %s", strerror(errno));
		ev_io_stop(loop, &rpc->accept_io);
		ev_timer_set(&rpc->accept_pause, ACCEPT_PAUSE_S, 0.);
		ev_timer_start(loop, &rpc->accept_pause);
		return;
	}
	if (rpc->n_clients >= NP_RPC_CLIENTS_MAX || client_new(rpc, fd) < 0) {
		np_log_limited(&rpc->limit, NP_LOG_WARN,
			"control socket: %u clients are connected, refused another",
			rpc->n_clients);
		close(fd);
	}
}

/* Make room at rpc->addr when what lies there is a socket that nobody answers on. */
static int remove_stale(const struct np_rpc *rpc)
{
	const struct sockaddr *addr = (const void *)&rpc->addr;
	const char *path = rpc->addr.sun_path;
	struct stat st;
	int fd;
	int err;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	err = connect(fd, addr, sizeof(rpc->addr)) < 0 ? errno : 0;
	close(fd);
	if (err == ENOENT)
		return 0;
	if (err != ECONNREFUSED) /* EAGAIN: a full backlog, somebody is there */
		return err == 0 || err == EAGAIN ? -EADDRINUSE : -err;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int open_socket(struct np_rpc *rpc)
{
	const struct sockaddr *addr = (const void *)&rpc->addr;
	struct stat st;
	int err;

	rpc->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (rpc->fd < 0)
		return -errno;
	/*
	 * The mode of the unbound socket becomes that of the file, less the umask: nobody gets in
	 * between bind and chmod, and the umask, which belongs to all threads, is left alone.
	 */
	if (fchmod(rpc->fd, 0600) < 0 || bind(rpc->fd, addr, sizeof(rpc->addr)) < 0)
		goto err_fd;
	if (chmod(rpc->addr.sun_path, 0600) < 0 || lstat(rpc->addr.sun_path, &st) < 0 ||
		listen(rpc->fd, NP_RPC_CLIENTS_MAX) < 0)
		goto err_path;
	rpc->dev = st.st_dev;
	rpc->ino = st.st_ino;
	return 0;

err_path:
	err = -errno;
	unlink(rpc->addr.sun_path);
	close(rpc->fd);
	return err;
err_fd:
	err = -errno;
	close(rpc->fd);
	return err;
}

static const char *reason_of(int err)
{
	if (err == -EADDRINUSE)
		return "another daemon answers there";
	if (err == -EEXIST)
		return "something that is not a socket is there";
	return strerror(-err);
}

int np_rpc_open(struct ev_loop *loop, const char *path, const struct np_rpc_method *methods,
	void *ctx, char *why, size_t why_size, struct np_rpc **ret_rpc)
{
	struct np_rpc *rpc = calloc(1, sizeof(*rpc));
	int err = rpc ? 0 : -ENOMEM;

	if (err == 0 && strlen(path) >= sizeof(rpc->addr.sun_path))
		err = -ENAMETOOLONG;
	if (err < 0)
		goto err_free;
	rpc->loop = loop;
	rpc->methods = methods;
	rpc->ctx = ctx;
	rpc->addr.sun_family = AF_UNIX;
	memcpy(rpc->addr.sun_path, path, strlen(path) + 1);
	np_list_init(&rpc->clients);
	err = remove_stale(rpc);
	if (err == 0)
		err = open_socket(rpc);
	if (err < 0)
		goto err_free;

	ev_io_init(&rpc->accept_io, on_accept, rpc->fd, EV_READ);
	ev_init(&rpc->accept_pause, on_accept_pause);
	rpc->accept_io.data = rpc->accept_pause.data = rpc;
	ev_io_start(loop, &rpc->accept_io);
	*ret_rpc = rpc;
	return 0;

err_free:
	snprintf(why, why_size, "control socket %s: %s", path, reason_of(err));
	free(rpc);
	return err;
}

void np_rpc_close(struct np_rpc *rpc)
{
	struct np_list *pos;
	struct np_list *next;
	struct stat st;

	if (!rpc)
		return;
	np_list_for_each_safe(pos, next, &rpc->clients)
		client_free(np_container_of(pos, struct client, node));
	ev_io_stop(rpc->loop, &rpc->accept_io);
	ev_timer_stop(rpc->loop, &rpc->accept_pause);
	if (lstat(rpc->addr.sun_path, &st) == 0 && st.st_dev == rpc->dev && st.st_ino == rpc->ino)
		unlink(rpc->addr.sun_path);
	close(rpc->fd);
	free(rpc);
}
