/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * line.h - memory in cache lines of its own.
 *
 * What one reactor writes while it serves commands must share no line with what another one uses:
 * the line would go to and fro between their CPUs.
 * Depends: <stdlib.h>.
 */
#ifndef NP_BASE_LINE_H
#define NP_BASE_LINE_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define NP_LINE_BYTES 64u

/* calloc() for an object that belongs to one reactor. Return: NULL without memory. */
static inline void *np_line_alloc(size_t bytes)
{
	const size_t whole = (bytes + NP_LINE_BYTES - 1) / NP_LINE_BYTES * NP_LINE_BYTES;
	void *memory = aligned_alloc(NP_LINE_BYTES, whole);

	return memory ? memset(memory, 0, whole) : NULL;
}

#endif
