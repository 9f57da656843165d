/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * apply_mem.h - the memory of a running daemon: host, CMBs, and what the configuration lists.
 *
 * Thread: control.
 * Depends: apply.h.
 */
#ifndef NP_CONFIG_APPLY_MEM_H
#define NP_CONFIG_APPLY_MEM_H

#include "config/apply.h"

/* ---- apply_mem.c ------------------------------------------------------------------------- */

/* Opens the memory that the namespaces of @cfg may need; logs what cannot be had. */
int np_apply_memory(struct np_daemon *daemon, char *why, size_t why_size);

/* Opens what was not there before; the transport and the reactors get to know it. */
void np_apply_new_memory(struct np_daemon *daemon);

/* np_mem_open(), and the reactors get to know it; so does the transport, if it is there. */
int np_apply_open_region(struct np_daemon *daemon, const struct np_mem_ops *ops,
	const struct np_mem_want *want, char *why, size_t why_size,
	struct np_mem_region **ret_region);

/**
 * np_apply_lose_memory() - what is in there cannot be relied on any more
 * @state: NP_MEM_SUSPECT or NP_MEM_GONE
 *
 * No command takes a buffer of it from now on, and commands that have one are not answered with
 * success. np_apply_settle_memory() does the rest when none is left.
 */
void np_apply_lose_memory(
	struct np_daemon *daemon, struct np_mem_region *region, enum np_mem_state state);

/* Closes, or tests again, lost memory of which no buffer is in use. Return: is there more? */
bool np_apply_settle_memory(struct np_daemon *daemon);

/* ---- apply_provider.c -------------------------------------------------------------------- */

/* Lists daemon->memory. Return: 0 or -ENOMEM. */
int np_apply_list_providers(struct np_daemon *daemon);

/* Opens what of daemon.memory[] is not open; logs what cannot be had. */
void np_apply_open_providers(struct np_daemon *daemon);

/**
 * np_apply_add_dmabuf() - somebody hands over the memory that one of daemon.memory[] waits for
 * @fd: stays the caller's
 *
 * Namespaces get to use it soon, if it passes its self-tests.
 * Return: 0, or -errno with a sentence in @why.
 */
int np_apply_add_dmabuf(
	struct np_daemon *daemon, const char *name, int fd, char *why, size_t why_size);

/* Why is there no memory called @name? Return: borrowed. */
const char *np_apply_why_no_provider(const struct np_daemon *daemon, const char *name);

#endif
