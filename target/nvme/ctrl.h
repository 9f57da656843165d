/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ctrl.h - a controller: the association of one host with one subsystem.
 *
 * Thread: the reactor of its admin queue; fields marked otherwise. Made and freed by the
 *         registry on the control thread.
 * Depends: queue.h, errlog.h, wire.h.
 */
#ifndef NP_NVME_CTRL_H
#define NP_NVME_CTRL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "target/nvme/errlog.h"
#include "target/nvme/queue.h"
#include "target/nvme/req.h"

#define NP_CTRL_MAX_AERS 4
#define NP_CTRL_MAX_CHANGED_NS 1024 /* entries of log page 04h */
#define NP_CTRL_MAX_RESV_NOTES 32   /* log pages 80h that wait to be read; then the oldest goes */
#define NP_RETRY_DELAY_MS 1000u     /* CRDT1: before another try of what cannot be done now */
#define NP_CTRL_KAS_MS 1000         /* granularity of the keep-alive timeout */
#define NP_CTRL_VERSION 0x020000u   /* the first with CAP.CRMS and Identify CNS 08h */
/* In 500 ms. We are ready at once; a host on a slow emulated machine still gets its time. */
#define NP_CTRL_READY_TIMEOUT 15u
#define NP_CSTS_NSSRO (1u << NVME_CSTS_NSSRO_SHIFT)
#define NP_NSSR_RESET 0x4e564d65u /* "NVMe": a reset of the subsystem */

/* What a host can ask to be told about. */
enum np_aen_kind {
	NP_AEN_ERROR,
	NP_AEN_SPARE, /* this and the next two: np_ctrl_note_health() */
	NP_AEN_TEMPERATURE,
	NP_AEN_RELIABILITY,
	NP_AEN_NS_CHANGED,
	NP_AEN_ANA_CHANGED,
	NP_AEN_RESERVATION,
	NP_AEN_DISC_CHANGED,
	NP_AEN_KINDS,
};

/* An event, and what its log page is to tell of it. */
struct np_news {
	enum np_aen_kind kind;
	uint32_t nsid;     /* ERROR, NS_CHANGED and RESERVATION */
	uint64_t lba;      /* ERROR */
	uint8_t resv_type; /* RESERVATION: enum nvme_resv_notify_rnlpt */
};

/* How the drives are that a host sees. */
struct np_health {
	uint8_t warnings; /* enum nvme_smart_crit of any of them */
	uint16_t kelvin;  /* the hottest; 0: not known */
};

/* What log page 80h tells of. */
struct np_resv_note {
	uint64_t number; /* from 1 on */
	uint32_t nsid;
	uint8_t type; /* enum nvme_resv_notify_rnlpt */
};

/* Features whose value is just kept. See features.c. */
enum np_ctrl_value {
	NP_VALUE_ARBITRATION,
	NP_VALUE_TEMP_OVER,
	NP_VALUE_TEMP_UNDER,
	NP_VALUE_ERR_RECOVERY,
	NP_VALUE_WRITE_ATOMIC,
	NP_VALUES,
};

struct np_ctrl {
	/* Constant after Connect: */
	const struct np_target *target;
	struct np_subsys *subsys;
	const struct np_port *port;
	uint16_t cntlid;
	char hostnqn[NP_NQN_BYTES];
	uint8_t hostid[16];
	uint64_t cap;
	struct np_reactor *reactor;
	struct np_queue *admin_queue;

	/* Written by the owner, read by any reactor: */
	_Atomic uint32_t cc, csts;
	_Atomic(struct np_view *) view; /* what its host may see; the control thread's */
	_Atomic bool knows_delays;      /* the host looks at CRD (feature 16h, ACRE) */

	struct np_errlog errlog; /* any reactor, see errlog.h */

	/* Owner only: */
	struct np_timer keep_alive;
	uint32_t kato_ms;                      /* 0: no keep-alive */
	struct np_req *aers[NP_CTRL_MAX_AERS]; /* parked, oldest first */
	unsigned int naers;
	unsigned int naborts; /* Abort commands that are not answered */
	uint32_t aen_config;
	uint32_t aen_pending; /* bit per enum np_aen_kind that waits for an AER */
	uint32_t aen_masked;  /* sent, and its log page not yet read */
	uint32_t changed_ns[NP_CTRL_MAX_CHANGED_NS]; /* since log page 04h was read, ascending */
	unsigned int nchanged_ns; /* NP_CTRL_MAX_CHANGED_NS + 1: too many to list */
	struct np_resv_note resv_notes[NP_CTRL_MAX_RESV_NOTES]; /* oldest first */
	unsigned int nresv_notes;
	uint64_t last_resv_note;
	uint8_t told_warnings; /* of those that the host wants to be told of: it was */
	uint32_t values[NP_VALUES];
	struct {
		uint64_t ms, at_ms; /* what it showed, and when by CLOCK_MONOTONIC */
		bool is_set;        /* by the host, since the last reset */
	} clock;
	bool is_dead;  /* its admin queue is draining */
	bool is_fatal; /* fatal_msg is on its way */

	/* Written by any of its queues on their reactors, for traffic based keep-alive: */
	_Atomic uint32_t activity;
	/* Queues on which the host is about to prove who it is: that has a limit of its own. */
	_Atomic uint32_t nunproven;
	_Atomic uint64_t proven_ms; /* when it did on the admin queue, by CLOCK_MONOTONIC */

	/* Written before fatal_msg is sent, read by its receiver: */
	const char *fatal_why;

	/* Control thread only: */
	struct np_list link;   /* in the registry */
	struct np_list queues; /* np_queue.ctrl_link */
	unsigned int nqueues;
	bool is_closing; /* its admin queue is gone */
	bool owns_view;  /* else it is that of the subsystem */
	struct np_msg fatal_msg;
};

/* Are I/O commands taken? Context: any reactor. */
static inline bool np_ctrl_is_ready(const struct np_ctrl *ctrl)
{
	return atomic_load_explicit(&ctrl->csts, memory_order_acquire) & 1u << NVME_CSTS_RDY_SHIFT;
}

/*
 * The namespaces that there are for the host now. A reactor may use it until it returns to its loop: the
 * control thread frees an old view after every reactor has been there.
 */
static inline const struct np_view *np_ctrl_view(const struct np_ctrl *ctrl)
{
	return atomic_load_explicit(&ctrl->view, memory_order_acquire);
}

/*
 * May the host know of a namespace of its subsystem? Of what it sees, and of what hosts have created for
 * whomever. Context: any reactor.
 */
static inline bool np_ns_is_allocated(const struct np_ctrl *ctrl, const struct np_ns *ns)
{
	return ns->is_created || np_view_find(np_ctrl_view(ctrl), ns->nsid) == ns;
}

/* Records that the host is alive. Context: any reactor. */
static inline void np_ctrl_touch(struct np_ctrl *ctrl)
{
	/* Test first: the line stays shared among reactors while nobody clears it. */
	if (!atomic_load_explicit(&ctrl->activity, memory_order_relaxed))
		atomic_store_explicit(&ctrl->activity, 1, memory_order_relaxed);
}

/**
 * np_ctrl_new() - a controller that is not enabled yet
 * @queue: its admin queue
 * @hostnqn: NUL-terminated
 * @hostid: 16 bytes
 *
 * Context: control thread.
 * Return: NULL without memory; else to be given to np_ctrl_free().
 */
struct np_ctrl *np_ctrl_new(const struct np_target *target, struct np_subsys *subsys,
	struct np_queue *queue, uint16_t cntlid, const char *hostnqn, const uint8_t *hostid);

/* NULL is fine. Context: control thread, no queue left. */
void np_ctrl_free(struct np_ctrl *ctrl);

/**
 * np_ctrl_set_cc() - what a host's write of CC does: enable, reset, shutdown
 *
 * A configuration that we cannot run sets CSTS.CFS. Context: the reactor of @ctrl.
 * Spec: NVM Express Base 2.0, 3.1.3.5 (CC), 3.1.3.6 (CSTS).
 */
void np_ctrl_set_cc(struct np_ctrl *ctrl, uint32_t cc);

/**
 * np_ctrl_set_kato() - (re)start the keep-alive timer
 * @kato_ms: rounded up to NP_CTRL_KAS_MS; 0 for none, but a discovery controller is then ended
 *           after two minutes without a command
 *
 * A timer that expires looks for traffic first, so a silent host is found between one and two
 * timeouts after its last command. Context: the reactor of @ctrl.
 * Spec: NVM Express Base 2.0, 3.9.
 */
void np_ctrl_set_kato(struct np_ctrl *ctrl, uint32_t kato_ms);

/* The controller's clock (feature 0Eh), in milliseconds. Context: the reactor of @ctrl. */
uint64_t np_ctrl_time_ms(const struct np_ctrl *ctrl);

/* @is_set: by the host; else by a reset. Context: as above. */
void np_ctrl_set_time(struct np_ctrl *ctrl, uint64_t ms, bool is_set);

/**
 * np_ctrl_park_aer() - keep an Asynchronous Event Request until there is an event
 *
 * Context: the reactor of @ctrl.
 * Return: true if @ctrl has taken @req; false if NP_CTRL_MAX_AERS are parked already.
 */
bool np_ctrl_park_aer(struct np_ctrl *ctrl, struct np_req *req);

/*
 * Answers @req with Command Abort Requested if it is parked. Context: the reactor of @req's queue.
 * Return: whether it was.
 */
bool np_ctrl_unpark_aer(struct np_ctrl *ctrl, struct np_req *req);

/* Bits of the Asynchronous Event Configuration (feature 0Bh) that @ctrl has. Context: any. */
uint32_t np_ctrl_aen_supported(const struct np_ctrl *ctrl);

/**
 * np_ctrl_send_aen() - tell the host of an event, now or with its next AER
 *
 * Nothing happens if the host did not ask for this kind, or has not yet read the log page of the
 * last one. Context: the reactor of @ctrl.
 * Spec: NVM Express Base 2.0, 5.2.
 */
void np_ctrl_send_aen(struct np_ctrl *ctrl, enum np_aen_kind kind);

/* The host has read the log page @lid without retaining the event. Context: as above. */
void np_ctrl_ack_aen(struct np_ctrl *ctrl, uint8_t lid);

/* Notes for its log page what @news tells, and sends the event. Context: as above. */
void np_ctrl_note(struct np_ctrl *ctrl, const struct np_news *news);

/*
 * The critical warnings of the SMART log: those of the drives, and that the host's temperature thresholds
 * (feature 04h) are crossed. Context: as above. Spec: NVM Express Base 2.0, 5.16.1.3, 5.27.1.3.
 */
uint8_t np_ctrl_warnings(const struct np_ctrl *ctrl, const struct np_health *health);

/* Sends an event of each warning that the host wants to be told of and was not. Context: as above. */
void np_ctrl_note_health(struct np_ctrl *ctrl, const struct np_health *health);

/**
 * np_ctrl_drain() - @queue of @ctrl is draining
 *
 * On the admin queue: parked AERs are completed, and the keep-alive timer stops.
 * Context: the reactor of @queue.
 */
void np_ctrl_drain(struct np_ctrl *ctrl, struct np_queue *queue);

#endif
