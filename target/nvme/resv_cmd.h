/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * resv_cmd.h - the commands of reservations: check and execute functions for the table in cmd.c.
 *
 * Thread: the reactor of req->queue.
 * Depends: req.h.
 */
#ifndef NP_NVME_RESV_CMD_H
#define NP_NVME_RESV_CMD_H

#include "target/nvme/req.h"

/* Spec: NVM Express Base 2.0, 7.2 (Acquire), 7.3 (Register), 7.4 (Release), 7.5 (Report). */
struct np_status np_resv_check_acquire(struct np_req *req, uint32_t *ret_bytes);
struct np_status np_resv_check_register(struct np_req *req, uint32_t *ret_bytes);
struct np_status np_resv_check_release(struct np_req *req, uint32_t *ret_bytes);
struct np_status np_resv_check_report(struct np_req *req, uint32_t *ret_bytes);

/* Register, Acquire and Release are decided on the control thread, one after the other. */
void np_resv_execute(struct np_req *req);
void np_resv_report(struct np_req *req);

/* Set Features, Reservation Persistence, of req->ns. Spec: NVM Express Base 2.0, 5.27.1.29. */
void np_resv_set_persistence(struct np_req *req);

#endif
