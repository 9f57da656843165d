// SPDX-License-Identifier: BSD-3-Clause
/*
 * passthru.c - I/O commands that the target does not know and the operator lets through to the drive.
 *
 * Nothing is known of them but the direction of their data, which bits 1:0 of every opcode tell, and its
 * length, which the SGL tells. So each counts as one that changes any block.
 *
 * Spec: NVM Express Base 2.0, 3.3.3.1 (opcode).
 *
 * Thread: the reactor of req->queue.
 * Depends: backend.h, ctrl.h, io.h.
 */
#include "target/nvme/passthru.h"

#include <string.h>

#include "target/base/le.h"
#include "target/nvme/ctrl.h"
#include "target/nvme/io.h"

static struct np_status np_passthru_check(struct np_req *req, uint32_t *ret_bytes)
{
	struct np_status status = np_io_find_ns(req);

	if (!np_status_is_ok(status))
		return status;
	if (!req->ns->backend->can_passthru)
		return np_req_bad_opcode(req);
	if (req->data.bytes > NP_MDTS_BYTES || req->data.bytes > req->ns->backend->max_io_bytes ||
		req->data.bytes % sizeof(uint32_t))
		return np_req_bad_field(req, sgl, 0);
	*ret_bytes = req->cmd->dir == NP_DIR_NONE ? 0 : req->data.bytes;
	return NP_SUCCESS;
}

static void np_passthru_done(struct np_io *io, struct np_status status)
{
	struct np_req *req = np_container_of(io, struct np_req, io);

	/* What the drive has done with memory that was away is not known, nor whether it can be done again. */
	if (np_status_is_ok(status) && !np_req_had_memory(req))
		status = np_status_generic(NVME_SC_DATA_XFER_ERROR);
	if (np_status_is_ok(status) && req->bytes)
		np_io_count_data(req, req->cmd->dir == NP_DIR_TO_HOST);
	req->cqe.dw0_1 = htole64(io->result);
	np_req_complete(req, status);
}

static void np_passthru_execute(struct np_req *req)
{
	/* The drive may write less than the host gets, and the buffer was somebody else's. */
	if (req->cmd->dir == NP_DIR_TO_HOST && req->bytes)
		memset(req->va, 0, req->bytes);
	req->io = (struct np_io){
		.op = NP_IO_PASSTHRU,
		.sqe = &req->sqe,
		.bytes = req->bytes,
		.va = req->va,
		.done = np_passthru_done,
	};
	np_stat_add(&np_io_stats(req)->passthru_ios, 1);
	np_io_submit(req);
}

const struct np_cmd *np_passthru_find(const struct np_subsys *subsys, uint8_t opcode)
{
	static const unsigned int flags = NP_CMD_PEER | NP_CMD_CHANGES_MEDIA | NP_CMD_EXTENTS;
	static const struct np_cmd cmds[] = {
		[NP_DIR_NONE] = {"passthru", NP_DIR_NONE, flags, np_passthru_check,
			np_passthru_execute},
		[NP_DIR_FROM_HOST] = {"passthru", NP_DIR_FROM_HOST, flags, np_passthru_check,
			np_passthru_execute},
		[NP_DIR_TO_HOST] = {"passthru", NP_DIR_TO_HOST, flags, np_passthru_check,
			np_passthru_execute},
	};
	const unsigned int dir = opcode & 3;

	if (dir > NP_DIR_TO_HOST || !(subsys->passthru[opcode / 64] >> opcode % 64 & 1))
		return NULL;
	return &cmds[dir];
}
