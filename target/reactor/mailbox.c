// SPDX-License-Identifier: BSD-3-Clause
/*
 * mailbox.c - a lock-free stack of messages that the owner takes whole and reverses.
 *
 * Thread: send from any, drain by the owner.
 * Depends: eventfd.
 */
#include "target/reactor/mailbox.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int np_mailbox_init(struct np_mailbox *box)
{
	atomic_init(&box->head, NULL);
	box->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return box->event_fd < 0 ? -errno : 0;
}

void np_mailbox_fini(struct np_mailbox *box)
{
	close(box->event_fd);
	box->event_fd = -1;
}

void np_mailbox_send(struct np_mailbox *box, struct np_msg *msg)
{
	const uint64_t one = 1;
	struct np_msg *head = atomic_load_explicit(&box->head, memory_order_relaxed);

	do {
		msg->next = head;
		/* Release: the owner must see all that the sender wrote before. */
	} while (!atomic_compare_exchange_weak_explicit(
		&box->head, &head, msg, memory_order_release, memory_order_relaxed));

	/*
	 * Only the sender that finds the box empty wakes the owner. The one write that can fail is
	 * EAGAIN on a counter that is full, and then the owner is awake anyhow.
	 */
	if (!head && write(box->event_fd, &one, sizeof(one)) < 0)
		return;
}

void np_mailbox_clear_event(struct np_mailbox *box)
{
	uint64_t value;

	/* Fails with EAGAIN when nothing was raised, which is fine. */
	if (read(box->event_fd, &value, sizeof(value)) < 0)
		return;
}

/*
 * The event is cleared by whoever slept on it, before the list is taken: a message that comes in
 * between is either taken, or finds the box empty and raises the event again.
 */
unsigned int np_mailbox_drain(struct np_mailbox *box)
{
	struct np_msg *msg, *next, *oldest = NULL;
	unsigned int count = 0;

	if (np_mailbox_is_empty(box))
		return 0;
	msg = atomic_exchange_explicit(&box->head, NULL, memory_order_acquire);
	for (; msg; msg = next) {
		next = msg->next;
		msg->next = oldest;
		oldest = msg;
	}
	for (msg = oldest; msg; msg = next) {
		/* fn may free or send the message again. */
		next = msg->next;
		msg->fn(msg);
		count++;
	}
	return count;
}
