// SPDX-License-Identifier: BSD-3-Clause
/*
 * discovery.c - the Discovery log: who may connect to what, and where.
 *
 * The log is never built as a whole: each entry is made and shown through the window.
 *
 * Thread: control, which alone changes what is offered; pure.
 * Depends: logpage.h.
 */
#include "target/nvme/discovery.h"

#include <string.h>

#include "target/base/le.h"
#include "target/nvme/connect.h"
#include "target/nvme/identify.h"
#include "target/nvme/logpage.h"

#define NP_DISCOVERY_ASQSZ 32 /* the least that the specification allows */

/* Values of SUBTYPE. */
enum {
	NP_SUBTYPE_REFERRAL = 1,
	NP_SUBTYPE_NVM = 2,
	NP_SUBTYPE_CURRENT = 3,
};

/* Where an entry leads. */
struct np_disc_addr {
	uint16_t portid;
	const char *traddr, *trsvcid;
	uint8_t trtype, adrfam, treq;
};

struct np_disc_writer {
	const struct np_window *window;
	uint64_t nrecords;
};

static_assert(sizeof(struct nvmf_disc_log_entry) == 1024, "discovery log entry");
static_assert(sizeof(struct nvmf_discovery_log) == 1024, "discovery log header");

/* What is at an address. */
struct np_disc_subsys {
	uint8_t subtype;
	uint16_t eflags;
	uint16_t cntlid;
	const char *nqn;
};

static void np_discovery_put(struct np_disc_writer *writer, const struct np_disc_addr *addr,
	const struct np_disc_subsys *subsys)
{
	struct nvmf_disc_log_entry entry = {
		.trtype = addr->trtype,
		.adrfam = addr->adrfam,
		.subtype = subsys->subtype,
		/* Ours can do without SQ flow control; of others we know what we were told. */
		.treq = (uint8_t)(addr->treq |
			(subsys->subtype == NP_SUBTYPE_REFERRAL ? 0 : NVMF_TREQ_DISABLE_SQFLOW)),
		.portid = np_le16(addr->portid),
		.cntlid = np_le16(subsys->cntlid),
		.asqsz = np_le16(NP_DISCOVERY_ASQSZ),
		.eflags = np_le16(subsys->eflags),
	};

	if (addr->trtype == NVMF_TRTYPE_RDMA) {
		entry.tsas.rdma.qptype = NVMF_RDMA_QPTYPE_CONNECTED;
		/* Which RDMA it is, the RNIC of the host knows better. */
		entry.tsas.rdma.prtype = NVMF_RDMA_PRTYPE_NOT_SPECIFIED;
		entry.tsas.rdma.cms = NVMF_RDMA_CMS_RDMA_CM;
	}
	np_identify_put_text(entry.trsvcid, sizeof(entry.trsvcid), addr->trsvcid);
	np_identify_put_text(entry.traddr, sizeof(entry.traddr), addr->traddr);
	strncpy(entry.subnqn, subsys->nqn, sizeof(entry.subnqn) - 1);
	np_window_put(writer->window,
		sizeof(struct nvmf_discovery_log) + writer->nrecords * sizeof(entry), &entry,
		sizeof(entry));
	writer->nrecords++;
}

static uint8_t np_discovery_adrfam(bool is_ipv6)
{
	return is_ipv6 ? NVMF_ADDR_FAMILY_IP6 : NVMF_ADDR_FAMILY_IP4;
}

static bool np_discovery_is_wildcard(const char *traddr)
{
	return !strcmp(traddr, "0.0.0.0") || !strcmp(traddr, "::");
}

/* Return: false if @port has no address that this host could use. */
static bool np_discovery_addr_of(const struct np_port *port, const struct np_port *via,
	const char *local_addr, struct np_disc_addr *ret_addr)
{
	const bool local_is_ipv6 = strchr(local_addr, ':');

	*ret_addr = (struct np_disc_addr){port->portid, port->traddr, port->trsvcid,
		NVMF_TRTYPE_RDMA, np_discovery_adrfam(port->is_ipv6), port->treq};
	if (!np_discovery_is_wildcard(port->traddr))
		return true;
	/* The host came through @via, so its address is one of @via whatever the family. */
	if (port != via && port->is_ipv6 != local_is_ipv6)
		return false;
	ret_addr->traddr = local_addr;
	ret_addr->adrfam = np_discovery_adrfam(local_is_ipv6);
	return true;
}

static void np_discovery_put_referrals(struct np_disc_writer *writer, const struct np_port *via)
{
	const struct np_list *pos;

	np_list_for_each(pos, &via->referrals) {
		const struct np_referral *referral =
			np_container_of(pos, const struct np_referral, link);
		const struct np_disc_addr addr = {referral->portid, referral->traddr,
			referral->trsvcid, referral->trtype, referral->adrfam, referral->treq};

		np_discovery_put(writer, &addr,
			&(struct np_disc_subsys){
				NP_SUBTYPE_REFERRAL, 0, NP_CNTLID_DYNAMIC, NP_DISCOVERY_NQN});
	}
}

/* Those of @port that the host may connect to. */
static void np_discovery_put_subsystems(struct np_disc_writer *writer, const struct np_port *port,
	const struct np_disc_addr *addr, const char *hostnqn)
{
	for (unsigned int i = 0; i < port->nsubsys; i++) {
		const struct np_subsys *subsys = port->subsys[i];
		const uint16_t cntlid =
			subsys->has_static_ctrls ? NP_CNTLID_ANY_STATIC : NP_CNTLID_DYNAMIC;

		if (np_subsys_allows(subsys, hostnqn))
			np_discovery_put(writer, addr,
				&(struct np_disc_subsys){NP_SUBTYPE_NVM, 0, cntlid, subsys->nqn});
	}
}

uint64_t np_discovery_write(const struct np_target *target, const struct np_port *via,
	const char *hostnqn, const char *local_addr, bool is_local, const struct np_window *window)
{
	struct np_disc_writer writer = {window, 0};
	struct nvmf_discovery_log header = {0};
	struct np_disc_addr addr;

	header.genctr = htole64(np_stat_read(&target->genctr));
	if (np_discovery_addr_of(via, via, local_addr, &addr))
		np_discovery_put(&writer, &addr,
			&(struct np_disc_subsys){NP_SUBTYPE_CURRENT, NVMF_DISC_EFLAGS_EPCSD,
				NP_CNTLID_DYNAMIC, target->discovery->nqn});
	for (unsigned int p = 0; p < target->nports; p++) {
		const struct np_port *port = target->ports[p];

		/* Whoever went there would find nobody. */
		if (port->state != NP_PORT_LISTENING || (is_local && port != via))
			continue;
		if (!np_discovery_addr_of(port, via, local_addr, &addr))
			continue;
		np_discovery_put_subsystems(&writer, port, &addr, hostnqn);
	}
	if (!is_local)
		np_discovery_put_referrals(&writer, via);
	header.numrec = htole64(writer.nrecords);
	np_window_put(window, 0, &header, sizeof(header));
	return sizeof(header) + writer.nrecords * sizeof(struct nvmf_disc_log_entry);
}
