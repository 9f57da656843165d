// SPDX-License-Identifier: BSD-3-Clause
/*
 * A window of chunks, each read from one backend and then written to the other.
 *
 * Thread: the only one.
 * Depends: target/backend/pump.h, target/memory/buscopy.h.
 */
#include "tools/nvmet-p2p-cli/copy_job.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "target/backend/pump.h"
#include "target/base/clock.h"
#include "target/memory/buscopy.h"
#include "target/memory/mem.h"

enum step {
	STEP_IDLE,
	STEP_TO_READ,
	STEP_READING,
	STEP_TO_WRITE,
	STEP_WRITING,
};

/* One chunk on its way. */
struct slot {
	struct np_io io;
	struct window *window;
	enum step step;
	uint8_t *va;
	uint64_t offset;
	uint32_t bytes;
};

struct window {
	const struct np_copy_job *job;
	struct np_pump pump;
	struct slot *slots;
	uint64_t next_offset;
	unsigned int nflying;
	int err;
	char *why; /* of the first error */
	size_t why_size;
};

static int fail(int err, const char *what, const struct np_backend *backend, uint64_t offset,
	const char *reason, char *why, size_t why_size)
{
	snprintf(why, why_size, "a %s at offset %" PRIu64 " of %.128s fails: %s", what, offset,
		backend->path, reason);
	return err;
}

static uint32_t chunk_at(const struct np_copy_plan *plan, uint64_t offset)
{
	const uint64_t left = plan->bytes - offset;

	return left < plan->chunk_bytes ? (uint32_t)left : plan->chunk_bytes;
}

/* Return: 0, or -errno with a sentence in @why. */
static int run_one(struct np_pump *pump, struct np_backend *backend, enum np_io_op op, void *va,
	uint64_t offset, uint32_t bytes, char *why, size_t why_size)
{
	static const char *const names[] = {
		[NP_IO_READ] = "read", [NP_IO_WRITE] = "write", [NP_IO_FLUSH] = "flush"};
	struct np_io io = {
		.op = op,
		.lba = offset / backend->block_bytes,
		.nblocks = bytes / backend->block_bytes,
		.va = va,
	};
	struct np_status status;
	int ret = np_pump_run(pump, backend, &io, &status);

	if (ret)
		return fail(ret, names[op], backend, offset, strerror(-ret), why, why_size);
	if (!np_status_is_ok(status))
		return fail(
			-EIO, names[op], backend, offset, np_status_name(status), why, why_size);
	return 0;
}

/* Bytes that no drive holds but by a chance of 1 in 2^64, and no place of them like another. */
static int fill(uint8_t *va, size_t bytes)
{
	uint64_t *words = (uint64_t *)(void *)va, poison;

	if (getrandom(&poison, sizeof(poison), 0) != sizeof(poison))
		return -EIO;
	for (size_t i = 0; i < bytes / sizeof(*words); i++)
		words[i] = poison + i * UINT64_C(0x9e3779b97f4a7c15);
	return 0;
}

/* ---- the window ----------------------------------------------------------------------------- */

static void slot_done(struct np_io *io, struct np_status status)
{
	struct slot *slot = np_container_of(io, struct slot, io);
	struct window *window = slot->window;
	const bool is_read = slot->step == STEP_READING;

	window->nflying--;
	if (np_status_is_ok(status)) {
		slot->step = is_read ? STEP_TO_WRITE : STEP_IDLE;
		return;
	}
	slot->step = STEP_IDLE;
	if (!window->err)
		window->err = fail(-EIO, is_read ? "read" : "write",
			is_read ? window->job->src : window->job->dst, slot->offset,
			np_status_name(status), window->why, window->why_size);
}

static void slot_take(struct slot *slot)
{
	struct window *window = slot->window;

	if (window->next_offset == window->job->plan.bytes)
		return;
	slot->offset = window->next_offset;
	slot->bytes = chunk_at(&window->job->plan, slot->offset);
	window->next_offset += slot->bytes;
	slot->step = STEP_TO_READ;
}

/* Return: whether it can go on at once. */
static bool slot_submit(struct slot *slot)
{
	const bool is_read = slot->step == STEP_TO_READ;
	struct window *window = slot->window;
	struct np_backend *backend = is_read ? window->job->src : window->job->dst;
	const enum step before = slot->step;
	struct np_status status;

	slot->io = (struct np_io){
		.op = is_read ? NP_IO_READ : NP_IO_WRITE,
		.lba = slot->offset / backend->block_bytes,
		.nblocks = slot->bytes / backend->block_bytes,
		.va = slot->va,
		.done = slot_done,
	};
	slot->step = is_read ? STEP_READING : STEP_WRITING;
	window->nflying++;
	switch (backend->ops->submit(backend, &window->pump.reactor, &slot->io, &status)) {
	case NP_IO_DONE:
		slot_done(&slot->io, status);
		return true;
	case NP_IO_BUSY:
		slot->step = before;
		window->nflying--;
		return false;
	case NP_IO_QUEUED:
		break;
	}
	return false;
}

/* Return: whether there is more to do for it now. */
static bool slot_advance(struct slot *slot)
{
	if (slot->window->err)
		return false;
	if (slot->step == STEP_IDLE)
		slot_take(slot);
	if (slot->step == STEP_TO_READ || slot->step == STEP_TO_WRITE)
		return slot_submit(slot);
	return false;
}

/* Until all is done, or nothing is on its way after an error. */
static void window_run(struct window *window)
{
	const uint32_t depth = window->job->plan.depth;
	int ret = 0;

	for (;;) {
		for (uint32_t i = 0; i < depth; i++) {
			while (slot_advance(&window->slots[i]))
				;
		}
		if (!window->nflying)
			break;
		ret = np_pump_turn(&window->pump);
		if (ret)
			break;
	}
	/* A ring without anything in flight that takes no more is stuck. */
	for (uint32_t i = 0; i < depth && !ret && !window->err; i++) {
		if (window->slots[i].step != STEP_IDLE)
			ret = -EBUSY;
	}
	if (ret && !window->err) {
		window->err = ret;
		snprintf(window->why, window->why_size, "the ring fails: %s", strerror(-ret));
	}
}

static int window_init(struct window *window, const struct np_copy_job *job)
{
	const size_t stride = np_copy_stride_bytes(&job->plan);
	int ret;

	window->slots = calloc(job->plan.depth, sizeof(*window->slots));
	if (!window->slots)
		return -ENOMEM;
	ret = np_pump_init(&window->pump, false);
	if (ret) {
		free(window->slots);
		return ret;
	}
	for (uint32_t i = 0; i < job->plan.depth; i++)
		window->slots[i] = (struct slot){.window = window, .va = job->memory + i * stride};
	return 0;
}

/* A read that moves nothing leaves this in the memory. */
static int poison(const struct np_copy_job *job)
{
	const size_t bytes = np_copy_stride_bytes(&job->plan) * job->plan.depth;
	uint8_t *copy = malloc(bytes);
	int ret = copy ? fill(copy, bytes) : -ENOMEM;

	if (!ret)
		ret = np_buscopy(job->memory, copy, bytes);
	free(copy);
	return ret;
}

int np_copy_move(const struct np_copy_job *job, uint64_t *ret_us, char *why, size_t why_size)
{
	struct window window = {.job = job, .why = why, .why_size = why_size};
	uint64_t start_us;
	int ret;

	ret = poison(job);
	if (!ret)
		ret = window_init(&window, job);
	if (ret) {
		snprintf(why, why_size, "the copy cannot begin: %s", strerror(-ret));
		return ret;
	}
	start_us = np_clock_us();
	window_run(&window);
	if (!window.err && job->dst->volatile_cache)
		window.err =
			run_one(&window.pump, job->dst, NP_IO_FLUSH, NULL, 0, 0, why, why_size);
	*ret_us = np_clock_us() - start_us;
	np_pump_fini(&window.pump);
	free(window.slots);
	return window.err;
}

/* ---- through host memory, chunk by chunk ---------------------------------------------------- */

/* One ring, and two chunks of host memory. */
struct desk {
	struct np_pump pump;
	uint8_t *first, *second;
};

static int desk_init(struct desk *desk, const struct np_copy_plan *plan, char *why, size_t why_size)
{
	const size_t stride = np_copy_stride_bytes(plan);
	void *buffers;
	int ret = -posix_memalign(&buffers, NP_PAGE_BYTES, 2 * stride);

	if (!ret) {
		desk->first = buffers;
		desk->second = desk->first + stride;
		ret = np_pump_init(&desk->pump, false);
		if (ret)
			free(buffers);
	}
	if (ret)
		snprintf(why, why_size, "no ring or host memory: %s", strerror(-ret));
	return ret;
}

static void desk_fini(struct desk *desk)
{
	np_pump_fini(&desk->pump);
	free(desk->first);
}

int np_copy_spoil(const struct np_copy_job *job, char *why, size_t why_size)
{
	struct desk desk;
	int ret = desk_init(&desk, &job->plan, why, why_size);

	if (ret)
		return ret;
	ret = fill(desk.first, job->plan.chunk_bytes);
	if (ret)
		snprintf(why, why_size, "no random numbers");
	for (uint64_t at = 0; at < job->plan.bytes && !ret; at += job->plan.chunk_bytes)
		ret = run_one(&desk.pump, job->dst, NP_IO_WRITE, desk.first, at,
			chunk_at(&job->plan, at), why, why_size);
	desk_fini(&desk);
	return ret;
}

static void count_difference(const struct desk *desk, uint64_t offset, uint32_t bytes,
	struct np_copy_difference *difference)
{
	if (!memcmp(desk->first, desk->second, bytes))
		return;
	for (uint32_t i = 0; i < bytes; i++) {
		if (desk->first[i] == desk->second[i])
			continue;
		if (!difference->bytes++)
			difference->first_offset = offset + i;
	}
}

int np_copy_compare(const struct np_copy_job *job, struct np_copy_difference *ret_difference,
	char *why, size_t why_size)
{
	const struct np_copy_plan *plan = &job->plan;
	struct np_copy_difference difference = {0};
	struct desk desk;
	int ret = desk_init(&desk, plan, why, why_size);

	if (ret)
		return ret;
	for (uint64_t at = 0; at < plan->bytes && !ret; at += plan->chunk_bytes) {
		const uint32_t bytes = chunk_at(plan, at);

		/* Two reads that move nothing must not look alike. */
		memset(desk.first, 0x55, bytes);
		memset(desk.second, 0xaa, bytes);
		ret = run_one(
			&desk.pump, job->src, NP_IO_READ, desk.first, at, bytes, why, why_size);
		if (!ret)
			ret = run_one(&desk.pump, job->dst, NP_IO_READ, desk.second, at, bytes, why,
				why_size);
		if (!ret)
			count_difference(&desk, at, bytes, &difference);
	}
	desk_fini(&desk);
	if (!ret)
		*ret_difference = difference;
	return ret;
}
