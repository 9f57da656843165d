// SPDX-License-Identifier: BSD-3-Clause
/*
 * identify.c - the Identify command: controllers, namespaces and lists of them.
 *
 * Each structure is one function that fills 4 KiB of zeroes; a table names them by CNS.
 *
 * Thread: the reactor of req->queue.
 * Depends: ctrl.h, le.h.
 */
#include "target/nvme/identify.h"

#include <string.h>

#include "target/base/le.h"
#include "target/nvme/abort.h"
#include "target/nvme/ctrl.h"
#include "target/nvme/identify_lists.h"
#include "target/nvme/identify_ns.h"
#include "target/nvme/io.h"
#include "target/nvme/rotational.h"
#include "target/nvme/zoned.h"

#define NP_MPSMIN_SHIFT 12
#define NP_SQES_CQES 0x66, 0x44
#define NP_ICD_UNIT 16u                  /* bytes, of IOCCSZ and IORCSZ */
#define NP_FRMW_ONE_RO (1 << 0 | 1 << 1) /* one slot, read-only */
#define NP_VWC_NO_BROADCAST (2 << 1)     /* Flush with NSID FFFFFFFFh is not supported */
#define NP_SGLS_ANY_ALIGN 1u
#define NP_ACWU_0B (NP_MDTS_BYTES / (64 * 1024) - 1) /* with the largest blocks that there are */

static_assert(sizeof(struct nvme_id_ctrl) == 4096, "identify controller");
static_assert(1u << (NP_MPSMIN_SHIFT + 8) == NP_MDTS_BYTES, "MDTS is 8");

struct np_cns {
	bool is_known;
	bool of_discovery; /* discovery controllers have it too */
	bool of_manager;   /* only where hosts create namespaces */
	bool of_rotation;  /* only where there are media that rotate */
	bool has_csi;      /* looks at CSI */
	/* For the Zoned Namespace Command Set, in the place of fill. */
	struct np_status (*fill_zoned)(struct np_req *req, uint8_t *data);
	struct np_status (*fill)(struct np_req *req, uint8_t *data);
	void (*fill_later)(struct np_req *req); /* in its place: answers the command itself */
};

void np_identify_put_text(char *dst, size_t dst_bytes, const char *text)
{
	const size_t len = strnlen(text, dst_bytes);

	memset(dst, ' ', dst_bytes);
	memcpy(dst, text, len);
}

static uint8_t np_identify_cns(const struct np_req *req)
{
	return (uint8_t)np_le32(req->sqe.cdw10);
}

/* What the backends of a subsystem have, together. */
struct np_backend_union {
	bool volatile_cache;
	bool any_deallocate;
	bool all_write_zeroes;
	bool all_write_uncor;
	bool any_reservable;
	bool any_protectable;
};

static struct np_backend_union np_identify_backends(const struct np_view *view)
{
	struct np_backend_union all = {.all_write_zeroes = true, .all_write_uncor = view->nns};

	for (unsigned int i = 0; i < view->nns; i++) {
		const struct np_backend *backend = view->ns[i]->backend;

		all.volatile_cache |= backend->volatile_cache;
		all.any_deallocate |= backend->can_deallocate;
		all.any_reservable |= view->ns[i]->resv != NULL;
		all.any_protectable |= view->ns[i]->protect != NULL;
		all.all_write_zeroes &= backend->can_write_zeroes;
		all.all_write_uncor &= backend->can_write_uncor;
	}
	return all;
}

/*
 * A command that the table lacks is not announced. Neither is one that no drive can do: a host
 * copes better with the lack of Write Zeroes than with an error.
 */
static uint16_t np_identify_oncs(const struct np_backend_union *all)
{
	unsigned int oncs = NVME_CTRL_ONCS_SAVE_FEATURES | NVME_CTRL_ONCS_TIMESTAMP;

	if (all->any_reservable)
		oncs |= NVME_CTRL_ONCS_RESERVATIONS;
	if (np_cmd_find_io(nvme_cmd_verify))
		oncs |= NVME_CTRL_ONCS_VERIFY;
	if (np_cmd_find_io(nvme_cmd_copy))
		oncs |= NVME_CTRL_ONCS_COPY;
	if (np_cmd_find_io(nvme_cmd_compare))
		oncs |= NVME_CTRL_ONCS_COMPARE;
	if (np_cmd_find_io(nvme_cmd_dsm) && all->any_deallocate)
		oncs |= NVME_CTRL_ONCS_DSM;
	if (np_cmd_find_io(nvme_cmd_write_uncor) && all->all_write_uncor)
		oncs |= NVME_CTRL_ONCS_WRITE_UNCORRECTABLE;
	if (np_cmd_find_io(nvme_cmd_write_zeroes) && all->all_write_zeroes)
		oncs |= NVME_CTRL_ONCS_WRITE_ZEROES;
	return (uint16_t)oncs;
}

static void np_identify_fill_capacity(const struct np_capacity *capacity, struct nvme_id_ctrl *id)
{
	const uint64_t bytes_le = htole64(atomic_load(&capacity->bytes));
	const uint64_t free_le = htole64(atomic_load(&capacity->free_bytes));

	id->oacs = np_le16(NVME_CTRL_OACS_NS_MGMT);
	id->ctratt |= np_le32(NVME_CTRL_CTRATT_NAMESPACE_GRANULARITY);
	memcpy(id->tnvmcap, &bytes_le, sizeof(bytes_le));
	memcpy(id->unvmcap, &free_le, sizeof(free_le));
}

static void np_identify_fill_io(const struct np_ctrl *ctrl, struct nvme_id_ctrl *id)
{
	const struct np_backend_union all = np_identify_backends(np_ctrl_view(ctrl));
	static const uint8_t entry_sizes[] = {NP_SQES_CQES};
	uint32_t inline_bytes = ctrl->port->inline_bytes;

	/* In-capsule data crosses host memory: who insists on P2P has to ask for it. */
	if (ctrl->subsys->requires_p2p && !ctrl->port->is_inline_given)
		inline_bytes = 0;
	if (inline_bytes < NP_MIN_CAPSULE_BYTES - sizeof(struct np_sqe))
		inline_bytes = NP_MIN_CAPSULE_BYTES - sizeof(struct np_sqe);

	id->cmic = NVME_CTRL_CMIC_MULTI_PORT | NVME_CTRL_CMIC_MULTI_CTRL |
		NVME_CTRL_CMIC_MULTI_ANA_REPORTING;
	id->anatt = NP_ANA_TRANSITION_S;
	id->anacap = NVME_CTRL_ANACAP_OPT | NVME_CTRL_ANACAP_NON_OPT |
		NVME_CTRL_ANACAP_INACCESSIBLE | NVME_CTRL_ANACAP_PERSISTENT_LOSS |
		NVME_CTRL_ANACAP_CHANGE;
	id->anagrpmax = np_le32(NP_ANA_GROUPS);
	id->nanagrpid = np_le32(NP_ANA_GROUPS);
	id->acl = NP_ABORT_LIMIT - 1;
	id->frmw = NP_FRMW_ONE_RO;
	id->lpa = NVME_CTRL_LPA_SMART_PER_NS | NVME_CTRL_LPA_CMD_EFFECTS | NVME_CTRL_LPA_EXTENDED;
	id->fuses = np_le16(1); /* Compare and Write */
	id->acwu = np_le16(NP_ACWU_0B);
	id->sqes = entry_sizes[0];
	id->cqes = entry_sizes[1];
	id->nn = np_le32(ctrl->subsys->nn);
	if (np_rotational_is_there(np_ctrl_view(ctrl))) {
		id->ctratt |= np_le32(NVME_CTRL_CTRATT_ENDURANCE_GROUPS);
		id->endgidmax = UINT16_MAX;
	}
	if (atomic_load(&ctrl->subsys->manager))
		np_identify_fill_capacity(&ctrl->subsys->capacity, id);
	id->mnan = np_le32(NP_MAX_NAMESPACES);
	id->oncs = np_le16(np_identify_oncs(&all));
	id->nwpc = all.any_protectable ? NVME_CTRL_NWPC_WRITE_PROTECT : 0;
	id->crdt1 = np_le16(NP_RETRY_DELAY_MS / 100);
	id->ocfs = np_le16(NP_COPY_FORMATS);
	if (all.volatile_cache)
		id->vwc = NVME_CTRL_VWC_PRESENT | NP_VWC_NO_BROADCAST;
	id->ioccsz = np_le32(((uint32_t)sizeof(struct np_sqe) + inline_bytes) / NP_ICD_UNIT);
	id->iorcsz = np_le32(sizeof(struct np_cqe) / NP_ICD_UNIT);
}

static struct np_status np_identify_ctrl(struct np_req *req, uint8_t *data)
{
	const struct np_ctrl *ctrl = req->queue->ctrl;
	const struct np_subsys *subsys = ctrl->subsys;
	struct nvme_id_ctrl *id = (void *)data;

	np_identify_put_text(id->sn, sizeof(id->sn), subsys->serial);
	np_identify_put_text(id->mn, sizeof(id->mn), subsys->model);
	np_identify_put_text(id->fr, sizeof(id->fr), subsys->firmware);
	memcpy(id->ieee, subsys->ieee_oui, sizeof(id->ieee));
	id->mdts = 8;
	id->cntlid = np_le16(ctrl->cntlid);
	id->ver = np_le32(NP_CTRL_VERSION);
	/* Bits 0 to 7 are those of SMART, which all controllers have. */
	id->oaes = np_le32(np_ctrl_aen_supported(ctrl) & ~0xffu);
	id->ctratt = np_le32(NVME_CTRL_CTRATT_128_ID | NVME_CTRL_CTRATT_TBKAS);
	id->cntrltype =
		subsys->is_discovery ? NVME_CTRL_CNTRLTYPE_DISCOVERY : NVME_CTRL_CNTRLTYPE_IO;
	id->aerl = NP_CTRL_MAX_AERS - 1;
	id->elpe = NP_ERRLOG_ENTRIES - 1;
	id->kas = np_le16(NP_CTRL_KAS_MS / 100);
	id->maxcmd = np_le16(ctrl->port->max_entries);
	id->sgls = np_le32(NP_SGLS_ANY_ALIGN | NVME_CTRL_SGLS_KEYED | NVME_CTRL_SGLS_OFFSET);
	/* Of several blocks hardly any but the last ends where a page-granular RNIC needs it to. */
	id->msdbd = req->queue->region_paged ? 1 : NP_MAX_SGL_SEGS;
	memcpy(id->subnqn, subsys->nqn, sizeof(subsys->nqn));
	if (subsys->is_discovery) {
		id->lpa = NVME_CTRL_LPA_EXTENDED;
		id->dctype = NVME_CTRL_DCTYPE_DDC;
	} else {
		np_identify_fill_io(ctrl, id);
	}
	return NP_SUCCESS;
}

/* NVM Command Set specific limits: zero is "no limit but MDTS" for each command that we have. */
static struct np_status np_identify_nvm_ctrl(struct np_req *req, uint8_t *data)
{
	(void)req;
	(void)data;
	return NP_SUCCESS;
}

static struct np_status np_identify_zoned_ctrl(struct np_req *req, uint8_t *data)
{
	np_zoned_identify_ctrl(np_ctrl_view(req->queue->ctrl), data);
	return NP_SUCCESS;
}

/* Combinations of I/O command sets: one, of what there is. CAP.CSS bit 6 makes this mandatory. */
static struct np_status np_identify_command_sets(struct np_req *req, uint8_t *data)
{
	data[0] = 1u << NVME_CSI_NVM;
	if (np_zoned_is_there(np_ctrl_view(req->queue->ctrl)))
		data[0] |= 1u << NVME_CSI_ZNS;
	return NP_SUCCESS;
}

static const struct np_cns np_cns_table[256] = {
	[NVME_IDENTIFY_CNS_NS] = {.is_known = true, .fill = np_identify_ns},
	[NVME_IDENTIFY_CNS_CTRL] = {.is_known = true,
		.of_discovery = true,
		.fill = np_identify_ctrl},
	[NVME_IDENTIFY_CNS_NS_ACTIVE_LIST] = {.is_known = true, .fill = np_identify_ns_list},
	[NVME_IDENTIFY_CNS_NS_DESC_LIST] = {.is_known = true, .fill = np_identify_ns_descs},
	[NVME_IDENTIFY_CNS_CSI_NS] = {.is_known = true,
		.has_csi = true,
		.fill = np_identify_nvm_ns,
		.fill_zoned = np_identify_zoned_ns},
	[NVME_IDENTIFY_CNS_CSI_CTRL] = {.is_known = true,
		.has_csi = true,
		.fill = np_identify_nvm_ctrl,
		.fill_zoned = np_identify_zoned_ctrl},
	[NVME_IDENTIFY_CNS_CSI_NS_ACTIVE_LIST] = {.is_known = true,
		.has_csi = true,
		.fill = np_identify_nvm_list,
		.fill_zoned = np_identify_zoned_list},
	[NVME_IDENTIFY_CNS_CSI_INDEPENDENT_ID_NS] = {.is_known = true,
		.fill = np_identify_common_ns},
	[NVME_IDENTIFY_CNS_ALLOCATED_NS_LIST] = {.is_known = true,
		.of_manager = true,
		.fill = np_identify_allocated_list},
	[NVME_IDENTIFY_CNS_ALLOCATED_NS] = {.is_known = true,
		.of_manager = true,
		.fill = np_identify_allocated_ns},
	[NVME_IDENTIFY_CNS_NS_CTRL_LIST] = {.is_known = true, .fill_later = np_identify_ns_ctrls},
	[NVME_IDENTIFY_CNS_CTRL_LIST] = {.is_known = true, .fill_later = np_identify_all_ctrls},
	[NVME_IDENTIFY_CNS_NS_GRANULARITY] = {.is_known = true,
		.of_manager = true,
		.fill = np_identify_granularity},
	[NVME_IDENTIFY_CNS_ENDURANCE_GROUP_ID] = {.is_known = true,
		.of_rotation = true,
		.fill = np_rotational_identify_groups},
	[NVME_IDENTIFY_CNS_COMMAND_SET_STRUCTURE] = {.is_known = true,
		.fill = np_identify_command_sets},
};

static uint8_t np_identify_wanted_csi(const struct np_req *req)
{
	return (uint8_t)(np_le32(req->sqe.cdw11) >> 24);
}

struct np_status np_identify_check(struct np_req *req, uint32_t *ret_bytes)
{
	const struct np_ctrl *ctrl = req->queue->ctrl;
	const struct np_cns *cns = &np_cns_table[np_identify_cns(req)];
	const uint8_t csi = np_identify_wanted_csi(req);

	if (!cns->is_known || (ctrl->subsys->is_discovery && !cns->of_discovery) ||
		(cns->of_manager && !atomic_load(&ctrl->subsys->manager)) ||
		(cns->of_rotation && !np_rotational_is_there(np_ctrl_view(ctrl))))
		return np_req_bad_field(req, cdw10, 0);
	if (cns->has_csi && csi != NVME_CSI_NVM &&
		(csi != NVME_CSI_ZNS || !np_zoned_is_there(np_ctrl_view(ctrl))))
		return np_req_bad(req, offsetof(struct np_sqe, cdw11) + 3, 0,
			np_status_generic(NVME_SC_INVALID_FIELD));
	*ret_bytes = NVME_IDENTIFY_DATA_SIZE;
	return NP_SUCCESS;
}

void np_identify_execute(struct np_req *req)
{
	const struct np_cns *cns = &np_cns_table[np_identify_cns(req)];

	if (cns->fill_later)
		cns->fill_later(req);
	else if (cns->has_csi && np_identify_wanted_csi(req) == NVME_CSI_ZNS)
		np_req_complete(req, cns->fill_zoned(req, req->va));
	else
		np_req_complete(req, cns->fill(req, req->va));
}
