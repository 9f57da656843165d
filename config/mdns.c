// SPDX-License-Identifier: BSD-3-Clause
/*
 * mdns.c - tells the network by multicast DNS where discovery controllers are, through avahi.
 *
 * Thread: control.
 * Depends: mdns_poll.h, avahi-client.
 */
#include "config/mdns.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <avahi-client/client.h>
#include <avahi-client/publish.h>
#include <avahi-common/address.h>
#include <avahi-common/error.h>

#include "config/mdns_poll.h"
#include "target/base/log.h"

struct np_mdns {
	struct AvahiPoll poll;
	AvahiClient *client;    /* NULL: it could not be made */
	AvahiEntryGroup *group; /* what is announced; NULL: nothing yet */
	struct np_mdns_service *services;
	unsigned int count;
	unsigned int nrenamed; /* somebody else on the network had the name */
	bool is_running;       /* avahi's daemon */
};

/* ---- one service -------------------------------------------------------------------------- */

/* The interface that has the address. Return: AVAHI_IF_UNSPEC if none does. */
static AvahiIfIndex np_mdns_interface(const AvahiAddress *address)
{
	AvahiIfIndex found = AVAHI_IF_UNSPEC;
	struct ifaddrs *all, *one;

	if (getifaddrs(&all))
		return found;
	for (one = all; one && found == AVAHI_IF_UNSPEC; one = one->ifa_next) {
		const void *addr;
		size_t bytes;

		if (!one->ifa_addr || one->ifa_addr->sa_family != avahi_proto_to_af(address->proto))
			continue;
		if (address->proto == AVAHI_PROTO_INET6) {
			addr = &((const struct sockaddr_in6 *)(const void *)one->ifa_addr)
					->sin6_addr;
			bytes = sizeof(struct in6_addr);
		} else {
			addr = &((const struct sockaddr_in *)(const void *)one->ifa_addr)->sin_addr;
			bytes = sizeof(struct in_addr);
		}
		if (!memcmp(addr, &address->data, bytes))
			found = (AvahiIfIndex)if_nametoindex(one->ifa_name);
	}
	freeifaddrs(all);
	return found;
}

static bool np_mdns_is_any(const AvahiAddress *address)
{
	static const AvahiAddress zero;
	const size_t bytes = address->proto == AVAHI_PROTO_INET6 ? sizeof(address->data.ipv6)
								 : sizeof(address->data.ipv4);

	return !memcmp(&address->data, &zero.data, bytes);
}

/*
 * A service has a host name of its own, with the one address that is listened on: the machine's name
 * stands for all that its interfaces have.
 */
static int np_mdns_add(struct np_mdns *mdns, const struct np_mdns_service *service)
{
	const char *type = service->is_iwarp ? "_nvme-disc._tcp" : "_nvme-disc._udp";
	const char *machine = avahi_client_get_host_name(mdns->client);
	char name[128], host[128], nqn[256];
	AvahiIfIndex interface;
	AvahiAddress address;
	int ret = 0;

	if (!avahi_address_parse(service->address, AVAHI_PROTO_UNSPEC, &address))
		return AVAHI_ERR_INVALID_ADDRESS;
	interface = np_mdns_interface(&address);
	snprintf(name, sizeof(name), "nvmet-p2p %.60s %u", machine, service->portid);
	if (mdns->nrenamed)
		snprintf(name + strlen(name), sizeof(name) - strlen(name), " #%u",
			mdns->nrenamed + 1);
	snprintf(host, sizeof(host), "%.60s-nvme%u-%u.%.30s", machine, service->portid,
		mdns->nrenamed, avahi_client_get_domain_name(mdns->client));
	snprintf(nqn, sizeof(nqn), "nqn=%s", service->nqn);
	if (!np_mdns_is_any(&address))
		ret = avahi_entry_group_add_address(mdns->group, interface, address.proto,
			AVAHI_PUBLISH_NO_REVERSE, host, &address);
	if (ret)
		return ret;
	return avahi_entry_group_add_service(mdns->group, interface, address.proto, 0, name, type,
		NULL, np_mdns_is_any(&address) ? NULL : host, service->port,
		service->is_iwarp ? "p=iwarp" : "p=roce", nqn, NULL);
}

/* ---- all of them -------------------------------------------------------------------------- */

static void np_mdns_group_changed(AvahiEntryGroup *group, AvahiEntryGroupState state, void *ctx);

static void np_mdns_publish(struct np_mdns *mdns)
{
	int ret = 0;

	if (!mdns->is_running)
		return;
	if (!mdns->group)
		mdns->group = avahi_entry_group_new(mdns->client, np_mdns_group_changed, mdns);
	if (!mdns->group) {
		ret = avahi_client_errno(mdns->client);
	} else {
		avahi_entry_group_reset(mdns->group);
		for (unsigned int i = 0; i < mdns->count && !ret; i++)
			ret = np_mdns_add(mdns, &mdns->services[i]);
		if (!ret && mdns->count)
			ret = avahi_entry_group_commit(mdns->group);
	}
	if (ret)
		np_log_warn("mDNS: nothing is announced: %s", avahi_strerror(ret));
}

static void np_mdns_group_changed(AvahiEntryGroup *group, AvahiEntryGroupState state, void *ctx)
{
	struct np_mdns *mdns = ctx;

	mdns->group = group;
	if (state == AVAHI_ENTRY_GROUP_ESTABLISHED) {
		np_log_info("mDNS: %u ports are announced", mdns->count);
	} else if (state == AVAHI_ENTRY_GROUP_COLLISION) {
		mdns->nrenamed++;
		np_mdns_publish(mdns);
	} else if (state == AVAHI_ENTRY_GROUP_FAILURE) {
		np_log_warn("mDNS: nothing is announced: %s",
			avahi_strerror(avahi_client_errno(mdns->client)));
	}
}

/* ---- avahi's daemon, which comes and goes -------------------------------------------------- */

static void np_mdns_connect(struct np_mdns *mdns);

static void np_mdns_client_changed(AvahiClient *client, AvahiClientState state, void *ctx)
{
	struct np_mdns *mdns = ctx;

	mdns->client = client;
	mdns->is_running = state == AVAHI_CLIENT_S_RUNNING;
	if (mdns->is_running) {
		np_mdns_publish(mdns);
	} else if (state == AVAHI_CLIENT_FAILURE &&
		avahi_client_errno(client) == AVAHI_ERR_DISCONNECTED) {
		/* It has taken the group with it. */
		avahi_client_free(client);
		mdns->group = NULL;
		np_mdns_connect(mdns);
	} else if (mdns->group) {
		avahi_entry_group_reset(mdns->group);
	}
}

static void np_mdns_connect(struct np_mdns *mdns)
{
	int error = 0;

	mdns->client = avahi_client_new(
		&mdns->poll, AVAHI_CLIENT_NO_FAIL, np_mdns_client_changed, mdns, &error);
	if (!mdns->client)
		np_log_warn("mDNS: nothing is announced: %s", avahi_strerror(error));
}

int np_mdns_open(struct ev_loop *loop, struct np_mdns **ret_mdns)
{
	struct np_mdns *mdns = calloc(1, sizeof(*mdns));

	if (!mdns)
		return -ENOMEM;
	np_mdns_poll_init(&mdns->poll, loop);
	np_mdns_connect(mdns);
	*ret_mdns = mdns;
	return 0;
}

void np_mdns_set(struct np_mdns *mdns, const struct np_mdns_service *services, unsigned int count)
{
	free(mdns->services);
	mdns->count = 0;
	mdns->services = calloc(count + 1, sizeof(*services));
	if (mdns->services) {
		memcpy(mdns->services, services, count * sizeof(*services));
		mdns->count = count;
	}
	np_mdns_publish(mdns);
}

void np_mdns_close(struct np_mdns *mdns)
{
	if (!mdns)
		return;
	if (mdns->client)
		avahi_client_free(mdns->client);
	free(mdns->services);
	free(mdns);
}
