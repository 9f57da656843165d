// SPDX-License-Identifier: BSD-3-Clause
/*
 * caps.c - what an RDMA device can do, and what its port is like now.
 *
 * Thread: control thread.
 * Depends: dev.h, topology.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "target/topology/pci.h"
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

/* A software RNIC copies with the CPU, which writes its completion after its data. */
static bool needs_fence(const struct np_rdma_dev *dev)
{
	char path[128], address[NP_PCI_ADDRESS_BYTES];

	if (dev->rdma->settings.fence != NP_FENCE_AUTO)
		return dev->rdma->settings.fence == NP_FENCE_READ;
	snprintf(path, sizeof(path), "class/infiniband/%s", dev->name);
	return !np_pci_find(NP_SYSFS, path, address);
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
	dev->needs_fence = needs_fence(dev);
	dev->has_send_inv = dev->attr.orig_attr.device_cap_flags & IBV_DEVICE_MEM_MGT_EXTENSIONS;
	np_rdma_dev_find_port(dev);
	return 0;
}
