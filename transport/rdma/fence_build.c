// SPDX-License-Identifier: BSD-3-Clause
/*
 * fence_build.c - makes and unmakes the fences of a device.
 *
 * Thread: control thread. The verbs in here block.
 * Depends: conn.h, dev.h, fence.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/base/line.h"
#include "transport/rdma/conn.h"
#include "transport/rdma/dev.h"
#include "transport/rdma/fence.h"

/* On their way at a time; a power of two less one, for RNICs that keep an entry free. */
#define ENTRIES 127u

static void fence_free(struct np_rdma_fence *fence)
{
	np_rdma_loop_close(&fence->loop);
	if (fence->far_mr)
		ibv_dereg_mr(fence->far_mr);
	if (fence->far_pd)
		ibv_dealloc_pd(fence->far_pd);
	if (fence->sq.entries)
		np_rdma_cq_unreserve(fence->cq, fence->sq.entries, 0);
	free(fence->far);
	free(fence);
}

static int fence_open(struct np_rdma_fence *fence, struct np_rdma_dev *dev)
{
	struct np_rdma_loop_ends ends = {.near_pd = dev->pd, .sends = ENTRIES};
	int err;

	fence->far = np_line_alloc(NP_LINE_BYTES);
	if (!fence->far)
		return -ENOMEM;
	fence->far_pd = ibv_alloc_pd(dev->ctx);
	if (!fence->far_pd)
		return -errno;
	fence->far_mr = ibv_reg_mr(fence->far_pd, fence->far, NP_LINE_BYTES,
		IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE);
	if (!fence->far_mr)
		return -errno;
	err = np_rdma_cq_reserve(fence->cq, ENTRIES, 0);
	if (err)
		return err;
	fence->sq.entries = fence->sq.free = ENTRIES;
	ends.far_pd = fence->far_pd;
	ends.near_cq = fence->cq->send.cq;
	return np_rdma_loop_open(dev->ctx, &ends, dev->last_port, IBV_MTU_256, &fence->loop);
}

static int fence_new(
	struct np_rdma_dev *dev, struct np_rdma_cq *cq, struct np_rdma_fence **ret_fence)
{
	struct np_rdma_fence *fence = np_line_alloc(sizeof(*fence));
	int err;

	if (!fence)
		return -ENOMEM;
	fence->cq = cq;
	np_rdma_fence_init(fence);
	err = fence_open(fence, dev);
	if (err) {
		fence_free(fence);
		return err;
	}
	*ret_fence = fence;
	return 0;
}

void np_rdma_fence_get(struct np_rdma_conn *conn)
{
	struct np_rdma_dev *dev = conn->dev;
	struct np_rdma_fence **fence = &dev->fences[conn->queue.reactor->index];
	int err;

	if (!dev->needs_fence)
		return;
	/* Its last connection frees one that is broken. */
	if (*fence && atomic_load(&(*fence)->is_broken)) {
		if (!(*fence)->users)
			fence_free(*fence);
		*fence = NULL;
	}
	err = *fence ? 0 : fence_new(dev, conn->cq, fence);
	if (err) {
		snprintf(conn->fence_reason, sizeof(conn->fence_reason),
			"no fence for peer memory: %s", strerror(-err));
		return;
	}
	conn->fence = *fence;
	conn->fence->users++;
}

void np_rdma_fence_put(struct np_rdma_conn *conn)
{
	struct np_rdma_fence *fence = conn->fence;

	conn->fence = NULL;
	if (fence && --fence->users == 0 && conn->dev->fences[conn->queue.reactor->index] != fence)
		fence_free(fence);
}

void np_rdma_fence_stop_all(struct np_rdma_dev *dev)
{
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_ERR};

	for (unsigned int i = 0; i < NP_MAX_REACTORS; i++) {
		if (dev->fences[i])
			ibv_modify_qp(dev->fences[i]->loop.near, &attr, IBV_QP_STATE);
	}
}

void np_rdma_fence_free_all(struct np_rdma_dev *dev)
{
	for (unsigned int i = 0; i < NP_MAX_REACTORS; i++) {
		if (dev->fences[i])
			fence_free(dev->fences[i]);
		dev->fences[i] = NULL;
	}
}
