/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * uring.h - submission entries of a reactor's rings.
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
 * @flags: IORING_SETUP_... beside those that all rings have
 *
 * Uses SINGLE_ISSUER and DEFER_TASKRUN where the kernel has them (6.1).
 * Return: 0 or -errno.
 */
int np_uring_init(struct io_uring *ring, unsigned int flags);

/**
 * np_uring_start_polling() - let operations have op->is_polled
 *
 * These must be reads, writes or passthrough commands of a device that has queues for polled I/O
 * (sysfs: queue/io_poll). They complete without an interrupt: while some are on their way the reactor
 * asks the device in each turn (IORING_SETUP_IOPOLL) and does not sleep.
 * May be called again. Context: the reactor.
 * Return: 0 or -errno.
 */
int np_uring_start_polling(struct np_reactor *reactor);

/* Frees the rings of @reactor. */
void np_uring_exit(struct np_reactor *reactor);

/**
 * np_uring_get_sqe() - a cleared entry that completes into @op
 *
 * Flushes a full queue to the kernel.
 * Return: NULL when the kernel takes no more for the moment: try again in a later turn.
 */
struct io_uring_sqe *np_uring_get_sqe(struct np_reactor *reactor, struct np_uring_op *op);

/*
 * Whether the next @n calls of np_uring_get_sqe() for @op will succeed. Flushes a queue that is too
 * full to the kernel.
 */
bool np_uring_has_room(struct np_reactor *reactor, const struct np_uring_op *op, unsigned int n);

/**
 * np_uring_cancel() - ask the kernel to end what completes into @target
 * @op: its done() is called, whether there was something to end or not
 *
 * What it could end completes with -ECANCELED.
 * Return: false when the kernel takes no more for the moment; done() is then not called.
 */
bool np_uring_cancel(
	struct np_reactor *reactor, const struct np_uring_op *target, struct np_uring_op *op);

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

/**
 * np_uring_fix() - have the kernel pin memory that operations will often use
 * @va: page-aligned
 *
 * It may then be named by number (IORING_OP_READ_FIXED), which spares the kernel to look up and pin
 * its pages for each operation. Memory of a device (peer-to-peer pages) cannot be pinned.
 * Context: the reactor.
 * Return: 0, or -errno: -ENOSPC beyond NP_MAX_FIXED pieces, -ENOMEM beyond RLIMIT_MEMLOCK. Without it
 *         all works as well.
 */
int np_uring_fix(struct np_reactor *reactor, void *va, size_t bytes);

/*
 * Must come before the memory at @va is unmapped: the ring would go on with the pages that were
 * there. Harmless if they are not fixed. Context: the reactor.
 */
void np_uring_unfix(struct np_reactor *reactor, const void *va);

/* The number of the fixed memory that [@va, @va + @bytes) lies in, or -1. Context: the reactor. */
int np_uring_find_fixed(const struct np_reactor *reactor, const void *va, size_t bytes);

/* Runs the done function of every completion that is there. Return: how many. */
unsigned int np_uring_reap(struct np_reactor *reactor);

/*
 * Submits what is polled for, asks the devices once, and does the same with what they have done.
 * Return: how many.
 */
unsigned int np_uring_poll_devices(struct np_reactor *reactor);

#endif
