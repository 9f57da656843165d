// SPDX-License-Identifier: BSD-3-Clause
/*
 * main.c - a file of which block N fails with errno N, for block 1 to 133; the others read as zeroes and take
 *          what is written without keeping it.
 *
 * It is a file system of one file, which is mounted over an empty one. This speaks the protocol of
 * /dev/fuse by itself: libfuse's ABI differs between the Debian that builds and the one in the guest.
 *
 * usage: np-errnofile FILE     runs until it is unmounted
 *
 * Spec: Linux 6.12, include/uapi/linux/fuse.h; Documentation/filesystems/fuse.rst.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define BLOCK_BYTES 512u
#define FILE_BYTES (16u << 20)
#define ERRORS 133u /* the highest errno that has a name */
#define MOST_BYTES (128u << 10)
#define HEADER_BYTES 4096u

static uint8_t request[MOST_BYTES + HEADER_BYTES];
static const uint8_t zeroes[MOST_BYTES];

static void answer(int fd, uint64_t unique, int error, const void *data, size_t bytes)
{
	struct fuse_out_header header = {.len = (uint32_t)(sizeof(header) + (error ? 0 : bytes)),
		.error = error,
		.unique = unique};
	struct iovec parts[] = {{&header, sizeof(header)}, {(void *)(uintptr_t)data, bytes}};

	/* Whoever asked may be gone. */
	if (writev(fd, parts, error ? 1 : 2) < 0 && errno != ENOENT)
		perror("np-errnofile: answer");
}

/* Return: 0, or as a negative errno the number of the block that a transfer begins with. */
static int error_at(uint64_t offset)
{
	const uint64_t block = offset / BLOCK_BYTES;

	return block && block <= ERRORS ? -(int)block : 0;
}

static void do_init(int fd, const struct fuse_in_header *in)
{
	const struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_background = 16,
		.congestion_threshold = 12,
		.max_write = MOST_BYTES,
		.time_gran = 1};

	answer(fd, in->unique, 0, &out, sizeof(out));
}

static void do_getattr(int fd, const struct fuse_in_header *in)
{
	const struct fuse_attr_out out = {
		.attr_valid = 1000,
		.attr = {.ino = FUSE_ROOT_ID,
			.size = FILE_BYTES,
			.blocks = FILE_BYTES / 512,
			.mode = S_IFREG | 0600,
			.nlink = 1,
			.blksize = 4096},
	};

	answer(fd, in->unique, 0, &out, sizeof(out));
}

static void do_open(int fd, const struct fuse_in_header *in)
{
	const struct fuse_open_out out = {.open_flags = FOPEN_DIRECT_IO};

	answer(fd, in->unique, 0, &out, sizeof(out));
}

static void do_read(int fd, const struct fuse_in_header *in)
{
	const struct fuse_read_in *arg = (const void *)(in + 1);

	answer(fd, in->unique, error_at(arg->offset), zeroes,
		arg->size < MOST_BYTES ? arg->size : MOST_BYTES);
}

static void do_write(int fd, const struct fuse_in_header *in)
{
	const struct fuse_write_in *arg = (const void *)(in + 1);
	const struct fuse_write_out out = {.size = arg->size};

	answer(fd, in->unique, error_at(arg->offset), &out, sizeof(out));
}

static void serve(int fd, const struct fuse_in_header *in)
{
	switch (in->opcode) {
	case FUSE_INIT:
		do_init(fd, in);
		break;
	case FUSE_GETATTR:
		do_getattr(fd, in);
		break;
	case FUSE_OPEN:
		do_open(fd, in);
		break;
	case FUSE_READ:
		do_read(fd, in);
		break;
	case FUSE_WRITE:
		do_write(fd, in);
		break;
	case FUSE_FLUSH:
	case FUSE_FSYNC:
	case FUSE_RELEASE:
		answer(fd, in->unique, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break; /* these want no answer */
	default:
		answer(fd, in->unique, -ENOSYS, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	char options[128];
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (argc != 2) {
		fputs("usage: np-errnofile FILE\n", stderr);
		return 2;
	}
	snprintf(options, sizeof(options), "fd=%d,rootmode=%o,user_id=0,group_id=0", fd,
		S_IFREG | 0600u);
	if (fd < 0 || mount("np-errnofile", argv[1], "fuse", MS_NOSUID | MS_NODEV, options)) {
		perror("np-errnofile");
		return 1;
	}
	/* ENODEV: unmounted. */
	for (;;) {
		const ssize_t got = read(fd, request, sizeof(request));

		if (got >= (ssize_t)sizeof(struct fuse_in_header))
			serve(fd, (const void *)request);
		else if (got >= 0 || (errno != EINTR && errno != ENOENT && errno != EAGAIN))
			break;
	}
	return errno == ENODEV ? 0 : 1;
}
