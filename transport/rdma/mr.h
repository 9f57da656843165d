/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mr.h - registers regions with a device and decides where the device may place data.
 *
 * Thread: control thread.
 * Depends: dev.h.
 */
#ifndef NP_RDMA_MR_H
#define NP_RDMA_MR_H

#include "transport/rdma/dev.h"

struct np_rdma_conn;

/*
 * Prepares the memory of a new device. A test whose packets do not get through, as on a busy machine,
 * is run again later, first after 10 s, in the end every 10 minutes.
 */
void np_rdma_mr_init(struct np_rdma_dev *dev);

/**
 * np_rdma_mr_register_all() - register and test each region of the process with @dev
 *
 * Device memory that does not work is noted and left out.
 * Return: 0, or -errno with a sentence in @why if a region of host memory fails.
 */
int np_rdma_mr_register_all(struct np_rdma_dev *dev, char *why, size_t why_size);

/* A region has come: registers and tests it, and lets connections use it. */
void np_rdma_mr_add(struct np_rdma_dev *dev, struct np_mem_region *region);

/* Tests a region again. */
void np_rdma_mr_test(struct np_rdma_dev *dev, struct np_mem_region *region);

/* A region goes: none of its buffers is in use any more. */
void np_rdma_mr_remove(struct np_rdma_dev *dev, const struct np_mem_region *region);

/* Tests again what did not work, say because the port was down, or @all. */
void np_rdma_mr_retest(struct np_rdma_dev *dev, bool all);

/**
 * np_rdma_mr_require_host() - may a connection of @dev be served?
 *
 * Capsules, completions and staged data need host memory without any quirk. A test that could not
 * run is tried again, though not for each of many hosts; all are when the port's MTU has changed,
 * because paths get larger with it. An iWARP device is taken at its word: its queue pairs can't be connected to
 * each other without a connection manager, so the test never runs.
 * Return: 0, or -EIO with a sentence in @why.
 */
int np_rdma_mr_require_host(struct np_rdma_dev *dev, char *why, size_t why_size);

void np_rdma_mr_deregister_all(struct np_rdma_dev *dev);

/**
 * np_rdma_mr_judge_path() - which regions a connection with this path MTU may use
 * @path_mtu: bytes
 * @ret_ok, @ret_paged: a bit a region id
 * @reason: why a peer region is left out; "" if none is
 */
void np_rdma_mr_judge_path(const struct np_rdma_dev *dev, uint32_t path_mtu, uint64_t *ret_ok,
	uint64_t *ret_paged, char *reason, size_t reason_size);

/* The same for a connection; it may be in use. */
void np_rdma_mr_judge_conn(struct np_rdma_conn *conn);

#endif
