// SPDX-License-Identifier: BSD-3-Clause
/*
 * pool_wait.c - who waits for a buffer, and whose turn it is.
 *
 * There are two reasons to wait. Who is over his own limit waits for himself (user->first) and
 * stands in nobody else's way, not even in his own line. Who finds no room waits with all that come
 * later (pool->first): what is left or given back is his, but for the others' reserves.
 *
 * Thread: the reactor that owns the pool.
 * Depends: pool_try.h, reactor.h.
 */
#include "target/base/clock.h"
#include "target/memory/pool_try.h"

static void np_pool_count_waiting(
	struct np_pool *pool, const struct np_pool_waiter *waiter, int change)
{
	np_stat_add(&pool->waiting, (uint64_t)change);
	if (waiter->user)
		waiter->user->nwaiting += (unsigned int)change;
	if (pool->reactor)
		pool->reactor->nwaiting += (unsigned int)change;
}

/* ---- lines -------------------------------------------------------------------------------- */

static void np_pool_enqueue(struct np_pool_line *line, struct np_pool_waiter *waiter)
{
	struct np_list *pos;

	np_list_init(&waiter->followers);
	np_list_for_each(pos, &line->waiters) {
		struct np_pool_waiter *head = np_container_of(pos, struct np_pool_waiter, link);

		if (head->user != waiter->user)
			continue;
		np_list_add_tail(&head->followers, &waiter->link);
		return;
	}
	np_list_add_tail(&line->waiters, &waiter->link);
}

/* The next of the same user takes the place of a waiter that had others behind it. */
static void np_pool_dequeue(struct np_pool_waiter *waiter)
{
	struct np_pool_waiter *next =
		np_list_first(&waiter->followers, struct np_pool_waiter, link);

	if (next) {
		np_list_del(&next->link);
		np_list_insert_before(&waiter->link, &next->link);
		/* The rest, ring and all: what was waiter's head becomes next's. */
		np_list_insert_before(&waiter->followers, &next->followers);
		np_list_del(&waiter->followers);
	}
	np_list_del(&waiter->link);
	if (np_list_is_empty(&waiter->line->waiters))
		np_list_del(&waiter->line->link);
}

/* Remembers what @waiter, which got @answer, waits for. */
static void np_pool_note(
	struct np_pool *pool, struct np_pool_waiter *waiter, enum np_pool_answer answer)
{
	if (answer == NP_POOL_BEHIND)
		return;
	if (waiter->user && !waiter->user->first)
		waiter->user->first = waiter;
	if (answer == NP_POOL_OVER)
		return;
	pool->is_room_wanted = true;
	if (!pool->first)
		pool->first = waiter;
}

void np_pool_wait(struct np_pool *pool, struct np_pool_line *line, struct np_pool_waiter *waiter,
	enum np_pool_answer answer)
{
	waiter->pool = pool;
	waiter->line = line;
	waiter->since_us = np_clock_us();
	if (np_list_is_empty(&line->waiters))
		np_list_add_tail(&pool->lines, &line->link);
	np_pool_enqueue(line, waiter);
	np_stat_add(&pool->waits, 1);
	np_pool_count_waiting(pool, waiter, 1);
	np_pool_note(pool, waiter, answer);
}

void np_pool_cancel(struct np_pool_waiter *waiter)
{
	struct np_pool *pool = waiter->pool;

	np_pool_dequeue(waiter);
	if (waiter->user && waiter->user->first == waiter)
		waiter->user->first = NULL;
	if (pool->first == waiter)
		pool->first = NULL;
	np_pool_count_waiting(pool, waiter, -1);
}

/* ---- turns -------------------------------------------------------------------------------- */

/* Return: the one of @line that has got @ret_buf; NULL: none, *@answer is the last one's. */
static struct np_pool_waiter *np_pool_try_line(struct np_pool *pool, struct np_pool_line *line,
	enum np_pool_answer *answer, bool *is_room_wanted, struct np_buf *ret_buf)
{
	struct np_list *pos;

	np_list_for_each(pos, &line->waiters) {
		struct np_pool_waiter *waiter = np_container_of(pos, struct np_pool_waiter, link);

		if ((pool->first && waiter == pool->first) ||
			(waiter->user && waiter->user->first && waiter->user->first != waiter))
			continue;
		*answer = np_pool_try(pool, waiter, ret_buf);
		if (*answer == NP_POOL_GRANTED)
			return waiter;
		np_pool_note(pool, waiter, *answer);
		*is_room_wanted |= *answer != NP_POOL_OVER;
		if (*answer == NP_POOL_NO_BLOCK)
			break;
	}
	return NULL;
}

/*
 * Nobody is served while somebody finds no block: small ones would take the pieces of the large
 * one that he waits for. Return: the next one to be served, with @ret_buf, or NULL.
 */
static struct np_pool_waiter *np_pool_next(struct np_pool *pool, struct np_buf *ret_buf)
{
	enum np_pool_answer answer = NP_POOL_BEHIND;
	struct np_pool_waiter *waiter = pool->first;
	bool is_room_wanted = false;
	struct np_list *pos;

	if (waiter) {
		answer = np_pool_try(pool, waiter, ret_buf);
		if (answer == NP_POOL_GRANTED)
			return waiter;
		if (answer == NP_POOL_OVER)
			pool->first = NULL;
		is_room_wanted = answer != NP_POOL_OVER;
	}
	np_list_for_each(pos, &pool->lines) {
		if (answer == NP_POOL_NO_BLOCK)
			return NULL;
		waiter = np_pool_try_line(pool, np_container_of(pos, struct np_pool_line, link),
			&answer, &is_room_wanted, ret_buf);
		if (waiter)
			return waiter;
	}
	pool->is_room_wanted = is_room_wanted;
	return NULL;
}

static void np_pool_count_wait(struct np_pool *pool, struct np_pool_waiter *waiter)
{
	unsigned int bucket = 0;

	waiter->waited_us = np_clock_us() - waiter->since_us;
	while (bucket < NP_POOL_WAIT_BUCKETS - 1 && waiter->waited_us >> bucket)
		bucket++;
	np_stat_add(&pool->wait_us[bucket], 1);
}

/* Serves the lines in turn, and the users of a line. */
static unsigned int np_pool_poll(struct np_poller *poller)
{
	struct np_pool *pool = np_container_of(poller, struct np_pool, poller);
	struct np_pool_waiter *waiter;
	unsigned int served = 0;
	struct np_buf buf;

	while (!np_list_is_empty(&pool->lines) && (waiter = np_pool_next(pool, &buf)) != NULL) {
		struct np_pool_line *line = waiter->line;

		np_list_del(&line->link);
		np_list_add_tail(&pool->lines, &line->link);
		np_list_del(&waiter->link);
		np_list_add_tail(&line->waiters, &waiter->link);
		np_pool_cancel(waiter);
		np_pool_count_wait(pool, waiter);
		waiter->granted(waiter, buf);
		served++;
	}
	return served;
}

void np_pool_attach(struct np_pool *pool, struct np_reactor *reactor)
{
	pool->poller.poll = np_pool_poll;
	pool->reactor = reactor;
	np_reactor_add_poller(reactor, &pool->poller);
}

void np_pool_detach(struct np_pool *pool)
{
	struct np_pool_user *user;

	if (!pool->reactor)
		return;
	while ((user = np_list_first(&pool->users, struct np_pool_user, link)) != NULL)
		np_pool_del_user(user);
	np_reactor_del_poller(&pool->poller);
	np_timer_cancel(&pool->witness.timer);
	pool->reactor = NULL;
}

void np_pool_evict(struct np_pool *pool)
{
	struct np_pool_line *line;

	while ((line = np_list_first(&pool->lines, struct np_pool_line, link)) != NULL) {
		struct np_pool_waiter *waiter =
			np_list_first(&line->waiters, struct np_pool_waiter, link);

		np_pool_cancel(waiter);
		np_pool_count_wait(pool, waiter);
		waiter->granted(waiter, (struct np_buf){0});
	}
}
