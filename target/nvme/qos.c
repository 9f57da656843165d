// SPDX-License-Identifier: BSD-3-Clause
/*
 * qos.c - limits of what a namespace's hosts get of it.
 *
 * Thread: as qos.h says.
 * Depends: req.h, subsys.h.
 */
#include "target/nvme/qos.h"

#include "target/nvme/req.h"

#define NP_QOS_AHEAD_NS UINT64_C(4000000)    /* let in before its time: some turns of the timer */
#define NP_QOS_PATIENCE_NS UINT64_C(2000000) /* with a reactor whose turn it is */
#define NP_QOS_WAIT_MS 1
#define NP_NS_PER_S UINT64_C(1000000000)

/* What was let in by other limits is forgiven: nobody waits for a rate that is none any more. */
void np_qos_set(struct np_qos *qos, const uint64_t per_s[NP_QOS_LIMITS])
{
	bool is_on = false;

	for (unsigned int i = 0; i < NP_QOS_LIMITS; i++) {
		atomic_store_explicit(&qos->per_s[i], per_s[i], memory_order_relaxed);
		atomic_store_explicit(&qos->paid_off_ns[i], 0, memory_order_relaxed);
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

/* Does the limit apply to @req? */
static bool np_qos_applies(const struct np_req *req, unsigned int limit)
{
	return atomic_load_explicit(&req->ns->qos.per_s[limit], memory_order_relaxed) &&
		np_qos_amount(req, limit);
}

static bool np_qos_is_free(const struct np_req *req)
{
	bool is_limited = false;

	for (unsigned int i = 0; i < NP_QOS_LIMITS; i++)
		is_limited |= np_qos_applies(req, i);
	return !is_limited;
}

/* Return: is there room? *ret_open_ns: for so long there has been */
static bool np_qos_has_room(const struct np_req *req, uint64_t *ret_open_ns)
{
	const uint64_t end = np_qos_now_ns(req) + NP_QOS_AHEAD_NS;

	*ret_open_ns = UINT64_MAX;
	for (unsigned int i = 0; i < NP_QOS_LIMITS; i++) {
		const uint64_t paid_off =
			atomic_load_explicit(&req->ns->qos.paid_off_ns[i], memory_order_relaxed);

		if (!np_qos_applies(req, i))
			continue;
		if (paid_off > end)
			return false;
		if (end - paid_off < *ret_open_ns)
			*ret_open_ns = end - paid_off;
	}
	return true;
}

/*
 * All reactors look at the same milliseconds, and some are always first: so of those on which commands wait
 * the next one has its turn, unless it does not come.
 */
static bool np_qos_is_turn(const struct np_qos *qos, unsigned int index, uint64_t open_ns)
{
	const uint64_t lines = atomic_load_explicit(&qos->lines, memory_order_relaxed);
	const uint32_t last = atomic_load_explicit(&qos->last, memory_order_relaxed);
	const uint64_t after = lines & ~((UINT64_C(2) << last) - 1);

	if (!(lines & ~(UINT64_C(1) << index)) || open_ns > NP_QOS_PATIENCE_NS)
		return true;
	return (unsigned int)__builtin_ctzll(after ? after : lines) == index;
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
			new = (old > now ? old : now) + (amount * NP_NS_PER_S) / per_s;
		} while (!atomic_compare_exchange_weak_explicit(&qos->paid_off_ns[i], &old, new,
			memory_order_relaxed, memory_order_relaxed));
	}
}

/* ---- waiting ------------------------------------------------------------------------------ */

static bool np_qos_is_empty(const struct np_qos_line *line)
{
	bool is_empty = true;

	for (unsigned int i = 0; i < NP_QOS_DIRS; i++)
		is_empty &= np_list_is_empty(&line->waiting[i]);
	return is_empty;
}

/* Is there room, and for this reactor? @has_turn: it has let in others just now */
static bool np_qos_may_enter(const struct np_req *req, bool has_turn)
{
	uint64_t open_ns;

	return np_qos_has_room(req, &open_ns) &&
		(has_turn || np_qos_is_turn(&req->ns->qos, req->queue->reactor->index, open_ns));
}

/* Ends what must end, and lets in what there is room for, the oldest first. Return: was anything let in? */
static bool np_qos_sort(struct np_qos_line *line, struct np_list *queued, bool has_turn)
{
	struct np_list waiting, *node;
	bool is_full = false;

	/* What is answered here may bring new ones at once. */
	np_list_init(&waiting);
	np_list_move_all(&waiting, queued);
	while ((node = np_list_pop(&waiting)) != NULL) {
		struct np_req *req = np_container_of(node, struct np_req, link);
		const struct np_status status = np_req_must_end(req);

		if (!np_status_is_ok(status)) {
			np_req_complete(req, status);
			continue;
		}
		is_full = is_full || !np_qos_may_enter(req, has_turn);
		if (is_full) {
			np_list_add_tail(queued, node);
			continue;
		}
		has_turn = true;
		atomic_store_explicit(
			&line->ns->qos.last, line->reactor->index, memory_order_relaxed);
		np_qos_charge(req);
		np_req_begin_again(req);
	}
	return has_turn;
}

static void np_qos_look(struct np_timer *timer)
{
	struct np_qos_line *line = np_container_of(timer, struct np_qos_line, timer);
	const unsigned int index = line->reactor->index;
	bool has_turn = false;

	line->first = (line->first + 1) % NP_QOS_DIRS;
	for (unsigned int i = 0; i < NP_QOS_DIRS; i++)
		has_turn = np_qos_sort(
			line, &line->waiting[(line->first + i) % NP_QOS_DIRS], has_turn);
	if (!np_qos_is_empty(line)) {
		np_reactor_set_timer(line->reactor, timer, NP_QOS_WAIT_MS);
		return;
	}
	line->is_armed = false;
	atomic_fetch_and_explicit(
		&line->ns->qos.lines, ~(UINT64_C(1) << index), memory_order_relaxed);
	np_ns_put(line->ns, index);
}

void np_qos_line_init(struct np_qos_line *line, struct np_ns *ns)
{
	line->ns = ns;
	for (unsigned int i = 0; i < NP_QOS_DIRS; i++)
		np_list_init(&line->waiting[i]);
	np_timer_init(&line->timer, np_qos_look);
}

static void np_qos_wait(struct np_qos_line *line, struct np_req *req)
{
	const unsigned int index = req->queue->reactor->index;

	np_list_add_tail(&line->waiting[req->cmd->dir], &req->link);
	/* Not later because of who comes later. */
	if (line->is_armed)
		return;
	line->is_armed = true;
	line->reactor = req->queue->reactor;
	np_ns_get(line->ns, index);
	atomic_fetch_or_explicit(&line->ns->qos.lines, UINT64_C(1) << index, memory_order_relaxed);
	np_reactor_set_timer(line->reactor, &line->timer, NP_QOS_WAIT_MS);
}

bool np_qos_holds(struct np_req *req)
{
	const unsigned int index = req->queue->reactor->index;
	struct np_qos_line *line = &req->ns->use[index].line;
	struct np_qos *qos = &req->ns->qos;
	uint64_t open_ns;

	if (req->is_charged || !atomic_load_explicit(&qos->is_on, memory_order_acquire) ||
		np_qos_is_free(req))
		return false;
	/* Not past those that wait, here or on other reactors. */
	if (np_list_is_empty(&line->waiting[req->cmd->dir]) &&
		!(atomic_load_explicit(&qos->lines, memory_order_relaxed) &
			~(UINT64_C(1) << index)) &&
		np_qos_has_room(req, &open_ns)) {
		np_qos_charge(req);
		return false;
	}
	np_stat_add(&req->ns->stats[index].held_ios, 1);
	np_qos_wait(line, req);
	return true;
}
