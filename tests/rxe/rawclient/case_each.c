// SPDX-License-Identifier: BSD-3-Clause
/*
 * case_each.c - what can be wrong with any command, tried with each: its namespace, its fused bits, PRP or
 *               SGL, the SGL's type, sub-type and length, and the ends of its blocks.
 *
 * Spec: NVM Express Base 2.0, 3.3.3.1 (flags), 4.1.2 (SGL), 5.16.1.2 (error log); NVM Command Set 1.0, 3.2.
 */
#include <string.h>

#include "target/base/le.h"
#include "tests/rxe/rawclient/raw.h"

#define PAGE 4096u
#define NUMD_PAGE ((PAGE / 4 - 1) << 16)
#define AT(member) ((uint16_t)offsetof(struct np_sqe, member))
#define AT_BIT(member, bit) ((uint16_t)(AT(member) | (bit) << 8))
#define MANY_BLOCKS 65536u

/* What a command is like that has nothing wrong. */
enum {
	IS_IO = 1 << 0, /* with a namespace */
	IS_FIRST = 1 << 1,
	HAS_BLOCKS = 1 << 3, /* SLBA, and NLB unless there is data that says */
	HAS_NLB = 1 << 4,
	MOVES_BLOCKS = 1 << 5,  /* its data are the blocks */
	MAY_HAVE_MORE = 1 << 6, /* data than it needs, as Linux's host has */
	HAS_NSID = 1 << 7,      /* though it is an admin command */
	HAS_FABRICS_TYPE = 1 << 8,
};

struct each {
	const char *name;
	uint8_t opcode;
	unsigned int flags;
	uint32_t bytes; /* of data; of commands with MOVES_BLOCKS one block */
	uint32_t cdw10, cdw11, cdw12, cdw13;
};

/* clang-format off */
static const struct each commands[] = {
	{"each-read", nvme_cmd_read, .flags = IS_IO | HAS_BLOCKS | HAS_NLB | MOVES_BLOCKS},
	{"each-write", nvme_cmd_write, .flags = IS_IO | HAS_BLOCKS | HAS_NLB | MOVES_BLOCKS},
	{"each-compare", nvme_cmd_compare, .flags = IS_IO | IS_FIRST | HAS_BLOCKS | HAS_NLB | MOVES_BLOCKS},
	{"each-flush", nvme_cmd_flush, .flags = IS_IO},
	{"each-write-zeroes", nvme_cmd_write_zeroes, .flags = IS_IO | HAS_BLOCKS | HAS_NLB},
	{"each-verify", nvme_cmd_verify, .flags = IS_IO | HAS_BLOCKS | HAS_NLB},
	{"each-dsm", nvme_cmd_dsm, .flags = IS_IO | MAY_HAVE_MORE, .bytes = 16},
	{"each-copy", nvme_cmd_copy, .flags = IS_IO | HAS_BLOCKS, .bytes = 32},
	{"each-register", nvme_cmd_resv_register, .flags = IS_IO, .bytes = 16},
	{"each-acquire", nvme_cmd_resv_acquire, .flags = IS_IO, .bytes = 16, .cdw10 = 1 << 8},
	{"each-release", nvme_cmd_resv_release, .flags = IS_IO, .bytes = 8, .cdw10 = 1 << 8},
	{"each-report", nvme_cmd_resv_report, .flags = IS_IO, .bytes = PAGE, .cdw10 = PAGE / 4 - 1, .cdw11 = 1},
	{"each-identify", nvme_admin_identify, .flags = 0, .bytes = PAGE, .cdw10 = NVME_IDENTIFY_CNS_CTRL},
	{"each-log", nvme_admin_get_log_page, .flags = 0, .bytes = PAGE,
		.cdw10 = NUMD_PAGE | NVME_LOG_LID_CMD_EFFECTS},
	{"each-get-feature", nvme_admin_get_features, .flags = 0, .cdw10 = NVME_FEAT_FID_NUM_QUEUES},
	{"each-set-feature", nvme_admin_set_features, .flags = 0, .cdw10 = NVME_FEAT_FID_WRITE_ATOMIC},
	{"each-abort", nvme_admin_abort_cmd, .flags = 0, .cdw10 = 0xffff0000},
	{"each-keep-alive", nvme_admin_keep_alive, .flags = 0},
	{"each-ns-attach", nvme_admin_ns_attach, .flags = HAS_NSID, .bytes = PAGE},
	{"zoned-each-append", nvme_zns_cmd_append, .flags = IS_IO | HAS_BLOCKS | MOVES_BLOCKS},
	{"zoned-each-send", nvme_zns_cmd_mgmt_send, .flags = IS_IO | HAS_BLOCKS, .cdw13 = NVME_ZNS_ZSA_RESET},
	{"zoned-each-report", nvme_zns_cmd_mgmt_recv, .flags = IS_IO | HAS_BLOCKS, .bytes = PAGE, .cdw12 = PAGE / 4 - 1},
	{"each-property-get", NP_OPCODE_FABRICS, .flags = HAS_FABRICS_TYPE, .cdw10 = 1},
};
/* clang-format on */

static void init(const struct raw_env *env, const struct each *each, struct np_sqe *sqe)
{
	uint32_t bytes = each->bytes;

	raw_sqe_init(sqe, each->opcode, each->flags & (IS_IO | HAS_NSID) ? env->nsid : 0);
	if (each->flags & HAS_FABRICS_TYPE)
		sqe->fabrics.fctype = nvme_fabrics_type_property_get;
	sqe->cdw10 = np_le32(each->cdw10);
	sqe->cdw11 = np_le32(each->cdw11);
	sqe->cdw12 = np_le32(each->cdw12);
	sqe->cdw13 = np_le32(each->cdw13);
	if (each->flags & MOVES_BLOCKS)
		bytes = env->block_bytes;
	if (bytes)
		raw_use_data(env, sqe, bytes);
}

static bool refused(struct raw_env *env, const struct each *each, struct np_sqe *sqe,
	const char *what, uint16_t want, uint16_t where)
{
	struct raw_ctrl *ctrl = env->shared;
	char detail[sizeof(env->detail)];

	/* Of ranges the first block, and one. */
	memset(env->data, 0, PAGE);
	if (raw_expect(each->flags & IS_IO ? ctrl->io : ctrl->admin, sqe, NULL, 0, want) &&
		raw_is_logged(env, sqe, each->flags & IS_IO, want, where))
		return true;
	memcpy(detail, env->detail, sizeof(detail));
	return raw_say(env, false, "%s: %.200s", what, detail);
}

/* ---- namespace ---------------------------------------------------------------------------- */

static bool try_nsid(struct raw_env *env, const struct each *each, const char *what, uint32_t nsid,
	uint16_t want)
{
	struct np_sqe sqe;

	init(env, each, &sqe);
	sqe.nsid = np_le32(nsid);
	return refused(env, each, &sqe, what, want, AT(nsid));
}

static bool try_namespaces(struct raw_env *env, const struct each *each)
{
	if (!(each->flags & IS_IO))
		return true;
	return try_nsid(env, each, "NSID 0", 0, NVME_SC_INVALID_NS) &&
		try_nsid(env, each, "NSID FFFFFFFFh", 0xffffffff, NVME_SC_INVALID_NS) &&
		try_nsid(env, each, "NSID beyond NN", env->nn + 1, NVME_SC_INVALID_NS) &&
		try_nsid(env, each, "inactive NSID", env->nn, NVME_SC_INVALID_FIELD);
}

/* ---- flags -------------------------------------------------------------------------------- */

static bool try_flags(
	struct raw_env *env, const struct each *each, const char *what, uint8_t flags, uint8_t bit)
{
	struct np_sqe sqe;

	init(env, each, &sqe);
	sqe.flags = flags;
	return refused(env, each, &sqe, what, NVME_SC_INVALID_FIELD, AT_BIT(flags, bit));
}

/* A second without a first, whatever it is. */
static bool try_second(struct raw_env *env, const struct each *each)
{
	struct np_sqe sqe;

	init(env, each, &sqe);
	sqe.flags |= 2;
	return refused(env, each, &sqe, "fused second", NVME_SC_FUSED_MISSING, AT_BIT(flags, 0));
}

static bool try_all_flags(struct raw_env *env, const struct each *each)
{
	const uint8_t sgl = NP_SQE_PSDT_SGL;

	return try_flags(env, each, "PRP", 0, 6) &&
		try_flags(env, each, "PSDT 3", NP_SQE_PSDT_MASK, 6) && try_second(env, each) &&
		try_flags(env, each, "fused 3", sgl | 3, 0) &&
		(each->flags & IS_FIRST || try_flags(env, each, "fused first", sgl | 1, 0));
}

/* ---- data --------------------------------------------------------------------------------- */

static bool try_sgl(struct raw_env *env, const struct each *each, const char *what, uint8_t id,
	uint32_t more_bytes, uint16_t want)
{
	struct np_sqe sqe;
	uint32_t bytes = each->flags & MOVES_BLOCKS ? env->block_bytes : each->bytes;

	init(env, each, &sqe);
	raw_sgl_keyed(&sqe.sgl, (uintptr_t)env->data, bytes + more_bytes, env->data_mr->rkey, 0);
	sqe.sgl.type = id;
	return refused(env, each, &sqe, what, want, AT(sgl));
}

static bool try_all_sgls(struct raw_env *env, const struct each *each)
{
	const uint8_t good = NP_SGL_KEYED_DATA_BLOCK << 4;

	if (!try_sgl(env, each, "SGL type 7", 7 << 4, 0, NVME_SC_SGL_INVALID_TYPE) ||
		!try_sgl(env, each, "SGL bit bucket", 1 << 4, 0, NVME_SC_SGL_INVALID_TYPE) ||
		!try_sgl(env, each, "SGL sub-type 2", good | 2, 0, NVME_SC_SGL_INVALID_TYPE) ||
		(!(each->flags & MAY_HAVE_MORE) &&
			!try_sgl(env, each, "too much data", good, 4, NVME_SC_SGL_INVALID_DATA)))
		return false;
	return (!each->bytes && !(each->flags & MOVES_BLOCKS)) ||
		try_sgl(env, each, "too little data", good, -4u, NVME_SC_SGL_INVALID_DATA);
}

/* ---- blocks ------------------------------------------------------------------------------- */

static bool try_blocks(struct raw_env *env, const struct each *each, const char *what, uint64_t lba,
	uint32_t nblocks, uint16_t want, uint16_t where)
{
	struct np_sqe sqe;

	init(env, each, &sqe);
	raw_set_lba(&sqe, lba);
	if (each->flags & HAS_NLB)
		sqe.cdw12 = np_le32(nblocks - 1);
	if (each->flags & MOVES_BLOCKS)
		raw_use_data(env, &sqe, (uint32_t)((uint64_t)nblocks * env->block_bytes));
	return refused(env, each, &sqe, what, want, where);
}

static bool try_range(struct raw_env *env, const struct each *each, const char *what, uint64_t lba,
	uint32_t nblocks)
{
	return try_blocks(env, each, what, lba, nblocks, NVME_SC_LBA_RANGE, AT(cdw10));
}

static bool try_all_blocks(struct raw_env *env, const struct each *each)
{
	const uint64_t end = env->nblocks;
	const uint32_t most = env->mdts_bytes / env->block_bytes;

	if (!(each->flags & HAS_BLOCKS))
		return true;
	if (!try_range(env, each, "LBA at the end", end, 1) ||
		!try_range(env, each, "last LBA of 64 bits", UINT64_MAX, 1) ||
		!try_range(env, each, "LBA whose bytes wrap", UINT64_MAX / env->block_bytes + 1, 1))
		return false;
	if (!(each->flags & HAS_NLB))
		return true;
	if (!try_range(env, each, "LBAs across the end", end - 1, 2) ||
		!try_range(env, each, "LBAs that wrap", UINT64_MAX, 2))
		return false;
	if (!(each->flags & MOVES_BLOCKS))
		return try_range(env, each, "65,536 LBAs across the end", end - MANY_BLOCKS + 1,
			MANY_BLOCKS);
	return try_blocks(
		env, each, "more than MDTS", 0, most + 1, NVME_SC_INVALID_FIELD, AT(cdw12));
}

static bool run_each(struct raw_env *env, const struct raw_case *self)
{
	const struct each *each = commands;

	while (strcmp(each->name, self->name) != 0)
		each++;
	return try_namespaces(env, each) && try_all_flags(env, each) && try_all_sgls(env, each) &&
		try_all_blocks(env, each) && raw_say(env, true, "refused each time, and logged");
}

#define EACH(command)                                    \
	{                                                \
		.name = "each-" command, .run = run_each \
	}
#define ZONED(command)                                                             \
	{                                                                          \
		.name = "zoned-each-" command, .run = run_each, .is_by_name = true \
	}

const struct raw_case raw_each_cases[] = {
	EACH("read"),
	EACH("write"),
	EACH("compare"),
	EACH("flush"),
	EACH("write-zeroes"),
	EACH("verify"),
	EACH("dsm"),
	EACH("copy"),
	EACH("register"),
	EACH("acquire"),
	EACH("release"),
	EACH("report"),
	EACH("identify"),
	EACH("log"),
	EACH("get-feature"),
	EACH("set-feature"),
	EACH("abort"),
	EACH("keep-alive"),
	EACH("ns-attach"),
	EACH("property-get"),
	ZONED("append"),
	ZONED("send"),
	ZONED("report"),
	{0},
};
