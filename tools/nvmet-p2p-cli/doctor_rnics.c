// SPDX-License-Identifier: BSD-3-Clause
/*
 * doctor_rnics.c - RDMA devices, by verbs, and by sysfs what verbs do not tell.
 *
 * Thread: the only one.
 * Depends: libibverbs, sysfs.
 */
#include <dirent.h>
#include <errno.h>
#include <infiniband/verbs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/nvmet-p2p-cli/doctor_facts.h"

#define CLASS_DIR NP_SYSFS "/class/infiniband"

static void read_line(const char *path, char *ret_text, size_t size)
{
	FILE *f = fopen(path, "re");

	ret_text[0] = '\0';
	if (!f)
		return;
	if (!fgets(ret_text, (int)size, f))
		ret_text[0] = '\0';
	fclose(f);
	ret_text[strcspn(ret_text, "\n")] = '\0';
}

static void find_netdev(struct np_doc_rnic *rnic)
{
	char path[256], mtu[32];

	snprintf(path, sizeof(path), CLASS_DIR "/%s/ports/1/gid_attrs/ndevs/0", rnic->name);
	read_line(path, rnic->netdev, sizeof(rnic->netdev));
	/* A software RNIC whose port is down may have no GID, but it names its network device. */
	if (!rnic->netdev[0]) {
		snprintf(path, sizeof(path), CLASS_DIR "/%s/parent", rnic->name);
		read_line(path, rnic->netdev, sizeof(rnic->netdev));
	}
	if (!rnic->netdev[0])
		return;
	snprintf(path, sizeof(path), NP_SYSFS "/class/net/%s/mtu", rnic->netdev);
	read_line(path, mtu, sizeof(mtu));
	rnic->netdev_mtu = (uint32_t)strtoul(mtu, NULL, 10);
}

static void find_port(struct ibv_context *ctx, unsigned int nports, struct np_doc_rnic *rnic)
{
	struct ibv_port_attr attr;

	rnic->is_active = NP_DOC_NO;
	for (unsigned int port = 1; port <= nports; port++) {
		if (ibv_query_port(ctx, (uint8_t)port, &attr) || attr.state != IBV_PORT_ACTIVE)
			continue;
		rnic->is_active = NP_DOC_YES;
		rnic->path_mtu = 128u << attr.active_mtu;
		return;
	}
}

/*
 * There is no attribute for it. A device that registers dma-bufs finds that this descriptor is
 * none; the others say that they do not.
 */
static enum np_doc_answer probe_dmabuf(struct ibv_context *ctx)
{
	struct ibv_pd *pd = ibv_alloc_pd(ctx);
	struct ibv_mr *mr;
	int err;

	if (!pd)
		return NP_DOC_UNSEEN;
	mr = ibv_reg_dmabuf_mr(pd, 0, 4096, 0, -1, IBV_ACCESS_LOCAL_WRITE);
	err = errno;
	if (mr)
		ibv_dereg_mr(mr);
	ibv_dealloc_pd(pd);
	if (mr || err == EBADF)
		return NP_DOC_YES;
	return err == EOPNOTSUPP || err == EPROTONOSUPPORT || err == ENOTTY ? NP_DOC_NO
									    : NP_DOC_UNSEEN;
}

static void query(struct ibv_device *device, struct np_doc_rnic *rnic)
{
	const uint32_t odp = IBV_ODP_SUPPORT_READ | IBV_ODP_SUPPORT_WRITE;
	struct ibv_context *ctx = ibv_open_device(device);
	struct ibv_device_attr_ex attr;
	int err;

	rnic->is_iwarp = device->transport_type == IBV_TRANSPORT_IWARP;
	if (!ctx) {
		snprintf(rnic->why, sizeof(rnic->why), "it cannot be opened: %s", strerror(errno));
		return;
	}
	err = ibv_query_device_ex(ctx, NULL, &attr);
	if (err) {
		snprintf(rnic->why, sizeof(rnic->why), "its attributes: %s", strerror(err));
	} else {
		rnic->has_odp = attr.odp_caps.general_caps & IBV_ODP_SUPPORT &&
				(attr.odp_caps.per_transport_caps.rc_odp_caps & odp) == odp
			? NP_DOC_YES
			: NP_DOC_NO;
		find_port(ctx, attr.orig_attr.phys_port_cnt, rnic);
	}
	rnic->has_dmabuf = probe_dmabuf(ctx);
	ibv_close_device(ctx);
}

static void find_one(struct np_doc_facts *facts, const char *name, struct ibv_device **devices)
{
	struct np_doc_rnic *rnic = NP_DOC_ADD(facts, rnics);
	char path[256], pci[NP_PCI_ADDRESS_BYTES] = "";
	int err;

	snprintf(rnic->name, sizeof(rnic->name), "%.63s", name);
	snprintf(path, sizeof(path), "class/infiniband/%s", rnic->name);
	err = np_pci_find(NP_SYSFS, path, pci);
	if (err && err != -ENODEV)
		np_doc_unseen(facts, "where RDMA device %s is: %s", rnic->name, strerror(-err));
	np_doc_place(facts, pci, &rnic->place);
	find_netdev(rnic);
	snprintf(rnic->why, sizeof(rnic->why), "verbs do not know it (module ib_uverbs?)");
	for (unsigned int i = 0; devices && devices[i]; i++) {
		if (strcmp(ibv_get_device_name(devices[i]), rnic->name))
			continue;
		rnic->why[0] = '\0';
		query(devices[i], rnic);
	}
	if (rnic->why[0])
		np_doc_unseen(facts, "what RDMA device %s can do: %s", rnic->name, rnic->why);
}

void np_doc_find_rnics(struct np_doc_facts *facts)
{
	struct ibv_device **devices = ibv_get_device_list(NULL);
	struct dirent **names;
	int n = scandir(CLASS_DIR, &names, NULL, versionsort);

	/* Without the folder the RDMA core is not loaded, so there is no device. */
	if (n < 0 && errno != ENOENT)
		np_doc_blind(facts, "RDMA devices: %s: %s", CLASS_DIR, strerror(errno));
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.')
			find_one(facts, names[i]->d_name, devices);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	if (devices)
		ibv_free_device_list(devices);
}
