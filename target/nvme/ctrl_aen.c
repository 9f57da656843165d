// SPDX-License-Identifier: BSD-3-Clause
/*
 * ctrl_aen.c - what a host asked to be told of: requests that wait for events, and the reverse.
 *
 * Thread: the reactor of the controller's admin queue.
 * Depends: ctrl.h.
 */
#include <string.h>

#include "target/base/le.h"
#include "target/nvme/ctrl.h"

#define NP_RELIABILITY_WARNINGS \
	(NVME_SMART_CRIT_DEGRADED | NVME_SMART_CRIT_MEDIA | NVME_SMART_CRIT_VOLATILE_MEMORY)

static const struct {
	uint32_t config_bits; /* one of them switches it on; 0: it is always on */
	uint8_t type, info, lid;
	bool of_discovery;
} np_aens[NP_AEN_KINDS] = {
	/* Neither errors nor reservations can be switched. Spec: NVM Express Base 2.0, Figure 151. */
	[NP_AEN_ERROR] = {0, NVME_AER_ERROR, NVME_AER_ERROR_TRANSIENT_INTERNAL_ERROR,
		NVME_LOG_LID_ERROR, false},
	[NP_AEN_SPARE] = {NVME_SMART_CRIT_SPARE, NVME_AER_SMART, NVME_AER_SMART_SPARE_THRESHOLD,
		NVME_LOG_LID_SMART, false},
	[NP_AEN_TEMPERATURE] = {NVME_SMART_CRIT_TEMPERATURE, NVME_AER_SMART,
		NVME_AER_SMART_TEMPERATURE_THRESHOLD, NVME_LOG_LID_SMART, false},
	[NP_AEN_RELIABILITY] = {NP_RELIABILITY_WARNINGS, NVME_AER_SMART,
		NVME_AER_SMART_SUBSYSTEM_RELIABILITY, NVME_LOG_LID_SMART, false},
	[NP_AEN_NS_CHANGED] = {1u << 8, NVME_AER_NOTICE, NVME_AER_NOTICE_NS_CHANGED,
		NVME_LOG_LID_CHANGED_NS, false},
	[NP_AEN_ANA_CHANGED] = {NVME_CTRL_OAES_ANA, NVME_AER_NOTICE, NVME_AER_NOTICE_ANA,
		NVME_LOG_LID_ANA, false},
	[NP_AEN_RESERVATION] = {0, NVME_AER_CSS, NVME_AER_CSS_NVM_RESERVATION,
		NVME_LOG_LID_RESERVATION, false},
	[NP_AEN_DISC_CHANGED] = {1u << 31, NVME_AER_NOTICE, NVME_AER_NOTICE_DISC_CHANGED,
		NVME_LOG_LID_DISCOVER, true},
};

/* The events, a bit each, that the log page @lid tells more of. */
static uint32_t np_aens_of_log(uint8_t lid)
{
	uint32_t kinds = 0;

	for (unsigned int kind = 0; kind < NP_AEN_KINDS; kind++)
		kinds |= (uint32_t)(np_aens[kind].lid == lid) << kind;
	return kinds;
}

/* ---- requests ----------------------------------------------------------------------------- */

static struct np_req *np_ctrl_take_aer(struct np_ctrl *ctrl, unsigned int index)
{
	struct np_req *req = ctrl->aers[index];

	ctrl->naers--;
	memmove(ctrl->aers + index, ctrl->aers + index + 1,
		(ctrl->naers - index) * sizeof(ctrl->aers[0]));
	return req;
}

/* Pairs events that wait with requests that wait. */
static void np_ctrl_match_aens(struct np_ctrl *ctrl)
{
	for (unsigned int kind = 0; kind < NP_AEN_KINDS && ctrl->naers; kind++) {
		if (!(ctrl->aen_pending & 1u << kind))
			continue;
		/* Who reads the log learns of the others that it tells of. */
		ctrl->aen_pending &= ~np_aens_of_log(np_aens[kind].lid);
		ctrl->aen_masked |= np_aens_of_log(np_aens[kind].lid);
		np_req_complete_dw0(np_ctrl_take_aer(ctrl, 0),
			(uint32_t)np_aens[kind].lid << 16 | (uint32_t)np_aens[kind].info << 8 |
				np_aens[kind].type);
	}
}

bool np_ctrl_park_aer(struct np_ctrl *ctrl, struct np_req *req)
{
	if (ctrl->naers == NP_CTRL_MAX_AERS)
		return false;
	ctrl->aers[ctrl->naers++] = req;
	np_ctrl_match_aens(ctrl);
	return true;
}

bool np_ctrl_unpark_aer(struct np_ctrl *ctrl, struct np_req *req)
{
	if (req->queue != ctrl->admin_queue)
		return false;
	for (unsigned int i = 0; i < ctrl->naers; i++) {
		if (ctrl->aers[i] != req)
			continue;
		np_req_complete(np_ctrl_take_aer(ctrl, i), np_status_aborted());
		return true;
	}
	return false;
}

/* ---- events ------------------------------------------------------------------------------- */

uint32_t np_ctrl_aen_supported(const struct np_ctrl *ctrl)
{
	uint32_t supported = 0;

	for (unsigned int kind = 0; kind < NP_AEN_KINDS; kind++)
		if (np_aens[kind].of_discovery == ctrl->subsys->is_discovery)
			supported |= np_aens[kind].config_bits;
	return supported;
}

void np_ctrl_send_aen(struct np_ctrl *ctrl, enum np_aen_kind kind)
{
	const uint32_t config_bits = np_aens[kind].config_bits;

	if ((config_bits && !(ctrl->aen_config & config_bits)) || ctrl->aen_masked & 1u << kind)
		return;
	ctrl->aen_pending |= 1u << kind;
	np_ctrl_match_aens(ctrl);
}

static void np_ctrl_drop_resv_note(struct np_ctrl *ctrl)
{
	if (!ctrl->nresv_notes)
		return;
	ctrl->nresv_notes--;
	memmove(ctrl->resv_notes, ctrl->resv_notes + 1,
		ctrl->nresv_notes * sizeof(ctrl->resv_notes[0]));
}

void np_ctrl_ack_aen(struct np_ctrl *ctrl, uint8_t lid)
{
	ctrl->aen_masked &= ~np_aens_of_log(lid);
	if (lid != NVME_LOG_LID_RESERVATION)
		return;
	/* One page is read; there may be more. */
	np_ctrl_drop_resv_note(ctrl);
	if (ctrl->nresv_notes)
		np_ctrl_send_aen(ctrl, NP_AEN_RESERVATION);
}

static void np_ctrl_note_resv(struct np_ctrl *ctrl, uint32_t nsid, uint8_t type)
{
	if (ctrl->nresv_notes == NP_CTRL_MAX_RESV_NOTES)
		np_ctrl_drop_resv_note(ctrl);
	ctrl->resv_notes[ctrl->nresv_notes++] =
		(struct np_resv_note){.number = ++ctrl->last_resv_note, .nsid = nsid, .type = type};
}

static void np_ctrl_note_changed_ns(struct np_ctrl *ctrl, uint32_t nsid)
{
	unsigned int i = 0;

	if (ctrl->nchanged_ns > NP_CTRL_MAX_CHANGED_NS)
		return;
	while (i < ctrl->nchanged_ns && ctrl->changed_ns[i] < nsid)
		i++;
	if (i < ctrl->nchanged_ns && ctrl->changed_ns[i] == nsid)
		return;
	if (ctrl->nchanged_ns++ == NP_CTRL_MAX_CHANGED_NS)
		return;
	memmove(ctrl->changed_ns + i + 1, ctrl->changed_ns + i,
		(ctrl->nchanged_ns - 1 - i) * sizeof(nsid));
	ctrl->changed_ns[i] = nsid;
}

/* An error that no command was to blame for. */
static void np_ctrl_note_error(struct np_ctrl *ctrl, const struct np_news *news)
{
	const struct np_status status = np_status_retryable(np_status_generic(NVME_SC_INTERNAL));
	const struct nvme_error_log_page entry = {
		.sqid = htole16(UINT16_MAX),
		.cmdid = htole16(UINT16_MAX),
		.status_field = htole16((uint16_t)(status.field << 1)),
		.parm_error_location = htole16(NP_ERROR_LOC_UNKNOWN),
		.lba = htole64(news->lba),
		.nsid = htole32(news->nsid),
		.trtype = NVMF_TRTYPE_RDMA,
	};

	np_errlog_add(&ctrl->errlog, &entry);
}

void np_ctrl_note(struct np_ctrl *ctrl, const struct np_news *news)
{
	if (news->kind == NP_AEN_ERROR)
		np_ctrl_note_error(ctrl, news);
	else if (news->kind == NP_AEN_NS_CHANGED)
		np_ctrl_note_changed_ns(ctrl, news->nsid);
	else if (news->kind == NP_AEN_RESERVATION)
		np_ctrl_note_resv(ctrl, news->nsid, news->resv_type);
	np_ctrl_send_aen(ctrl, news->kind);
}

/* ---- health ------------------------------------------------------------------------------- */

uint8_t np_ctrl_warnings(const struct np_ctrl *ctrl, const struct np_health *health)
{
	uint8_t warnings = health->warnings;

	/* 0: no drive has told its temperature. */
	if (health->kelvin &&
		(health->kelvin >= ctrl->values[NP_VALUE_TEMP_OVER] ||
			health->kelvin <= ctrl->values[NP_VALUE_TEMP_UNDER]))
		warnings |= NVME_SMART_CRIT_TEMPERATURE;
	return warnings;
}

void np_ctrl_note_health(struct np_ctrl *ctrl, const struct np_health *health)
{
	const uint8_t now = (uint8_t)(np_ctrl_warnings(ctrl, health) & ctrl->aen_config);
	const uint8_t news = (uint8_t)(now & ~ctrl->told_warnings);

	ctrl->told_warnings = now;
	for (unsigned int kind = NP_AEN_SPARE; kind <= NP_AEN_RELIABILITY; kind++)
		if (news & np_aens[kind].config_bits)
			np_ctrl_send_aen(ctrl, kind);
}
