// SPDX-License-Identifier: BSD-3-Clause
/*
 * rotational.c - namespaces on media that rotate: hosts are told, and order what they ask for.
 *
 * Thread: the reactor of req->queue.
 * Depends: backend.h, ctrl.h, smart.h.
 */
#include "target/nvme/rotational.h"

#include "target/base/le.h"
#include "target/nvme/ctrl.h"
#include "target/nvme/smart.h"

/* Log page 16h. */
struct np_rotational_log {
	uint16_t endgid;
	uint16_t actuators;
	uint16_t speed; /* rotations a minute; 0: not reported */
	uint8_t rsvd6[2];
	uint32_t spinups, failed_spinups;
	uint32_t loads, failed_loads;
	uint8_t rsvd24[488];
};
static_assert(sizeof(struct np_rotational_log) == 512, "rotational media information log");
static_assert(sizeof(struct nvme_endurance_group_log) == 512, "endurance group log");

uint16_t np_rotational_group(const struct np_ns *ns)
{
	return ns->backend->is_rotational && ns->nsid <= UINT16_MAX ? (uint16_t)ns->nsid : 0;
}

bool np_rotational_is_there(const struct np_view *view)
{
	for (unsigned int i = 0; i < view->nns; i++) {
		if (np_rotational_group(view->ns[i]))
			return true;
	}
	return false;
}

/* Those above CDW11.ENDGID. */
struct np_status np_rotational_identify_groups(struct np_req *req, uint8_t *data)
{
	const struct np_view *view = np_ctrl_view(req->queue->ctrl);
	const uint16_t from = (uint16_t)np_le32(req->sqe.cdw11);
	struct nvme_id_endurance_group_list *list = (void *)data;
	uint16_t n = 0;

	for (unsigned int i = 0; i < view->nns && n < NVME_ID_ENDURANCE_GROUP_LIST_MAX; i++) {
		const uint16_t group = np_rotational_group(view->ns[i]);

		if (group && group >= from)
			list->identifier[n++] = np_le16(group);
	}
	list->num = np_le16(n);
	return NP_SUCCESS;
}

/* The namespace that the Log Specific Identifier names; NULL with *ret_status if it names none. */
static const struct np_ns *np_rotational_find(struct np_req *req, struct np_status *ret_status)
{
	const uint32_t group = np_le32(req->sqe.cdw11) >> 16;
	const struct np_ns *ns = np_view_find(np_ctrl_view(req->queue->ctrl), group);

	if (ns && np_rotational_group(ns))
		return ns;
	*ret_status = np_req_bad(req, offsetof(struct np_sqe, cdw11) + 2, 0,
		np_status_generic(NVME_SC_INVALID_FIELD));
	return NULL;
}

struct np_status np_rotational_fill_group(
	struct np_req *req, const struct np_window *window, uint64_t *ret_bytes)
{
	struct nvme_endurance_group_log log = {.avl_spare = NP_SPARE_FULL};
	struct np_status status;
	const struct np_ns *ns = np_rotational_find(req, &status);
	struct np_smart_counts counts = {0};

	if (!ns)
		return status;
	np_smart_count_ns(ns, &counts);
	np_smart_set(log.data_units_read, np_smart_data_units(counts.read_bytes));
	np_smart_set(log.data_units_written, np_smart_data_units(counts.write_bytes));
	np_smart_set(log.host_read_cmds, counts.reads);
	np_smart_set(log.host_write_cmds, counts.writes);
	np_window_put(window, 0, &log, sizeof(log));
	*ret_bytes = sizeof(log);
	return NP_SUCCESS;
}

struct np_status np_rotational_fill_media(
	struct np_req *req, const struct np_window *window, uint64_t *ret_bytes)
{
	struct np_status status;
	const struct np_ns *ns = np_rotational_find(req, &status);
	struct np_rotational_log log = {.actuators = np_le16(1)};

	if (!ns)
		return status;
	log.endgid = np_le16(np_rotational_group(ns));
	np_window_put(window, 0, &log, sizeof(log));
	*ret_bytes = sizeof(log);
	return NP_SUCCESS;
}
