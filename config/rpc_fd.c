// SPDX-License-Identifier: BSD-3-Clause
/*
 * One file descriptor beside the bytes of a Unix stream socket.
 *
 * Thread: that of the caller.
 * Depends: libc.
 */
#include "config/rpc_fd.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * As many as a message can carry (Linux include/net/scm.h, SCM_MAX_FD). With room for less the
 * kernel would drop what is over, but qemu-user leaves it open.
 */
#define DESCRIPTORS_MAX 253

/* Aligned for its header, as cmsg(3) has it. */
union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
};

static void take(const struct cmsghdr *cmsg, int *io_passed)
{
	size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < count; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(fd), sizeof(fd));
		if (*io_passed < 0)
			*io_passed = fd;
		else
			close(fd);
	}
}

ssize_t np_rpc_recv(int fd, void *buf, size_t size, int *io_passed)
{
	struct iovec iov = {buf, size};
	union control control;
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return n;
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg)) {
		if (cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS)
			take(cmsg, io_passed);
	}
	return n;
}

ssize_t np_rpc_send_with(int fd, const void *buf, size_t len, int passed)
{
	struct iovec iov = {(void *)buf, len};
	union control control;
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(sizeof(passed))};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	memset(&control, 0, sizeof(control));
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(passed));
	memcpy(CMSG_DATA(cmsg), &passed, sizeof(passed));
	return sendmsg(fd, &msg, MSG_NOSIGNAL);
}
