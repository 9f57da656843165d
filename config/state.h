/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * state.h - what must outlive the process: a file for each thing in one folder.
 *
 * A file is written beside the old one, synced, put in its place, and the folder synced: after a loss of
 * power there is the old one or the new one.
 *
 * Thread: control.
 * Depends: jansson.
 */
#ifndef NP_CONFIG_STATE_H
#define NP_CONFIG_STATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* The folder, as it was found at the start. */
struct np_state {
	const char *dir;   /* borrowed */
	bool can_keep;     /* files can be written */
	char unknown[256]; /* it is there but cannot be read: what may be kept in it; else "" */
};

/* Makes @dir if it is not there. What is wrong with it is logged. */
void np_state_open(struct np_state *state, const char *dir);

/* Writes the name of a file: a @kind of thing, and whose it is. */
void np_state_path(const struct np_state *state, const char *kind, const uint8_t owner[16],
	char *ret_path, size_t size);

/* @root is given up. Return: 0 when it is on the medium, or -errno, and the old file is there. */
int np_state_put(const struct np_state *state, const char *path, json_t *root);

/* Return: 0 when the file is gone for good, also if there was none, or -errno. */
int np_state_remove(const struct np_state *state, const char *path);

/**
 * np_state_get() - read a file
 * @ret_root: NULL if there is none
 *
 * Return: 0, or -EINVAL with a sentence in @why.
 */
int np_state_get(const char *path, json_t **ret_root, char *why, size_t why_size);

#endif
