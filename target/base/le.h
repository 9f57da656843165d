/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * le.h - little-endian fields of wire structures, at any alignment.
 *
 * The wire structures hold __le16/32/64 as plain integers; read and write them through these.
 * Depends: <endian.h>.
 */
#ifndef NP_BASE_LE_H
#define NP_BASE_LE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t np_le16(uint16_t v)
{
	return le16toh(v);
}

static inline uint32_t np_le32(uint32_t v)
{
	return le32toh(v);
}

static inline uint64_t np_le64(uint64_t v)
{
	return le64toh(v);
}

static inline uint32_t np_le24_load(const uint8_t b[3])
{
	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16;
}

#endif
