// SPDX-License-Identifier: BSD-3-Clause
/*
 * ctrl.c - a controller's life: enable and reset, keep-alive, its end.
 *
 * Thread: the reactor of the controller's admin queue; new and free on the control thread.
 * Depends: req.h, registry.h.
 */
#include "target/nvme/ctrl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "target/base/log.h"
#include "target/nvme/registry.h"

/* A discovery controller without keep-alive. Spec: NVM Express Base 2.0, 3.1.2.3.2. */
#define NP_DISCOVERY_IDLE_MS 120000u

/* CC fields that a host must choose. Spec: NVM Express Base 2.0, Figure 46. */
#define NP_CC_IOSQES 6u /* log2 of 64 bytes */
#define NP_CC_IOCQES 4u /* log2 of 16 bytes */

static uint64_t np_ctrl_cap(const struct np_subsys *subsys, const struct np_port *port)
{
	const uint64_t css = NVME_CAP_CSS_NVM | (subsys->is_discovery ? 0 : NVME_CAP_CSS_CSI);

	return (uint64_t)(port->max_entries - 1u) << NVME_CAP_MQES_SHIFT |
		1ull << NVME_CAP_CQR_SHIFT | (uint64_t)NP_CTRL_READY_TIMEOUT << NVME_CAP_TO_SHIFT |
		(uint64_t)subsys->may_be_reset << NVME_CAP_NSSRC_SHIFT | css << NVME_CAP_CSS_SHIFT |
		(uint64_t)NVME_CAP_CRWMS << NVME_CAP_CRMS_SHIFT;
}

static void np_ctrl_keep_alive_expired(struct np_timer *timer);

struct np_ctrl *np_ctrl_new(const struct np_target *target, struct np_subsys *subsys,
	struct np_queue *queue, uint16_t cntlid, const char *hostnqn, const uint8_t *hostid)
{
	struct np_view *all = atomic_load(&subsys->view), *view = np_view_for_host(all, hostnqn);
	struct np_ctrl *ctrl = calloc(1, sizeof(*ctrl));

	if (!ctrl || !view) {
		if (view != all)
			free(view);
		free(ctrl);
		return NULL;
	}
	atomic_init(&ctrl->view, view);
	ctrl->owns_view = view != all;
	ctrl->target = target;
	ctrl->subsys = subsys;
	ctrl->port = queue->port;
	ctrl->cntlid = cntlid;
	memcpy(ctrl->hostnqn, hostnqn, strnlen(hostnqn, NP_NQN_BYTES - 1));
	memcpy(ctrl->hostid, hostid, sizeof(ctrl->hostid));
	ctrl->cap = np_ctrl_cap(subsys, queue->port);
	ctrl->reactor = queue->reactor;
	ctrl->admin_queue = queue;
	ctrl->values[NP_VALUE_TEMP_OVER] = 0xffff;
	np_errlog_init(&ctrl->errlog);
	np_timer_init(&ctrl->keep_alive, np_ctrl_keep_alive_expired);
	np_list_init(&ctrl->link);
	np_list_init(&ctrl->queues);
	return ctrl;
}

void np_ctrl_free(struct np_ctrl *ctrl)
{
	if (!ctrl)
		return;
	assert(!ctrl->naers && np_list_is_empty(&ctrl->queues));
	np_errlog_fini(&ctrl->errlog);
	if (ctrl->owns_view)
		free(atomic_load(&ctrl->view));
	free(ctrl);
}

static bool np_ctrl_can_run(const struct np_ctrl *ctrl, uint32_t cc)
{
	const uint32_t css = NVME_CC_CSS(cc);

	if (NVME_CC_MPS(cc) != 0 || NVME_CC_AMS(cc) != NVME_CC_AMS_RR)
		return false;
	/* A discovery controller has no I/O queues for the rest to matter. */
	if (ctrl->subsys->is_discovery)
		return true;
	return NVME_CC_IOSQES(cc) == NP_CC_IOSQES && NVME_CC_IOCQES(cc) == NP_CC_IOCQES &&
		(css == NVME_CC_CSS_NVM || css == NVME_CC_CSS_CSI);
}

uint64_t np_ctrl_time_ms(const struct np_ctrl *ctrl)
{
	return ctrl->clock.ms + ctrl->reactor->now_us / 1000 - ctrl->clock.at_ms;
}

void np_ctrl_set_time(struct np_ctrl *ctrl, uint64_t ms, bool is_set)
{
	ctrl->clock.ms = ms;
	ctrl->clock.at_ms = ctrl->reactor->now_us / 1000;
	ctrl->clock.is_set = is_set;
}

void np_ctrl_set_cc(struct np_ctrl *ctrl, uint32_t cc)
{
	const uint32_t old = atomic_load_explicit(&ctrl->cc, memory_order_relaxed);
	uint32_t csts = atomic_load_explicit(&ctrl->csts, memory_order_relaxed);
	const uint32_t state_bits = 1u << NVME_CSTS_RDY_SHIFT | 1u << NVME_CSTS_CFS_SHIFT;

	if (NVME_CC_EN(cc) && !NVME_CC_EN(old)) {
		np_ctrl_set_time(ctrl, 0, false);
		csts &= ~state_bits;
		csts |= 1u << (np_ctrl_can_run(ctrl, cc) ? NVME_CSTS_RDY_SHIFT
							 : NVME_CSTS_CFS_SHIFT);
	}
	if (!NVME_CC_EN(cc) && NVME_CC_EN(old))
		csts &= ~state_bits;
	/* Nothing that was answered is held back, so a shutdown is complete when asked for. */
	csts &= ~((uint32_t)NVME_CSTS_SHST_MASK << NVME_CSTS_SHST_SHIFT);
	if (NVME_CC_SHN(cc)) {
		csts &= ~(1u << NVME_CSTS_RDY_SHIFT);
		csts |= NVME_CSTS_SHST_CMPLT << NVME_CSTS_SHST_SHIFT;
	}
	atomic_store_explicit(&ctrl->cc, cc, memory_order_relaxed);
	/* Release: a queue that sees RDY sees the CC that made it ready. */
	atomic_store_explicit(&ctrl->csts, csts, memory_order_release);
}

static uint32_t np_ctrl_idle_limit_ms(const struct np_ctrl *ctrl)
{
	if (!ctrl->kato_ms && ctrl->subsys->is_discovery)
		return NP_DISCOVERY_IDLE_MS;
	return ctrl->kato_ms;
}

static void np_ctrl_keep_alive_expired(struct np_timer *timer)
{
	struct np_ctrl *ctrl = np_container_of(timer, struct np_ctrl, keep_alive);

	if (atomic_exchange_explicit(&ctrl->activity, 0, memory_order_relaxed) ||
		atomic_load_explicit(&ctrl->nunproven, memory_order_relaxed)) {
		np_reactor_set_timer(ctrl->reactor, timer, np_ctrl_idle_limit_ms(ctrl));
		return;
	}
	np_registry_ctrl_fatal(ctrl, "keep-alive timeout expired");
}

void np_ctrl_set_kato(struct np_ctrl *ctrl, uint32_t kato_ms)
{
	uint64_t rounded =
		((uint64_t)kato_ms + NP_CTRL_KAS_MS - 1) / NP_CTRL_KAS_MS * NP_CTRL_KAS_MS;

	/* Rounding up must not leave the field's 32 bits. */
	if (rounded > UINT32_MAX)
		rounded = UINT32_MAX / NP_CTRL_KAS_MS * NP_CTRL_KAS_MS;
	ctrl->kato_ms = (uint32_t)rounded;
	np_timer_cancel(&ctrl->keep_alive);
	if (!ctrl->is_dead && np_ctrl_idle_limit_ms(ctrl))
		np_reactor_set_timer(ctrl->reactor, &ctrl->keep_alive, np_ctrl_idle_limit_ms(ctrl));
}

void np_ctrl_drain(struct np_ctrl *ctrl, struct np_queue *queue)
{
	if (queue != ctrl->admin_queue)
		return;
	ctrl->is_dead = true;
	np_timer_cancel(&ctrl->keep_alive);
	while (ctrl->naers)
		np_req_complete(ctrl->aers[--ctrl->naers],
			np_status_retryable(np_status_generic(NVME_SC_ABORT_QUEUE)));
}
