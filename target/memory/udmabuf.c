// SPDX-License-Identifier: BSD-3-Clause
/*
 * udmabuf.c - host memory as a dma-buf.
 *
 * Thread: any that may block.
 * Depends: libc.
 */
#include "target/memory/udmabuf.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* A memory file that cannot shrink, which is what udmabuf asks for. Return: it, or -errno. */
static int new_memfd(size_t bytes)
{
	int fd = memfd_create("nvmet-p2p", MFD_CLOEXEC | MFD_ALLOW_SEALING), err;

	if (fd < 0)
		return -errno;
	if (!ftruncate(fd, (off_t)bytes) && !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int np_udmabuf_new(size_t bytes, int *ret_fd, int *ret_memfd)
{
	struct udmabuf_create create = {.flags = UDMABUF_FLAGS_CLOEXEC, .size = bytes};
	int memfd, device, fd, err = 0;

	device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (device < 0)
		return -errno;
	memfd = new_memfd(bytes);
	if (memfd < 0) {
		err = memfd;
		goto err_device;
	}
	create.memfd = (uint32_t)memfd;
	fd = ioctl(device, UDMABUF_CREATE, &create);
	if (fd < 0) {
		err = -errno;
		goto err_memfd;
	}
	close(device);
	*ret_fd = fd;
	*ret_memfd = memfd;
	return 0;

err_memfd:
	close(memfd);
err_device:
	close(device);
	return err;
}
