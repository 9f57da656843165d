// SPDX-License-Identifier: BSD-3-Clause
/*
 * file.c - a regular file, around the page cache where its file system allows.
 *
 * Thread: as backend.h says.
 * Depends: rw.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/backend/rw.h"

#define NP_FILE_MAX_IO_BYTES (1024u * 1024u)
#define NP_FILE_BLOCK_BYTES 512u /* around the page cache it may have to be more */
#define NP_FILE_PROBE_BYTES 4096

/* Smallest block that direct I/O takes, found by reading one. Return: 0 if it takes none. */
static uint32_t np_file_direct_block_bytes(int fd)
{
	static const uint32_t sizes[] = {512, 4096};
	uint32_t found = 0;
	void *page;

	if (posix_memalign(&page, 4096, 4096))
		return 0;
	for (size_t i = 0; !found && i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (pread(fd, page, sizes[i], 0) >= 0)
			found = sizes[i];
	}
	free(page);
	return found;
}

uint32_t np_file_block_bytes(const char *folder)
{
	int fd = open(folder, O_TMPFILE | O_RDWR | O_DIRECT | O_CLOEXEC, 0600);
	uint32_t block_bytes = 0;

	/* With something to read: at the end of a file every size is right. */
	if (fd >= 0 && !fallocate(fd, 0, 0, NP_FILE_PROBE_BYTES))
		block_bytes = np_file_direct_block_bytes(fd);
	if (fd >= 0)
		close(fd);
	return block_bytes ? block_bytes : NP_FILE_BLOCK_BYTES;
}

static int np_file_open_fd(struct np_backend *backend, char *why, size_t why_size)
{
	backend->block_bytes = NP_FILE_BLOCK_BYTES;
	backend->fd = open(backend->path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (backend->fd >= 0) {
		uint32_t block_bytes = np_file_direct_block_bytes(backend->fd);

		if (block_bytes) {
			backend->block_bytes = block_bytes;
			backend->is_direct = true;
			return 0;
		}
		close(backend->fd);
	}
	backend->fd = open(backend->path, O_RDWR | O_CLOEXEC);
	if (backend->fd < 0) {
		int err = errno;

		snprintf(why, why_size, "cannot open %s: %s", backend->path, strerror(err));
		return -err;
	}
	return 0;
}

static int np_file_open(struct np_backend *backend, uint64_t size_bytes, char *why, size_t why_size)
{
	struct stat st;
	int ret;

	(void)size_bytes;
	ret = np_file_open_fd(backend, why, why_size);
	if (ret)
		return ret;
	if (fstat(backend->fd, &st) || !S_ISREG(st.st_mode)) {
		snprintf(why, why_size, "%s is not a regular file", backend->path);
		return -EINVAL;
	}
	ret = np_hold_get(backend->path, why, why_size, &backend->hold);
	if (ret)
		return ret;
	backend->nblocks = (uint64_t)st.st_size / backend->block_bytes;
	if (!backend->nblocks) {
		snprintf(why, why_size, "%s is empty", backend->path);
		return -EINVAL;
	}
	backend->max_io_bytes = NP_FILE_MAX_IO_BYTES;
	backend->volatile_cache = true;
	backend->can_deallocate = np_rw_can_punch(backend->fd, (uint64_t)st.st_size);
	backend->can_unmap_zeroes = backend->can_deallocate;
	backend->can_write_zeroes = np_rw_can_zero(backend->fd, (uint64_t)st.st_size);
	return 0;
}

static int np_file_measure(const struct np_backend *backend, uint64_t *ret_nblocks)
{
	struct stat st;

	if (fstat(backend->fd, &st))
		return -errno;
	*ret_nblocks = (uint64_t)st.st_size / backend->block_bytes;
	return 0;
}

const struct np_backend_ops np_backend_file_ops = {
	.name = "file",
	.open = np_file_open,
	.submit = np_rw_submit,
	.measure = np_file_measure,
	.cancel = np_rw_cancel,
};
