/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ana.h - Asymmetric Namespace Access: which groups of namespaces can be reached by which port.
 *
 * A namespace is in one group, and each port has a state for each group. The control thread sets it at
 * any time; a command looks once, when it begins.
 *
 * Spec: NVM Express Base 2.0, 8.1 (ANA reporting), 5.16.1.13 (log page).
 *
 * Thread: as said at each function.
 * Depends: libnvme's types, status.h.
 */
#ifndef NP_NVME_ANA_H
#define NP_NVME_ANA_H

#include <stdatomic.h>
#include <stdint.h>

#include "target/base/status.h"

#define NP_ANA_GROUPS 128      /* ANAGRPMAX: group ids are 1 to this */
#define NP_ANA_TRANSITION_S 10 /* ANATT: the longest that a group is in state "change" */

struct np_ctrl;
struct np_ns;
struct np_queue;
struct np_window;

/* What a port says of the groups, by group id - 1. */
struct np_ana {
	_Atomic uint8_t states[NP_ANA_GROUPS]; /* enum nvme_ana_state */
	_Atomic uint64_t changes[NP_ANA_GROUPS];
	_Atomic uint64_t all_changes;
};

/* Every group is optimized. Context: control thread, before anybody looks. */
void np_ana_init(struct np_ana *ana);

/*
 * Sets the state of a group, from now on for commands that begin.
 * Context: control thread. Return: whether it is another one than before.
 */
bool np_ana_set(struct np_ana *ana, uint32_t group, enum nvme_ana_state state);

/* Context: any thread. */
static inline enum nvme_ana_state np_ana_state(const struct np_ana *ana, uint32_t group)
{
	return (enum nvme_ana_state)atomic_load_explicit(
		&ana->states[group - 1], memory_order_relaxed);
}

/* May the host use namespaces of a group in this state? Or what an I/O command is answered. */
struct np_status np_ana_check(enum nvme_ana_state state);

/* The same of a namespace, by the port of @queue. Context: the queue's reactor. */
struct np_status np_ana_check_ns(const struct np_queue *queue, const struct np_ns *ns);

/**
 * np_ana_write() - the log page of @ctrl: groups that have namespaces, and which
 * @has_nsids: false for the groups alone (RGO)
 *
 * Context: a reactor. Return: bytes of the whole log.
 */
uint64_t np_ana_write(const struct np_ctrl *ctrl, bool has_nsids, const struct np_window *window);

#endif
