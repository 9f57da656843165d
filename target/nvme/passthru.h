/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * passthru.h - I/O commands that the target does not know and the operator lets through to the drive.
 *
 * Thread: the reactor of req->queue; np_passthru_find() any.
 * Depends: req.h.
 */
#ifndef NP_NVME_PASSTHRU_H
#define NP_NVME_PASSTHRU_H

#include "target/nvme/req.h"

/**
 * np_passthru_find() - how a command is run that the tables of cmd.c lack
 *
 * Return: NULL if it is not let through.
 */
const struct np_cmd *np_passthru_find(const struct np_subsys *subsys, uint8_t opcode);

#endif
