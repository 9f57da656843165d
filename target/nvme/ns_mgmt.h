/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ns_mgmt.h - Namespace Management and Namespace Attachment: hosts that create namespaces.
 *
 * Spec: NVM Express Base 2.0, 5.23, 5.22, 8.12; NVM Command Set 1.0, 4.1.6.
 *
 * Thread: the reactor of req->queue.
 * Depends: req.h.
 */
#ifndef NP_NVME_NS_MGMT_H
#define NP_NVME_NS_MGMT_H

#include "target/nvme/req.h"

struct np_status np_ns_mgmt_check(struct np_req *req, uint32_t *ret_bytes);
void np_ns_mgmt_execute(struct np_req *req);

struct np_status np_ns_attach_check(struct np_req *req, uint32_t *ret_bytes);
void np_ns_attach_execute(struct np_req *req);

#endif
