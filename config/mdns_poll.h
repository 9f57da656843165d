/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mdns_poll.h - avahi's watches and timeouts on a libev loop.
 *
 * Thread: that of the loop.
 * Depends: libev, avahi-common.
 */
#ifndef NP_CONFIG_MDNS_POLL_H
#define NP_CONFIG_MDNS_POLL_H

#include <avahi-common/watch.h>
#include <ev.h>

/* Fills @poll for @loop; it is avahi's until its client is freed. */
void np_mdns_poll_init(struct AvahiPoll *poll, struct ev_loop *loop);

#endif
