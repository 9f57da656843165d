/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * clock.h - time that only passes.
 *
 * Thread: any.
 * Depends: libc.
 */
#ifndef NP_BASE_CLOCK_H
#define NP_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Microseconds of CLOCK_MONOTONIC. */
static inline uint64_t np_clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* Milliseconds of the same. */
static inline uint64_t np_clock_ms(void)
{
	return np_clock_us() / 1000;
}

#endif
