/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * distance.h - how two PCI devices reach each other, by the kernel's rules.
 *
 * Linux 7.2, drivers/pci/p2pdma.c, calc_map_type_and_dist(). That the kernel allows a way is no
 * proof that data arrives: only comparing bytes is.
 *
 * Thread: any; all functions are pure.
 * Depends: pci.h.
 */
#ifndef NP_TOPOLOGY_DISTANCE_H
#define NP_TOPOLOGY_DISTANCE_H

#include <stdbool.h>

#include "target/topology/pci.h"

/* The best first. */
enum np_pci_relation {
	NP_PCI_SAME_DEVICE, /* one function: it reaches its own memory */
	NP_PCI_SAME_SWITCH, /* directly, through a bridge above both */
	/* There is such a bridge, but ACS sends the packets on, through the host bridge. */
	NP_PCI_SAME_SWITCH_ACS,
	NP_PCI_HOST_BRIDGE_LISTED,   /* through host bridges that the kernel knows to be good */
	NP_PCI_HOST_BRIDGE_UNLISTED, /* the kernel maps no such transfer */
	NP_PCI_NO_PCI,               /* a software RNIC: the CPU copies, there is no way to judge */
};

struct np_pci_distance {
	enum np_pci_relation relation;
	/* The kernel maps transfers. NP_PCI_SAME_SWITCH_ACS may be either. */
	bool is_allowed;
	/* is_allowed holds, whatever it was that could not be seen. */
	bool is_sure;
	unsigned int hops;                 /* between the two, as the kernel counts them */
	char common[NP_PCI_ADDRESS_BYTES]; /* the bridge above both, or "" */
	/* Addresses joined by ';', as the kernel parameter pci=disable_acs_redir= takes them. */
	char redirecting[128]; /* functions on the way with ACS redirect */
	char unseen[128];      /* and those whose ACS could not be read */
	char text[256];        /* one sentence without a full stop */
};

/**
 * np_pci_distance() - how does @client reach the memory of @provider?
 * @client: NULL for a device that is not on PCI
 * @cpu_is_listed: by np_host_bridge_read_cpu()
 *
 * Context: any, pure.
 */
void np_pci_distance(const struct np_pci_dev *provider, const struct np_pci_dev *client,
	bool cpu_is_listed, struct np_pci_distance *ret_distance);

/**
 * np_pci_distance_compare() - for sorting, the best way first
 *
 * What is allowed comes before what is not, then by relation, then by hops.
 * Context: any, pure.
 * Return: below 0 if @a is the better one, 0 if they are alike, above 0 otherwise.
 */
int np_pci_distance_compare(const struct np_pci_distance *a, const struct np_pci_distance *b);

/* "same device", "same switch", "same switch, ACS redirect", ... */
const char *np_pci_relation_name(enum np_pci_relation relation);

#endif
