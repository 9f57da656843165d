// SPDX-License-Identifier: BSD-3-Clause
/*
 * gate.c - commands at work on a namespace, and blocks that somebody has for himself.
 *
 * Nobody slips through: a command that found the gate open is in its reactor's list when the tour comes
 * there, since a reactor handles one thing at a time.
 *
 * Thread: as gate.h says.
 * Depends: runtime.h.
 */
#include "target/nvme/gate.h"

#include <stdlib.h>

#define NP_GATE_WAIT_MS 1

struct np_gate *np_gate_new(const struct np_runtime *runtime)
{
	struct np_gate *gate = calloc(1, sizeof(*gate));
	struct np_gate_use *use = np_line_alloc(runtime->nreactors * sizeof(*use));

	if (!gate || !use) {
		free(gate);
		free(use);
		return NULL;
	}
	for (unsigned int i = 0; i < runtime->nreactors; i++)
		np_list_init(&use[i].passes);
	gate->runtime = runtime;
	gate->use = use;
	gate->users = 1;
	return gate;
}

struct np_gate *np_gate_share(struct np_gate *gate)
{
	gate->users++;
	return gate;
}

void np_gate_put(struct np_gate *gate)
{
	if (!gate || --gate->users)
		return;
	free(gate->use);
	free(gate);
}

static bool np_extent_touches(struct np_extent a, struct np_extent b)
{
	if (a.nblocks == NP_EXTENT_ALL || b.nblocks == NP_EXTENT_ALL)
		return true;
	return a.lba < b.lba + b.nblocks && b.lba < a.lba + a.nblocks;
}

/* ---- passing ------------------------------------------------------------------------------ */

void np_gate_pass(struct np_gate *gate, unsigned int index, struct np_gate_pass *pass,
	struct np_extent extent)
{
	struct np_gate_use *use = &gate->use[index];

	pass->number = ++use->passed;
	pass->extent = extent;
	np_list_add_tail(&use->passes, &pass->link);
}

bool np_gate_enter(struct np_gate *gate, unsigned int index, struct np_gate_pass *pass,
	struct np_extent extent)
{
	/* Acquire: with the state comes what was written down before. */
	if (atomic_load_explicit(&gate->state, memory_order_acquire) == NP_GATE_SHUT &&
		extent.nblocks) {
		const struct np_extent shut = {
			atomic_load_explicit(&gate->shut_lba, memory_order_relaxed),
			atomic_load_explicit(&gate->shut_nblocks, memory_order_relaxed)};

		/*
		 * It may have been opened and shut again in between: then this is too strict, or
		 * the next tour comes by.
		 */
		if (np_extent_touches(shut, extent))
			return false;
	}
	np_gate_pass(gate, index, pass, extent);
	return true;
}

/* ---- shutting ----------------------------------------------------------------------------- */

bool np_gate_shut(struct np_gate *gate, struct np_extent extent)
{
	enum np_gate_state open = NP_GATE_OPEN;

	if (!atomic_compare_exchange_strong(&gate->state, &open, NP_GATE_SETTING))
		return false;
	atomic_store_explicit(&gate->shut_lba, extent.lba, memory_order_relaxed);
	atomic_store_explicit(&gate->shut_nblocks, extent.nblocks, memory_order_relaxed);
	atomic_store_explicit(&gate->state, NP_GATE_SHUT, memory_order_release);
	return true;
}

void np_gate_open(struct np_gate *gate)
{
	atomic_store_explicit(&gate->state, NP_GATE_OPEN, memory_order_release);
}

/* ---- going around ------------------------------------------------------------------------- */

/* Have those left this reactor for whom the tour waits? */
static bool np_gate_is_left(const struct np_gate_tour *tour)
{
	const struct np_list *passes = &tour->gate->use[tour->at].passes;
	const struct np_list *pos;

	if (!tour->extent.nblocks)
		return true;
	np_list_for_each(pos, passes) {
		const struct np_gate_pass *pass = np_container_of(pos, struct np_gate_pass, link);

		if (pass->number > tour->last)
			return true;
		if (np_extent_touches(pass->extent, tour->extent))
			return false;
	}
	return true;
}

static void np_gate_look(struct np_timer *timer)
{
	struct np_gate_tour *tour = np_container_of(timer, struct np_gate_tour, timer);
	const struct np_runtime *runtime = tour->gate->runtime;

	if (!np_gate_is_left(tour))
		np_reactor_set_timer(runtime->reactors[tour->at], timer, NP_GATE_WAIT_MS);
	else if (++tour->at < runtime->nreactors)
		np_reactor_send(runtime->reactors[tour->at], &tour->msg);
	else
		tour->done(tour);
}

/* On each reactor in turn. */
static void np_gate_visit(struct np_msg *msg)
{
	struct np_gate_tour *tour = np_container_of(msg, struct np_gate_tour, msg);

	tour->last = tour->gate->use[tour->at].passed;
	np_gate_look(&tour->timer);
}

void np_gate_send(struct np_gate_tour *tour)
{
	tour->at = 0;
	tour->msg.fn = np_gate_visit;
	np_timer_init(&tour->timer, np_gate_look);
	np_reactor_send(tour->gate->runtime->reactors[0], &tour->msg);
}
