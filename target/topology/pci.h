/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pci.h - a PCI device as sysfs describes it, with its way up to the host bridge.
 *
 * All take the folder where sysfs is mounted, so that tests can make one of their own.
 *
 * Thread: any that may block.
 * Depends: sysfs.
 */
#ifndef NP_TOPOLOGY_PCI_H
#define NP_TOPOLOGY_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NP_SYSFS "/sys"
#define NP_PCI_MAX_BRIDGES 16
#define NP_PCI_ADDRESS_BYTES 16
#define NP_PCI_CONFIG_BYTES 4096

/* Of the PCI Express capability. Without root the kernel shows no capabilities: UNSEEN. */
enum np_pci_port {
	NP_PCI_PORT_UNSEEN,
	NP_PCI_PORT_NONE, /* not PCI Express */
	NP_PCI_PORT_ENDPOINT,
	NP_PCI_PORT_INTEGRATED, /* an endpoint of the root complex */
	NP_PCI_PORT_ROOT,
	NP_PCI_PORT_UPSTREAM,
	NP_PCI_PORT_DOWNSTREAM,
	NP_PCI_PORT_OTHER,
};

/* Access Control Services: where peers' packets are sent. */
enum np_pci_acs {
	NP_PCI_ACS_UNSEEN,
	NP_PCI_ACS_NONE, /* the device has none */
	NP_PCI_ACS_SEEN, /* acs_control is valid */
};

/* One function. */
struct np_pci_node {
	char address[NP_PCI_ADDRESS_BYTES]; /* "0000:01:00.0" */
	uint32_t class_code;                /* 24 bits: 0x010802 is an NVMe drive */
	uint16_t vendor, device;
	enum np_pci_port port;
	enum np_pci_acs acs;
	uint16_t acs_control;
};

struct np_pci_dev {
	struct np_pci_node self;
	/* On the way up, the nearest first; none for a device on a root bus. */
	struct np_pci_node bridges[NP_PCI_MAX_BRIDGES];
	unsigned int nbridges;
	char host_bridge[NP_PCI_ADDRESS_BYTES]; /* the root bus: "pci0000:00" */
	/* What stands for the host bridge in the kernel's list; no address: nothing does. */
	struct np_pci_node root;
	int numa_node;       /* -1: none */
	int iommu_group;     /* -1: none */
	char iommu_type[16]; /* of the group: "DMA", "DMA-FQ", "identity"; "" without one */
};

/**
 * np_pci_probe() - read a device and all bridges above it
 * @sysfs: NP_SYSFS
 * @address: "0000:01:00.0"
 *
 * What only root may see comes back as UNSEEN.
 * Context: may block.
 * Return: 0; -EINVAL if @address is none; -ENODEV if there is no such device; -E2BIG below more
 * than NP_PCI_MAX_BRIDGES bridges; -errno of reading sysfs.
 */
int np_pci_probe(const char *sysfs, const char *address, struct np_pci_dev *ret_dev);

/**
 * np_pci_find() - the PCI device that something in sysfs belongs to
 * @path: below @sysfs, e.g. "class/infiniband/mlx5_0" or "class/nvme/nvme0"
 * @ret_address: NP_PCI_ADDRESS_BYTES
 *
 * Context: may block.
 * Return: 0; -ENODEV if there is none above it, as of a software RNIC; -errno of finding @path.
 */
int np_pci_find(const char *sysfs, const char *path, char *ret_address);

/* Is @text an address like 0000:01:00.0? */
bool np_pci_is_address(const char *text);

/**
 * np_pci_parse_port() - the kind of port out of a configuration space
 * @config, @len: its first bytes; the kernel shows others than root 64 of them
 *
 * Context: any, pure. Spec: PCI Express Base 5.0, 7.5.3.2.
 * Return: NP_PCI_PORT_UNSEEN if the capabilities are not in @config.
 */
enum np_pci_port np_pci_parse_port(const uint8_t *config, size_t len);

/**
 * np_pci_parse_acs() - the ACS control register out of a configuration space
 * @ret_control: written only with NP_PCI_ACS_SEEN
 *
 * Context: any, pure. Spec: PCI Express Base 5.0, 7.7.8.
 * Return: NP_PCI_ACS_NONE without an extended configuration space, too.
 */
enum np_pci_acs np_pci_parse_acs(const uint8_t *config, size_t len, uint16_t *ret_control);

/**
 * np_pci_redirects() - does the function send what passes between peers up to the host bridge?
 *
 * Request redirect, completion redirect or egress control, as in Linux 7.2 drivers/pci/p2pdma.c,
 * pci_bridge_has_acs_redir().
 * Context: any, pure.
 */
bool np_pci_redirects(const struct np_pci_node *node);

/* "root port", "switch upstream port", ...; "bridge" or "device" if the kind was not seen. */
const char *np_pci_port_name(const struct np_pci_node *node);

#endif
