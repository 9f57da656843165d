// SPDX-License-Identifier: BSD-3-Clause
/*
 * connect.c - the Connect command: what it says, and whether it may be asked for.
 *
 * Thread: the reactor of req->queue; np_connect_parse() is pure.
 * Depends: ctrl.h, registry.h.
 */
#include "target/nvme/connect.h"

#include <string.h>

#include "target/base/le.h"
#include "target/nvme/ctrl.h"
#include "target/nvme/registry.h"

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

struct np_status np_connect_refuse_cntlid(struct np_req *req)
{
	return np_connect_refuse(
		req, (struct np_connect_fault){offsetof(struct nvmf_connect_data, cntlid), true});
}

struct np_status np_connect_check(struct np_req *req, uint32_t *ret_bytes)
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

void np_connect_execute(struct np_req *req)
{
	/* Here and not in the check: several may have passed it while their data was fetched. */
	if (req->queue->state != NP_QUEUE_NEW) {
		np_req_complete(req, np_status_generic(NVME_SC_CMD_SEQ_ERROR));
		return;
	}
	np_registry_connect(req);
}
