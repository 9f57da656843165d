/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fused.h - Compare and Write as one: no other command of any host comes in between.
 *
 * Spec: NVM Express Base 2.0, 3.4.2 (fused operations); NVM Command Set 1.0, 2.1.4.1 (atomicity).
 *
 * Thread: the reactor of req->queue.
 * Depends: req.h, gate.h.
 */
#ifndef NP_NVME_FUSED_H
#define NP_NVME_FUSED_H

#include "target/nvme/req.h"

enum {
	NP_FUSE_FIRST = 1,
	NP_FUSE_SECOND = 2,
};

static inline unsigned int np_fuse(const struct np_req *req)
{
	return req->sqe.flags & NP_SQE_FUSE_MASK;
}

/* Must np_fused_takes() be asked? */
static inline bool np_fused_may_take(const struct np_req *req)
{
	return np_fuse(req) || req->queue->has_fused;
}

/**
 * np_fused_takes() - is a command half of a pair?
 * @status: what np_req_check() said of it
 *
 * The two come one after the other. The first waits for the second; then the blocks are the pair's.
 * Return: true if it is taken care of; false if it is to go the usual way.
 */
bool np_fused_takes(struct np_req *req, struct np_status status);

/* The gate was shut by somebody else: another try. */
void np_fused_try(struct np_fused *pair);

/**
 * np_fused_ended() - half of a pair has come to its end
 *
 * Both are answered when the second has; if one fails the other does, too.
 * Return: false if @req is to be answered now.
 */
bool np_fused_ended(struct np_req *req, struct np_status status);

#endif
