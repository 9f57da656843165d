/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * diff.h - do two models want the same thing? The order of list elements counts.
 *
 * Thread: any, pure.
 * Depends: config/model.h.
 */
#ifndef NP_CONFIG_DIFF_H
#define NP_CONFIG_DIFF_H

#include "config/model.h"

bool np_cfg_is_equal(const struct np_cfg *a, const struct np_cfg *b);
bool np_cfg_daemon_is_equal(const struct np_cfg_daemon *a, const struct np_cfg_daemon *b);

/* All but what can change under connected hosts: its ANA group, its limits, and who sees it. */
bool np_cfg_ns_is_like(const struct np_cfg_ns *a, const struct np_cfg_ns *b);

bool np_cfg_qos_is_equal(const struct np_cfg_qos *a, const struct np_cfg_qos *b);
bool np_cfg_host_secrets_are_equal(const struct np_cfg_host *a, const struct np_cfg_host *b);

/* The same hosts see it. */
bool np_cfg_ns_sees_alike(const struct np_cfg_ns *a, const struct np_cfg_ns *b);

/* All but its namespaces, and who may connect. */
bool np_cfg_subsys_is_like(const struct np_cfg_subsys *a, const struct np_cfg_subsys *b);

/* All but its subsystems, referrals and ANA groups. */
bool np_cfg_port_is_like(const struct np_cfg_port *a, const struct np_cfg_port *b);

#endif
