/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cntlid.h - which controller a host's Connect gets.
 *
 * Of a subsystem with dynamic controllers each Connect makes a new one. Static controllers are a host's
 * own: once it has one it finds it again by its id, or by asking for any, and no other host does. All that a
 * controller keeps between two connections is its id.
 *
 * Spec: NVM Express Base 2.0, 3.1.3.1 (models), 6.3 (CNTLID).
 *
 * Thread: control.
 * Depends: connect.h, registry.h.
 */
#ifndef NP_NVME_CNTLID_H
#define NP_NVME_CNTLID_H

#include "target/nvme/connect.h"

/**
 * np_cntlid_choose() - the id of the controller that @connect asks for on the admin queue
 *
 * Return: success; Connect Invalid Parameters, with the field in the CQE of @req; Controller Busy; Internal
 * Error without memory.
 */
struct np_status np_cntlid_choose(struct np_req *req, struct np_subsys *subsys,
	const struct np_connect *connect, uint16_t *ret_cntlid);

/* Forgets whose the static controllers of @subsys are. */
void np_cntlid_forget(struct np_subsys *subsys);

#endif
