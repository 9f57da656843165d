/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * selftest.h - does an RNIC really place data into, and fetch it from, a region?
 *
 * A completion that says success is no proof: some devices report success and misplace the data.
 * Only comparing bytes tells.
 *
 * Thread: control thread.
 * Depends: dev.h.
 */
#ifndef NP_RDMA_SELFTEST_H
#define NP_RDMA_SELFTEST_H

#include <stdbool.h>
#include <stdint.h>

#include "target/memory/mem.h"
#include "transport/rdma/dev.h"

/* What was seen at one path MTU. */
struct np_rdma_trial {
	uint32_t path_mtu; /* bytes */
	bool is_paged_ok;  /* right for transfers that begin on a page boundary */
	bool is_any_ok;    /* right for every offset and length */
	char fault[96];    /* the first thing that was wrong */
};

/**
 * np_rdma_selftest_judge() - the verdict on a region
 * @trials: the largest path MTU first
 * @count: at least 1
 * @mr: receives verdict, is_paged, min_path_mtu and reason
 *
 * Context: any, pure.
 */
void np_rdma_selftest_judge(
	const struct np_rdma_trial *trials, unsigned int count, struct np_rdma_mr *mr);

/**
 * np_rdma_selftest() - test a registered region over a loopback connection of the device
 * @mr: as for np_rdma_selftest_judge(); NP_VERDICT_UNTESTED if the test cannot run
 *
 * Uses region->scratch alone, so it may run while the region is in use.
 * Context: control thread; takes up to a second on slow device memory.
 */
void np_rdma_selftest(struct np_rdma_dev *dev, struct np_mem_region *region, struct np_rdma_mr *mr);

#endif
