// SPDX-License-Identifier: BSD-3-Clause
/*
 * Rules about namespaces.
 *
 * Thread: any, pure.
 * Depends: config/model.h, config/diag.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/check.h"
#include "config/text.h"

#define NULL_BLOCK_BYTES 4096

static int check_device(const struct np_cfg_ns *ns, const struct np_cfg_spot *spot)
{
	const struct np_cfg_device *device = &ns->device;

	if (ns->engine == NP_CFG_ENGINE_NULL) {
		if (device->size_bytes == 0)
			return np_cfg_spot_error(
				spot, "device.size_bytes", "missing, engine \"null\" needs it");
		if (device->size_bytes % NULL_BLOCK_BYTES)
			return np_cfg_spot_error(spot, "device.size_bytes", "not a multiple of %d",
				NULL_BLOCK_BYTES);
		if (device->path)
			np_cfg_spot_warn(spot, "device.path", "engine \"null\" has no use for it");
		return 0;
	}
	if (!device->path)
		return np_cfg_spot_error(spot, "device.path", "missing");
	if (device->path[0] != '/')
		return np_cfg_spot_error(
			spot, "device.path", "\"%.100s\" is not an absolute path", device->path);
	if (device->size_bytes)
		np_cfg_spot_warn(
			spot, "device.size_bytes", "only engine \"null\" has a use for it");
	return 0;
}

static int check_p2pmem(
	const struct np_cfg *cfg, const struct np_cfg_ns *ns, const struct np_cfg_spot *spot)
{
	bool is_hostmem = ns->engine == NP_CFG_ENGINE_FILE || ns->engine == NP_CFG_ENGINE_NULL;
	const char *engine = np_cfg_name_of(np_cfg_engine_names, ns->engine);

	if (ns->p2pmem.mode == NP_CFG_P2PMEM_NAME && !np_cfg_find_memory(cfg, ns->p2pmem.name))
		return np_cfg_spot_error(
			spot, "p2pmem", "\"%s\" is none of daemon.memory[]", ns->p2pmem.name);
	if (ns->p2pmem_require && ns->p2pmem.mode == NP_CFG_P2PMEM_OFF)
		return np_cfg_spot_error(
			spot, "p2pmem_require", "cannot be true while p2pmem is \"0\"");
	if (ns->p2pmem_require && is_hostmem)
		return np_cfg_spot_error(spot, "p2pmem_require",
			"cannot be true with engine \"%s\", which has no drive to reach P2P memory",
			engine);
	if (ns->p2pmem.mode != NP_CFG_P2PMEM_OFF && is_hostmem)
		np_cfg_spot_warn(spot, "p2pmem", "engine \"%s\" always uses host memory", engine);
	return 0;
}

static bool is_same_id(const struct np_cfg_id *a, const struct np_cfg_id *b)
{
	return a->is_given && b->is_given && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* The namespaces before @ns in its own subsystem. */
static int check_siblings(const struct np_cfg_subsys *subsys, const struct np_cfg_ns *ns,
	const struct np_cfg_spot *spot)
{
	for (const struct np_cfg_ns *other = subsys->namespaces; other < ns; other++) {
		size_t i = (size_t)(other - subsys->namespaces);

		if (other->nsid == ns->nsid)
			return np_cfg_spot_error(
				spot, "nsid", "%u is namespaces[%zu] already", ns->nsid, i);
		if (!other->enable || !ns->enable)
			continue;
		if (is_same_id(&other->device.uuid, &ns->device.uuid))
			return np_cfg_spot_error(
				spot, "device.uuid", "is that of namespaces[%zu] already", i);
		if (is_same_id(&other->device.nguid, &ns->device.nguid))
			return np_cfg_spot_error(
				spot, "device.nguid", "is that of namespaces[%zu] already", i);
	}
	return 0;
}

/* Two namespaces on one device overwrite each other unless the hosts know: say so once for each. */
static void warn_shared_device(
	const struct np_cfg *cfg, const struct np_cfg_ns *ns, const struct np_cfg_spot *spot)
{
	if (!ns->device.path || ns->engine == NP_CFG_ENGINE_NULL)
		return;
	for (size_t s = 0; s < cfg->n_subsystems; s++) {
		const struct np_cfg_subsys *subsys = &cfg->subsystems[s];

		for (size_t n = 0; n < subsys->n_namespaces; n++) {
			const struct np_cfg_ns *other = &subsys->namespaces[n];

			if (other == ns)
				return;
			if (!other->device.path || strcmp(other->device.path, ns->device.path) != 0)
				continue;
			np_cfg_spot_warn(spot, "device.path",
				"\"%.100s\" is the device of subsystems[%zu].namespaces[%zu] too",
				ns->device.path, s, n);
			return;
		}
	}
}

static int check_visibility(const struct np_cfg *cfg, const struct np_cfg_subsys *subsys,
	const struct np_cfg_ns *ns, const struct np_cfg_spot *spot)
{
	char member[48];

	for (size_t i = 0; i < ns->n_allowed_hosts; i++) {
		const char *nqn = ns->allowed_hosts[i];
		bool may_connect = subsys->allow_any_host;

		snprintf(member, sizeof(member), "allowed_hosts[%zu]", i);
		if (!np_cfg_find_host(cfg, nqn))
			return np_cfg_spot_error(
				spot, member, "\"%.223s\" is not one of hosts[]", nqn);
		for (size_t k = 0; k < subsys->n_allowed_hosts && !may_connect; k++)
			may_connect = strcmp(subsys->allowed_hosts[k], nqn) == 0;
		if (!may_connect)
			np_cfg_spot_warn(
				spot, member, "\"%.223s\" may not connect to the subsystem", nqn);
	}
	return 0;
}

/* Less would be a standstill rather than a limit. */
static int check_qos(const struct np_cfg_qos *qos, const struct np_cfg_spot *spot)
{
	const struct {
		const char *member;
		uint64_t value, least;
	} limits[] = {
		{"qos.ios_per_s", qos->ios_per_s, NP_CFG_QOS_MIN_IOS},
		{"qos.bytes_per_s", qos->bytes_per_s, NP_CFG_QOS_MIN_BYTES},
		{"qos.read_bytes_per_s", qos->read_bytes_per_s, NP_CFG_QOS_MIN_BYTES},
		{"qos.write_bytes_per_s", qos->write_bytes_per_s, NP_CFG_QOS_MIN_BYTES},
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (limits[i].value && limits[i].value < limits[i].least)
			return np_cfg_spot_error(spot, limits[i].member,
				"%" PRIu64 " is less than %" PRIu64, limits[i].value,
				limits[i].least);
	}
	return 0;
}

int np_cfg_check_namespaces(const struct np_cfg *cfg, size_t index, struct np_cfg_diag *diag)
{
	const struct np_cfg_subsys *subsys = &cfg->subsystems[index];

	for (size_t i = 0; i < subsys->n_namespaces; i++) {
		const struct np_cfg_ns *ns = &subsys->namespaces[i];
		struct np_cfg_spot spot =
			np_cfg_spot(diag, "subsystems[%zu].namespaces[%zu]", index, i);
		int err = check_siblings(subsys, ns, &spot);

		/* A disabled namespace may be half made, as in the kernel. */
		if (err == 0 && ns->enable)
			err = check_device(ns, &spot);
		if (err == 0)
			err = check_p2pmem(cfg, ns, &spot);
		if (err == 0)
			err = check_visibility(cfg, subsys, ns, &spot);
		if (err == 0)
			err = check_qos(&ns->qos, &spot);
		if (err < 0)
			return err;
		if (ns->enable)
			warn_shared_device(cfg, ns, &spot);
	}
	return 0;
}
