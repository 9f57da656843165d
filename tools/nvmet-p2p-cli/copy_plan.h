/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How much is copied, in chunks of what size: out of what was asked for and what the ends can do.
 *
 * Thread: any, pure.
 * Depends: libc.
 */
#ifndef NP_CLI_COPY_PLAN_H
#define NP_CLI_COPY_PLAN_H

#include <stddef.h>
#include <stdint.h>

#define NP_COPY_DEPTH_MAX 256u

/* What was asked for; 0: the default. */
struct np_copy_wish {
	uint64_t bytes;       /* as much as both ends have, at most 1 GiB */
	uint32_t chunk_bytes; /* 128 KiB, or the most that one command of either end takes */
	uint32_t depth;       /* 8 */
};

/* What a drive or file is like. */
struct np_copy_end {
	uint64_t bytes;
	uint32_t block_bytes; /* power of two */
	uint32_t max_io_bytes;
};

struct np_copy_plan {
	uint64_t bytes;
	uint32_t chunk_bytes; /* of one read and write; the last may be shorter */
	uint32_t depth;       /* chunks on their way at the same time */
};

/**
 * np_copy_parse_bytes() - "4096", "128K", "16M", "1G"
 *
 * Return: 0; -EINVAL if it is no such number, or 0, or beyond 64 bits.
 */
int np_copy_parse_bytes(const char *text, uint64_t *ret_bytes);

/**
 * np_copy_plan() - settle what was not said, and refuse what cannot be done
 *
 * Return: 0, or -EINVAL with a sentence in @why.
 */
int np_copy_plan(const struct np_copy_wish *wish, const struct np_copy_end *src,
	const struct np_copy_end *dst, struct np_copy_plan *ret_plan, char *why, size_t why_size);

/* From one chunk in memory to the next: each begins on a page. */
size_t np_copy_stride_bytes(const struct np_copy_plan *plan);

/* Makes the plan shallower if only @bytes of memory are there. Return: 0, -ENOSPC if not one fits. */
int np_copy_fit(struct np_copy_plan *plan, size_t bytes);

#endif
