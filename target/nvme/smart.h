/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * smart.h - the SMART / Health Information log: what hosts did, and how the drives behind it are.
 *
 * Spec: NVM Express Base 2.0, 5.16.1.3.
 *
 * Thread: the reactor of req->queue.
 * Depends: logpage.h, req.h.
 */
#ifndef NP_NVME_SMART_H
#define NP_NVME_SMART_H

#include "target/nvme/ctrl.h"
#include "target/nvme/logpage.h"
#include "target/nvme/req.h"

#define NP_SPARE_FULL 100 /* percent */

/* What hosts did. */
struct np_smart_counts {
	uint64_t reads, writes; /* commands */
	uint64_t read_bytes, write_bytes;
};

/* Adds what hosts did with @ns. */
void np_smart_count_ns(const struct np_ns *ns, struct np_smart_counts *counts);

/* What a log counts data in: thousands of 512 bytes, rounded up. */
uint64_t np_smart_data_units(uint64_t bytes);

/* Writes a counter of a log. */
void np_smart_set(uint8_t field[16], uint64_t value);

/* Asks the drives, each once, and goes on with np_logpage_show(). */
void np_smart_gather(struct np_req *req);

/* The log, of one namespace or of all that the host sees. */
struct np_status np_smart_fill(
	struct np_req *req, const struct np_window *window, uint64_t *ret_bytes);

/* What of @log an event can tell. */
struct np_health np_smart_health(const struct nvme_smart_log *log);

/* Adds what @drive, a drive's own log, says to @log: the worst of both, or the sum. */
void np_smart_merge(struct nvme_smart_log *log, const struct nvme_smart_log *drive);

#endif
