/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gate.h - which commands are at work on the blocks of a namespace, and which blocks somebody has for
 * himself.
 *
 * A command passes the gate when it begins, and is in a list of its reactor until it is answered. Who
 * wants blocks for himself shuts the gate for them and goes once through all reactors: on each he waits
 * for the commands that had passed before. Those that come later wait until it is open again.
 *
 * Thread: as the functions say.
 * Depends: runtime.h.
 */
#ifndef NP_NVME_GATE_H
#define NP_NVME_GATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "target/base/line.h"
#include "target/base/list.h"
#include "target/reactor/runtime.h"

/* Blocks. */
struct np_extent {
	uint64_t lba;
	uint64_t nblocks; /* 0: none; NP_EXTENT_ALL: it may be any */
};

#define NP_EXTENT_ALL UINT64_MAX

/* A command's, while it is at work. */
struct np_gate_pass {
	struct np_list link;
	uint64_t number; /* of its reactor, from 1 on; 0: it is not in the list */
	struct np_extent extent;
};

/* Of one reactor, its only user. */
struct np_gate_use {
	struct np_list passes; /* in the order in which they came */
	uint64_t passed;
} __attribute__((aligned(NP_LINE_BYTES)));

enum np_gate_state {
	NP_GATE_OPEN,
	NP_GATE_SETTING, /* somebody has it, and writes down what for */
	NP_GATE_SHUT,
};

/* A namespace's. It outlives struct np_ns, which comes and goes with its device. */
struct np_gate {
	const struct np_runtime *runtime;
	struct np_gate_use *use; /* by reactor index */
	unsigned int users;      /* namespaces on the same device; the control thread's */
	_Atomic enum np_gate_state state;
	_Atomic uint64_t shut_lba, shut_nblocks;
};

/* Context: control thread. Return: NULL without memory. */
struct np_gate *np_gate_new(const struct np_runtime *runtime);

/* Another namespace uses it. Return: @gate. */
struct np_gate *np_gate_share(struct np_gate *gate);

/* A namespace uses it no more. NULL is fine. Context: control thread, no command left. */
void np_gate_put(struct np_gate *gate);

/**
 * np_gate_enter() - a command of reactor @index wants to begin
 *
 * Return: false if it is shut for some of @extent: later.
 */
bool np_gate_enter(struct np_gate *gate, unsigned int index, struct np_gate_pass *pass,
	struct np_extent extent);

/* For him who has shut it. */
void np_gate_pass(struct np_gate *gate, unsigned int index, struct np_gate_pass *pass,
	struct np_extent extent);

/* The command is answered. Does nothing if it is in no list. Context: its reactor. */
static inline void np_gate_leave(struct np_gate_pass *pass)
{
	if (!pass->number)
		return;
	pass->number = 0;
	np_list_del(&pass->link);
}

/**
 * np_gate_shut() - have @extent for oneself, once those have left who are there: see np_gate_tour
 *
 * Context: any thread. Return: false if somebody else has shut it: later.
 */
bool np_gate_shut(struct np_gate *gate, struct np_extent extent);

/* Context: any thread. */
void np_gate_open(struct np_gate *gate);

/* Once through all reactors. */
struct np_gate_tour {
	struct np_gate *gate;
	struct np_extent extent; /* wait for the commands that touch it */
	/* Context: the last reactor. */
	void (*done)(struct np_gate_tour *tour);
	/* Private: */
	struct np_msg msg;
	struct np_timer timer;
	unsigned int at; /* reactor */
	uint64_t last;   /* command that had passed there */
};

/**
 * np_gate_send() - send @tour around
 * @tour: gate, extent and done are set
 *
 * When it is done every reactor has been in its loop, too, and has forgotten what it read before.
 * Context: any thread.
 */
void np_gate_send(struct np_gate_tour *tour);

#endif
