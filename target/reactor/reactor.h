/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reactor.h - one thread a core that runs pollers, io_uring completions, messages and timers.
 *
 * Whatever is registered with a reactor belongs to its thread. There are no locks on the data
 * path: other threads reach a reactor only by messages.
 * Depends: base, mailbox, spin, liburing.
 */
#ifndef NP_REACTOR_REACTOR_H
#define NP_REACTOR_REACTOR_H

#include <liburing.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "target/base/list.h"
#include "target/reactor/mailbox.h"
#include "target/reactor/sched.h"
#include "target/reactor/spin.h"

#define NP_MAX_REACTORS 64
/* Pieces of memory that a ring can know, see np_uring_fix(). */
#define NP_MAX_FIXED 16

/*
 * A source of events that is asked in each turn of the loop.
 * @poll: handles what is there; returns how many events it handled
 * @end: called at the end of each turn: hands over what the turn has gathered. NULL if there is
 *       nothing to gather
 * @arm: called before the thread sleeps: asks the source to wake the thread by a watched fd.
 *       Returns true if something arrived meanwhile, and the thread must not sleep. NULL if the
 *       source needs no arming
 */
struct np_poller {
	struct np_list link;
	unsigned int (*poll)(struct np_poller *poller);
	void (*end)(struct np_poller *poller);
	bool (*arm)(struct np_poller *poller);
};

/* An io_uring operation in flight, embedded in what it belongs to. */
struct np_uring_op {
	/*
	 * @res: the CQE's result: negative errno, else what the opcode says
	 * @big: first extra word of the 32-byte CQE (a passthrough command's result)
	 */
	void (*done)(struct np_uring_op *op, int res, uint64_t big);
	bool has_more;  /* in done(): it will be called again, of a multishot operation */
	bool is_polled; /* before it is submitted: see np_uring_start_polling() */
};

/* A file descriptor whose readability wakes the reactor. */
struct np_watch {
	struct np_uring_op op;      /* private */
	struct np_reactor *reactor; /* private */
	int fd;
	void (*ready)(struct np_watch *watch);
	void (*closed)(struct np_watch *watch); /* private */
};

struct np_timer {
	struct np_list link;
	uint64_t expires_ms;
	void (*fn)(struct np_timer *timer);
};

/* Written by the reactor, read by anybody with relaxed loads. */
struct np_reactor_stats {
	_Atomic uint64_t loops;
	_Atomic uint64_t busy_polls; /* turns without work before the thread slept */
	_Atomic uint64_t sleeps;
	_Atomic uint64_t requests;
};

struct np_reactor {
	unsigned int index; /* 0 .. reactors - 1 */
	int cpu, nice;      /* as np_reactor_start() was told */
	struct io_uring ring;
	struct io_uring polled; /* for completions that raise no interrupt */
	bool has_polled;
	unsigned int npolled; /* operations in it that are not done yet */
	struct {
		uintptr_t va;
		size_t bytes;  /* 0: free */
	} fixed[NP_MAX_FIXED]; /* memory that the ring knows, see np_uring_fix() */
	unsigned int nfixed;   /* the first so many may be in use */
	struct np_mailbox mailbox;
	struct np_list pollers;
	struct np_list timers;    /* soonest first */
	struct np_uring_op alarm; /* ends a sleep when a timer is due */
	struct __kernel_timespec alarm_at;
	uint64_t alarm_ms; /* when, by CLOCK_MONOTONIC; 0 for not at all */
	uint64_t now_us;   /* CLOCK_MONOTONIC, read once a turn */
	/*
	 * How many go on only with a completion, or with what a completion gives back. While it is 0
	 * a source need not wake the thread for completions that have no other use.
	 */
	unsigned int nwaiting;
	unsigned int ncommands; /* I/O commands that are not answered yet */
	struct np_spin spin;
	struct np_sched sched;
	struct np_reactor_stats stats;
	struct np_watch mailbox_watch;
	pthread_t thread;
	bool stop;
	struct np_msg stop_msg;
	int start_result; /* of the thread's own set-up */
	atomic_bool started;
};

/* A relaxed increment by the only writer: no locked instruction. */
static inline void np_stat_add(_Atomic uint64_t *stat, uint64_t n)
{
	atomic_store_explicit(
		stat, atomic_load_explicit(stat, memory_order_relaxed) + n, memory_order_relaxed);
}

static inline uint64_t np_stat_read(const _Atomic uint64_t *stat)
{
	return atomic_load_explicit(stat, memory_order_relaxed);
}

/**
 * np_reactor_start() - start a reactor's thread
 * @index: its number
 * @cpu: core to run on, -1 for any
 * @nice: see np_sched_start()
 * @poll_us: microseconds of polling without work before the thread sleeps, at most; -1 for ever
 * @ret_reactor: the running reactor
 *
 * Context: control thread.
 * Return: 0, or -errno of io_uring set-up, thread creation or the choice of the core.
 */
int np_reactor_start(
	unsigned int index, int cpu, int nice, int poll_us, struct np_reactor **ret_reactor);

/* Stops the thread, waits for it and frees the reactor. Context: control thread. */
void np_reactor_stop(struct np_reactor *reactor);

/* Has @msg->fn run on the reactor's thread. Context: any thread. */
void np_reactor_send(struct np_reactor *reactor, struct np_msg *msg);

/* Registers a source of events. Context: the reactor. */
void np_reactor_add_poller(struct np_reactor *reactor, struct np_poller *poller);

/* Context: the reactor, also from within the poller itself. */
void np_reactor_del_poller(struct np_poller *poller);

/**
 * np_reactor_watch() - call @watch->ready whenever @watch->fd becomes readable
 * @watch: fd and ready are set by the caller
 *
 * ready() must read all there is: what it leaves wakes nobody. Context: the reactor.
 * Return: 0, or -EBUSY if the submission queue is stuck.
 */
int np_reactor_watch(struct np_reactor *reactor, struct np_watch *watch);

/**
 * np_reactor_unwatch() - stop watching
 * @closed: called when @watch may be freed and its fd closed
 *
 * Context: the reactor.
 */
void np_reactor_unwatch(struct np_watch *watch, void (*closed)(struct np_watch *watch));

/* (Re)arms @timer to fire once in @ms milliseconds. Initialise it first. Context: the reactor. */
void np_reactor_set_timer(struct np_reactor *reactor, struct np_timer *timer, uint64_t ms);

/* Fires the timers that are due by reactor->now_us. Return: how many. Context: the reactor. */
unsigned int np_reactor_run_timers(struct np_reactor *reactor);

static inline void np_timer_init(struct np_timer *timer, void (*fn)(struct np_timer *timer))
{
	np_list_init(&timer->link);
	timer->fn = fn;
}

/* Harmless on a timer that is not armed. Context: the reactor. */
static inline void np_timer_cancel(struct np_timer *timer)
{
	np_list_del(&timer->link);
}

#endif
