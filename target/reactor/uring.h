/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * uring.h - submission entries of a reactor's ring.
 *
 * Entries are 128 bytes and completions 32 bytes, so that passthrough commands fit. The reactor
 * submits once a turn; an entry's op->done runs on the same thread.
 * Depends: reactor.h.
 */
#ifndef NP_REACTOR_URING_H
#define NP_REACTOR_URING_H

#include <stdint.h>

#include "target/reactor/reactor.h"

/**
 * np_uring_init() - set up a ring for the calling thread
 *
 * Uses SINGLE_ISSUER and DEFER_TASKRUN where the kernel has them (6.1).
 * Return: 0 or -errno.
 */
int np_uring_init(struct io_uring *ring, unsigned int entries);

/**
 * np_uring_get_sqe() - a cleared entry that completes into @op
 *
 * Flushes a full queue to the kernel.
 * Return: NULL when the kernel takes no more for the moment: try again in a later turn.
 */
struct io_uring_sqe *np_uring_get_sqe(struct np_reactor *reactor, struct np_uring_op *op);

/**
 * np_uring_prep_cmd() - turn @sqe into IORING_OP_URING_CMD
 * @fd: character device
 * @cmd_op: ioctl-like command number
 * @cmd: copied into the entry
 * @cmd_size: bytes, at most 80
 *
 * Spec: Linux include/uapi/linux/io_uring.h, struct io_uring_sqe (liburing 2.3 has no builder).
 */
void np_uring_prep_cmd(
	struct io_uring_sqe *sqe, int fd, uint32_t cmd_op, const void *cmd, size_t cmd_size);

/* Runs the done function of every completion that is there. Return: how many. */
unsigned int np_uring_reap(struct np_reactor *reactor);

#endif
