// SPDX-License-Identifier: BSD-3-Clause
/*
 * case_command.c - commands with one wrong field: the status that the spec names, and no harm.
 *
 * Spec: NVM Express Base 2.0, 3.3.3.1 (common fields), 3.2.1 (NSIDs), 6.4 (Disconnect); NVM Command
 * Set 1.0, 3.2.
 */
#include <string.h>

#include "target/base/le.h"
#include "tests/rxe/rawclient/raw.h"

static bool run_admin(struct raw_env *env, const struct raw_case *self)
{
	struct np_sqe sqe;

	raw_sqe_init(&sqe, nvme_admin_identify, 0);
	sqe.cdw10 = np_le32(NVME_IDENTIFY_CNS_CTRL);
	raw_use_data(env, &sqe, NVME_IDENTIFY_DATA_SIZE);
	self->twist(env, &sqe);
	return raw_expect(env->shared->admin, &sqe, NULL, 0, self->want);
}

static void set_lba(struct np_sqe *sqe, uint64_t lba, uint16_t nlb_0b)
{
	raw_set_lba(sqe, lba);
	sqe->cdw12 = np_le32(nlb_0b);
}

static void twist_opcode(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	sqe->opcode = 0x7c;
}

static void twist_vendor_opcode(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	sqe->opcode = 0xff;
}

static void twist_fused_first(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	sqe->flags |= 1;
}

static void twist_fused_reserved(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	sqe->flags |= 3;
}

static void twist_psdt_prp(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	sqe->flags = 0;
}

static void twist_psdt_reserved(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	sqe->flags = NP_SQE_PSDT_MASK;
}

static void twist_nsid_0(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	sqe->nsid = 0;
}

static void twist_nsid_all(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	sqe->nsid = 0xffffffff;
}

static void twist_nsid_beyond(const struct raw_env *env, struct np_sqe *sqe)
{
	sqe->nsid = np_le32(env->nn + 1);
}

/* Valid, as NN says, but nothing there: nobody configures that many namespaces. */
static void twist_nsid_inactive(const struct raw_env *env, struct np_sqe *sqe)
{
	sqe->nsid = np_le32(env->nn);
}

static void twist_lba_end(const struct raw_env *env, struct np_sqe *sqe)
{
	set_lba(sqe, env->nblocks, 0);
}

static void twist_lba_across(const struct raw_env *env, struct np_sqe *sqe)
{
	set_lba(sqe, env->nblocks - 1, 1);
}

static void twist_lba_max(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	set_lba(sqe, UINT64_MAX, 0);
}

static void twist_lba_wraps(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	set_lba(sqe, UINT64_MAX, 1);
	raw_use_data(env, sqe, 2 * env->block_bytes);
}

/* Its byte offset, not its number, wraps. */
static void twist_lba_shift_wraps(const struct raw_env *env, struct np_sqe *sqe)
{
	set_lba(sqe, UINT64_MAX / env->block_bytes + 1, 0);
}

static void twist_nlb_beyond_mdts(const struct raw_env *env, struct np_sqe *sqe)
{
	uint32_t nblocks = env->mdts_bytes / env->block_bytes + 1;

	set_lba(sqe, 0, (uint16_t)(nblocks - 1));
	raw_use_data(env, sqe, nblocks * env->block_bytes);
}

static void twist_nlb_max(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	set_lba(sqe, 0, 0xffff);
}

static void twist_zeroes_across(const struct raw_env *env, struct np_sqe *sqe)
{
	raw_sqe_init(sqe, nvme_cmd_write_zeroes, env->nsid);
	set_lba(sqe, env->nblocks - 1, 1);
}

static void twist_property_on_io(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	raw_sqe_init(sqe, NP_OPCODE_FABRICS, nvme_fabrics_type_property_get);
}

static void twist_fctype(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	raw_sqe_init(sqe, NP_OPCODE_FABRICS, 0x3f);
}

static void twist_property_offset(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	raw_sqe_init(sqe, NP_OPCODE_FABRICS, nvme_fabrics_type_property_get);
	sqe->cdw11 = np_le32(0x7ffffffc);
}

static void twist_cns(const struct raw_env *env, struct np_sqe *sqe)
{
	(void)env;
	sqe->cdw10 = np_le32(0xfe);
}

/* Optional, and OFCS says that it is not there: refused on either queue, and both live on. */
static bool run_disconnect(struct raw_env *env, const struct raw_case *self)
{
	struct raw_ctrl *ctrl = env->shared;
	struct nvme_id_ctrl id;
	struct np_sqe sqe;

	raw_sqe_init(&sqe, NP_OPCODE_FABRICS, nvme_fabrics_type_disconnect);
	if (!raw_expect(ctrl->io, &sqe, NULL, 0, self->want) || !raw_expect_unharmed(ctrl->io))
		return false;
	raw_sqe_init(&sqe, NP_OPCODE_FABRICS, nvme_fabrics_type_disconnect);
	if (!raw_expect(ctrl->admin, &sqe, NULL, 0, self->want))
		return false;
	raw_sqe_init(&sqe, nvme_admin_identify, 0);
	sqe.cdw10 = np_le32(NVME_IDENTIFY_CNS_CTRL);
	raw_use_data(env, &sqe, sizeof(id));
	if (!raw_expect(ctrl->admin, &sqe, NULL, 0, 0))
		return false;
	memcpy(&id, env->data, sizeof(id));
	return raw_say(env, !(np_le16(id.ofcs) & NVME_CTRL_OFCS_DISCONNECT),
		"status %03xh, OFCS %04xh", self->want, np_le16(id.ofcs));
}

#define COMMAND(title, runner, status, change)                                \
	{                                                                     \
		.name = title, .run = runner, .want = status, .twist = change \
	}
#define READ(title, ...) COMMAND(title, raw_run_read, __VA_ARGS__)
#define WRITE(title, ...) COMMAND(title, raw_run_write, __VA_ARGS__)
#define ADMIN(title, ...) COMMAND(title, run_admin, __VA_ARGS__)

const struct raw_case raw_command_cases[] = {
	READ("opcode-unknown", NVME_SC_INVALID_OPCODE, twist_opcode),
	READ("opcode-vendor", NVME_SC_INVALID_OPCODE, twist_vendor_opcode),
	ADMIN("opcode-unknown-admin", NVME_SC_INVALID_OPCODE, twist_opcode),
	READ("property-get-on-io-queue", NVME_SC_INVALID_OPCODE, twist_property_on_io),
	ADMIN("fabrics-type-unknown", NVME_SC_INVALID_OPCODE, twist_fctype),
	{.name = "disconnect-unsupported", .run = run_disconnect, .want = NVME_SC_INVALID_OPCODE},
	ADMIN("property-unknown", NVME_SC_INVALID_FIELD, twist_property_offset),
	ADMIN("identify-cns-unknown", NVME_SC_INVALID_FIELD, twist_cns),
	READ("fused-first", NVME_SC_INVALID_FIELD, twist_fused_first),
	WRITE("fused-reserved", NVME_SC_INVALID_FIELD, twist_fused_reserved),
	READ("psdt-prp", NVME_SC_INVALID_FIELD, twist_psdt_prp),
	WRITE("psdt-reserved", NVME_SC_INVALID_FIELD, twist_psdt_reserved),
	ADMIN("psdt-prp-admin", NVME_SC_INVALID_FIELD, twist_psdt_prp),
	READ("nsid-0", NVME_SC_INVALID_NS, twist_nsid_0),
	WRITE("nsid-ffffffff", NVME_SC_INVALID_NS, twist_nsid_all),
	READ("nsid-beyond-nn", NVME_SC_INVALID_NS, twist_nsid_beyond),
	READ("nsid-inactive", NVME_SC_INVALID_FIELD, twist_nsid_inactive),
	READ("lba-at-end", NVME_SC_LBA_RANGE, twist_lba_end),
	WRITE("lba-across-end", NVME_SC_LBA_RANGE, twist_lba_across),
	READ("lba-max", NVME_SC_LBA_RANGE, twist_lba_max),
	WRITE("lba-wraps", NVME_SC_LBA_RANGE, twist_lba_wraps),
	READ("lba-byte-offset-wraps", NVME_SC_LBA_RANGE, twist_lba_shift_wraps),
	WRITE("nlb-beyond-mdts", NVME_SC_INVALID_FIELD, twist_nlb_beyond_mdts),
	READ("nlb-max", NVME_SC_INVALID_FIELD, twist_nlb_max),
	WRITE("write-zeroes-across-end", NVME_SC_LBA_RANGE, twist_zeroes_across),
	{0},
};
