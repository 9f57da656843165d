// SPDX-License-Identifier: BSD-3-Clause
/*
 * features_ns.c - features that each namespace has for itself.
 *
 * Write protection travels reactor -> control, which keeps it -> once through every reactor, until the
 * writes that had begun have ended -> back, where the drive's cache is flushed: what is protected is on
 * the medium.
 *
 * Thread: the reactor of req->queue; functions marked "control" on the control thread.
 * Depends: ctrl.h, gate.h, registry.h, resv.h.
 */
#include "target/nvme/features_ns.h"

#include <stdlib.h>

#include "target/base/le.h"
#include "target/nvme/ctrl.h"
#include "target/nvme/io.h"
#include "target/nvme/registry.h"

/* ---- reservations ------------------------------------------------------------------------- */

#define NP_RESV_MASKS \
	(NVME_FEAT_RESV_NOTIFY_REGPRE | NVME_FEAT_RESV_NOTIFY_RESREL | NVME_FEAT_RESV_NOTIFY_RESPRE)

struct np_status np_get_resv_mask(struct np_req *req, uint32_t *ret_dw0)
{
	if (!req->ns->resv)
		return np_req_bad_field(req, cdw10, 0);
	*ret_dw0 = atomic_load(&req->ns->resv->mask);
	return NP_SUCCESS;
}

struct np_status np_get_resv_persistence(struct np_req *req, uint32_t *ret_dw0)
{
	if (!req->ns->resv)
		return np_req_bad_field(req, cdw10, 0);
	*ret_dw0 = atomic_load_explicit(&req->ns->resv->now, memory_order_acquire)->persists;
	return NP_SUCCESS;
}

struct np_status np_set_resv_mask(struct np_req *req, uint32_t value, uint32_t *ret_dw0)
{
	const struct np_view *view = np_ctrl_view(req->queue->ctrl);

	(void)ret_dw0;
	if (value & ~(uint32_t)NP_RESV_MASKS)
		return np_req_bad_field(req, cdw11, 0);
	if (req->ns && !req->ns->resv)
		return np_req_bad_field(req, cdw10, 0);
	if (req->ns) {
		atomic_store(&req->ns->resv->mask, value);
		return NP_SUCCESS;
	}
	for (unsigned int i = 0; i < view->nns; i++) {
		if (view->ns[i]->resv)
			atomic_store(&view->ns[i]->resv->mask, value);
	}
	return NP_SUCCESS;
}

/* ---- write protection --------------------------------------------------------------------- */

struct np_status np_get_protection(struct np_req *req, uint32_t *ret_dw0)
{
	if (!req->ns->protect)
		return np_req_bad_field(req, cdw10, 0);
	*ret_dw0 = atomic_load(&req->ns->is_protected) ? NVME_FEAT_NS_WRITE_PROTECT
						       : NVME_FEAT_NS_NO_WRITE_PROTECT;
	return NP_SUCCESS;
}

/* A change on its way through the reactors. */
struct np_protection {
	struct np_gate_tour tour;
	struct np_req *req;
};

static bool np_protection_wanted(const struct np_req *req)
{
	return np_le32(req->sqe.cdw11) == NVME_FEAT_NS_WRITE_PROTECT;
}

/* Every reactor knows, and what had begun before has ended. */
static void np_protection_holds(struct np_msg *msg)
{
	struct np_req *req = np_container_of(msg, struct np_req, msg);

	if (np_protection_wanted(req) && req->ns->backend->volatile_cache) {
		req->io = (struct np_io){.op = NP_IO_FLUSH, .done = np_io_all_done};
		np_io_submit(req);
	} else {
		np_req_complete(req, NP_SUCCESS);
	}
}

static void np_protection_has_been_around(struct np_gate_tour *tour)
{
	struct np_protection *protection = np_container_of(tour, struct np_protection, tour);

	np_registry_reply(protection->req, NP_SUCCESS, np_protection_holds);
	free(protection);
}

/* Control. */
static void np_protection_decide(struct np_msg *msg)
{
	struct np_req *req = np_container_of(msg, struct np_req, msg);
	const bool is_wanted = np_protection_wanted(req);
	struct np_protection *protection = malloc(sizeof(*protection));

	if (!protection || req->ns->protect(req->ns, is_wanted)) {
		free(protection);
		np_registry_reply(
			req, np_status_retryable(np_status_generic(NVME_SC_INTERNAL)), NULL);
		return;
	}
	atomic_store(&req->ns->is_protected, is_wanted);
	*protection = (struct np_protection){
		.tour = {.gate = req->ns->gate,
			.extent = {0, is_wanted ? NP_EXTENT_ALL : 0},
			.done = np_protection_has_been_around},
		.req = req,
	};
	np_gate_send(&protection->tour);
}

void np_set_protection(struct np_req *req)
{
	if (!req->ns->protect) {
		np_req_complete(req, np_req_bad_field(req, cdw10, 0));
	} else if (np_le32(req->sqe.cdw11) > NVME_FEAT_NS_WRITE_PROTECT) {
		np_req_complete(req, np_req_bad_field(req, cdw11, 0));
	} else {
		np_registry_ask(req, np_protection_decide);
	}
}
