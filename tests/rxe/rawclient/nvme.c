// SPDX-License-Identifier: BSD-3-Clause
/*
 * nvme.c - proper commands, from which cases are twisted, and proper controllers.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/base/le.h"
#include "tests/rxe/rawclient/raw.h"

#define READY_TRIES 100
#define CC_ENABLED 0x00460001u /* EN, I/O entries of 64 and 16 bytes */
#define NSID_OF_CTRL 0

void raw_sqe_init(struct np_sqe *sqe, uint8_t opcode, uint32_t nsid)
{
	*sqe = (struct np_sqe){.opcode = opcode, .flags = NP_SQE_PSDT_SGL, .nsid = np_le32(nsid)};
	raw_sgl_keyed(&sqe->sgl, 0, 0, 0, NP_SGL_SUB_ADDRESS);
}

void raw_sgl_keyed(
	struct np_sgl_desc *desc, uint64_t addr, uint32_t bytes, uint32_t key, uint8_t subtype)
{
	uint32_t key_le = np_le32(key), bytes_le = np_le32(bytes);

	desc->addr = np_le64(addr);
	memcpy(desc->keyed.length, &bytes_le, sizeof(desc->keyed.length));
	memcpy(desc->keyed.key, &key_le, sizeof(desc->keyed.key));
	desc->type = (uint8_t)(NP_SGL_KEYED_DATA_BLOCK << 4 | subtype);
}

void raw_use_data(const struct raw_env *env, struct np_sqe *sqe, uint32_t bytes)
{
	raw_sgl_keyed(
		&sqe->sgl, (uintptr_t)env->data, bytes, env->data_mr->rkey, NP_SGL_SUB_ADDRESS);
}

void raw_set_lba(struct np_sqe *sqe, uint64_t lba)
{
	sqe->cdw10 = np_le32((uint32_t)lba);
	sqe->cdw11 = np_le32((uint32_t)(lba >> 32));
}

void raw_sgl_offset(struct np_sgl_desc *desc, uint8_t type, uint64_t offset, uint32_t bytes)
{
	*desc = (struct np_sgl_desc){
		.addr = np_le64(offset),
		.plain = {.length = np_le32(bytes)},
		.type = (uint8_t)(type << 4 | NP_SGL_SUB_OFFSET),
	};
}

void raw_rw(const struct raw_env *env, struct np_sqe *sqe, uint8_t opcode, uint64_t lba,
	uint32_t nblocks)
{
	raw_sqe_init(sqe, opcode, env->nsid);
	raw_set_lba(sqe, lba);
	sqe->cdw12 = np_le32(nblocks - 1);
	raw_use_data(env, sqe, nblocks * env->block_bytes);
}

int raw_exec(struct raw_queue *queue, struct np_sqe *sqe, const void *icd, uint32_t icd_bytes,
	struct raw_answer *ret_answer)
{
	static uint8_t capsule[RAW_CAPSULE_BYTES];
	int err;

	sqe->cid = np_le16(queue->next_cid++);
	memcpy(capsule, sqe, sizeof(*sqe));
	if (icd_bytes)
		memcpy(capsule + sizeof(*sqe), icd, icd_bytes);
	err = raw_send(queue, capsule, (uint32_t)sizeof(*sqe) + icd_bytes);
	if (!err)
		err = raw_receive(queue, ret_answer);
	if (!err && ret_answer->cqe.cid != sqe->cid)
		return -EPROTO;
	return err;
}

uint16_t raw_status(const struct raw_answer *answer)
{
	return np_le16(answer->cqe.status) >> 1 & 0x7ff;
}

bool raw_is_final_enough(const struct raw_answer *answer)
{
	const bool is_final = np_le16(answer->cqe.status) >> 1 & NVME_SC_DNR;
	const uint16_t status = raw_status(answer);

	switch (status) {
	case NVME_SC_SUCCESS:
	case NVME_SC_ABORT_REQ:
	case NVME_SC_FUSED_FAIL:
	case NVME_SC_FUSED_MISSING:
	case NVME_SC_NS_NOT_READY:
	case RAW_SPECIFIC(NVME_SC_CONNECT_CTRL_BUSY):
		return !is_final;
	case NVME_SC_INTERNAL:
		return true;
	default:
		return is_final == (status >> NVME_SCT_SHIFT != NVME_SCT_PATH);
	}
}

bool raw_expect(struct raw_queue *queue, struct np_sqe *sqe, const void *icd, uint32_t icd_bytes,
	uint16_t want)
{
	struct raw_answer answer;
	int err = raw_exec(queue, sqe, icd, icd_bytes, &answer);

	if (err)
		return raw_say(queue->env, false, "opcode %02xh: %s", sqe->opcode, strerror(-err));
	if (raw_status(&answer) != want)
		return raw_say(queue->env, false, "opcode %02xh: status %03xh, want %03xh",
			sqe->opcode, raw_status(&answer), want);
	return raw_say(queue->env, raw_is_final_enough(&answer), "status %03xh, whole %04xh", want,
		np_le16(answer.cqe.status) >> 1);
}

bool raw_run_read(struct raw_env *env, const struct raw_case *self)
{
	struct np_sqe sqe;

	raw_rw(env, &sqe, nvme_cmd_read, 0, 1);
	self->twist(env, &sqe);
	return raw_expect(env->shared->io, &sqe, NULL, 0, self->want);
}

bool raw_run_write(struct raw_env *env, const struct raw_case *self)
{
	struct np_sqe sqe;

	raw_rw(env, &sqe, nvme_cmd_write, 0, 1);
	self->twist(env, &sqe);
	return raw_expect(env->shared->io, &sqe, NULL, 0, self->want);
}

bool raw_expect_unharmed(struct raw_queue *io)
{
	struct raw_answer answer;
	struct np_sqe sqe;
	int err;

	raw_rw(io->env, &sqe, nvme_cmd_read, 0, 1);
	err = raw_exec(io, &sqe, NULL, 0, &answer);
	if (err)
		return raw_say(io->env, false, "a good read afterwards: %s", strerror(-err));
	if (raw_status(&answer))
		return raw_say(io->env, false, "a good read afterwards: status %03xh",
			raw_status(&answer));
	return true;
}

/* ---- Connect ------------------------------------------------------------------------------- */

void raw_connect_init(const struct raw_env *env, struct raw_connect *connect, uint16_t qid,
	uint16_t depth, uint16_t cntlid)
{
	*connect = (struct raw_connect){
		.cmd = {.qid = np_le16(qid), .sqsize_0b = np_le16((uint16_t)(depth - 1))},
		.data = {.cntlid = np_le16(cntlid)},
		.bytes = sizeof(connect->data),
	};
	memset(connect->data.hostid, env->is_other_host ? 0x5b : 0x5a,
		sizeof(connect->data.hostid));
	strcpy(connect->data.hostnqn, env->is_other_host ? RAW_OTHER_HOSTNQN : RAW_HOSTNQN);
	strncpy(connect->data.subsysnqn, env->subnqn, sizeof(connect->data.subsysnqn) - 1);
}

int raw_connect_exec(
	struct raw_queue *queue, const struct raw_connect *connect, struct raw_answer *ret_answer)
{
	struct raw_env *env = queue->env;
	struct np_sqe sqe;

	raw_sqe_init(&sqe, NP_OPCODE_FABRICS, nvme_fabrics_type_connect);
	memcpy(&sqe.cdw10, &connect->cmd, sizeof(connect->cmd));
	if (connect->is_inline) {
		raw_sgl_offset(&sqe.sgl, NP_SGL_DATA_BLOCK, 0, connect->bytes);
		return raw_exec(queue, &sqe, &connect->data, connect->bytes, ret_answer);
	}
	memcpy(env->data, &connect->data, sizeof(connect->data));
	raw_use_data(env, &sqe, connect->bytes);
	return raw_exec(queue, &sqe, NULL, 0, ret_answer);
}

struct raw_queue *raw_open_plain(struct raw_env *env, uint16_t qid, uint16_t depth)
{
	struct raw_params params;
	struct raw_queue *queue;
	int err, reject;

	raw_params_init(&params, qid, depth);
	err = raw_queue_open(env, &params, &queue, &reject);
	if (!err)
		return queue;
	raw_say(env, false, "queue %u: no connection: %s, reject code %d", qid, strerror(-err),
		reject);
	return NULL;
}

struct raw_queue *raw_open_connected(
	struct raw_env *env, uint16_t qid, uint16_t depth, uint16_t cntlid, uint16_t *ret_cntlid)
{
	struct raw_queue *queue = raw_open_plain(env, qid, depth);
	struct raw_connect connect;
	struct raw_answer answer;
	int err;

	if (!queue)
		return NULL;
	raw_connect_init(env, &connect, qid, depth, cntlid);
	err = raw_connect_exec(queue, &connect, &answer);
	if (!err && !raw_status(&answer)) {
		*ret_cntlid = np_le16(answer.cqe.connect.cntlid);
		return queue;
	}
	raw_say(env, false, "queue %u: Connect: %s, status %03xh", qid, strerror(-err),
		err ? 0 : raw_status(&answer));
	raw_queue_close(queue);
	return NULL;
}

/* ---- controllers --------------------------------------------------------------------------- */

static bool property_get(struct raw_queue *admin, uint32_t offset, uint64_t *ret_value)
{
	const struct np_prop_cmd cmd = {.ofst = np_le32(offset)};
	struct raw_answer answer;
	struct np_sqe sqe;

	raw_sqe_init(&sqe, NP_OPCODE_FABRICS, nvme_fabrics_type_property_get);
	memcpy(&sqe.cdw10, &cmd, sizeof(cmd));
	if (raw_exec(admin, &sqe, NULL, 0, &answer) || raw_status(&answer))
		return raw_say(admin->env, false, "Property Get %xh failed", offset);
	*ret_value = np_le64(answer.cqe.dw0_1);
	return true;
}

bool raw_end_as(struct raw_env *env, const struct raw_env *as, struct raw_queue *queue, bool result)
{
	raw_queue_close(queue);
	return raw_say(env, result, "%s", as->detail);
}

bool raw_enable(struct raw_queue *admin)
{
	const uint64_t cc = CC_ENABLED | (uint32_t)admin->env->css << NVME_CC_CSS_SHIFT;
	const struct np_prop_cmd cmd = {.ofst = np_le32(NVME_REG_CC), .value = np_le64(cc)};
	uint64_t csts = 0;
	struct np_sqe sqe;

	raw_sqe_init(&sqe, NP_OPCODE_FABRICS, nvme_fabrics_type_property_set);
	memcpy(&sqe.cdw10, &cmd, sizeof(cmd));
	if (!raw_expect(admin, &sqe, NULL, 0, 0))
		return false;
	for (unsigned int i = 0; i < READY_TRIES; i++) {
		if (!property_get(admin, NVME_REG_CSTS, &csts))
			return false;
		if (csts & 1u << NVME_CSTS_RDY_SHIFT)
			return true;
		usleep(100000);
	}
	return raw_say(admin->env, false, "not ready, CSTS %xh", (unsigned int)csts);
}

bool raw_identify(struct raw_queue *admin, uint32_t nsid, uint32_t cns, uint8_t csi)
{
	struct raw_env *env = admin->env;
	struct np_sqe sqe;

	raw_sqe_init(&sqe, nvme_admin_identify, nsid);
	sqe.cdw10 = np_le32(cns);
	sqe.cdw11 = np_le32((uint32_t)csi << 24);
	raw_use_data(env, &sqe, NVME_IDENTIFY_DATA_SIZE);
	return raw_expect(admin, &sqe, NULL, 0, 0);
}

bool raw_learn(struct raw_env *env, struct raw_queue *admin)
{
	struct nvme_id_ctrl ctrl;
	struct nvme_id_ns ns;

	if (!raw_identify(admin, NSID_OF_CTRL, NVME_IDENTIFY_CNS_CTRL, 0))
		return false;
	memcpy(&ctrl, env->data, sizeof(ctrl));
	if (!raw_identify(admin, env->nsid, NVME_IDENTIFY_CNS_NS, 0))
		return false;
	memcpy(&ns, env->data, sizeof(ns));
	env->nn = np_le32(ctrl.nn);
	env->mdts_bytes = 4096u << ctrl.mdts;
	env->inline_bytes = np_le32(ctrl.ioccsz) * 16 - (uint32_t)sizeof(struct np_sqe);
	env->msdbd = ctrl.msdbd;
	env->oncs = np_le16(ctrl.oncs);
	env->nblocks = np_le64(ns.nsze);
	env->block_bytes = 1u << ns.lbaf[ns.flbas & 0xf].ds;
	if (env->nblocks * env->block_bytes < RAW_SCRATCH_BYTES)
		return raw_say(env, false, "namespace %u is too small", env->nsid);
	return true;
}

struct raw_ctrl *raw_ctrl_open(struct raw_env *env, uint16_t io_depth)
{
	struct raw_ctrl *ctrl = calloc(1, sizeof(*ctrl));
	uint16_t ignored;

	if (!ctrl)
		return NULL;
	ctrl->admin = raw_open_connected(env, 0, RAW_DEPTH, env->cntlid, &ctrl->cntlid);
	if (ctrl->admin && raw_enable(ctrl->admin) && raw_learn(env, ctrl->admin))
		ctrl->io = raw_open_connected(env, 1, io_depth, ctrl->cntlid, &ignored);
	if (ctrl->io)
		return ctrl;
	raw_ctrl_close(ctrl);
	return NULL;
}

void raw_ctrl_close(struct raw_ctrl *ctrl)
{
	if (!ctrl)
		return;
	raw_queue_close(ctrl->io);
	raw_queue_close(ctrl->admin);
	free(ctrl);
}

struct raw_ctrl *raw_shared(struct raw_env *env)
{
	if (!env->shared)
		env->shared = raw_ctrl_open(env, RAW_DEPTH);
	return env->shared;
}
