// SPDX-License-Identifier: BSD-3-Clause
/*
 * Rules over a whole model. Each rule names the JSON path of what offends it.
 *
 * Thread: any, pure.
 * Depends: config/model.h, config/diag.h.
 */
#include "config/check.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "config/text.h"
#include "target/base/secret.h"

#define SERIAL_MAX 20
#define MODEL_MAX 40
#define FIRMWARE_MAX 8
#define PAGE_BYTES 4096

/* "nqn.yyyy-mm.", the begin of both forms that the specification knows. */
static bool has_nqn_form(const char *nqn)
{
	static const char form[] = "nqn.dddd-dd.";

	for (size_t i = 0; i < sizeof(form) - 1; i++) {
		if (form[i] == 'd' ? !isdigit((unsigned char)nqn[i]) : nqn[i] != form[i])
			return false;
	}
	return nqn[sizeof(form) - 1] != '\0';
}

/* Names outside the form work with Linux on both ends, and kernel set-ups have them. */
static int check_nqn(const char *nqn, const struct np_cfg_spot *spot, const char *member)
{
	size_t len = strlen(nqn);

	if (len == 0)
		return np_cfg_spot_error(spot, member, "empty");
	if (len > NP_CFG_NQN_MAX)
		return np_cfg_spot_error(spot, member, "%zu bytes long, at most %d are allowed",
			len, NP_CFG_NQN_MAX);
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)nqn[i] <= ' ' || nqn[i] == 0x7f)
			return np_cfg_spot_error(
				spot, member, "blank or control character at offset %zu", i);
	}
	if (!has_nqn_form(nqn))
		np_cfg_spot_warn(
			spot, member, "\"%.64s\" has not the form \"nqn.yyyy-mm.name\"", nqn);
	return 0;
}

static int check_secret(const char *text, const struct np_cfg_spot *spot, const char *member)
{
	struct np_secret secret;
	const char *why = text ? np_secret_parse(text, &secret) : NULL;

	np_secret_forget(&secret, sizeof(secret));
	return why ? np_cfg_spot_error(spot, member, "%s", why) : 0;
}

static int check_secrets(const struct np_cfg_host *host, const struct np_cfg_spot *spot)
{
	if (check_secret(host->dhchap_key, spot, "dhchap_key") < 0 ||
		check_secret(host->dhchap_ctrl_key, spot, "dhchap_ctrl_key") < 0)
		return -EINVAL;
	if (host->dhchap_ctrl_key && !host->dhchap_key)
		return np_cfg_spot_error(spot, "dhchap_ctrl_key",
			"without dhchap_key the host is not asked for a proof, and asks for none");
	if (host->dhchap_key && host->dhchap_ctrl_key &&
		strcmp(host->dhchap_key, host->dhchap_ctrl_key) == 0)
		return np_cfg_spot_error(spot, "dhchap_ctrl_key", "is the same as dhchap_key");
	return 0;
}

static int check_hosts(const struct np_cfg *cfg, struct np_cfg_diag *diag)
{
	for (size_t i = 0; i < cfg->n_hosts; i++) {
		const struct np_cfg_host *host = &cfg->hosts[i];
		struct np_cfg_spot spot = np_cfg_spot(diag, "hosts[%zu]", i);
		const struct np_cfg_host *first = np_cfg_find_host(cfg, host->nqn);
		int err = check_nqn(host->nqn, &spot, "nqn");

		if (err < 0)
			return err;
		if (first != host)
			return np_cfg_spot_error(&spot, "nqn", "\"%.223s\" is hosts[%zu] already",
				host->nqn, (size_t)(first - cfg->hosts));
		if (check_secrets(host, &spot) < 0)
			return -EINVAL;
	}
	return 0;
}

int np_cfg_check_unique(char *const *names, size_t i, const struct np_cfg_spot *spot)
{
	for (size_t j = 0; j < i; j++) {
		if (strcmp(names[i], names[j]) == 0)
			return np_cfg_spot_error(spot, "", "\"%.223s\" is listed twice", names[i]);
	}
	return 0;
}

static int check_allowed_hosts(const struct np_cfg *cfg, size_t index, struct np_cfg_diag *diag)
{
	const struct np_cfg_subsys *subsys = &cfg->subsystems[index];
	struct np_cfg_spot spot;

	for (size_t i = 0; i < subsys->n_allowed_hosts; i++) {
		spot = np_cfg_spot(diag, "subsystems[%zu].allowed_hosts[%zu]", index, i);
		if (!np_cfg_find_host(cfg, subsys->allowed_hosts[i]))
			return np_cfg_spot_error(&spot, "", "\"%.223s\" is not one of hosts[]",
				subsys->allowed_hosts[i]);
		if (np_cfg_check_unique(subsys->allowed_hosts, i, &spot) < 0)
			return -EINVAL;
	}
	spot = np_cfg_spot(diag, "subsystems[%zu].allowed_hosts", index);
	if (subsys->allow_any_host && subsys->n_allowed_hosts)
		np_cfg_spot_warn(&spot, "", "has no effect while attr.allow_any_host is true");
	if (subsys->allow_any_host && np_cfg_has_secrets(cfg))
		np_cfg_spot_warn(&spot, "",
			"any host may connect: hosts[].dhchap_key keeps out nobody who calls "
			"himself "
			"otherwise");
	if (!subsys->allow_any_host && !subsys->n_allowed_hosts)
		np_cfg_spot_warn(&spot, "", "empty: no host may connect");
	return 0;
}

int np_cfg_check_ascii(
	const char *text, size_t max, const struct np_cfg_spot *spot, const char *member)
{
	if (!text)
		return 0;
	if (strlen(text) > max)
		return np_cfg_spot_error(
			spot, member, "%zu bytes long, at most %zu are allowed", strlen(text), max);
	for (; *text; text++) {
		if (*text < ' ' || *text > '~')
			return np_cfg_spot_error(spot, member, "not printable ASCII");
	}
	return 0;
}

static int check_attr(const struct np_cfg_subsys *subsys, const struct np_cfg_spot *spot)
{
	if (np_cfg_check_ascii(subsys->serial, SERIAL_MAX, spot, "attr.serial") < 0 ||
		np_cfg_check_ascii(subsys->model, MODEL_MAX, spot, "attr.model") < 0 ||
		np_cfg_check_ascii(subsys->firmware, FIRMWARE_MAX, spot, "attr.firmware") < 0)
		return -EINVAL;
	if (subsys->cntlid_min > subsys->cntlid_max)
		return np_cfg_spot_error(spot, "attr.cntlid_min", "%u is above cntlid_max, %u",
			subsys->cntlid_min, subsys->cntlid_max);
	if (subsys->pi_enable)
		np_cfg_spot_warn(
			spot, "attr.pi_enable", "protection information is not supported, ignored");
	if (subsys->version)
		np_cfg_spot_warn(spot, "attr.version", "ignored, controllers are of version 2.0");
	return 0;
}

static bool is_exported(const struct np_cfg *cfg, const char *nqn)
{
	for (size_t i = 0; i < cfg->n_ports; i++) {
		if (np_cfg_port_is_served(&cfg->ports[i]) &&
			np_cfg_port_exports(&cfg->ports[i], nqn))
			return true;
	}
	return false;
}

/* As in target/nvme/cmd.c, says test_nvme_passthru. */
bool np_cfg_is_served(uint8_t opcode)
{
	static const uint8_t served[] = {0x00, 0x01, 0x02, 0x04, 0x05, 0x08, 0x09, 0x0c, 0x0d, 0x0e,
		0x11, 0x15, 0x19, 0x79, 0x7a, 0x7d, 0x7f};

	return memchr(served, opcode, sizeof(served));
}

static int check_passthru(const struct np_cfg_subsys *subsys, const struct np_cfg_spot *spot)
{
	char member[32];
	uint8_t opcode;

	for (size_t i = 0; i < subsys->n_passthru; i++) {
		const char *text = subsys->passthru[i];

		snprintf(member, sizeof(member), "passthru[%zu]", i);
		if (np_cfg_parse_opcode(text, &opcode) < 0)
			return np_cfg_spot_error(
				spot, member, "\"%.40s\" is no opcode (0 to 255)", text);
		if (np_cfg_is_served(opcode))
			return np_cfg_spot_error(spot, member,
				"opcode %02xh is a command of the target's own", opcode);
		if ((opcode & 3) == 3)
			return np_cfg_spot_error(spot, member,
				"opcode %02xh has data in both directions, which is not possible",
				opcode);
	}
	return 0;
}

static int check_created(const struct np_cfg_created *created, const struct np_cfg_spot *spot)
{
	if (!created->folder && !created->capacity_bytes)
		return 0;
	if (!created->folder || !created->capacity_bytes)
		return np_cfg_spot_error(
			spot, "namespace_management", "needs both a folder and capacity_bytes");
	if (created->folder[0] != '/' || strlen(created->folder) > NP_CFG_STATE_MAX)
		return np_cfg_spot_error(spot, "namespace_management.folder",
			"\"%.100s\" is not an absolute path of at most %d bytes", created->folder,
			NP_CFG_STATE_MAX);
	return 0;
}

static int check_subsystems(const struct np_cfg *cfg, struct np_cfg_diag *diag)
{
	for (size_t i = 0; i < cfg->n_subsystems; i++) {
		const struct np_cfg_subsys *subsys = &cfg->subsystems[i];
		const struct np_cfg_subsys *first = np_cfg_find_subsys(cfg, subsys->nqn);
		struct np_cfg_spot spot = np_cfg_spot(diag, "subsystems[%zu]", i);

		if (check_nqn(subsys->nqn, &spot, "nqn") < 0)
			return -EINVAL;
		if (first != subsys)
			return np_cfg_spot_error(&spot, "nqn",
				"\"%.223s\" is subsystems[%zu] already", subsys->nqn,
				(size_t)(first - cfg->subsystems));
		if (strcmp(subsys->nqn, NP_CFG_DISCOVERY_NQN) == 0)
			return np_cfg_spot_error(
				&spot, "nqn", "the discovery subsystem is always there");
		if (check_attr(subsys, &spot) < 0 || check_passthru(subsys, &spot) < 0 ||
			check_created(&subsys->created, &spot) < 0 ||
			check_allowed_hosts(cfg, i, diag) < 0 ||
			np_cfg_check_namespaces(cfg, i, diag) < 0)
			return -EINVAL;
		if (!is_exported(cfg, subsys->nqn))
			np_cfg_spot_warn(&spot, "", "no port exports it");
	}
	return 0;
}

int np_cfg_check_pool(
	uint64_t bytes, unsigned int reactors, const struct np_cfg_spot *spot, const char *member)
{
	if (bytes < NP_CFG_POOL_MIN_BYTES || bytes % PAGE_BYTES)
		return np_cfg_spot_error(spot, member, "%llu is not a multiple of %d, at least %d",
			(unsigned long long)bytes, PAGE_BYTES, NP_CFG_POOL_MIN_BYTES);
	if (bytes / reactors < NP_CFG_POOL_MIN_BYTES)
		return np_cfg_spot_error(spot, member,
			"%llu is less than %d for each of %u reactors", (unsigned long long)bytes,
			NP_CFG_POOL_MIN_BYTES, reactors);
	return 0;
}

static int check_discovery(const struct np_cfg *cfg, const struct np_cfg_spot *spot)
{
	const char *nqn = cfg->daemon.discovery_nqn;

	if (!nqn)
		return 0;
	if (np_cfg_find_subsys(cfg, nqn))
		return np_cfg_spot_error(spot, "discovery_nqn", "is that of a subsystem");
	return check_nqn(nqn, spot, "discovery_nqn");
}

static int check_daemon(const struct np_cfg *cfg, struct np_cfg_diag *diag)
{
	const struct np_cfg_daemon *daemon = &cfg->daemon;
	const struct np_cfg_reactors *reactors = &daemon->reactors;
	struct np_cfg_spot spot = np_cfg_spot(diag, "daemon");
	const size_t socket_max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;

	if (reactors->count < 1 || reactors->count > NP_CFG_REACTORS_MAX)
		return np_cfg_spot_error(&spot, "reactors", "%u of them, expected 1 to %d",
			reactors->count, NP_CFG_REACTORS_MAX);
	for (size_t i = 1; reactors->cpus && i < reactors->count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (reactors->cpus[i] == reactors->cpus[j])
				return np_cfg_spot_error(&spot, "reactors",
					"CPU %d is listed twice", reactors->cpus[i]);
		}
	}
	if (!daemon->cq_moderation_count != !daemon->cq_moderation_us)
		return np_cfg_spot_error(&spot, "cq_moderation_count",
			"goes with cq_moderation_us: give both or neither");
	if (daemon->control_socket[0] != '/')
		return np_cfg_spot_error(&spot, "control_socket",
			"\"%.100s\" is not an absolute path", daemon->control_socket);
	if (daemon->state_dir[0] != '/' || strlen(daemon->state_dir) > NP_CFG_STATE_MAX)
		return np_cfg_spot_error(&spot, "state_dir",
			"\"%.100s\" is not an absolute path of at most %d bytes", daemon->state_dir,
			NP_CFG_STATE_MAX);
	if (strlen(daemon->control_socket) > socket_max)
		return np_cfg_spot_error(&spot, "control_socket",
			"%zu bytes long, at most %zu are allowed", strlen(daemon->control_socket),
			socket_max);
	if (check_discovery(cfg, &spot) < 0)
		return -EINVAL;
	if (daemon->cmb_pool_bytes &&
		np_cfg_check_pool(
			daemon->cmb_pool_bytes, reactors->count, &spot, "cmb_pool_bytes") < 0)
		return -EINVAL;
	return np_cfg_check_pool(
		daemon->host_pool_bytes, reactors->count, &spot, "host_pool_bytes");
}

int np_cfg_check(const struct np_cfg *cfg, struct np_cfg_diag *diag)
{
	int err = check_hosts(cfg, diag);

	if (err == 0)
		err = check_subsystems(cfg, diag);
	if (err == 0)
		err = np_cfg_check_shares(cfg, diag);
	if (err == 0)
		err = np_cfg_check_ports(cfg, diag);
	if (err == 0)
		err = check_daemon(cfg, diag);
	if (err == 0)
		err = np_cfg_check_memory(cfg, diag);
	return err;
}
