// SPDX-License-Identifier: BSD-3-Clause
/*
 * identify_ns.c - Identify: one namespace.
 *
 * Thread: the reactor of req->queue.
 * Depends: ctrl.h, backend.h.
 */
#include "target/nvme/identify_ns.h"

#include <string.h>

#include "target/base/le.h"
#include "target/nvme/ctrl.h"
#include "target/nvme/io.h"
#include "target/nvme/rotational.h"
#include "target/nvme/zoned.h"

#define NP_NSFEAT_ROTATIONAL (1u << 4) /* of CNS 08h */

static_assert(sizeof(struct nvme_id_ns) == 4096, "identify namespace");

/* Finds the command's namespace; *ret_ns is NULL for a valid NSID without one. */
static struct np_status np_identify_find_ns(struct np_req *req, const struct np_ns **ret_ns)
{
	const uint32_t nsid = np_le32(req->sqe.nsid);

	/* FFFFFFFFh asks for what all have in common, which only CNS 00h tells. */
	if (nsid == NVME_NSID_NONE || nsid > req->queue->ctrl->subsys->nn)
		return np_req_bad_nsid(req);
	*ret_ns = np_view_find(np_ctrl_view(req->queue->ctrl), nsid);
	return NP_SUCCESS;
}

/* All types; IEKEY as of NVMe 1.3. */
static uint8_t np_identify_rescap(const struct np_ns *ns)
{
	const uint8_t types = NVME_NS_RESCAP_WE | NVME_NS_RESCAP_EA | NVME_NS_RESCAP_WERO |
		NVME_NS_RESCAP_EARO | NVME_NS_RESCAP_WEAR | NVME_NS_RESCAP_EAAR;

	if (!ns->resv)
		return 0;
	return types | NVME_NS_RESCAP_IEK_13 | (ns->resv->can_persist ? NVME_NS_RESCAP_PTPL : 0);
}

static uint8_t np_identify_nmic(const struct np_ns *ns)
{
	return ns->is_private ? 0 : NVME_NS_NMIC_SHARED;
}

static void np_identify_fill_ns(
	const struct np_req *req, const struct np_ns *ns, struct nvme_id_ns *id)
{
	const uint64_t bytes_le = htole64(ns->nblocks << ns->lba_shift);

	id->nsze = htole64(ns->nblocks);
	id->ncap = htole64(ns->nblocks);
	/* Zero where the namespace cannot be reached. Spec: NVM Express Base 2.0, 8.1.3. */
	if (np_status_is_ok(np_ana_check_ns(req->queue, ns)))
		id->nuse = htole64(ns->nblocks);
	if (atomic_load(&ns->is_protected))
		id->nsattr = NVME_NS_NSATTR_WRITE_PROTECTED;
	/* Of single blocks and, fused, of all that a command can have: NAWUN, NAWUPF, NACWU. */
	id->nsfeat = NVME_NS_FEAT_NATOMIC;
	id->nacwu = np_le16((uint16_t)((NP_MDTS_BYTES >> ns->lba_shift) - 1));
	id->nmic = np_identify_nmic(ns);
	id->anagrpid = np_le32(np_ns_group(ns));
	id->endgid = np_le16(np_rotational_group(ns));
	id->rescap = np_identify_rescap(ns);
	id->mssrl = np_le16(np_io_copy_max_blocks(ns));
	id->mcl = np_le32(np_io_copy_max_blocks(ns));
	id->msrc = NP_COPY_MAX_RANGES - 1;
	memcpy(id->nvmcap, &bytes_le, sizeof(bytes_le));
	memcpy(id->nguid, ns->nguid, sizeof(id->nguid));
	memcpy(id->eui64, ns->eui64, sizeof(id->eui64));
	id->lbaf[0].ds = (uint8_t)ns->lba_shift;
}

/* Zeroes say that the namespace is not active. */
struct np_status np_identify_ns(struct np_req *req, uint8_t *data)
{
	const struct np_subsys *subsys = req->queue->ctrl->subsys;
	struct nvme_id_ns *id = (void *)data;
	const struct np_ns *ns;
	struct np_status status;

	/* What namespaces have in common that a host may create. */
	if (np_le32(req->sqe.nsid) == NVME_NSID_ALL && atomic_load(&subsys->manager)) {
		id->lbaf[0].ds = (uint8_t)__builtin_ctz(atomic_load(&subsys->capacity.block_bytes));
		id->nmic = NVME_NS_NMIC_SHARED;
		return NP_SUCCESS;
	}
	status = np_identify_find_ns(req, &ns);
	if (np_status_is_ok(status) && ns)
		np_identify_fill_ns(req, ns, id);
	return status;
}

/* Likewise of one that need not be attached to the host. */
struct np_status np_identify_allocated_ns(struct np_req *req, uint8_t *data)
{
	const struct np_ns *ns;
	struct np_status status = np_identify_find_ns(req, &ns);

	if (!np_status_is_ok(status))
		return status;
	if (!ns)
		ns = np_view_find(np_subsys_view(req->queue->ctrl->subsys), np_le32(req->sqe.nsid));
	if (ns && np_ns_is_allocated(req->queue->ctrl, ns))
		np_identify_fill_ns(req, ns, (struct nvme_id_ns *)(void *)data);
	return NP_SUCCESS;
}

static uint8_t *np_identify_put_desc(uint8_t *pos, uint8_t type, const void *id, uint8_t len)
{
	struct nvme_ns_id_desc *desc = (void *)pos;

	desc->nidt = type;
	desc->nidl = len;
	memcpy(pos + sizeof(*desc), id, len);
	return pos + sizeof(*desc) + len;
}

struct np_status np_identify_ns_descs(struct np_req *req, uint8_t *data)
{
	static const uint8_t none[NVME_NIDT_NGUID_LEN];
	const struct np_ns *ns;
	struct np_status status = np_identify_find_ns(req, &ns);
	uint8_t csi;

	if (!np_status_is_ok(status))
		return status;
	if (!ns)
		return np_req_bad_nsid(req);
	csi = np_ns_csi(ns);
	if (memcmp(ns->eui64, none, sizeof(ns->eui64)))
		data = np_identify_put_desc(data, NVME_NIDT_EUI64, ns->eui64, NVME_NIDT_EUI64_LEN);
	if (memcmp(ns->nguid, none, sizeof(none)))
		data = np_identify_put_desc(data, NVME_NIDT_NGUID, ns->nguid, NVME_NIDT_NGUID_LEN);
	data = np_identify_put_desc(data, NVME_NIDT_UUID, ns->uuid, NVME_NIDT_UUID_LEN);
	np_identify_put_desc(data, NVME_NIDT_CSI, &csi, NVME_NIDT_CSI_LEN);
	return NP_SUCCESS;
}

/* NVM Command Set specific: no protection information, no extended formats: all zero. */
struct np_status np_identify_nvm_ns(struct np_req *req, uint8_t *data)
{
	const struct np_ns *ns;

	(void)data;
	return np_identify_find_ns(req, &ns);
}

struct np_status np_identify_common_ns(struct np_req *req, uint8_t *data)
{
	struct nvme_id_independent_id_ns *id = (void *)data;
	const struct np_ns *ns;
	struct np_status status = np_identify_find_ns(req, &ns);

	if (!np_status_is_ok(status) || !ns)
		return status;
	if (ns->backend->is_rotational)
		id->nsfeat |= NP_NSFEAT_ROTATIONAL;
	id->endgid = np_le16(np_rotational_group(ns));
	id->nmic = np_identify_nmic(ns);
	id->anagrpid = np_le32(np_ns_group(ns));
	id->rescap = np_identify_rescap(ns);
	if (atomic_load(&ns->is_protected))
		id->nsattr = NVME_NS_NSATTR_WRITE_PROTECTED;
	id->nstat = 1; /* bit 0: ready */
	return NP_SUCCESS;
}

struct np_status np_identify_zoned_ns(struct np_req *req, uint8_t *data)
{
	const struct np_ns *ns;
	struct np_status status = np_identify_find_ns(req, &ns);

	if (!np_status_is_ok(status) || !ns)
		return status;
	if (!np_ns_is_zoned(ns))
		return np_req_bad(req, offsetof(struct np_sqe, cdw11) + 3, 0,
			np_status_generic(NVME_SC_INVALID_FIELD));
	np_zoned_identify_ns(ns, data);
	return NP_SUCCESS;
}
