/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * admin.h - the small admin commands: Asynchronous Event Request, Keep Alive.
 *
 * Thread: the reactor of req->queue.
 * Depends: req.h.
 */
#ifndef NP_NVME_ADMIN_H
#define NP_NVME_ADMIN_H

#include "target/nvme/req.h"

/* For commands that carry no data and whose fields may all be anything. */
struct np_status np_admin_check_plain(struct np_req *req, uint32_t *ret_bytes);

/* Spec: NVM Express Base 2.0, 5.2 (AER), 5.18 (Keep Alive). */
void np_admin_async_event(struct np_req *req);
void np_admin_keep_alive(struct np_req *req);

#endif
