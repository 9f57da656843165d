// SPDX-License-Identifier: BSD-3-Clause
/*
 * priv.c - parse and format the private data of connection management messages.
 *
 * Thread: any, pure.
 * Depends: wire.h, le.h.
 */
#include "transport/rdma/priv.h"

#include <string.h>

#include "target/base/le.h"

enum np_cm_status np_priv_parse(const void *data, size_t len, uint16_t max_qid, uint16_t min_depth,
	uint16_t max_depth, struct np_priv *ret_priv)
{
	struct np_cm_req req;
	uint16_t qid, depth_0b;

	if (!data || len < sizeof(req))
		return NP_CM_INVALID_LEN;
	memcpy(&req, data, sizeof(req));
	if (np_le16(req.recfmt) != 0)
		return NP_CM_INVALID_RECFMT;
	qid = np_le16(req.qid);
	if (qid > max_qid)
		return NP_CM_INVALID_QID;
	/* Zero-based: compare before adding one, 0xffff must not wrap. */
	depth_0b = np_le16(req.hsqsize_0b);
	if (depth_0b < min_depth - 1 || depth_0b > max_depth - 1)
		return NP_CM_INVALID_HSQSIZE;
	/* A host without a receive buffer could never be answered. */
	if (np_le16(req.hrqsize) == 0)
		return NP_CM_INVALID_HRQSIZE;
	ret_priv->qid = qid;
	ret_priv->depth = (uint16_t)(depth_0b + 1);
	return NP_CM_OK;
}

void np_priv_format_accept(uint16_t depth, struct np_cm_accept *ret_accept)
{
	memset(ret_accept, 0, sizeof(*ret_accept));
	ret_accept->crqsize = np_le16(depth);
}

void np_priv_format_reject(enum np_cm_status status, struct np_cm_reject *ret_reject)
{
	ret_reject->recfmt = 0;
	ret_reject->status = np_le16((uint16_t)status);
}

const char *np_priv_status_name(enum np_cm_status status)
{
	static const char *const names[] = {
		[NP_CM_OK] = "no error",
		[NP_CM_INVALID_LEN] = "private data too short",
		[NP_CM_INVALID_RECFMT] = "unknown record format",
		[NP_CM_INVALID_QID] = "queue identifier out of range",
		[NP_CM_INVALID_HSQSIZE] = "send queue size out of range",
		[NP_CM_INVALID_HRQSIZE] = "receive queue size out of range",
		[NP_CM_NO_RSC] = "out of resources",
		[NP_CM_INVALID_IRD] = "no inbound RDMA READ allowed",
		[NP_CM_INVALID_ORD] = "invalid outbound RDMA READ depth",
		[NP_CM_INVALID_CNTLID] = "invalid controller identifier",
	};

	if ((unsigned int)status >= sizeof(names) / sizeof(names[0]))
		return "unknown reason";
	return names[status];
}
