// SPDX-License-Identifier: BSD-3-Clause
/*
 * io_extent.c - Dataset Management, Write Zeroes, Write Uncorrectable and Verify: commands that move no
 *               blocks of the host's, done by one command of the drive after the other where it has a limit.
 *
 * Spec: NVM Command Set 1.0, section 3.2.
 *
 * Thread: the reactor of req->queue.
 * Depends: backend.h, ctrl.h.
 */
#include "target/base/le.h"
#include "target/nvme/ctrl.h"
#include "target/nvme/io.h"

#define NP_DSM_MAX_BYTES (256u * (uint32_t)sizeof(struct nvme_dsm_range))

static void np_io_submit_extent(struct np_req *req, uint64_t lba, uint64_t end, uint32_t limit)
{
	uint64_t nblocks = end - lba;

	req->io.lba = lba;
	req->io.nblocks = (uint32_t)(limit && nblocks > limit ? limit : nblocks);
	np_io_submit(req);
}

/* ---- Dataset Management ------------------------------------------------------------------- */

static uint32_t np_io_dsm_count(const struct np_req *req)
{
	return (np_le32(req->sqe.cdw10) & 0xff) + 1;
}

struct np_status np_io_check_dsm(struct np_req *req, uint32_t *ret_bytes)
{
	uint32_t bytes = np_io_dsm_count(req) * (uint32_t)sizeof(struct nvme_dsm_range);

	/*
	 * Linux always sends room for 256 ranges (drivers/nvme/host/core.c, nvme_setup_discard()),
	 * so a longer list than the count says is taken.
	 */
	if (bytes < req->data.bytes && req->data.bytes <= NP_DSM_MAX_BYTES)
		bytes = req->data.bytes;
	*ret_bytes = bytes;
	return np_io_find_ns(req);
}

static const struct nvme_dsm_range *np_io_dsm_range(const struct np_req *req, uint32_t index)
{
	return (const struct nvme_dsm_range *)(const void *)req->va + index;
}

/* All ranges are checked before the first is deallocated: they are the host's to get right. */
static struct np_status np_io_check_dsm_ranges(struct np_req *req)
{
	for (uint32_t i = 0; i < np_io_dsm_count(req); i++) {
		const struct nvme_dsm_range *range = np_io_dsm_range(req, i);
		uint64_t lba = np_le64(range->slba);
		uint32_t nblocks = np_le32(range->nlb);

		if (lba > req->ns->nblocks || nblocks > req->ns->nblocks - lba)
			return np_status_generic(NVME_SC_LBA_RANGE);
	}
	return NP_SUCCESS;
}

/*
 * piece_offset counts the ranges that are done. @lba: where in the next one to begin, or less for
 * its beginning.
 */
static void np_io_dsm_from(struct np_req *req, uint64_t lba)
{
	for (; req->piece_offset < np_io_dsm_count(req); req->piece_offset++, lba = 0) {
		const struct nvme_dsm_range *range = np_io_dsm_range(req, req->piece_offset);
		uint64_t begin = np_le64(range->slba), end = begin + np_le32(range->nlb);

		if (lba < begin)
			lba = begin;
		if (lba < end) {
			np_io_submit_extent(req, lba, end, req->ns->backend->max_deallocate_blocks);
			return;
		}
	}
	np_req_complete(req, NP_SUCCESS);
}

static void np_io_dsm_done(struct np_io *io, struct np_status status)
{
	struct np_req *req = np_container_of(io, struct np_req, io);

	if (np_io_goes_on(req, status))
		np_io_dsm_from(req, io->lba + io->nblocks);
}

void np_io_dsm(struct np_req *req)
{
	struct np_status status = np_io_check_dsm_ranges(req);

	if (!np_status_is_ok(status)) {
		np_req_complete(req, status);
		return;
	}
	np_stat_add(&np_io_stats(req)->dsm_ios, 1);
	/* The other attributes are hints about access that nothing here can use. */
	if (!(np_le32(req->sqe.cdw11) & NVME_DSMGMT_AD)) {
		np_req_complete(req, NP_SUCCESS);
		return;
	}
	req->io = (struct np_io){.op = NP_IO_DEALLOCATE, .done = np_io_dsm_done};
	np_io_dsm_from(req, 0);
}

/* ---- Write Zeroes ------------------------------------------------------------------------- */

struct np_status np_io_check_write_zeroes(struct np_req *req, uint32_t *ret_bytes)
{
	struct np_status status = np_io_find_ns(req);

	(void)ret_bytes;
	if (!np_status_is_ok(status))
		return status;
	if (!req->ns->backend->can_write_zeroes)
		return np_req_bad_opcode(req);
	return np_io_check_range(req, np_io_slba(req), np_io_nblocks(req));
}

static void np_io_write_zeroes_done(struct np_io *io, struct np_status status)
{
	struct np_req *req = np_container_of(io, struct np_req, io);
	const struct np_backend *backend = req->ns->backend;
	uint64_t next = io->lba + io->nblocks, end = np_io_slba(req) + np_io_nblocks(req);

	if (!np_io_goes_on(req, status))
		return;
	if (next < end) {
		np_io_submit_extent(req, next, end, backend->max_zeroes_blocks);
		return;
	}
	if (!(io->flags & NP_IO_FUA) || !backend->volatile_cache) {
		np_req_complete(req, NP_SUCCESS);
		return;
	}
	/* Not every engine has a durable way to write zeros. */
	req->io = (struct np_io){.op = NP_IO_FLUSH, .done = np_io_all_done};
	np_io_submit(req);
}

void np_io_write_zeroes(struct np_req *req)
{
	uint32_t control = np_le32(req->sqe.cdw12);

	np_stat_add(&np_io_stats(req)->write_zeroes_ios, 1);
	req->io = (struct np_io){.op = NP_IO_WRITE_ZEROES, .done = np_io_write_zeroes_done};
	if (control & (uint32_t)NVME_IO_FUA << 16)
		req->io.flags |= NP_IO_FUA;
	if (control & (uint32_t)NVME_IO_DEAC << 16)
		req->io.flags |= NP_IO_MAY_DEALLOCATE;
	np_io_submit_extent(req, np_io_slba(req), np_io_slba(req) + np_io_nblocks(req),
		req->ns->backend->max_zeroes_blocks);
}

/* ---- Write Uncorrectable ------------------------------------------------------------------ */

struct np_status np_io_check_write_uncor(struct np_req *req, uint32_t *ret_bytes)
{
	struct np_status status = np_io_find_ns(req);

	(void)ret_bytes;
	if (!np_status_is_ok(status))
		return status;
	if (!req->ns->backend->can_write_uncor)
		return np_req_bad_opcode(req);
	return np_io_check_range(req, np_io_slba(req), np_io_nblocks(req));
}

void np_io_write_uncor(struct np_req *req)
{
	np_stat_add(&np_io_stats(req)->write_uncor_ios, 1);
	req->io = (struct np_io){.op = NP_IO_WRITE_UNCOR, .done = np_io_all_done};
	np_io_submit_extent(req, np_io_slba(req), np_io_slba(req) + np_io_nblocks(req), 0);
}

/* ---- Verify ------------------------------------------------------------------------------- */

/* Of one read; more than that is no faster, and a command may be of 65,536 blocks. */
#define NP_VERIFY_BYTES (128u * 1024u)

struct np_status np_io_check_verify(struct np_req *req, uint32_t *ret_bytes)
{
	struct np_status status = np_io_find_ns(req);

	(void)ret_bytes;
	if (!np_status_is_ok(status))
		return status;
	return np_io_check_range(req, np_io_slba(req), np_io_nblocks(req));
}

static void np_io_verify_from(struct np_req *req, uint64_t lba)
{
	const struct np_backend *backend = req->ns->backend;
	const uint32_t most =
		req->buf.bytes < backend->max_io_bytes ? req->buf.bytes : backend->max_io_bytes;

	np_io_submit_extent(
		req, lba, np_io_slba(req) + np_io_nblocks(req), most / backend->block_bytes);
}

static void np_io_verify_done(struct np_io *io, struct np_status status)
{
	struct np_req *req = np_container_of(io, struct np_req, io);
	const uint64_t next = io->lba + io->nblocks;

	if (!np_io_goes_on(req, status))
		return;
	if (next < np_io_slba(req) + np_io_nblocks(req))
		np_io_verify_from(req, next);
	else
		np_req_complete(req, NP_SUCCESS);
}

static void np_io_verify_have_buf(struct np_req *req, struct np_buf buf)
{
	req->buf = buf;
	req->io = (struct np_io){.op = NP_IO_READ, .va = buf.va, .done = np_io_verify_done};
	np_io_verify_from(req, np_io_slba(req));
}

static void np_io_verify_granted(struct np_pool_waiter *waiter, struct np_buf buf)
{
	struct np_req *req = np_container_of(waiter, struct np_req, waiter);

	np_list_del(&req->link);
	np_io_verify_have_buf(req, buf);
}

/* The drive reads the blocks and finds out whether it still can; nobody looks at what it read. */
void np_io_verify(struct np_req *req)
{
	struct np_buf buf;

	np_stat_add(&np_io_stats(req)->verify_ios, 1);
	req->waiter.user = NULL;
	if (np_req_take_buf(
		    req, req->queue->host_pool, NP_VERIFY_BYTES, np_io_verify_granted, &buf))
		np_io_verify_have_buf(req, buf);
}
