/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * abort.h - the Abort command, which finds a command of its controller on any reactor.
 *
 * Thread: as the functions say.
 * Depends: req.h.
 */
#ifndef NP_NVME_ABORT_H
#define NP_NVME_ABORT_H

#include "target/nvme/req.h"

#define NP_ABORT_LIMIT 4u /* Abort commands that a controller takes at a time; ACL is one less */
#define NP_ABORT_WAIT_MS 1000 /* for a command that is running; then it is not aborted */

/**
 * np_abort_execute() - the Abort command
 *
 * A command that waits never runs; of one that runs, the rest is not begun, and what the kernel can
 * still call back is. Answered after the other command, with bit 0 of dword 0 clear if that was
 * answered with Command Abort Requested.
 * Context: the reactor of the admin queue. Spec: NVM Express Base 2.0, 5.1.
 */
void np_abort_execute(struct np_req *req);

/* @req, whose req->abort is set, is answered with @status. Context: its reactor. */
void np_abort_answered(struct np_req *req, struct np_status status);

#endif
