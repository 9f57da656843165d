/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * identify_lists.h - Identify: lists of namespaces and of controllers. For the table in identify.c.
 *
 * Thread: the reactor of req->queue.
 * Depends: req.h.
 */
#ifndef NP_NVME_IDENTIFY_LISTS_H
#define NP_NVME_IDENTIFY_LISTS_H

#include "target/nvme/req.h"

/*
 * Fill 4 KiB of zeroes with the active namespaces above the command's NSID: all (CNS 02h), those of the NVM
 * Command Set, those of the Zoned Namespace Command Set (07h). Spec: NVM Express Base 2.0, 5.17.2.2, 5.17.2.7.
 */
struct np_status np_identify_ns_list(struct np_req *req, uint8_t *data);
struct np_status np_identify_nvm_list(struct np_req *req, uint8_t *data);
struct np_status np_identify_zoned_list(struct np_req *req, uint8_t *data);

/* Those that are allocated (10h): the host's, and all that hosts have created. Spec: as above, 5.17.2.10. */
struct np_status np_identify_allocated_list(struct np_req *req, uint8_t *data);

/* Sizes in which namespaces can be created (16h). Spec: as above, 5.17.2.16. */
struct np_status np_identify_granularity(struct np_req *req, uint8_t *data);

/*
 * Answers @req with the controllers of the subsystem from CDW10.CNTID on: those that a namespace is
 * attached to (CNS 12h), or all (13h). Spec: NVM Express Base 2.0, 5.17.2.12 and 5.17.2.13.
 */
void np_identify_ns_ctrls(struct np_req *req);
void np_identify_all_ctrls(struct np_req *req);

#endif
