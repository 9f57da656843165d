/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mdns.h - tells the network by multicast DNS where discovery controllers are, through avahi.
 *
 * avahi forgets what a process has told it when the process ends, however it ends.
 *
 * Spec: NVM Express Base 2.1, 8.3.1 (TP8009).
 *
 * Thread: control.
 * Depends: libev; avahi-client in mdns.c and mdns_poll.c, which are built where it is there.
 */
#ifndef NP_CONFIG_MDNS_H
#define NP_CONFIG_MDNS_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

struct np_mdns;

/* A discovery controller. */
struct np_mdns_service {
	uint16_t portid;
	char address[64]; /* IPv4 or IPv6, numeric; 0.0.0.0 or ::, all of this machine */
	uint16_t port;
	bool is_iwarp; /* else RoCE */
	char nqn[224];
};

/**
 * np_mdns_open() - get ready; it need not run yet, and may be restarted
 *
 * Return: 0; -ENOTSUP if this was built without avahi; -ENOMEM.
 */
int np_mdns_open(struct ev_loop *loop, struct np_mdns **ret_mdns);

/* Announces @services, which are copied, in the place of those before. Without memory: none. */
void np_mdns_set(struct np_mdns *mdns, const struct np_mdns_service *services, unsigned int count);

/* NULL is fine. */
void np_mdns_close(struct np_mdns *mdns);

#endif
