// SPDX-License-Identifier: BSD-3-Clause
/*
 * distance.c - how two PCI devices reach each other, by the kernel's rules.
 *
 * Thread: any; all functions are pure.
 * Depends: host_bridge.h.
 */
#include "target/topology/distance.h"

#include <stdio.h>
#include <string.h>

#include "target/topology/host_bridge.h"

const char *np_pci_relation_name(enum np_pci_relation relation)
{
	static const char *const names[] = {
		[NP_PCI_SAME_DEVICE] = "same device",
		[NP_PCI_SAME_SWITCH] = "same switch",
		[NP_PCI_SAME_SWITCH_ACS] = "same switch, ACS redirect",
		[NP_PCI_HOST_BRIDGE_LISTED] = "listed host bridge",
		[NP_PCI_HOST_BRIDGE_UNLISTED] = "unlisted host bridge",
		[NP_PCI_NO_PCI] = "no PCI",
	};

	return names[relation];
}

/* The @i-th function on the way up, 0 the device itself; NULL above the last bridge. */
static const struct np_pci_node *node_at(const struct np_pci_dev *dev, unsigned int i)
{
	if (i == 0)
		return &dev->self;
	return i <= dev->nbridges ? &dev->bridges[i - 1] : NULL;
}

/* Appends @address to a ';' list; one that has no room is left out. */
static void append(char *list, size_t size, const char *address)
{
	size_t used = strlen(list);

	if (used + strlen(address) + 2 <= size)
		snprintf(list + used, size - used, "%s%s", used ? ";" : "", address);
}

/* Notes what the functions @first .. @last of @dev's way do with packets between peers. */
static void note_acs(const struct np_pci_dev *dev, unsigned int first, unsigned int last,
	struct np_pci_distance *distance)
{
	const struct np_pci_node *node;

	for (unsigned int i = first; i < last && (node = node_at(dev, i)); i++) {
		if (np_pci_redirects(node))
			append(distance->redirecting, sizeof(distance->redirecting), node->address);
		if (node->acs == NP_PCI_ACS_UNSEEN)
			append(distance->unseen, sizeof(distance->unseen), node->address);
	}
}

/*
 * Finds the nearest function that is on both ways up: @ret_a and @ret_b are its places there.
 * Return: whether there is one; else the lengths of both ways.
 */
static bool find_common(const struct np_pci_dev *a, const struct np_pci_dev *b, unsigned int *ret_a,
	unsigned int *ret_b)
{
	unsigned int i, k = 0;

	for (i = 0; node_at(a, i); i++) {
		for (k = 0; node_at(b, k); k++) {
			if (!strcmp(node_at(a, i)->address, node_at(b, k)->address))
				goto found;
		}
	}
found:
	*ret_a = i;
	*ret_b = k;
	return node_at(a, i) != NULL;
}

/* Does the kernel let the two reach each other through their host bridges? */
static bool crosses(
	const struct np_pci_dev *provider, const struct np_pci_dev *client, bool cpu_is_listed)
{
	const struct np_pci_node *a = &provider->root, *b = &client->root;

	if (cpu_is_listed)
		return true;
	/* One that nothing stands for has vendor 0, which is not listed. */
	if (!strcmp(provider->host_bridge, client->host_bridge))
		return np_host_bridge_is_listed(a->vendor, a->device, true);
	return np_host_bridge_is_listed(a->vendor, a->device, false) &&
		np_host_bridge_is_listed(b->vendor, b->device, false);
}

/* Names the host bridge that is not listed, as the kernel's log does. */
static void explain_crossing(const struct np_pci_dev *provider, const struct np_pci_dev *client,
	const char *begin, struct np_pci_distance *distance)
{
	const struct np_pci_dev *dev = provider;

	/* Of two host bridges one may be good. */
	if (np_host_bridge_is_listed(provider->root.vendor, provider->root.device,
		    !strcmp(provider->host_bridge, client->host_bridge)))
		dev = client;
	if (distance->is_allowed)
		snprintf(distance->text, sizeof(distance->text),
			"%sthrough the host bridge, which the kernel allows", begin);
	else if (dev->root.address[0])
		snprintf(distance->text, sizeof(distance->text),
			"%sthrough host bridge %s (%04x:%04x), which is not on the kernel's list",
			begin, dev->root.address, dev->root.vendor, dev->root.device);
	else
		snprintf(distance->text, sizeof(distance->text),
			"%sthrough the host bridge of %s, which the kernel cannot identify", begin,
			dev->host_bridge);
}

static void judge_common(const struct np_pci_dev *provider, const struct np_pci_dev *client,
	bool can_cross, struct np_pci_distance *distance)
{
	char begin[192];

	if (distance->redirecting[0]) {
		distance->relation = NP_PCI_SAME_SWITCH_ACS;
		distance->is_allowed = can_cross;
		snprintf(begin, sizeof(begin), "below %s, but ACS of %s redirects ",
			distance->common, distance->redirecting);
		explain_crossing(provider, client, begin, distance);
		return;
	}
	distance->is_allowed = true;
	/* Seen or not, ACS forbids nothing where the host bridge is a way too. */
	distance->is_sure = can_cross || !distance->unseen[0];
	if (distance->hops == 0) {
		distance->relation = NP_PCI_SAME_DEVICE;
		snprintf(distance->text, sizeof(distance->text), "the same device");
	} else if (distance->unseen[0]) {
		distance->relation = NP_PCI_SAME_SWITCH;
		snprintf(distance->text, sizeof(distance->text),
			"both below %s, unless ACS redirects: that of %s could not be read",
			distance->common, distance->unseen);
	} else {
		distance->relation = NP_PCI_SAME_SWITCH;
		snprintf(distance->text, sizeof(distance->text), "directly, both below %s",
			distance->common);
	}
}

void np_pci_distance(const struct np_pci_dev *provider, const struct np_pci_dev *client,
	bool cpu_is_listed, struct np_pci_distance *ret_distance)
{
	struct np_pci_distance distance = {.is_sure = true};
	bool can_cross;
	unsigned int a, b;

	if (!client) {
		distance.relation = NP_PCI_NO_PCI;
		distance.is_allowed = true;
		snprintf(
			distance.text, sizeof(distance.text), "not on PCI: the CPU moves its data");
		*ret_distance = distance;
		return;
	}
	can_cross = crosses(provider, client, cpu_is_listed);
	if (find_common(provider, client, &a, &b)) {
		snprintf(distance.common, sizeof(distance.common), "%s",
			node_at(provider, a)->address);
		/* The bridge above both is on the provider's way. */
		note_acs(provider, 0, a + 1, &distance);
		note_acs(client, 0, b, &distance);
		distance.hops = a + b;
		judge_common(provider, client, can_cross, &distance);
	} else {
		distance.hops = a + b;
		distance.is_allowed = can_cross;
		distance.relation =
			can_cross ? NP_PCI_HOST_BRIDGE_LISTED : NP_PCI_HOST_BRIDGE_UNLISTED;
		explain_crossing(provider, client, "", &distance);
	}
	*ret_distance = distance;
}

int np_pci_distance_compare(const struct np_pci_distance *a, const struct np_pci_distance *b)
{
	if (a->is_allowed != b->is_allowed)
		return a->is_allowed ? -1 : 1;
	if (a->relation != b->relation)
		return a->relation < b->relation ? -1 : 1;
	if (a->hops != b->hops)
		return a->hops < b->hops ? -1 : 1;
	return 0;
}
