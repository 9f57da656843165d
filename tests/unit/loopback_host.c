// SPDX-License-Identifier: BSD-3-Clause
/*
 * loopback_host.c - the host's side of the loopback world: builds and sends commands.
 *
 * Thread: the test's.
 * Depends: loopback.h, cmocka.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "loopback.h"
#include "target/base/le.h"

struct np_sqe np_lb_sqe(uint8_t opcode, uint32_t nsid)
{
	struct np_sqe sqe = {0};

	sqe.opcode = opcode;
	sqe.flags = NP_SQE_PSDT_SGL;
	sqe.nsid = np_le32(nsid);
	return sqe;
}

static struct np_sqe np_lb_fabrics_sqe(uint8_t fctype)
{
	struct np_sqe sqe = np_lb_sqe(NP_OPCODE_FABRICS, 0);

	sqe.fabrics.fctype = fctype;
	return sqe;
}

struct np_lb_slot *np_lb_send_data(struct np_lb_conn *conn, struct np_sqe sqe,
	const struct np_data *data, void *icd, struct np_status sgl_status)
{
	struct np_lb_slot *slot = NULL;

	for (unsigned int i = 0; i < NP_LB_DEPTH && !slot; i++)
		if (!conn->slots[i].is_used || conn->slots[i].releases)
			slot = &conn->slots[i];
	assert_non_null(slot);
	slot->is_used = true;
	slot->answers = slot->releases = 0;
	slot->req.queue = &conn->queue;
	slot->req.data = *data;
	sqe.cid = np_le16((uint16_t)(0x100 + (slot - conn->slots)));
	np_req_begin(&slot->req, &sqe, icd, sgl_status);
	return slot;
}

struct np_lb_slot *np_lb_send(struct np_lb_conn *conn, struct np_sqe sqe, void *buf, uint32_t bytes)
{
	struct np_data data = {0};

	if (bytes) {
		data.kind = NP_DATA_KEYED;
		data.bytes = bytes;
		data.nsegs = 1;
		data.segs[0] = (struct np_sgl_seg){.addr = (uintptr_t)buf, .bytes = bytes};
	}
	return np_lb_send_data(conn, sqe, &data, NULL, NP_SUCCESS);
}

struct np_cqe np_lb_exec(struct np_lb_conn *conn, struct np_sqe sqe, void *buf, uint32_t bytes)
{
	struct np_lb_slot *slot = np_lb_send(conn, sqe, buf, bytes);
	const uint16_t cid = slot->req.sqe.cid;

	np_lb_pump(conn->lb);
	assert_int_equal(slot->answers, 1);
	assert_int_equal(slot->releases, 1);
	assert_int_equal(slot->cqe.cid, cid);
	assert_int_equal(slot->cqe.status & 1, 0);
	return slot->cqe;
}

void np_lb_assert_status(struct np_cqe cqe, struct np_status want)
{
	const struct np_status status = np_lb_status(cqe);

	if (!np_status_is(status, want))
		fail_msg("status is %s (%#x), not %s (%#x)", np_status_name(status), status.field,
			np_status_name(want), want.field);
}

struct np_sqe np_lb_connect_sqe(uint16_t qid)
{
	struct np_sqe sqe = np_lb_fabrics_sqe(nvme_fabrics_type_connect);
	const struct np_connect_cmd cmd = {
		.qid = np_le16(qid),
		.sqsize_0b = np_le16(NP_LB_DEPTH - 1),
	};

	memcpy(&sqe.cdw10, &cmd, sizeof(cmd));
	return sqe;
}

void np_lb_connect_data(
	struct nvmf_connect_data *data, const char *subnqn, const char *hostnqn, uint16_t cntlid)
{
	memset(data, 0, sizeof(*data));
	memset(data->hostid, 0x5a, sizeof(data->hostid));
	data->cntlid = np_le16(cntlid);
	strncpy(data->subsysnqn, subnqn, sizeof(data->subsysnqn) - 1);
	strncpy(data->hostnqn, hostnqn, sizeof(data->hostnqn) - 1);
}

struct np_lb_conn *np_lb_connect_admin(struct np_lb *lb, const char *subnqn, bool is_enabled)
{
	struct np_lb_conn *conn = np_lb_conn_new(lb, 0, NP_LB_DEPTH);
	struct nvmf_connect_data data;

	np_lb_connect_data(&data, subnqn, NP_LB_HOSTNQN, 0xffff);
	np_lb_assert_status(
		np_lb_exec(conn, np_lb_connect_sqe(0), &data, sizeof(data)), NP_SUCCESS);
	assert_int_equal(conn->queue.state, NP_QUEUE_LIVE);
	if (is_enabled)
		np_lb_assert_status(np_lb_property_set(conn, NVME_REG_CC, 0, 0x460001), NP_SUCCESS);
	return conn;
}

struct np_lb_conn *np_lb_connect_io(struct np_lb *lb, struct np_lb_conn *admin, uint16_t qid)
{
	struct np_lb_conn *conn = np_lb_conn_new(lb, qid, NP_LB_DEPTH);
	const struct np_ctrl *ctrl = admin->queue.ctrl;
	struct nvmf_connect_data data;

	np_lb_connect_data(&data, ctrl->subsys->nqn, NP_LB_HOSTNQN, ctrl->cntlid);
	np_lb_assert_status(
		np_lb_exec(conn, np_lb_connect_sqe(qid), &data, sizeof(data)), NP_SUCCESS);
	return conn;
}

struct np_cqe np_lb_property_get(struct np_lb_conn *conn, uint32_t offset, uint8_t size_code)
{
	struct np_sqe sqe = np_lb_fabrics_sqe(nvme_fabrics_type_property_get);
	const struct np_prop_cmd cmd = {.attrib = size_code, .ofst = np_le32(offset)};

	memcpy(&sqe.cdw10, &cmd, sizeof(cmd));
	return np_lb_exec(conn, sqe, NULL, 0);
}

struct np_cqe np_lb_property_set(
	struct np_lb_conn *conn, uint32_t offset, uint8_t size_code, uint64_t value)
{
	struct np_sqe sqe = np_lb_fabrics_sqe(nvme_fabrics_type_property_set);
	const struct np_prop_cmd cmd = {
		.attrib = size_code, .ofst = np_le32(offset), .value = htole64(value)};

	memcpy(&sqe.cdw10, &cmd, sizeof(cmd));
	return np_lb_exec(conn, sqe, NULL, 0);
}
