// SPDX-License-Identifier: BSD-3-Clause
/*
 * case_zoned.c - zones: commands with one wrong field, and zones that are not in the state for a command.
 *
 * All zones are reset. For a zoned namespace and all command sets, option -z; test_29_zoned.py has it.
 * Zones that are offline or can only be read are not among this: QEMU's drive has none.
 *
 * Spec: NVMe Zoned Namespace Command Set 1.1, 2.1.1.3 (states), 3.3.1 (statuses), 3.4 (commands).
 */
#include <string.h>

#include "target/base/le.h"
#include "tests/rxe/rawclient/raw.h"

#define PAGE 4096u
#define NUMD_PAGE (PAGE / 4 - 1)
#define CSI_ZNS 2
#define SEND_ALL (1u << 8)
#define CHUNK_BYTES (256u << 10)
#define ACTIONS_BYTE 52 /* ZSA, ZRA */

/* Where a command is to go: a zone, and in it a block; -1 is its last. */
struct place {
	uint32_t zone;
	int32_t block;
};

/* What a case does. Data: NBLOCKS blocks, unless bytes says more. */
struct zoned {
	const char *name;
	uint8_t opcode;
	struct place at;
	uint32_t nblocks;
	uint32_t cdw12, cdw13;
	uint32_t bytes;
	uint16_t want;
	/* Before it: */
	bool fill_to_last;  /* all blocks of the zone but one are written */
	uint8_t action;     /* done with the zone, 0: none */
	uint16_t where;     /* field that the error log names, 0: none */
	bool is_beyond_end; /* at: after the last zone */
};

static bool learn_zones(struct raw_env *env, uint64_t *ret_zone_blocks)
{
	struct nvme_zns_id_ns id;

	if (!raw_identify(env->shared->admin, env->nsid, NVME_IDENTIFY_CNS_CSI_NS, CSI_ZNS))
		return false;
	memcpy(&id, env->data, sizeof(id));
	*ret_zone_blocks = np_le64(id.lbafe[0].zsze);
	return raw_say(env, *ret_zone_blocks, "no zones");
}

/* Zone Management Send. */
static bool zone_send(struct raw_env *env, uint64_t lba, uint32_t action, uint16_t want)
{
	struct np_sqe sqe;

	raw_sqe_init(&sqe, nvme_zns_cmd_mgmt_send, env->nsid);
	raw_set_lba(&sqe, lba);
	sqe.cdw13 = np_le32(action);
	return raw_expect(env->shared->io, &sqe, NULL, 0, want);
}

static bool write_blocks(struct raw_env *env, uint64_t lba, uint64_t nblocks, uint16_t want)
{
	const uint32_t chunk = CHUNK_BYTES / env->block_bytes;
	struct np_sqe sqe;

	while (nblocks) {
		const uint32_t now = nblocks < chunk ? (uint32_t)nblocks : chunk;

		raw_rw(env, &sqe, nvme_cmd_write, lba, now);
		if (!raw_expect(env->shared->io, &sqe, NULL, 0, want))
			return false;
		lba += now;
		nblocks -= now;
	}
	return true;
}

/* clang-format off */
static const struct zoned table[] = {
	{"zoned-write-elsewhere", nvme_cmd_write, {1, 8}, 1,
		.want = RAW_SPECIFIC(NVME_SC_ZNS_INVALID_WRITE)},
	{"zoned-write-across-the-end", nvme_cmd_write, {1, -1}, 2, .fill_to_last = true,
		.want = RAW_SPECIFIC(NVME_SC_ZNS_BOUNDARY_ERROR)},
	{"zoned-write-full", nvme_cmd_write, {1, 0}, 1, .action = NVME_ZNS_ZSA_FINISH,
		.want = RAW_SPECIFIC(NVME_SC_ZNS_FULL)},
	{"zoned-zeroes-elsewhere", nvme_cmd_write_zeroes, {1, 8},
		.want = RAW_SPECIFIC(NVME_SC_ZNS_INVALID_WRITE)},
	{"zoned-read-across-zones", nvme_cmd_read, {1, -1}, 2,
		.want = RAW_SPECIFIC(NVME_SC_ZNS_BOUNDARY_ERROR)},
	{"zoned-append-full", nvme_zns_cmd_append, {1, 0}, 1, .action = NVME_ZNS_ZSA_FINISH,
		.want = RAW_SPECIFIC(NVME_SC_ZNS_FULL)},
	{"zoned-append-no-start", nvme_zns_cmd_append, {1, 8}, 1, .want = NVME_SC_INVALID_FIELD},
	{"zoned-append-across-the-end", nvme_zns_cmd_append, {1, 0}, 2, .fill_to_last = true,
		.want = RAW_SPECIFIC(NVME_SC_ZNS_BOUNDARY_ERROR)},
	{"zoned-append-beyond-zasl", nvme_zns_cmd_append, {1, 0}, 256, .cdw12 = 255,
		.want = NVME_SC_INVALID_FIELD, .where = offsetof(struct np_sqe, cdw12)},
	{"zoned-append-beyond-end", nvme_zns_cmd_append, {0, 0}, 1, .is_beyond_end = true,
		.want = NVME_SC_LBA_RANGE, .where = offsetof(struct np_sqe, cdw10)},
	{"zoned-send-action-0", nvme_zns_cmd_mgmt_send, {1, 0}, .cdw13 = 0,
		.want = NVME_SC_INVALID_FIELD, .where = ACTIONS_BYTE},
	{"zoned-send-action-7f", nvme_zns_cmd_mgmt_send, {1, 0}, .cdw13 = 0x7f,
		.want = NVME_SC_INVALID_FIELD, .where = ACTIONS_BYTE},
	{"zoned-send-no-start", nvme_zns_cmd_mgmt_send, {1, 8}, .cdw13 = NVME_ZNS_ZSA_OPEN,
		.want = NVME_SC_INVALID_FIELD},
	{"zoned-send-beyond-end", nvme_zns_cmd_mgmt_send, {0, 0}, .cdw13 = NVME_ZNS_ZSA_OPEN,
		.is_beyond_end = true,
		.want = NVME_SC_LBA_RANGE, .where = offsetof(struct np_sqe, cdw10)},
	{"zoned-send-commit-all", nvme_zns_cmd_mgmt_send, {1, 0},
		.cdw13 = NVME_ZNS_ZSA_ZRWA_FLUSH | SEND_ALL,
		.want = NVME_SC_INVALID_FIELD, .where = ACTIONS_BYTE},
	{"zoned-send-describe-all", nvme_zns_cmd_mgmt_send, {1, 0},
		.cdw13 = NVME_ZNS_ZSA_SET_DESC_EXT | SEND_ALL, .bytes = 64,
		.want = NVME_SC_INVALID_FIELD, .where = ACTIONS_BYTE},
	{"zoned-send-describe-short", nvme_zns_cmd_mgmt_send, {1, 0},
		.cdw13 = NVME_ZNS_ZSA_SET_DESC_EXT, .bytes = 32,
		.want = NVME_SC_SGL_INVALID_DATA, .where = offsetof(struct np_sqe, sgl)},
	{"zoned-send-close-empty", nvme_zns_cmd_mgmt_send, {1, 0}, .cdw13 = NVME_ZNS_ZSA_CLOSE,
		.want = RAW_SPECIFIC(NVME_SC_ZNS_INVAL_TRANSITION)},
	{"zoned-send-open-full", nvme_zns_cmd_mgmt_send, {1, 0}, .action = NVME_ZNS_ZSA_FINISH,
		.cdw13 = NVME_ZNS_ZSA_OPEN, .want = RAW_SPECIFIC(NVME_SC_ZNS_INVAL_TRANSITION)},
	{"zoned-send-offline-empty", nvme_zns_cmd_mgmt_send, {1, 0}, .cdw13 = NVME_ZNS_ZSA_OFFLINE,
		.want = RAW_SPECIFIC(NVME_SC_ZNS_INVAL_TRANSITION)},
	{"zoned-send-describe-open", nvme_zns_cmd_mgmt_send, {1, 0}, .action = NVME_ZNS_ZSA_OPEN,
		.cdw13 = NVME_ZNS_ZSA_SET_DESC_EXT, .bytes = 64,
		.want = RAW_SPECIFIC(NVME_SC_ZNS_INVAL_TRANSITION)},
	{"zoned-report-action-7f", nvme_zns_cmd_mgmt_recv, {1, 0}, .bytes = PAGE,
		.cdw12 = NUMD_PAGE, .cdw13 = 0x7f, .want = NVME_SC_INVALID_FIELD},
	{"zoned-report-beyond-end", nvme_zns_cmd_mgmt_recv, {0, 0}, .bytes = PAGE,
		.cdw12 = NUMD_PAGE, .is_beyond_end = true,
		.want = NVME_SC_LBA_RANGE, .where = offsetof(struct np_sqe, cdw10)},
	{"zoned-report-beyond-mdts", nvme_zns_cmd_mgmt_recv, {1, 0}, .bytes = PAGE,
		.cdw12 = 0xffffff, .want = NVME_SC_INVALID_FIELD,
		.where = offsetof(struct np_sqe, cdw12)},
	{"zoned-report-short", nvme_zns_cmd_mgmt_recv, {1, 0}, .bytes = PAGE / 2,
		.cdw12 = NUMD_PAGE, .want = NVME_SC_SGL_INVALID_DATA,
		.where = offsetof(struct np_sqe, sgl)},
};
/* clang-format on */

static bool prepare(struct raw_env *env, const struct zoned *zoned, uint64_t zone_blocks)
{
	const uint64_t start = zoned->at.zone * zone_blocks;

	return zone_send(env, 0, NVME_ZNS_ZSA_RESET | SEND_ALL, 0) &&
		(!zoned->fill_to_last || write_blocks(env, start, zone_blocks - 1, 0)) &&
		(!zoned->action || zone_send(env, start, zoned->action, 0));
}

static bool run_zoned(struct raw_env *env, const struct raw_case *self)
{
	const struct zoned *zoned = table;
	uint64_t zone_blocks, lba;
	uint32_t bytes;
	struct np_sqe sqe;

	while (strcmp(zoned->name, self->name) != 0)
		zoned++;
	if (!learn_zones(env, &zone_blocks) || !prepare(env, zoned, zone_blocks))
		return false;
	lba = zoned->at.zone * zone_blocks + (uint64_t)(int64_t)zoned->at.block +
		(zoned->at.block < 0 ? zone_blocks : 0);
	raw_sqe_init(&sqe, zoned->opcode, env->nsid);
	raw_set_lba(&sqe, zoned->is_beyond_end ? env->nblocks : lba);
	sqe.cdw12 = np_le32(zoned->nblocks ? zoned->nblocks - 1 : zoned->cdw12);
	sqe.cdw13 = np_le32(zoned->cdw13);
	bytes = zoned->nblocks ? zoned->nblocks * env->block_bytes : zoned->bytes;
	if (bytes)
		raw_use_data(env, &sqe, bytes);
	return raw_expect(env->shared->io, &sqe, NULL, 0, zoned->want) &&
		raw_is_logged(
			env, &sqe, true, zoned->want, zoned->where ? zoned->where : RAW_NO_FIELD);
}

/* ---- limits ------------------------------------------------------------------------------- */

/* MOR and MAR, 0's based. Return: false if the drive has no limits. */
static bool learn_limits(struct raw_env *env, uint32_t *ret_open, uint32_t *ret_active)
{
	struct nvme_zns_id_ns id;

	if (!raw_identify(env->shared->admin, env->nsid, NVME_IDENTIFY_CNS_CSI_NS, CSI_ZNS))
		return false;
	memcpy(&id, env->data, sizeof(id));
	*ret_open = np_le32(id.mor) + 1;
	*ret_active = np_le32(id.mar) + 1;
	return raw_say(env, *ret_open && *ret_active, "the drive has no limits");
}

/* Opens one more zone than may be open, and then with those closed one more than may be active. */
static bool run_limits(struct raw_env *env, const struct raw_case *self)
{
	uint32_t nopen, nactive;
	uint64_t zone_blocks;

	(void)self;
	if (!learn_zones(env, &zone_blocks) || !learn_limits(env, &nopen, &nactive) ||
		!zone_send(env, 0, NVME_ZNS_ZSA_RESET | SEND_ALL, 0))
		return false;
	for (uint32_t zone = 0; zone < nopen; zone++) {
		if (!zone_send(env, zone * zone_blocks, NVME_ZNS_ZSA_OPEN, 0))
			return false;
	}
	if (!zone_send(env, nopen * zone_blocks, NVME_ZNS_ZSA_OPEN,
		    RAW_SPECIFIC(NVME_SC_ZNS_TOO_MANY_OPENS)))
		return false;
	for (uint32_t zone = 0; zone < nactive; zone++) {
		if (!write_blocks(env, zone * zone_blocks, 1, 0) ||
			!zone_send(env, zone * zone_blocks, NVME_ZNS_ZSA_CLOSE, 0))
			return false;
	}
	return write_blocks(
		       env, nactive * zone_blocks, 1, RAW_SPECIFIC(NVME_SC_ZNS_TOO_MANY_ACTIVE)) &&
		zone_send(env, 0, NVME_ZNS_ZSA_RESET | SEND_ALL, 0) &&
		raw_say(env, true, "%u open, %u active", nopen, nactive);
}

#define ZONED(zoned)                                                         \
	{                                                                    \
		.name = "zoned-" zoned, .run = run_zoned, .is_by_name = true \
	}

const struct raw_case raw_zoned_cases[] = {
	ZONED("write-elsewhere"),
	ZONED("write-across-the-end"),
	ZONED("write-full"),
	ZONED("zeroes-elsewhere"),
	ZONED("read-across-zones"),
	ZONED("append-full"),
	ZONED("append-no-start"),
	ZONED("append-across-the-end"),
	ZONED("append-beyond-zasl"),
	ZONED("append-beyond-end"),
	ZONED("send-action-0"),
	ZONED("send-action-7f"),
	ZONED("send-no-start"),
	ZONED("send-beyond-end"),
	ZONED("send-commit-all"),
	ZONED("send-describe-all"),
	ZONED("send-describe-short"),
	ZONED("send-close-empty"),
	ZONED("send-open-full"),
	ZONED("send-offline-empty"),
	ZONED("send-describe-open"),
	ZONED("report-action-7f"),
	ZONED("report-beyond-end"),
	ZONED("report-beyond-mdts"),
	ZONED("report-short"),
	{.name = "zoned-limits", .run = run_limits, .is_by_name = true},
	{0},
};
