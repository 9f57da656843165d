// SPDX-License-Identifier: BSD-3-Clause
/*
 * backend.c - open and close, common to all engines.
 *
 * Thread: control.
 * Depends: backend.h.
 */
#include "target/backend/backend.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int np_backend_open(const struct np_backend_ops *ops, const char *path, uint64_t size_bytes,
	char *why, size_t why_size, struct np_backend **ret_backend)
{
	struct np_backend *backend = calloc(1, sizeof(*backend));
	struct stat st;
	int ret;

	if (!backend) {
		snprintf(why, why_size, "out of memory");
		return -ENOMEM;
	}
	backend->ops = ops;
	backend->fd = backend->ctrl_fd = -1;
	backend->max_io_bytes = UINT32_MAX;
	snprintf(backend->path, sizeof(backend->path), "%s", path ? path : "");
	ret = ops->open(backend, size_bytes, why, why_size);
	if (ret) {
		np_backend_close(backend);
		return ret;
	}
	if (backend->fd >= 0 && !fstat(backend->fd, &st)) {
		backend->node = st.st_rdev;
		backend->is_block = S_ISBLK(st.st_mode);
	}
	*ret_backend = backend;
	return 0;
}

void np_backend_close(struct np_backend *backend)
{
	if (!backend)
		return;
	if (backend->fd >= 0)
		close(backend->fd);
	if (backend->ctrl_fd >= 0)
		close(backend->ctrl_fd);
	free(backend->zoned);
	np_hold_put(backend->hold);
	free(backend);
}
