/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rw.h - np_io as plain io_uring reads, writes, fsync and fallocate: block devices and files.
 *
 * Thread: the reactor.
 * Depends: backend.h.
 */
#ifndef NP_BACKEND_RW_H
#define NP_BACKEND_RW_H

#include "target/backend/backend.h"

/* np_backend_ops.submit for a file descriptor with byte offsets. */
enum np_io_submit np_rw_submit(struct np_backend *backend, struct np_reactor *reactor,
	struct np_io *io, struct np_status *ret_status);

/* np_backend_ops.cancel: what waits for a worker of io_uring, or in its queue, does not begin. */
bool np_rw_cancel(struct np_reactor *reactor, struct np_io *io, struct np_uring_op *op);

/* Can ranges of @fd, whose size is @size_bytes, be deallocated? Changes nothing. */
bool np_rw_can_punch(int fd, uint64_t size_bytes);

/* Can ranges of @fd, whose size is @size_bytes, be zeroed in place? Changes nothing. */
bool np_rw_can_zero(int fd, uint64_t size_bytes);

#endif
