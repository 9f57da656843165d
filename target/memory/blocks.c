// SPDX-License-Identifier: BSD-3-Clause
/*
 * blocks.c - a buddy allocator.
 *
 * Thread: the owner's.
 * Depends: line.h.
 */
#include "target/memory/blocks.h"

#include <errno.h>

#include "target/base/line.h"

#define NP_BLOCK_FREE 0x80u /* in np_page.order: a free block begins here */
#define NP_BLOCK_BODY 0x40u /* no block begins here */

#define NP_BLOCK_SEARCH 8 /* free blocks that are looked at for their owner */

static void np_blocks_push(struct np_blocks *blocks, uint32_t page, unsigned int order)
{
	struct np_page *at = &blocks->pages[page];
	uint32_t head = blocks->free[order];

	at->order = (uint8_t)(order | NP_BLOCK_FREE);
	at->next = head;
	at->prev = NP_BLOCK_NONE;
	if (head != NP_BLOCK_NONE)
		blocks->pages[head].prev = page;
	blocks->free[order] = page;
}

static void np_blocks_unlink(struct np_blocks *blocks, uint32_t page, unsigned int order)
{
	struct np_page *at = &blocks->pages[page];

	if (at->prev != NP_BLOCK_NONE)
		blocks->pages[at->prev].next = at->next;
	else
		blocks->free[order] = at->next;
	if (at->next != NP_BLOCK_NONE)
		blocks->pages[at->next].prev = at->prev;
	at->order = NP_BLOCK_BODY;
}

/* Return: one of the first free blocks of @order that was @owner's, else the first. */
static uint32_t np_blocks_find(const struct np_blocks *blocks, unsigned int order, uint32_t owner)
{
	uint32_t first = blocks->free[order], page = first;

	for (unsigned int i = 0; owner && i < NP_BLOCK_SEARCH && page != NP_BLOCK_NONE; i++) {
		if (blocks->pages[page].owner == owner)
			return page;
		page = blocks->pages[page].next;
	}
	return first;
}

uint32_t np_blocks_take(struct np_blocks *blocks, unsigned int order, uint32_t owner)
{
	unsigned int have = order;
	uint32_t page;

	while (have < NP_BLOCK_ORDERS && blocks->free[have] == NP_BLOCK_NONE)
		have++;
	if (have == NP_BLOCK_ORDERS)
		return NP_BLOCK_NONE;
	page = np_blocks_find(blocks, have, owner);
	np_blocks_unlink(blocks, page, have);
	while (have > order) {
		have--;
		np_blocks_push(blocks, page + (1u << have), have);
	}
	blocks->pages[page].order = (uint8_t)order;
	return page;
}

void np_blocks_give(struct np_blocks *blocks, uint32_t page, unsigned int order)
{
	while (order + 1 < NP_BLOCK_ORDERS) {
		uint32_t buddy = page ^ 1u << order;

		if (buddy + (1u << order) > blocks->npages ||
			blocks->pages[buddy].order != (order | NP_BLOCK_FREE))
			break;
		np_blocks_unlink(blocks, buddy, order);
		blocks->pages[page].order = NP_BLOCK_BODY;
		if (buddy < page)
			page = buddy;
		order++;
	}
	np_blocks_push(blocks, page, order);
}

void np_blocks_give_aside(struct np_blocks *blocks, uint32_t lists[NP_BLOCK_ORDERS])
{
	for (unsigned int order = 0; order < NP_BLOCK_ORDERS; order++) {
		uint32_t page;

		while ((page = np_blocks_take_aside(blocks, &lists[order])) != NP_BLOCK_NONE)
			np_blocks_give(blocks, page, order);
	}
}

unsigned int np_blocks_max_order(const struct np_blocks *blocks)
{
	unsigned int order = 0;

	while (order + 1 < NP_BLOCK_ORDERS && 2u << order <= blocks->npages)
		order++;
	return order;
}

/* Cuts [0, npages) into the largest aligned blocks. */
static void np_blocks_fill(struct np_blocks *blocks)
{
	uint32_t page = 0;

	while (page < blocks->npages) {
		unsigned int order = NP_BLOCK_ORDERS - 1;

		while ((page & ((1u << order) - 1)) || page + (1u << order) > blocks->npages)
			order--;
		np_blocks_push(blocks, page, order);
		page += 1u << order;
	}
}

int np_blocks_init(struct np_blocks *blocks, uint32_t npages, uint32_t owner)
{
	blocks->pages = np_line_alloc(npages * sizeof(*blocks->pages));
	if (!blocks->pages)
		return -ENOMEM;
	blocks->npages = npages;
	for (uint32_t i = 0; i < npages; i++) {
		blocks->pages[i].order = NP_BLOCK_BODY;
		blocks->pages[i].owner = owner;
	}
	for (unsigned int i = 0; i < NP_BLOCK_ORDERS; i++)
		blocks->free[i] = NP_BLOCK_NONE;
	np_blocks_fill(blocks);
	return 0;
}

void np_blocks_fini(struct np_blocks *blocks)
{
	free(blocks->pages);
}
