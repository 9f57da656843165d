/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * features_ns.h - features that each namespace has for itself: the notifications of its reservation,
 * whether that persists, and write protection. For the table in features.c.
 *
 * Spec: NVM Express Base 2.0, 5.27.1.28 to 5.27.1.30; 8.12 (write protection).
 *
 * Thread: the reactor of req->queue.
 * Depends: req.h.
 */
#ifndef NP_NVME_FEATURES_NS_H
#define NP_NVME_FEATURES_NS_H

#include "target/nvme/req.h"

/* Get: the value for dword 0, of req->ns. */
struct np_status np_get_resv_mask(struct np_req *req, uint32_t *ret_dw0);
struct np_status np_get_resv_persistence(struct np_req *req, uint32_t *ret_dw0);
struct np_status np_get_protection(struct np_req *req, uint32_t *ret_dw0);

/* Of req->ns, or of all namespaces if that is NULL. */
struct np_status np_set_resv_mask(struct np_req *req, uint32_t value, uint32_t *ret_dw0);

/* These answer the command, some time. Persistence, like all of reservations, is in resv_cmd.c. */
void np_set_protection(struct np_req *req);

#endif
