// SPDX-License-Identifier: BSD-3-Clause
/*
 * selftest.c - RDMA READs and WRITEs at telling offsets and lengths, compared byte by byte.
 *
 * Why path MTUs and page boundaries matter: the on-demand copy of Linux's rxe (7.2 and 7.3,
 * drivers/infiniband/sw/rxe/rxe_odp.c) puts the data of each packet at the start of its page.
 *
 * Thread: control thread.
 * Depends: loop.h, buscopy.h, dev.h.
 */
#include "transport/rdma/selftest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "target/memory/buscopy.h"
#include "target/memory/pool.h"
#include "target/nvme/subsys.h"
#include "transport/rdma/loop.h"

#define MAX_TRIALS 5 /* path MTU 4096, 2048, 1024, 512, 256 */
/* Device memory may be slow: only the first trial moves as much as one command can. */
#define SHORT_BYTES (16u * 1024u)

struct selftest {
	struct np_rdma_dev *dev;
	struct np_mem_region *region;
	const struct np_rdma_mr *mr;
	struct np_rdma_loop loop;
	uint8_t *remote; /* what the far side offers: as many bytes as the scratch area */
	struct ibv_mr *remote_mr;
	uint8_t *expect, *copy; /* images of the scratch area */
	uint64_t random;
	uint32_t longest;
	bool is_lost; /* an operation did not get through, which says nothing about the memory */
};

/* @bytes 0: as long as this trial allows. Page-aligned ones first: the order matters. */
struct shape {
	uint32_t offset, bytes;
};

static const struct shape paged_shapes[] = {{0, 512}, {0, 4096}, {4096, 8704}, {0, 0}};
static const struct shape other_shapes[] = {
	{512, 512}, {1, 1}, {4095, 2}, {512, 8192}, {1, 12289}, {100, 0}};

static void fill_random(struct selftest *test, uint8_t *dst, size_t bytes)
{
	size_t piece;

	for (size_t i = 0; i < bytes; i += piece) {
		/* xorshift64: fast, and no two places look alike */
		test->random ^= test->random << 13;
		test->random ^= test->random >> 7;
		test->random ^= test->random << 17;
		piece = bytes - i < sizeof(test->random) ? bytes - i : sizeof(test->random);
		memcpy(dst + i, &test->random, piece);
	}
}

static bool run(struct selftest *test, enum ibv_wr_opcode opcode, const struct shape *shape,
	struct np_rdma_trial *trial)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)test->region->scratch + shape->offset,
		.length = shape->bytes,
		.lkey = test->mr->lkey,
	};
	const char *verb = opcode == IBV_WR_RDMA_READ ? "READ" : "WRITE";
	enum ibv_wc_status status;
	int err;

	err = np_rdma_loop_run(
		&test->loop, opcode, &sge, (uintptr_t)test->remote, test->remote_mr->rkey, &status);
	if (!err && status == IBV_WC_SUCCESS)
		return true;
	if (err == -ETIMEDOUT || (!err && status == IBV_WC_RETRY_EXC_ERR))
		test->is_lost = true;
	snprintf(trial->fault, sizeof(trial->fault), "RDMA %s of %u bytes at offset %u: %s", verb,
		shape->bytes, shape->offset, err ? strerror(-err) : ibv_wc_status_str(status));
	return false;
}

/* The completion may be earlier than the data, see fence.h. */
static bool fence(struct selftest *test, const struct shape *shape, struct np_rdma_trial *trial)
{
	const struct shape last = {shape->offset + shape->bytes - 1, 1};

	return !test->region->is_peer || run(test, IBV_WR_RDMA_WRITE, &last, trial);
}

static bool fault(struct np_rdma_trial *trial, const char *what, const struct shape *shape)
{
	snprintf(trial->fault, sizeof(trial->fault), "%s, %u bytes at offset %u", what,
		shape->bytes, shape->offset);
	return false;
}

/* Remote memory into the region; the bytes around must stay as they were. */
static bool check_read(
	struct selftest *test, const struct shape *shape, struct np_rdma_trial *trial)
{
	uint8_t *scratch = test->region->scratch;
	size_t begin = shape->offset > NP_PAGE_BYTES ? shape->offset - NP_PAGE_BYTES : 0;
	size_t end = shape->offset + shape->bytes + NP_PAGE_BYTES;

	if (end > test->region->scratch_bytes)
		end = test->region->scratch_bytes;
	fill_random(test, test->expect + begin, end - begin);
	fill_random(test, test->remote, shape->bytes);
	if (np_buscopy(scratch + begin, test->expect + begin, end - begin))
		return fault(trial, "the memory is gone", shape);
	if (!run(test, IBV_WR_RDMA_READ, shape, trial))
		return false;
	memcpy(test->expect + shape->offset, test->remote, shape->bytes);
	if (!fence(test, shape, trial))
		return false;
	if (np_buscopy(test->copy + begin, scratch + begin, end - begin))
		return fault(trial, "the memory is gone", shape);
	if (memcmp(test->copy + begin, test->expect + begin, end - begin))
		return fault(trial, "wrong data after RDMA READ", shape);
	return true;
}

/* And back: the region holds what check_read() expected. */
static bool check_write(
	struct selftest *test, const struct shape *shape, struct np_rdma_trial *trial)
{
	size_t guard = test->region->scratch_bytes - shape->bytes;

	if (guard > NP_PAGE_BYTES)
		guard = NP_PAGE_BYTES;
	/* All different from what must come, so that a byte which never came shows. */
	for (uint32_t i = 0; i < shape->bytes; i++)
		test->remote[i] = (uint8_t)~test->expect[shape->offset + i];
	fill_random(test, test->remote + shape->bytes, guard);
	memcpy(test->copy, test->remote + shape->bytes, guard);
	if (!run(test, IBV_WR_RDMA_WRITE, shape, trial))
		return false;
	if (memcmp(test->remote, test->expect + shape->offset, shape->bytes) ||
		memcmp(test->remote + shape->bytes, test->copy, guard))
		return fault(trial, "wrong data after RDMA WRITE", shape);
	return true;
}

static bool check_shapes(struct selftest *test, const struct shape *shapes, size_t count,
	struct np_rdma_trial *trial)
{
	for (size_t i = 0; i < count; i++) {
		struct shape shape = shapes[i];

		if (!shape.bytes)
			shape.bytes = test->longest;
		if (!check_read(test, &shape, trial) || !check_write(test, &shape, trial))
			return false;
	}
	return true;
}

/* Return: 0 or -errno if there can be no connection at this path MTU. */
static int try_mtu(struct selftest *test, enum ibv_mtu mtu, struct np_rdma_trial *trial)
{
	struct np_rdma_dev *dev = test->dev;
	const struct np_rdma_loop_ends ends = {.near_pd = dev->pd, .far_pd = dev->pd, .sends = 2};
	int err;

	test->is_lost = false;
	err = np_rdma_loop_open(dev->ctx, &ends, dev->port, mtu, &test->loop);
	if (err)
		return err;
	*trial = (struct np_rdma_trial){.path_mtu = np_rdma_mtu_bytes(mtu)};
	trial->is_paged_ok = check_shapes(
		test, paged_shapes, sizeof(paged_shapes) / sizeof(paged_shapes[0]), trial);
	if (trial->is_paged_ok)
		trial->is_any_ok = check_shapes(
			test, other_shapes, sizeof(other_shapes) / sizeof(other_shapes[0]), trial);
	np_rdma_loop_close(&test->loop);
	np_log_debug("%s with %s, path MTU %u: %s", test->region->name, dev->name, trial->path_mtu,
		trial->is_any_ok ? "right" : trial->fault);
	return 0;
}

static int open_test(struct selftest *test)
{
	size_t bytes = test->region->scratch_bytes;

	/* The tests of a longer transfer need a page of room in front and behind. */
	test->longest = (uint32_t)(bytes - 2 * NP_PAGE_BYTES);
	if (test->longest > NP_MDTS_BYTES)
		test->longest = NP_MDTS_BYTES;
	if (test->longest > test->region->pools[0]->max_bytes)
		test->longest = test->region->pools[0]->max_bytes;
	if (getrandom(&test->random, sizeof(test->random), GRND_NONBLOCK) < 0 || !test->random)
		test->random = 0x9e3779b97f4a7c15;
	test->expect = malloc(bytes);
	test->copy = malloc(bytes);
	test->remote = aligned_alloc(NP_PAGE_BYTES, bytes);
	if (!test->expect || !test->copy || !test->remote)
		return -ENOMEM;
	test->remote_mr = ibv_reg_mr(test->dev->pd, test->remote, bytes,
		IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_WRITE);
	return test->remote_mr ? 0 : -errno;
}

static void close_test(struct selftest *test)
{
	if (test->remote_mr)
		ibv_dereg_mr(test->remote_mr);
	free(test->remote);
	free(test->copy);
	free(test->expect);
}

void np_rdma_selftest_judge(
	const struct np_rdma_trial *trials, unsigned int count, struct np_rdma_mr *mr)
{
	unsigned int paged = 0, any = 0;

	mr->is_paged = false;
	mr->min_path_mtu = 0;
	mr->reason[0] = '\0';
	while (any < count && trials[any].is_any_ok)
		any++;
	while (paged < count && trials[paged].is_paged_ok)
		paged++;
	if (any == count) {
		mr->verdict = NP_VERDICT_WORKS;
		mr->min_path_mtu = trials[count - 1].path_mtu;
	} else if (paged) {
		mr->verdict = NP_VERDICT_QUIRK;
		mr->is_paged = true;
		mr->min_path_mtu = trials[paged - 1].path_mtu;
		snprintf(mr->reason, sizeof(mr->reason),
			"the RNIC places data by whole pages, path MTU %u or more",
			mr->min_path_mtu);
	} else if (trials[0].path_mtu < NP_PAGE_BYTES) {
		mr->verdict = NP_VERDICT_UNUSABLE;
		snprintf(mr->reason, sizeof(mr->reason),
			"%s at path MTU %u; a network MTU of 4200 or more may help",
			trials[0].fault, trials[0].path_mtu);
	} else {
		mr->verdict = NP_VERDICT_UNUSABLE;
		snprintf(mr->reason, sizeof(mr->reason), "%s at path MTU %u", trials[0].fault,
			trials[0].path_mtu);
	}
}

static void give_up(struct np_rdma_mr *mr, const char *what, int err)
{
	mr->verdict = NP_VERDICT_UNTESTED;
	snprintf(mr->reason, sizeof(mr->reason), "%s%s%s", what, err ? ": " : "",
		err ? strerror(-err) : "");
}

void np_rdma_selftest(struct np_rdma_dev *dev, struct np_mem_region *region, struct np_rdma_mr *mr)
{
	struct selftest test = {.dev = dev, .region = region, .mr = mr};
	struct np_rdma_trial trials[MAX_TRIALS];
	unsigned int count = 0;
	int err;

	mr->was_busy = false;
	if (!dev->port) {
		give_up(mr, "not tested, no port of the RNIC is active", 0);
		return;
	}
	err = open_test(&test);
	for (enum ibv_mtu mtu = IBV_MTU_4096; !err && mtu >= IBV_MTU_256; mtu--) {
		if (np_rdma_mtu_bytes(mtu) > dev->active_mtu)
			continue;
		err = try_mtu(&test, mtu, &trials[count]);
		if (test.is_lost) /* on a busy machine, say */
			err = try_mtu(&test, mtu, &trials[count]);
		if (test.is_lost)
			break;
		count += !err;
		if (test.longest > SHORT_BYTES)
			test.longest = SHORT_BYTES;
	}
	mr->was_busy = test.is_lost;
	if (test.is_lost)
		give_up(mr, trials[count].fault, 0);
	else if (err && !count)
		give_up(mr, "the self-test cannot run", err);
	else if (!count)
		give_up(mr, "the port's MTU is too small; give its network 4200 bytes or more", 0);
	else
		np_rdma_selftest_judge(trials, count, mr);
	close_test(&test);
}
