// SPDX-License-Identifier: BSD-3-Clause
/*
 * numa.c - which NUMA node an RNIC is at.
 *
 * Thread: any that may block.
 * Depends: pci.h, sysfs.
 */
#include "target/topology/numa.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "target/topology/pci.h"

#define RNIC_DIR "class/infiniband"
#define NAME_BYTES 64

/* The node of the PCI device that @path in sysfs belongs to, or -1. */
static int node_of(const char *sysfs, const char *path)
{
	char address[NP_PCI_ADDRESS_BYTES];
	struct np_pci_dev dev;

	if (np_pci_find(sysfs, path, address) || np_pci_probe(sysfs, address, &dev))
		return -1;
	return dev.numa_node;
}

/*
 * The network device that a software RNIC sends by. Source: Linux 7.2,
 * drivers/infiniband/sw/rxe/rxe_verbs.c, parent_show().
 */
static int read_parent(const char *sysfs, const char *rnic, char netdev[NAME_BYTES])
{
	char path[PATH_MAX];
	FILE *f;
	int ret;

	snprintf(path, sizeof(path), "%.*s/" RNIC_DIR "/%.63s/parent", PATH_MAX - 128, sysfs, rnic);
	f = fopen(path, "re");
	if (!f)
		return -1;
	ret = fgets(netdev, NAME_BYTES, f) ? 0 : -1;
	fclose(f);
	if (!ret)
		netdev[strcspn(netdev, "\n")] = '\0';
	return ret;
}

int np_numa_of_rnic(const char *sysfs, const char *name)
{
	char path[NAME_BYTES + 32], netdev[NAME_BYTES];
	int node;

	snprintf(path, sizeof(path), RNIC_DIR "/%.63s", name);
	node = node_of(sysfs, path);
	if (node >= 0 || read_parent(sysfs, name, netdev))
		return node;
	snprintf(path, sizeof(path), "class/net/%s", netdev);
	return node_of(sysfs, path);
}

/* Puts @node where it belongs unless it is there. Return: how many there are then. */
static unsigned int insert(int *nodes, unsigned int count, unsigned int max, int node)
{
	unsigned int at = 0;

	while (at < count && nodes[at] < node)
		at++;
	if ((at < count && nodes[at] == node) || count == max)
		return count;
	memmove(&nodes[at + 1], &nodes[at], (count - at) * sizeof(*nodes));
	nodes[at] = node;
	return count + 1;
}

unsigned int np_numa_list_rnics(const char *sysfs, int *ret_nodes, unsigned int max)
{
	unsigned int count = 0;
	struct dirent *entry;
	char path[PATH_MAX];
	DIR *dir;

	snprintf(path, sizeof(path), "%.*s/" RNIC_DIR, PATH_MAX - 64, sysfs);
	dir = opendir(path);
	if (!dir)
		return 0;
	while ((entry = readdir(dir)) != NULL) {
		int node;

		if (entry->d_name[0] == '.')
			continue;
		node = np_numa_of_rnic(sysfs, entry->d_name);
		if (node >= 0)
			count = insert(ret_nodes, count, max, node);
	}
	closedir(dir);
	return count;
}
