/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * runtime.h - the threads of the process: one control thread and its reactors.
 *
 * The control thread runs a libev loop and may block for milliseconds; reactors never block.
 *
 * Thread: built and torn down by the control thread, constant in between.
 * Depends: reactor.h, libev.
 */
#ifndef NP_REACTOR_RUNTIME_H
#define NP_REACTOR_RUNTIME_H

#include <ev.h>

#include "target/reactor/reactor.h"

struct np_runtime {
	struct ev_loop *loop;      /* the control thread's */
	struct np_mailbox control; /* drained by the control thread */
	struct ev_io control_watch;
	struct np_reactor *reactors[NP_MAX_REACTORS];
	unsigned int nreactors;
};

/**
 * np_runtime_start() - start the reactors; the caller's thread becomes the control thread
 * @loop: the caller's libev loop
 * @cpus: core of each reactor, -1 for any
 * @nreactors: 1 .. NP_MAX_REACTORS
 * @nice, @poll_us: as for np_reactor_start()
 *
 * Return: 0 or -errno; nothing runs after an error.
 */
int np_runtime_start(struct np_runtime *runtime, struct ev_loop *loop, const int *cpus,
	unsigned int nreactors, int nice, int poll_us);

/* Stops the reactors. Context: control thread. */
void np_runtime_stop(struct np_runtime *runtime);

/* Has @msg->fn run on the control thread. Context: any thread. */
static inline void np_runtime_send_control(struct np_runtime *runtime, struct np_msg *msg)
{
	np_mailbox_send(&runtime->control, msg);
}

#endif
