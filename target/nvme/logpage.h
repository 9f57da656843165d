/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * logpage.h - the Get Log Page command, and the window through which a host sees a log.
 *
 * Thread: the reactor of req->queue; np_window_put() is pure.
 * Depends: req.h.
 */
#ifndef NP_NVME_LOGPAGE_H
#define NP_NVME_LOGPAGE_H

#include "target/nvme/req.h"

/* The part [offset, +bytes) of a log. A host chooses the offset: it may be any number. */
struct np_window {
	uint8_t *data;
	uint64_t offset;
	uint32_t bytes;
};

/* Writes what the window shows of @bytes at @pos of the log. */
void np_window_put(const struct np_window *window, uint64_t pos, const void *src, size_t bytes);

/* Spec: NVM Express Base 2.0, 5.16. */
struct np_status np_logpage_check(struct np_req *req, uint32_t *ret_bytes);
void np_logpage_execute(struct np_req *req);

/* Fills the current piece and goes on, when what it needs is there. */
void np_logpage_show(struct np_req *req);

#endif
