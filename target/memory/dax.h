/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dax.h - what sysfs says of a dax device, and how much of it to map.
 *
 * Thread: any that may block.
 * Depends: sysfs.
 */
#ifndef NP_MEMORY_DAX_H
#define NP_MEMORY_DAX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct np_dax {
	uint64_t bytes;
	uint64_t align_bytes; /* mappings begin and end on multiples of it */
	int numa_node;        /* -1: unknown */
	bool is_dram;         /* made of DRAM by the kernel's memmap=nn!ss */
};

/**
 * np_dax_probe() - read what sysfs says of a character device
 * @sysfs: NP_SYSFS
 * @major, @minor: its number
 *
 * Context: may block.
 * Source: Linux 7.2, drivers/dax/bus.c, size_show(), align_show(); drivers/nvdimm/e820.c.
 * Return: 0; -ENODEV if it is no dax device; -errno of reading sysfs.
 */
int np_dax_probe(const char *sysfs, unsigned int major, unsigned int minor, struct np_dax *ret_dax);

/**
 * np_dax_map_bytes() - how much of the device to map
 * @wanted_bytes: 0 for as much as is sensible
 *
 * Context: any, pure.
 * Return: a multiple of the alignment, at least what is wanted or all that there is; 0 if the
 * device has not one unit of it.
 */
size_t np_dax_map_bytes(const struct np_dax *dax, size_t wanted_bytes);

#endif
