// SPDX-License-Identifier: BSD-3-Clause
/*
 * zoned.c - the Zoned Namespace Command Set, on drives that have it.
 *
 * Spec: NVMe Zoned Namespace Command Set 1.1.
 *
 * Thread: the reactor of req->queue.
 * Depends: backend.h, io.h.
 */
#include "target/nvme/zoned.h"

#include <string.h>

#include "target/base/le.h"
#include "target/nvme/ctrl.h"
#include "target/nvme/io.h"

#define NP_OZCS_ZRWA (1u << 1) /* zone random write areas */

static_assert(sizeof(struct nvme_zns_id_ns) == 4096, "identify namespace, zoned");

/* Did the host choose all command sets when it enabled the controller, or NVM alone? */
static bool np_zoned_is_enabled(const struct np_ctrl *ctrl)
{
	return NVME_CC_CSS(atomic_load_explicit(&ctrl->cc, memory_order_relaxed)) ==
		NVME_CC_CSS_CSI;
}

/* A host of the NVM Command Set alone has the namespace, as far as its commands go. */
static struct np_status np_zoned_find_ns(struct np_req *req)
{
	struct np_status status = np_io_find_ns(req);

	if (np_status_is_ok(status) &&
		!(np_ns_is_zoned(req->ns) && np_zoned_is_enabled(req->queue->ctrl)))
		return np_req_bad_opcode(req);
	return status;
}

static uint32_t np_zoned_append_bytes(const struct np_backend *backend)
{
	uint32_t bytes = NP_ZONE_APPEND_BYTES;

	if (backend->max_append_bytes < bytes)
		bytes = backend->max_append_bytes;
	return backend->max_io_bytes < bytes ? backend->max_io_bytes : bytes;
}

static bool np_zoned_has_zrwa(const struct np_backend *backend)
{
	return np_le16(backend->zoned->ozcs) & NP_OZCS_ZRWA;
}

/* ---- Zone Append -------------------------------------------------------------------------- */

struct np_status np_zoned_check_append(struct np_req *req, uint32_t *ret_bytes)
{
	struct np_status status = np_zoned_find_ns(req);
	uint64_t bytes;

	if (!np_status_is_ok(status))
		return status;
	bytes = (uint64_t)np_io_nblocks(req) << req->ns->lba_shift;
	if (bytes > np_zoned_append_bytes(req->ns->backend))
		return np_req_bad_field(req, cdw12, 0);
	*ret_bytes = (uint32_t)bytes;
	return np_io_check_range(req, np_io_slba(req), 1);
}

static void np_zoned_appended(struct np_io *io, struct np_status status)
{
	struct np_req *req = np_container_of(io, struct np_req, io);

	/*
	 * What was appended while the memory was away is nobody's data, and cannot be written over: the
	 * host is told that nothing was appended, and comes again.
	 */
	if (np_status_is_ok(status) && !np_req_had_memory(req))
		status = np_status_retryable(np_status_generic(NVME_SC_NS_NOT_READY));
	if (np_status_is_ok(status)) {
		np_io_count(req);
		req->cqe.dw0_1 = htole64(io->result);
	}
	np_req_complete(req, status);
}

void np_zoned_append(struct np_req *req)
{
	np_io_prep_piece(req, NP_IO_ZONE_APPEND, req->va, np_zoned_appended);
	np_io_submit(req);
}

/* ---- Zone Management Send ----------------------------------------------------------------- */

/* Return: may the action be asked for? *ret_bytes: of its data */
static bool np_zoned_has_action(
	const struct np_backend *backend, uint32_t action, bool is_all, uint32_t *ret_bytes)
{
	switch (action) {
	case NVME_ZNS_ZSA_CLOSE:
	case NVME_ZNS_ZSA_FINISH:
	case NVME_ZNS_ZSA_OPEN:
	case NVME_ZNS_ZSA_RESET:
	case NVME_ZNS_ZSA_OFFLINE:
		return true;
	case NVME_ZNS_ZSA_SET_DESC_EXT:
		*ret_bytes = backend->zone_ext_bytes;
		return backend->zone_ext_bytes && !is_all;
	case NVME_ZNS_ZSA_ZRWA_FLUSH:
		return np_zoned_has_zrwa(backend) && !is_all;
	default:
		return false;
	}
}

struct np_status np_zoned_check_send(struct np_req *req, uint32_t *ret_bytes)
{
	const uint32_t action = np_le32(req->sqe.cdw13) & 0xff;
	const bool is_all = np_le32(req->sqe.cdw13) & 1u << 8;
	struct np_status status = np_zoned_find_ns(req);

	if (!np_status_is_ok(status))
		return status;
	if (!np_zoned_has_action(req->ns->backend, action, is_all, ret_bytes))
		return np_req_bad_field(req, cdw13, 0);
	return is_all ? NP_SUCCESS : np_io_check_range(req, np_io_slba(req), 1);
}

void np_zoned_send(struct np_req *req)
{
	req->io = (struct np_io){
		.op = NP_IO_ZONE_SEND,
		.lba = np_io_slba(req),
		.action = np_le32(req->sqe.cdw13),
		.bytes = req->bytes,
		.va = req->bytes ? req->va : NULL,
		.done = np_io_all_done,
	};
	np_io_submit(req);
}

/* ---- Zone Management Receive -------------------------------------------------------------- */

struct np_status np_zoned_check_receive(struct np_req *req, uint32_t *ret_bytes)
{
	const uint64_t bytes = ((uint64_t)np_le32(req->sqe.cdw12) + 1) * 4;
	struct np_status status = np_zoned_find_ns(req);

	if (!np_status_is_ok(status))
		return status;
	/* A report is made by one command of the drive. */
	if (bytes > NP_MDTS_BYTES || bytes > req->ns->backend->max_io_bytes)
		return np_req_bad_field(req, cdw12, 0);
	*ret_bytes = (uint32_t)bytes;
	return np_io_check_range(req, np_io_slba(req), 1);
}

void np_zoned_receive(struct np_req *req)
{
	/* A drive need not fill what its report leaves over, and the buffer was somebody else's. */
	memset(req->va, 0, req->bytes);
	req->io = (struct np_io){
		.op = NP_IO_ZONE_RECEIVE,
		.lba = np_io_slba(req),
		.action = np_le32(req->sqe.cdw13),
		.bytes = req->bytes,
		.va = req->va,
		.done = np_io_all_done,
	};
	np_io_submit(req);
}

/* ---- Identify ----------------------------------------------------------------------------- */

bool np_zoned_is_there(const struct np_view *view)
{
	for (unsigned int i = 0; i < view->nns; i++) {
		if (np_ns_is_zoned(view->ns[i]))
			return true;
	}
	return false;
}

void np_zoned_identify_ns(const struct np_ns *ns, uint8_t *data)
{
	struct nvme_zns_id_ns *id = (void *)data;

	memcpy(id, ns->backend->zoned, sizeof(*id));
	/* Hosts see one format, the first; see np_identify_ns(). */
	memset(id->lbafe, 0, sizeof(id->lbafe));
	id->lbafe[0] = (struct nvme_zns_lbafe){
		.zsze = htole64(ns->backend->zone_blocks),
		.zdes = (uint8_t)(ns->backend->zone_ext_bytes / NP_ZONE_EXT_UNIT),
	};
}

void np_zoned_identify_ctrl(const struct np_view *view, uint8_t *data)
{
	struct nvme_zns_id_ctrl *id = (void *)data;
	uint32_t bytes = NP_ZONE_APPEND_BYTES;

	for (unsigned int i = 0; i < view->nns; i++) {
		if (np_ns_is_zoned(view->ns[i]) &&
			np_zoned_append_bytes(view->ns[i]->backend) < bytes)
			bytes = np_zoned_append_bytes(view->ns[i]->backend);
	}
	/* In units of the smallest page, a power of two. */
	while ((2u << id->zasl) * NP_PAGE_BYTES <= bytes)
		id->zasl++;
}
