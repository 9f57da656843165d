// SPDX-License-Identifier: BSD-3-Clause
/*
 * Rules about ports and referrals.
 *
 * Thread: any, pure.
 * Depends: config/model.h, config/diag.h.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "config/check.h"
#include "config/text.h"

/* Fields of a discovery log entry. */
#define TRADDR_MAX 256
#define TRSVCID_MAX 32

/* An address in binary; the scope is that of a link-local IPv6 address, empty else. */
struct ip {
	int family;
	uint8_t bytes[16];
	const char *scope;
};

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
	const char *adrfam = np_cfg_name_of(np_cfg_adrfam_names, addr->adrfam);
	struct ip ip;

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
		if (np_cfg_port_is_served(other) && np_cfg_port_is_served(port) &&
			is_overlapping(&other->addr, &port->addr))
			return np_cfg_spot_error(spot, "addr",
				"\"%s\" service %s is taken by ports[%zu], \"%s\"",
				port->addr.traddr, port->addr.trsvcid, i, other->addr.traddr);
	}
	return 0;
}

static int check_referral(
	const struct np_cfg_port *port, size_t index, const struct np_cfg_spot *spot)
{
	const struct np_cfg_referral *referral = &port->referrals[index];

	for (size_t i = 0; i < index; i++) {
		if (strcmp(port->referrals[i].name, referral->name) == 0)
			return np_cfg_spot_error(
				spot, "name", "\"%.100s\" is listed twice", referral->name);
	}
	if (referral->enable && referral->addr.trtype == NP_CFG_TRTYPE_UNSET)
		np_cfg_spot_warn(spot, "addr.trtype", "empty: no host is told of this referral");
	if (np_cfg_check_ascii(referral->addr.traddr, TRADDR_MAX, spot, "addr.traddr") < 0)
		return -EINVAL;
	return np_cfg_check_ascii(referral->addr.trsvcid, TRSVCID_MAX, spot, "addr.trsvcid");
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
		if (np_cfg_check_unique(port->subsystems, i, &spot) < 0)
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
		if (check_referral(port, i, &spot) < 0)
			return -EINVAL;
	}
	return 0;
}

/* What a kernel target's file may ask for, and this target does not do, or not so. */
static void warn_ignored(const struct np_cfg_port *port, const struct np_cfg_spot *spot)
{
	if (port->pi_enable)
		np_cfg_spot_warn(spot, "param.pi_enable",
			"protection information is not supported, ignored");
	if (port->max_queue_size >= 0 && port->max_queue_size < NP_CFG_QUEUE_SIZE_MIN)
		np_cfg_spot_warn(spot, "param.max_queue_size", "%d is used, the least",
			NP_CFG_QUEUE_SIZE_MIN);
}

/* A kernel target's file may have ports of other transports: one that is ours must be left. */
static int check_port_type(
	const struct np_cfg *cfg, const struct np_cfg_port *port, const struct np_cfg_spot *spot)
{
	const char *trtype = np_cfg_name_of(np_cfg_trtype_names, port->addr.trtype);

	for (size_t i = 0; i < cfg->n_ports; i++) {
		if (!np_cfg_port_is_served(&cfg->ports[i]))
			continue;
		np_cfg_spot_warn(spot, "addr.trtype",
			"\"%s\" is not supported, only \"rdma\" is: this port is left out", trtype);
		return 0;
	}
	return np_cfg_spot_error(
		spot, "addr.trtype", "\"%s\" is not supported, only \"rdma\" is", trtype);
}

int np_cfg_check_ports(const struct np_cfg *cfg, struct np_cfg_diag *diag)
{
	for (size_t i = 0; i < cfg->n_ports; i++) {
		const struct np_cfg_port *port = &cfg->ports[i];
		struct np_cfg_spot spot = np_cfg_spot(diag, "ports[%zu]", i);
		bool is_served = np_cfg_port_is_served(port);

		if ((is_served ? check_port_addr(&port->addr, &spot)
			       : check_port_type(cfg, port, &spot)) < 0)
			return -EINVAL;
		if (check_port_is_unique(cfg, port, &spot) < 0 || check_port_refs(cfg, i, diag) < 0)
			return -EINVAL;
		if (is_served)
			warn_ignored(port, &spot);
	}
	return 0;
}
