/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules over a whole model: what must be unique, what must exist, what cannot go together.
 *
 * Thread: any, pure.
 * Depends: config/model.h, config/diag.h.
 */
#ifndef NP_CONFIG_CHECK_H
#define NP_CONFIG_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "config/diag.h"
#include "config/model.h"

/**
 * np_cfg_check() - may this model be put into effect?
 * @diag: receives the first error, is told the warnings met up to it
 *
 * Looks at nothing but @cfg: whether a device exists is found out when it is opened.
 * Return: 0; -EINVAL with diag->error "JSON.path: reason".
 */
int np_cfg_check(const struct np_cfg *cfg, struct np_cfg_diag *diag);

/* The part of np_cfg_check() about the namespaces of subsystem @index. In check_ns.c. */
int np_cfg_check_namespaces(const struct np_cfg *cfg, size_t index, struct np_cfg_diag *diag);

/* The part of np_cfg_check() about namespaces that share memory. In check_share.c. */
int np_cfg_check_shares(const struct np_cfg *cfg, struct np_cfg_diag *diag);

/* The part of np_cfg_check() about the ports. In check_port.c. */
int np_cfg_check_ports(const struct np_cfg *cfg, struct np_cfg_diag *diag);

/* The part of np_cfg_check() about daemon.memory[]. In check_memory.c. */
int np_cfg_check_memory(const struct np_cfg *cfg, struct np_cfg_diag *diag);

/* Is @opcode that of an I/O command that the target answers itself, or of fabrics commands? */
bool np_cfg_is_served(uint8_t opcode);

/* What the parts share: -EINVAL with the error in the diag of @spot. */

/* Is @names[@i], whose place is @spot, not one of those before it? */
int np_cfg_check_unique(char *const *names, size_t i, const struct np_cfg_spot *spot);

/* Can @reactors share a pool of @bytes, the @member of @spot, equally? */
int np_cfg_check_pool(
	uint64_t bytes, unsigned int reactors, const struct np_cfg_spot *spot, const char *member);

/* Is @text, NULL or a @member of @spot, printable ASCII of at most @max bytes? */
int np_cfg_check_ascii(
	const char *text, size_t max, const struct np_cfg_spot *spot, const char *member);

#endif
