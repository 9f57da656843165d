/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * uevent.h - learns from the kernel's device events that an RDMA device is being removed.
 *
 * A kernel driver without disassociate_ucontext (rxe is one) waits in its removal until every process
 * has closed the device, and sends neither an asynchronous event nor one of the connection manager
 * before that (drivers/infiniband/core/uverbs_main.c). The device node's uevent comes first.
 *
 * Thread: control thread.
 * Depends: rdma.h, hotplug.h.
 */
#ifndef NP_RDMA_UEVENT_H
#define NP_RDMA_UEVENT_H

#include "transport/rdma/rdma.h"

/* Begins to watch. Where it cannot, removals are noticed later, which is logged. */
void np_rdma_uevent_open(struct np_rdma *rdma);

/* Harmless if nothing was opened. */
void np_rdma_uevent_close(struct np_rdma *rdma);

#endif
