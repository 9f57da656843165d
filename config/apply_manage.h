/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * apply_manage.h - namespaces that hosts create, delete and attach (np_manager of subsys.h).
 *
 * Each change is a configuration of its own: the one that is there, with the change in it. What hosts have
 * created is kept first; then the daemon is made to do it, as by a reload.
 *
 * Thread: control.
 * Depends: apply_reload.h, apply_created.h.
 */
#ifndef NP_CONFIG_APPLY_MANAGE_H
#define NP_CONFIG_APPLY_MANAGE_H

#include "config/apply.h"

/*
 * Adds to @cfg, which was read from a file, what hosts have created. A subsystem of which that is not
 * known does without, and its hosts can change nothing: the log says so.
 */
void np_apply_load_created(struct np_daemon *daemon, struct np_cfg *cfg);

/* Likewise, for a daemon that runs. Return: 0, or -errno with a sentence in @why. */
int np_apply_reload_created(
	struct np_daemon *daemon, struct np_cfg *cfg, char *why, size_t why_size);

/* Lets hosts of @subsys create namespaces if @cfg does, of what is left. */
void np_apply_offer_capacity(
	struct np_daemon *daemon, struct np_subsys *subsys, const struct np_cfg_subsys *cfg);

void np_apply_manage_init(struct np_daemon *daemon);

#endif
