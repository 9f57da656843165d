/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zoned.h - the Zoned Namespace Command Set, on drives that have it: its commands for the table in cmd.c,
 * and what Identify says of it.
 *
 * Zones and their states are the drive's; so are the statuses of what breaks their rules.
 * Spec: NVMe Zoned Namespace Command Set 1.1.
 *
 * Thread: the reactor of req->queue.
 * Depends: req.h.
 */
#ifndef NP_NVME_ZONED_H
#define NP_NVME_ZONED_H

#include "target/nvme/req.h"

/* The largest Zone Append: it cannot be done piece by piece. */
#define NP_ZONE_APPEND_BYTES (64u * 1024u)

/* 3.4.1 (Append), 3.4.3 (Management Send), 3.4.2 (Management Receive). */
struct np_status np_zoned_check_append(struct np_req *req, uint32_t *ret_bytes);
struct np_status np_zoned_check_send(struct np_req *req, uint32_t *ret_bytes);
struct np_status np_zoned_check_receive(struct np_req *req, uint32_t *ret_bytes);

void np_zoned_append(struct np_req *req);
void np_zoned_send(struct np_req *req);
void np_zoned_receive(struct np_req *req);

static inline bool np_ns_is_zoned(const struct np_ns *ns)
{
	return ns->backend->zoned != NULL;
}

/* Its command set: enum nvme_csi. */
static inline uint8_t np_ns_csi(const struct np_ns *ns)
{
	return np_ns_is_zoned(ns) ? NVME_CSI_ZNS : NVME_CSI_NVM;
}

/* Does the host see a zoned namespace? */
bool np_zoned_is_there(const struct np_view *view);

/* Fills 4 KiB of zeroes: Identify Namespace (4.1.5.1) of a zoned one, and Controller (4.1.5.2). */
void np_zoned_identify_ns(const struct np_ns *ns, uint8_t *data);
void np_zoned_identify_ctrl(const struct np_view *view, uint8_t *data);

#endif
