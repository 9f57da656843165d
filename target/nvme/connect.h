/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * connect.h - the Connect command.
 *
 * Thread: the reactor of req->queue; the parser is pure.
 * Depends: req.h.
 */
#ifndef NP_NVME_CONNECT_H
#define NP_NVME_CONNECT_H

#include "target/nvme/req.h"

#define NP_CNTLID_DYNAMIC 0xffffu    /* "a new one" */
#define NP_CNTLID_ANY_STATIC 0xfffeu /* "whichever I may have" */

/* Bits of Connect's CATTR. Spec: NVM Express Base 2.0, Figure 380. */
#define NP_CATTR_NO_SQ_FLOW 0x04u

/* What a host's Connect says, in host byte order. */
struct np_connect {
	uint16_t qid;
	uint16_t cntlid;
	uint32_t entries; /* of the submission queue */
	uint32_t kato_ms;
	bool no_sq_flow; /* the host does not look at SQHD */
	uint8_t hostid[16];
	char subnqn[NP_NQN_BYTES], hostnqn[NP_NQN_BYTES]; /* NUL-terminated, not empty */
};

/* The field that was wrong, as the CQE of a refused Connect names it. */
struct np_connect_fault {
	uint16_t offset;
	bool in_data; /* else in the SQE */
};

/**
 * np_connect_parse() - read a Connect command and its data
 * @data: may be any bytes
 * @data_bytes: 1024, or it is refused
 * @ret_fault: written when the status is Connect Invalid Parameters
 *
 * Context: any.
 * Spec: NVM Express Base 2.0, 6.3.
 * Return: NP_SUCCESS, Connect Incompatible Format, Connect Invalid Parameters, or Data SGL
 * Length Invalid.
 */
struct np_status np_connect_parse(const struct np_sqe *sqe, const void *data, uint32_t data_bytes,
	struct np_connect *ret_connect, struct np_connect_fault *ret_fault);

/* Connect Invalid Parameters with @fault in the CQE of @req. */
struct np_status np_connect_refuse(struct np_req *req, struct np_connect_fault fault);

/* Likewise: there is no such controller for the host. */
struct np_status np_connect_refuse_cntlid(struct np_req *req);

struct np_status np_connect_check(struct np_req *req, uint32_t *ret_bytes);
void np_connect_execute(struct np_req *req);

#endif
