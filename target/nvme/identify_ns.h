/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * identify_ns.h - Identify: one namespace. @data is a page of zeroes.
 *
 * Thread: the reactor of req->queue.
 * Depends: req.h.
 */
#ifndef NP_NVME_IDENTIFY_NS_H
#define NP_NVME_IDENTIFY_NS_H

#include "target/nvme/req.h"

/* Of one that the host sees (CNS 00h), or that is allocated (11h). Spec: NVM Command Set 1.0, 4.1.5.1. */
struct np_status np_identify_ns(struct np_req *req, uint8_t *data);
struct np_status np_identify_allocated_ns(struct np_req *req, uint8_t *data);

/* Its identifiers (03h). Spec: NVM Express Base 2.0, 5.17.2.3. */
struct np_status np_identify_ns_descs(struct np_req *req, uint8_t *data);

/* What its command set says of it (05h), and what all have (08h). Spec: as above, 5.17.2.5, 5.17.2.8. */
struct np_status np_identify_nvm_ns(struct np_req *req, uint8_t *data);
struct np_status np_identify_zoned_ns(struct np_req *req, uint8_t *data);
struct np_status np_identify_common_ns(struct np_req *req, uint8_t *data);

#endif
