/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * status.h - the NVMe status field as a type of its own, and its converters.
 *
 * Three error domains are kept apart: 0/-errno in `int`, struct np_status for the host, and
 * enum np_cm_status (wire.h) for connection requests. Only status.c converts.
 * Depends: libnvme's types.
 */
#ifndef NP_BASE_STATUS_H
#define NP_BASE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include <nvme/types.h>

/*
 * Status field without the phase tag: SC in 7:0, SCT in 10:8, CRD in 12:11, M in 13, DNR in 14.
 * Spec: NVM Express Base 2.0, 3.3.3.2.1.
 */
struct np_status {
	uint16_t field;
};

#define NP_SUCCESS ((struct np_status){0})

/* A generic status: @sc is an NVME_SC_ value of SCT 0; not to be retried. */
static inline struct np_status np_status_generic(unsigned int sc)
{
	return (struct np_status){(uint16_t)(sc | NVME_SC_DNR)};
}

/* A command specific status (SCT 1); not to be retried. */
static inline struct np_status np_status_specific(unsigned int sc)
{
	return (struct np_status){
		(uint16_t)(sc | NVME_SCT_CMD_SPECIFIC << NVME_SCT_SHIFT | NVME_SC_DNR)};
}

/* A media or data integrity status (SCT 2); not to be retried. */
static inline struct np_status np_status_media(unsigned int sc)
{
	return (struct np_status){(uint16_t)(sc | NVME_SCT_MEDIA << NVME_SCT_SHIFT | NVME_SC_DNR)};
}

/* A path related status (SCT 3), which another path or a later try may not have. */
static inline struct np_status np_status_path(unsigned int sc)
{
	return (struct np_status){(uint16_t)((sc & 0xff) | NVME_SCT_PATH << NVME_SCT_SHIFT)};
}

/* The same status with DNR clear: the host may try again. */
static inline struct np_status np_status_retryable(struct np_status status)
{
	return (struct np_status){(uint16_t)(status.field & ~NVME_SC_DNR)};
}

/*
 * The same status with a retry delay (CRD 1, of CRDT1) if it is one that may be gone in a while: a path,
 * a namespace or a resource that is not there now. Spec: NVM Express Base 2.0, Figure 94.
 */
static inline struct np_status np_status_delayed(struct np_status status)
{
	const unsigned int type = status.field >> NVME_SCT_SHIFT & NVME_SCT_MASK;
	const unsigned int code = status.field & 0x7ff;

	if (!code || status.field & NVME_SC_DNR ||
		(type != NVME_SCT_PATH && code != NVME_SC_NS_NOT_READY && code != NVME_SC_INTERNAL))
		return status;
	return (struct np_status){(uint16_t)(status.field | 1u << 11)};
}

/* Command Abort Requested: an Abort command came. The host may try again. */
static inline struct np_status np_status_aborted(void)
{
	return np_status_retryable(np_status_generic(NVME_SC_ABORT_REQ));
}

static inline bool np_status_is_ok(struct np_status status)
{
	return status.field == 0;
}

/* Equal status type and code, whatever DNR and CRD say. */
static inline bool np_status_is(struct np_status a, struct np_status b)
{
	return (a.field & 0x7ff) == (b.field & 0x7ff);
}

/**
 * np_status_from_errno() - what a host is told when the backend failed with @err
 * @err: 0 or a negative errno, as the block layer gives them (Linux 6.12, block/blk-core.c, blk_errors)
 * @is_write: what bad media are to be called: Write Fault, not Unrecovered Read Error
 *
 * Return: NP_SUCCESS for 0. A lack of resources is retryable, a media error and an unknown
 * error are not.
 */
struct np_status np_status_from_errno(int err, bool is_write);

/* A short English name, never NULL. Of codes that fabrics use otherwise it gives the NVM meaning. */
const char *np_status_name(struct np_status status);

#endif
