// SPDX-License-Identifier: BSD-3-Clause
/*
 * property.c - the properties of a controller, which other transports have as registers.
 *
 * Thread: the reactor of req->queue; functions marked "control" on the control thread.
 * Depends: ctrl.h, registry.h.
 */
#include "target/nvme/property.h"

#include <string.h>

#include "target/base/event.h"
#include "target/base/le.h"
#include "target/nvme/ctrl.h"
#include "target/nvme/registry.h"

/* One property that exists. Spec: NVM Express Base 2.0, 3.1.3 and Figure 35 (fabrics). */
struct np_property {
	uint64_t (*get)(const struct np_ctrl *ctrl);
	/* NULL: read-only. Answers the command. */
	void (*set)(struct np_req *req, uint32_t value);
	uint32_t offset;
	uint8_t size_code;                   /* 0: 4 bytes, 1: 8 bytes */
	bool get_with_reset, set_with_reset; /* only where a host may reset the subsystem */
};

static uint64_t np_property_cap(const struct np_ctrl *ctrl)
{
	return ctrl->cap;
}

static uint64_t np_property_vs(const struct np_ctrl *ctrl)
{
	(void)ctrl;
	return NP_CTRL_VERSION;
}

static uint64_t np_property_cc(const struct np_ctrl *ctrl)
{
	return atomic_load_explicit(&ctrl->cc, memory_order_relaxed);
}

static uint64_t np_property_csts(const struct np_ctrl *ctrl)
{
	return atomic_load_explicit(&ctrl->csts, memory_order_acquire);
}

static uint64_t np_property_crto(const struct np_ctrl *ctrl)
{
	(void)ctrl;
	return NP_CTRL_READY_TIMEOUT;
}

static uint64_t np_property_nssr(const struct np_ctrl *ctrl)
{
	(void)ctrl;
	return 0;
}

static void np_property_set_cc(struct np_req *req, uint32_t value)
{
	np_ctrl_set_cc(req->queue->ctrl, value);
	np_req_complete(req, NP_SUCCESS);
}

/* ---- a reset of the subsystem ------------------------------------------------------------- */

/* One bit can be written: that a reset of the subsystem has occurred is taken note of. */
static void np_property_set_csts(struct np_req *req, uint32_t value)
{
	if (value & NP_CSTS_NSSRO)
		atomic_fetch_and(&req->queue->ctrl->csts, ~NP_CSTS_NSSRO);
	np_req_complete(req, NP_SUCCESS);
}

static void np_property_disconnect(void *ctx, struct np_ctrl *ctrl)
{
	const struct np_queue *queue = ctx;

	if (ctrl->subsys == queue->attached->subsys && ctrl != queue->attached)
		np_registry_disconnect(ctrl, "another host has reset the subsystem");
}

/* Back on the reactor: the controller of who asked for it is reset as by CC.EN. */
static void np_property_was_reset(struct np_msg *msg)
{
	struct np_req *req = np_container_of(msg, struct np_req, msg);
	struct np_ctrl *ctrl = req->queue->ctrl;

	np_ctrl_set_cc(ctrl, 0);
	atomic_fetch_or(&ctrl->csts, NP_CSTS_NSSRO);
	np_req_complete(req, NP_SUCCESS);
}

/* Control. */
static void np_property_reset_subsys(struct np_msg *msg)
{
	struct np_req *req = np_container_of(msg, struct np_req, msg);
	const struct np_ctrl *ctrl = req->queue->attached;
	char host[NP_NQN_BYTES];

	np_log_escape(host, sizeof(host), ctrl->hostnqn, sizeof(ctrl->hostnqn));
	np_event(NP_EVENT_HOST, NP_LOG_WARN, "ctrl %u: host '%s' resets subsystem %s", ctrl->cntlid,
		host, ctrl->subsys->nqn);
	np_registry_each(np_property_disconnect, req->queue);
	np_registry_reply(req, NP_SUCCESS, np_property_was_reset);
}

/* Spec: NVM Express Base 2.0, 3.1.3.8 and 3.7.1. */
static void np_property_set_nssr(struct np_req *req, uint32_t value)
{
	if (value == NP_NSSR_RESET)
		np_registry_ask(req, np_property_reset_subsys);
	else
		np_req_complete(req, NP_SUCCESS);
}

/* ---- the commands ------------------------------------------------------------------------- */

static const struct np_property np_properties[] = {
	{.offset = NVME_REG_CAP, .size_code = 1, .get = np_property_cap},
	{.offset = NVME_REG_VS, .get = np_property_vs},
	{.offset = NVME_REG_CC, .get = np_property_cc, .set = np_property_set_cc},
	{.offset = NVME_REG_CSTS,
		.get = np_property_csts,
		.set = np_property_set_csts,
		.set_with_reset = true},
	{.offset = NVME_REG_NSSR,
		.get = np_property_nssr,
		.set = np_property_set_nssr,
		.get_with_reset = true,
		.set_with_reset = true},
	{.offset = NVME_REG_CRTO, .get = np_property_crto},
};

/* Return: NULL if @cmd names no property that can be read, or set. */
static const struct np_property *np_property_find(
	const struct np_ctrl *ctrl, const struct np_prop_cmd *cmd, bool is_set)
{
	for (size_t i = 0; i < sizeof(np_properties) / sizeof(np_properties[0]); i++) {
		const struct np_property *property = &np_properties[i];

		if (property->offset != np_le32(cmd->ofst) || (is_set && !property->set))
			continue;
		if (ctrl->subsys->may_be_reset ||
			!(is_set ? property->set_with_reset : property->get_with_reset))
			return property;
	}
	return NULL;
}

struct np_status np_property_check(struct np_req *req, uint32_t *ret_bytes)
{
	const bool is_set = req->sqe.fabrics.fctype == nvme_fabrics_type_property_set;
	const struct np_property *property;
	struct np_prop_cmd cmd;

	memcpy(&cmd, &req->sqe.cdw10, sizeof(cmd));
	property = np_property_find(req->queue->ctrl, &cmd, is_set);
	if (!property)
		return np_req_bad(req, NP_SQE_OFFSET(struct np_prop_cmd, ofst), 0,
			np_status_generic(NVME_SC_INVALID_FIELD));
	if ((cmd.attrib & 7) != property->size_code)
		return np_req_bad(req, NP_SQE_OFFSET(struct np_prop_cmd, attrib), 0,
			np_status_generic(NVME_SC_INVALID_FIELD));
	*ret_bytes = 0;
	return NP_SUCCESS;
}

void np_property_get(struct np_req *req)
{
	const struct np_ctrl *ctrl = req->queue->ctrl;
	struct np_prop_cmd cmd;

	memcpy(&cmd, &req->sqe.cdw10, sizeof(cmd));
	req->cqe.dw0_1 = htole64(np_property_find(ctrl, &cmd, false)->get(ctrl));
	np_req_complete(req, NP_SUCCESS);
}

void np_property_set(struct np_req *req)
{
	struct np_prop_cmd cmd;

	memcpy(&cmd, &req->sqe.cdw10, sizeof(cmd));
	np_property_find(req->queue->ctrl, &cmd, true)->set(req, (uint32_t)np_le64(cmd.value));
}
