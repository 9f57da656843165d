// SPDX-License-Identifier: BSD-3-Clause
/*
 * features_host.c - features by which a host tells of itself: their values are data, not dword 0.
 *
 * Thread: the reactor of req->queue.
 * Depends: ctrl.h.
 */
#include "target/nvme/features_host.h"

#include <string.h>

#include "target/base/le.h"
#include "target/nvme/ctrl.h"

/* Origin of a timestamp: a reset, or Set Features. Spec: NVM Express Base 2.0, Figure 330. */
#define NP_TIMESTAMP_RESET (0 << 1)
#define NP_TIMESTAMP_SET (1 << 1)

struct np_status np_get_host_id(struct np_req *req, uint32_t *ret_dw0)
{
	(void)ret_dw0;
	memcpy(req->va, req->queue->ctrl->hostid, sizeof(req->queue->ctrl->hostid));
	return NP_SUCCESS;
}

/* In milliseconds; attributes: where it came from. */
struct np_status np_get_timestamp(struct np_req *req, uint32_t *ret_dw0)
{
	const struct np_ctrl *ctrl = req->queue->ctrl;
	const uint64_t now_le = htole64(np_ctrl_time_ms(ctrl));
	struct nvme_timestamp stamp = {
		.attr = ctrl->clock.is_set ? NP_TIMESTAMP_SET : NP_TIMESTAMP_RESET};

	(void)ret_dw0;
	memcpy(stamp.timestamp, &now_le, sizeof(stamp.timestamp));
	memcpy(req->va, &stamp, sizeof(stamp));
	return NP_SUCCESS;
}

struct np_status np_set_timestamp(struct np_req *req, uint32_t value, uint32_t *ret_dw0)
{
	struct nvme_timestamp stamp;
	uint64_t ms_le = 0;

	(void)value;
	(void)ret_dw0;
	memcpy(&stamp, req->va, sizeof(stamp));
	memcpy(&ms_le, stamp.timestamp, sizeof(stamp.timestamp));
	np_ctrl_set_time(req->queue->ctrl, np_le64(ms_le), true);
	return NP_SUCCESS;
}

struct np_status np_get_behavior(struct np_req *req, uint32_t *ret_dw0)
{
	struct nvme_feat_host_behavior *behavior = (void *)req->va;

	(void)ret_dw0;
	behavior->acre = atomic_load(&req->queue->ctrl->knows_delays);
	return NP_SUCCESS;
}

/* The other bytes are about what we do not have. */
struct np_status np_set_behavior(struct np_req *req, uint32_t value, uint32_t *ret_dw0)
{
	const struct nvme_feat_host_behavior *behavior = (const void *)req->va;

	(void)value;
	(void)ret_dw0;
	if (behavior->acre > NVME_ENABLE_ACRE)
		return np_req_bad_field(req, sgl, 0);
	atomic_store(&req->queue->ctrl->knows_delays, behavior->acre);
	return NP_SUCCESS;
}
