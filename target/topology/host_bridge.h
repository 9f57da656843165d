/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * host_bridge.h - across which host bridges the kernel lets PCI devices reach each other.
 *
 * The facts are of Linux 7.2, drivers/pci/p2pdma.c (pci_p2pdma_whitelist and
 * cpu_supports_p2pdma()). Another kernel may know more or fewer: 7.3 knows NVIDIA's CPUs, too.
 *
 * Thread: any.
 * Depends: procfs.
 */
#ifndef NP_TOPOLOGY_HOST_BRIDGE_H
#define NP_TOPOLOGY_HOST_BRIDGE_H

#include <stdbool.h>
#include <stdint.h>

/* Whose list this is. */
#define NP_HOST_BRIDGE_KERNEL "7.2"
#define NP_HOST_BRIDGE_KERNEL_MAJOR 7
#define NP_HOST_BRIDGE_KERNEL_MINOR 2
#define NP_PROCFS "/proc"

/**
 * np_host_bridge_is_listed() - is the host bridge on the kernel's list?
 * @vendor, @device: of np_pci_dev.root
 * @is_same: both devices are below this host bridge
 *
 * Context: any, pure.
 */
bool np_host_bridge_is_listed(uint16_t vendor, uint16_t device, bool is_same);

/**
 * np_host_bridge_cpu_is_listed() - does the CPU alone make every host bridge good?
 * @cpuinfo: the text of /proc/cpuinfo, or its beginning
 *
 * So it is for AMD CPUs from family 17h (Zen) on.
 * Context: any, pure.
 */
bool np_host_bridge_cpu_is_listed(const char *cpuinfo);

/**
 * np_host_bridge_read_cpu() - the same for this machine
 * @procfs: NP_PROCFS
 *
 * Context: may block.
 * Return: 0 or -errno of reading cpuinfo.
 */
int np_host_bridge_read_cpu(const char *procfs, bool *ret_is_listed);

#endif
