// SPDX-License-Identifier: BSD-3-Clause
/*
 * mdns_poll.c - avahi's watches and timeouts on a libev loop.
 *
 * Thread: that of the loop.
 * Depends: libev, avahi-common.
 */
#include "config/mdns_poll.h"

#include <stdlib.h>
#include <sys/time.h>

#include "target/base/list.h"

/* avahi leaves these two to whoever has the loop, and calls them so. */
struct AvahiWatch {
	struct ev_io io;
	struct ev_loop *loop;
	AvahiWatchEvent events; /* that have come */
	AvahiWatchCallback callback;
	void *ctx;
};

struct AvahiTimeout {
	struct ev_timer timer;
	struct ev_loop *loop;
	AvahiTimeoutCallback callback;
	void *ctx;
};

/* ---- watches ------------------------------------------------------------------------------ */

static int np_mdns_to_ev(AvahiWatchEvent events)
{
	return (events & AVAHI_WATCH_IN ? EV_READ : 0) | (events & AVAHI_WATCH_OUT ? EV_WRITE : 0);
}

static void np_mdns_watch_fired(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct AvahiWatch *watch = np_container_of(io, struct AvahiWatch, io);
	unsigned int got = 0;

	(void)loop;
	if (events & EV_READ)
		got |= AVAHI_WATCH_IN;
	if (events & EV_WRITE)
		got |= AVAHI_WATCH_OUT;
	watch->events = (AvahiWatchEvent)got;
	watch->callback(watch, io->fd, watch->events, watch->ctx);
}

static AvahiWatch *np_mdns_watch_new(const AvahiPoll *poll, int fd, AvahiWatchEvent events,
	AvahiWatchCallback callback, void *ctx)
{
	struct AvahiWatch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return NULL;
	watch->loop = poll->userdata;
	watch->callback = callback;
	watch->ctx = ctx;
	ev_io_init(&watch->io, np_mdns_watch_fired, fd, np_mdns_to_ev(events));
	ev_io_start(watch->loop, &watch->io);
	return watch;
}

static void np_mdns_watch_update(AvahiWatch *watch, AvahiWatchEvent events)
{
	ev_io_stop(watch->loop, &watch->io);
	ev_io_set(&watch->io, watch->io.fd, np_mdns_to_ev(events));
	ev_io_start(watch->loop, &watch->io);
}

static AvahiWatchEvent np_mdns_watch_events(AvahiWatch *watch)
{
	return watch->events;
}

static void np_mdns_watch_free(AvahiWatch *watch)
{
	ev_io_stop(watch->loop, &watch->io);
	free(watch);
}

/* ---- timeouts ----------------------------------------------------------------------------- */

static void np_mdns_timeout_fired(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct AvahiTimeout *timeout = np_container_of(timer, struct AvahiTimeout, timer);

	(void)loop;
	(void)events;
	timeout->callback(timeout, timeout->ctx);
}

/* @at: by the clock of gettimeofday(); NULL: never */
static void np_mdns_timeout_update(AvahiTimeout *timeout, const struct timeval *at)
{
	struct timeval now;
	double left_s;

	ev_timer_stop(timeout->loop, &timeout->timer);
	if (!at)
		return;
	gettimeofday(&now, NULL);
	left_s = (double)(at->tv_sec - now.tv_sec) + (double)(at->tv_usec - now.tv_usec) / 1e6;
	ev_timer_set(&timeout->timer, left_s > 0 ? left_s : 0, 0);
	ev_timer_start(timeout->loop, &timeout->timer);
}

static AvahiTimeout *np_mdns_timeout_new(
	const AvahiPoll *poll, const struct timeval *at, AvahiTimeoutCallback callback, void *ctx)
{
	struct AvahiTimeout *timeout = calloc(1, sizeof(*timeout));

	if (!timeout)
		return NULL;
	timeout->loop = poll->userdata;
	timeout->callback = callback;
	timeout->ctx = ctx;
	ev_timer_init(&timeout->timer, np_mdns_timeout_fired, 0, 0);
	np_mdns_timeout_update(timeout, at);
	return timeout;
}

static void np_mdns_timeout_free(AvahiTimeout *timeout)
{
	ev_timer_stop(timeout->loop, &timeout->timer);
	free(timeout);
}

void np_mdns_poll_init(struct AvahiPoll *poll, struct ev_loop *loop)
{
	*poll = (struct AvahiPoll){
		.userdata = loop,
		.watch_new = np_mdns_watch_new,
		.watch_update = np_mdns_watch_update,
		.watch_get_events = np_mdns_watch_events,
		.watch_free = np_mdns_watch_free,
		.timeout_new = np_mdns_timeout_new,
		.timeout_update = np_mdns_timeout_update,
		.timeout_free = np_mdns_timeout_free,
	};
}
