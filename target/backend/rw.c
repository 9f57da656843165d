// SPDX-License-Identifier: BSD-3-Clause
/*
 * rw.c - np_io as plain io_uring operations on a file descriptor.
 *
 * Thread: the reactor.
 * Depends: uring.h.
 */
#include "target/backend/rw.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>

#include "target/reactor/uring.h"

static void np_rw_done(struct np_uring_op *op, int res, uint64_t big)
{
	struct np_io *io = np_container_of(op, struct np_io, uring);

	(void)big;
	/* Deallocation is a hint: a device that cannot do it leaves the blocks as they are. */
	if (res == -EOPNOTSUPP && io->op == NP_IO_DEALLOCATE)
		res = 0;
	/* A transfer ends early only where the device does: it shrank under us. */
	if (res >= 0 && (uint32_t)res != io->expected_bytes)
		res = -EIO;
	io->done(io, np_status_from_errno(res < 0 ? res : 0));
}

/* As io_uring_prep_fallocate(), whose offsets are signed in liburing 2.3 and unsigned in 2.9. */
static void np_rw_prep_fallocate(
	struct io_uring_sqe *sqe, int fd, unsigned int mode, uint64_t offset, uint64_t bytes)
{
	io_uring_prep_rw(IORING_OP_FALLOCATE, sqe, fd, (const void *)(uintptr_t)bytes,
		mode | FALLOC_FL_KEEP_SIZE, offset);
}

enum np_io_submit np_rw_submit(struct np_backend *backend, struct np_reactor *reactor,
	struct np_io *io, struct np_status *ret_status)
{
	uint64_t offset = io->lba * backend->block_bytes;
	uint64_t bytes = (uint64_t)io->nblocks * backend->block_bytes;
	struct io_uring_sqe *sqe = np_uring_get_sqe(reactor, &io->uring);

	(void)ret_status;
	if (!sqe)
		return NP_IO_BUSY;
	io->uring.done = np_rw_done;
	io->expected_bytes = 0;
	switch (io->op) {
	case NP_IO_READ:
		io_uring_prep_read(sqe, backend->fd, io->va, (uint32_t)bytes, offset);
		io->expected_bytes = (uint32_t)bytes;
		break;
	case NP_IO_WRITE:
		io_uring_prep_write(sqe, backend->fd, io->va, (uint32_t)bytes, offset);
		if (io->flags & NP_IO_FUA)
			sqe->rw_flags = RWF_DSYNC;
		io->expected_bytes = (uint32_t)bytes;
		break;
	case NP_IO_FLUSH:
		io_uring_prep_fsync(sqe, backend->fd, IORING_FSYNC_DATASYNC);
		break;
	case NP_IO_WRITE_ZEROES:
		np_rw_prep_fallocate(sqe, backend->fd,
			io->flags & NP_IO_MAY_DEALLOCATE && backend->can_unmap_zeroes
				? FALLOC_FL_PUNCH_HOLE
				: FALLOC_FL_ZERO_RANGE,
			offset, bytes);
		break;
	case NP_IO_DEALLOCATE:
		np_rw_prep_fallocate(sqe, backend->fd, FALLOC_FL_PUNCH_HOLE, offset, bytes);
		break;
	}
	return NP_IO_QUEUED;
}

bool np_rw_can_punch(int fd, uint64_t size_bytes)
{
	/* Behind the end of the file there is nothing to lose. */
	return !fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, (off_t)size_bytes, 4096);
}

bool np_rw_can_zero(int fd, uint64_t size_bytes)
{
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_ZERO_RANGE, (off_t)size_bytes, 4096))
		return false;
	/* The blocks that this has set aside behind the end go back. */
	return np_rw_can_punch(fd, size_bytes);
}
