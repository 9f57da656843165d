// SPDX-License-Identifier: BSD-3-Clause
/*
 * way.c - two distances, of the drive and of the RNIC, made one rank.
 *
 * Thread: any; pure.
 * Depends: distance.h.
 */
#include "target/topology/way.h"

#include <stddef.h>

static enum np_way_rank rank_distance(const struct np_pci_distance *distance)
{
	switch (distance->relation) {
	case NP_PCI_SAME_DEVICE:
		return NP_WAY_OWN;
	case NP_PCI_SAME_SWITCH:
		return NP_WAY_SWITCH;
	case NP_PCI_SAME_SWITCH_ACS:
		return distance->is_allowed ? NP_WAY_LISTED : NP_WAY_UNLISTED;
	case NP_PCI_HOST_BRIDGE_LISTED:
		return NP_WAY_LISTED;
	case NP_PCI_HOST_BRIDGE_UNLISTED:
		return NP_WAY_UNLISTED;
	case NP_PCI_NO_PCI:
		break;
	}
	return NP_WAY_NO_PCI;
}

struct np_way np_way_find(const struct np_pci_dev *memory, const struct np_pci_dev *drive,
	const struct np_pci_dev *rnic, bool cpu_is_listed)
{
	struct np_pci_distance to_drive, to_rnic;
	struct np_way way = {.rank = NP_WAY_NO_PCI};
	enum np_way_rank rank;

	if (!memory)
		return way;
	np_pci_distance(memory, drive, cpu_is_listed, &to_drive);
	way.rank = rank_distance(&to_drive);
	way.hops = to_drive.hops;
	if (!rnic)
		return way;
	/* The RNIC may spoil the way; that it is near makes none better. */
	np_pci_distance(memory, rnic, cpu_is_listed, &to_rnic);
	rank = rank_distance(&to_rnic);
	if (way.rank != NP_WAY_OWN || rank == NP_WAY_UNLISTED)
		way.rank = rank > way.rank ? rank : way.rank;
	way.hops += to_rnic.hops;
	return way;
}

int np_way_compare(const struct np_way *a, const struct np_way *b)
{
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return (a->hops > b->hops) - (a->hops < b->hops);
}

const char *np_way_name(enum np_way_rank rank)
{
	static const char *const names[] = {
		[NP_WAY_OWN] = "the drive's own memory",
		[NP_WAY_SWITCH] = "below one switch",
		[NP_WAY_LISTED] = "through a host bridge on the kernel's list",
		[NP_WAY_NO_PCI] = "not on PCI",
		[NP_WAY_UNLISTED] = "through a host bridge that is not on the kernel's list",
	};

	return names[rank];
}
