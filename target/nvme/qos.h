/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * qos.h - limits of what a namespace's hosts get of it: commands and bytes a second.
 *
 * A command is let in as long as what was let in before is paid off, but for a few milliseconds; then it is
 * charged. So the rate is exact over time, a large command needs no room of its own, and idle time is not saved
 * up. A command that has to wait holds no memory. Those of the namespace wait on their reactor in the order in
 * which they came, whichever host has sent them, reads and writes apart; reactors take turns. Other namespaces
 * do not notice, nor do commands to which no limit applies.
 *
 * A fused pair waits as one.
 *
 * Thread: as said at each function.
 * Depends: list.h, reactor.h.
 */
#ifndef NP_NVME_QOS_H
#define NP_NVME_QOS_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "target/base/list.h"
#include "target/reactor/reactor.h"

#define NP_QOS_DIRS 3 /* values of enum np_dir */

struct np_ns;
struct np_req;

enum np_qos_limit {
	NP_QOS_IOS,         /* I/O commands but those of reservations */
	NP_QOS_BYTES,       /* of their data, either way */
	NP_QOS_READ_BYTES,  /* to hosts */
	NP_QOS_WRITE_BYTES, /* from hosts, Compare's too */
	NP_QOS_LIMITS,
};

/* Of a namespace. */
struct np_qos {
	_Atomic bool is_on;                          /* is there any limit? */
	_Atomic uint64_t per_s[NP_QOS_LIMITS];       /* 0: none */
	_Atomic uint64_t paid_off_ns[NP_QOS_LIMITS]; /* when, by CLOCK_MONOTONIC */
	_Atomic uint64_t lines; /* reactors on which commands wait, a bit each */
	_Atomic uint32_t last;  /* reactor that has let in the last of those */
};
static_assert(NP_MAX_REACTORS <= 64, "a bit for each reactor");

/* The commands of a namespace that wait on one reactor. */
struct np_qos_line {
	struct np_ns *ns;
	struct np_reactor *reactor;          /* of those that wait */
	struct np_list waiting[NP_QOS_DIRS]; /* np_req.link, oldest first */
	unsigned int first;                  /* of these is looked at first, the next time */
	struct np_timer timer;
	bool is_armed; /* and holds the namespace */
};

void np_qos_line_init(struct np_qos_line *line, struct np_ns *ns);

/**
 * np_qos_set() - other limits, from now on
 * @per_s: by enum np_qos_limit, 0 for none
 *
 * Context: control thread.
 */
void np_qos_set(struct np_qos *qos, const uint64_t per_s[NP_QOS_LIMITS]);

/* Charges what @req is worth, whether there is room or not. Context: its reactor. */
void np_qos_charge(struct np_req *req);

/*
 * Is it too early for @req? Then it waits, and begins by np_req_begin_again(); else it is charged.
 * Context: its reactor.
 */
bool np_qos_holds(struct np_req *req);

#endif
