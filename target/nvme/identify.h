/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * identify.h - the Identify command.
 *
 * Thread: the reactor of req->queue.
 * Depends: req.h.
 */
#ifndef NP_NVME_IDENTIFY_H
#define NP_NVME_IDENTIFY_H

#include "target/nvme/req.h"

/* Spec: NVM Express Base 2.0, 5.17; NVM Command Set 1.0, 4.1.5. */
struct np_status np_identify_check(struct np_req *req, uint32_t *ret_bytes);
void np_identify_execute(struct np_req *req);

/* Copies @text without its NUL into @dst and fills with spaces, as identify wants strings. */
void np_identify_put_text(char *dst, size_t dst_bytes, const char *text);

#endif
