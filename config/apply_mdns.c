// SPDX-License-Identifier: BSD-3-Clause
/*
 * apply_mdns.c - which ports are announced by multicast DNS: those that listen.
 *
 * Thread: control.
 * Depends: apply.h, mdns.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/apply.h"
#include "config/mdns.h"

int np_apply_mdns_open(struct np_daemon *daemon, char *why, size_t why_size)
{
	int ret;

	if (!daemon->cfg->daemon.mdns)
		return 0;
	ret = np_mdns_open(daemon->runtime.loop, &daemon->mdns);
	if (ret)
		snprintf(why, why_size, "daemon.mdns: %s",
			ret == -ENOTSUP ? "this nvmet-p2pd was built without avahi"
					: strerror(-ret));
	return ret;
}

void np_apply_announce(struct np_daemon *daemon)
{
	const struct np_target *target = &daemon->target;
	struct np_mdns_service *services;
	unsigned int count = 0;

	if (!daemon->mdns)
		return;
	services = calloc(target->nports + 1, sizeof(*services));
	for (unsigned int i = 0; services && i < target->nports; i++) {
		const struct np_port *port = target->ports[i];
		struct np_mdns_service *service = &services[count];

		if (port->state != NP_PORT_LISTENING)
			continue;
		service->portid = port->portid;
		service->port = (uint16_t)strtoul(port->trsvcid, NULL, 10);
		service->is_iwarp = port->is_iwarp;
		snprintf(service->address, sizeof(service->address), "%s", port->traddr);
		snprintf(service->nqn, sizeof(service->nqn), "%s", target->discovery->nqn);
		count++;
	}
	np_mdns_set(daemon->mdns, services, count);
	free(services);
}
