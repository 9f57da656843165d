/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mailbox.h - messages between threads.
 *
 * A message is embedded in the object that it is about and must not be sent again before its
 * function ran. So sending allocates nothing and cannot fail, and a mailbox needs no bound.
 *
 * Thread: send from any, drain by the owner.
 * Depends: eventfd.
 */
#ifndef NP_REACTOR_MAILBOX_H
#define NP_REACTOR_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>

struct np_msg {
	struct np_msg *next;            /* private */
	void (*fn)(struct np_msg *msg); /* runs on the receiving thread */
};

struct np_mailbox {
	_Atomic(struct np_msg *) head; /* newest first */
	int event_fd;                  /* readable while messages may be waiting */
};

/* Return: 0 or -errno of eventfd(2). */
int np_mailbox_init(struct np_mailbox *box);

/* Messages still inside are dropped without being run. */
void np_mailbox_fini(struct np_mailbox *box);

/**
 * np_mailbox_send() - have @msg->fn run on the thread that owns @box
 *
 * Messages of one sender run in the order in which they were sent.
 * Context: any thread.
 */
void np_mailbox_send(struct np_mailbox *box, struct np_msg *msg);

/* Makes event_fd unreadable; to be followed by np_mailbox_drain(). Context: the owner. */
void np_mailbox_clear_event(struct np_mailbox *box);

/**
 * np_mailbox_drain() - run what has arrived
 *
 * Context: the owner.
 * Return: number of messages run.
 */
unsigned int np_mailbox_drain(struct np_mailbox *box);

/* Context: the owner. */
static inline bool np_mailbox_is_empty(struct np_mailbox *box)
{
	return !atomic_load_explicit(&box->head, memory_order_acquire);
}

#endif
