// SPDX-License-Identifier: BSD-3-Clause
/*
 * smart.c - the SMART / Health Information log.
 *
 * Reads and writes are those of the hosts, counted here. Wear, temperature and the like are the drives':
 * they are asked one after the other, by the command's own np_io, so that a drive which does not answer
 * holds up nobody but the host that asked.
 *
 * Thread: the reactor of req->queue.
 * Depends: ctrl.h, backend.h.
 */
#include "target/nvme/smart.h"

#include <stdlib.h>
#include <string.h>

#include "target/base/le.h"
#include "target/nvme/ctrl.h"
#include "target/nvme/io.h"

#define NP_SECTOR_SHIFT 9
#define NP_DATA_UNIT_SECTORS 1000u /* it counts in thousands of 512 bytes */

static_assert(sizeof(struct nvme_smart_log) == 512, "SMART log");

/* What was gathered. */
struct np_smart {
	struct nvme_smart_log drive; /* where the drive that is asked writes to */
	struct nvme_smart_log all;
	uint32_t nsid; /* the last namespace whose drive was asked */
	struct np_ns *ns;
};

/* ---- arithmetic --------------------------------------------------------------------------- */

static uint64_t np_smart_get(const uint8_t field[16])
{
	uint64_t value_le;

	memcpy(&value_le, field, sizeof(value_le));
	return np_le64(value_le);
}

void np_smart_set(uint8_t field[16], uint64_t value)
{
	const uint64_t value_le = htole64(value);

	memcpy(field, &value_le, sizeof(value_le));
}

static void np_smart_add(uint8_t field[16], const uint8_t more[16])
{
	np_smart_set(field, np_smart_get(field) + np_smart_get(more));
}

static void np_smart_max(uint8_t field[16], const uint8_t other[16])
{
	if (np_smart_get(other) > np_smart_get(field))
		np_smart_set(field, np_smart_get(other));
}

static uint8_t np_smart_more(uint8_t a, uint8_t b)
{
	return a > b ? a : b;
}

struct np_health np_smart_health(const struct nvme_smart_log *log)
{
	struct np_health health = {.warnings = log->critical_warning};

	memcpy(&health.kelvin, log->temperature, sizeof(health.kelvin));
	health.kelvin = np_le16(health.kelvin);
	return health;
}

void np_smart_merge(struct nvme_smart_log *log, const struct nvme_smart_log *drive)
{
	uint16_t hot, other;

	memcpy(&hot, log->temperature, sizeof(hot));
	memcpy(&other, drive->temperature, sizeof(other));
	if (np_le16(other) > np_le16(hot))
		memcpy(log->temperature, &other, sizeof(other));
	log->critical_warning |= drive->critical_warning;
	log->avail_spare =
		drive->avail_spare < log->avail_spare ? drive->avail_spare : log->avail_spare;
	log->spare_thresh = np_smart_more(log->spare_thresh, drive->spare_thresh);
	log->percent_used = np_smart_more(log->percent_used, drive->percent_used);
	np_smart_max(log->power_cycles, drive->power_cycles);
	np_smart_max(log->power_on_hours, drive->power_on_hours);
	np_smart_add(log->unsafe_shutdowns, drive->unsafe_shutdowns);
	np_smart_add(log->media_errors, drive->media_errors);
	if (np_le32(drive->warning_temp_time) > np_le32(log->warning_temp_time))
		log->warning_temp_time = drive->warning_temp_time;
	if (np_le32(drive->critical_comp_time) > np_le32(log->critical_comp_time))
		log->critical_comp_time = drive->critical_comp_time;
}

uint64_t np_smart_data_units(uint64_t bytes)
{
	const uint64_t sectors = bytes >> NP_SECTOR_SHIFT;

	return sectors / NP_DATA_UNIT_SECTORS + !!(sectors % NP_DATA_UNIT_SECTORS);
}

/* ---- asking the drives -------------------------------------------------------------------- */

static bool np_smart_is_of_all(const struct np_req *req)
{
	const uint32_t nsid = np_le32(req->sqe.nsid);

	return nsid == NVME_NSID_NONE || nsid == NVME_NSID_ALL;
}

static bool np_smart_is_asked_for(const struct np_req *req, uint32_t nsid)
{
	return np_smart_is_of_all(req) || np_le32(req->sqe.nsid) == nsid;
}

/* Is the drive of @ns that of a namespace before it, too? */
static bool np_smart_was_asked(const struct np_view *view, const struct np_ns *ns)
{
	for (unsigned int i = 0; i < view->nns && view->ns[i] != ns; i++) {
		if (view->ns[i]->backend->has_health &&
			!strcmp(view->ns[i]->backend->pci, ns->backend->pci))
			return true;
	}
	return false;
}

/* The next namespace whose drive is to be asked. The view may be another one than the last time. */
static struct np_ns *np_smart_next(const struct np_req *req, uint32_t after)
{
	const struct np_view *view = np_ctrl_view(req->queue->ctrl);

	for (unsigned int i = 0; i < view->nns; i++) {
		struct np_ns *ns = view->ns[i];

		if (ns->nsid > after && np_smart_is_asked_for(req, ns->nsid) &&
			ns->backend->has_health &&
			(!np_smart_is_of_all(req) || !np_smart_was_asked(view, ns)))
			return ns;
	}
	return NULL;
}

static void np_smart_ask(struct np_req *req);

static void np_smart_told(struct np_io *io, struct np_status status)
{
	struct np_req *req = np_container_of(io, struct np_req, io);
	struct np_smart *smart = req->smart;

	/* Of a drive that says nothing there is nothing to say. */
	if (np_status_is_ok(status))
		np_smart_merge(&smart->all, &smart->drive);
	np_ns_put(smart->ns, req->queue->reactor->index);
	smart->ns = NULL;
	np_smart_ask(req);
}

static void np_smart_ask(struct np_req *req)
{
	struct np_smart *smart = req->smart;
	struct np_reactor *reactor = req->queue->reactor;
	struct np_ns *ns = np_smart_next(req, smart->nsid);
	struct np_status status = np_req_must_end(req);

	if (!np_status_is_ok(status)) {
		free(smart);
		req->smart = NULL;
		np_req_complete(req, status);
		return;
	}
	if (!ns) {
		np_logpage_show(req);
		return;
	}
	smart->nsid = ns->nsid;
	smart->ns = ns;
	np_ns_get(ns, reactor->index);
	req->io = (struct np_io){.op = NP_IO_HEALTH, .va = &smart->drive, .done = np_smart_told};
	/* Busy is as good as no answer: the next one is a moment away. */
	if (ns->backend->ops->submit(ns->backend, reactor, &req->io, &status) != NP_IO_QUEUED)
		np_smart_told(&req->io, np_status_generic(NVME_SC_NS_NOT_READY));
}

void np_smart_gather(struct np_req *req)
{
	req->smart = calloc(1, sizeof(*req->smart));
	if (!req->smart) {
		np_req_complete(req, np_status_retryable(np_status_generic(NVME_SC_INTERNAL)));
		return;
	}
	req->smart->all.avail_spare = NP_SPARE_FULL;
	np_smart_ask(req);
}

/* ---- the log ------------------------------------------------------------------------------ */

void np_smart_count_ns(const struct np_ns *ns, struct np_smart_counts *counts)
{
	const struct np_traffic_sum traffic = np_ns_traffic(ns);

	counts->reads +=
		np_ns_sum(ns, read_ios) + np_ns_sum(ns, compare_ios) + np_ns_sum(ns, verify_ios);
	counts->writes += np_ns_sum(ns, write_ios);
	counts->read_bytes += np_traffic_read_bytes(&traffic);
	counts->write_bytes += np_traffic_write_bytes(&traffic);
}

static void np_smart_count(const struct np_req *req, struct nvme_smart_log *log)
{
	const struct np_view *view = np_ctrl_view(req->queue->ctrl);
	struct np_smart_counts counts = {0};

	for (unsigned int i = 0; i < view->nns; i++) {
		if (np_smart_is_asked_for(req, view->ns[i]->nsid))
			np_smart_count_ns(view->ns[i], &counts);
	}
	np_smart_set(log->data_units_read, np_smart_data_units(counts.read_bytes));
	np_smart_set(log->data_units_written, np_smart_data_units(counts.write_bytes));
	np_smart_set(log->host_reads, counts.reads);
	np_smart_set(log->host_writes, counts.writes);
}

struct np_status np_smart_fill(
	struct np_req *req, const struct np_window *window, uint64_t *ret_bytes)
{
	struct np_ctrl *ctrl = req->queue->ctrl;
	struct nvme_smart_log log = req->smart->all;
	struct np_health health;

	free(req->smart);
	req->smart = NULL;
	if (!np_smart_is_of_all(req) && !np_view_find(np_ctrl_view(ctrl), np_le32(req->sqe.nsid)))
		return np_req_bad_nsid(req);
	np_smart_count(req, &log);
	health = np_smart_health(&log);
	log.critical_warning = np_ctrl_warnings(ctrl, &health);
	np_smart_set(log.num_err_log_entries, np_errlog_read(&ctrl->errlog, NULL, 0));
	np_window_put(window, 0, &log, sizeof(log));
	*ret_bytes = sizeof(log);
	return NP_SUCCESS;
}
