/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sgl.h - from the SGL of a command capsule to the places where the host's data is.
 *
 * Thread: any, pure.
 * Depends: wire.h, status.h, req.h (struct np_data).
 */
#ifndef NP_RDMA_SGL_H
#define NP_RDMA_SGL_H

#include <stdint.h>

#include "target/base/status.h"
#include "target/base/wire.h"
#include "target/nvme/req.h"

/**
 * np_sgl_parse() - read the SGL of a command
 * @sqe: a private copy of the command
 * @capsule: what follows the command in its capsule; is read at most once a byte
 * @capsule_bytes: bytes at @capsule that the host did send
 * @inline_bytes: in-capsule data that the host may use; @capsule_bytes bounds it too
 * @ret_data: written in any case; kind NONE after an error
 *
 * Takes one keyed data block, one in-capsule data block, or a last segment in the capsule with up
 * to NP_MAX_SGL_SEGS keyed data blocks.
 *
 * Spec: NVM Express Base 2.0, section 4.1.2; NVMe RDMA Transport 1.0, section 3.1.
 * Return: NP_SUCCESS, or SGL_INVALID_TYPE, _OFFSET, _COUNT, _LAST or _DATA.
 */
struct np_status np_sgl_parse(const struct np_sqe *sqe, const uint8_t *capsule,
	uint32_t capsule_bytes, uint32_t inline_bytes, struct np_data *ret_data);

/**
 * np_rdma_map_piece() - the segments that hold a range of the host's data
 * @data: kind KEYED
 * @offset, @bytes: range of the data; what lies behind data->bytes is left out
 * @ret_segs: NP_MAX_SGL_SEGS of them; the first and the last may be cut
 *
 * Return: segments written, 0 for an empty range.
 */
unsigned int np_rdma_map_piece(
	const struct np_data *data, uint32_t offset, uint32_t bytes, struct np_sgl_seg *ret_segs);

#endif
