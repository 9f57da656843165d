// SPDX-License-Identifier: BSD-3-Clause
/*
 * apply_state.c - what hosts asked to be kept of a namespace beyond the life of the process: its
 *                 reservation (apply_resv.c) and its write protection.
 *
 * A namespace of which it cannot be read stays down: it might be held, or protected.
 *
 * Thread: control.
 * Depends: apply.h, state.h, jansson.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "config/apply.h"
#include "target/base/event.h"
#include "target/base/log.h"

void np_apply_state_path(
	const struct np_applied_ns *applied, const char *kind, char *ret_path, size_t size)
{
	uint8_t owner[16];

	/* By NQN and NSID, whatever characters are in them. */
	np_ns_make_uuid(applied->cfg_subsys->nqn, applied->cfg->nsid, owner);
	np_state_path(&applied->daemon->state, kind, owner, ret_path, size);
}

void np_apply_forget(const struct np_applied_ns *applied)
{
	static const char *const kinds[] = {"reservation", "protection"};
	const struct np_state *state = &applied->daemon->state;
	char path[PATH_MAX];

	for (unsigned int i = 0; state->can_keep && i < 2; i++) {
		int ret;

		np_apply_state_path(applied, kinds[i], path, sizeof(path));
		ret = np_state_remove(state, path);
		if (ret)
			np_log_warn("%s: %s", path, strerror(-ret));
	}
}

int np_apply_protect(struct np_ns *ns, bool is_protected)
{
	struct np_applied_ns *applied = ns->owner;
	const struct np_state *state = &applied->daemon->state;
	char path[PATH_MAX];
	int ret;

	np_apply_state_path(applied, "protection", path, sizeof(path));
	ret = is_protected
		? np_state_put(state, path,
			  json_pack("{s:s, s:I, s:b}", "nqn", applied->cfg_subsys->nqn, "nsid",
				  (json_int_t)applied->cfg->nsid, "write_protected", 1))
		: np_state_remove(state, path);
	if (ret) {
		np_event(NP_EVENT_NAMESPACE, NP_LOG_ERR, "%s: %s", path, strerror(-ret));
		return ret;
	}
	applied->is_protected = is_protected;
	/* It may have been made anew since the command found it. */
	if (applied->ns)
		atomic_store(&applied->ns->is_protected, is_protected);
	np_event(NP_EVENT_NAMESPACE, NP_LOG_INFO, "namespace %s/%u is %s", applied->cfg_subsys->nqn,
		applied->cfg->nsid, is_protected ? "write protected" : "writable again");
	np_apply_tell_hosts(applied, NP_AEN_NS_CHANGED, 0);
	return 0;
}

static void np_apply_load_protection(struct np_applied_ns *applied)
{
	char path[PATH_MAX];
	json_t *root;

	np_apply_state_path(applied, "protection", path, sizeof(path));
	if (np_state_get(path, &root, applied->state_reason, sizeof(applied->state_reason)))
		return;
	applied->is_protected = root != NULL;
	json_decref(root);
}

int np_apply_kept(struct np_daemon *daemon, struct np_applied_ns *applied)
{
	if (daemon->state.unknown[0]) {
		snprintf(applied->state_reason, sizeof(applied->state_reason),
			"what is kept of it cannot be read: %.200s", daemon->state.unknown);
		return 0;
	}
	np_apply_load_protection(applied);
	return np_apply_resv(daemon, applied);
}
