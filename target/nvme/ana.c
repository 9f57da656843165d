// SPDX-License-Identifier: BSD-3-Clause
/*
 * ana.c - states of ANA groups, and their log page.
 *
 * Thread: as ana.h says.
 * Depends: ctrl.h, logpage.h.
 */
#include "target/nvme/ana.h"

#include "target/base/le.h"
#include "target/nvme/ctrl.h"
#include "target/nvme/logpage.h"

static_assert(sizeof(struct nvme_ana_group_desc) == 32, "ANA group descriptor");
static_assert(sizeof(struct nvme_ana_log) == 16, "ANA log header");

void np_ana_init(struct np_ana *ana)
{
	for (unsigned int i = 0; i < NP_ANA_GROUPS; i++) {
		atomic_init(&ana->states[i], NVME_ANA_STATE_OPTIMIZED);
		atomic_init(&ana->changes[i], 0);
	}
	atomic_init(&ana->all_changes, 0);
}

bool np_ana_set(struct np_ana *ana, uint32_t group, enum nvme_ana_state state)
{
	if (np_ana_state(ana, group) == state)
		return false;
	atomic_store(&ana->states[group - 1], (uint8_t)state);
	atomic_fetch_add(&ana->changes[group - 1], 1);
	atomic_fetch_add(&ana->all_changes, 1);
	return true;
}

/* Another path may serve, or this one later: DNR is clear. */
struct np_status np_ana_check(enum nvme_ana_state state)
{
	switch (state) {
	case NVME_ANA_STATE_INACCESSIBLE:
		return np_status_path(NVME_SC_ANA_INACCESSIBLE);
	case NVME_ANA_STATE_PERSISTENT_LOSS:
		return np_status_path(NVME_SC_ANA_PERSISTENT_LOSS);
	case NVME_ANA_STATE_CHANGE:
		return np_status_path(NVME_SC_ANA_TRANSITION);
	default:
		return NP_SUCCESS;
	}
}

struct np_status np_ana_check_ns(const struct np_queue *queue, const struct np_ns *ns)
{
	return np_ana_check(np_ana_state(&queue->port->ana, np_ns_group(ns)));
}

/* Writes one group at @pos. Return: where the next one goes. */
static uint64_t np_ana_write_group(const struct np_ctrl *ctrl, uint32_t group, uint32_t count,
	bool has_nsids, uint64_t pos, const struct np_window *window)
{
	const struct np_ana *ana = &ctrl->port->ana;
	const struct np_view *view = np_ctrl_view(ctrl);
	const struct nvme_ana_group_desc desc = {
		.grpid = np_le32(group),
		.nnsids = np_le32(has_nsids ? count : 0),
		.chgcnt = htole64(atomic_load(&ana->changes[group - 1])),
		.state = (uint8_t)np_ana_state(ana, group),
	};

	np_window_put(window, pos, &desc, sizeof(desc));
	pos += sizeof(desc);
	for (unsigned int i = 0; has_nsids && i < view->nns; i++) {
		const uint32_t nsid_le = np_le32(view->ns[i]->nsid);

		if (np_ns_group(view->ns[i]) != group)
			continue;
		np_window_put(window, pos, &nsid_le, sizeof(nsid_le));
		pos += sizeof(nsid_le);
	}
	return pos;
}

uint64_t np_ana_write(const struct np_ctrl *ctrl, bool has_nsids, const struct np_window *window)
{
	const struct np_view *view = np_ctrl_view(ctrl);
	struct nvme_ana_log header = {.chgcnt = htole64(atomic_load(&ctrl->port->ana.all_changes))};
	uint32_t counts[NP_ANA_GROUPS + 1] = {0};
	uint64_t pos = sizeof(header);
	uint16_t ngroups = 0;

	for (unsigned int i = 0; i < view->nns; i++)
		counts[np_ns_group(view->ns[i])]++;
	for (uint32_t group = 1; group <= NP_ANA_GROUPS; group++) {
		if (!counts[group])
			continue;
		pos = np_ana_write_group(ctrl, group, counts[group], has_nsids, pos, window);
		ngroups++;
	}
	header.ngrps = np_le16(ngroups);
	np_window_put(window, 0, &header, sizeof(header));
	return pos;
}
