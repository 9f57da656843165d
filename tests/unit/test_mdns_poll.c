// SPDX-License-Identifier: BSD-3-Clause
/*
 * Tests of config/mdns_poll.c: what avahi asks of a loop, on libev.
 *
 * Thread: one.
 * Depends: cmocka, libev.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/mdns_poll.h"

/* What has come. */
struct seen {
	unsigned int watches, timeouts;
	int fd;
	AvahiWatchEvent events;
};

static struct ev_loop *loop;
static struct AvahiPoll avahi;
static int ends[2]; /* of a pipe */

static int setup(void **state)
{
	(void)state;
	loop = ev_loop_new(EVFLAG_AUTO);
	np_mdns_poll_init(&avahi, loop);
	return pipe(ends);
}

static int teardown(void **state)
{
	(void)state;
	close(ends[0]);
	close(ends[1]);
	ev_loop_destroy(loop);
	return 0;
}

static void watch_fired(AvahiWatch *watch, int fd, AvahiWatchEvent events, void *ctx)
{
	struct seen *seen = ctx;

	seen->watches++;
	seen->fd = fd;
	seen->events = events;
	assert_int_equal(avahi.watch_get_events(watch), events);
}

static void timeout_fired(AvahiTimeout *timeout, void *ctx)
{
	struct seen *seen = ctx;

	(void)timeout;
	seen->timeouts++;
}

static void test_watch__tells_of_what_was_asked_for(void **state)
{
	struct seen seen = {0};
	AvahiWatch *watch = avahi.watch_new(&avahi, ends[0], AVAHI_WATCH_IN, watch_fired, &seen);

	(void)state;
	ev_run(loop, EVRUN_NOWAIT);
	assert_int_equal(seen.watches, 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	ev_run(loop, EVRUN_NOWAIT);
	assert_int_equal(seen.watches, 1);
	assert_int_equal(seen.fd, ends[0]);
	assert_int_equal(seen.events, AVAHI_WATCH_IN);
	/* It was not read, and nobody wants to know. */
	avahi.watch_update(watch, (AvahiWatchEvent)0);
	ev_run(loop, EVRUN_NOWAIT);
	assert_int_equal(seen.watches, 1);
	avahi.watch_free(watch);

	watch = avahi.watch_new(&avahi, ends[1], AVAHI_WATCH_OUT, watch_fired, &seen);
	ev_run(loop, EVRUN_NOWAIT);
	assert_int_equal(seen.watches, 2);
	assert_int_equal(seen.events, AVAHI_WATCH_OUT);
	avahi.watch_free(watch);
	ev_run(loop, EVRUN_NOWAIT);
	assert_int_equal(seen.watches, 2);
}

static void test_timeout__once_at_its_time(void **state)
{
	struct seen seen = {0};
	struct timeval past, later;
	AvahiTimeout *timeout;

	(void)state;
	gettimeofday(&past, NULL);
	later = past;
	later.tv_sec += 3600;
	/* Never, long from now, and then what has passed already. */
	timeout = avahi.timeout_new(&avahi, NULL, timeout_fired, &seen);
	ev_run(loop, EVRUN_NOWAIT);
	avahi.timeout_update(timeout, &later);
	ev_run(loop, EVRUN_NOWAIT);
	assert_int_equal(seen.timeouts, 0);
	avahi.timeout_update(timeout, &past);
	ev_run(loop, EVRUN_ONCE);
	assert_int_equal(seen.timeouts, 1);
	ev_run(loop, EVRUN_NOWAIT);
	assert_int_equal(seen.timeouts, 1);
	avahi.timeout_update(timeout, &past);
	avahi.timeout_update(timeout, NULL);
	ev_run(loop, EVRUN_NOWAIT);
	assert_int_equal(seen.timeouts, 1);
	avahi.timeout_free(timeout);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_watch__tells_of_what_was_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(test_timeout__once_at_its_time, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
