/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * buscopy.h - copies and zeros device memory that may go away meanwhile, by aligned accesses.
 *
 * Removal of a device unmaps its memory under us, and the next touch raises SIGBUS. The first call
 * installs a handler for it, once and for good: a SIGBUS that none of these calls has raised goes
 * to whom it would have gone before.
 *
 * Thread: any.
 * Depends: libc.
 */
#ifndef NP_MEMORY_BUSCOPY_H
#define NP_MEMORY_BUSCOPY_H

#include <stddef.h>

#define NP_BUSZERO_UNIT 16u

/**
 * np_buscopy() - copy to or from device memory
 *
 * Context: any thread.
 * Return: 0; -EFAULT if the memory is gone, and part of it may have been copied; -errno if the
 * handler cannot be installed.
 */
int np_buscopy(void *dst, const void *src, size_t bytes);

/**
 * np_buszero() - zero device memory
 * @dst, @bytes: multiples of NP_BUSZERO_UNIT
 *
 * Context: any thread.
 * Return: as np_buscopy().
 */
int np_buszero(void *dst, size_t bytes);

#endif
