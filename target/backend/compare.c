// SPDX-License-Identifier: BSD-3-Clause
/*
 * compare.c - NVMe Compare as a passthrough command.
 *
 * Thread: as pump.h says.
 * Depends: uring.h, Linux include/uapi/linux/nvme_ioctl.h.
 */
#include "target/backend/compare.h"

#include <errno.h>
#include <linux/nvme_ioctl.h>
#include <stdio.h>

#include "target/reactor/uring.h"

struct np_compare_job {
	struct np_uring_op op;
	bool is_done;
	int res;
};

int np_compare_open(
	struct np_compare *compare, struct np_backend *backend, char *why, size_t why_size)
{
	int ret = 0;

	*compare = (struct np_compare){.nvme = backend};
	if (backend->ops != &np_backend_nvme_ops) {
		/* Our own hold on the block device is shared: hold.h. */
		ret = np_backend_open(
			&np_backend_nvme_ops, backend->path, 0, why, why_size, &compare->nvme);
		if (ret)
			return ret;
		compare->is_own = true;
	}
	if (!compare->nvme->can_compare) {
		snprintf(why, why_size, "the drive has no Compare");
		ret = -EOPNOTSUPP;
	} else if (compare->nvme->block_bytes != backend->block_bytes ||
		compare->nvme->nblocks != backend->nblocks) {
		snprintf(why, why_size, "the drive and its block device have different blocks");
		ret = -EINVAL;
	}
	if (ret)
		np_compare_close(compare);
	return ret;
}

void np_compare_close(struct np_compare *compare)
{
	if (compare->is_own)
		np_backend_close(compare->nvme);
	*compare = (struct np_compare){0};
}

uint32_t np_compare_max_bytes(const struct np_compare *compare)
{
	return compare->nvme->max_io_bytes;
}

static void np_compare_done(struct np_uring_op *op, int res, uint64_t big)
{
	struct np_compare_job *job = np_container_of(op, struct np_compare_job, op);

	(void)big;
	job->res = res;
	job->is_done = true;
}

int np_compare_run(const struct np_compare *compare, struct np_pump *pump, uint64_t lba,
	uint32_t bytes, const void *va, struct np_status *ret_status)
{
	const struct np_backend *nvme = compare->nvme;
	struct nvme_uring_cmd cmd = {
		.opcode = nvme_cmd_compare,
		.nsid = nvme->nsid,
		.addr = (uintptr_t)va,
		.data_len = bytes,
		.cdw10 = (uint32_t)lba,
		.cdw11 = (uint32_t)(lba >> 32),
		.cdw12 = bytes / nvme->block_bytes - 1,
	};
	struct np_compare_job job = {.op.done = np_compare_done};
	struct io_uring_sqe *sqe = np_uring_get_sqe(&pump->reactor, &job.op);

	if (!sqe)
		return -EBUSY;
	np_uring_prep_cmd(sqe, nvme->fd, NVME_URING_CMD_IO, &cmd, sizeof(cmd));
	while (!job.is_done) {
		int ret = np_pump_turn(pump);

		if (ret)
			return ret;
	}
	/* As in nvme.c: a negative result is the kernel's errno, a positive one the drive's status. */
	if (job.res > 0)
		*ret_status = (struct np_status){(uint16_t)(job.res & 0x7fff)};
	else
		*ret_status = np_status_from_errno(job.res, false);
	return 0;
}
