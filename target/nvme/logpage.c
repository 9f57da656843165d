// SPDX-License-Identifier: BSD-3-Clause
/*
 * logpage.c - the Get Log Page command.
 *
 * Each page is one function that writes the whole log through a window and returns its length; a
 * table names them by LID.
 *
 * Thread: the reactor of req->queue.
 * Depends: ctrl.h, ana.h, discovery.h, identify.h.
 */
#include "target/nvme/logpage.h"

#include <string.h>

#include "target/base/le.h"
#include "target/nvme/ctrl.h"
#include "target/nvme/discovery.h"
#include "target/nvme/features.h"
#include "target/nvme/identify.h"
#include "target/nvme/passthru.h"
#include "target/nvme/registry.h"
#include "target/nvme/rotational.h"
#include "target/nvme/smart.h"
#include "target/nvme/zoned.h"

#define NP_CDW10_RAE (1u << 15)
#define NP_CDW10_LSP_MASK 0x7fu
#define NP_CDW14_OFFSET_INDEX (1u << 23)

#define NP_LOG_LID_ROTATIONAL 0x16

struct np_logpage {
	bool of_io, of_discovery; /* which controllers have it */
	bool of_rotation;         /* only where there are media that rotate */
	bool of_control;          /* filled on the control thread, whose the data is */
	/* Comes before fill(): gathers what it needs, some time, and goes on with np_logpage_show(). */
	void (*gather)(struct np_req *req);
	/*
	 * Writes the log.
	 * @ret_bytes: its length
	 */
	struct np_status (*fill)(
		struct np_req *req, const struct np_window *window, uint64_t *ret_bytes);
};

static const struct np_logpage np_logpages[256];

void np_window_put(const struct np_window *window, uint64_t pos, const void *src, size_t bytes)
{
	const uint8_t *from = src;
	uint64_t at = 0;

	/* Differences only: sums with a hostile offset could wrap. */
	if (pos < window->offset) {
		if (window->offset - pos >= bytes)
			return;
		from += window->offset - pos;
		bytes -= window->offset - pos;
	} else {
		at = pos - window->offset;
	}
	if (at >= window->bytes)
		return;
	if (bytes > window->bytes - at)
		bytes = window->bytes - at;
	memcpy(window->data + at, from, bytes);
}

static const struct np_logpage *np_logpage_find(const struct np_ctrl *ctrl, uint8_t lid)
{
	const struct np_logpage *page = &np_logpages[lid];

	if (page->of_rotation && !np_rotational_is_there(np_ctrl_view(ctrl)))
		return NULL;
	return (ctrl->subsys->is_discovery ? page->of_discovery : page->of_io) ? page : NULL;
}

static uint8_t np_logpage_lid(const struct np_req *req)
{
	return (uint8_t)np_le32(req->sqe.cdw10);
}

/* Log Specific Field: its meaning is the page's. */
static uint32_t np_logpage_lsp(const struct np_req *req)
{
	return np_le32(req->sqe.cdw10) >> 8 & NP_CDW10_LSP_MASK;
}

/* With what of a page's Log Specific Field is understood, where the page has a place for that. */
static struct np_status np_logpage_supported(
	struct np_req *req, const struct np_window *window, uint64_t *ret_bytes)
{
	for (unsigned int lid = 0; lid < 256; lid++) {
		uint32_t entry_le = np_le32(1);

		if (lid == NVME_LOG_LID_DISCOVER)
			entry_le |= np_le32((uint32_t)NVMF_LOG_DISC_LSP_PLEO << 16);
		if (np_logpage_find(req->queue->ctrl, (uint8_t)lid))
			np_window_put(window, lid * sizeof(entry_le), &entry_le, sizeof(entry_le));
	}
	*ret_bytes = sizeof(struct nvme_supported_log_pages);
	return NP_SUCCESS;
}

static struct np_status np_logpage_error(
	struct np_req *req, const struct np_window *window, uint64_t *ret_bytes)
{
	struct nvme_error_log_page entries[NP_ERRLOG_ENTRIES];

	np_errlog_read(&req->queue->ctrl->errlog, entries, NP_ERRLOG_ENTRIES);
	np_window_put(window, 0, entries, sizeof(entries));
	*ret_bytes = sizeof(entries);
	return NP_SUCCESS;
}

static struct np_status np_logpage_firmware(
	struct np_req *req, const struct np_window *window, uint64_t *ret_bytes)
{
	struct nvme_firmware_slot log = {.afi = 1};

	np_identify_put_text(log.frs[0], sizeof(log.frs[0]), req->queue->ctrl->subsys->firmware);
	np_window_put(window, 0, &log, sizeof(log));
	*ret_bytes = sizeof(log);
	return NP_SUCCESS;
}

static struct np_status np_logpage_changed_ns(
	struct np_req *req, const struct np_window *window, uint64_t *ret_bytes)
{
	struct np_ctrl *ctrl = req->queue->ctrl;
	struct nvme_ns_list list = {0};

	if (ctrl->nchanged_ns > NP_CTRL_MAX_CHANGED_NS)
		list.ns[0] = np_le32(NVME_NSID_ALL);
	else
		for (unsigned int i = 0; i < ctrl->nchanged_ns; i++)
			list.ns[i] = np_le32(ctrl->changed_ns[i]);
	ctrl->nchanged_ns = 0;
	np_window_put(window, 0, &list, sizeof(list));
	*ret_bytes = sizeof(list);
	return NP_SUCCESS;
}

static uint32_t np_logpage_effects_of(const struct np_subsys *subsys, const struct np_cmd *cmd)
{
	uint32_t effects = NVME_CMD_EFFECTS_CSUPP;

	if (!cmd || (cmd->flags & NP_CMD_MANAGES && !atomic_load(&subsys->manager)))
		return 0;
	if (cmd->flags & NP_CMD_CHANGES_MEDIA)
		effects |= NVME_CMD_EFFECTS_LBCC;
	if (cmd->flags & NP_CMD_MANAGES)
		effects |= NVME_CMD_EFFECTS_NCC | NVME_CMD_EFFECTS_NIC;
	return np_le32(effects);
}

/*
 * Without a zoned namespace none of its command set's commands is supported, and that is what the log says
 * rather than an error: nvme-cli asks any controller with CAP.CSS bit 6 for the zoned set as well.
 */
static struct np_status np_logpage_effects(
	struct np_req *req, const struct np_window *window, uint64_t *ret_bytes)
{
	const struct np_subsys *subsys = req->queue->ctrl->subsys;
	const uint32_t csi = np_le32(req->sqe.cdw14) >> 24;
	const bool has_zones =
		csi == NVME_CSI_ZNS && np_zoned_is_there(np_ctrl_view(req->queue->ctrl));
	struct nvme_cmd_effects_log log = {0};

	if (csi > NVME_CSI_ZNS)
		return np_req_bad(req, offsetof(struct np_sqe, cdw14) + 3, 0,
			np_status_specific(NVME_SC_INVALID_LOG_PAGE));
	for (unsigned int opcode = 0; opcode < 256; opcode++) {
		const struct np_cmd *cmd = np_cmd_find_io((uint8_t)opcode);

		log.acs[opcode] = np_logpage_effects_of(subsys, np_cmd_find_admin((uint8_t)opcode));
		if (has_zones || (cmd && csi == NVME_CSI_NVM && !(cmd->flags & NP_CMD_ZONED)))
			log.iocs[opcode] = np_logpage_effects_of(subsys, cmd);
		if (!cmd)
			log.iocs[opcode] = np_logpage_effects_of(
				subsys, np_passthru_find(subsys, (uint8_t)opcode));
	}
	np_window_put(window, 0, &log, sizeof(log));
	*ret_bytes = sizeof(log);
	return NP_SUCCESS;
}

static struct np_status np_logpage_features(
	struct np_req *req, const struct np_window *window, uint64_t *ret_bytes)
{
	for (unsigned int fid = 0; fid < 256; fid++) {
		const uint32_t effects = np_features_effects(req, (uint8_t)fid);

		np_window_put(window, fid * sizeof(effects), &effects, sizeof(effects));
	}
	*ret_bytes = sizeof(struct nvme_fid_supported_effects_log);
	return NP_SUCCESS;
}

static struct np_status np_logpage_discovery(
	struct np_req *req, const struct np_window *window, uint64_t *ret_bytes)
{
	const struct np_ctrl *ctrl = req->queue->ctrl;

	*ret_bytes = np_discovery_write(ctrl->target, ctrl->port, ctrl->hostnqn,
		req->queue->local_addr, np_logpage_lsp(req) & NVMF_LOG_DISC_LSP_PLEO, window);
	return NP_SUCCESS;
}

/* Bit 0 of the log specific field: the groups without their namespaces. */
static struct np_status np_logpage_ana(
	struct np_req *req, const struct np_window *window, uint64_t *ret_bytes)
{
	*ret_bytes = np_ana_write(req->queue->ctrl,
		!(np_logpage_lsp(req) & NVME_LOG_ANA_LSP_RGO_GROUPS_ONLY), window);
	return NP_SUCCESS;
}

/* One notification at a time; none: zeroes. */
static struct np_status np_logpage_reservation(
	struct np_req *req, const struct np_window *window, uint64_t *ret_bytes)
{
	const struct np_ctrl *ctrl = req->queue->ctrl;
	const struct np_resv_note *note = &ctrl->resv_notes[0];
	struct nvme_resv_notification_log log = {0};

	if (ctrl->nresv_notes) {
		log.lpc = htole64(note->number);
		log.rnlpt = note->type;
		log.nalp = (uint8_t)(ctrl->nresv_notes - 1);
		log.nsid = np_le32(note->nsid);
	}
	np_window_put(window, 0, &log, sizeof(log));
	*ret_bytes = sizeof(log);
	return NP_SUCCESS;
}

static const struct np_logpage np_logpages[256] = {
	[NVME_LOG_LID_SUPPORTED_LOG_PAGES] = {true, true, .fill = np_logpage_supported},
	[NVME_LOG_LID_ERROR] = {true, true, .fill = np_logpage_error},
	[NVME_LOG_LID_SMART] = {true, false, .gather = np_smart_gather, .fill = np_smart_fill},
	[NVME_LOG_LID_FW_SLOT] = {true, false, .fill = np_logpage_firmware},
	[NVME_LOG_LID_CHANGED_NS] = {true, false, .fill = np_logpage_changed_ns},
	[NVME_LOG_LID_CMD_EFFECTS] = {true, false, .fill = np_logpage_effects},
	[NVME_LOG_LID_FID_SUPPORTED_EFFECTS] = {true, true, .fill = np_logpage_features},
	[NVME_LOG_LID_ENDURANCE_GROUP] = {true, false, .of_rotation = true,
		.fill = np_rotational_fill_group},
	[NP_LOG_LID_ROTATIONAL] = {true, false, .of_rotation = true,
		.fill = np_rotational_fill_media},
	[NVME_LOG_LID_ANA] = {true, false, .fill = np_logpage_ana},
	[NVME_LOG_LID_RESERVATION] = {true, false, .fill = np_logpage_reservation},
	[NVME_LOG_LID_DISCOVER] = {false, true, .of_control = true, .fill = np_logpage_discovery},
};

static uint64_t np_logpage_offset(const struct np_req *req)
{
	return np_le32(req->sqe.cdw12) | (uint64_t)np_le32(req->sqe.cdw13) << 32;
}

struct np_status np_logpage_check(struct np_req *req, uint32_t *ret_bytes)
{
	const struct np_logpage *page = np_logpage_find(req->queue->ctrl, np_logpage_lid(req));
	const uint32_t cdw14 = np_le32(req->sqe.cdw14);
	const uint64_t dwords_0b =
		np_le32(req->sqe.cdw10) >> 16 | (np_le32(req->sqe.cdw11) & 0xffff) << 16;
	const uint64_t bytes = (dwords_0b + 1) * 4;

	if (!page)
		return np_req_bad(req, offsetof(struct np_sqe, cdw10), 0,
			np_status_specific(NVME_SC_INVALID_LOG_PAGE));
	if (bytes > NP_MDTS_BYTES)
		return np_req_bad_field(req, cdw11, 0);
	if (np_logpage_offset(req) % 4)
		return np_req_bad_field(req, cdw12, 0);
	if (cdw14 & NP_CDW14_OFFSET_INDEX)
		return np_req_bad(req, offsetof(struct np_sqe, cdw14) + 2, 7,
			np_status_generic(NVME_SC_INVALID_FIELD));
	*ret_bytes = (uint32_t)bytes;
	return NP_SUCCESS;
}

/* Shows the current piece. */
static struct np_status np_logpage_fill(struct np_req *req)
{
	const struct np_logpage *page = np_logpage_find(req->queue->ctrl, np_logpage_lid(req));
	const uint64_t offset = np_logpage_offset(req);
	const struct np_window window = {req->va, offset + req->piece_offset, req->piece_bytes};
	struct np_status status;
	uint64_t log_bytes;

	status = page->fill(req, &window, &log_bytes);
	if (np_status_is_ok(status) && offset > log_bytes)
		status = np_req_bad_field(req, cdw12, 0);
	return status;
}

static void np_logpage_filled(struct np_req *req, struct np_status status)
{
	if (np_status_is_ok(status) && np_req_is_last_piece(req) &&
		!(np_le32(req->sqe.cdw10) & NP_CDW10_RAE))
		np_ctrl_ack_aen(req->queue->ctrl, np_logpage_lid(req));
	np_req_piece_done(req, status);
}

/* Back on the reactor; the CQE has carried the verdict. */
static void np_logpage_returned(struct np_msg *msg)
{
	struct np_req *req = np_container_of(msg, struct np_req, msg);

	np_logpage_filled(req, (struct np_status){req->cqe.status});
}

/* On the control thread. */
static void np_logpage_on_control(struct np_msg *msg)
{
	struct np_req *req = np_container_of(msg, struct np_req, msg);

	np_registry_reply(req, np_logpage_fill(req), np_logpage_returned);
}

void np_logpage_show(struct np_req *req)
{
	if (np_logpage_find(req->queue->ctrl, np_logpage_lid(req))->of_control) {
		np_registry_ask(req, np_logpage_on_control);
		return;
	}
	np_logpage_filled(req, np_logpage_fill(req));
}

void np_logpage_execute(struct np_req *req)
{
	const struct np_logpage *page = np_logpage_find(req->queue->ctrl, np_logpage_lid(req));

	if (page->gather)
		page->gather(req);
	else
		np_logpage_show(req);
}
