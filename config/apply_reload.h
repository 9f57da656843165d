/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * apply_reload.h - another configuration for a daemon that runs.
 *
 * Thread: control.
 * Depends: apply.h, jansson.
 */
#ifndef NP_CONFIG_APPLY_RELOAD_H
#define NP_CONFIG_APPLY_RELOAD_H

#include <jansson.h>

#include "config/apply.h"

/**
 * np_apply_reload() - have a running daemon do what @cfg wants
 * @cfg: checked; is the daemon's from now on, unless there is an error
 * @ret_changes: array of sentences, what has changed
 *
 * A daemon's own settings (daemon.*) and what identifies a subsystem cannot change. A namespace that is
 * new or different must come up.
 * Return: 0, or -errno with a sentence in @why, and nothing has changed.
 */
int np_apply_reload(struct np_daemon *daemon, struct np_cfg *cfg, json_t **ret_changes, char *why,
	size_t why_size);

/*
 * np_apply_reload() of the file that the daemon was started with. What is doubtful in it is logged.
 * Return: as above.
 */
int np_apply_reload_file(
	struct np_daemon *daemon, json_t **ret_changes, char *why, size_t why_size);

/* Between apply_reload.c and apply_commit.c -------------------------------------------------- */

/* A namespace of the new configuration. */
struct np_reload_ns {
	const struct np_cfg_subsys *cfg_subsys;
	const struct np_cfg_ns *cfg;
	struct np_applied_ns *old; /* what is there of it, or NULL */
	struct np_applied_ns *now; /* it again, or what takes its place */
};

/* A subsystem or port of the new configuration. */
struct np_reload_subsys {
	const struct np_cfg_subsys *cfg;
	struct np_subsys *subsys;
	struct np_subsys *shape; /* one that is there: what it is to become, else NULL */
	struct np_view *view;    /* what it will show */
};

struct np_reload_port {
	const struct np_cfg_port *cfg;
	struct np_port *port;
	struct np_port *shape; /* likewise */
};

struct np_reload {
	struct np_daemon *daemon;
	const struct np_cfg *cfg, *old_cfg;
	struct np_reload_ns *namespaces;
	struct np_reload_subsys *subsystems;
	struct np_reload_port *ports;
	unsigned int n_namespaces, n_subsystems, n_ports;
	/* What was there, while the daemon shows the new lists. */
	struct np_applied_ns **old_namespaces;
	unsigned int n_old_namespaces;
	struct np_target old_target;
	struct np_view **nothing; /* by subsystem that was there: what it shows if it is removed */
	json_t *changes;          /* sentences */
	char *why;
	size_t why_size;
};

/* Puts what was prepared in the place of what is there. Cannot fail. */
void np_reload_commit(struct np_reload *reload);

#endif
