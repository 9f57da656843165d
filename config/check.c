// SPDX-License-Identifier: BSD-3-Clause
/*
 * Rules over a whole model. Each rule names the JSON path of what offends it.
 *
 * Thread: any, pure.
 * Depends: config/model.h, config/diag.h.
 */
#include "config/check.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/un.h>

#include "config/text.h"

#define SERIAL_MAX 20
#define MODEL_MAX 40
#define FIRMWARE_MAX 8
#define PAGE_BYTES 4096

/* An address in binary; the scope is that of a link-local IPv6 address, empty else. */
struct ip {
	int family;
	uint8_t bytes[16];
	const char *scope;
};

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
	}
	return 0;
}

static int check_is_unique(char *const *names, size_t i, const struct np_cfg_spot *spot)
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
		if (check_is_unique(subsys->allowed_hosts, i, &spot) < 0)
			return -EINVAL;
	}
	spot = np_cfg_spot(diag, "subsystems[%zu].allowed_hosts", index);
	if (subsys->allow_any_host && subsys->n_allowed_hosts)
		np_cfg_spot_warn(&spot, "", "has no effect while attr.allow_any_host is true");
	if (!subsys->allow_any_host && !subsys->n_allowed_hosts)
		np_cfg_spot_warn(&spot, "", "empty: no host may connect");
	return 0;
}

static int check_ascii(
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
	if (check_ascii(subsys->serial, SERIAL_MAX, spot, "attr.serial") < 0 ||
		check_ascii(subsys->model, MODEL_MAX, spot, "attr.model") < 0 ||
		check_ascii(subsys->firmware, FIRMWARE_MAX, spot, "attr.firmware") < 0)
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
		if (np_cfg_port_exports(&cfg->ports[i], nqn))
			return true;
	}
	return false;
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
		if (check_attr(subsys, &spot) < 0 || check_allowed_hosts(cfg, i, diag) < 0 ||
			np_cfg_check_namespaces(cfg, i, diag) < 0)
			return -EINVAL;
		if (!is_exported(cfg, subsys->nqn))
			np_cfg_spot_warn(&spot, "", "no port exports it");
	}
	return 0;
}

/* Text to address; *ret_ip keeps a pointer into @addr. */
static int parse_ip(const struct np_cfg_addr *addr, struct ip *ret_ip)
{
	char text[INET6_ADDRSTRLEN];
	const char *scope = strchr(addr->traddr, '%');
	size_t len = scope ? (size_t)(scope - addr->traddr) : strlen(addr->traddr);
	struct ip ip = {.scope = scope ? scope + 1 : ""};

	ip.family = addr->adrfam == NP_CFG_ADRFAM_IPV6 ? AF_INET6 : AF_INET;
	if (len >= sizeof(text) || (scope && (ip.family == AF_INET || !*ip.scope)))
		return -EINVAL;
	memcpy(text, addr->traddr, len);
	text[len] = '\0';
	if (inet_pton(ip.family, text, ip.bytes) != 1)
		return -EINVAL;
	*ret_ip = ip;
	return 0;
}

static unsigned int parse_service(const char *text)
{
	unsigned int service = 0;

	for (; isdigit((unsigned char)*text) && service <= UINT16_MAX; text++)
		service = service * 10 + (unsigned int)(*text - '0');
	return *text == '\0' && service <= UINT16_MAX ? service : 0;
}

static int check_port_addr(const struct np_cfg_addr *addr, const struct np_cfg_spot *spot)
{
	const char *trtype = np_cfg_name_of(np_cfg_trtype_names, addr->trtype);
	const char *adrfam = np_cfg_name_of(np_cfg_adrfam_names, addr->adrfam);
	struct ip ip;

	if (addr->trtype != NP_CFG_TRTYPE_RDMA)
		return np_cfg_spot_error(
			spot, "addr.trtype", "\"%s\" is not supported, only \"rdma\" is", trtype);
	if (addr->adrfam != NP_CFG_ADRFAM_IPV4 && addr->adrfam != NP_CFG_ADRFAM_IPV6)
		return np_cfg_spot_error(spot, "addr.adrfam",
			"\"%s\" is not supported, only \"ipv4\" and \"ipv6\" are", adrfam);
	if (parse_ip(addr, &ip) < 0)
		return np_cfg_spot_error(
			spot, "addr.traddr", "\"%.64s\" is no %s address", addr->traddr, adrfam);
	if (parse_service(addr->trsvcid) == 0)
		return np_cfg_spot_error(spot, "addr.trsvcid",
			"\"%.16s\" is not a port number (1 to 65535)", addr->trsvcid);
	return 0;
}

/* A wildcard takes the service on every address of its family. */
static bool is_overlapping(const struct np_cfg_addr *a, const struct np_cfg_addr *b)
{
	static const uint8_t any[16];
	struct ip ip_a, ip_b;

	if (parse_ip(a, &ip_a) < 0 || parse_ip(b, &ip_b) < 0)
		return false;
	if (ip_a.family != ip_b.family || parse_service(a->trsvcid) != parse_service(b->trsvcid))
		return false;
	if (!memcmp(ip_a.bytes, any, sizeof(any)) || !memcmp(ip_b.bytes, any, sizeof(any)))
		return true;
	return !memcmp(ip_a.bytes, ip_b.bytes, sizeof(any)) && !strcmp(ip_a.scope, ip_b.scope);
}

static int check_port_is_unique(
	const struct np_cfg *cfg, const struct np_cfg_port *port, const struct np_cfg_spot *spot)
{
	for (const struct np_cfg_port *other = cfg->ports; other < port; other++) {
		size_t i = (size_t)(other - cfg->ports);

		if (other->portid == port->portid)
			return np_cfg_spot_error(
				spot, "portid", "%u is ports[%zu] already", port->portid, i);
		if (is_overlapping(&other->addr, &port->addr))
			return np_cfg_spot_error(spot, "addr",
				"\"%s\" service %s is taken by ports[%zu], \"%s\"",
				port->addr.traddr, port->addr.trsvcid, i, other->addr.traddr);
	}
	return 0;
}

static int check_port_refs(const struct np_cfg *cfg, size_t index, struct np_cfg_diag *diag)
{
	const struct np_cfg_port *port = &cfg->ports[index];
	struct np_cfg_spot spot;

	for (size_t i = 0; i < port->n_subsystems; i++) {
		spot = np_cfg_spot(diag, "ports[%zu].subsystems[%zu]", index, i);
		if (!np_cfg_find_subsys(cfg, port->subsystems[i]))
			return np_cfg_spot_error(&spot, "", "\"%.223s\" is not one of subsystems[]",
				port->subsystems[i]);
		if (check_is_unique(port->subsystems, i, &spot) < 0)
			return -EINVAL;
	}
	for (size_t i = 0; i < port->n_ana_groups; i++) {
		spot = np_cfg_spot(diag, "ports[%zu].ana_groups[%zu]", index, i);
		for (size_t j = 0; j < i; j++) {
			if (port->ana_groups[j].grpid == port->ana_groups[i].grpid)
				return np_cfg_spot_error(&spot, "grpid", "%u is listed twice",
					port->ana_groups[i].grpid);
		}
	}
	for (size_t i = 0; i < port->n_referrals; i++) {
		spot = np_cfg_spot(diag, "ports[%zu].referrals[%zu]", index, i);
		for (size_t j = 0; j < i; j++) {
			if (strcmp(port->referrals[j].name, port->referrals[i].name) == 0)
				return np_cfg_spot_error(&spot, "name",
					"\"%.100s\" is listed twice", port->referrals[i].name);
		}
	}
	return 0;
}

/* What a kernel target's file may ask for, and this target does not do. */
static void warn_ignored(const struct np_cfg_port *port, const struct np_cfg_spot *spot)
{
	if (port->pi_enable)
		np_cfg_spot_warn(spot, "param.pi_enable",
			"protection information is not supported, ignored");
	if (port->max_queue_size >= 0 && port->max_queue_size < NP_CFG_QUEUE_SIZE_MAX)
		np_cfg_spot_warn(spot, "param.max_queue_size",
			"ignored, a queue has as many entries as its host asks for, up to %d",
			NP_CFG_QUEUE_SIZE_MAX);
	for (size_t i = 0; i < port->n_ana_groups; i++) {
		if (port->ana_groups[i].state != NP_CFG_ANA_OPTIMIZED)
			np_cfg_spot_warn(spot, "ana_groups",
				"group %u: ANA states are not supported, ignored",
				port->ana_groups[i].grpid);
	}
}

static int check_ports(const struct np_cfg *cfg, struct np_cfg_diag *diag)
{
	for (size_t i = 0; i < cfg->n_ports; i++) {
		const struct np_cfg_port *port = &cfg->ports[i];
		struct np_cfg_spot spot = np_cfg_spot(diag, "ports[%zu]", i);

		if (check_port_addr(&port->addr, &spot) < 0 ||
			check_port_is_unique(cfg, port, &spot) < 0 ||
			check_port_refs(cfg, i, diag) < 0)
			return -EINVAL;
		warn_ignored(port, &spot);
	}
	return 0;
}

/* The reactors share it equally. */
static int check_pool(
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
	if (daemon->control_socket[0] != '/')
		return np_cfg_spot_error(&spot, "control_socket",
			"\"%.100s\" is not an absolute path", daemon->control_socket);
	if (strlen(daemon->control_socket) > socket_max)
		return np_cfg_spot_error(&spot, "control_socket",
			"%zu bytes long, at most %zu are allowed", strlen(daemon->control_socket),
			socket_max);
	if (daemon->cmb_pool_bytes &&
		check_pool(daemon->cmb_pool_bytes, reactors->count, &spot, "cmb_pool_bytes") < 0)
		return -EINVAL;
	return check_pool(daemon->host_pool_bytes, reactors->count, &spot, "host_pool_bytes");
}

int np_cfg_check(const struct np_cfg *cfg, struct np_cfg_diag *diag)
{
	int err = check_hosts(cfg, diag);

	if (err == 0)
		err = check_subsystems(cfg, diag);
	if (err == 0)
		err = check_ports(cfg, diag);
	if (err == 0)
		err = check_daemon(cfg, diag);
	return err;
}
