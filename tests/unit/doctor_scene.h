/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doctor_scene.h - facts of a machine where P2P is expected to work, for a test to spoil.
 *
 * Thread: the test's.
 * Depends: doctor_judge.h, jansson.
 */
#ifndef NP_TEST_DOCTOR_SCENE_H
#define NP_TEST_DOCTOR_SCENE_H

#include "tools/nvmet-p2p-cli/doctor_judge.h"

/*
 * A switch with the drive nvme0n1, which has a CMB, and the RNIC mlx5_0; the drive nvme1n1 and the
 * RNIC mlx5_1 below root ports of their own; the software RNIC rxe0. The host bridge is listed.
 */
struct doctor_scene {
	struct np_doc_facts facts;
	struct np_doc_rnic rnics[3]; /* mlx5_0, mlx5_1, rxe0 */
	struct np_doc_drive drives[2];
	struct np_doc_provider providers[1];
	struct np_doc_note notes[8];
	struct np_doc_report report;
};

void doctor_scene_init(struct doctor_scene *scene);
void doctor_scene_fini(struct doctor_scene *scene);

/* A self-test's word on the CMB. */
void doctor_scene_note(struct doctor_scene *scene, const char *subject, bool is_rnic,
	enum np_verdict verdict, const char *reason);

/* Judges anew. Return: the cell of the RNIC and the drive with these indices. */
const struct np_doc_cell *doctor_scene_cell(
	struct doctor_scene *scene, unsigned int rnic, unsigned int drive);

/* Does one of the finding's advices contain @words? */
bool doctor_scene_advises(const struct np_doc_report *report, const struct np_doc_finding *finding,
	const char *words);

#endif
