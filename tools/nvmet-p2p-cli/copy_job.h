/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Moves blocks from one backend to another through given memory, and finds out whether they got
 * there.
 *
 * Thread: the only one.
 * Depends: copy_plan.h, target/backend, target/memory.
 */
#ifndef NP_CLI_COPY_JOB_H
#define NP_CLI_COPY_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/backend/backend.h"
#include "tools/nvmet-p2p-cli/copy_plan.h"

struct np_copy_job {
	struct np_backend *src, *dst;
	uint8_t *memory; /* depth strides: whatever passes between src and dst is there */
	struct np_copy_plan plan;
};

/* Bytes of dst that are not those of src. */
struct np_copy_difference {
	uint64_t bytes;        /* how many; 0: all is equal */
	uint64_t first_offset; /* of the first one */
};

/**
 * np_copy_spoil() - write other bytes to dst, through host memory
 *
 * What happens to be there already would else pass for what was copied.
 * Return: 0, or -errno with a sentence in @why.
 */
int np_copy_spoil(const struct np_copy_job *job, char *why, size_t why_size);

/**
 * np_copy_move() - the copy, with a flush at its end
 * @ret_us: how long it took
 *
 * The memory is filled with other bytes before.
 * Return: 0, or -errno with a sentence in @why: -EIO if a drive reports an error.
 */
int np_copy_move(const struct np_copy_job *job, uint64_t *ret_us, char *why, size_t why_size);

/**
 * np_copy_compare() - read both ends into host memory and compare them
 *
 * Return: 0, or -errno with a sentence in @why.
 */
int np_copy_compare(const struct np_copy_job *job, struct np_copy_difference *ret_difference,
	char *why, size_t why_size);

#endif
