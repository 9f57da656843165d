// SPDX-License-Identifier: BSD-3-Clause
/*
 * caps.c - what an RDMA device can do, and what its port is like now.
 *
 * Thread: control thread.
 * Depends: dev.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/rdma/dev.h"

bool np_rdma_dev_find_port(struct np_rdma_dev *dev)
{
	struct ibv_port_attr attr;
	uint32_t mtu;
	bool is_new;

	dev->port = 0;
	for (unsigned int port = 1; port <= dev->attr.orig_attr.phys_port_cnt; port++) {
		if (ibv_query_port(dev->ctx, (uint8_t)port, &attr))
			continue;
		if (attr.state != IBV_PORT_ACTIVE)
			continue;
		mtu = np_rdma_mtu_bytes(attr.active_mtu);
		is_new = port != dev->last_port || mtu != dev->active_mtu;
		dev->port = dev->last_port = (uint8_t)port;
		dev->active_mtu = mtu;
		return is_new;
	}
	return false;
}

/*
 * A software RNIC's driver copies between packets and memory with memcpy(). The kernel maps peer
 * memory as device memory, which on arm64 takes aligned accesses only, and packets are not aligned:
 * rxe_odp_mr_copy() (rxe_odp.c, Linux 7.3) dies of an alignment fault, and the kernel with it. No
 * self-test can find that out and report it.
 */
#ifdef __aarch64__
#define COPIES_MAY_FAULT true
#else
#define COPIES_MAY_FAULT false
#endif

bool np_rdma_is_software_path(const char *sysfs_path)
{
	static const char virtual[] = "/sys/devices/virtual/";

	return !strncmp(sysfs_path, virtual, sizeof(virtual) - 1);
}

static bool is_software(const struct np_rdma_dev *dev)
{
	char *path = realpath(dev->ctx->device->ibdev_path, NULL);
	bool is = !path || np_rdma_is_software_path(path);

	free(path);
	return is;
}

/* What the CPU copies is there before the completion that the CPU writes after it. */
static bool needs_fence(const struct np_rdma_dev *dev)
{
	if (dev->rdma->settings.fence != NP_FENCE_AUTO)
		return dev->rdma->settings.fence == NP_FENCE_READ;
	return !dev->is_software;
}

int np_rdma_dev_query(struct np_rdma_dev *dev, char *why, size_t why_size)
{
	const uint32_t odp = IBV_ODP_SUPPORT_READ | IBV_ODP_SUPPORT_WRITE;
	int err;

	err = -ibv_query_device_ex(dev->ctx, NULL, &dev->attr);
	if (err) {
		snprintf(why, why_size, "%s: its attributes cannot be read: %s", dev->name,
			strerror(-err));
		return err;
	}
	dev->has_odp = dev->attr.odp_caps.general_caps & IBV_ODP_SUPPORT &&
		(dev->attr.odp_caps.per_transport_caps.rc_odp_caps & odp) == odp;
	/* iWARP and RoCE/IB alike: these extensions bring SEND with invalidate. */
	dev->is_software = is_software(dev);
	dev->needs_fence = needs_fence(dev);
	dev->may_fault = COPIES_MAY_FAULT && dev->is_software && !dev->rdma->settings.software_p2p;
	dev->has_send_inv = dev->attr.orig_attr.device_cap_flags & IBV_DEVICE_MEM_MGT_EXTENSIONS;
	np_rdma_dev_find_port(dev);
	return 0;
}
