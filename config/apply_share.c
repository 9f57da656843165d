// SPDX-License-Identifier: BSD-3-Clause
/*
 * apply_share.c - what a namespace may hold of the peer memory that it uses, and what is its own; and what its
 *                 hosts get of it in a second.
 *
 * A pool is one reactor's, so a namespace has a part of its quota and of its reserve on each.
 *
 * Thread: control.
 * Depends: memory, reactor.
 */
#include <stdlib.h>

#include "config/apply.h"
#include "config/text.h"
#include "target/base/event.h"
#include "target/base/line.h"
#include "target/memory/pool.h"
#include "target/reactor/call.h"

struct np_apply_user_call {
	struct np_call call;
	struct np_pool *pool;
	struct np_pool_user *user;
};

static void np_apply_add_user(struct np_msg *msg)
{
	struct np_apply_user_call *each = np_container_of(msg, struct np_apply_user_call, call.msg);

	np_pool_add_user(each->pool, each->user);
	np_call_done(&each->call);
}

static void np_apply_del_user(struct np_msg *msg)
{
	struct np_apply_user_call *each = np_container_of(msg, struct np_apply_user_call, call.msg);

	np_pool_del_user(each->user);
	np_call_done(&each->call);
}

/* One pool's part of @share, at least a page; @none if it is not given. */
static uint64_t np_apply_part(const struct np_cfg_share *share, const struct np_pool *pool,
	unsigned int npools, uint64_t none)
{
	uint64_t pool_bytes = (uint64_t)pool->npages * NP_PAGE_BYTES;
	uint64_t bytes = np_cfg_share_of(share, pool_bytes, none);

	if (!np_cfg_share_is_given(share))
		return none;
	if (!share->percent)
		bytes = bytes / npools / NP_PAGE_BYTES * NP_PAGE_BYTES;
	return bytes < NP_PAGE_BYTES ? NP_PAGE_BYTES : bytes;
}

static void np_apply_begin_share(struct np_daemon *daemon, struct np_applied_ns *applied,
	const struct np_mem_region *region, struct np_pool_user *users)
{
	const struct np_cfg_ns *cfg = applied->cfg;
	uint64_t wanted = 0, got = 0;

	for (unsigned int i = 0; i < daemon->runtime.nreactors; i++) {
		struct np_apply_user_call each = {.pool = region->pools[i], .user = &users[i]};

		users[i].id = applied->id;
		users[i].limit_bytes =
			np_apply_part(&cfg->p2pmem_quota, each.pool, region->npools, UINT64_MAX);
		users[i].wanted_bytes =
			np_apply_part(&cfg->p2pmem_reserve, each.pool, region->npools, 0);
		np_call(&each.call, daemon->runtime.reactors[i], np_apply_add_user);
		wanted += users[i].wanted_bytes;
		got += users[i].reserve_bytes;
	}
	if (got < wanted)
		np_event(NP_EVENT_MEMORY, NP_LOG_WARN,
			"namespace %s/%u: p2pmem_reserve: %llu of %llu bytes of %s: it is more "
			"than "
			"the quota, or the rest is others'",
			applied->cfg_subsys->nqn, cfg->nsid, (unsigned long long)got,
			(unsigned long long)wanted, region->name);
}

static void np_apply_end_share(struct np_daemon *daemon, struct np_pool_user *users)
{
	for (unsigned int i = 0; users && i < daemon->runtime.nreactors; i++) {
		struct np_apply_user_call each = {.user = &users[i]};

		np_call(&each.call, daemon->runtime.reactors[i], np_apply_del_user);
	}
}

/* Return: the users of @ns, new ones if it has none yet; NULL without memory. */
static struct np_pool_user *np_apply_users(
	const struct np_daemon *daemon, struct np_ns *ns, unsigned int region)
{
	struct np_pool_user *users = atomic_load(&ns->users[region]);

	if (users)
		return users;
	users = np_line_alloc(daemon->runtime.nreactors * sizeof(*users));
	if (users)
		atomic_store(&ns->users[region], users);
	else
		np_log_warn("namespace %u: no memory for its quota", ns->nsid);
	return users;
}

static bool np_apply_wants_shares(const struct np_daemon *daemon, const struct np_cfg_ns *cfg)
{
	return daemon->mem.zero == NP_MEM_ZERO_NAMESPACE ||
		np_cfg_share_is_given(&cfg->p2pmem_quota) ||
		np_cfg_share_is_given(&cfg->p2pmem_reserve);
}

void np_apply_share(struct np_daemon *daemon, struct np_applied_ns *applied)
{
	struct np_ns *ns = applied->ns;
	struct np_mem_region *region;
	uint64_t wanted = 0;

	if (!np_apply_wants_shares(daemon, applied->cfg))
		return;
	for (unsigned int i = 0; i < NP_MAX_RNICS; i++) {
		if (applied->paths[i].region)
			wanted |= UINT64_C(1) << applied->paths[i].region->id;
	}
	np_mem_for_each(&daemon->mem, region) {
		const uint64_t bit = UINT64_C(1) << region->id;
		struct np_pool_user *users;

		if (!((wanted ^ ns->shared) & bit))
			continue;
		users = np_apply_users(daemon, ns, region->id);
		if (!users)
			continue;
		if (wanted & bit)
			np_apply_begin_share(daemon, applied, region, users);
		else
			np_apply_end_share(daemon, users);
		ns->shared ^= bit;
	}
}

void np_apply_unshare(struct np_daemon *daemon, struct np_ns *ns)
{
	for (unsigned int i = 0; i < NP_MAX_REGIONS; i++)
		np_apply_end_share(daemon, atomic_load(&ns->users[i]));
	ns->shared = 0;
}

void np_apply_free_shares(struct np_ns *ns)
{
	for (unsigned int i = 0; i < NP_MAX_REGIONS; i++)
		free(atomic_load(&ns->users[i]));
}

/* ---- a second ----------------------------------------------------------------------------- */

void np_apply_set_qos(struct np_ns *ns, const struct np_cfg_qos *cfg)
{
	const uint64_t per_s[NP_QOS_LIMITS] = {
		[NP_QOS_IOS] = cfg->ios_per_s,
		[NP_QOS_BYTES] = cfg->bytes_per_s,
		[NP_QOS_READ_BYTES] = cfg->read_bytes_per_s,
		[NP_QOS_WRITE_BYTES] = cfg->write_bytes_per_s,
	};

	np_qos_set(&ns->qos, per_s);
}
