// SPDX-License-Identifier: BSD-3-Clause
/*
 * admin.c - the small admin commands: Asynchronous Event Request, Keep Alive.
 *
 * Thread: the reactor of req->queue.
 * Depends: ctrl.h.
 */
#include "target/nvme/admin.h"

#include "target/nvme/ctrl.h"

struct np_status np_admin_check_plain(struct np_req *req, uint32_t *ret_bytes)
{
	(void)req;
	*ret_bytes = 0;
	return NP_SUCCESS;
}

void np_admin_async_event(struct np_req *req)
{
	if (!np_ctrl_park_aer(req->queue->ctrl, req))
		np_req_complete(req, np_status_specific(NVME_SC_ASYNC_LIMIT));
}

void np_admin_keep_alive(struct np_req *req)
{
	struct np_ctrl *ctrl = req->queue->ctrl;

	if (!ctrl->kato_ms) {
		np_req_complete(req, np_status_generic(NVME_SC_KAT_INVALID));
		return;
	}
	np_ctrl_touch(ctrl);
	np_req_complete(req, NP_SUCCESS);
}
