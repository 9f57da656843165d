// SPDX-License-Identifier: BSD-3-Clause
/*
 * nvme.c - an NVMe namespace by passthrough commands on its generic device, /dev/ngXnY.
 *
 * Spec: Linux include/uapi/linux/nvme_ioctl.h (struct nvme_uring_cmd), drivers/nvme/host/ioctl.c;
 *       NVM Command Set 1.0 for the commands.
 *
 * Thread: as backend.h says.
 * Depends: uring.h, drive.h, libnvme.
 */
#include <errno.h>
#include <fcntl.h>
#include <libnvme.h>
#include <linux/nvme_ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "target/backend/backend.h"
#include "target/backend/drive.h"
#include "target/backend/identity.h"
#include "target/base/le.h"
#include "target/base/log.h"
#include "target/reactor/uring.h"

/* Linux 6.0, include/uapi/linux/nvme_ioctl.h, of which libnvme brings an older copy. */
#ifndef NVME_URING_CMD_ADMIN
#define NVME_URING_CMD_ADMIN _IOWR('N', 0x82, struct nvme_uring_cmd)
#endif

#define NP_NVME_MAX_IO_BYTES (1024u * 1024u)

/* ---- I/O --------------------------------------------------------------------------------- */

static void np_nvme_done(struct np_uring_op *op, int res, uint64_t big)
{
	struct np_io *io = np_container_of(op, struct np_io, uring);
	struct np_status status = np_status_from_errno(res < 0 ? res : 0, io->op != NP_IO_READ);

	io->result = big;
	if (res)
		np_log_debug("operation %d of %u blocks at LBA %llu: result %d", (int)io->op,
			io->nblocks, (unsigned long long)io->lba, res);
	/* A negative result is the kernel's errno, a positive one the drive's status field. */
	if (res > 0)
		status = (struct np_status){(uint16_t)(res & 0x7fff)};
	io->done(io, status);
}

/* The upper half of dword 12. */
static uint32_t np_nvme_control(const struct np_io *io)
{
	uint32_t control = 0;

	if (io->flags & NP_IO_FUA)
		control |= NVME_IO_FUA;
	if (io->flags & NP_IO_LIMITED_RETRY)
		control |= NVME_IO_LR;
	if (io->op == NP_IO_WRITE_ZEROES && io->flags & NP_IO_MAY_DEALLOCATE)
		control |= NVME_IO_DEAC;
	return control << 16;
}

static void np_nvme_set_data(struct nvme_uring_cmd *cmd, void *data, uint32_t bytes)
{
	cmd->addr = (uintptr_t)data;
	cmd->data_len = bytes;
}

static void np_nvme_build(
	const struct np_backend *backend, struct np_io *io, struct nvme_uring_cmd *cmd)
{
	static const uint8_t opcodes[] = {
		[NP_IO_READ] = nvme_cmd_read,
		[NP_IO_WRITE] = nvme_cmd_write,
		[NP_IO_FLUSH] = nvme_cmd_flush,
		[NP_IO_WRITE_ZEROES] = nvme_cmd_write_zeroes,
		[NP_IO_DEALLOCATE] = nvme_cmd_dsm,
		[NP_IO_COPY] = nvme_cmd_copy,
		[NP_IO_WRITE_UNCOR] = nvme_cmd_write_uncor,
		[NP_IO_ZONE_APPEND] = nvme_zns_cmd_append,
		[NP_IO_ZONE_SEND] = nvme_zns_cmd_mgmt_send,
		[NP_IO_ZONE_RECEIVE] = nvme_zns_cmd_mgmt_recv,
	};

	*cmd = (struct nvme_uring_cmd){
		.opcode = opcodes[io->op],
		.nsid = backend->nsid,
		.cdw10 = (uint32_t)io->lba,
		.cdw11 = (uint32_t)(io->lba >> 32),
	};
	switch (io->op) {
	case NP_IO_FLUSH:
		cmd->cdw10 = cmd->cdw11 = 0;
		break;
	case NP_IO_DEALLOCATE:
		io->list.dsm = (struct nvme_dsm_range){
			.nlb = htole32(io->nblocks), .slba = htole64(io->lba)};
		cmd->cdw10 = 0; /* one range */
		cmd->cdw11 = NVME_DSMGMT_AD;
		np_nvme_set_data(cmd, &io->list.dsm, sizeof(io->list.dsm));
		break;
	case NP_IO_ZONE_SEND:
	case NP_IO_ZONE_RECEIVE:
		if (io->op == NP_IO_ZONE_RECEIVE)
			cmd->cdw12 = io->bytes / 4 - 1;
		cmd->cdw13 = io->action;
		np_nvme_set_data(cmd, io->va, io->bytes);
		break;
	case NP_IO_COPY:
		io->list.copy = (struct nvme_copy_range){
			.slba = htole64(io->source), .nlb = htole16((uint16_t)(io->nblocks - 1))};
		cmd->cdw12 = np_nvme_control(io); /* one range, of format 0 */
		np_nvme_set_data(cmd, &io->list.copy, sizeof(io->list.copy));
		break;
	case NP_IO_WRITE_ZEROES:
	case NP_IO_WRITE_UNCOR:
		cmd->cdw12 = np_nvme_control(io) | (io->nblocks - 1);
		break;
	default:
		cmd->cdw12 = np_nvme_control(io) | (io->nblocks - 1);
		np_nvme_set_data(cmd, io->va, io->nblocks * backend->block_bytes);
		break;
	}
}

/* The namespace is the drive's, the memory ours; all else is the host's. */
static void np_nvme_build_passthru(
	const struct np_backend *backend, const struct np_io *io, struct nvme_uring_cmd *cmd)
{
	const struct np_sqe *sqe = io->sqe;

	*cmd = (struct nvme_uring_cmd){
		.opcode = sqe->opcode,
		.nsid = backend->nsid,
		.cdw2 = np_le32(sqe->cdw2),
		.cdw3 = np_le32(sqe->cdw3),
		.cdw10 = np_le32(sqe->cdw10),
		.cdw11 = np_le32(sqe->cdw11),
		.cdw12 = np_le32(sqe->cdw12),
		.cdw13 = np_le32(sqe->cdw13),
		.cdw14 = np_le32(sqe->cdw14),
		.cdw15 = np_le32(sqe->cdw15),
	};
	np_nvme_set_data(cmd, io->va, io->bytes);
}

static void np_nvme_prep_health(
	const struct np_backend *backend, struct np_io *io, struct io_uring_sqe *sqe)
{
	const struct nvme_uring_cmd cmd = {
		.opcode = nvme_admin_get_log_page,
		.nsid = NVME_NSID_ALL,
		.addr = (uintptr_t)io->va,
		.data_len = sizeof(struct nvme_smart_log),
		.cdw10 = NVME_LOG_LID_SMART | (sizeof(struct nvme_smart_log) / 4 - 1) << 16,
	};

	np_uring_prep_cmd(sqe, backend->ctrl_fd, NVME_URING_CMD_ADMIN, &cmd, sizeof(cmd));
}

static enum np_io_submit np_nvme_submit(struct np_backend *backend, struct np_reactor *reactor,
	struct np_io *io, struct np_status *ret_status)
{
	struct nvme_uring_cmd cmd;
	struct io_uring_sqe *sqe;

	if (io->op == NP_IO_DEALLOCATE && !backend->can_deallocate) {
		*ret_status = NP_SUCCESS; /* a hint */
		return NP_IO_DONE;
	}
	io->uring.done = np_nvme_done;
	io->uring.is_polled = np_io_is_polled(backend, io);
	sqe = np_uring_get_sqe(reactor, &io->uring);
	if (!sqe)
		return NP_IO_BUSY;
	if (io->op == NP_IO_HEALTH) {
		np_nvme_prep_health(backend, io, sqe);
		return NP_IO_QUEUED;
	}
	if (io->op == NP_IO_PASSTHRU)
		np_nvme_build_passthru(backend, io, &cmd);
	else
		np_nvme_build(backend, io, &cmd);
	np_uring_prep_cmd(sqe, backend->fd, NVME_URING_CMD_IO, &cmd, sizeof(cmd));
	return NP_IO_QUEUED;
}

/* ---- open -------------------------------------------------------------------------------- */

static uint32_t np_nvme_to_blocks(const struct np_backend *backend, uint64_t bytes)
{
	uint64_t nblocks = bytes / backend->block_bytes;

	return nblocks > UINT32_MAX ? UINT32_MAX : (uint32_t)nblocks;
}

/*
 * The kernel has read WZSL and DMRSL and knows the drives whose Write Zeroes does not work; what
 * it made of that are the limits of the block device. Linux 6.12, drivers/nvme/host/core.c:
 * nvme_init_non_mdts_limits(), nvme_config_discard().
 */
static void np_nvme_take_limits(
	struct np_backend *backend, const struct np_drive *drive, uint16_t oncs)
{
	backend->can_write_zeroes = oncs & NVME_CTRL_ONCS_WRITE_ZEROES;
	backend->can_deallocate = oncs & NVME_CTRL_ONCS_DSM;
	backend->can_compare = oncs & NVME_CTRL_ONCS_COMPARE;
	backend->can_write_uncor = oncs & NVME_CTRL_ONCS_WRITE_UNCORRECTABLE;
	if (!drive->block_path[0])
		return;
	backend->can_write_zeroes &= drive->max_zeroes_bytes != 0;
	backend->can_deallocate &= drive->max_deallocate_bytes != 0;
	if (backend->can_write_zeroes)
		backend->max_zeroes_blocks = np_nvme_to_blocks(backend, drive->max_zeroes_bytes);
	if (backend->can_deallocate)
		backend->max_deallocate_blocks =
			np_nvme_to_blocks(backend, drive->max_deallocate_bytes);
}

/* MSSRL and MCL: a copy of one range may have as many blocks as both allow. */
static uint32_t np_nvme_max_copy_blocks(
	const struct nvme_id_ctrl *ctrl, const struct nvme_id_ns *ns)
{
	const uint32_t range = np_le16(ns->mssrl), all = np_le32(ns->mcl);

	if (!(np_le16(ctrl->oncs) & NVME_CTRL_ONCS_COPY))
		return 0;
	return range < all ? range : all;
}

/* Spec: NVMe Zoned Namespace Command Set 1.1, 4.1.5. Return: 0 or -errno with a sentence in @why. */
static int np_nvme_identify_zoned(
	struct np_backend *backend, unsigned int format, char *why, size_t why_size)
{
	struct nvme_zns_id_ctrl ctrl;

	backend->zoned = malloc(sizeof(*backend->zoned));
	if (!backend->zoned)
		return -ENOMEM;
	if (nvme_zns_identify_ctrl(backend->fd, &ctrl) ||
		nvme_zns_identify_ns(backend->fd, backend->nsid, backend->zoned)) {
		snprintf(why, why_size, "%s: Identify of its zones failed: %s", backend->path,
			strerror(errno));
		return -EIO;
	}
	backend->zone_blocks = np_le64(backend->zoned->lbafe[format].zsze);
	backend->zone_ext_bytes = backend->zoned->lbafe[format].zdes * NP_ZONE_EXT_UNIT;
	/* 0: no limit but that of all commands, which the kernel knows. */
	backend->max_append_bytes =
		ctrl.zasl && ctrl.zasl < 16 ? 4096u << ctrl.zasl : backend->max_io_bytes;
	return 0;
}

static int np_nvme_identify(
	struct np_backend *backend, const struct np_drive *drive, char *why, size_t why_size)
{
	struct nvme_id_ctrl ctrl;
	struct nvme_id_ns ns;
	unsigned int format;

	if (nvme_identify_ctrl(backend->fd, &ctrl) ||
		nvme_identify_ns(backend->fd, backend->nsid, &ns)) {
		snprintf(why, why_size, "%s: Identify failed: %s", backend->path, strerror(errno));
		return -EIO;
	}
	format = (ns.flbas & 0xfu) | (ns.flbas >> 1 & 0x30u);
	if (np_le16(ns.lbaf[format].ms)) {
		snprintf(why, why_size, "%s is formatted with %u bytes of metadata a block",
			backend->path, np_le16(ns.lbaf[format].ms));
		return -EOPNOTSUPP;
	}
	if (ns.lbaf[format].ds < 9 || ns.lbaf[format].ds > 16 || !ns.nsze) {
		snprintf(why, why_size, "%s has an unusable format (block of 2^%u bytes)",
			backend->path, ns.lbaf[format].ds);
		return -EINVAL;
	}
	backend->block_bytes = 1u << ns.lbaf[format].ds;
	backend->nblocks = np_le64(ns.nsze);
	backend->volatile_cache = ctrl.vwc & 1;
	np_nvme_take_limits(backend, drive, np_le16(ctrl.oncs));
	backend->max_copy_blocks = np_nvme_max_copy_blocks(&ctrl, &ns);
	np_identity_read(backend->fd, backend->nsid, backend);
	return drive->is_zoned ? np_nvme_identify_zoned(backend, format, why, why_size) : 0;
}

/* The limits that the kernel's driver sets for one command. */
static uint32_t np_nvme_max_io_bytes(const struct np_drive *drive)
{
	uint32_t bytes = NP_NVME_MAX_IO_BYTES;

	if (drive->max_hw_bytes && drive->max_hw_bytes < bytes)
		bytes = drive->max_hw_bytes;
	return np_drive_cut_to_segments(drive, bytes);
}

static int np_nvme_open_fds(
	struct np_backend *backend, const struct np_drive *drive, char *why, size_t why_size)
{
	int ret;

	/* The generic device knows no exclusive use, but the block device beside it does. */
	if (drive->block_path[0]) {
		ret = np_hold_get(drive->block_path, why, why_size, &backend->hold);
		if (ret)
			return ret;
	}
	backend->fd = open(drive->generic_path, O_RDWR | O_CLOEXEC);
	if (backend->fd < 0) {
		ret = -errno;
		snprintf(why, why_size, "cannot open %s: %s", drive->generic_path, strerror(-ret));
		return ret;
	}
	return 0;
}

static int np_nvme_open(struct np_backend *backend, uint64_t size_bytes, char *why, size_t why_size)
{
	struct np_drive drive;
	int ret;

	(void)size_bytes;
	ret = np_drive_probe(backend->path, &drive);
	if (!ret && !drive.generic_path[0])
		ret = -ENODEV;
	if (ret) {
		snprintf(why, why_size, "%s is no NVMe namespace with a generic device: %s",
			backend->path, strerror(-ret));
		return ret;
	}
	ret = np_nvme_open_fds(backend, &drive, why, why_size);
	if (ret)
		return ret;
	ret = ioctl(backend->fd, NVME_IOCTL_ID);
	if (ret < 0) {
		snprintf(why, why_size, "%s does not tell its NSID: %s", drive.generic_path,
			strerror(errno));
		return -EIO;
	}
	backend->nsid = (uint32_t)ret;
	backend->max_io_bytes = np_nvme_max_io_bytes(&drive);
	backend->can_poll = drive.has_poll_queues;
	backend->is_rotational = drive.is_rotational;
	backend->is_direct = true;
	backend->reads_fua = true;
	backend->can_passthru = true;
	memcpy(backend->pci, drive.pci, sizeof(backend->pci));
	/* Without it the namespace is served as well, but hosts learn nothing of the drive's health. */
	if (drive.ctrl_path[0])
		backend->ctrl_fd = open(drive.ctrl_path, O_RDWR | O_CLOEXEC);
	backend->has_health = backend->ctrl_fd >= 0;
	return np_nvme_identify(backend, &drive, why, why_size);
}

static int np_nvme_measure(const struct np_backend *backend, uint64_t *ret_nblocks)
{
	struct np_drive drive;

	/* Not by a command: a drive that does not answer would hold up the control thread. */
	if (np_drive_probe(backend->path, &drive) || !drive.size_bytes)
		return -ENODEV;
	*ret_nblocks = drive.size_bytes / backend->block_bytes;
	return 0;
}

/* The driver lets nobody call a passthrough command back: no .cancel (Linux 7.2, same file). */
const struct np_backend_ops np_backend_nvme_ops = {
	.name = "nvme",
	.open = np_nvme_open,
	.submit = np_nvme_submit,
	.measure = np_nvme_measure,
};
