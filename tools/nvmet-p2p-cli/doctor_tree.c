// SPDX-License-Identifier: BSD-3-Clause
/*
 * doctor_tree.c - the PCI devices that matter, with all bridges above them.
 *
 * Thread: the only one.
 * Depends: doctor_judge.h, jansson.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "target/topology/host_bridge.h"
#include "tools/nvmet-p2p-cli/doctor.h"
#include "tools/nvmet-p2p-cli/table.h"

#define NOT_ON_PCI "not on PCI"

/* By address, whatever order the kernel found them in; what has none comes last. */
static bool is_before(const char *a, const char *b)
{
	if (!strcmp(a, NOT_ON_PCI) || !strcmp(b, NOT_ON_PCI))
		return strcmp(a, NOT_ON_PCI) != 0;
	return strcmp(a, b) < 0;
}

/* The member of @array called @name, made if there is none yet; borrowed. */
static json_t *child(json_t *array, const char *name, const char *what)
{
	json_t *node;
	size_t i;

	json_array_foreach(array, i, node) {
		if (!strcmp(np_json_text(node, "name"), name))
			return node;
		if (is_before(name, np_json_text(node, "name")))
			break;
	}
	node = json_pack("{s:s, s:s, s:[]}", "name", name, "what", what, "children");
	json_array_insert_new(array, i, node);
	return node;
}

static void describe_root(
	const struct np_doc_facts *facts, const struct np_pci_dev *dev, char *ret_what, size_t size)
{
	const struct np_pci_node *root = &dev->root;
	bool is_listed = np_host_bridge_is_listed(root->vendor, root->device, true);
	char ids[24] = "";

	if (root->address[0])
		snprintf(ids, sizeof(ids), " %04x:%04x", root->vendor, root->device);
	snprintf(ret_what, size, "host bridge%s, %s", ids,
		facts->host.cpu_is_listed ? "the kernel lets P2P through it (by the CPU)"
			: is_listed       ? "on the kernel's list for P2P"
					  : "not on the kernel's list for P2P");
}

static void describe_bridge(const struct np_pci_node *node, char *ret_what, size_t size)
{
	const char *acs = node->acs == NP_PCI_ACS_UNSEEN ? ", ACS not seen"
		: np_pci_redirects(node)                 ? ", ACS redirects"
							 : "";

	snprintf(ret_what, size, "%s%s", np_pci_port_name(node), acs);
}

/* The node of a device that is on PCI, below all that is above it; borrowed. */
static json_t *device_node(
	const struct np_doc_facts *facts, json_t *tree, const struct np_doc_place *place)
{
	const struct np_pci_dev *dev = &place->dev;
	char what[128];
	json_t *node;

	describe_root(facts, dev, what, sizeof(what));
	node = child(tree, dev->host_bridge, what);
	for (unsigned int i = dev->nbridges; i > 0; i--) {
		describe_bridge(&dev->bridges[i - 1], what, sizeof(what));
		node = child(json_object_get(node, "children"), dev->bridges[i - 1].address, what);
	}
	return child(json_object_get(node, "children"), place->pci, "");
}

/* One device may be several things: a drive with a CMB. */
static void add_what(json_t *node, const char *more)
{
	const char *what = np_json_text(node, "what");
	char text[512];

	snprintf(text, sizeof(text), "%.380s%s%.128s", what, what[0] ? ", " : "", more);
	json_object_set_new(node, "what", json_string(text));
}

static void add_rnic(const struct np_doc_facts *facts, const struct np_doc_rnic *rnic, json_t *tree)
{
	char text[128];
	json_t *node;

	snprintf(text, sizeof(text), "%.60s%s%s", rnic->name, rnic->netdev[0] ? " on " : "",
		rnic->netdev);
	if (rnic->place.is_known) {
		add_what(device_node(facts, tree, &rnic->place), text);
		return;
	}
	node = child(tree, NOT_ON_PCI, "the CPU moves the data");
	child(json_object_get(node, "children"), rnic->name,
		rnic->netdev[0] ? text + strlen(rnic->name) + 1 : "");
}

json_t *np_doc_tree(const struct np_doc_facts *facts)
{
	char text[128], bytes[NP_TABLE_VALUE_MAX];
	json_t *tree = json_array();

	for (unsigned int i = 0; i < facts->ndrives; i++) {
		if (facts->drives[i].place.is_known)
			add_what(device_node(facts, tree, &facts->drives[i].place),
				facts->drives[i].name);
	}
	for (unsigned int i = 0; i < facts->nproviders; i++) {
		const struct np_doc_provider *provider = &facts->providers[i];

		np_table_format_bytes(provider->size_bytes, bytes, sizeof(bytes));
		snprintf(text, sizeof(text), "%s of %s",
			provider->kind == NP_DOC_CMB ? "CMB" : "memory", bytes);
		if (provider->place.is_known)
			add_what(device_node(facts, tree, &provider->place), text);
	}
	for (unsigned int i = 0; i < facts->nrnics; i++)
		add_rnic(facts, &facts->rnics[i], tree);
	return tree;
}
