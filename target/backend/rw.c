// SPDX-License-Identifier: BSD-3-Clause
/*
 * rw.c - np_io as plain io_uring operations on a file descriptor.
 *
 * Thread: the reactor.
 * Depends: uring.h, mem.h.
 */
#include "target/backend/rw.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <string.h>

#include "target/base/log.h"
#include "target/memory/mem.h"
#include "target/reactor/uring.h"

/* Called for each part of a transfer; other operations are one part. */
static void np_rw_done(struct np_uring_op *op, int res, uint64_t big)
{
	struct np_io *io = np_container_of(op, struct np_io, uring);

	(void)big;
	/* Deallocation is a hint: a device that cannot do it leaves the blocks as they are. */
	if (res == -EOPNOTSUPP && io->op == NP_IO_DEALLOCATE)
		res = 0;
	if (res >= 0)
		io->left_bytes -= (uint32_t)res;
	else if (!io->error)
		io->error = res;
	if (--io->left_parts)
		return;
	/* A transfer ends early only where the device does: it shrank under us. */
	if (!io->error && io->left_bytes)
		io->error = -EIO;
	if (io->error)
		np_log_debug("operation %d of %u blocks at LBA %llu: %s", (int)io->op, io->nblocks,
			(unsigned long long)io->lba, strerror(-io->error));
	io->done(io, np_status_from_errno(io->error, io->op != NP_IO_READ));
}

static void np_rw_prep_part(struct io_uring_sqe *sqe, int fd, const struct np_io *io, uint8_t *va,
	uint32_t bytes, uint64_t offset, int fixed)
{
	const bool is_read = io->op == NP_IO_READ;

	if (fixed < 0)
		io_uring_prep_rw(
			is_read ? IORING_OP_READ : IORING_OP_WRITE, sqe, fd, va, bytes, offset);
	else if (is_read)
		io_uring_prep_read_fixed(sqe, fd, va, bytes, offset, fixed);
	else
		io_uring_prep_write_fixed(sqe, fd, va, bytes, offset, fixed);
	if (!is_read && io->flags & NP_IO_FUA)
		sqe->rw_flags = RWF_DSYNC;
}

/*
 * Reads or writes. What the block layer would have to split it does not take without blocking, and
 * io_uring would hand it to a worker thread (Linux 6.12, block/blk-merge.c, bio_split_rw() and
 * REQ_NOWAIT): so it is split here, into equal parts of whole pages.
 */
static enum np_io_submit np_rw_transfer(
	const struct np_backend *backend, struct np_reactor *reactor, struct np_io *io)
{
	const uint64_t offset = io->lba * backend->block_bytes;
	const uint32_t bytes = io->nblocks * backend->block_bytes;
	const uint32_t most = backend->max_part_bytes ? backend->max_part_bytes : bytes;
	const uint32_t nparts = (bytes + most - 1) / most;
	const uint32_t part =
		((bytes + nparts - 1) / nparts + NP_PAGE_BYTES - 1) / NP_PAGE_BYTES * NP_PAGE_BYTES;
	const int fixed = np_uring_find_fixed(reactor, io->va, bytes);

	if (!np_uring_has_room(reactor, &io->uring, nparts))
		return NP_IO_BUSY;
	io->left_bytes = bytes;
	for (uint32_t at = 0; at < bytes; at += part) {
		struct io_uring_sqe *sqe = np_uring_get_sqe(reactor, &io->uring);

		np_rw_prep_part(sqe, backend->fd, io, (uint8_t *)io->va + at,
			part < bytes - at ? part : bytes - at, offset + at, fixed);
		io->left_parts++;
	}
	return NP_IO_QUEUED;
}

/* As io_uring_prep_fallocate(), whose offsets are signed in liburing 2.3 and unsigned in 2.9. */
static void np_rw_prep_fallocate(
	struct io_uring_sqe *sqe, int fd, unsigned int mode, uint64_t offset, uint64_t bytes)
{
	io_uring_prep_rw(IORING_OP_FALLOCATE, sqe, fd, (const void *)(uintptr_t)bytes,
		mode | FALLOC_FL_KEEP_SIZE, offset);
}

static unsigned int np_rw_zero_mode(const struct np_backend *backend, const struct np_io *io)
{
	return io->flags & NP_IO_MAY_DEALLOCATE && backend->can_unmap_zeroes ? FALLOC_FL_PUNCH_HOLE
									     : FALLOC_FL_ZERO_RANGE;
}

enum np_io_submit np_rw_submit(struct np_backend *backend, struct np_reactor *reactor,
	struct np_io *io, struct np_status *ret_status)
{
	const uint64_t offset = io->lba * backend->block_bytes;
	const uint64_t bytes = (uint64_t)io->nblocks * backend->block_bytes;
	struct io_uring_sqe *sqe;

	(void)ret_status;
	io->uring.done = np_rw_done;
	io->uring.is_polled = np_io_is_polled(backend, io);
	io->left_bytes = 0;
	io->left_parts = 0;
	io->error = 0;
	if (io->op == NP_IO_READ || io->op == NP_IO_WRITE)
		return np_rw_transfer(backend, reactor, io);
	sqe = np_uring_get_sqe(reactor, &io->uring);
	if (!sqe)
		return NP_IO_BUSY;
	io->left_parts = 1;
	if (io->op == NP_IO_FLUSH)
		io_uring_prep_fsync(sqe, backend->fd, IORING_FSYNC_DATASYNC);
	else
		np_rw_prep_fallocate(sqe, backend->fd,
			io->op == NP_IO_DEALLOCATE ? FALLOC_FL_PUNCH_HOLE
						   : np_rw_zero_mode(backend, io),
			offset, bytes);
	return NP_IO_QUEUED;
}

bool np_rw_cancel(struct np_reactor *reactor, struct np_io *io, struct np_uring_op *op)
{
	/* The ring for polled I/O knows no other operations. */
	return !io->uring.is_polled && np_uring_cancel(reactor, &io->uring, op);
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
