// SPDX-License-Identifier: BSD-3-Clause
/*
 * event.c - a ring of the last changes of state.
 *
 * Thread: control.
 * Depends: log.h.
 */
#include "target/base/event.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

/* Number n is at (n - 1) % NP_EVENTS_KEPT. */
static struct np_event np_events[NP_EVENTS_KEPT];
static uint64_t np_events_last; /* number of the newest, 0: none yet */

void np_event(enum np_event_kind kind, enum np_log_level level, const char *fmt, ...)
{
	struct np_event *event = &np_events[np_events_last % NP_EVENTS_KEPT];
	struct timespec now;
	int saved = errno;
	va_list ap;

	clock_gettime(CLOCK_REALTIME, &now);
	event->number = ++np_events_last;
	event->time_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	event->level = level;
	event->kind = kind;
	va_start(ap, fmt);
	vsnprintf(event->text, sizeof(event->text), fmt, ap);
	va_end(ap);
	np_log(level, "%s", event->text);
	errno = saved;
}

const struct np_event *np_event_next(uint64_t after)
{
	uint64_t oldest = np_events_last > NP_EVENTS_KEPT ? np_events_last - NP_EVENTS_KEPT : 0;

	if (after < oldest)
		after = oldest;
	return after < np_events_last ? &np_events[after % NP_EVENTS_KEPT] : NULL;
}

const char *np_event_kind_name(enum np_event_kind kind)
{
	static const char *const names[NP_EVENT_KINDS] = {
		[NP_EVENT_DAEMON] = "daemon",
		[NP_EVENT_PORT] = "port",
		[NP_EVENT_HOST] = "host",
		[NP_EVENT_RNIC] = "rnic",
		[NP_EVENT_DRIVE] = "drive",
		[NP_EVENT_MEMORY] = "memory",
		[NP_EVENT_TEST] = "test",
		[NP_EVENT_NAMESPACE] = "namespace",
		[NP_EVENT_PATH] = "path",
		[NP_EVENT_SCRUB] = "scrub",
	};

	return names[kind];
}
