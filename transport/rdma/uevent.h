/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * uevent.h - learns from the kernel's device events that an RDMA device is being removed.
 *
 * A kernel driver without disassociate_ucontext (rxe is one) waits in its removal until every process
 * has closed the device, and sends neither an asynchronous event nor one of the connection manager
 * before that (drivers/infiniband/core/uverbs_main.c). The device node's uevent comes first.
 *
 * Thread: control thread.
 * Depends: rdma.h.
 */
#ifndef NP_RDMA_UEVENT_H
#define NP_RDMA_UEVENT_H

#include <stdbool.h>
#include <stddef.h>

#include "transport/rdma/rdma.h"

/* Begins to watch. Without permission removals are noticed later, which is logged. */
void np_rdma_uevent_open(struct np_rdma *rdma);

/* Harmless if nothing was opened. */
void np_rdma_uevent_close(struct np_rdma *rdma);

/**
 * np_rdma_uevent_removed() - which verbs device does a uevent say is gone?
 * @msg: "remove@/devices/..." and KEY=value strings, each with its NUL
 * @len: bytes at @msg; nothing in it is trusted
 * @ret_name: name of the device node, such as "uverbs0"; cut to fit
 *
 * Context: any, pure. Spec: Linux lib/kobject_uevent.c.
 * Return: false if it says nothing of the kind.
 */
bool np_rdma_uevent_removed(const char *msg, size_t len, char *ret_name, size_t name_size);

#endif
