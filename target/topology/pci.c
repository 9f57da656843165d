// SPDX-License-Identifier: BSD-3-Clause
/*
 * pci.c - a PCI device as sysfs describes it, with its way up to the host bridge.
 *
 * The real path of a device is its way up:
 * .../devices/pci0000:00/0000:00:01.0/0000:01:00.0 is below one root port of root bus 0000:00.
 * A virtual function has the parent of its physical one (Linux 7.2 drivers/pci/iov.c).
 *
 * Thread: any that may block.
 * Depends: sysfs.
 */
#include "target/topology/pci.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Configuration space. Spec: PCI Express Base 5.0, 7.5.1, 7.5.3, 7.6.3, 7.7.8. */
enum {
	NP_CFG_STATUS = 0x06,
	NP_CFG_STATUS_CAP_LIST = 0x10,
	NP_CFG_CAP_POINTER = 0x34,
	NP_CFG_HEADER_BYTES = 64,
	NP_CFG_BYTES = 256,
	NP_CAP_ID_EXPRESS = 0x10,
	NP_EXPRESS_FLAGS = 0x02,
	NP_EXT_CAP_ID_ACS = 0x000d,
	NP_ACS_CONTROL = 0x06,
	NP_ACS_REQUEST_REDIRECT = 0x04,
	NP_ACS_COMPLETION_REDIRECT = 0x08,
	NP_ACS_EGRESS_CONTROL = 0x20,
	NP_CLASS_PCI_BRIDGE = 0x0604,
};

/* ---- configuration space ------------------------------------------------------------------ */

static uint16_t load16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

enum np_pci_port np_pci_parse_port(const uint8_t *config, size_t len)
{
	static const enum np_pci_port ports[16] = {
		[0x0] = NP_PCI_PORT_ENDPOINT,
		[0x1] = NP_PCI_PORT_ENDPOINT, /* legacy */
		[0x4] = NP_PCI_PORT_ROOT,
		[0x5] = NP_PCI_PORT_UPSTREAM,
		[0x6] = NP_PCI_PORT_DOWNSTREAM,
		[0x9] = NP_PCI_PORT_INTEGRATED,
	};
	unsigned int at, left = NP_CFG_BYTES / 4;

	if (len < NP_CFG_HEADER_BYTES)
		return NP_PCI_PORT_UNSEEN;
	if (!(load16(config + NP_CFG_STATUS) & NP_CFG_STATUS_CAP_LIST))
		return NP_PCI_PORT_NONE;
	/* A device may chain its capabilities in a ring. */
	for (at = config[NP_CFG_CAP_POINTER] & 0xfcu; at && left; at = config[at + 1] & 0xfcu) {
		if (at + 4 > len)
			return NP_PCI_PORT_UNSEEN;
		if (config[at] == NP_CAP_ID_EXPRESS) {
			enum np_pci_port port = ports[config[at + NP_EXPRESS_FLAGS] >> 4];

			return port == NP_PCI_PORT_UNSEEN ? NP_PCI_PORT_OTHER : port;
		}
		left--;
	}
	return NP_PCI_PORT_NONE;
}

enum np_pci_acs np_pci_parse_acs(const uint8_t *config, size_t len, uint16_t *ret_control)
{
	unsigned int at = NP_CFG_BYTES, left = (NP_PCI_CONFIG_BYTES - NP_CFG_BYTES) / 8;

	if (len < NP_CFG_BYTES)
		return NP_PCI_ACS_UNSEEN;
	for (; at >= NP_CFG_BYTES && at + 8 <= len && left; left--) {
		if (load16(config + at) == NP_EXT_CAP_ID_ACS) {
			*ret_control = load16(config + at + NP_ACS_CONTROL);
			return NP_PCI_ACS_SEEN;
		}
		at = (unsigned int)load16(config + at + 2) >> 4 & 0xffcu;
	}
	return NP_PCI_ACS_NONE;
}

bool np_pci_redirects(const struct np_pci_node *node)
{
	return node->acs == NP_PCI_ACS_SEEN &&
		node->acs_control &
		(NP_ACS_REQUEST_REDIRECT | NP_ACS_COMPLETION_REDIRECT | NP_ACS_EGRESS_CONTROL);
}

const char *np_pci_port_name(const struct np_pci_node *node)
{
	switch (node->port) {
	case NP_PCI_PORT_ROOT:
		return "root port";
	case NP_PCI_PORT_UPSTREAM:
		return "switch upstream port";
	case NP_PCI_PORT_DOWNSTREAM:
		return "switch downstream port";
	default:
		return node->class_code >> 8 == NP_CLASS_PCI_BRIDGE ? "bridge" : "device";
	}
}

/* ---- sysfs -------------------------------------------------------------------------------- */

/* Reads at most @size bytes of @dir/@file. Return: how many, or -errno. */
static ssize_t read_file(const char *dir, const char *file, void *ret_bytes, size_t size)
{
	char path[PATH_MAX];
	ssize_t n;
	int fd, err;

	if (snprintf(path, sizeof(path), "%s/%s", dir, file) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, ret_bytes, size);
	err = errno;
	close(fd);
	return n < 0 ? -err : n;
}

/* Reads the first line. Return: 0 or -errno. */
static int read_text(const char *dir, const char *file, char *ret_text, size_t size)
{
	ssize_t n = read_file(dir, file, ret_text, size - 1);

	if (n < 0)
		return (int)n;
	ret_text[n] = '\0';
	ret_text[strcspn(ret_text, "\n")] = '\0';
	return 0;
}

/* Return: @fallback if there is no such number. */
static long read_number(const char *dir, const char *file, long fallback)
{
	char text[32];

	return read_text(dir, file, text, sizeof(text)) ? fallback : strtol(text, NULL, 0);
}

bool np_pci_is_address(const char *text)
{
	unsigned int domain, bus, dev, fn;
	int end = 0;

	/* Some host bridges are in domains of five or more digits. */
	return strlen(text) < NP_PCI_ADDRESS_BYTES &&
		sscanf(text, "%8x:%2x:%2x.%1x%n", &domain, &bus, &dev, &fn, &end) == 4 &&
		!text[end];
}

static bool is_root_bus(const char *text)
{
	unsigned int domain, bus;
	int end = 0;

	return strlen(text) < NP_PCI_ADDRESS_BYTES &&
		sscanf(text, "pci%8x:%2x%n", &domain, &bus, &end) == 2 && !text[end];
}

/* @dir is the device's folder, its last part the address. */
static void read_node(const char *dir, struct np_pci_node *node)
{
	uint8_t config[NP_PCI_CONFIG_BYTES];
	ssize_t n = read_file(dir, "config", config, sizeof(config));

	*node = (struct np_pci_node){
		.class_code = (uint32_t)read_number(dir, "class", 0),
		.vendor = (uint16_t)read_number(dir, "vendor", 0),
		.device = (uint16_t)read_number(dir, "device", 0),
	};
	snprintf(node->address, sizeof(node->address), "%.15s", strrchr(dir, '/') + 1);
	if (n < 0)
		n = 0;
	node->port = np_pci_parse_port(config, (size_t)n);
	node->acs = np_pci_parse_acs(config, (size_t)n, &node->acs_control);
}

/*
 * The kernel takes the first device of the root bus if that is function 00.0 or a root port: Linux
 * 7.2 drivers/pci/p2pdma.c, pci_host_bridge_dev(). It stands in the order of discovery, which is
 * that of addresses but for what was plugged in later. @root_dir: .../pci0000:00
 */
static void read_root(const char *root_dir, struct np_pci_node *root)
{
	const char *bus = strrchr(root_dir, '/') + 4; /* after "/pci" */
	char first[NP_PCI_ADDRESS_BYTES] = "", path[PATH_MAX + NP_PCI_ADDRESS_BYTES];
	struct dirent *entry;
	DIR *dir = opendir(root_dir);

	*root = (struct np_pci_node){.vendor = 0};
	if (!dir)
		return;
	while ((entry = readdir(dir)) != NULL) {
		if (!np_pci_is_address(entry->d_name) || strncmp(entry->d_name, bus, strlen(bus)))
			continue;
		if (!first[0] || strcmp(entry->d_name, first) < 0)
			snprintf(first, sizeof(first), "%.15s", entry->d_name);
	}
	closedir(dir);
	if (!first[0])
		return;
	snprintf(path, sizeof(path), "%s/%s", root_dir, first);
	read_node(path, root);
	/* Who may not see the kind of port sees the class: on a root bus the two agree. */
	if (strcmp(first + strlen(bus), ":00.0") && root->port != NP_PCI_PORT_ROOT &&
		(root->port != NP_PCI_PORT_UNSEEN || root->class_code >> 8 != NP_CLASS_PCI_BRIDGE))
		*root = (struct np_pci_node){.vendor = 0};
}

/* Cuts the last part off @dir. Return: false at the top. */
static bool go_up(char *dir)
{
	char *slash = strrchr(dir, '/');

	if (!slash || slash == dir)
		return false;
	*slash = '\0';
	return true;
}

/* @dir is the real path of the device; it is cut off on the way up. */
static int read_bridges(char *dir, struct np_pci_dev *dev)
{
	while (go_up(dir) && strchr(dir, '/')) {
		const char *name = strrchr(dir, '/') + 1;

		if (is_root_bus(name)) {
			snprintf(dev->host_bridge, sizeof(dev->host_bridge), "%.15s", name);
			read_root(dir, &dev->root);
			return 0;
		}
		if (!np_pci_is_address(name))
			continue;
		if (dev->nbridges == NP_PCI_MAX_BRIDGES)
			return -E2BIG;
		read_node(dir, &dev->bridges[dev->nbridges++]);
	}
	return -ENODEV;
}

static void read_iommu(const char *dir, struct np_pci_dev *dev)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *name;
	ssize_t n;

	dev->iommu_group = -1;
	snprintf(path, sizeof(path), "%.*s/iommu_group", PATH_MAX - 16, dir);
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return;
	target[n] = '\0';
	name = strrchr(target, '/');
	dev->iommu_group = atoi(name ? name + 1 : target);
	if (read_text(path, "type", dev->iommu_type, sizeof(dev->iommu_type)))
		dev->iommu_type[0] = '\0';
}

int np_pci_probe(const char *sysfs, const char *address, struct np_pci_dev *ret_dev)
{
	struct np_pci_dev dev = {.nbridges = 0};
	char path[PATH_MAX], dir[PATH_MAX];
	int ret;

	if (!np_pci_is_address(address))
		return -EINVAL;
	snprintf(path, sizeof(path), "%.*s/bus/pci/devices/%s", PATH_MAX - 64, sysfs, address);
	if (!realpath(path, dir))
		return errno == ENOENT ? -ENODEV : -errno;
	read_node(dir, &dev.self);
	dev.numa_node = (int)read_number(dir, "numa_node", -1);
	read_iommu(dir, &dev);
	ret = read_bridges(dir, &dev);
	if (ret)
		return ret;
	*ret_dev = dev;
	return 0;
}

int np_pci_find(const char *sysfs, const char *path, char *ret_address)
{
	char whole[PATH_MAX], dir[PATH_MAX];

	if (snprintf(whole, sizeof(whole), "%s/%s", sysfs, path) >= (int)sizeof(whole))
		return -ENAMETOOLONG;
	if (!realpath(whole, dir))
		return -errno;
	do {
		const char *name = strrchr(dir, '/') + 1;

		if (np_pci_is_address(name)) {
			snprintf(ret_address, NP_PCI_ADDRESS_BYTES, "%.15s", name);
			return 0;
		}
	} while (go_up(dir));
	return -ENODEV;
}
