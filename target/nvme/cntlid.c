// SPDX-License-Identifier: BSD-3-Clause
/*
 * cntlid.c - which controller a host's Connect gets.
 *
 * Thread: control.
 * Depends: connect.h, registry.h.
 */
#include "target/nvme/cntlid.h"

#include <stdlib.h>
#include <string.h>

#include "target/nvme/registry.h"

/* A static controller that a host has had. */
struct np_cntlid_owner {
	struct np_list link; /* in subsys->static_ctrls */
	uint16_t cntlid;
	char hostnqn[NP_NQN_BYTES];
};

static struct np_status np_cntlid_busy(void)
{
	return np_status_retryable(np_status_specific(NVME_SC_CONNECT_CTRL_BUSY));
}

/* Return: NULL if it is nobody's. */
static const struct np_cntlid_owner *np_cntlid_owner(
	const struct np_subsys *subsys, uint32_t cntlid)
{
	const struct np_list *pos;

	np_list_for_each(pos, &subsys->static_ctrls) {
		const struct np_cntlid_owner *owner =
			np_container_of(pos, const struct np_cntlid_owner, link);

		if (owner->cntlid == cntlid)
			return owner;
	}
	return NULL;
}

/*
 * Round robin, so that an id is not soon used again: a host that still knows the old controller
 * must not find another one in its place.
 */
static struct np_status np_cntlid_new(struct np_subsys *subsys, uint16_t *ret_cntlid)
{
	const uint32_t count = subsys->cntlid_max - subsys->cntlid_min + 1u;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t cntlid = subsys->next_cntlid;

		if (cntlid < subsys->cntlid_min || cntlid > subsys->cntlid_max)
			cntlid = subsys->cntlid_min;
		subsys->next_cntlid = cntlid + 1;
		if (np_registry_find(subsys, cntlid) || np_cntlid_owner(subsys, cntlid))
			continue;
		*ret_cntlid = (uint16_t)cntlid;
		return NP_SUCCESS;
	}
	return np_cntlid_busy();
}

/* ---- static controllers ------------------------------------------------------------------- */

/* Return: false without memory. */
static bool np_cntlid_own(struct np_subsys *subsys, uint16_t cntlid, const char *hostnqn)
{
	struct np_cntlid_owner *owner = calloc(1, sizeof(*owner));

	if (!owner)
		return false;
	owner->cntlid = cntlid;
	memcpy(owner->hostnqn, hostnqn, sizeof(owner->hostnqn));
	np_list_add_tail(&subsys->static_ctrls, &owner->link);
	return true;
}

/* One that the host had and is free now, else one that nobody has had. */
static struct np_status np_cntlid_any_static(
	struct np_subsys *subsys, const char *hostnqn, uint16_t *ret_cntlid)
{
	const struct np_list *pos;
	struct np_status status;

	np_list_for_each(pos, &subsys->static_ctrls) {
		const struct np_cntlid_owner *owner =
			np_container_of(pos, const struct np_cntlid_owner, link);

		if (strcmp(owner->hostnqn, hostnqn) != 0 || np_registry_find(subsys, owner->cntlid))
			continue;
		*ret_cntlid = owner->cntlid;
		return NP_SUCCESS;
	}
	status = np_cntlid_new(subsys, ret_cntlid);
	if (np_status_is_ok(status) && !np_cntlid_own(subsys, *ret_cntlid, hostnqn))
		return np_status_retryable(np_status_generic(NVME_SC_INTERNAL));
	return status;
}

static struct np_status np_cntlid_static(struct np_req *req, struct np_subsys *subsys,
	const struct np_connect *connect, uint16_t *ret_cntlid)
{
	const struct np_cntlid_owner *owner = np_cntlid_owner(subsys, connect->cntlid);

	if (connect->cntlid == NP_CNTLID_ANY_STATIC)
		return np_cntlid_any_static(subsys, connect->hostnqn, ret_cntlid);
	if (connect->cntlid < subsys->cntlid_min || connect->cntlid > subsys->cntlid_max ||
		(owner && strcmp(owner->hostnqn, connect->hostnqn) != 0))
		return np_connect_refuse_cntlid(req);
	if (np_registry_find(subsys, connect->cntlid))
		return np_cntlid_busy();
	if (!owner && !np_cntlid_own(subsys, connect->cntlid, connect->hostnqn))
		return np_status_retryable(np_status_generic(NVME_SC_INTERNAL));
	*ret_cntlid = connect->cntlid;
	return NP_SUCCESS;
}

void np_cntlid_forget(struct np_subsys *subsys)
{
	struct np_list *node;

	while ((node = np_list_pop(&subsys->static_ctrls)) != NULL)
		free(np_container_of(node, struct np_cntlid_owner, link));
}

struct np_status np_cntlid_choose(struct np_req *req, struct np_subsys *subsys,
	const struct np_connect *connect, uint16_t *ret_cntlid)
{
	if (subsys->has_static_ctrls)
		return np_cntlid_static(req, subsys, connect, ret_cntlid);
	if (connect->cntlid != NP_CNTLID_DYNAMIC)
		return np_connect_refuse_cntlid(req);
	return np_cntlid_new(subsys, ret_cntlid);
}
