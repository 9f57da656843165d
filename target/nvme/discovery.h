/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * discovery.h - the Discovery log (page 70h).
 *
 * Thread: any; pure.
 * Depends: subsys.h.
 */
#ifndef NP_NVME_DISCOVERY_H
#define NP_NVME_DISCOVERY_H

#include "target/nvme/subsys.h"

struct np_window;

/**
 * np_discovery_write() - the log of what one host may connect to
 * @via: the port that the host came through
 * @hostnqn: subsystems that do not allow this host are left out
 * @local_addr: the address that the host reached us at; stands in for the wildcard address of a
 *              port, as far as its family is that of the port
 * @is_local: nothing of other ports and other targets (Port Local Entries Only)
 * @window: the part that is wanted
 *
 * Spec: NVM Express Base 2.0, 5.16.1.23 (Figure 263).
 * Return: bytes of the whole log.
 */
uint64_t np_discovery_write(const struct np_target *target, const struct np_port *via,
	const char *hostnqn, const char *local_addr, bool is_local, const struct np_window *window);

#endif
