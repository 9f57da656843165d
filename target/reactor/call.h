/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * call.h - a message to a reactor that its sender waits for.
 *
 * Thread: np_call() from the control thread, np_call_done() from the reactor.
 * Depends: reactor.h.
 */
#ifndef NP_REACTOR_CALL_H
#define NP_REACTOR_CALL_H

#include <errno.h>
#include <semaphore.h>

#include "target/reactor/reactor.h"

/* Embedded in what the call is about. */
struct np_call {
	struct np_msg msg;
	sem_t done;
};

/* Has @fn run on @reactor, and returns when it, or what it began, has said np_call_done(). */
static inline void np_call(
	struct np_call *call, struct np_reactor *reactor, void (*fn)(struct np_msg *msg))
{
	sem_init(&call->done, 0, 0);
	call->msg.fn = fn;
	np_reactor_send(reactor, &call->msg);
	while (sem_wait(&call->done) && errno == EINTR)
		;
	sem_destroy(&call->done);
}

static inline void np_call_done(struct np_call *call)
{
	sem_post(&call->done);
}

#endif
