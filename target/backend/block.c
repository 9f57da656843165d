// SPDX-License-Identifier: BSD-3-Clause
/*
 * block.c - a block device by direct I/O.
 *
 * A buffer in peer memory passes: direct I/O of a block device accepts peer-to-peer pages where
 * its driver does (Linux 6.2, block/blk-map.c and lib/iov_iter.c, ITER_ALLOW_P2PDMA).
 *
 * Thread: as backend.h says.
 * Depends: rw.h, drive.h, identity.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/nvme_ioctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "target/backend/drive.h"
#include "target/backend/identity.h"
#include "target/backend/rw.h"
#include "target/memory/mem.h"

#define NP_BLOCK_MAX_IO_BYTES (1024u * 1024u)

/* What the block layer need not split; 0 if that is unknown. */
static uint32_t np_block_max_part_bytes(const struct np_drive *drive)
{
	const uint32_t bytes = np_drive_cut_to_segments(drive, drive->max_bytes);

	return bytes - bytes % NP_PAGE_BYTES;
}

static int np_block_read_geometry(struct np_backend *backend, char *why, size_t why_size)
{
	uint64_t bytes;
	int block_bytes;

	if (ioctl(backend->fd, BLKGETSIZE64, &bytes) ||
		ioctl(backend->fd, BLKSSZGET, &block_bytes)) {
		snprintf(why, why_size, "%s is not a block device", backend->path);
		return -ENOTBLK;
	}
	if (block_bytes < 512 || block_bytes > 65536 || !bytes) {
		snprintf(why, why_size, "%s has %llu bytes in blocks of %d", backend->path,
			(unsigned long long)bytes, block_bytes);
		return -EINVAL;
	}
	backend->block_bytes = (uint32_t)block_bytes;
	backend->nblocks = bytes / backend->block_bytes;
	return 0;
}

/* Only of an NVMe namespace as a whole: a partition of one is not it. */
static void np_block_read_identity(struct np_backend *backend, const struct np_drive *drive)
{
	const int nsid = drive->generic_path[0] ? ioctl(backend->fd, NVME_IOCTL_ID) : 0;

	if (nsid > 0)
		np_identity_read(backend->fd, (uint32_t)nsid, backend);
}

static int np_block_open(
	struct np_backend *backend, uint64_t size_bytes, char *why, size_t why_size)
{
	struct np_drive drive;
	int ret;

	(void)size_bytes;
	ret = np_drive_probe(backend->path, &drive);
	if (!ret && !drive.block_path[0])
		ret = -ENODEV;
	if (ret) {
		snprintf(why, why_size, "%s: %s", backend->path,
			ret == -ENODEV ? "not a block device" : strerror(-ret));
		return ret;
	}
	if (drive.is_zoned) {
		snprintf(why, why_size, "%s is a zoned device", backend->path);
		return -EOPNOTSUPP;
	}
	ret = np_hold_get(drive.block_path, why, why_size, &backend->hold);
	if (ret)
		return ret;
	backend->fd = open(drive.block_path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (backend->fd < 0) {
		ret = -errno;
		snprintf(why, why_size, "cannot open %s: %s", drive.block_path, strerror(-ret));
		return ret;
	}
	ret = np_block_read_geometry(backend, why, why_size);
	if (ret)
		return ret;
	np_block_read_identity(backend, &drive);
	backend->max_io_bytes = NP_BLOCK_MAX_IO_BYTES;
	backend->max_part_bytes = np_block_max_part_bytes(&drive);
	backend->volatile_cache = drive.has_write_cache;
	backend->can_poll = drive.has_poll_queues;
	backend->is_rotational = drive.is_rotational;
	backend->is_direct = true;
	backend->can_write_zeroes = true; /* the kernel writes pages of zeros if it must */
	backend->can_unmap_zeroes = drive.max_zeroes_bytes; /* those pages it does not unmap */
	backend->can_deallocate = true;
	memcpy(backend->pci, drive.pci, sizeof(backend->pci));
	return 0;
}

static int np_block_measure(const struct np_backend *backend, uint64_t *ret_nblocks)
{
	uint64_t bytes;

	if (ioctl(backend->fd, BLKGETSIZE64, &bytes))
		return -errno;
	*ret_nblocks = bytes / backend->block_bytes;
	return 0;
}

const struct np_backend_ops np_backend_block_ops = {
	.name = "block",
	.open = np_block_open,
	.submit = np_rw_submit,
	.measure = np_block_measure,
	.cancel = np_rw_cancel,
};
