/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * numa.h - which NUMA node an RNIC is at.
 *
 * Thread: any that may block.
 * Depends: sysfs.
 */
#ifndef NP_TOPOLOGY_NUMA_H
#define NP_TOPOLOGY_NUMA_H

/**
 * np_numa_of_rnic() - the NUMA node of an RDMA device
 * @sysfs: NP_SYSFS
 * @name: as in class/infiniband
 *
 * A software RNIC is where the network device is that it sends by.
 * Context: may block.
 * Return: the node; -1 if it has none, or none that sysfs tells.
 */
int np_numa_of_rnic(const char *sysfs, const char *name);

/**
 * np_numa_list_rnics() - the NUMA nodes that have an RNIC
 * @ret_nodes: up to @max of them, the lowest first, each once
 *
 * Context: may block.
 * Return: how many.
 */
unsigned int np_numa_list_rnics(const char *sysfs, int *ret_nodes, unsigned int max);

#endif
