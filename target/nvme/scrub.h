/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scrub.h - did what a host wrote through peer memory come to the drive?
 *
 * One write in N is looked at before it is answered: the host's data is fetched a second time, into
 * host memory, and the blocks are read back into host memory, and the two are compared. So it is the
 * whole way that is tested, RNIC, peer memory and drive, by bytes that never were in peer memory.
 * Where they differ, the data is written again from host memory, peer memory is not used any more
 * between this namespace and this RNIC, and the control thread is told.
 *
 * Thread: the reactor of req->queue.
 * Depends: req.h.
 */
#ifndef NP_NVME_SCRUB_H
#define NP_NVME_SCRUB_H

#include <stdbool.h>

#include "target/nvme/req.h"

/* Is the piece that was just written one to look at? Counts it. */
bool np_scrub_is_due(const struct np_req *req);

/**
 * np_scrub_begin() - look at the piece that was just written
 *
 * Ends in np_req_piece_done(), with an error if not even host memory leads to the right data.
 */
void np_scrub_begin(struct np_req *req);

/* The data was fetched again. From np_req_pulled(). */
void np_scrub_pulled(struct np_req *req);

/* Gives back what it held; harmless on a request that is not looked at. */
void np_scrub_end(struct np_req *req);

#endif
