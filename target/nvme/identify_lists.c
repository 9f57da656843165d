// SPDX-License-Identifier: BSD-3-Clause
/*
 * identify_lists.c - Identify: lists of namespaces, and of controllers, of which the control thread knows.
 *
 * Thread: the reactor of req->queue; functions marked "control" on the control thread.
 * Depends: ctrl.h, registry.h.
 */
#include "target/nvme/identify_lists.h"

#include <string.h>

#include "target/base/le.h"
#include "target/nvme/ctrl.h"
#include "target/nvme/registry.h"
#include "target/nvme/zoned.h"

static_assert(sizeof(struct nvme_ctrl_list) == 4096, "controller list");

/* ---- namespaces --------------------------------------------------------------------------- */

/* Namespaces of @view above the command's NSID, of one command set or, by -1, of all. */
static struct np_status np_identify_list_view(
	struct np_req *req, const struct np_view *view, uint8_t *data, int csi)
{
	const uint32_t after = np_le32(req->sqe.nsid);
	struct nvme_ns_list *list = (void *)data;
	unsigned int n = 0;

	if (after >= NVME_NSID_ALL - 1)
		return np_req_bad_nsid(req);
	for (unsigned int i = 0; i < view->nns && n < NVME_ID_NS_LIST_MAX; i++)
		if (view->ns[i]->nsid > after && (csi < 0 || np_ns_csi(view->ns[i]) == csi) &&
			np_ns_is_allocated(req->queue->ctrl, view->ns[i]))
			list->ns[n++] = np_le32(view->ns[i]->nsid);
	return NP_SUCCESS;
}

static struct np_status np_identify_namespaces(struct np_req *req, uint8_t *data, int csi)
{
	return np_identify_list_view(req, np_ctrl_view(req->queue->ctrl), data, csi);
}

struct np_status np_identify_allocated_list(struct np_req *req, uint8_t *data)
{
	return np_identify_list_view(req, np_subsys_view(req->queue->ctrl->subsys), data, -1);
}

struct np_status np_identify_ns_list(struct np_req *req, uint8_t *data)
{
	return np_identify_namespaces(req, data, -1);
}

struct np_status np_identify_nvm_list(struct np_req *req, uint8_t *data)
{
	return np_identify_namespaces(req, data, NVME_CSI_NVM);
}

struct np_status np_identify_zoned_list(struct np_req *req, uint8_t *data)
{
	return np_identify_namespaces(req, data, NVME_CSI_ZNS);
}

/* Any number of blocks, of which there is one size. */
struct np_status np_identify_granularity(struct np_req *req, uint8_t *data)
{
	const struct np_capacity *capacity = &req->queue->ctrl->subsys->capacity;
	struct nvme_id_ns_granularity_list *list = (void *)data;

	list->entry[0].nszegran = list->entry[0].ncapgran =
		htole64(atomic_load(&capacity->block_bytes));
	return NP_SUCCESS;
}

/* ---- controllers -------------------------------------------------------------------------- */

/* Controller ids, a bit each: they come in any order, and go out in theirs. */
struct np_ctrl_set {
	const struct np_subsys *subsys;
	uint32_t nsid; /* only those that have it; 0: all */
	uint8_t bits[(NP_CNTLID_MAX + 1) / 8 + 1];
};

/* Control. */
static void np_ctrl_set_add(void *ctx, struct np_ctrl *ctrl)
{
	struct np_ctrl_set *set = ctx;

	if (ctrl->subsys == set->subsys &&
		(!set->nsid || np_view_find(np_ctrl_view(ctrl), set->nsid)))
		set->bits[ctrl->cntlid / 8] |= (uint8_t)(1u << ctrl->cntlid % 8);
}

/* Control. */
static void np_identify_list(struct np_msg *msg)
{
	struct np_req *req = np_container_of(msg, struct np_req, msg);
	const uint32_t cdw10 = np_le32(req->sqe.cdw10), from = cdw10 >> 16;
	struct np_ctrl_set set = {.subsys = req->queue->attached->subsys};
	struct nvme_ctrl_list list = {0};
	uint16_t n = 0;

	if ((uint8_t)cdw10 == NVME_IDENTIFY_CNS_NS_CTRL_LIST)
		set.nsid = np_le32(req->sqe.nsid);
	np_registry_each(np_ctrl_set_add, &set);
	for (uint32_t id = from; id <= NP_CNTLID_MAX && n < NVME_ID_CTRL_LIST_MAX; id++) {
		if (set.bits[id / 8] >> id % 8 & 1)
			list.identifier[n++] = np_le16((uint16_t)id);
	}
	list.num = np_le16(n);
	memcpy(req->va, &list, sizeof(list));
	np_registry_reply(req, NP_SUCCESS, NULL);
}

void np_identify_all_ctrls(struct np_req *req)
{
	np_registry_ask(req, np_identify_list);
}

void np_identify_ns_ctrls(struct np_req *req)
{
	const uint32_t nsid = np_le32(req->sqe.nsid);

	if (nsid == NVME_NSID_ALL)
		np_req_complete(req, np_req_bad_field(req, nsid, 0));
	else if (nsid == NVME_NSID_NONE || nsid > req->queue->ctrl->subsys->nn)
		np_req_complete(req, np_req_bad_nsid(req));
	else
		np_identify_all_ctrls(req);
}
