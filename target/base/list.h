/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * list.h - an intrusive doubly linked list; a node knows whether it is on a list.
 *
 * Thread: the owner of the list.
 * Depends: nothing.
 */
#ifndef NP_BASE_LIST_H
#define NP_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#define np_container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

struct np_list {
	struct np_list *next, *prev;
};

static inline void np_list_init(struct np_list *list)
{
	list->next = list->prev = list;
}

static inline bool np_list_is_empty(const struct np_list *list)
{
	return list->next == list;
}

static inline void np_list_insert_before(struct np_list *pos, struct np_list *node)
{
	node->next = pos;
	node->prev = pos->prev;
	pos->prev->next = node;
	pos->prev = node;
}

static inline void np_list_add_tail(struct np_list *list, struct np_list *node)
{
	np_list_insert_before(list, node);
}

static inline void np_list_add_head(struct np_list *list, struct np_list *node)
{
	np_list_insert_before(list->next, node);
}

/* Leaves @node initialised, so that removing it twice does no harm. */
static inline void np_list_del(struct np_list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	np_list_init(node);
}

/* Removes and returns the first node, NULL when the list is empty. */
static inline struct np_list *np_list_pop(struct np_list *list)
{
	struct np_list *node = list->next;

	if (node == list)
		return NULL;
	np_list_del(node);
	return node;
}

/* Moves all nodes of @from to the end of @list, in their order. */
static inline void np_list_move_all(struct np_list *list, struct np_list *from)
{
	if (np_list_is_empty(from))
		return;
	from->next->prev = list->prev;
	list->prev->next = from->next;
	from->prev->next = list;
	list->prev = from->prev;
	np_list_init(from);
}

#define np_list_first(list, type, member) \
	(np_list_is_empty(list) ? NULL : np_container_of((list)->next, type, member))

#define np_list_for_each(pos, list) for ((pos) = (list)->next; (pos) != (list); (pos) = (pos)->next)

/* The loop body may remove @pos. */
#define np_list_for_each_safe(pos, tmp, list)                            \
	for ((pos) = (list)->next, (tmp) = (pos)->next; (pos) != (list); \
		(pos) = (tmp), (tmp) = (pos)->next)

#endif
