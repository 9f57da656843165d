// SPDX-License-Identifier: BSD-3-Clause
/*
 * status.c - conversions between the error domains.
 *
 * Thread: any.
 * Depends: libnvme's status names.
 */
#include "target/base/status.h"

#include <errno.h>

#include <libnvme.h>

struct np_status np_status_from_errno(int err, bool is_write)
{
	switch (-err) {
	case 0:
		return NP_SUCCESS;
	case ECANCELED:
		return np_status_aborted();
	case ENOSPC:
		return np_status_generic(NVME_SC_CAP_EXCEEDED);
	case EREMOTEIO:
	case EOPNOTSUPP:
		return np_status_generic(NVME_SC_INVALID_OPCODE);
	case ENODATA:
	case EBADMSG:
	case EILSEQ:
		return np_status_media(is_write ? NVME_SC_WRITE_FAULT : NVME_SC_READ_ERROR);
	case EBADE:
		return np_status_generic(NVME_SC_RESERVATION_CONFLICT);
	case ENOMEM:
	case EAGAIN:
	case EBUSY:
	case EINTR:
	case EFAULT: /* peer memory that the kernel cannot give the drive now: one of both is reset */
		return np_status_retryable(np_status_generic(NVME_SC_NS_NOT_READY));
	case ENODEV:
	case ENXIO:
	case ESHUTDOWN:
	case ENOLINK:
		/* The path to the drive is gone; another path or a later try may succeed. */
		return np_status_retryable(np_status_generic(NVME_SC_INTERNAL));
	case EROFS:
	case EPERM:
		return np_status_generic(NVME_SC_NS_WRITE_PROTECTED);
	default:
		return np_status_generic(NVME_SC_INTERNAL);
	}
}

const char *np_status_name(struct np_status status)
{
	return nvme_status_to_string(status.field & 0x7ff, false);
}
