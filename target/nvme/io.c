// SPDX-License-Identifier: BSD-3-Clause
/*
 * io.c - the NVM command set on a backend.
 *
 * Spec: NVM Command Set 1.0, section 3.2.
 *
 * Thread: the reactor of req->queue.
 * Depends: backend.h, ctrl.h.
 */
#include "target/nvme/io.h"

#include <string.h>

#include "target/base/le.h"
#include "target/nvme/ctrl.h"
#include "target/nvme/scrub.h"

/* ---- fields common to most commands ------------------------------------------------------- */

uint64_t np_io_slba(const struct np_req *req)
{
	return np_le32(req->sqe.cdw10) | (uint64_t)np_le32(req->sqe.cdw11) << 32;
}

uint32_t np_io_nblocks(const struct np_req *req)
{
	return (np_le32(req->sqe.cdw12) & 0xffff) + 1;
}

struct np_extent np_io_extent(const struct np_req *req)
{
	if (req->cmd->flags & NP_CMD_EXTENT)
		return (struct np_extent){np_io_slba(req), np_io_nblocks(req)};
	return (struct np_extent){0, req->cmd->flags & NP_CMD_EXTENTS ? NP_EXTENT_ALL : 0};
}

struct np_status np_io_check_access(const struct np_req *req)
{
	const struct np_resv_ns *resv = req->ns->resv;
	struct np_status status = np_ana_check_ns(req->queue, req->ns);

	if (!np_status_is_ok(status))
		return status;
	if (req->cmd->flags & NP_CMD_CHANGES_MEDIA &&
		atomic_load_explicit(&req->ns->is_protected, memory_order_relaxed))
		return np_status_generic(NVME_SC_NS_WRITE_PROTECTED);
	if (!resv || req->cmd->flags & NP_CMD_RESERVES)
		return NP_SUCCESS;
	if (!np_resv_allows(atomic_load_explicit(&resv->now, memory_order_acquire),
		    req->queue->ctrl->hostid, !(req->cmd->flags & NP_CMD_READS)))
		return np_status_generic(NVME_SC_RESERVATION_CONFLICT);
	return NP_SUCCESS;
}

struct np_status np_io_find_ns(struct np_req *req)
{
	uint32_t nsid = np_le32(req->sqe.nsid);

	req->ns = np_view_find(np_ctrl_view(req->queue->ctrl), nsid);
	if (req->ns) {
		np_ns_get(req->ns, req->queue->reactor->index);
		return np_io_check_access(req);
	}
	if (nsid && nsid <= req->queue->ctrl->subsys->nn)
		return np_req_bad_field(req, nsid, 0);
	return np_req_bad_nsid(req);
}

struct np_status np_io_check_range(struct np_req *req, uint64_t lba, uint32_t nblocks)
{
	if (lba >= req->ns->nblocks || nblocks > req->ns->nblocks - lba)
		return np_req_bad(req, offsetof(struct np_sqe, cdw10), 0,
			np_status_generic(NVME_SC_LBA_RANGE));
	return NP_SUCCESS;
}

struct np_status np_io_check_directive(struct np_req *req)
{
	if (np_le32(req->sqe.cdw12) >> 20 & 0xf)
		return np_req_bad(req, offsetof(struct np_sqe, cdw12) + 2, 4,
			np_status_generic(NVME_SC_INVALID_FIELD));
	return NP_SUCCESS;
}

struct np_ns_stats *np_io_stats(const struct np_req *req)
{
	return &req->ns->stats[req->queue->reactor->index];
}

void np_io_submit(struct np_req *req)
{
	struct np_backend *backend = req->ns->backend;
	struct np_status status;

	switch (backend->ops->submit(backend, req->queue->reactor, &req->io, &status)) {
	case NP_IO_DONE:
		req->io.done(&req->io, status);
		break;
	case NP_IO_BUSY:
		np_req_retry(req);
		break;
	case NP_IO_QUEUED:
		break;
	}
}

/* ---- Read, Write, Compare ----------------------------------------------------------------- */

struct np_status np_io_check_rw(struct np_req *req, uint32_t *ret_bytes)
{
	uint64_t bytes;
	struct np_status status = np_io_find_ns(req);

	if (!np_status_is_ok(status))
		return status;
	bytes = (uint64_t)np_io_nblocks(req) << req->ns->lba_shift;
	if (bytes > NP_MDTS_BYTES)
		return np_req_bad_field(req, cdw12, 0);
	if (req->sqe.opcode == nvme_cmd_write)
		status = np_io_check_directive(req);
	if (!np_status_is_ok(status))
		return status;
	*ret_bytes = (uint32_t)bytes;
	return np_io_check_range(req, np_io_slba(req), np_io_nblocks(req));
}

static void np_io_count_at(
	struct np_traffic *traffic, const struct np_req *req, enum np_traffic_counter counter)
{
	np_stat_add(&traffic->count[counter], req->piece_bytes);
	if (counter == NP_TRAFFIC_STAGED_READ || counter == NP_TRAFFIC_STAGED_WRITE)
		np_stat_add(&traffic->count[NP_TRAFFIC_STAGED_BY + req->staged], req->piece_bytes);
}

void np_io_count_data(struct np_req *req, bool is_read)
{
	struct np_ns_stats *stats = np_io_stats(req);
	enum np_traffic_counter counter;

	if (req->data.kind == NP_DATA_INLINE)
		counter = NP_TRAFFIC_INLINE_WRITE;
	else if (req->buf.pool->region->is_peer)
		counter = is_read ? NP_TRAFFIC_P2P_READ : NP_TRAFFIC_P2P_WRITE;
	else
		counter = is_read ? NP_TRAFFIC_STAGED_READ : NP_TRAFFIC_STAGED_WRITE;
	np_io_count_at(&stats->traffic, req, counter);
	np_io_count_at(&req->queue->traffic, req, counter);
	if (counter != NP_TRAFFIC_INLINE_WRITE)
		np_stat_add(is_read ? &req->buf.pool->read_bytes : &req->buf.pool->write_bytes,
			req->piece_bytes);
}

void np_io_count(struct np_req *req)
{
	struct np_ns_stats *stats = np_io_stats(req);
	const bool is_read = req->io.op == NP_IO_READ;

	np_stat_add(is_read ? &stats->read_ios : &stats->write_ios, np_req_is_last_piece(req));
	np_io_count_data(req, is_read);
}

static void np_io_rw_done(struct np_io *io, struct np_status status)
{
	struct np_req *req = np_container_of(io, struct np_req, io);

	/* What the drive read, or wrote, where the memory was away is anybody's guess. */
	if (np_status_is_ok(status) && !np_req_had_memory(req)) {
		np_req_redo_piece(req);
		return;
	}
	if (np_status_is_ok(status))
		np_io_count(req);
	if (np_status_is_ok(status) && io->op == NP_IO_WRITE && np_scrub_is_due(req))
		np_scrub_begin(req);
	else
		np_req_piece_done(req, status);
}

uint32_t np_io_flags(const struct np_req *req)
{
	const uint32_t control = np_le32(req->sqe.cdw12);

	return (control & (uint32_t)NVME_IO_FUA << 16 ? NP_IO_FUA : 0u) |
		(control & (uint32_t)NVME_IO_LR << 16 ? NP_IO_LIMITED_RETRY : 0u);
}

bool np_io_goes_on(struct np_req *req, struct np_status status)
{
	if (np_status_is_ok(status))
		status = np_req_must_end(req);
	if (np_status_is_ok(status))
		return true;
	np_req_complete(req, status);
	return false;
}

void np_io_prep_piece(struct np_req *req, enum np_io_op op, uint8_t *va,
	void (*done)(struct np_io *io, struct np_status status))
{
	req->io = (struct np_io){
		.op = op,
		.flags = np_io_flags(req),
		.lba = np_io_slba(req) + (req->piece_offset >> req->ns->lba_shift),
		.nblocks = req->piece_bytes >> req->ns->lba_shift,
		.va = va,
		.done = done,
	};
}

static void np_io_read_now(struct np_req *req)
{
	np_io_prep_piece(req, NP_IO_READ, req->va, np_io_rw_done);
	np_io_submit(req);
}

static void np_io_read_flushed(struct np_io *io, struct np_status status)
{
	struct np_req *req = np_container_of(io, struct np_req, io);

	if (np_status_is_ok(status))
		np_io_read_now(req);
	else
		np_req_complete(req, status);
}

/* With FUA what is read must be durable. Spec: NVM Command Set 1.0, 3.2.4. */
void np_io_read(struct np_req *req)
{
	const struct np_backend *backend = req->ns->backend;
	bool is_fua = np_le32(req->sqe.cdw12) & (uint32_t)NVME_IO_FUA << 16;

	if (is_fua && backend->volatile_cache && !backend->reads_fua && !req->piece_offset) {
		req->io = (struct np_io){.op = NP_IO_FLUSH, .done = np_io_read_flushed};
		np_io_submit(req);
		return;
	}
	np_io_read_now(req);
}

void np_io_write(struct np_req *req)
{
	np_io_prep_piece(req, NP_IO_WRITE, req->va, np_io_rw_done);
	np_io_submit(req);
}

static void np_io_compare_done(struct np_io *io, struct np_status status)
{
	struct np_req *req = np_container_of(io, struct np_req, io);

	if (np_status_is_ok(status) && memcmp(req->va, io->va, req->piece_bytes))
		status = np_status_media(NVME_SC_COMPARE_FAILED);
	if (np_req_is_last_piece(req))
		np_stat_add(&np_io_stats(req)->compare_ios, 1);
	np_req_piece_done(req, status);
}

/* The host's data is at req->va, the drive's comes to the second buffer. */
void np_io_compare(struct np_req *req)
{
	np_io_prep_piece(req, NP_IO_READ, np_req_second_va(req), np_io_compare_done);
	np_io_submit(req);
}

/* ---- Flush -------------------------------------------------------------------------------- */

struct np_status np_io_check_flush(struct np_req *req, uint32_t *ret_bytes)
{
	(void)ret_bytes;
	return np_io_find_ns(req);
}

void np_io_all_done(struct np_io *io, struct np_status status)
{
	np_req_complete(np_container_of(io, struct np_req, io), status);
}

void np_io_flush(struct np_req *req)
{
	np_stat_add(&np_io_stats(req)->flush_ios, 1);
	if (!req->ns->backend->volatile_cache) {
		np_req_complete(req, NP_SUCCESS);
		return;
	}
	req->io = (struct np_io){.op = NP_IO_FLUSH, .done = np_io_all_done};
	np_io_submit(req);
}
