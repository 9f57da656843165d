// SPDX-License-Identifier: BSD-3-Clause
/*
 * case_field.c - one wrong field in a command: its status, and that the error log names the field.
 *
 * Spec: NVM Express Base 2.0, 5.16.1.2 (error log), 5.27.1 (features); NVM Command Set 1.0, 3.2.
 */
#include <string.h>

#include "target/base/le.h"
#include "tests/rxe/rawclient/raw.h"

#define PAGE 4096u
#define NUMD(bytes) (((bytes) / 4 - 1) << 16)
#define LAST_LBA 0xffffffffu, 0xffffffffu

static bool read_error(struct raw_env *env, struct nvme_error_log_page *ret_entry)
{
	struct np_sqe sqe;

	raw_sqe_init(&sqe, nvme_admin_get_log_page, 0);
	sqe.cdw10 = np_le32(NUMD((uint32_t)sizeof(*ret_entry)) | NVME_LOG_LID_ERROR);
	raw_use_data(env, &sqe, sizeof(*ret_entry));
	if (!raw_expect(env->shared->admin, &sqe, NULL, 0, 0))
		return false;
	memcpy(ret_entry, env->data, sizeof(*ret_entry));
	return true;
}

bool raw_is_logged(
	struct raw_env *env, const struct np_sqe *sqe, bool is_io, uint16_t want, uint16_t where)
{
	struct nvme_error_log_page entry;

	if (!read_error(env, &entry))
		return false;
	if (entry.cmdid != sqe->cid || np_le16(entry.sqid) != is_io ||
		(sqe->opcode != NP_OPCODE_FABRICS && entry.nsid != sqe->nsid) ||
		(np_le16(entry.status_field) >> 1 & 0x7ff) != want)
		return raw_say(env, false,
			"error log: queue %u, command %04xh, status %04xh, NSID %xh",
			np_le16(entry.sqid), np_le16(entry.cmdid), np_le16(entry.status_field),
			np_le32(entry.nsid));
	return raw_say(env, np_le16(entry.parm_error_location) == where,
		"status %03xh, error location %04xh, wanted %04xh", want,
		np_le16(entry.parm_error_location), where);
}

bool raw_run_fields(struct raw_env *env, const struct raw_case *self)
{
	const struct raw_fields *fields = self->fields;
	struct raw_ctrl *ctrl = env->shared;
	uint16_t where = RAW_NO_FIELD;
	struct np_sqe sqe;

	raw_sqe_init(
		&sqe, fields->opcode, fields->nsid == RAW_NSID_OURS ? env->nsid : fields->nsid);
	sqe.cdw10 = np_le32(fields->cdw10_15[0]);
	sqe.cdw11 = np_le32(fields->cdw10_15[1]);
	sqe.cdw12 = np_le32(fields->cdw10_15[2]);
	sqe.cdw13 = np_le32(fields->cdw10_15[3]);
	sqe.cdw14 = np_le32(fields->cdw10_15[4]);
	sqe.cdw15 = np_le32(fields->cdw10_15[5]);
	memcpy(env->data, fields->data ? fields->data : "", fields->data_bytes);
	if (fields->bytes)
		raw_use_data(env, &sqe, fields->bytes);
	if (!fields->is_unnamed)
		where = (uint16_t)(fields->byte | fields->bit << 8);
	return raw_expect(fields->is_io ? ctrl->io : ctrl->admin, &sqe, NULL, 0, self->want) &&
		raw_is_logged(env, &sqe, fields->is_io, self->want, where);
}

/* clang-format off */
#define LOG(title, status, ns, ...) \
	RAW_ADMIN("log-" title, status, nvme_admin_get_log_page, ns, .bytes = PAGE, __VA_ARGS__)
#define GET(title, status, ns, ...) \
	RAW_ADMIN("get-feature-" title, status, nvme_admin_get_features, ns, __VA_ARGS__)
#define SET(title, status, ns, ...) \
	RAW_ADMIN("set-feature-" title, status, nvme_admin_set_features, ns, __VA_ARGS__)
#define IDENTIFY(title, status, ns, ...) \
	RAW_ADMIN("identify-" title, status, nvme_admin_identify, ns, .bytes = PAGE, __VA_ARGS__)
#define ABSENT(title, op) \
	RAW_ADMIN("absent-" title, NVME_SC_INVALID_OPCODE, op, 0, .byte = 0)

const struct raw_case raw_field_cases[] = {
	LOG("unknown", RAW_SPECIFIC(NVME_SC_INVALID_LOG_PAGE), 0,
		.cdw10_15 = {NUMD(PAGE) | 0xc0}, .byte = 40),
	LOG("discovery", RAW_SPECIFIC(NVME_SC_INVALID_LOG_PAGE), 0,
		.cdw10_15 = {NUMD(PAGE) | 0x70}, .byte = 40),
	LOG("beyond-mdts", NVME_SC_INVALID_FIELD, 0, .cdw10_15 = {0xffff0001, 0xffff}, .byte = 44),
	LOG("offset-odd", NVME_SC_INVALID_FIELD, 0, .cdw10_15 = {NUMD(PAGE) | 1, 0, 2}, .byte = 48),
	LOG("offset-beyond", NVME_SC_INVALID_FIELD, 0,
		.cdw10_15 = {NUMD(PAGE) | 1, 0, PAGE + 4}, .byte = 48),
	LOG("offset-wraps", NVME_SC_INVALID_FIELD, 0,
		.cdw10_15 = {NUMD(PAGE) | 1, 0, 0xfffffffc, 0xffffffff}, .byte = 48),
	LOG("offset-by-index", NVME_SC_INVALID_FIELD, 0,
		.cdw10_15 = {NUMD(PAGE) | 1, 0, 0, 0, 1u << 23}, .byte = 58, .bit = 7),
	LOG("effects-of-no-set", RAW_SPECIFIC(NVME_SC_INVALID_LOG_PAGE), 0,
		.cdw10_15 = {NUMD(PAGE) | 5, 0, 0, 0, 5u << 24}, .byte = 59),
	LOG("smart-of-nobody", NVME_SC_INVALID_NS, 0xfffffffe,
		.cdw10_15 = {NUMD(PAGE) | 2}, .byte = 4),

	IDENTIFY("nsid-0", NVME_SC_INVALID_NS, 0, .cdw10_15 = {0x00}, .byte = 4),
	IDENTIFY("common-of-ffffffff", NVME_SC_INVALID_NS, 0xffffffff, .cdw10_15 = {0x08}, .byte = 4),
	IDENTIFY("allocated-of-0", NVME_SC_INVALID_NS, 0, .cdw10_15 = {0x11}, .byte = 4),
	IDENTIFY("allocated-from-ffffffff", NVME_SC_INVALID_NS, 0xffffffff,
		.cdw10_15 = {0x10}, .byte = 4),
	IDENTIFY("list-from-fffffffe", NVME_SC_INVALID_NS, 0xfffffffe,
		.cdw10_15 = {0x02}, .byte = 4),
	IDENTIFY("list-from-ffffffff", NVME_SC_INVALID_NS, 0xffffffff,
		.cdw10_15 = {0x02}, .byte = 4),
	IDENTIFY("descriptors-of-0", NVME_SC_INVALID_NS, 0, .cdw10_15 = {0x03}, .byte = 4),
	IDENTIFY("no-command-set", NVME_SC_INVALID_FIELD, RAW_NSID_OURS,
		.cdw10_15 = {0x05, 7u << 24}, .byte = 47),
	IDENTIFY("controllers-of-0", NVME_SC_INVALID_NS, 0, .cdw10_15 = {0x12}, .byte = 4),

	GET("unknown", NVME_SC_INVALID_FIELD, 0, .cdw10_15 = {0x3f}, .byte = 40),
	GET("select-4", NVME_SC_INVALID_FIELD, 0, .cdw10_15 = {4u << 8 | 0x01}, .byte = 41),
	GET("sensor-3", NVME_SC_INVALID_FIELD, 0, .cdw10_15 = {0x04, 3u << 16}, .byte = 44),
	GET("host-id-of-64-bits", NVME_SC_INVALID_FIELD, 0,
		.cdw10_15 = {0x81}, .bytes = 16, .byte = 44),
	GET("protection-of-0", NVME_SC_INVALID_NS, 0, .cdw10_15 = {0x84}, .byte = 4),
	GET("protection-of-all", NVME_SC_INVALID_NS, 0xffffffff, .cdw10_15 = {0x84}, .byte = 4),
	SET("unknown", NVME_SC_INVALID_FIELD, 0, .cdw10_15 = {0x3f}, .byte = 40),
	SET("saved", RAW_SPECIFIC(NVME_SC_FEATURE_NOT_SAVEABLE), 0,
		.cdw10_15 = {1u << 31 | 0x01}, .byte = 43, .bit = 7),
	SET("not-per-namespace", RAW_SPECIFIC(NVME_SC_FEATURE_NOT_PER_NS), RAW_NSID_OURS,
		.cdw10_15 = {0x01}, .byte = 4),
	SET("power-state-1", NVME_SC_INVALID_FIELD, 0, .cdw10_15 = {0x02, 1}, .byte = 44),
	SET("sensor-3", NVME_SC_INVALID_FIELD, 0, .cdw10_15 = {0x04, 3u << 16}, .byte = 44),
	SET("dulbe", NVME_SC_INVALID_FIELD, RAW_NSID_OURS,
		.cdw10_15 = {0x05, 1u << 16}, .byte = 44),
	SET("cache-off", RAW_SPECIFIC(NVME_SC_FEATURE_NOT_CHANGEABLE), 0,
		.cdw10_15 = {0x06, 0}, .is_unnamed = true),
	SET("65536-queues", NVME_SC_INVALID_FIELD, 0, .cdw10_15 = {0x07, 0xffff}, .byte = 44),
	SET("event-reserved", NVME_SC_INVALID_FIELD, 0, .cdw10_15 = {0x0b, 1u << 7}, .byte = 44),
	SET("host-id", NVME_SC_CMD_SEQ_ERROR, 0,
		.cdw10_15 = {0x81, 1}, .bytes = 16, .is_unnamed = true),
	SET("protection-of-all", NVME_SC_INVALID_NS, 0xffffffff, .cdw10_15 = {0x84, 0}, .byte = 4),
	SET("protection-4", NVME_SC_INVALID_FIELD, RAW_NSID_OURS,
		.cdw10_15 = {0x84, 4}, .byte = 44),

	RAW_ADMIN("keep-alive-without-timer", NVME_SC_KAT_INVALID, nvme_admin_keep_alive, 0,
		.is_unnamed = true),
	ABSENT("create-sq", nvme_admin_create_sq), ABSENT("delete-sq", nvme_admin_delete_sq),
	ABSENT("create-cq", nvme_admin_create_cq), ABSENT("delete-cq", nvme_admin_delete_cq),
	ABSENT("fw-commit", nvme_admin_fw_commit), ABSENT("fw-download", nvme_admin_fw_download),
	ABSENT("self-test", nvme_admin_dev_self_test), ABSENT("format", nvme_admin_format_nvm),
	ABSENT("sanitize", nvme_admin_sanitize_nvm), ABSENT("doorbells", nvme_admin_dbbuf),
	ABSENT("security-send", nvme_admin_security_send),

	RAW_IO("flush-nsid-ffffffff", NVME_SC_INVALID_NS, nvme_cmd_flush, 0xffffffff, .byte = 4),
	RAW_IO("write-directive", NVME_SC_INVALID_FIELD, nvme_cmd_write, RAW_NSID_OURS,
		.cdw10_15 = {0, 0, 1u << 20}, .bytes = PAGE, .byte = 50, .bit = 4),
	RAW_IO("compare-lba-max", NVME_SC_LBA_RANGE, nvme_cmd_compare, RAW_NSID_OURS,
		.cdw10_15 = {LAST_LBA}, .bytes = PAGE, .byte = 40),
	RAW_IO("compare-nsid-0", NVME_SC_INVALID_NS, nvme_cmd_compare, 0, .bytes = PAGE, .byte = 4),
	RAW_IO("verify-lba-max", NVME_SC_LBA_RANGE, nvme_cmd_verify, RAW_NSID_OURS,
		.cdw10_15 = {LAST_LBA, 0xffff}, .byte = 40),
	RAW_IO("zeroes-lba-max", NVME_SC_LBA_RANGE, nvme_cmd_write_zeroes, RAW_NSID_OURS,
		.cdw10_15 = {LAST_LBA, 0xffff}, .byte = 40),
	RAW_IO("dsm-nsid-ffffffff", NVME_SC_INVALID_NS, nvme_cmd_dsm, 0xffffffff,
		.bytes = 16, .byte = 4),
	RAW_IO("copy-format-2", NVME_SC_INVALID_FIELD, nvme_cmd_copy, RAW_NSID_OURS,
		.cdw10_15 = {0, 0, 2u << 8}, .bytes = 32, .byte = 49),
	RAW_IO("copy-256-ranges", RAW_SPECIFIC(NVME_SC_CMD_SIZE_LIMIT_EXCEEDED), nvme_cmd_copy,
		RAW_NSID_OURS, .cdw10_15 = {0, 0, 0xff}, .bytes = 256 * 32, .byte = 48),
	RAW_IO("copy-directive", NVME_SC_INVALID_FIELD, nvme_cmd_copy, RAW_NSID_OURS,
		.cdw10_15 = {0, 0, 1u << 20}, .bytes = 32, .byte = 50, .bit = 4),
	RAW_IO("zone-append-no-zones", NVME_SC_INVALID_OPCODE, nvme_zns_cmd_append, RAW_NSID_OURS,
		.bytes = PAGE, .byte = 0),
	RAW_IO("zone-send-no-zones", NVME_SC_INVALID_OPCODE, nvme_zns_cmd_mgmt_send, RAW_NSID_OURS,
		.byte = 0),
	RAW_IO("zone-report-no-zones", NVME_SC_INVALID_OPCODE, nvme_zns_cmd_mgmt_recv, RAW_NSID_OURS,
		.bytes = PAGE, .byte = 0),
	RAW_IO("io-mgmt", NVME_SC_INVALID_OPCODE, nvme_cmd_io_mgmt_recv, RAW_NSID_OURS, .byte = 0),
	{0},
};
/* clang-format on */
