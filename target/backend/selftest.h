/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * selftest.h - can this drive move its blocks into that memory, and reach what is there?
 *
 * Success reported by the device is no proof: bytes are compared.
 *
 * Thread: control; blocks for some ten milliseconds.
 * Depends: backend.h, mem.h.
 */
#ifndef NP_BACKEND_SELFTEST_H
#define NP_BACKEND_SELFTEST_H

#include "target/backend/backend.h"
#include "target/memory/mem.h"

/**
 * np_backend_selftest() - move existing blocks into @region and have them compared
 * @backend: nothing is ever written to it
 * @region: its scratch part is overwritten
 * @why: one sentence about the outcome, good or bad
 *
 * Drive -> memory: reads, compared with reads into host memory. Sizes go from one block to the
 * largest transfer. The target range is poisoned first, so that a read that moves nothing is seen.
 * Memory -> drive, if @region is peer memory: an NVMe Compare of what was read must find it equal,
 * and unequal with a byte changed. Where that cannot be tested @why says so; a drive is no worse
 * for that.
 * Context: control thread.
 * Return: NP_VERDICT_WORKS or NP_VERDICT_UNUSABLE.
 */
enum np_verdict np_backend_selftest(
	struct np_backend *backend, struct np_mem_region *region, char *why, size_t why_size);

/**
 * np_backend_judge_region() - may this engine use that memory?
 * @why: as for np_backend_selftest()
 *
 * The self-test decides, except for a pair that would pass or fail it by luck.
 * Context: control thread.
 * Return: NP_VERDICT_WORKS or NP_VERDICT_UNUSABLE.
 */
enum np_verdict np_backend_judge_region(
	struct np_backend *backend, struct np_mem_region *region, char *why, size_t why_size);

#endif
