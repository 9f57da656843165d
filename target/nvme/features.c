// SPDX-License-Identifier: BSD-3-Clause
/*
 * features.c - Get Features and Set Features.
 *
 * A table names the features; each has a function to read it and, if it can be changed, one to
 * change it. Nothing is saved over a reset of the association.
 *
 * Thread: the reactor of req->queue.
 * Depends: ctrl.h.
 */
#include "target/nvme/features.h"

#include <string.h>

#include "target/base/le.h"
#include "target/nvme/ctrl.h"
#include "target/nvme/features_host.h"
#include "target/nvme/features_ns.h"
#include "target/nvme/resv_cmd.h"

#define NP_CDW10_SAVE (1u << 31)
#define NP_CAP_CHANGEABLE (1u << 2) /* SEL 3: what Get Features answers in dword 0 */
#define NP_CAP_PER_NS (1u << 1)

struct np_feature {
	/* *ret_dw0: the current value; before the call the initial one. */
	struct np_status (*get)(struct np_req *req, uint32_t *ret_dw0);
	/* Takes CDW11; may set an answer for dword 0. NULL: cannot be changed. */
	struct np_status (*set)(struct np_req *req, uint32_t value, uint32_t *ret_dw0);
	/* In the place of set: answers the command itself, some time. */
	void (*set_later)(struct np_req *req);
	uint32_t initial;    /* what SEL 1 and 2 answer, unless: */
	bool is_configured;  /* the default is the current value */
	uint16_t data_bytes; /* Get's data, for SEL 0 to 2 */
	uint16_t set_bytes;  /* Set's */
	bool of_discovery;
	bool is_per_ns;      /* the NSID may be given, but all namespaces have the same */
	bool of_ns;          /* each has its own: req->ns is set; Get asks for one */
	bool of_all_too;     /* Set may be for all: req->ns is NULL */
	bool is_always_told; /* Get works where the namespace cannot be reached, too */
};

static struct np_ctrl *np_features_ctrl(const struct np_req *req)
{
	return req->queue->ctrl;
}

/* Keeps @value if it has no bit outside @mask. */
static struct np_status np_features_keep(
	struct np_req *req, enum np_ctrl_value slot, uint32_t value, uint32_t mask)
{
	if (value & ~mask)
		return np_req_bad_field(req, cdw11, 0);
	np_features_ctrl(req)->values[slot] = value;
	return NP_SUCCESS;
}

/* There is no arbitration among queues of different connections: the weights are only kept. */
static struct np_status np_get_arbitration(struct np_req *req, uint32_t *ret_dw0)
{
	*ret_dw0 = np_features_ctrl(req)->values[NP_VALUE_ARBITRATION];
	return NP_SUCCESS;
}

static struct np_status np_set_arbitration(struct np_req *req, uint32_t value, uint32_t *ret_dw0)
{
	(void)ret_dw0;
	return np_features_keep(req, NP_VALUE_ARBITRATION, value, 0xffffff07);
}

static struct np_status np_get_constant(struct np_req *req, uint32_t *ret_dw0)
{
	(void)req;
	(void)ret_dw0;
	return NP_SUCCESS;
}

/* For features with one legal value, which is 0: power state, I/O command set combination. */
static struct np_status np_set_only_zero(struct np_req *req, uint32_t value, uint32_t *ret_dw0)
{
	(void)ret_dw0;
	return value ? np_req_bad_field(req, cdw11, 0) : NP_SUCCESS;
}

/* Thresholds of the composite temperature, the only one we have. Return: NULL for others. */
static uint32_t *np_temp_threshold(struct np_req *req, uint32_t cdw11, bool is_set)
{
	const uint32_t sensor = cdw11 >> NVME_FEAT_TT_TMPSEL_SHIFT & NVME_FEAT_TT_TMPSEL_MASK;
	uint32_t *values = np_features_ctrl(req)->values;

	/* Fh is all sensors, which only Set knows. */
	if (sensor != 0 && !(is_set && sensor == 0xf))
		return NULL;
	switch (cdw11 >> NVME_FEAT_TT_THSEL_SHIFT & NVME_FEAT_TT_THSEL_MASK) {
	case NVME_FEATURE_TEMPTHRESH_THSEL_OVER:
		return &values[NP_VALUE_TEMP_OVER];
	case NVME_FEATURE_TEMPTHRESH_THSEL_UNDER:
		return &values[NP_VALUE_TEMP_UNDER];
	default:
		return NULL;
	}
}

static struct np_status np_get_temperature(struct np_req *req, uint32_t *ret_dw0)
{
	const uint32_t *threshold = np_temp_threshold(req, np_le32(req->sqe.cdw11), false);

	if (!threshold)
		return np_req_bad_field(req, cdw11, 0);
	*ret_dw0 = *threshold;
	return NP_SUCCESS;
}

static struct np_status np_set_temperature(struct np_req *req, uint32_t value, uint32_t *ret_dw0)
{
	uint32_t *threshold = np_temp_threshold(req, value, true);

	(void)ret_dw0;
	if (!threshold)
		return np_req_bad_field(req, cdw11, 0);
	*threshold = value & NVME_FEAT_TT_TMPTH_MASK;
	return NP_SUCCESS;
}

static struct np_status np_get_err_recovery(struct np_req *req, uint32_t *ret_dw0)
{
	*ret_dw0 = np_features_ctrl(req)->values[NP_VALUE_ERR_RECOVERY];
	return NP_SUCCESS;
}

/* The time limit is a hint. DULBE, an error for unwritten blocks, is not to be had. */
static struct np_status np_set_err_recovery(struct np_req *req, uint32_t value, uint32_t *ret_dw0)
{
	(void)ret_dw0;
	return np_features_keep(
		req, NP_VALUE_ERR_RECOVERY, value, NVME_FEAT_ERROR_RECOVERY_TLER_MASK);
}

static bool np_features_has_cache(const struct np_req *req)
{
	const struct np_view *view = np_ctrl_view(np_features_ctrl(req));

	for (unsigned int i = 0; i < view->nns; i++)
		if (view->ns[i]->backend->volatile_cache)
			return true;
	return false;
}

static struct np_status np_get_cache(struct np_req *req, uint32_t *ret_dw0)
{
	if (!np_features_has_cache(req))
		return np_req_bad_field(req, cdw10, 0);
	*ret_dw0 = 1;
	return NP_SUCCESS;
}

/* The cache is the drive's, and other hosts use it too: it stays on. */
static struct np_status np_set_cache(struct np_req *req, uint32_t value, uint32_t *ret_dw0)
{
	(void)ret_dw0;
	if (!np_features_has_cache(req))
		return np_req_bad_field(req, cdw10, 0);
	if (!(value & NVME_FEAT_VWC_WCE_MASK))
		return np_status_specific(NVME_SC_FEATURE_NOT_CHANGEABLE);
	return NP_SUCCESS;
}

static struct np_status np_get_num_queues(struct np_req *req, uint32_t *ret_dw0)
{
	const uint32_t count_0b = np_features_ctrl(req)->subsys->max_io_queues - 1u;

	*ret_dw0 = count_0b << NVME_FEAT_NRQS_NCQR_SHIFT | count_0b << NVME_FEAT_NRQS_NSQR_SHIFT;
	return NP_SUCCESS;
}

/* The answer is what is there, whatever was asked for: a host takes what it needs of it. */
static struct np_status np_set_num_queues(struct np_req *req, uint32_t value, uint32_t *ret_dw0)
{
	if ((value >> NVME_FEAT_NRQS_NSQR_SHIFT & NVME_FEAT_NRQS_NSQR_MASK) == 0xffff ||
		(value >> NVME_FEAT_NRQS_NCQR_SHIFT & NVME_FEAT_NRQS_NCQR_MASK) == 0xffff)
		return np_req_bad_field(req, cdw11, 0);
	return np_get_num_queues(req, ret_dw0);
}

static struct np_status np_get_write_atomic(struct np_req *req, uint32_t *ret_dw0)
{
	*ret_dw0 = np_features_ctrl(req)->values[NP_VALUE_WRITE_ATOMIC];
	return NP_SUCCESS;
}

/* AWUN is one block, with or without "disable normal". */
static struct np_status np_set_write_atomic(struct np_req *req, uint32_t value, uint32_t *ret_dw0)
{
	(void)ret_dw0;
	return np_features_keep(req, NP_VALUE_WRITE_ATOMIC, value, NVME_FEAT_WA_DN_MASK);
}

static struct np_status np_get_async_event(struct np_req *req, uint32_t *ret_dw0)
{
	*ret_dw0 = np_features_ctrl(req)->aen_config;
	return NP_SUCCESS;
}

static struct np_status np_set_async_event(struct np_req *req, uint32_t value, uint32_t *ret_dw0)
{
	struct np_ctrl *ctrl = np_features_ctrl(req);

	(void)ret_dw0;
	if (value & ~np_ctrl_aen_supported(ctrl))
		return np_req_bad_field(req, cdw11, 0);
	ctrl->aen_config = value;
	return NP_SUCCESS;
}

static struct np_status np_get_kato(struct np_req *req, uint32_t *ret_dw0)
{
	*ret_dw0 = np_features_ctrl(req)->kato_ms;
	return NP_SUCCESS;
}

static struct np_status np_set_kato(struct np_req *req, uint32_t value, uint32_t *ret_dw0)
{
	(void)ret_dw0;
	np_ctrl_set_kato(np_features_ctrl(req), value);
	return NP_SUCCESS;
}

/* clang-format off */
static const struct np_feature np_features[256] = {
	[NVME_FEAT_FID_ARBITRATION] = {.get = np_get_arbitration, .set = np_set_arbitration},
	[NVME_FEAT_FID_POWER_MGMT] = {.get = np_get_constant, .set = np_set_only_zero},
	[NVME_FEAT_FID_TEMP_THRESH] = {.get = np_get_temperature, .set = np_set_temperature,
		.initial = 0xffff},
	[NVME_FEAT_FID_ERR_RECOVERY] = {.get = np_get_err_recovery, .set = np_set_err_recovery,
		.is_per_ns = true},
	[NVME_FEAT_FID_VOLATILE_WC] = {.get = np_get_cache, .set = np_set_cache, .initial = 1},
	[NVME_FEAT_FID_NUM_QUEUES] = {.get = np_get_num_queues, .set = np_set_num_queues,
		.is_configured = true},
	[NVME_FEAT_FID_WRITE_ATOMIC] = {.get = np_get_write_atomic, .set = np_set_write_atomic},
	[NVME_FEAT_FID_ASYNC_EVENT] = {.get = np_get_async_event, .set = np_set_async_event,
		.of_discovery = true},
	[NVME_FEAT_FID_KATO] = {.get = np_get_kato, .set = np_set_kato, .of_discovery = true},
	[NVME_FEAT_FID_TIMESTAMP] = {.get = np_get_timestamp, .set = np_set_timestamp,
		.is_configured = true, .data_bytes = 8, .set_bytes = 8},
	[NVME_FEAT_FID_HOST_BEHAVIOR] = {.get = np_get_behavior, .set = np_set_behavior,
		.is_configured = true, .data_bytes = 512, .set_bytes = 512},
	[NVME_FEAT_FID_RESV_MASK] = {.get = np_get_resv_mask, .set = np_set_resv_mask,
		.of_ns = true, .of_all_too = true},
	[NVME_FEAT_FID_RESV_PERSIST] = {.get = np_get_resv_persistence,
		.set_later = np_resv_set_persistence, .of_ns = true},
	[NVME_FEAT_FID_WRITE_PROTECT] = {.get = np_get_protection,
		.set_later = np_set_protection, .of_ns = true, .is_always_told = true},
	[NVME_FEAT_FID_IOCS_PROFILE] = {.get = np_get_constant, .set = np_set_only_zero},
	[NVME_FEAT_FID_HOST_ID] = {.get = np_get_host_id, .is_configured = true, .data_bytes = 16},
};
/* clang-format on */

static const struct np_feature *np_feature_of(const struct np_req *req, uint8_t fid)
{
	const struct np_feature *feature = &np_features[fid];

	if (!feature->get ||
		(np_features_ctrl(req)->subsys->is_discovery && !feature->of_discovery))
		return NULL;
	return feature;
}

static const struct np_feature *np_feature_find(const struct np_req *req)
{
	return np_feature_of(req, (uint8_t)np_le32(req->sqe.cdw10));
}

uint32_t np_features_effects(const struct np_req *req, uint8_t fid)
{
	const struct np_feature *feature = np_feature_of(req, fid);
	uint32_t scope = NVME_FID_SUPPORTED_EFFECTS_SCOPE_CTRL;

	if (!feature)
		return 0;
	if (feature->of_ns)
		scope = NVME_FID_SUPPORTED_EFFECTS_SCOPE_NS;
	return np_le32(
		NVME_FID_SUPPORTED_EFFECTS_FSUPP | scope << NVME_FID_SUPPORTED_EFFECTS_SCOPE_SHIFT);
}

static unsigned int np_features_select(const struct np_req *req)
{
	return np_le32(req->sqe.cdw10) >> 8 & 7;
}

/* Sets req->ns where the feature is that of a namespace. */
static struct np_status np_features_check_nsid(
	struct np_req *req, const struct np_feature *feature, bool may_be_all)
{
	const uint32_t nsid = np_le32(req->sqe.nsid);
	struct np_ns *ns = np_view_find(np_ctrl_view(np_features_ctrl(req)), nsid);

	if (ns && feature->of_ns) {
		req->ns = ns;
		np_ns_get(ns, req->queue->reactor->index);
		/* A path that does not lead to it. Spec: NVM Express Base 2.0, 8.1.3. */
		if (!feature->is_always_told || req->sqe.opcode != nvme_admin_get_features)
			return np_ana_check_ns(req->queue, ns);
	}
	if (ns || (may_be_all && nsid == NVME_NSID_ALL))
		return NP_SUCCESS;
	if (!feature->of_ns &&
		(!feature->is_per_ns || nsid == NVME_NSID_NONE || nsid == NVME_NSID_ALL))
		return NP_SUCCESS;
	return np_req_bad_nsid(req);
}

static bool np_feature_can_be_set(const struct np_feature *feature)
{
	return feature->set || feature->set_later;
}

struct np_status np_features_check_get(struct np_req *req, uint32_t *ret_bytes)
{
	const struct np_feature *feature = np_feature_find(req);
	const unsigned int select = np_features_select(req);

	if (!feature)
		return np_req_bad_field(req, cdw10, 0);
	if (select > NVME_GET_FEATURES_SEL_SUPPORTED)
		return np_req_bad(req, offsetof(struct np_sqe, cdw10) + 1, 0,
			np_status_generic(NVME_SC_INVALID_FIELD));
	if (select == NVME_GET_FEATURES_SEL_SUPPORTED)
		return NP_SUCCESS;
	/* Over fabrics there are only the 128-bit host identifiers (EXHID). */
	if (feature == &np_features[NVME_FEAT_FID_HOST_ID] &&
		!(np_le32(req->sqe.cdw11) & NVME_FEAT_HOSTID_EXHID_MASK))
		return np_req_bad_field(req, cdw11, 0);
	*ret_bytes = feature->data_bytes;
	return np_features_check_nsid(req, feature, false);
}

void np_features_get(struct np_req *req)
{
	const struct np_feature *feature = np_feature_find(req);
	const unsigned int select = np_features_select(req);
	struct np_status status = NP_SUCCESS;
	uint32_t dw0 = feature->initial;

	if (select == NVME_GET_FEATURES_SEL_SUPPORTED)
		dw0 = (np_feature_can_be_set(feature) ? NP_CAP_CHANGEABLE : 0) |
			(feature->is_per_ns || feature->of_ns ? NP_CAP_PER_NS : 0);
	else if (select == NVME_GET_FEATURES_SEL_CURRENT || feature->is_configured)
		status = feature->get(req, &dw0);
	if (np_status_is_ok(status))
		np_req_complete_dw0(req, dw0);
	else
		np_req_complete(req, status);
}

struct np_status np_features_check_set(struct np_req *req, uint32_t *ret_bytes)
{
	const struct np_feature *feature = np_feature_find(req);
	const uint32_t nsid = np_le32(req->sqe.nsid);

	if (!feature)
		return np_req_bad_field(req, cdw10, 0);
	if (np_le32(req->sqe.cdw10) & NP_CDW10_SAVE)
		return np_req_bad(req, offsetof(struct np_sqe, cdw10) + 3, 7,
			np_status_specific(NVME_SC_FEATURE_NOT_SAVEABLE));
	if (nsid != NVME_NSID_NONE && nsid != NVME_NSID_ALL && !feature->is_per_ns &&
		!feature->of_ns)
		return np_req_bad(req, offsetof(struct np_sqe, nsid), 0,
			np_status_specific(NVME_SC_FEATURE_NOT_PER_NS));
	/*
	 * The one that cannot be changed is the host identifier: over fabrics it comes with
	 * Connect. Spec: NVM Express Base 2.0, 5.27.1.25.
	 */
	if (!np_feature_can_be_set(feature))
		return np_status_generic(NVME_SC_CMD_SEQ_ERROR);
	*ret_bytes = feature->set_bytes;
	return np_features_check_nsid(req, feature, feature->of_all_too);
}

void np_features_set(struct np_req *req)
{
	const struct np_feature *feature = np_feature_find(req);
	struct np_status status;
	uint32_t dw0 = 0;

	if (feature->set_later) {
		feature->set_later(req);
		return;
	}
	status = feature->set(req, np_le32(req->sqe.cdw11), &dw0);
	if (np_status_is_ok(status))
		np_req_complete_dw0(req, dw0);
	else
		np_req_complete(req, status);
}
