/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rotational.h - namespaces on media that rotate: hosts are told, and order what they ask for.
 *
 * NVMe tells of such media by endurance groups. Each of these namespaces is one, by its own number.
 *
 * Spec: NVM Express Base 2.0, 8.20 (rotational media), 5.17.2.17 (CNS 19h), 5.16.1.10 (log 09h),
 * 5.16.1.21 (log 16h).
 *
 * Thread: the reactor of req->queue.
 * Depends: logpage.h, subsys.h.
 */
#ifndef NP_NVME_ROTATIONAL_H
#define NP_NVME_ROTATIONAL_H

#include "target/nvme/logpage.h"
#include "target/nvme/req.h"

/* Does the host see any such namespace? */
bool np_rotational_is_there(const struct np_view *view);

/* Return: the endurance group of @ns; 0 if its media do not rotate, or its number is too large. */
uint16_t np_rotational_group(const struct np_ns *ns);

struct np_status np_rotational_identify_groups(struct np_req *req, uint8_t *data);

struct np_status np_rotational_fill_group(
	struct np_req *req, const struct np_window *window, uint64_t *ret_bytes);
struct np_status np_rotational_fill_media(
	struct np_req *req, const struct np_window *window, uint64_t *ret_bytes);

#endif
