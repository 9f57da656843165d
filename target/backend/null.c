// SPDX-License-Identifier: BSD-3-Clause
/*
 * null.c - blocks that forget what is written and read as zeros, to measure all the rest.
 *
 * Thread: as backend.h says.
 * Depends: backend.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "target/backend/backend.h"

#define NP_NULL_BLOCK_BYTES 512

static int np_null_open(struct np_backend *backend, uint64_t size_bytes, char *why, size_t why_size)
{
	if (size_bytes < NP_NULL_BLOCK_BYTES) {
		snprintf(why, why_size, "a null device needs size_bytes");
		return -EINVAL;
	}
	backend->block_bytes = NP_NULL_BLOCK_BYTES;
	backend->nblocks = size_bytes / NP_NULL_BLOCK_BYTES;
	backend->can_write_zeroes = true;
	backend->can_deallocate = true;
	return 0;
}

static enum np_io_submit np_null_submit(struct np_backend *backend, struct np_reactor *reactor,
	struct np_io *io, struct np_status *ret_status)
{
	(void)reactor;
	/* The buffer holds what somebody else transferred last: never hand that to a host. */
	if (io->op == NP_IO_READ)
		memset(io->va, 0, (size_t)io->nblocks * backend->block_bytes);
	*ret_status = NP_SUCCESS;
	return NP_IO_DONE;
}

const struct np_backend_ops np_backend_null_ops = {
	.name = "null",
	.open = np_null_open,
	.submit = np_null_submit,
};
