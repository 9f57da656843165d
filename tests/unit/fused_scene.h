/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fused_scene.h - pairs of Compare and Write: what the tests of fused commands begin with.
 *
 * Depends: io_scene.h.
 */
#ifndef NP_TESTS_FUSED_SCENE_H
#define NP_TESTS_FUSED_SCENE_H

#include <string.h>

#include "io_scene.h"

#define FIRST 1u
#define SECOND 2u
#define LBA 8u
#define NBLOCKS 8u
#define BYTES (NBLOCKS * BLOCK)

#define MISSING np_status_generic(NVME_SC_FUSED_MISSING)
#define FAILED np_status_generic(NVME_SC_FUSED_FAIL)
#define DIFFERS np_status_media(NVME_SC_COMPARE_FAILED)
#define BAD_FIELD np_status_generic(NVME_SC_INVALID_FIELD)

/* The pair of most tests: what is there is compared with @old, and @new takes its place. */
struct pair {
	uint8_t old[BYTES], new[BYTES];
	struct np_lb_slot *first, *second;
};

static inline struct np_sqe half(unsigned int fuse, uint64_t lba, uint32_t nblocks)
{
	struct np_sqe sqe = rw(fuse == FIRST ? nvme_cmd_compare : nvme_cmd_write, lba, nblocks);

	sqe.flags |= (uint8_t)fuse;
	return sqe;
}

static inline void send_pair(struct np_lb_conn *conn, struct pair *pair, uint8_t old, uint8_t new)
{
	memset(pair->old, old, BYTES);
	memset(pair->new, new, BYTES);
	pair->first = np_lb_send(conn, half(FIRST, LBA, NBLOCKS), pair->old, BYTES);
	pair->second = np_lb_send(conn, half(SECOND, LBA, NBLOCKS), pair->new, BYTES);
}

static inline void assert_ended(
	const struct np_lb_slot *slot, struct np_status status, const char *what)
{
	if (slot->answers != 1)
		fail_msg("%s: %u answers", what, slot->answers);
	np_lb_assert_status(slot->cqe, status);
}

static inline void assert_blocks(const struct scene *scene, uint8_t value)
{
	for (uint32_t i = 0; i < BYTES; i++)
		assert_int_equal(scene->backend->blocks[LBA * BLOCK + i], value);
}

/* Somebody else may have the blocks again. */
static inline void assert_open(struct scene *scene)
{
	assert_int_equal(scene->ns->gate->state, NP_GATE_OPEN);
	assert_true(np_list_is_empty(&scene->ns->gate->use[0].passes));
}

static inline void hold(struct scene *scene, bool is_held)
{
	scene->backend->is_queued = true;
	scene->backend->is_held = is_held;
	np_lb_pump(scene->lb);
}

#endif
