/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * features_host.h - features by which a host tells of itself: who it is, what time it is, and what it
 * knows. For the table in features.c, whose functions these are.
 *
 * Spec: NVM Express Base 2.0, 5.27.1.25 (Host Identifier), 5.27.1.13 (Timestamp), 5.27.1.18 (Host Behavior
 *       Support).
 *
 * Thread: the reactor of req->queue.
 * Depends: req.h.
 */
#ifndef NP_NVME_FEATURES_HOST_H
#define NP_NVME_FEATURES_HOST_H

#include "target/nvme/req.h"

struct np_status np_get_host_id(struct np_req *req, uint32_t *ret_dw0);
struct np_status np_get_timestamp(struct np_req *req, uint32_t *ret_dw0);
struct np_status np_set_timestamp(struct np_req *req, uint32_t value, uint32_t *ret_dw0);
struct np_status np_get_behavior(struct np_req *req, uint32_t *ret_dw0);
struct np_status np_set_behavior(struct np_req *req, uint32_t value, uint32_t *ret_dw0);

#endif
