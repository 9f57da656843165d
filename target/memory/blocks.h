/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * blocks.h - a buddy allocator of page numbers, and who had each page last.
 *
 * Blocks are powers of two of pages, aligned to their size. The book-keeping lies outside of what
 * is managed, so device memory is never touched; that of a page is in one cache line.
 *
 * Thread: the owner's.
 * Depends: nothing.
 */
#ifndef NP_MEMORY_BLOCKS_H
#define NP_MEMORY_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NP_BLOCK_ORDERS 16 /* up to 4 KiB << 15 = 128 MiB a block */
#define NP_BLOCK_NONE UINT32_MAX

struct np_page {
	uint32_t next, prev; /* in a list of blocks that begin here */
	uint32_t owner;      /* the pool's to read and write */
	uint8_t order;       /* of the block that begins here, with flags of blocks.c */
};

struct np_blocks {
	struct np_page *pages;
	uint32_t npages;
	uint32_t free[NP_BLOCK_ORDERS]; /* lists of free blocks: their first pages */
};

/* Return: 0, or -ENOMEM. All pages are free, and @owner had them last. */
int np_blocks_init(struct np_blocks *blocks, uint32_t npages, uint32_t owner);

void np_blocks_fini(struct np_blocks *blocks);

/* Return: order of the largest block that there can be. */
unsigned int np_blocks_max_order(const struct np_blocks *blocks);

/**
 * np_blocks_take() - take a block
 * @owner: one whose first page it had last is preferred, among the first few; 0 for no preference
 *
 * Return: its first page, NP_BLOCK_NONE if there is none.
 */
uint32_t np_blocks_take(struct np_blocks *blocks, unsigned int order, uint32_t owner);

/* Gives back a block that was taken, and merges it with what is free around it. */
void np_blocks_give(struct np_blocks *blocks, uint32_t page, unsigned int order);

/*
 * Lists of blocks that were taken and are not merged: they are what they were when in use. A list
 * begins as NP_BLOCK_NONE.
 */
static inline void np_blocks_put_aside(struct np_blocks *blocks, uint32_t *list, uint32_t page)
{
	blocks->pages[page].next = *list;
	*list = page;
}

/* Return: NP_BLOCK_NONE if the list is empty. */
static inline uint32_t np_blocks_take_aside(struct np_blocks *blocks, uint32_t *list)
{
	uint32_t page = *list;

	if (page != NP_BLOCK_NONE)
		*list = blocks->pages[page].next;
	return page;
}

/* Gives back the lists of all orders. */
void np_blocks_give_aside(struct np_blocks *blocks, uint32_t lists[NP_BLOCK_ORDERS]);

static inline void np_blocks_init_aside(uint32_t lists[NP_BLOCK_ORDERS])
{
	for (unsigned int order = 0; order < NP_BLOCK_ORDERS; order++)
		lists[order] = NP_BLOCK_NONE;
}

#endif
