/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * way.h - how good is memory between a drive and an RNIC, before anybody has tried it?
 *
 * Thread: any; pure.
 * Depends: distance.h.
 */
#ifndef NP_TOPOLOGY_WAY_H
#define NP_TOPOLOGY_WAY_H

#include "target/topology/distance.h"

/* The best first: in this order memory is tried. */
enum np_way_rank {
	NP_WAY_OWN,      /* the drive's own memory */
	NP_WAY_SWITCH,   /* all three below one switch */
	NP_WAY_LISTED,   /* through a host bridge that the kernel knows to be good */
	NP_WAY_NO_PCI,   /* memory that is not on PCI */
	NP_WAY_UNLISTED, /* through another host bridge: the kernel is not likely to map it */
};

struct np_way {
	enum np_way_rank rank;
	unsigned int hops; /* from drive and RNIC to the memory, together */
};

/**
 * np_way_find() - judge memory between a drive and an RNIC
 * @memory: the device whose memory it is; NULL if it is not on PCI
 * @drive: NULL for storage that is not on PCI
 * @rnic: NULL for a software RNIC, whose data the CPU copies
 * @cpu_is_listed: by np_host_bridge_read_cpu()
 */
struct np_way np_way_find(const struct np_pci_dev *memory, const struct np_pci_dev *drive,
	const struct np_pci_dev *rnic, bool cpu_is_listed);

/* For sorting, the best first. Return: below 0 if @a is the better one, 0 if they are alike. */
int np_way_compare(const struct np_way *a, const struct np_way *b);

/* "own memory of the drive", "below one switch" and so on. */
const char *np_way_name(enum np_way_rank rank);

#endif
