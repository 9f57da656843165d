// SPDX-License-Identifier: BSD-3-Clause
/*
 * resv_cmd.c - Reservation Register, Acquire, Release and Report.
 *
 * A command travels reactor -> control, which puts the new state in the place of the old one -> once
 * through every reactor, after which nobody reads the old state -> back to its own, which answers.
 * Preempt and Abort also waits on each of them for the commands that the old state allowed. They are
 * not cut short: those of a host that does not answer any more end with its connection.
 *
 * Thread: the reactor of req->queue; functions marked "control" on the control thread.
 * Depends: resv.h, ctrl.h, registry.h.
 */
#include "target/nvme/resv_cmd.h"

#include <stdlib.h>
#include <string.h>

#include "target/base/le.h"
#include "target/nvme/ctrl.h"
#include "target/nvme/io.h"
#include "target/nvme/logpage.h"
#include "target/nvme/registry.h"
#include "target/nvme/resv.h"

#define NP_RESV_IEKEY (1u << 3)
#define NP_RESV_EDS 1u /* in CDW11 of Report: 128-bit Host Identifiers */
#define NP_RESV_NO_CTRL 0xffffu
#define NP_RESV_CPTPL_RESERVED 1u
#define NP_RESV_PTPL 1u /* in CDW11 of feature 83h */

/* The data of Register and Acquire; Release has the first only. */
struct np_resv_keys {
	uint64_t current, other;
};

static_assert(sizeof(struct nvme_registered_ctrl_ext) == 64, "registered controller, extended");
static_assert(offsetof(struct nvme_resv_status, regctl_eds) == 64, "reservation status, extended");

/* ---- checks ------------------------------------------------------------------------------- */

static struct np_status np_resv_check_ns(struct np_req *req)
{
	struct np_status status = np_io_find_ns(req);

	if (np_status_is_ok(status) && !req->ns->resv)
		return np_req_bad_opcode(req);
	return status;
}

static unsigned int np_resv_action(const struct np_req *req)
{
	return np_le32(req->sqe.cdw10) & 7;
}

static uint8_t np_resv_cptpl(const struct np_req *req)
{
	return (uint8_t)(np_le32(req->sqe.cdw10) >> 30);
}

static uint8_t np_resv_type(const struct np_req *req)
{
	return (uint8_t)(np_le32(req->sqe.cdw10) >> 8);
}

struct np_status np_resv_check_register(struct np_req *req, uint32_t *ret_bytes)
{
	const unsigned int cptpl = np_resv_cptpl(req);
	struct np_status status;

	*ret_bytes = sizeof(struct np_resv_keys);
	if (np_resv_action(req) > NVME_RESERVATION_RREGA_REPLACE_KEY)
		return np_req_bad_field(req, cdw10, 0);
	status = np_resv_check_ns(req);
	if (np_status_is_ok(status) &&
		(cptpl == NP_RESV_CPTPL_RESERVED ||
			(cptpl == NVME_RESERVATION_CPTPL_PERSIST && !req->ns->resv->can_persist)))
		return np_req_bad(req, offsetof(struct np_sqe, cdw10) + 3, 6,
			np_status_generic(NVME_SC_INVALID_FIELD));
	return status;
}

/* IEKEY is for Register alone. Spec: NVM Express Base 2.0, RESCAP bit 7. */
static struct np_status np_resv_check_typed(struct np_req *req, unsigned int last_action)
{
	if (np_resv_action(req) > last_action)
		return np_req_bad_field(req, cdw10, 0);
	if (np_le32(req->sqe.cdw10) & NP_RESV_IEKEY)
		return np_req_bad_field(req, cdw10, 3);
	return np_resv_check_ns(req);
}

static struct np_status np_resv_check_type(struct np_req *req)
{
	if (np_resv_type(req) < NVME_RESERVATION_RTYPE_WE ||
		np_resv_type(req) > NVME_RESERVATION_RTYPE_EAAR)
		return np_req_bad(req, offsetof(struct np_sqe, cdw10) + 1, 0,
			np_status_generic(NVME_SC_INVALID_FIELD));
	return NP_SUCCESS;
}

struct np_status np_resv_check_acquire(struct np_req *req, uint32_t *ret_bytes)
{
	struct np_status status =
		np_resv_check_typed(req, NVME_RESERVATION_RACQA_PREEMPT_AND_ABORT);

	*ret_bytes = sizeof(struct np_resv_keys);
	return np_status_is_ok(status) ? np_resv_check_type(req) : status;
}

struct np_status np_resv_check_release(struct np_req *req, uint32_t *ret_bytes)
{
	struct np_status status = np_resv_check_typed(req, NVME_RESERVATION_RRELA_CLEAR);

	*ret_bytes = sizeof(uint64_t);
	if (np_status_is_ok(status) && np_resv_action(req) == NVME_RESERVATION_RRELA_RELEASE)
		status = np_resv_check_type(req);
	return status;
}

struct np_status np_resv_check_report(struct np_req *req, uint32_t *ret_bytes)
{
	const uint64_t bytes = ((uint64_t)np_le32(req->sqe.cdw10) + 1) * 4;

	if (bytes > NP_MDTS_BYTES)
		return np_req_bad_field(req, cdw10, 0);
	if (!(np_le32(req->sqe.cdw11) & NP_RESV_EDS))
		return np_req_bad(req, offsetof(struct np_sqe, cdw11), 0,
			np_status_generic(NVME_SC_HOSTID_FORMAT));
	*ret_bytes = (uint32_t)bytes;
	return np_resv_check_ns(req);
}

/* ---- notifications, control --------------------------------------------------------------- */

struct np_resv_news {
	const struct np_req *req;
	const struct np_resv *old;
	const uint8_t *types; /* by registrant of @old */
	uint32_t mask;        /* what nobody wants to be told of */
};

static void np_resv_tell_ctrl(void *ctx, struct np_ctrl *ctrl)
{
	const struct np_resv_news *news = ctx;
	const int index = np_resv_find(news->old, ctrl->hostid);

	if (ctrl->subsys == news->req->queue->attached->subsys && index >= 0 &&
		news->types[index] && !(news->mask >> news->types[index] & 1))
		np_registry_tell(ctrl,
			&(struct np_news){.kind = NP_AEN_RESERVATION,
				.nsid = news->req->ns->nsid,
				.resv_type = news->types[index]});
}

/* ---- Register, Acquire, Release ----------------------------------------------------------- */

/* A change on its way through the reactors. */
struct np_resv_change {
	struct np_gate_tour tour;
	struct np_resv *old;
	struct np_req *req;
};

/* No reactor reads the old state any more, and of what it allowed is left what may be. */
static void np_resv_have_been_around(struct np_gate_tour *tour)
{
	struct np_resv_change *change = np_container_of(tour, struct np_resv_change, tour);

	np_registry_reply(change->req, NP_SUCCESS, NULL);
	free(change->old);
	free(change);
}

/* Preempt and Abort: the commands that the old state allowed must have ended. Else: none. */
static struct np_extent np_resv_wait_for(const struct np_req *req)
{
	const bool is_abort = req->sqe.opcode == nvme_cmd_resv_acquire &&
		np_resv_action(req) == NVME_RESERVATION_RACQA_PREEMPT_AND_ABORT;

	return (struct np_extent){0, is_abort ? NP_EXTENT_ALL : 0};
}

/* Of a command of the I/O queue, or of Set Features: what it wants. */
static void np_resv_read_request(const struct np_req *req, struct np_resv_request *ret_request)
{
	static const enum np_resv_verb registers[] = {
		NP_RESV_REGISTER, NP_RESV_UNREGISTER, NP_RESV_REPLACE};
	static const enum np_resv_verb acquires[] = {
		NP_RESV_ACQUIRE, NP_RESV_PREEMPT, NP_RESV_PREEMPT};
	static const enum np_resv_verb releases[] = {NP_RESV_RELEASE, NP_RESV_CLEAR};
	const unsigned int action = np_resv_action(req);
	struct np_resv_keys keys = {0};

	if (!req->queue->qid) {
		*ret_request = (struct np_resv_request){.verb = NP_RESV_KEEP,
			.cptpl = np_le32(req->sqe.cdw11) & NP_RESV_PTPL
				? NVME_RESERVATION_CPTPL_PERSIST
				: NVME_RESERVATION_CPTPL_CLEAR};
		return;
	}
	memcpy(&keys, req->va, req->bytes);
	*ret_request = (struct np_resv_request){
		.verb = req->sqe.opcode == nvme_cmd_resv_register  ? registers[action]
			: req->sqe.opcode == nvme_cmd_resv_acquire ? acquires[action]
								   : releases[action],
		.key = np_le64(keys.current),
		.new_key = np_le64(keys.other),
		.prey = np_le64(keys.other),
		.type = np_resv_type(req),
		.ignores_key = np_le32(req->sqe.cdw10) & NP_RESV_IEKEY,
	};
	if (req->sqe.opcode == nvme_cmd_resv_register)
		ret_request->cptpl = np_resv_cptpl(req);
	memcpy(ret_request->hostid, req->queue->attached->hostid, sizeof(ret_request->hostid));
}

/* Control. Return: as np_resv_change(); after success @change is on its way. */
static struct np_status np_resv_publish(
	struct np_req *req, struct np_resv_change *change, uint8_t *types)
{
	struct np_resv_ns *resv = req->ns->resv;
	struct np_resv *old = atomic_load(&resv->now), *now;
	struct np_resv_news news = {
		.req = req, .old = old, .types = types, .mask = atomic_load(&resv->mask)};
	struct np_resv_request request;
	struct np_status status;

	np_resv_read_request(req, &request);
	status = np_resv_change(old, &request, &now, types);
	if (!np_status_is_ok(status))
		return status;
	/* What is answered must outlive us; what cannot be kept has not happened. */
	if ((old->persists || now->persists) && resv->save(resv, now)) {
		free(now);
		return np_status_retryable(np_status_generic(NVME_SC_INTERNAL));
	}
	atomic_store(&resv->now, now);
	np_registry_each(np_resv_tell_ctrl, &news);
	*change = (struct np_resv_change){
		.tour = {.gate = req->ns->gate,
			.extent = np_resv_wait_for(req),
			.done = np_resv_have_been_around},
		.old = old,
		.req = req,
	};
	np_gate_send(&change->tour);
	return NP_SUCCESS;
}

/* Control. */
static void np_resv_decide(struct np_msg *msg)
{
	struct np_req *req = np_container_of(msg, struct np_req, msg);
	const struct np_resv *old = atomic_load(&req->ns->resv->now);
	struct np_status status = np_status_retryable(np_status_generic(NVME_SC_INTERNAL));
	struct np_resv_change *change = malloc(sizeof(*change));
	uint8_t *types = calloc(old->count + 1, sizeof(*types));

	if (change && types)
		status = np_resv_publish(req, change, types);
	free(types);
	if (np_status_is_ok(status))
		return;
	free(change);
	np_registry_reply(req, status, NULL);
}

void np_resv_execute(struct np_req *req)
{
	np_registry_ask(req, np_resv_decide);
}

void np_resv_set_persistence(struct np_req *req)
{
	const uint32_t value = np_le32(req->sqe.cdw11);

	if (!req->ns->resv)
		np_req_complete(req, np_req_bad_field(req, cdw10, 0));
	else if (value & ~NP_RESV_PTPL || (value && !req->ns->resv->can_persist))
		np_req_complete(req, np_req_bad_field(req, cdw11, 0));
	else
		np_resv_execute(req);
}

/* ---- Report ------------------------------------------------------------------------------- */

struct np_resv_report {
	const struct np_req *req;
	const struct np_registrant *registrant;
	bool is_holder;
	struct np_window window;
	uint32_t nentries;
};

static void np_resv_put_entry(struct np_resv_report *report, uint16_t cntlid)
{
	struct nvme_registered_ctrl_ext entry = {
		.cntlid = np_le16(cntlid),
		.rcsts = report->is_holder,
		.rkey = htole64(report->registrant->key),
	};

	memcpy(entry.hostid, report->registrant->hostid, sizeof(entry.hostid));
	np_window_put(&report->window,
		sizeof(struct nvme_resv_status) + (uint64_t)report->nentries * sizeof(entry),
		&entry, sizeof(entry));
	report->nentries++;
}

static void np_resv_put_ctrl(void *ctx, struct np_ctrl *ctrl)
{
	struct np_resv_report *report = ctx;

	if (ctrl->subsys == report->req->queue->attached->subsys &&
		!memcmp(ctrl->hostid, report->registrant->hostid, sizeof(ctrl->hostid)))
		np_resv_put_entry(report, ctrl->cntlid);
}

/* Control, which alone knows all controllers. */
static void np_resv_write_report(struct np_msg *msg)
{
	struct np_req *req = np_container_of(msg, struct np_req, msg);
	const struct np_resv *resv = atomic_load(&req->ns->resv->now);
	struct np_resv_report report = {.req = req, .window = {req->va, 0, req->bytes}};
	struct nvme_resv_status head = {
		.gen = np_le32(resv->generation), .rtype = resv->type, .ptpls = resv->persists};
	uint16_t regctl_le;

	memset(req->va, 0, req->bytes);
	for (uint32_t i = 0; i < resv->count; i++) {
		const uint32_t before = report.nentries;

		report.registrant = &resv->list[i];
		report.is_holder = np_resv_is_holder(resv, i);
		np_registry_each(np_resv_put_ctrl, &report);
		if (report.nentries == before)
			np_resv_put_entry(&report, NP_RESV_NO_CTRL);
	}
	regctl_le = np_le16((uint16_t)report.nentries);
	memcpy(head.regctl, &regctl_le, sizeof(head.regctl));
	np_window_put(&report.window, 0, &head, sizeof(head));
	np_registry_reply(req, NP_SUCCESS, NULL);
}

void np_resv_report(struct np_req *req)
{
	np_registry_ask(req, np_resv_write_report);
}
