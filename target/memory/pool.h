/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool.h - buffers out of one reactor's share of a region, and the queue of those who wait.
 *
 * Buffers are blocks of a buddy allocator (blocks.h). One block of each size stays unmerged until it
 * is asked for, or until a request finds no other.
 *
 * Thread: the reactor that owns the pool. The counters may be read from any thread.
 * Depends: blocks.h, mem.h.
 */
#ifndef NP_MEMORY_POOL_H
#define NP_MEMORY_POOL_H

#include <stdatomic.h>
#include <stdint.h>

#include "target/base/list.h"
#include "target/memory/blocks.h"
#include "target/memory/mem.h"

/* Bucket 0: less than 1 us, bucket i: less than 2^i us, the last one: all that is longer. */
#define NP_POOL_WAIT_BUCKETS 24

struct np_buf {
	struct np_pool *pool; /* NULL: holds nothing */
	void *va;
	uint32_t bytes; /* usable, at least what was asked for unless the pool is too small */
};

/*
 * Those that wait for buffers of one pool on behalf of one user, say a connection. Users are served
 * in turn, so that one with many waiters does not keep the others waiting for all of them.
 */
struct np_pool_line {
	struct np_list link;    /* in pool->lines while anybody waits */
	struct np_list waiters; /* np_pool_waiter.link */
};

/*
 * Somebody who waits for a buffer. Embedded in the one who waits.
 * @granted: called in the pool's turn of the reactor loop with the buffer; with an empty one by
 *           np_pool_evict()
 */
struct np_pool_waiter {
	struct np_list link;
	struct np_pool *pool;      /* set by np_pool_get() */
	struct np_pool_line *line; /* set by np_pool_get() */
	uint32_t bytes;
	uint64_t since_us, waited_us; /* private; and for granted(): how long it took */
	void (*granted)(struct np_pool_waiter *waiter, struct np_buf buf);
};

struct np_pool {
	struct np_mem_region *region;
	uint8_t *base;
	uint32_t npages;
	uint32_t max_bytes; /* of the largest block that is given out */
	struct np_blocks blocks;
	uint32_t spare[NP_BLOCK_ORDERS]; /* given back and not merged, one of each order */
	struct np_list lines;            /* the one whose turn it is comes first */
	struct np_poller poller;
	struct np_reactor *reactor; /* the owner; NULL before it was attached */
	_Atomic uint64_t in_use_bytes, high_water_bytes, waits, waiting;
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
 * np_pool_get() - take a buffer, or queue for one
 * @line: the user's, for this pool
 * @waiter: its bytes and granted are set by the caller. A request for more than the pool's
 *          largest block is served with that block: the caller works in pieces
 * @ret_buf: the buffer
 *
 * Nobody overtakes a waiter of the same line, or takes a buffer while anybody waits.
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
