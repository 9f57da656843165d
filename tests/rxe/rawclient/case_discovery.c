// SPDX-License-Identifier: BSD-3-Clause
/*
 * case_discovery.c - what a discovery controller does not have. As in case_field.c, by the well-known name.
 *
 * Spec: NVM Express Base 2.0, 3.1.2.3 and Figures 28 to 30.
 */
#include "target/base/le.h"
#include "tests/rxe/rawclient/raw.h"

#define PAGE 4096u
#define NUMD_PAGE ((PAGE / 4 - 1) << 16)

/* Opens the controller as @there, which is env but for that. */
static bool open_there(struct raw_env *env, struct raw_env *there, struct raw_ctrl *ctrl)
{
	*there = *env;
	there->subnqn = NVME_DISC_SUBSYS_NAME;
	there->shared = ctrl;
	ctrl->admin = raw_open_connected(there, 0, RAW_DEPTH, 0xffff, &ctrl->cntlid);
	return ctrl->admin && raw_enable(ctrl->admin);
}

static bool run_there(struct raw_env *env, const struct raw_case *self)
{
	struct raw_ctrl ctrl = {0};
	struct raw_env there;
	bool is_ok = open_there(env, &there, &ctrl) && raw_run_fields(&there, self);

	return raw_end_as(env, &there, ctrl.admin, is_ok);
}

/* It has an admin queue, and that alone. */
static bool run_io_queue(struct raw_env *env, const struct raw_case *self)
{
	struct raw_ctrl ctrl = {0};
	struct raw_queue *io = NULL;
	struct raw_connect connect;
	struct raw_answer answer;
	struct raw_env there;
	bool is_ok = open_there(env, &there, &ctrl);

	if (is_ok)
		io = raw_open_plain(&there, 1, RAW_DEPTH);
	if (io) {
		raw_connect_init(&there, &connect, 1, RAW_DEPTH, ctrl.cntlid);
		is_ok = !raw_connect_exec(io, &connect, &answer) &&
			raw_status(&answer) == self->want;
		raw_say(&there, is_ok, "status %03xh", raw_status(&answer));
	}
	raw_queue_close(io);
	return raw_end_as(env, &there, ctrl.admin, io && is_ok);
}

/* clang-format off */
#define THERE(title, status, op, ...)                                          \
	{                                                                      \
		.name = "discovery-" title, .run = run_there, .want = status,  \
		.fields = &(const struct raw_fields){.opcode = op, __VA_ARGS__} \
	}
#define ABSENT(title, op) THERE(title, NVME_SC_INVALID_OPCODE, op, .byte = 0)
#define NO_LOG(title, id) \
	THERE(title, RAW_SPECIFIC(NVME_SC_INVALID_LOG_PAGE), nvme_admin_get_log_page, \
		.cdw10_15 = {NUMD_PAGE | (id)}, .bytes = PAGE, .byte = 40)
#define NO_CNS(title, cns, ns) \
	THERE(title, NVME_SC_INVALID_FIELD, nvme_admin_identify, .nsid = ns, \
		.cdw10_15 = {cns}, .bytes = PAGE, .byte = 40)
#define NO_FEATURE(title, op, id) \
	THERE(title, NVME_SC_INVALID_FIELD, op, .cdw10_15 = {id}, .byte = 40)

const struct raw_case raw_discovery_cases[] = {
	ABSENT("abort", nvme_admin_abort_cmd),
	ABSENT("ns-management", nvme_admin_ns_mgmt),
	ABSENT("ns-attachment", nvme_admin_ns_attach),
	ABSENT("vendor-opcode", 0xc0),
	NO_CNS("identify-namespace", NVME_IDENTIFY_CNS_NS, 1),
	NO_CNS("identify-list", NVME_IDENTIFY_CNS_NS_ACTIVE_LIST, 0),
	NO_CNS("identify-controllers", NVME_IDENTIFY_CNS_CTRL_LIST, 0),
	NO_LOG("log-smart", NVME_LOG_LID_SMART),
	NO_LOG("log-ana", NVME_LOG_LID_ANA),
	NO_LOG("log-changed", NVME_LOG_LID_CHANGED_NS),
	NO_LOG("log-reservation", NVME_LOG_LID_RESERVATION),
	NO_FEATURE("get-queues", nvme_admin_get_features, NVME_FEAT_FID_NUM_QUEUES),
	NO_FEATURE("set-queues", nvme_admin_set_features, NVME_FEAT_FID_NUM_QUEUES),
	NO_FEATURE("get-cache", nvme_admin_get_features, NVME_FEAT_FID_VOLATILE_WC),
	THERE("event-of-namespaces", NVME_SC_INVALID_FIELD, nvme_admin_set_features,
		.cdw10_15 = {NVME_FEAT_FID_ASYNC_EVENT, NVME_CTRL_OAES_NA}, .byte = 44),
	THERE("log-offset-odd", NVME_SC_INVALID_FIELD, nvme_admin_get_log_page,
		.cdw10_15 = {NUMD_PAGE | NVME_LOG_LID_DISCOVER, 0, 2}, .bytes = PAGE, .byte = 48),
	THERE("log-offset-beyond", NVME_SC_INVALID_FIELD, nvme_admin_get_log_page,
		.cdw10_15 = {NUMD_PAGE | NVME_LOG_LID_DISCOVER, 0, 1u << 30}, .bytes = PAGE,
		.byte = 48),
	{.name = "discovery-io-queue", .run = run_io_queue,
		.want = RAW_SPECIFIC(NVME_SC_CONNECT_INVALID_PARAM)},
	{0},
};
/* clang-format on */
