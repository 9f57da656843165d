/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * identify_ctrls.h - Identify: lists of controllers. For the table in identify.c.
 *
 * Thread: the reactor of req->queue.
 * Depends: req.h.
 */
#ifndef NP_NVME_IDENTIFY_CTRLS_H
#define NP_NVME_IDENTIFY_CTRLS_H

#include "target/nvme/req.h"

/*
 * Answers @req with the controllers of the subsystem from CDW10.CNTID on: those that a namespace is
 * attached to (CNS 12h), or all (13h). Spec: NVM Express Base 2.0, 5.17.2.12 and 5.17.2.13.
 */
void np_identify_ns_ctrls(struct np_req *req);
void np_identify_all_ctrls(struct np_req *req);

#endif
