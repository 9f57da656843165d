// SPDX-License-Identifier: BSD-3-Clause
/*
 * qos.c - limits of what a namespace's hosts get of it.
 *
 * Thread: as qos.h says.
 * Depends: req.h, subsys.h.
 */
#include "target/nvme/qos.h"

#include "target/nvme/req.h"

#define NP_QOS_AHEAD_NS \
	UINT64_C(4000000) /* what may be let in before its time: some turns of the timer */
#define NP_QOS_WAIT_MS 1
#define NP_NS_PER_S UINT64_C(1000000000)

void np_qos_set(struct np_qos *qos, const uint64_t per_s[NP_QOS_LIMITS])
{
	bool is_on = false;

	for (unsigned int i = 0; i < NP_QOS_LIMITS; i++) {
		atomic_store_explicit(&qos->per_s[i], per_s[i], memory_order_relaxed);
		is_on |= per_s[i] != 0;
	}
	atomic_store_explicit(&qos->is_on, is_on, memory_order_release);
}

/* What @req costs, in the unit of a limit. */
static uint64_t np_qos_amount(const struct np_req *req, unsigned int limit)
{
	switch (limit) {
	case NP_QOS_IOS:
		return 1;
	case NP_QOS_READ_BYTES:
		return req->cmd->dir == NP_DIR_TO_HOST ? req->bytes : 0;
	case NP_QOS_WRITE_BYTES:
		return req->cmd->dir == NP_DIR_FROM_HOST ? req->bytes : 0;
	default:
		return req->bytes;
	}
}

static uint64_t np_qos_now_ns(const struct np_req *req)
{
	return req->queue->reactor->now_us * 1000;
}

static bool np_qos_has_room(const struct np_req *req)
{
	const struct np_qos *qos = &req->ns->qos;
	const uint64_t end = np_qos_now_ns(req) + NP_QOS_AHEAD_NS;

	for (unsigned int i = 0; i < NP_QOS_LIMITS; i++) {
		if (atomic_load_explicit(&qos->per_s[i], memory_order_relaxed) &&
			np_qos_amount(req, i) &&
			atomic_load_explicit(&qos->paid_off_ns[i], memory_order_relaxed) > end)
			return false;
	}
	return true;
}

/* Two reactors that find room at the same time both charge: what is too much is paid off later. */
void np_qos_charge(struct np_req *req)
{
	struct np_qos *qos = &req->ns->qos;
	const uint64_t now = np_qos_now_ns(req);

	req->is_charged = true;
	for (unsigned int i = 0; i < NP_QOS_LIMITS; i++) {
		const uint64_t amount = np_qos_amount(req, i);
		const uint64_t per_s = atomic_load_explicit(&qos->per_s[i], memory_order_relaxed);
		uint64_t old, new;

		if (!per_s || !amount)
			continue;
		old = atomic_load_explicit(&qos->paid_off_ns[i], memory_order_relaxed);
		do {
			new = (old > now ? old : now) + amount *NP_NS_PER_S / per_s;
		} while (!atomic_compare_exchange_weak_explicit(&qos->paid_off_ns[i], &old, new,
			memory_order_relaxed, memory_order_relaxed));
	}
}

/* ---- waiting ------------------------------------------------------------------------------ */

/* Ends what must end, and lets in what there is room for, the oldest first. */
static void np_qos_sort(struct np_qos_line *line)
{
	struct np_list waiting, *node;
	bool is_full = false;

	/* What is answered here may bring new ones at once. */
	np_list_init(&waiting);
	while ((node = np_list_pop(&line->waiting)) != NULL)
		np_list_add_tail(&waiting, node);
	while ((node = np_list_pop(&waiting)) != NULL) {
		struct np_req *req = np_container_of(node, struct np_req, link);
		const struct np_status status = np_req_must_end(req);

		is_full = is_full || !np_qos_has_room(req);
		if (!np_status_is_ok(status)) {
			np_req_complete(req, status);
		} else if (is_full) {
			np_list_add_tail(&line->waiting, node);
		} else {
			np_qos_charge(req);
			np_req_begin_again(req);
		}
	}
}

static void np_qos_look(struct np_timer *timer)
{
	struct np_qos_line *line = np_container_of(timer, struct np_qos_line, timer);

	np_qos_sort(line);
	if (!np_list_is_empty(&line->waiting)) {
		np_reactor_set_timer(line->reactor, timer, NP_QOS_WAIT_MS);
		return;
	}
	line->is_armed = false;
	np_ns_put(line->ns, line->reactor->index);
}

void np_qos_line_init(struct np_qos_line *line, struct np_ns *ns)
{
	line->ns = ns;
	np_list_init(&line->waiting);
	np_timer_init(&line->timer, np_qos_look);
}

static void np_qos_wait(struct np_qos_line *line, struct np_req *req)
{
	np_list_add_tail(&line->waiting, &req->link);
	/* Not later because of who comes later. */
	if (line->is_armed)
		return;
	line->is_armed = true;
	line->reactor = req->queue->reactor;
	np_ns_get(line->ns, line->reactor->index);
	np_reactor_set_timer(line->reactor, &line->timer, NP_QOS_WAIT_MS);
}

bool np_qos_holds(struct np_req *req)
{
	const unsigned int index = req->queue->reactor->index;
	struct np_qos_line *line = &req->ns->use[index].line;

	if (req->is_charged || !atomic_load_explicit(&req->ns->qos.is_on, memory_order_acquire))
		return false;
	if (np_list_is_empty(&line->waiting) && np_qos_has_room(req)) {
		np_qos_charge(req);
		return false;
	}
	np_stat_add(&req->ns->stats[index].held_ios, 1);
	np_qos_wait(line, req);
	return true;
}
