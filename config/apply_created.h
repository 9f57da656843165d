/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * apply_created.h - namespaces that hosts have created: in the model, and in the state that is kept.
 *
 * In the model they stand beside those of the file, with is_created; the list of a subsystem's is kept in
 * one file of the state folder.
 *
 * Thread: control.
 * Depends: model.h, state.h.
 */
#ifndef NP_CONFIG_APPLY_CREATED_H
#define NP_CONFIG_APPLY_CREATED_H

#include "config/model.h"
#include "config/state.h"

/* What is created. */
struct np_created_wish {
	uint32_t nsid;
	uint8_t uuid[16];
	uint64_t bytes;
	uint32_t ana_grpid; /* 1 to 128 */
	bool is_private;    /* at most one host sees it */
};

/**
 * np_created_add() - a namespace that nobody sees yet, in a file of its own in the subsystem's folder
 *
 * Return: borrowed until the next one; NULL without memory, and nothing has changed.
 */
struct np_cfg_ns *np_created_add(struct np_cfg_subsys *subsys, const struct np_created_wish *wish);

/* The namespace @nsid, which is there, is there no more. */
void np_created_drop(struct np_cfg_subsys *subsys, uint32_t nsid);

/* Return: the namespace, if hosts have created it; else NULL. */
struct np_cfg_ns *np_created_find(const struct np_cfg_subsys *subsys, uint32_t nsid);

/* Does the host see it? */
bool np_created_has_host(const struct np_cfg_ns *ns, const char *hostnqn);

/* Return: 0 or -ENOMEM. */
int np_created_add_host(struct np_cfg_ns *ns, const char *hostnqn);
void np_created_drop_host(struct np_cfg_ns *ns, const char *hostnqn);

/* Return: what all of them have of the subsystem's capacity. */
uint64_t np_created_bytes(const struct np_cfg_subsys *subsys);

/**
 * np_created_load() - adds what is kept to a model that was read from a file
 *
 * Return: 0, or -errno with a sentence in @why, and nothing is there that hosts have created: it cannot be
 * read, or an NSID is taken.
 */
int np_created_load(
	const struct np_state *state, struct np_cfg_subsys *subsys, char *why, size_t why_size);

/* Keeps it. Return: 0 when that is durable, or -errno. */
int np_created_save(const struct np_state *state, const struct np_cfg_subsys *subsys);

#endif
