/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Text forms of the small values in a model: PCI address, p2pmem, UUID/NGUID, version, names.
 *
 * Thread: any, pure.
 * Depends: config/model.h.
 */
#ifndef NP_CONFIG_TEXT_H
#define NP_CONFIG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/model.h"

/* Enough for every text that the format functions below write. */
#define NP_CFG_TEXT_MAX 48

struct np_cfg_name {
	const char *name;
	unsigned int value;
};

/* Tables end with a NULL name. The first name of a value is the one that is written. */
extern const struct np_cfg_name np_cfg_trtype_names[];
extern const struct np_cfg_name np_cfg_adrfam_names[];
extern const struct np_cfg_name np_cfg_treq_names[];
extern const struct np_cfg_name np_cfg_ana_state_names[];
extern const struct np_cfg_name np_cfg_engine_names[];
extern const struct np_cfg_name np_cfg_chap_group_names[];
extern const struct np_cfg_name np_cfg_chap_hash_names[];
extern const struct np_cfg_name np_cfg_fence_names[];
extern const struct np_cfg_name np_cfg_memory_kind_names[];
extern const struct np_cfg_name np_cfg_exporter_names[];
extern const struct np_cfg_name np_cfg_zero_names[];

/* Return: the name of @value in @names, "?" when it has none. */
const char *np_cfg_name_of(const struct np_cfg_name *names, unsigned int value);

/*
 * Parse a full PCI address, "0000:01:00.0", at least 4 digits of domain.
 * Return: 0; -EINVAL, *ret_pci unchanged.
 */
int np_cfg_parse_pci(const char *text, struct np_cfg_pci *ret_pci);

/* Write @pci as "0000:01:00.0" into @buf of @size bytes (NP_CFG_TEXT_MAX is enough). */
void np_cfg_format_pci(const struct np_cfg_pci *pci, char *buf, size_t size);

/*
 * May memory be called @name? A letter, then letters, digits, '.', '_' or '-', at most
 * NP_CFG_MEMORY_NAME_MAX in all: so it is no PCI address, no "0" and no "1".
 */
bool np_cfg_is_memory_name(const char *name);

/* Parse "0", "1", a PCI address or a name of memory. Return: 0; -EINVAL. */
int np_cfg_parse_p2pmem(const char *text, struct np_cfg_p2pmem *ret_p2pmem);
void np_cfg_format_p2pmem(const struct np_cfg_p2pmem *p2pmem, char *buf, size_t size);

/*
 * Parse "1%" to "100%", or a number of bytes that is a multiple of 4096 and not 0.
 * Return: 0, not given when the text is empty; -EINVAL.
 */
int np_cfg_parse_share(const char *text, struct np_cfg_share *ret_share);

/* Write @share as it is parsed. */
void np_cfg_format_share(const struct np_cfg_share *share, char *buf, size_t size);

static inline bool np_cfg_share_is_given(const struct np_cfg_share *share)
{
	return share->bytes || share->percent;
}

/*
 * Find the bytes of @share in a pool of @pool_bytes.
 * Return: whole pages; @none if it is not given.
 */
uint64_t np_cfg_share_of(const struct np_cfg_share *share, uint64_t pool_bytes, uint64_t none);

/*
 * Parse 16 bytes in hex: a UUID, or an NGUID with or without '-' or ':' between its bytes.
 * All zero is what the kernel shows for an identifier that was never set.
 * Return: 0, not given when the text is empty or all zero; -EINVAL.
 */
int np_cfg_parse_id(const char *text, struct np_cfg_id *ret_id);

/* Write @id in the form of a UUID; an empty text when it is not given. */
void np_cfg_format_id(const struct np_cfg_id *id, char *buf, size_t size);

/* Parse an opcode, "129" or "0x81". Return: 0; -EINVAL. */
int np_cfg_parse_opcode(const char *text, uint8_t *ret_opcode);

/* Parse an NVMe version, "1.3" or "1.2.1", into the layout of the VS register. Return: 0; -EINVAL. */
int np_cfg_parse_version(const char *text, uint32_t *ret_version);
void np_cfg_format_version(uint32_t version, char *buf, size_t size);

#endif
