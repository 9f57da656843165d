// SPDX-License-Identifier: BSD-3-Clause
/*
 * apply_auth.c - which hosts have to prove who they are, and by what.
 *
 * Thread: control.
 * Depends: apply.h, auth_thread.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/apply.h"
#include "target/nvme/auth_thread.h"

static void np_apply_host(const struct np_cfg_host *cfg, struct np_auth_entry *entry)
{
	snprintf(entry->nqn, sizeof(entry->nqn), "%s", cfg->nqn);
	np_secret_parse(cfg->dhchap_key, &entry->host.secret);
	if (cfg->dhchap_ctrl_key)
		np_secret_parse(cfg->dhchap_ctrl_key, &entry->host.ctrl_secret);
	entry->host.hash = (uint8_t)cfg->dhchap_hash;
	entry->host.group = (uint8_t)cfg->dhchap_dhgroup;
}

int np_apply_hosts(const struct np_cfg *cfg)
{
	struct np_auth_entry *entries = calloc(cfg->n_hosts + 1, sizeof(*entries));
	size_t n = 0;
	int ret;

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < cfg->n_hosts; i++) {
		if (cfg->hosts[i].dhchap_key)
			np_apply_host(&cfg->hosts[i], &entries[n++]);
	}
	ret = np_auth_set_hosts(entries, n);
	np_secret_forget(entries, (cfg->n_hosts + 1) * sizeof(*entries));
	free(entries);
	return ret;
}
