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

/*
 * What the controller of @req has of the feature @fid, as in log page 12h; 0: nothing. Little-endian.
 * Spec: NVM Express Base 2.0, 5.16.1.18.
 */
uint32_t np_features_effects(const struct np_req *req, uint8_t fid);

void np_features_get(struct np_req *req);
void np_features_set(struct np_req *req);

#endif
