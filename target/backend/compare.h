/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * compare.h - have the drive itself compare blocks with memory.
 *
 * An NVMe Compare command makes the drive *read* from the memory and changes nothing. The data path
 * has no use for it (target/nvme/io.c compares for hosts), so it is no np_io.
 *
 * Spec: NVM Command Set 1.0, 3.2.1.
 * Thread: as pump.h says.
 * Depends: backend.h, pump.h.
 */
#ifndef NP_BACKEND_COMPARE_H
#define NP_BACKEND_COMPARE_H

#include "target/backend/backend.h"
#include "target/backend/pump.h"

struct np_compare {
	struct np_backend *nvme; /* who takes the command */
	bool is_own;             /* opened for this alone */
};

/**
 * np_compare_open() - find out how the drive of @backend takes a Compare
 * @backend: engine nvme, or engine block on a whole namespace
 *
 * Context: control thread.
 * Return: 0, or -errno with a sentence in @why; -EOPNOTSUPP if the drive has no such command.
 */
int np_compare_open(
	struct np_compare *compare, struct np_backend *backend, char *why, size_t why_size);

void np_compare_close(struct np_compare *compare);

/* The most that one command compares. */
uint32_t np_compare_max_bytes(const struct np_compare *compare);

/**
 * np_compare_run() - compare blocks with the memory at @va
 * @bytes: whole blocks, at most np_compare_max_bytes()
 * @ret_status: NP_SUCCESS if they are equal, Compare Failure if not, else what went wrong
 *
 * Return: 0, or -errno of the ring.
 */
int np_compare_run(const struct np_compare *compare, struct np_pump *pump, uint64_t lba,
	uint32_t bytes, const void *va, struct np_status *ret_status);

#endif
