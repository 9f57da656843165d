/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * features.h - Get Features and Set Features.
 *
 * Thread: the reactor of req->queue.
 * Depends: req.h.
 */
#ifndef NP_NVME_FEATURES_H
#define NP_NVME_FEATURES_H

#include "target/nvme/req.h"

/* Spec: NVM Express Base 2.0, 5.15 (Get), 5.27 (Set). */
struct np_status np_features_check_get(struct np_req *req, uint32_t *ret_bytes);
struct np_status np_features_check_set(struct np_req *req, uint32_t *ret_bytes);

void np_features_get(struct np_req *req);
void np_features_set(struct np_req *req);

#endif
