/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pump.h - a ring without a reactor's thread: I/O of the thread that calls.
 *
 * For self-tests and tools, which wait for what they have started.
 *
 * Thread: the one that made it.
 * Depends: backend.h.
 */
#ifndef NP_BACKEND_PUMP_H
#define NP_BACKEND_PUMP_H

#include <stdbool.h>

#include "target/backend/backend.h"

struct np_pump {
	struct np_reactor reactor; /* its rings only: nothing runs it but np_pump_turn() */
};

/**
 * np_pump_init() - set up the ring
 * @is_polled: with one for operations that are polled for, see np_uring_start_polling()
 *
 * Return: 0 or -errno.
 */
int np_pump_init(struct np_pump *pump, bool is_polled);

/* Frees the ring. What is still in flight is cancelled or waited for by the kernel. */
void np_pump_fini(struct np_pump *pump);

/**
 * np_pump_turn() - submit what was prepared, wait for a completion, run the done functions
 *
 * Some operation must be in flight.
 * Return: 0 or -errno of the ring.
 */
int np_pump_turn(struct np_pump *pump);

/**
 * np_pump_run() - do one operation and wait for its end
 * @io: all but done(), which is set here
 * @ret_status: what the backend says
 *
 * Return: 0, or -errno of the ring; -EBUSY if it takes no more.
 */
int np_pump_run(struct np_pump *pump, struct np_backend *backend, struct np_io *io,
	struct np_status *ret_status);

#endif
