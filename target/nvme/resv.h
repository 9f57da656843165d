/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * resv.h - reservations: who is registered with a namespace, who holds it, and what that forbids.
 *
 * A host is its Host Identifier, whatever controllers it has. The state is never changed but replaced as
 * a whole by the control thread, and read by commands on every reactor; a request makes a new one of
 * the old one, which is pure.
 *
 * Spec: NVM Express Base 2.0, 8.19 (reservations), 7.2 to 7.6 (their commands).
 *
 * Thread: any, pure; as said at struct np_resv_ns.
 * Depends: status.h, libnvme's types.
 */
#ifndef NP_NVME_RESV_H
#define NP_NVME_RESV_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "target/base/status.h"

#define NP_HOSTID_BYTES 16

struct np_registrant {
	uint8_t hostid[NP_HOSTID_BYTES];
	uint64_t key;
};

/* One state. */
struct np_resv {
	uint32_t generation;
	uint8_t type;    /* enum nvme_resv_rtype; 0: nobody holds the namespace */
	bool persists;   /* through a loss of power (PTPL) */
	uint32_t holder; /* index of who does, unless all registrants do */
	uint32_t count;
	struct np_registrant list[]; /* by hostid */
};

/* A namespace's. It outlives struct np_ns, which comes and goes with its device. */
struct np_resv_ns {
	/*
	 * Keeps @now, or forgets what was kept if it does not persist. Context: control thread.
	 * Return: 0 when that is durable, or -errno.
	 */
	int (*save)(struct np_resv_ns *resv, const struct np_resv *now);
	void *owner;                   /* of save() */
	_Atomic uint32_t mask;         /* of notifications that hosts do not want; any thread */
	bool can_persist;              /* else save() is not called */
	_Atomic(struct np_resv *) now; /* the control thread's; a reactor forgets it in its loop */
};

enum np_resv_verb {
	NP_RESV_REGISTER,
	NP_RESV_UNREGISTER,
	NP_RESV_REPLACE,
	NP_RESV_ACQUIRE,
	NP_RESV_PREEMPT,
	NP_RESV_RELEASE,
	NP_RESV_CLEAR,
	NP_RESV_KEEP, /* nothing but CPTPL; by anybody */
};

struct np_resv_request {
	enum np_resv_verb verb;
	uint8_t hostid[NP_HOSTID_BYTES];
	uint64_t key;     /* CRKEY */
	uint64_t new_key; /* NRKEY, of REGISTER and REPLACE */
	uint64_t prey;    /* PRKEY, of PREEMPT */
	uint8_t type;     /* RTYPE, of ACQUIRE, PREEMPT and RELEASE */
	bool ignores_key; /* IEKEY */
	uint8_t cptpl;    /* CPTPL: enum nvme_resv_cptpl, of REGISTER, UNREGISTER, REPLACE, KEEP */
};

/*
 * A namespace that nobody is registered with. Context: control thread.
 * Return: NULL without memory.
 */
struct np_resv_ns *np_resv_ns_new(void);

/* Context: control thread, no command left. NULL is fine. */
void np_resv_ns_free(struct np_resv_ns *resv);

/**
 * np_resv_change() - what a request makes of a state
 * @ret_new: the new state, to be given to free(); NULL after an error
 * @news: for each of @old's registrants, what it is to be told (enum nvme_resv_notify_rnlpt, 0:
 *        nothing); zeroed by the caller
 *
 * Return: Reservation Conflict, Invalid Field, or Internal Error without memory; else success.
 */
struct np_status np_resv_change(const struct np_resv *old, const struct np_resv_request *request,
	struct np_resv **ret_new, uint8_t *news);

/* Return: index of the registrant, or -1. */
int np_resv_find(const struct np_resv *resv, const uint8_t hostid[NP_HOSTID_BYTES]);

/* Does registrant @index hold the namespace? */
bool np_resv_is_holder(const struct np_resv *resv, uint32_t index);

/* May the host read, or write, while the namespace is held as it is? */
bool np_resv_allows(
	const struct np_resv *resv, const uint8_t hostid[NP_HOSTID_BYTES], bool is_write);

#endif
