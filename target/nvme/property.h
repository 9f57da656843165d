/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * property.h - Property Get and Property Set.
 *
 * Spec: NVM Express Base 2.0, 3.1.3 and 6.5, 6.6.
 *
 * Thread: the reactor of req->queue.
 * Depends: req.h.
 */
#ifndef NP_NVME_PROPERTY_H
#define NP_NVME_PROPERTY_H

#include "target/nvme/req.h"

struct np_status np_property_check(struct np_req *req, uint32_t *ret_bytes);
void np_property_get(struct np_req *req);
void np_property_set(struct np_req *req);

#endif
