// SPDX-License-Identifier: BSD-3-Clause
/*
 * A real reactor thread: messages from many threads, sleeping and waking, timers, watches.
 * Run under the thread sanitizer too (scripts/test does).
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "need_uring.h"
#include "target/reactor/reactor.h"
#include "target/reactor/uring.h"

#define LIMIT_MS 10000

static bool wait_until(atomic_int *value, int wanted)
{
	const struct timespec ms = {.tv_nsec = 1000000};

	for (int i = 0; i < LIMIT_MS && atomic_load(value) != wanted; i++)
		nanosleep(&ms, NULL);
	return atomic_load(value) == wanted;
}

static struct np_reactor *start(int poll_us)
{
	struct np_reactor *reactor;
	int ret = np_reactor_start(0, -1, 0, poll_us, &reactor);

	assert_int_equal(ret, 0);
	return reactor;
}

/* ---- messages ---- */

enum { SENDERS = 4, MESSAGES = 2000 };

struct counted {
	struct np_msg msg;
	int sender, number;
};

static int last_number[SENDERS]; /* the reactor's */
static atomic_int received, out_of_order;

static void count(struct np_msg *msg)
{
	struct counted *counted = np_container_of(msg, struct counted, msg);

	if (counted->number != ++last_number[counted->sender])
		atomic_fetch_add(&out_of_order, 1);
	atomic_fetch_add(&received, 1);
}

struct sender {
	pthread_t thread;
	struct np_reactor *reactor;
	struct counted messages[MESSAGES];
};

static void *send_all(void *arg)
{
	struct sender *sender = arg;

	for (int i = 0; i < MESSAGES; i++)
		np_reactor_send(sender->reactor, &sender->messages[i].msg);
	return NULL;
}

static void test_np_reactor_send__all_arrive_in_order(void **state)
{
	static const int polls[] = {0, 50, -1};
	struct sender *senders = calloc(SENDERS, sizeof(*senders));

	(void)state;
	for (size_t p = 0; p < sizeof(polls) / sizeof(polls[0]); p++) {
		struct np_reactor *reactor = start(polls[p]);

		atomic_store(&received, 0);
		atomic_store(&out_of_order, 0);
		for (int s = 0; s < SENDERS; s++) {
			last_number[s] = 0;
			senders[s].reactor = reactor;
			for (int i = 0; i < MESSAGES; i++)
				senders[s].messages[i] = (struct counted){
					.msg.fn = count, .sender = s, .number = i + 1};
		}
		for (int s = 0; s < SENDERS; s++)
			pthread_create(&senders[s].thread, NULL, send_all, &senders[s]);
		for (int s = 0; s < SENDERS; s++)
			pthread_join(senders[s].thread, NULL);
		assert_true(wait_until(&received, SENDERS * MESSAGES));
		assert_int_equal(atomic_load(&out_of_order), 0);
		np_reactor_stop(reactor);
	}
	free(senders);
}

/* ---- timers and watches ---- */

struct scene {
	struct np_reactor *reactor;
	struct np_msg msg;
	struct np_timer late, early, cancelled;
	struct np_watch watch;
	atomic_int fired, ready, closed, wrong_order;
};

static void late_fired(struct np_timer *timer)
{
	struct scene *scene = np_container_of(timer, struct scene, late);

	if (atomic_load(&scene->fired) != 1)
		atomic_store(&scene->wrong_order, 1);
	atomic_fetch_add(&scene->fired, 1);
}

static void early_fired(struct np_timer *timer)
{
	atomic_fetch_add(&np_container_of(timer, struct scene, early)->fired, 1);
}

static void cancelled_fired(struct np_timer *timer)
{
	atomic_store(&np_container_of(timer, struct scene, cancelled)->wrong_order, 1);
}

static void set_timers(struct np_msg *msg)
{
	struct scene *scene = np_container_of(msg, struct scene, msg);

	np_timer_init(&scene->late, late_fired);
	np_timer_init(&scene->early, early_fired);
	np_timer_init(&scene->cancelled, cancelled_fired);
	np_reactor_set_timer(scene->reactor, &scene->late, 30);
	np_reactor_set_timer(scene->reactor, &scene->cancelled, 10);
	np_reactor_set_timer(scene->reactor, &scene->early, 5);
	np_timer_cancel(&scene->cancelled);
}

static void test_np_reactor_set_timer__in_order_while_asleep(void **state)
{
	struct scene scene = {.msg.fn = set_timers};

	(void)state;
	scene.reactor = start(0);
	np_reactor_send(scene.reactor, &scene.msg);
	assert_true(wait_until(&scene.fired, 2));
	np_reactor_stop(scene.reactor);
	assert_int_equal(atomic_load(&scene.wrong_order), 0);
}

static void set_late_timer(struct np_msg *msg)
{
	struct scene *scene = np_container_of(msg, struct scene, msg);

	np_timer_init(&scene->late, late_fired);
	np_reactor_set_timer(scene->reactor, &scene->late, 60000);
	atomic_store(&scene->ready, 1);
}

static void soon_fired(struct np_timer *timer)
{
	struct scene *scene = np_container_of(timer, struct scene, early);
	const uint64_t late_ms = scene->reactor->now_us / 1000 - timer->expires_ms;

	if (late_ms > 500)
		atomic_store(&scene->wrong_order, 1);
	atomic_fetch_add(&scene->fired, 1);
}

static void set_early_timer(struct np_msg *msg)
{
	struct scene *scene = np_container_of(msg, struct scene, msg);

	np_timer_init(&scene->early, soon_fired);
	np_reactor_set_timer(scene->reactor, &scene->early, 20);
}

/* A reactor that has gone to sleep for a second wakes in time for a timer that is set meanwhile. */
static void test_np_reactor_set_timer__moves_the_alarm_forward(void **state)
{
	struct scene scene = {.msg.fn = set_late_timer};

	(void)state;
	scene.reactor = start(0);
	np_reactor_send(scene.reactor, &scene.msg);
	assert_true(wait_until(&scene.ready, 1));
	usleep(50000);
	scene.msg.fn = set_early_timer;
	np_reactor_send(scene.reactor, &scene.msg);
	assert_true(wait_until(&scene.fired, 1));
	np_reactor_stop(scene.reactor);
	assert_int_equal(atomic_load(&scene.wrong_order), 0);
}

/* ---- arming ---- */

enum { ARRIVALS = 3 };

struct source {
	struct np_poller poller;
	struct np_reactor *reactor;
	struct np_msg msg;
	int arms, ends;
	uint64_t sleeps; /* of the reactor, before the first arming */
	atomic_int done, slept, not_ended;
};

static unsigned int source_poll(struct np_poller *poller)
{
	(void)poller;
	return 0;
}

static void source_end(struct np_poller *poller)
{
	np_container_of(poller, struct source, poller)->ends++;
}

/* Something arrives while the source is armed, three times. */
static bool source_arm(struct np_poller *poller)
{
	struct source *source = np_container_of(poller, struct source, poller);
	uint64_t sleeps = np_stat_read(&source->reactor->stats.sleeps);

	if (source->arms++ == 0)
		source->sleeps = sleeps;
	else if (source->ends == 0)
		atomic_store(&source->not_ended, 1);
	source->ends = 0;
	if (source->arms <= ARRIVALS)
		return true;
	if (source->arms == ARRIVALS + 1) {
		atomic_store(&source->slept, sleeps != source->sleeps);
		atomic_store(&source->done, 1);
	}
	return false;
}

static void add_source(struct np_msg *msg)
{
	struct source *source = np_container_of(msg, struct source, msg);

	np_reactor_add_poller(source->reactor, &source->poller);
}

/* Whoever says while it is armed that it has work is not slept upon, and its turn has an end. */
static void test_np_reactor__arming_that_finds_work_does_not_sleep(void **state)
{
	struct source source = {
		.poller = {.poll = source_poll, .end = source_end, .arm = source_arm},
		.msg.fn = add_source,
	};

	(void)state;
	source.reactor = start(0);
	np_reactor_send(source.reactor, &source.msg);
	assert_true(wait_until(&source.done, 1));
	np_reactor_stop(source.reactor);
	assert_int_equal(atomic_load(&source.slept), 0);
	assert_int_equal(atomic_load(&source.not_ended), 0);
}

static void watch_ready(struct np_watch *watch)
{
	uint64_t value;

	assert_int_equal(read(watch->fd, &value, sizeof(value)), sizeof(value));
	atomic_fetch_add(&np_container_of(watch, struct scene, watch)->ready, (int)value);
}

static void watch_closed(struct np_watch *watch)
{
	atomic_store(&np_container_of(watch, struct scene, watch)->closed, 1);
}

static void begin_watch(struct np_msg *msg)
{
	struct scene *scene = np_container_of(msg, struct scene, msg);

	scene->watch.ready = watch_ready;
	assert_int_equal(np_reactor_watch(scene->reactor, &scene->watch), 0);
}

static void end_watch(struct np_msg *msg)
{
	np_reactor_unwatch(&np_container_of(msg, struct scene, msg)->watch, watch_closed);
}

static void test_np_reactor_watch__wakes_again_and_again(void **state)
{
	struct scene scene = {.msg.fn = begin_watch};
	const uint64_t one = 1;

	(void)state;
	scene.reactor = start(0);
	scene.watch.fd = eventfd(0, EFD_NONBLOCK);
	np_reactor_send(scene.reactor, &scene.msg);
	for (int i = 1; i <= 20; i++) {
		assert_int_equal(write(scene.watch.fd, &one, sizeof(one)), sizeof(one));
		assert_true(wait_until(&scene.ready, i));
	}
	scene.msg.fn = end_watch;
	np_reactor_send(scene.reactor, &scene.msg);
	assert_true(wait_until(&scene.closed, 1));
	np_reactor_stop(scene.reactor);
	close(scene.watch.fd);
}

/* An idle reactor sleeps: its loop counter stands almost still. */
static void test_np_reactor__idle_sleeps(void **state)
{
	struct scene scene = {.msg.fn = set_timers};
	uint64_t before;

	(void)state;
	scene.reactor = start(0);
	np_reactor_send(scene.reactor, &scene.msg);
	assert_true(wait_until(&scene.fired, 2));
	before = np_stat_read(&scene.reactor->stats.loops);
	usleep(200000);
	assert_true(np_stat_read(&scene.reactor->stats.loops) - before < 20);
	assert_true(np_stat_read(&scene.reactor->stats.sleeps) > 0);
	np_reactor_stop(scene.reactor);
}

static void count_commands(struct np_msg *msg)
{
	struct scene *scene = np_container_of(msg, struct scene, msg);

	scene->reactor->ncommands = (unsigned int)atomic_load(&scene->ready);
	atomic_fetch_add(&scene->fired, 1);
}

static void set_commands(struct scene *scene, int ncommands)
{
	int fired = atomic_load(&scene->fired);

	atomic_store(&scene->ready, ncommands);
	np_reactor_send(scene->reactor, &scene->msg);
	assert_true(wait_until(&scene->fired, fired + 1));
}

/* With poll_us set it polls beside few commands, and sleeps at once beside many. */
static void test_np_reactor__polls_for_shallow_queues(void **state)
{
	struct scene scene = {.msg.fn = count_commands};
	struct np_reactor_stats *stats;
	uint64_t before;

	(void)state;
	scene.reactor = start(1000000000);
	stats = &scene.reactor->stats;
	set_commands(&scene, NP_SPIN_FEW + 1);
	while (!np_stat_read(&stats->sleeps))
		usleep(1000);
	before = np_stat_read(&stats->loops);
	usleep(100000);
	assert_true(np_stat_read(&stats->loops) - before < 20);
	set_commands(&scene, NP_SPIN_FEW);
	usleep(20000); /* it is taken to be deep for a while */
	set_commands(&scene, NP_SPIN_FEW);
	before = np_stat_read(&stats->sleeps);
	while (np_stat_read(&stats->loops) < 10000)
		usleep(1000);
	assert_true(np_stat_read(&stats->sleeps) - before <= 1);
	np_reactor_stop(scene.reactor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_np_reactor_send__all_arrive_in_order),
		cmocka_unit_test(test_np_reactor_set_timer__in_order_while_asleep),
		cmocka_unit_test(test_np_reactor_set_timer__moves_the_alarm_forward),
		cmocka_unit_test(test_np_reactor__arming_that_finds_work_does_not_sleep),
		cmocka_unit_test(test_np_reactor_watch__wakes_again_and_again),
		cmocka_unit_test(test_np_reactor__idle_sleeps),
		cmocka_unit_test(test_np_reactor__polls_for_shallow_queues),
	};

	need_uring();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
