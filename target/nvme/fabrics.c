// SPDX-License-Identifier: BSD-3-Clause
/*
 * fabrics.c - the Fabrics command set.
 *
 * Thread: the reactor of req->queue; np_connect_parse() is pure.
 * Depends: ctrl.h, registry.h.
 */
#include "target/nvme/fabrics.h"

#include <string.h>

#include "target/base/le.h"
#include "target/nvme/ctrl.h"
#include "target/nvme/registry.h"

/* Offset in the SQE of a field of struct np_connect_cmd or np_prop_cmd. */
#define NP_SQE_OFFSET(type, member) \
	((uint16_t)(offsetof(struct np_sqe, cdw10) + offsetof(type, member)))

static_assert(sizeof(struct nvmf_connect_data) == 1024, "connect data");

/* Copies an NQN field. Return: false if it is empty, too long, or does not end. */
static bool np_connect_copy_nqn(char dst[NP_NQN_BYTES], const char *src, size_t src_bytes)
{
	const size_t len = strnlen(src, src_bytes);

	if (!len || len >= NP_NQN_BYTES)
		return false;
	memcpy(dst, src, len);
	dst[len] = '\0';
	return true;
}

struct np_status np_connect_parse(const struct np_sqe *sqe, const void *data, uint32_t data_bytes,
	struct np_connect *ret_connect, struct np_connect_fault *ret_fault)
{
	const struct np_status invalid = np_status_specific(NVME_SC_CONNECT_INVALID_PARAM);
	struct np_connect connect = {0};
	struct nvmf_connect_data in;
	struct np_connect_cmd cmd;

	memcpy(&cmd, &sqe->cdw10, sizeof(cmd));
	if (np_le16(cmd.recfmt) != 0)
		return np_status_specific(NVME_SC_CONNECT_FORMAT);
	if (data_bytes != sizeof(in))
		return np_status_generic(NVME_SC_SGL_INVALID_DATA);
	memcpy(&in, data, sizeof(in));

	connect.qid = np_le16(cmd.qid);
	connect.entries = np_le16(cmd.sqsize_0b) + 1u;
	connect.no_sq_flow = cmd.cattr & NP_CATTR_NO_SQ_FLOW;
	connect.kato_ms = np_le32(cmd.kato_ms);
	connect.cntlid = np_le16(in.cntlid);
	memcpy(connect.hostid, in.hostid, sizeof(connect.hostid));

	*ret_fault = (struct np_connect_fault){
		.offset = NP_SQE_OFFSET(struct np_connect_cmd, sqsize_0b)};
	if (connect.entries < NP_MIN_QUEUE_DEPTH || connect.entries > NP_MAX_QUEUE_DEPTH)
		return invalid;
	ret_fault->in_data = true;
	ret_fault->offset = offsetof(struct nvmf_connect_data, subsysnqn);
	if (!np_connect_copy_nqn(connect.subnqn, in.subsysnqn, sizeof(in.subsysnqn)))
		return invalid;
	ret_fault->offset = offsetof(struct nvmf_connect_data, hostnqn);
	if (!np_connect_copy_nqn(connect.hostnqn, in.hostnqn, sizeof(in.hostnqn)))
		return invalid;
	*ret_connect = connect;
	return NP_SUCCESS;
}

struct np_status np_connect_refuse(struct np_req *req, struct np_connect_fault fault)
{
	req->cqe.connect_error.ipo = np_le16(fault.offset);
	req->cqe.connect_error.iattr = fault.in_data;
	if (!fault.in_data)
		req->error_loc = fault.offset;
	return np_status_specific(NVME_SC_CONNECT_INVALID_PARAM);
}

struct np_status np_fabrics_check_connect(struct np_req *req, uint32_t *ret_bytes)
{
	struct np_connect_cmd cmd;

	memcpy(&cmd, &req->sqe.cdw10, sizeof(cmd));
	/* The length of the data is known only once the format is. */
	if (np_le16(cmd.recfmt) != 0)
		return np_req_bad(req, NP_SQE_OFFSET(struct np_connect_cmd, recfmt), 0,
			np_status_specific(NVME_SC_CONNECT_FORMAT));
	*ret_bytes = sizeof(struct nvmf_connect_data);
	return NP_SUCCESS;
}

void np_fabrics_connect(struct np_req *req)
{
	/* Here and not in the check: several may have passed it while their data was fetched. */
	if (req->queue->state != NP_QUEUE_NEW) {
		np_req_complete(req, np_status_generic(NVME_SC_CMD_SEQ_ERROR));
		return;
	}
	np_registry_connect(req);
}

/* One property that exists. Spec: NVM Express Base 2.0, 3.1.3 and Figure 35 (fabrics). */
struct np_property {
	uint32_t offset;
	uint8_t size_code; /* 0: 4 bytes, 1: 8 bytes */
	uint64_t (*get)(const struct np_ctrl *ctrl);
	void (*set)(struct np_ctrl *ctrl, uint32_t value); /* NULL: read-only */
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

static const struct np_property np_properties[] = {
	{NVME_REG_CAP, 1, np_property_cap, NULL},
	{NVME_REG_VS, 0, np_property_vs, NULL},
	{NVME_REG_CC, 0, np_property_cc, np_ctrl_set_cc},
	{NVME_REG_CSTS, 0, np_property_csts, NULL},
	{NVME_REG_CRTO, 0, np_property_crto, NULL},
};

/* Return: NULL if @cmd names no property that we have. */
static const struct np_property *np_property_find(const struct np_prop_cmd *cmd)
{
	for (size_t i = 0; i < sizeof(np_properties) / sizeof(np_properties[0]); i++)
		if (np_properties[i].offset == np_le32(cmd->ofst))
			return &np_properties[i];
	return NULL;
}

struct np_status np_fabrics_check_property(struct np_req *req, uint32_t *ret_bytes)
{
	const bool is_set = req->sqe.fabrics.fctype == nvme_fabrics_type_property_set;
	const struct np_property *property;
	struct np_prop_cmd cmd;

	memcpy(&cmd, &req->sqe.cdw10, sizeof(cmd));
	property = np_property_find(&cmd);
	if (!property || (is_set && !property->set))
		return np_req_bad(req, NP_SQE_OFFSET(struct np_prop_cmd, ofst), 0,
			np_status_generic(NVME_SC_INVALID_FIELD));
	if ((cmd.attrib & 7) != property->size_code)
		return np_req_bad(req, NP_SQE_OFFSET(struct np_prop_cmd, attrib), 0,
			np_status_generic(NVME_SC_INVALID_FIELD));
	*ret_bytes = 0;
	return NP_SUCCESS;
}

void np_fabrics_property_get(struct np_req *req)
{
	struct np_prop_cmd cmd;

	memcpy(&cmd, &req->sqe.cdw10, sizeof(cmd));
	req->cqe.dw0_1 = htole64(np_property_find(&cmd)->get(req->queue->ctrl));
	np_req_complete(req, NP_SUCCESS);
}

void np_fabrics_property_set(struct np_req *req)
{
	struct np_prop_cmd cmd;

	memcpy(&cmd, &req->sqe.cdw10, sizeof(cmd));
	np_property_find(&cmd)->set(req->queue->ctrl, (uint32_t)np_le64(cmd.value));
	np_req_complete(req, NP_SUCCESS);
}
