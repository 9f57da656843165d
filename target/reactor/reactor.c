// SPDX-License-Identifier: BSD-3-Clause
/*
 * reactor.c - the loop: messages, pollers, io_uring, timers; poll while busy, else sleep.
 *
 * Thread: the reactor's own, but for start, stop and send.
 * Depends: uring.h, mailbox.h.
 */
#include "target/reactor/reactor.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "target/base/clock.h"
#include "target/base/line.h"
#include "target/base/log.h"
#include "target/reactor/uring.h"

/* A sleeping reactor looks around at least this often, whatever its timers say. */
#define NP_MAX_SLEEP_MS 1000
/* So many entries are worth a system call of their own: they do not wait for others. */
#define NP_SUBMIT_BATCH 4

/* ---- watched file descriptors ------------------------------------------------------------ */

static int np_watch_arm(struct np_watch *watch)
{
	struct io_uring_sqe *sqe = np_uring_get_sqe(watch->reactor, &watch->op);

	if (!sqe)
		return -EBUSY;
	io_uring_prep_poll_multishot(sqe, watch->fd, POLLIN);
	return 0;
}

static void np_watch_done(struct np_uring_op *op, int res, uint64_t big)
{
	struct np_watch *watch = np_container_of(op, struct np_watch, op);

	(void)big;
	if (watch->closed) {
		if (!op->has_more)
			watch->closed(watch);
		return;
	}
	if (res >= 0)
		watch->ready(watch);
	/* The kernel ends a multishot poll when it finds no room for a completion. */
	if (!op->has_more && np_watch_arm(watch) < 0)
		np_log_err("reactor %u: cannot watch fd %d any more", watch->reactor->index,
			watch->fd);
}

int np_reactor_watch(struct np_reactor *reactor, struct np_watch *watch)
{
	watch->reactor = reactor;
	watch->op.done = np_watch_done;
	watch->closed = NULL;
	return np_watch_arm(watch);
}

void np_reactor_unwatch(struct np_watch *watch, void (*closed)(struct np_watch *watch))
{
	struct io_uring_sqe *sqe = np_uring_get_sqe(watch->reactor, NULL);

	/* The poll completes with -ECANCELED, or has completed already: either calls closed(). */
	watch->closed = closed;
	if (!sqe) {
		np_log_err("reactor %u: cannot cancel the watch of fd %d", watch->reactor->index,
			watch->fd);
		return;
	}
	io_uring_prep_poll_remove(sqe, (uintptr_t)&watch->op);
}

/* The mailbox is drained in each turn; its descriptor only ends a sleep. */
static void np_reactor_mailbox_ready(struct np_watch *watch)
{
	np_mailbox_clear_event(&np_container_of(watch, struct np_reactor, mailbox_watch)->mailbox);
}

/* ---- the loop ---------------------------------------------------------------------------- */

/*
 * A few new entries wait for the next turn: if that one finds nothing to do they go with the system
 * call that sleeps. No entry waits for two turns, and none where no sleep will come.
 */
static bool np_reactor_must_submit(
	const struct np_reactor *reactor, bool has_old_entries, bool has_work)
{
	const unsigned int entries = io_uring_sq_ready(&reactor->ring);

	if (reactor->npolled || np_spin_expects(&reactor->spin, reactor->now_us))
		return entries;
	return has_work && (has_old_entries || entries >= NP_SUBMIT_BATCH);
}

static unsigned int np_reactor_poll(struct np_reactor *reactor)
{
	const bool has_old_entries = io_uring_sq_ready(&reactor->ring) > 0;
	struct np_list *pos, *tmp;
	unsigned int work;

	work = np_mailbox_drain(&reactor->mailbox);
	np_list_for_each_safe(pos, tmp, &reactor->pollers) {
		struct np_poller *poller = np_container_of(pos, struct np_poller, link);

		work += poller->poll(poller);
	}
	np_spin_depth(&reactor->spin, reactor->now_us, reactor->ncommands);
	if (np_reactor_must_submit(reactor, has_old_entries, work))
		io_uring_submit(&reactor->ring);
	work += np_uring_reap(reactor);
	work += np_uring_poll_devices(reactor);
	work += np_reactor_run_timers(reactor);
	np_list_for_each(pos, &reactor->pollers) {
		struct np_poller *poller = np_container_of(pos, struct np_poller, link);

		if (poller->end)
			poller->end(poller);
	}
	return work;
}

/* Return: true if every source will wake the thread. */
static bool np_reactor_arm(struct np_reactor *reactor)
{
	struct np_list *pos, *tmp;
	bool may_sleep = true;

	np_list_for_each_safe(pos, tmp, &reactor->pollers) {
		struct np_poller *poller = np_container_of(pos, struct np_poller, link);

		if (poller->arm && poller->arm(poller))
			may_sleep = false;
	}
	return may_sleep && np_mailbox_is_empty(&reactor->mailbox);
}

static void np_reactor_alarm_done(struct np_uring_op *op, int res, uint64_t big)
{
	(void)res;
	(void)big;
	np_container_of(op, struct np_reactor, alarm)->alarm_ms = 0;
}

/*
 * Sees to it that the ring completes something when the first timer is due. An alarm that is set
 * already for an earlier time stays: to wake once for nothing is cheaper than to set it at each
 * sleep. Return: false if it cannot be set.
 */
static bool np_reactor_set_alarm(struct np_reactor *reactor)
{
	const struct np_timer *timer = np_list_first(&reactor->timers, struct np_timer, link);
	uint64_t due_ms = reactor->now_us / 1000 + NP_MAX_SLEEP_MS;
	struct io_uring_sqe *sqe;

	if (timer && timer->expires_ms < due_ms)
		due_ms = timer->expires_ms;
	if (reactor->alarm_ms && reactor->alarm_ms <= due_ms)
		return true;
	sqe = np_uring_get_sqe(reactor, reactor->alarm_ms ? NULL : &reactor->alarm);
	if (!sqe)
		return false;
	/* Read by the kernel when the entry is submitted, which is before the sleep. */
	reactor->alarm_at = (struct __kernel_timespec){
		.tv_sec = (int64_t)(due_ms / 1000),
		.tv_nsec = (long long)(due_ms % 1000) * 1000000,
	};
	/* One that has gone off meanwhile cannot be moved, but its completion ends the sleep. */
	if (reactor->alarm_ms) {
		io_uring_prep_timeout_update(
			sqe, &reactor->alarm_at, (uintptr_t)&reactor->alarm, IORING_TIMEOUT_ABS);
		/* To have been moved is no event. */
		io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);
	} else {
		io_uring_prep_timeout(sqe, &reactor->alarm_at, 0, IORING_TIMEOUT_ABS);
	}
	reactor->alarm_ms = due_ms;
	return true;
}

static void np_reactor_sleep(struct np_reactor *reactor)
{
	if (!np_reactor_set_alarm(reactor))
		return;
	np_stat_add(&reactor->stats.sleeps, 1);
	/* The usual error is -EINTR: the loop goes round in any case. */
	io_uring_submit_and_wait(&reactor->ring, 1);
}

static void np_reactor_loop(struct np_reactor *reactor)
{
	struct np_spin *spin = &reactor->spin;

	while (!reactor->stop) {
		reactor->now_us = np_clock_us();
		np_stat_add(&reactor->stats.loops, 1);
		np_sched_poll(&reactor->sched,
			reactor->npolled || np_spin_expects(spin, reactor->now_us));
		if (np_reactor_poll(reactor)) {
			np_spin_work(spin, reactor->now_us);
			continue;
		}
		np_stat_add(&reactor->stats.busy_polls, 1);
		if (np_spin_goes_on(spin, reactor->now_us) || reactor->npolled) {
			/* Who has something to do may have the CPU; where nobody has this is cheap. */
			if (spin->limit_us >= 0)
				sched_yield();
			continue;
		}
		if (np_reactor_arm(reactor))
			np_reactor_sleep(reactor);
		else
			np_spin_work(spin, reactor->now_us);
	}
}

static void *np_reactor_main(void *arg)
{
	struct np_reactor *reactor = arg;
	char name[16];

	snprintf(name, sizeof(name), "np-reactor%u", reactor->index % 1000);
	pthread_setname_np(pthread_self(), name);
	reactor->start_result =
		np_sched_start(&reactor->sched, reactor->index, reactor->cpu, reactor->nice);
	/* Here and not in start(): DEFER_TASKRUN binds a ring to the thread that made it. */
	if (!reactor->start_result)
		reactor->start_result = np_uring_init(&reactor->ring, 0);
	if (!reactor->start_result) {
		reactor->now_us = np_clock_us();
		reactor->alarm.done = np_reactor_alarm_done;
		reactor->mailbox_watch.fd = reactor->mailbox.event_fd;
		reactor->mailbox_watch.ready = np_reactor_mailbox_ready;
		reactor->start_result = np_reactor_watch(reactor, &reactor->mailbox_watch);
	}
	atomic_store_explicit(&reactor->started, true, memory_order_release);
	if (reactor->start_result)
		return NULL;
	np_reactor_loop(reactor);
	np_uring_exit(reactor);
	return NULL;
}

/* ---- control thread ---------------------------------------------------------------------- */

int np_reactor_start(
	unsigned int index, int cpu, int nice, int poll_us, struct np_reactor **ret_reactor)
{
	struct np_reactor *reactor = np_line_alloc(sizeof(*reactor));
	int ret;

	if (!reactor)
		return -ENOMEM;
	reactor->index = index;
	reactor->cpu = cpu;
	reactor->nice = nice;
	np_spin_init(&reactor->spin, poll_us, np_clock_us());
	np_list_init(&reactor->pollers);
	np_list_init(&reactor->timers);
	ret = np_mailbox_init(&reactor->mailbox);
	if (ret)
		goto err_free;
	ret = -pthread_create(&reactor->thread, NULL, np_reactor_main, reactor);
	if (ret)
		goto err_mailbox;
	while (!atomic_load_explicit(&reactor->started, memory_order_acquire))
		sched_yield();
	ret = reactor->start_result;
	if (ret) {
		pthread_join(reactor->thread, NULL);
		goto err_mailbox;
	}
	*ret_reactor = reactor;
	return 0;

err_mailbox:
	np_mailbox_fini(&reactor->mailbox);
err_free:
	free(reactor);
	return ret;
}

static void np_reactor_stop_fn(struct np_msg *msg)
{
	np_container_of(msg, struct np_reactor, stop_msg)->stop = true;
}

void np_reactor_stop(struct np_reactor *reactor)
{
	reactor->stop_msg.fn = np_reactor_stop_fn;
	np_reactor_send(reactor, &reactor->stop_msg);
	pthread_join(reactor->thread, NULL);
	np_mailbox_fini(&reactor->mailbox);
	free(reactor);
}

void np_reactor_send(struct np_reactor *reactor, struct np_msg *msg)
{
	np_mailbox_send(&reactor->mailbox, msg);
}

void np_reactor_add_poller(struct np_reactor *reactor, struct np_poller *poller)
{
	np_list_add_tail(&reactor->pollers, &poller->link);
}

void np_reactor_del_poller(struct np_poller *poller)
{
	np_list_del(&poller->link);
}
