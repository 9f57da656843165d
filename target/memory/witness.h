/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * witness.h - was peer memory there all the time?
 *
 * While a device is reset its memory takes no data and gives none, and nobody is told: writes vanish,
 * reads bring other bytes, and a command that fell into that time ends with success. The kernel tells
 * of a reset when it is over. So a word of the memory, which nobody else writes, is looked at before a
 * command uses the memory and after it, and in between more often than a reset takes: a function needs
 * 100 ms for one (PCI Express Base 5.0, 6.6.2; Linux 7.2, drivers/pci/pci.c, pcie_flr()), and its
 * memory does not answer all that time. Who looks is the reactor: a reset that begins and ends while it
 * does not run at all is not seen.
 *
 * Thread: the reactor that owns the pool.
 * Depends: mem.h, reactor.h.
 */
#ifndef NP_MEMORY_WITNESS_H
#define NP_MEMORY_WITNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "target/reactor/reactor.h"

struct np_mem_region;
struct np_pool;

/* Of a pool. */
struct np_witness {
	uint64_t seen_us; /* CLOCK_MONOTONIC of the last look */
	bool was_there;   /* what it said */
	uint32_t epoch;   /* another one when the memory was away */
	struct np_timer timer;
};

/**
 * np_witness_place() - puts a new word where region->witness points, if anywhere.
 *
 * Before the memory is used, and again after a reset, which may have cleared it.
 * Context: control thread, while no pool of the region has given out a buffer.
 * Return: false if the CPU does not read it back.
 */
bool np_witness_place(struct np_mem_region *region);

/* Prepares the witness of a new pool. */
void np_witness_init(struct np_witness *witness);

/**
 * np_witness_look() - is the memory there now?
 *
 * Between two looks that said yes and left the same epoch it was there all the time. Memory without
 * a witness always is.
 */
bool np_witness_look(struct np_pool *pool);

/* The same for who is about to use the memory: a look of this millisecond will do. */
bool np_witness_is_there(struct np_pool *pool);

#endif
