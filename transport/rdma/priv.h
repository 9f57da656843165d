/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * priv.h - the private data that NVMe over RDMA puts into connection management messages.
 *
 * Thread: any, pure.
 * Depends: wire.h.
 */
#ifndef NP_RDMA_PRIV_H
#define NP_RDMA_PRIV_H

#include <stddef.h>
#include <stdint.h>

#include "target/base/wire.h"

/* What a host asks for. */
struct np_priv {
	uint16_t qid;   /* 0: the admin queue */
	uint16_t depth; /* commands that it will have outstanding, at most */
};

/**
 * np_priv_parse() - check a connection request
 * @data: private data, may be NULL if @len is 0
 * @len: bytes at @data; InfiniBand pads it with zeros
 * @max_qid: highest queue identifier
 * @min_depth, @max_depth: range of depths that are taken
 *
 * Spec: NVMe RDMA Transport 1.0, section 3.5.1.
 * Return: NP_CM_OK, else the code to reject with, and @ret_priv is unchanged.
 */
enum np_cm_status np_priv_parse(const void *data, size_t len, uint16_t max_qid, uint16_t min_depth,
	uint16_t max_depth, struct np_priv *ret_priv);

/* The answer to a host that is taken; @depth commands may be outstanding. */
void np_priv_format_accept(uint16_t depth, struct np_cm_accept *ret_accept);

/* The answer to a host that is turned away. */
void np_priv_format_reject(enum np_cm_status status, struct np_cm_reject *ret_reject);

/* A short English name of a reject code, never NULL. */
const char *np_priv_status_name(enum np_cm_status status);

#endif
