// SPDX-License-Identifier: BSD-3-Clause
/*
 * case_share.c - one wrong field in the commands by which hosts share namespaces: reservations, and the
 *                management of namespaces. As in case_field.c.
 *
 * The client is registered with nothing, and nothing is created.
 *
 * Spec: NVM Express Base 2.0, 5.22, 5.23, 7.2, 7.3, 7.5, 7.6.
 */
#include "tests/rxe/rawclient/raw.h"

#define KEYS 16u /* bytes of the data of Register, Acquire */
#define KEY 8u   /* of Release */
#define PAGE 4096u
#define IEKEY (1u << 3)
#define TYPE(type) ((uint32_t)(type) << 8)
#define CPTPL_RESERVED (1u << 30)

/* clang-format off */
#define REGISTER(title, status, ns, ...) \
	RAW_IO("register-" title, status, nvme_cmd_resv_register, ns, .bytes = KEYS, __VA_ARGS__)
#define ACQUIRE(title, status, ns, ...) \
	RAW_IO("acquire-" title, status, nvme_cmd_resv_acquire, ns, .bytes = KEYS, __VA_ARGS__)
#define RELEASE(title, status, ns, ...) \
	RAW_IO("release-" title, status, nvme_cmd_resv_release, ns, .bytes = KEY, __VA_ARGS__)
#define REPORT(title, status, ns, ...) \
	RAW_IO("report-" title, status, nvme_cmd_resv_report, ns, .bytes = PAGE, __VA_ARGS__)
#define CREATE(title, status, ...) \
	RAW_ADMIN("create-" title, status, nvme_admin_ns_mgmt, 0, .bytes = PAGE, \
		.data = &(const struct nvme_id_ns){__VA_ARGS__}, .data_bytes = PAGE, \
		.is_unnamed = true)
#define DELETE(title, status, ns, ...) \
	RAW_ADMIN("delete-" title, status, nvme_admin_ns_mgmt, ns, \
		.cdw10_15 = {NVME_NS_MGMT_SEL_DELETE}, __VA_ARGS__)
#define ATTACH(title, status, ns, ...) \
	RAW_ADMIN("attach-" title, status, nvme_admin_ns_attach, ns, .bytes = PAGE, __VA_ARGS__)

/* The data is the host's, little endian, as is every machine that this is built for. */
const struct raw_case raw_share_cases[] = {
	REGISTER("action-3", NVME_SC_INVALID_FIELD, RAW_NSID_OURS, .cdw10_15 = {3}, .byte = 40),
	REGISTER("persistence-reserved", NVME_SC_INVALID_FIELD, RAW_NSID_OURS,
		.cdw10_15 = {CPTPL_RESERVED}, .byte = 43, .bit = 6),
	REGISTER("nsid-0", NVME_SC_INVALID_NS, 0, .byte = 4),
	REGISTER("nsid-ffffffff", NVME_SC_INVALID_NS, 0xffffffff, .byte = 4),
	REGISTER("not-to-be-found", NVME_SC_RESERVATION_CONFLICT, RAW_NSID_OURS,
		.cdw10_15 = {NVME_RESERVATION_RREGA_UNREGISTER_KEY}, .is_unnamed = true),
	RAW_IO("register-short", NVME_SC_SGL_INVALID_DATA, nvme_cmd_resv_register, RAW_NSID_OURS,
		.bytes = KEY, .byte = 24),

	ACQUIRE("action-3", NVME_SC_INVALID_FIELD, RAW_NSID_OURS,
		.cdw10_15 = {3 | TYPE(1)}, .byte = 40),
	ACQUIRE("no-key-looked-at", NVME_SC_INVALID_FIELD, RAW_NSID_OURS,
		.cdw10_15 = {IEKEY | TYPE(1)}, .byte = 40, .bit = 3),
	ACQUIRE("type-0", NVME_SC_INVALID_FIELD, RAW_NSID_OURS, .byte = 41),
	ACQUIRE("type-7", NVME_SC_INVALID_FIELD, RAW_NSID_OURS,
		.cdw10_15 = {TYPE(7)}, .byte = 41),
	ACQUIRE("nsid-0", NVME_SC_INVALID_NS, 0, .cdw10_15 = {TYPE(1)}, .byte = 4),
	ACQUIRE("by-a-stranger", NVME_SC_RESERVATION_CONFLICT, RAW_NSID_OURS,
		.cdw10_15 = {TYPE(1)}, .is_unnamed = true),

	RELEASE("action-2", NVME_SC_INVALID_FIELD, RAW_NSID_OURS,
		.cdw10_15 = {2 | TYPE(1)}, .byte = 40),
	RELEASE("type-0", NVME_SC_INVALID_FIELD, RAW_NSID_OURS, .byte = 41),
	RELEASE("by-a-stranger", NVME_SC_RESERVATION_CONFLICT, RAW_NSID_OURS,
		.cdw10_15 = {TYPE(1)}, .is_unnamed = true),

	REPORT("of-64-bit-hosts", NVME_SC_HOSTID_FORMAT, RAW_NSID_OURS,
		.cdw10_15 = {PAGE / 4 - 1}, .byte = 44),
	REPORT("beyond-mdts", NVME_SC_INVALID_FIELD, RAW_NSID_OURS,
		.cdw10_15 = {0xffffffff, 1}, .byte = 40),
	REPORT("nsid-ffffffff", NVME_SC_INVALID_NS, 0xffffffff,
		.cdw10_15 = {PAGE / 4 - 1, 1}, .byte = 4),

	RAW_ADMIN("create-select-2", NVME_SC_INVALID_FIELD, nvme_admin_ns_mgmt, 0,
		.cdw10_15 = {2}, .byte = 40),
	RAW_ADMIN("create-zoned", RAW_SPECIFIC(NVME_SC_IOCS_NOT_SUPPORTED), nvme_admin_ns_mgmt, 0,
		.cdw10_15 = {0, 2u << 24}, .bytes = PAGE, .byte = 47),
	RAW_ADMIN("create-short", NVME_SC_SGL_INVALID_DATA, nvme_admin_ns_mgmt, 0,
		.bytes = 512, .byte = 24),
	CREATE("nothing", NVME_SC_INVALID_FIELD, .nsze = 0),
	CREATE("thin", RAW_SPECIFIC(NVME_SC_THIN_PROV_NOT_SUPP), .nsze = 8, .ncap = 7),
	CREATE("fat", NVME_SC_INVALID_FIELD, .nsze = 8, .ncap = 9),
	CREATE("format-1", RAW_SPECIFIC(NVME_SC_INVALID_FORMAT), .nsze = 8, .ncap = 8, .flbas = 1),
	CREATE("protected", NVME_SC_INVALID_FIELD, .nsze = 8, .ncap = 8, .dps = 1),
	CREATE("nmic-reserved", NVME_SC_INVALID_FIELD, .nsze = 8, .ncap = 8, .nmic = 0x80),
	CREATE("ana-group-129", RAW_SPECIFIC(NVME_SC_ANA_GROUP_ID_INVALID),
		.nsze = 8, .ncap = 8, .anagrpid = 129),
	CREATE("in-a-set", NVME_SC_INVALID_FIELD, .nsze = 8, .ncap = 8, .nvmsetid = 1),
	CREATE("in-an-endurance-group", NVME_SC_INVALID_FIELD, .nsze = 8, .ncap = 8, .endgid = 1),
	CREATE("too-large", RAW_SPECIFIC(NVME_SC_NS_INSUFFICIENT_CAP),
		.nsze = UINT64_MAX, .ncap = UINT64_MAX),
	DELETE("nsid-0", NVME_SC_INVALID_NS, 0, .byte = 4),
	DELETE("nobody", NVME_SC_INVALID_NS, 77, .is_unnamed = true),
	DELETE("the-operators", NVME_SC_OP_DENIED, RAW_NSID_OURS, .is_unnamed = true),
	DELETE("all", NVME_SC_OP_DENIED, 0xffffffff, .is_unnamed = true),
	ATTACH("select-2", NVME_SC_INVALID_FIELD, RAW_NSID_OURS, .cdw10_15 = {2}, .byte = 40),
	ATTACH("nsid-0", NVME_SC_INVALID_NS, 0, .byte = 4),
	ATTACH("nsid-ffffffff", NVME_SC_INVALID_NS, 0xffffffff, .byte = 4),
	ATTACH("to-nobody", RAW_SPECIFIC(NVME_SC_CTRL_LIST_INVALID), RAW_NSID_OURS,
		.data = &(const struct nvme_ctrl_list){.num = 0}, .data_bytes = PAGE,
		.is_unnamed = true),
	ATTACH("to-a-stranger", RAW_SPECIFIC(NVME_SC_CTRL_LIST_INVALID), RAW_NSID_OURS,
		.data = &(const struct nvme_ctrl_list){.num = 1, .identifier = {0xffe0}},
		.data_bytes = PAGE, .is_unnamed = true),
	ATTACH("beyond-the-list", RAW_SPECIFIC(NVME_SC_CTRL_LIST_INVALID), RAW_NSID_OURS,
		.data = &(const struct nvme_ctrl_list){.num = 2048}, .data_bytes = PAGE,
		.is_unnamed = true),
	{0},
};
/* clang-format on */
