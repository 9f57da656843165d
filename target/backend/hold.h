/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hold.h - keeps others off a device or file while namespaces of this process use it.
 *
 * Namespaces may share one, as those of the kernel's target may.
 *
 * Thread: control.
 * Depends: base.
 */
#ifndef NP_BACKEND_HOLD_H
#define NP_BACKEND_HOLD_H

#include <stddef.h>

struct np_hold;

/**
 * np_hold_get() - take a device or file for this process, or join who has it already
 * @path: a block device: not while it is mounted or part of an array; a regular file: locked
 *
 * Return: 0, or -errno with a sentence in @why; -EBUSY if others use it.
 */
int np_hold_get(const char *path, char *why, size_t why_size, struct np_hold **ret_hold);

/* Gives it back when it was the last one. NULL is fine. */
void np_hold_put(struct np_hold *hold);

#endif
