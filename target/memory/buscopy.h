/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * buscopy.h - copies to or from device memory that may go away meanwhile, by aligned accesses.
 *
 * Removal of a device unmaps its memory under us, and the next touch raises SIGBUS.
 *
 * Thread: one at a time.
 * Depends: libc.
 */
#ifndef NP_MEMORY_BUSCOPY_H
#define NP_MEMORY_BUSCOPY_H

#include <stddef.h>

/* Return: 0, or -EFAULT if the memory is gone. */
int np_buscopy(void *dst, const void *src, size_t bytes);

#endif
