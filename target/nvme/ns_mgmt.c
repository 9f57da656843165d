// SPDX-License-Identifier: BSD-3-Clause
/*
 * ns_mgmt.c - Namespace Management and Namespace Attachment: hosts that create namespaces.
 *
 * What a command says is judged here; what it does is the manager's, on the control thread.
 *
 * Thread: the reactor of req->queue; functions marked "control" on the control thread.
 * Depends: ctrl.h, registry.h.
 */
#include "target/nvme/ns_mgmt.h"

#include <stdlib.h>
#include <string.h>

#include "target/base/le.h"
#include "target/nvme/ctrl.h"
#include "target/nvme/registry.h"

static_assert(sizeof(struct nvme_ctrl_list) == NVME_IDENTIFY_DATA_SIZE, "controller list");

static struct np_manager *np_mgmt_manager(const struct np_req *req)
{
	return atomic_load_explicit(&req->queue->ctrl->subsys->manager, memory_order_relaxed);
}

static uint32_t np_mgmt_select(const struct np_req *req)
{
	return np_le32(req->sqe.cdw10) & 0xf;
}

/* ---- Namespace Management ----------------------------------------------------------------- */

struct np_status np_ns_mgmt_check(struct np_req *req, uint32_t *ret_bytes)
{
	if (!np_mgmt_manager(req))
		return np_req_bad_opcode(req);
	switch (np_mgmt_select(req)) {
	case NVME_NS_MGMT_SEL_CREATE:
		if (np_le32(req->sqe.cdw11) >> 24 != NVME_CSI_NVM)
			return np_req_bad(req, offsetof(struct np_sqe, cdw11) + 3, 0,
				np_status_specific(NVME_SC_IOCS_NOT_SUPPORTED));
		*ret_bytes = NVME_IDENTIFY_DATA_SIZE;
		return NP_SUCCESS;
	case NVME_NS_MGMT_SEL_DELETE:
		return req->sqe.nsid ? NP_SUCCESS : np_req_bad_nsid(req);
	default:
		return np_req_bad_field(req, cdw10, 0);
	}
}

/*
 * One format, without metadata or protection, no sets and no groups of endurance. The data has its fields
 * where Identify Namespace has them.
 */
static struct np_status np_mgmt_parse(const struct nvme_id_ns *data, struct np_ns_wish *ret_wish)
{
	const uint64_t nsze = np_le64(data->nsze), ncap = np_le64(data->ncap);
	const uint32_t group = np_le32(data->anagrpid);

	if (ncap < nsze)
		return np_status_specific(NVME_SC_THIN_PROV_NOT_SUPP);
	if (!nsze || ncap > nsze || data->nmic & ~(uint8_t)NVME_NS_NMIC_SHARED || data->dps ||
		data->nvmsetid || data->endgid)
		return np_status_generic(NVME_SC_INVALID_FIELD);
	if (data->flbas)
		return np_status_specific(NVME_SC_INVALID_FORMAT);
	if (group > NP_ANA_GROUPS)
		return np_status_specific(NVME_SC_ANA_GROUP_ID_INVALID);
	*ret_wish = (struct np_ns_wish){
		.nblocks = nsze,
		.ana_group = group ? group : 1, /* 0: as the controller likes */
		.is_private = !(data->nmic & NVME_NS_NMIC_SHARED),
	};
	return NP_SUCCESS;
}

/* Control. */
static struct np_status np_mgmt_create(
	struct np_req *req, struct np_manager *manager, struct np_subsys *subsys)
{
	struct nvme_id_ns data;
	struct np_ns_wish wish;
	struct np_status status;
	uint32_t nsid;

	memcpy(&data, req->va, sizeof(data));
	status = np_mgmt_parse(&data, &wish);
	if (np_status_is_ok(status))
		status = manager->create(manager, subsys, &wish, &nsid);
	if (np_status_is_ok(status))
		req->cqe.dw0 = np_le32(nsid);
	return status;
}

/* Control. */
static void np_mgmt_manage(struct np_msg *msg)
{
	struct np_req *req = np_container_of(msg, struct np_req, msg);
	struct np_subsys *subsys = req->queue->attached->subsys;
	struct np_manager *manager = atomic_load(&subsys->manager);
	struct np_status status;

	if (!manager)
		status = np_req_bad_opcode(req);
	else if (np_mgmt_select(req) == NVME_NS_MGMT_SEL_CREATE)
		status = np_mgmt_create(req, manager, subsys);
	else
		status = manager->remove(manager, subsys, np_le32(req->sqe.nsid));
	np_registry_reply(req, status, NULL);
}

void np_ns_mgmt_execute(struct np_req *req)
{
	np_registry_ask(req, np_mgmt_manage);
}

/* ---- Namespace Attachment ----------------------------------------------------------------- */

struct np_status np_ns_attach_check(struct np_req *req, uint32_t *ret_bytes)
{
	const uint32_t nsid = np_le32(req->sqe.nsid);

	if (!np_mgmt_manager(req))
		return np_req_bad_opcode(req);
	if (np_mgmt_select(req) > NVME_NS_ATTACH_SEL_CTRL_DEATTACH)
		return np_req_bad_field(req, cdw10, 0);
	if (nsid == NVME_NSID_NONE || nsid > req->queue->ctrl->subsys->nn)
		return np_req_bad_nsid(req);
	*ret_bytes = NVME_IDENTIFY_DATA_SIZE;
	return NP_SUCCESS;
}

/* The hosts of the controllers that a list names. */
struct np_mgmt_hosts {
	const struct np_subsys *subsys;
	struct nvme_ctrl_list list;
	unsigned int ncontrollers; /* of the list that are there */
	unsigned int count;
	const char *nqns[NVME_ID_CTRL_LIST_MAX];
};

static bool np_mgmt_has_host(const struct np_mgmt_hosts *hosts, const char *nqn)
{
	for (unsigned int i = 0; i < hosts->count; i++) {
		if (!strcmp(hosts->nqns[i], nqn))
			return true;
	}
	return false;
}

/* Control. */
static void np_mgmt_add_host(void *ctx, struct np_ctrl *ctrl)
{
	struct np_mgmt_hosts *hosts = ctx;

	if (ctrl->subsys != hosts->subsys)
		return;
	for (unsigned int i = 0; i < np_le16(hosts->list.num); i++) {
		if (np_le16(hosts->list.identifier[i]) != ctrl->cntlid)
			continue;
		hosts->ncontrollers++;
		if (!np_mgmt_has_host(hosts, ctrl->hostnqn))
			hosts->nqns[hosts->count++] = ctrl->hostnqn;
		return;
	}
}

/* Control. A controller that is named twice, or is not there, makes the list an invalid one. */
static struct np_status np_mgmt_attach_hosts(
	struct np_req *req, struct np_manager *manager, struct np_mgmt_hosts *hosts)
{
	const bool is_attached = np_mgmt_select(req) == NVME_NS_ATTACH_SEL_CTRL_ATTACH;
	struct np_subsys *subsys = req->queue->attached->subsys;
	uint16_t count;

	memcpy(&hosts->list, req->va, sizeof(hosts->list));
	count = np_le16(hosts->list.num);
	hosts->subsys = subsys;
	if (count <= NVME_ID_CTRL_LIST_MAX)
		np_registry_each(np_mgmt_add_host, hosts);
	if (!count || hosts->ncontrollers != count)
		return np_status_specific(NVME_SC_CTRL_LIST_INVALID);
	return manager->attach(
		manager, subsys, np_le32(req->sqe.nsid), hosts->nqns, hosts->count, is_attached);
}

/* Control. */
static void np_mgmt_attach(struct np_msg *msg)
{
	struct np_req *req = np_container_of(msg, struct np_req, msg);
	struct np_manager *manager = atomic_load(&req->queue->attached->subsys->manager);
	struct np_mgmt_hosts *hosts = calloc(1, sizeof(*hosts));
	struct np_status status = np_status_retryable(np_status_generic(NVME_SC_INTERNAL));

	if (!manager)
		status = np_req_bad_opcode(req);
	else if (hosts)
		status = np_mgmt_attach_hosts(req, manager, hosts);
	free(hosts);
	np_registry_reply(req, status, NULL);
}

void np_ns_attach_execute(struct np_req *req)
{
	np_registry_ask(req, np_mgmt_attach);
}
