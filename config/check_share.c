// SPDX-License-Identifier: BSD-3-Clause
/*
 * Rules about quotas and reserves in memory that namespaces share.
 *
 * How large a provider is shows when it is opened: unless daemon.cmb_pool_bytes says so, percents
 * and bytes are not compared here. What does not fit is cut then, and the log says so.
 *
 * Thread: any, pure.
 * Depends: config/model.h, config/diag.h.
 */
#include <inttypes.h>
#include <string.h>

#include "config/check.h"
#include "config/text.h"

#define PAGE_BYTES 4096

/* Bytes, or percents where the size of the pool is not known. */
struct measure {
	bool is_known;
	uint64_t amount;
};

static struct measure measure(const struct np_cfg_share *share, uint64_t pool_bytes)
{
	if (pool_bytes)
		return (struct measure){true, np_cfg_share_of(share, pool_bytes, 0)};
	return (struct measure){share->percent != 0, share->percent};
}

static int check_one(const struct np_cfg_ns *ns, const struct np_cfg_daemon *daemon,
	const struct np_cfg_spot *spot)
{
	const struct np_cfg_share *quota = &ns->p2pmem_quota, *reserve = &ns->p2pmem_reserve;
	uint64_t least = (uint64_t)daemon->reactors.count * PAGE_BYTES;
	struct measure most = measure(quota, daemon->cmb_pool_bytes),
		       kept = measure(reserve, daemon->cmb_pool_bytes);
	bool is_over = most.is_known && kept.is_known && kept.amount > most.amount;

	if (ns->p2pmem.mode == NP_CFG_P2PMEM_OFF && np_cfg_share_is_given(quota))
		np_cfg_spot_warn(spot, "p2pmem_quota", "has no effect while p2pmem is \"0\"");
	if (ns->p2pmem.mode == NP_CFG_P2PMEM_OFF && np_cfg_share_is_given(reserve))
		np_cfg_spot_warn(spot, "p2pmem_reserve", "has no effect while p2pmem is \"0\"");
	if (quota->bytes && quota->bytes < least)
		return np_cfg_spot_error(spot, "p2pmem_quota",
			"%" PRIu64 " bytes, %u reactors need a page each, %" PRIu64 " bytes",
			quota->bytes, daemon->reactors.count, least);
	if (quota->bytes && reserve->bytes)
		is_over = reserve->bytes > quota->bytes;
	if (np_cfg_share_is_given(quota) && is_over)
		return np_cfg_spot_error(spot, "p2pmem_reserve", "is more than p2pmem_quota");
	return 0;
}

static bool reserves_of(const struct np_cfg_ns *ns, enum np_cfg_p2pmem_mode mode)
{
	return ns->enable && ns->p2pmem.mode == mode && np_cfg_share_is_given(&ns->p2pmem_reserve);
}

static bool is_same_pci(const struct np_cfg_pci *a, const struct np_cfg_pci *b)
{
	return a->domain == b->domain && a->bus == b->bus && a->dev == b->dev && a->fn == b->fn;
}

/*
 * Sums reserves in the provider of @last: those that are there for certain, up to its own; and with
 * those of namespaces that may come there, because they take what suits them best. Of two of the
 * latter @ret_all has the first ones, up to @last.
 */
static void sum_reserves(const struct np_cfg *cfg, const struct np_cfg_ns *last,
	uint64_t *ret_certain, uint64_t *ret_all)
{
	bool is_named = last->p2pmem.mode == NP_CFG_P2PMEM_PCI, is_after = false;
	uint64_t certain = 0, possible = 0;

	for (size_t s = 0; s < cfg->n_subsystems; s++) {
		for (size_t n = 0; n < cfg->subsystems[s].n_namespaces; n++) {
			const struct np_cfg_ns *ns = &cfg->subsystems[s].namespaces[n];
			struct measure kept =
				measure(&ns->p2pmem_reserve, cfg->daemon.cmb_pool_bytes);
			bool is_here = is_named && !is_after &&
				reserves_of(ns, NP_CFG_P2PMEM_PCI) &&
				is_same_pci(&ns->p2pmem.pci, &last->p2pmem.pci);

			if (is_here && kept.is_known)
				certain += kept.amount;
			if (reserves_of(ns, NP_CFG_P2PMEM_AUTO) && kept.is_known &&
				(is_named || !is_after))
				possible += kept.amount;
			is_after |= ns == last;
		}
	}
	*ret_certain = certain;
	*ret_all = certain + possible;
}

static int check_sum(
	const struct np_cfg *cfg, const struct np_cfg_ns *ns, const struct np_cfg_spot *spot)
{
	uint64_t whole = cfg->daemon.cmb_pool_bytes ? cfg->daemon.cmb_pool_bytes : 100;
	const char *unit = cfg->daemon.cmb_pool_bytes ? " bytes" : "%";
	uint64_t certain, all;

	if (!ns->enable || !np_cfg_share_is_given(&ns->p2pmem_reserve))
		return 0;
	sum_reserves(cfg, ns, &certain, &all);
	if (certain > whole)
		return np_cfg_spot_error(spot, "p2pmem_reserve",
			"the reserves in one provider are %" PRIu64 "%s, which is more than all of "
			"it, %" PRIu64 "%s",
			certain, unit, whole, unit);
	if (all > whole)
		np_cfg_spot_warn(spot, "p2pmem_reserve",
			"%" PRIu64 "%s are reserved by namespaces that may come to one provider: "
			"what is more than %" PRIu64 "%s is cut there",
			all, unit, whole, unit);
	return 0;
}

int np_cfg_check_shares(const struct np_cfg *cfg, struct np_cfg_diag *diag)
{
	for (size_t s = 0; s < cfg->n_subsystems; s++) {
		for (size_t n = 0; n < cfg->subsystems[s].n_namespaces; n++) {
			const struct np_cfg_ns *ns = &cfg->subsystems[s].namespaces[n];
			struct np_cfg_spot spot =
				np_cfg_spot(diag, "subsystems[%zu].namespaces[%zu]", s, n);
			int err = check_one(ns, &cfg->daemon, &spot);

			if (err == 0)
				err = check_sum(cfg, ns, &spot);
			if (err < 0)
				return err;
		}
	}
	return 0;
}
