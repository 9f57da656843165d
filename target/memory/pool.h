/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool.h - buffers out of one reactor's share of a region, and the queue of those who wait.
 *
 * Buffers are blocks of a buddy allocator (blocks.h). What is given back stays unmerged for a while,
 * until it is asked for, or until a request finds no other: one block of each size, and all blocks of
 * a user.
 *
 * A user is a namespace. What it may hold can be bounded (limit), and what others cannot take from
 * it (reserve): bytes of which it may have blocks as they become free, not pages set apart.
 *
 * Thread: the reactor that owns the pool. The counters may be read from any thread.
 * Depends: blocks.h, mem.h.
 */
#ifndef NP_MEMORY_POOL_H
#define NP_MEMORY_POOL_H

#include <stdatomic.h>
#include <stdint.h>

#include "target/base/line.h"
#include "target/base/list.h"
#include "target/memory/blocks.h"
#include "target/memory/mem.h"
#include "target/memory/witness.h"

/* Bucket 0: less than 1 us, bucket i: less than 2^i us, the last one: all that is longer. */
#define NP_POOL_WAIT_BUCKETS 24

struct np_buf {
	struct np_pool *pool;      /* NULL: holds nothing */
	struct np_pool_user *user; /* whose it counts as; NULL: nobody's */
	void *va;
	uint32_t bytes; /* usable, at least what was asked for unless the pool is too small */
};

/* What one namespace has of one pool. Its owner embeds it. */
struct np_pool_user {
	/* Set before np_pool_add_user(): */
	uint32_t id; /* of the namespace, from 1 on: not one sees what another one has left */
	uint64_t limit_bytes;  /* the most that it holds at a time; UINT64_MAX: no limit */
	uint64_t wanted_bytes; /* of reserve */
	/* Private, or to be read: */
	struct np_pool *pool;   /* NULL: it has none, and counts for nothing */
	uint64_t reserve_bytes; /* what it got of it; at most the limit */
	uint32_t max_bytes;     /* of the largest block that it can have */
	unsigned int nwaiting;
	struct np_pool_waiter *first; /* none of the others goes before this one */
	_Atomic uint64_t in_use_bytes, high_water_bytes; /* any thread reads */
	struct np_list link;                             /* in pool->users */
	uint32_t own[NP_BLOCK_ORDERS]; /* given back by it and not merged: lists of blocks.h */
} __attribute__((aligned(NP_LINE_BYTES)));

/*
 * Those that wait for buffers of one pool on behalf of somebody, say a connection. Lines are served
 * in turn, so that one with many waiters does not keep the others waiting for all of them.
 */
struct np_pool_line {
	struct np_list link;    /* in pool->lines while anybody waits */
	struct np_list waiters; /* np_pool_waiter.link: the first of each user */
};

/*
 * Somebody who waits for a buffer. Embedded in the one who waits.
 * @granted: called in the pool's turn of the reactor loop with the buffer; with an empty one by
 *           np_pool_evict()
 */
struct np_pool_waiter {
	struct np_list link;       /* in line->waiters, or in the first one's followers */
	struct np_list followers;  /* of the first of a user in a line: the others */
	struct np_pool *pool;      /* set by np_pool_get() */
	struct np_pool_line *line; /* set by np_pool_get() */
	struct np_pool_user *user; /* NULL: nobody's */
	uint32_t bytes;
	uint64_t since_us, waited_us; /* private; and for granted(): how long it took */
	void (*granted)(struct np_pool_waiter *waiter, struct np_buf buf);
};

struct np_pool {
	struct np_mem_region *region;
	uint8_t *base;
	uint32_t npages;
	uint32_t max_bytes; /* of the largest block that is given out; to a user: his own */
	struct np_blocks blocks;
	uint32_t spare[NP_BLOCK_ORDERS]; /* given back and not merged, one of each order */
	enum np_mem_zero zero;           /* the region's */
	struct np_list lines;            /* the one whose turn it is comes first */
	struct np_list users;
	uint64_t unmet_bytes;         /* of the users' reserves, what they do not hold */
	uint32_t block_bytes;         /* max_bytes as it was without users */
	bool is_room_wanted;          /* not all who wait do so for their own limit */
	struct np_pool_waiter *first; /* nobody takes the room that this one waits for */
	struct np_witness witness;
	struct np_poller poller;
	struct np_reactor *reactor; /* the owner; NULL before it was attached */
	_Atomic uint64_t in_use_bytes, high_water_bytes, waits, waiting;
	_Atomic uint64_t zeroed_bytes;
	_Atomic uint64_t wait_us[NP_POOL_WAIT_BUCKETS]; /* waits that have ended, by their time */
	_Atomic uint64_t read_bytes,
		write_bytes; /* counted by those who used the buffers for data */
};

/**
 * np_pool_new() - manage @bytes at @base
 *
 * Return: 0, -EINVAL if not even one page fits, -ENOMEM.
 */
int np_pool_new(struct np_mem_region *region, void *base, size_t bytes, struct np_pool **ret_pool);

void np_pool_free(struct np_pool *pool);

/* Zeroes what was ever in use. Context: control thread, after np_pool_detach(). */
void np_pool_wipe(struct np_pool *pool);

/* Has the reactor that owns the pool serve those who wait. Context: the reactor. */
void np_pool_attach(struct np_pool *pool, struct np_reactor *reactor);

/* The reactor forgets the pool: nobody waits, and no buffer is in use. Context: the reactor. */
void np_pool_detach(struct np_pool *pool);

/**
 * np_pool_evict() - send away all who wait
 *
 * Each is granted an empty buffer, and has to look for another pool. Context: the reactor.
 */
void np_pool_evict(struct np_pool *pool);

static inline void np_pool_line_init(struct np_pool_line *line)
{
	np_list_init(&line->link);
	np_list_init(&line->waiters);
}

/**
 * np_pool_add_user() - @user has what its limit and reserve say, from now on
 *
 * Reserves are cut, those of later users first, so that a page is left for who has none.
 * Context: the reactor.
 */
void np_pool_add_user(struct np_pool *pool, struct np_pool_user *user);

/* @user has no limit and no reserve any more; buffers of it may be in use. Context: the reactor. */
void np_pool_del_user(struct np_pool_user *user);

/**
 * np_pool_get() - take a buffer, or queue for one
 * @line: the caller's, for this pool
 * @waiter: its user, bytes and granted are set by the caller. A request for more than the largest
 *          block that it can have is served with that block: the caller works in pieces
 * @ret_buf: the buffer
 *
 * Nobody overtakes a waiter of the same line and user, or takes the room that somebody waits for;
 * who waits only for his own limit keeps nobody else waiting.
 * Context: the reactor.
 * Return: true with a buffer; false if @waiter was queued and granted() will be called.
 */
bool np_pool_get(struct np_pool *pool, struct np_pool_line *line, struct np_pool_waiter *waiter,
	struct np_buf *ret_buf);

/* Takes a queued waiter out again. Context: the reactor. */
void np_pool_cancel(struct np_pool_waiter *waiter);

/* Gives a buffer back and clears @buf; harmless on an empty one. Context: the reactor. */
void np_buf_put(struct np_buf *buf);

#endif
