/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doctor.h - nvmet-p2p-cli doctor: can this machine do P2P, why not, and what to do about it.
 *
 * Facts are gathered, judged, turned to JSON, and the text is printed from that.
 *
 * Thread: the only one.
 * Depends: doctor_judge.h, jansson.
 */
#ifndef NP_CLI_DOCTOR_H
#define NP_CLI_DOCTOR_H

#include <jansson.h>
#include <stdio.h>

#include "tools/nvmet-p2p-cli/doctor_judge.h"

/* A new reference, or NULL without memory. */
json_t *np_doc_json(const struct np_doc_facts *facts, const struct np_doc_report *report);

/*
 * The PCI devices that matter with all bridges above them, and what is not on PCI: an array of
 * {"name", "what", "children"}. A new reference.
 */
json_t *np_doc_tree(const struct np_doc_facts *facts);

/* Prints what np_doc_json() made. */
void np_doc_print(json_t *result, FILE *out);

#endif
