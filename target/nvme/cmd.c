// SPDX-License-Identifier: BSD-3-Clause
/*
 * cmd.c - the commands that exist, as tables by opcode.
 *
 * What a table lacks is answered with Invalid Command Opcode. Identify (ONCS) and the Commands
 * Supported and Effects log are derived from these tables. A new command is one more entry: the
 * admin ones of firmware and security go into np_admin_cmds.
 *
 * Thread: any; constant.
 * Depends: the files with the check and execute functions.
 */
#include "target/nvme/abort.h"
#include "target/nvme/admin.h"
#include "target/nvme/auth.h"
#include "target/nvme/connect.h"
#include "target/nvme/features.h"
#include "target/nvme/identify.h"
#include "target/nvme/io.h"
#include "target/nvme/logpage.h"
#include "target/nvme/ns_mgmt.h"
#include "target/nvme/property.h"
#include "target/nvme/req.h"
#include "target/nvme/resv_cmd.h"
#include "target/nvme/zoned.h"

/* clang-format off */
/* What admin and I/O queues have in common. */
#define NP_FABRICS_OF_ALL_QUEUES \
	[nvme_fabrics_type_connect] = {"connect", NP_DIR_FROM_HOST, \
		NP_CMD_NO_READY | NP_CMD_UNPROVEN, \
		np_connect_check, np_connect_execute}, \
	[nvme_fabrics_type_auth_send] = {"authentication send", NP_DIR_FROM_HOST, \
		NP_CMD_NO_READY | NP_CMD_UNPROVEN, \
		np_auth_check, np_auth_execute}, \
	[nvme_fabrics_type_auth_receive] = {"authentication receive", NP_DIR_TO_HOST, \
		NP_CMD_NO_READY | NP_CMD_UNPROVEN, \
		np_auth_check, np_auth_execute}

static const struct np_cmd np_fabrics_admin_cmds[256] = {
	[nvme_fabrics_type_property_set] = {"property set", NP_DIR_NONE, NP_CMD_NO_READY,
		np_property_check, np_property_set},
	NP_FABRICS_OF_ALL_QUEUES,
	[nvme_fabrics_type_property_get] = {"property get", NP_DIR_NONE, NP_CMD_NO_READY,
		np_property_check, np_property_get},
};

static const struct np_cmd np_fabrics_io_cmds[256] = {
	NP_FABRICS_OF_ALL_QUEUES,
};

static const struct np_cmd np_admin_cmds[256] = {
	[nvme_admin_get_log_page] = {"get log page", NP_DIR_TO_HOST,
		NP_CMD_DISCOVERY | NP_CMD_PIECES,
		np_logpage_check, np_logpage_execute},
	[nvme_admin_identify] = {"identify", NP_DIR_TO_HOST, NP_CMD_DISCOVERY,
		np_identify_check, np_identify_execute},
	[nvme_admin_abort_cmd] = {"abort", NP_DIR_NONE, 0,
		np_admin_check_plain, np_abort_execute},
	[nvme_admin_set_features] = {"set features", NP_DIR_FROM_HOST, NP_CMD_DISCOVERY,
		np_features_check_set, np_features_set},
	[nvme_admin_get_features] = {"get features", NP_DIR_TO_HOST, NP_CMD_DISCOVERY,
		np_features_check_get, np_features_get},
	[nvme_admin_async_event] = {"async event request", NP_DIR_NONE, NP_CMD_DISCOVERY,
		np_admin_check_plain, np_admin_async_event},
	[nvme_admin_ns_mgmt] = {"namespace management", NP_DIR_FROM_HOST, NP_CMD_MANAGES,
		np_ns_mgmt_check, np_ns_mgmt_execute},
	[nvme_admin_ns_attach] = {"namespace attachment", NP_DIR_FROM_HOST, NP_CMD_MANAGES,
		np_ns_attach_check, np_ns_attach_execute},
	[nvme_admin_keep_alive] = {"keep alive", NP_DIR_NONE, NP_CMD_DISCOVERY,
		np_admin_check_plain, np_admin_keep_alive},
};

static const struct np_cmd np_io_cmds[256] = {
	[nvme_cmd_flush] = {"flush", NP_DIR_NONE, 0,
		np_io_check_flush, np_io_flush},
	[nvme_cmd_write] = {"write", NP_DIR_FROM_HOST,
		NP_CMD_PEER | NP_CMD_PIECES | NP_CMD_CHANGES_MEDIA | NP_CMD_EXTENT | NP_CMD_SECOND,
		np_io_check_rw, np_io_write},
	[nvme_cmd_read] = {"read", NP_DIR_TO_HOST,
		NP_CMD_PEER | NP_CMD_PIECES | NP_CMD_READS | NP_CMD_EXTENT,
		np_io_check_rw, np_io_read},
	/* The CPU compares, so both halves are host memory. */
	[nvme_cmd_compare] = {"compare", NP_DIR_FROM_HOST,
		NP_CMD_PIECES | NP_CMD_TWICE | NP_CMD_READS | NP_CMD_EXTENT | NP_CMD_FIRST,
		np_io_check_rw, np_io_compare},
	[nvme_cmd_write_zeroes] = {"write zeroes", NP_DIR_NONE,
		NP_CMD_CHANGES_MEDIA | NP_CMD_EXTENT,
		np_io_check_write_zeroes, np_io_write_zeroes},
	[nvme_cmd_write_uncor] = {"write uncorrectable", NP_DIR_NONE,
		NP_CMD_CHANGES_MEDIA | NP_CMD_EXTENT,
		np_io_check_write_uncor, np_io_write_uncor},
	[nvme_cmd_verify] = {"verify", NP_DIR_NONE, NP_CMD_READS | NP_CMD_EXTENT,
		np_io_check_verify, np_io_verify},
	[nvme_cmd_dsm] = {"dataset management", NP_DIR_FROM_HOST,
		NP_CMD_CHANGES_MEDIA | NP_CMD_EXTENTS,
		np_io_check_dsm, np_io_dsm},
	[nvme_cmd_copy] = {"copy", NP_DIR_FROM_HOST,
		NP_CMD_ROOM | NP_CMD_CHANGES_MEDIA | NP_CMD_EXTENTS,
		np_io_check_copy, np_io_copy},
	/* Not piece by piece: where it went is one answer. */
	[nvme_zns_cmd_append] = {"zone append", NP_DIR_FROM_HOST,
		NP_CMD_PEER | NP_CMD_CHANGES_MEDIA | NP_CMD_EXTENTS | NP_CMD_ZONED,
		np_zoned_check_append, np_zoned_append},
	[nvme_zns_cmd_mgmt_send] = {"zone management send", NP_DIR_FROM_HOST,
		NP_CMD_CHANGES_MEDIA | NP_CMD_EXTENTS | NP_CMD_ZONED,
		np_zoned_check_send, np_zoned_send},
	[nvme_zns_cmd_mgmt_recv] = {"zone management receive", NP_DIR_TO_HOST,
		NP_CMD_READS | NP_CMD_ZONED,
		np_zoned_check_receive, np_zoned_receive},
	[nvme_cmd_resv_register] = {"reservation register", NP_DIR_FROM_HOST, NP_CMD_RESERVES,
		np_resv_check_register, np_resv_execute},
	[nvme_cmd_resv_report] = {"reservation report", NP_DIR_TO_HOST, NP_CMD_RESERVES,
		np_resv_check_report, np_resv_report},
	[nvme_cmd_resv_acquire] = {"reservation acquire", NP_DIR_FROM_HOST, NP_CMD_RESERVES,
		np_resv_check_acquire, np_resv_execute},
	[nvme_cmd_resv_release] = {"reservation release", NP_DIR_FROM_HOST, NP_CMD_RESERVES,
		np_resv_check_release, np_resv_execute},
};
/* clang-format on */

static const struct np_cmd *np_cmd_find(const struct np_cmd table[256], uint8_t opcode)
{
	return table[opcode].name ? &table[opcode] : NULL;
}

const struct np_cmd *np_cmd_find_admin(uint8_t opcode)
{
	return np_cmd_find(np_admin_cmds, opcode);
}

const struct np_cmd *np_cmd_find_discovery(uint8_t opcode)
{
	const struct np_cmd *cmd = np_cmd_find(np_admin_cmds, opcode);

	return cmd && cmd->flags & NP_CMD_DISCOVERY ? cmd : NULL;
}

const struct np_cmd *np_cmd_find_io(uint8_t opcode)
{
	return np_cmd_find(np_io_cmds, opcode);
}

const struct np_cmd *np_cmd_find_fabrics(uint8_t fctype, bool is_admin)
{
	return np_cmd_find(is_admin ? np_fabrics_admin_cmds : np_fabrics_io_cmds, fctype);
}
