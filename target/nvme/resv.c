// SPDX-License-Identifier: BSD-3-Clause
/*
 * resv.c - the rules of reservations.
 *
 * Thread: any, pure.
 * Depends: resv.h.
 */
#include "target/nvme/resv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct np_status np_resv_conflict(void)
{
	return np_status_generic(NVME_SC_RESERVATION_CONFLICT);
}

static bool np_resv_is_of_all(uint8_t type)
{
	return type == NVME_RESERVATION_RTYPE_WEAR || type == NVME_RESERVATION_RTYPE_EAAR;
}

/* Do registrants share it, so that they are told when it ends? */
static bool np_resv_is_shared(uint8_t type)
{
	return type >= NVME_RESERVATION_RTYPE_WERO;
}

/* ---- looking ------------------------------------------------------------------------------ */

/* Return: where the host is, or where it would be: *ret_is_there. */
static uint32_t np_resv_place(const struct np_resv *resv, const uint8_t *hostid, bool *ret_is_there)
{
	uint32_t low = 0, high = resv->count;

	*ret_is_there = false;
	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;
		const int diff = memcmp(resv->list[middle].hostid, hostid, NP_HOSTID_BYTES);

		if (!diff) {
			*ret_is_there = true;
			return middle;
		}
		if (diff < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int np_resv_find(const struct np_resv *resv, const uint8_t hostid[NP_HOSTID_BYTES])
{
	bool is_there;
	const uint32_t place = np_resv_place(resv, hostid, &is_there);

	return is_there ? (int)place : -1;
}

bool np_resv_is_holder(const struct np_resv *resv, uint32_t index)
{
	return resv->type && (np_resv_is_of_all(resv->type) || index == resv->holder);
}

bool np_resv_allows(
	const struct np_resv *resv, const uint8_t hostid[NP_HOSTID_BYTES], bool is_write)
{
	int index;

	switch (resv->type) {
	case NVME_RESERVATION_RTYPE_WE:
	case NVME_RESERVATION_RTYPE_WERO:
	case NVME_RESERVATION_RTYPE_WEAR:
		if (!is_write)
			return true;
		break;
	case NVME_RESERVATION_RTYPE_EA:
	case NVME_RESERVATION_RTYPE_EARO:
	case NVME_RESERVATION_RTYPE_EAAR:
		break;
	default:
		return true;
	}
	index = np_resv_find(resv, hostid);
	return index >= 0 &&
		(np_resv_is_shared(resv->type) || np_resv_is_holder(resv, (uint32_t)index));
}

/* ---- a namespace's -------------------------------------------------------------------------- */

struct np_resv_ns *np_resv_ns_new(void)
{
	struct np_resv_ns *resv = calloc(1, sizeof(*resv));
	struct np_resv *now = calloc(1, sizeof(*now));

	if (!resv || !now) {
		free(resv);
		free(now);
		return NULL;
	}
	atomic_init(&resv->now, now);
	return resv;
}

void np_resv_ns_free(struct np_resv_ns *resv)
{
	if (!resv)
		return;
	free(atomic_load(&resv->now));
	free(resv);
}

/* ---- changing a draft --------------------------------------------------------------------- */

/* A change under way. */
struct np_resv_draft {
	const struct np_resv *old;
	struct np_resv *now; /* a copy of old with room for one registrant more */
	uint8_t *news;
};

static void np_resv_tell(
	struct np_resv_draft *draft, const uint8_t *hostid, enum nvme_resv_notify_rnlpt what)
{
	const int index = np_resv_find(draft->old, hostid);

	if (index >= 0)
		draft->news[index] = (uint8_t)what;
}

/* Tells all registrants of the draft but @actor. */
static void np_resv_tell_others(
	struct np_resv_draft *draft, const uint8_t *actor, enum nvme_resv_notify_rnlpt what)
{
	for (uint32_t i = 0; i < draft->now->count; i++)
		if (memcmp(draft->now->list[i].hostid, actor, NP_HOSTID_BYTES) != 0)
			np_resv_tell(draft, draft->now->list[i].hostid, what);
}

static void np_resv_insert(struct np_resv *now, uint32_t place, const uint8_t *hostid, uint64_t key)
{
	memmove(&now->list[place + 1], &now->list[place],
		(now->count - place) * sizeof(now->list[0]));
	memcpy(now->list[place].hostid, hostid, NP_HOSTID_BYTES);
	now->list[place].key = key;
	now->count++;
	if (now->type && now->holder >= place)
		now->holder++;
}

/* Takes a registrant away, and what it alone holds. */
static void np_resv_remove(struct np_resv *now, uint32_t index)
{
	if (now->type && !np_resv_is_of_all(now->type) && now->holder == index)
		now->type = 0;
	memmove(&now->list[index], &now->list[index + 1],
		(now->count - index - 1) * sizeof(now->list[0]));
	now->count--;
	if (now->holder > index)
		now->holder--;
	if (!now->count)
		now->type = 0;
}

/*
 * Takes away who has the key @prey, or all if @any_key, but not @spared (NULL: nobody).
 * Return: how many had it.
 */
static uint32_t np_resv_remove_prey(struct np_resv_draft *draft, uint64_t prey, bool any_key,
	const uint8_t *spared, const uint8_t *actor)
{
	uint32_t found = 0;

	for (uint32_t i = draft->now->count; i-- > 0;) {
		uint8_t hostid[NP_HOSTID_BYTES];

		if (!any_key && draft->now->list[i].key != prey)
			continue;
		found++;
		memcpy(hostid, draft->now->list[i].hostid, sizeof(hostid));
		if (spared && !memcmp(hostid, spared, sizeof(hostid)))
			continue;
		np_resv_remove(draft->now, i);
		if (memcmp(hostid, actor, sizeof(hostid)) != 0)
			np_resv_tell(draft, hostid, NVME_RESV_NOTIFY_RNLPT_REGISTRATION_PREEMPTED);
	}
	return found;
}

static void np_resv_hold(struct np_resv_draft *draft, const uint8_t *hostid, uint8_t type)
{
	draft->now->type = type;
	draft->now->holder = (uint32_t)np_resv_find(draft->now, hostid);
}

/* ---- requests ----------------------------------------------------------------------------- */

/* Spec: NVM Express Base 2.0, 7.5 (RREGA 0). */
static struct np_status np_resv_register(
	struct np_resv_draft *draft, const struct np_resv_request *request)
{
	bool is_there;
	const uint32_t place = np_resv_place(draft->now, request->hostid, &is_there);

	/* Again with the same key is no change. */
	if (is_there)
		return draft->now->list[place].key == request->new_key ? NP_SUCCESS
								       : np_resv_conflict();
	np_resv_insert(draft->now, place, request->hostid, request->new_key);
	draft->now->generation++;
	return NP_SUCCESS;
}

static void np_resv_unregister(
	struct np_resv_draft *draft, const struct np_resv_request *request, uint32_t index)
{
	const uint8_t type = draft->now->type;

	np_resv_remove(draft->now, index);
	draft->now->generation++;
	if (type && !draft->now->type && np_resv_is_shared(type))
		np_resv_tell_others(
			draft, request->hostid, NVME_RESV_NOTIFY_RNLPT_RESERVATION_RELEASED);
}

static struct np_status np_resv_acquire(
	struct np_resv_draft *draft, const struct np_resv_request *request, uint32_t index)
{
	if (!draft->now->type)
		np_resv_hold(draft, request->hostid, request->type);
	else if (!np_resv_is_holder(draft->now, index) || draft->now->type != request->type)
		return np_resv_conflict();
	return NP_SUCCESS;
}

/* Registrations only: the reservation, if there is one, stays with its holder. */
static struct np_status np_resv_preempt_others(
	struct np_resv_draft *draft, const struct np_resv_request *request)
{
	if (!np_resv_remove_prey(draft, request->prey, false, NULL, request->hostid))
		return np_resv_conflict();
	draft->now->generation++;
	return NP_SUCCESS;
}

/* Spec: NVM Express Base 2.0, 8.19.7. */
static struct np_status np_resv_preempt(
	struct np_resv_draft *draft, const struct np_resv_request *request)
{
	const struct np_resv *old = draft->old;
	const bool is_of_all = np_resv_is_of_all(old->type);

	if (!old->type || (is_of_all && request->prey))
		return np_resv_preempt_others(draft, request);
	if (!is_of_all && old->list[old->holder].key != request->prey)
		return request->prey ? np_resv_preempt_others(draft, request)
				     : np_status_generic(NVME_SC_INVALID_FIELD);
	np_resv_remove_prey(draft, request->prey, is_of_all, request->hostid, request->hostid);
	np_resv_hold(draft, request->hostid, request->type);
	draft->now->generation++;
	if (old->type != request->type && np_resv_is_shared(old->type))
		np_resv_tell_others(
			draft, request->hostid, NVME_RESV_NOTIFY_RNLPT_RESERVATION_RELEASED);
	return NP_SUCCESS;
}

static struct np_status np_resv_release(
	struct np_resv_draft *draft, const struct np_resv_request *request, uint32_t index)
{
	const uint8_t type = draft->now->type;

	/* Who does not hold it has nothing to release, and that is no error. */
	if (!np_resv_is_holder(draft->now, index))
		return NP_SUCCESS;
	if (type != request->type)
		return np_status_generic(NVME_SC_INVALID_FIELD);
	draft->now->type = 0;
	if (np_resv_is_shared(type))
		np_resv_tell_others(
			draft, request->hostid, NVME_RESV_NOTIFY_RNLPT_RESERVATION_RELEASED);
	return NP_SUCCESS;
}

static void np_resv_clear(struct np_resv_draft *draft, const struct np_resv_request *request)
{
	np_resv_tell_others(draft, request->hostid, NVME_RESV_NOTIFY_RNLPT_RESERVATION_PREEMPTED);
	draft->now->count = 0;
	draft->now->type = 0;
	draft->now->generation++;
}

static struct np_status np_resv_do(
	struct np_resv_draft *draft, const struct np_resv_request *request)
{
	const int index = np_resv_find(draft->now, request->hostid);

	if (request->verb == NP_RESV_REGISTER)
		return np_resv_register(draft, request);
	if (request->verb == NP_RESV_KEEP)
		return NP_SUCCESS;
	/* All else is for registrants, who know their key. */
	if (index < 0 || (!request->ignores_key && draft->now->list[index].key != request->key))
		return np_resv_conflict();
	switch (request->verb) {
	case NP_RESV_REGISTER:
	case NP_RESV_KEEP:
		break;
	case NP_RESV_UNREGISTER:
		np_resv_unregister(draft, request, (uint32_t)index);
		break;
	case NP_RESV_REPLACE:
		draft->now->list[index].key = request->new_key;
		draft->now->generation++;
		break;
	case NP_RESV_ACQUIRE:
		return np_resv_acquire(draft, request, (uint32_t)index);
	case NP_RESV_PREEMPT:
		return np_resv_preempt(draft, request);
	case NP_RESV_RELEASE:
		return np_resv_release(draft, request, (uint32_t)index);
	case NP_RESV_CLEAR:
		np_resv_clear(draft, request);
		break;
	}
	return NP_SUCCESS;
}

struct np_status np_resv_change(const struct np_resv *old, const struct np_resv_request *request,
	struct np_resv **ret_new, uint8_t *news)
{
	struct np_resv_draft draft = {.old = old, .news = news};
	const size_t bytes = sizeof(*old) + old->count * sizeof(old->list[0]);
	struct np_status status;

	*ret_new = NULL;
	draft.now = malloc(bytes + sizeof(old->list[0]));
	if (!draft.now)
		return np_status_retryable(np_status_generic(NVME_SC_INTERNAL));
	memcpy(draft.now, old, bytes);
	status = np_resv_do(&draft, request);
	if (!np_status_is_ok(status)) {
		free(draft.now);
		return status;
	}
	if (request->cptpl != NVME_RESERVATION_CPTPL_NO_CHANGE)
		draft.now->persists = request->cptpl == NVME_RESERVATION_CPTPL_PERSIST;
	*ret_new = draft.now;
	return NP_SUCCESS;
}
