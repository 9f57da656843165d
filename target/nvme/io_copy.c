// SPDX-License-Identifier: BSD-3-Clause
/*
 * io_copy.c - Copy: by the drive itself where it can, else by a read and a write after the other.
 *
 * The host's list of ranges stays at the beginning of the buffer; the blocks pass through what is behind
 * it. req->piece_offset counts the blocks that are done.
 *
 * Spec: NVM Command Set 1.0, 3.2.2.
 *
 * Thread: the reactor of req->queue.
 * Depends: backend.h, ctrl.h.
 */
#include "target/base/le.h"
#include "target/nvme/ctrl.h"
#include "target/nvme/io.h"
#include "target/nvme/zoned.h"

#define NP_SC_OVERLAPPING_IO_RANGE 0x87u /* command specific; libnvme has no name for it */

static_assert(sizeof(struct nvme_copy_range) == 32, "copy descriptor, format 0");
static_assert(sizeof(struct nvme_copy_range_f1) == 40, "copy descriptor, format 1");
static_assert(NP_COPY_MAX_BYTES / 512 <= UINT16_MAX, "MSSRL can be as large as MCL");
static_assert(offsetof(struct nvme_copy_range, nlb) == offsetof(struct nvme_copy_range_f1, nlb),
	"the formats differ in the fields of protection information alone");

uint16_t np_io_copy_max_blocks(const struct np_ns *ns)
{
	return (uint16_t)(NP_COPY_MAX_BYTES >> ns->lba_shift);
}

/* ---- the command's fields ----------------------------------------------------------------- */

static unsigned int np_copy_format(const struct np_req *req)
{
	return np_le32(req->sqe.cdw12) >> 8 & 0xf;
}

static uint32_t np_copy_count(const struct np_req *req)
{
	return (np_le32(req->sqe.cdw12) & 0xff) + 1;
}

static uint32_t np_copy_desc_bytes(const struct np_req *req)
{
	return np_copy_format(req) ? sizeof(struct nvme_copy_range_f1)
				   : sizeof(struct nvme_copy_range);
}

struct np_copy_range {
	uint64_t lba;
	uint32_t nblocks;
};

static struct np_copy_range np_copy_range(const struct np_req *req, uint32_t index)
{
	const struct nvme_copy_range *desc =
		(const void *)(req->va + index * np_copy_desc_bytes(req));

	return (struct np_copy_range){np_le64(desc->slba), np_le16(desc->nlb) + 1u};
}

static struct np_status np_copy_too_much(struct np_req *req, uint16_t byte)
{
	return np_req_bad(req, byte, 0, np_status_specific(NVME_SC_CMD_SIZE_LIMIT_EXCEEDED));
}

struct np_status np_io_check_copy(struct np_req *req, uint32_t *ret_bytes)
{
	struct np_status status = np_io_find_ns(req);

	if (!np_status_is_ok(status))
		return status;
	if (np_ns_is_zoned(req->ns))
		return np_req_bad_opcode(req);
	if (!(NP_COPY_FORMATS >> np_copy_format(req) & 1))
		return np_req_bad(req, offsetof(struct np_sqe, cdw12) + 1, 0,
			np_status_generic(NVME_SC_INVALID_FIELD));
	status = np_io_check_directive(req);
	if (!np_status_is_ok(status))
		return status;
	if (np_copy_count(req) > NP_COPY_MAX_RANGES)
		return np_copy_too_much(req, offsetof(struct np_sqe, cdw12));
	*ret_bytes = np_copy_count(req) * np_copy_desc_bytes(req);
	return NP_SUCCESS;
}

/* Nothing is copied unless all can be. */
static struct np_status np_copy_check_ranges(struct np_req *req)
{
	const uint32_t most = np_io_copy_max_blocks(req->ns);
	const uint64_t dest = np_io_slba(req);
	struct np_status status;
	uint32_t total = 0;

	for (uint32_t i = 0; i < np_copy_count(req); i++) {
		const struct np_copy_range range = np_copy_range(req, i);

		status = np_io_check_range(req, range.lba, range.nblocks);
		if (!np_status_is_ok(status))
			return status;
		total += range.nblocks;
		if (total > most)
			return np_copy_too_much(req, NP_ERROR_LOC_UNKNOWN);
	}
	status = np_io_check_range(req, dest, total);
	if (!np_status_is_ok(status))
		return status;
	for (uint32_t i = 0; i < np_copy_count(req); i++) {
		const struct np_copy_range range = np_copy_range(req, i);

		if (range.lba < dest + total && dest < range.lba + range.nblocks)
			return np_req_bad(req, NP_ERROR_LOC_UNKNOWN, 0,
				np_status_specific(NP_SC_OVERLAPPING_IO_RANGE));
	}
	return NP_SUCCESS;
}

/* ---- block by block ----------------------------------------------------------------------- */

/* Where to go on. Return: nblocks is 0 if all is done. */
static struct np_copy_range np_copy_rest(const struct np_req *req)
{
	uint32_t skip = req->piece_offset;

	for (uint32_t i = 0; i < np_copy_count(req); i++) {
		const struct np_copy_range range = np_copy_range(req, i);

		if (skip < range.nblocks)
			return (struct np_copy_range){range.lba + skip, range.nblocks - skip};
		skip -= range.nblocks;
	}
	return (struct np_copy_range){0};
}

/* The blocks' place in the buffer. */
static uint8_t *np_copy_room(const struct np_req *req, uint32_t *ret_bytes)
{
	const uint32_t used = (req->bytes + NP_PAGE_BYTES - 1) / NP_PAGE_BYTES * NP_PAGE_BYTES;

	*ret_bytes = req->buf.bytes > used ? req->buf.bytes - used : 0;
	return (uint8_t *)req->buf.va + used;
}

static void np_copy_next(struct np_req *req);

static void np_copy_written(struct np_io *io, struct np_status status)
{
	struct np_req *req = np_container_of(io, struct np_req, io);

	if (!np_io_goes_on(req, status))
		return;
	req->piece_offset += io->nblocks;
	np_copy_next(req);
}

static void np_copy_write(struct np_req *req, enum np_io_op op)
{
	req->io.op = op;
	req->io.flags = np_io_flags(req);
	req->io.lba = np_io_slba(req) + req->piece_offset;
	req->io.done = np_copy_written;
	np_io_submit(req);
}

static void np_copy_was_read(struct np_io *io, struct np_status status)
{
	struct np_req *req = np_container_of(io, struct np_req, io);

	if (np_io_goes_on(req, status))
		np_copy_write(req, NP_IO_WRITE);
}

static void np_copy_next(struct np_req *req)
{
	const struct np_backend *backend = req->ns->backend;
	const struct np_copy_range rest = np_copy_rest(req);
	uint32_t room, most = backend->max_copy_blocks;

	if (!rest.nblocks) {
		np_req_complete(req, NP_SUCCESS);
		return;
	}
	req->io = (struct np_io){.va = np_copy_room(req, &room), .source = rest.lba};
	if (!most)
		most = (room < backend->max_io_bytes ? room : backend->max_io_bytes) /
			backend->block_bytes;
	req->io.nblocks = rest.nblocks < most ? rest.nblocks : most;
	if (backend->max_copy_blocks) {
		np_copy_write(req, NP_IO_COPY);
	} else if (!most) {
		np_req_complete(req, np_status_generic(NVME_SC_INTERNAL));
	} else {
		req->io.op = NP_IO_READ;
		req->io.lba = rest.lba;
		req->io.done = np_copy_was_read;
		np_io_submit(req);
	}
}

void np_io_copy(struct np_req *req)
{
	struct np_status status = np_copy_check_ranges(req);

	if (!np_status_is_ok(status)) {
		np_req_complete(req, status);
		return;
	}
	np_stat_add(&np_io_stats(req)->copy_ios, 1);
	np_copy_next(req);
}
