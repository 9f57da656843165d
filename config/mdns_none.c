// SPDX-License-Identifier: BSD-3-Clause
/*
 * mdns_none.c - mdns.h where avahi is not there.
 *
 * Thread: control.
 * Depends: nothing.
 */
#include <errno.h>

#include "config/mdns.h"

int np_mdns_open(struct ev_loop *loop, struct np_mdns **ret_mdns)
{
	(void)loop;
	(void)ret_mdns;
	return -ENOTSUP;
}

void np_mdns_set(struct np_mdns *mdns, const struct np_mdns_service *services, unsigned int count)
{
	(void)mdns;
	(void)services;
	(void)count;
}

void np_mdns_close(struct np_mdns *mdns)
{
	(void)mdns;
}
