// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_rdma_mr.c - what is registered is tested, and a device whose host memory does not work
 *                  serves nobody. Registration and self-test are stubs that do as they are told.
 *
 * Depends: mr.c, mem.h, cmocka.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "target/reactor/runtime.h"
#include "transport/rdma/mr.h"
#include "transport/rdma/selftest.h"

#define PEER 2u /* a region's id, after NP_REGION_HOST and NP_REGION_ADMIN */
#define NREGIONS 3u

/* ---- stubs --------------------------------------------------------------------------------- */

static struct {
	int reg_error[NREGIONS]; /* errno by region id */
	enum np_verdict verdict[NREGIONS];
	unsigned int tests[NREGIONS];
	bool port_has_changed;
	bool is_busy;  /* for tests of peer memory */
	int dmabuf_fd; /* that was registered */
} told;

static struct ibv_mr mrs[NREGIONS];

/* A region's address is its id, in pages. */
struct ibv_mr *ibv_reg_mr_iova2(
	struct ibv_pd *pd, void *addr, size_t bytes, uint64_t iova, unsigned int access)
{
	size_t id = (uintptr_t)addr / NP_PAGE_BYTES;

	(void)pd;
	(void)bytes;
	(void)iova;
	(void)access;
	errno = told.reg_error[id];
	return errno ? NULL : &mrs[id];
}

struct ibv_mr *ibv_reg_dmabuf_mr(
	struct ibv_pd *pd, uint64_t offset, size_t bytes, uint64_t iova, int fd, int access)
{
	/* A drive's addresses and the RNIC's are the same ones. */
	assert_int_equal(offset, 0);
	assert_int_equal(iova, PEER * NP_PAGE_BYTES);
	told.dmabuf_fd = fd;
	return ibv_reg_mr_iova2(pd, (void *)(uintptr_t)iova, bytes, iova, (unsigned int)access);
}

int ibv_dereg_mr(struct ibv_mr *mr)
{
	(void)mr;
	return 0;
}

bool np_rdma_dev_find_port(struct np_rdma_dev *dev)
{
	(void)dev;
	return told.port_has_changed;
}

void np_rdma_selftest(struct np_rdma_dev *dev, struct np_mem_region *region, struct np_rdma_mr *mr)
{
	(void)dev;
	told.tests[region->id]++;
	mr->verdict = told.verdict[region->id];
	mr->was_busy = region->is_peer && told.is_busy;
	if (mr->was_busy)
		mr->verdict = NP_VERDICT_UNTESTED;
	mr->is_paged = mr->verdict == NP_VERDICT_QUIRK;
	mr->min_path_mtu = mr->is_paged ? 4096 : 0;
	snprintf(mr->reason, sizeof(mr->reason), "%s as told", region->name);
}

/* ---- the scene ----------------------------------------------------------------------------- */

static struct scene {
	struct np_mem mem;
	struct np_runtime runtime;
	struct np_rdma rdma;
	struct ibv_device device;
	struct ibv_context ctx;
	struct np_rdma_dev dev;
	char why[256];
} * scene;

static int setup(void **state)
{
	static const char *const names[NREGIONS] = {"host", "admin", "cmb"};

	memset(&told, 0, sizeof(told));
	for (unsigned int i = 0; i < NREGIONS; i++)
		told.verdict[i] = NP_VERDICT_WORKS;
	scene = calloc(1, sizeof(*scene));
	assert_non_null(scene);
	for (unsigned int i = 0; i < NREGIONS; i++) {
		struct np_mem_region *region = calloc(1, sizeof(*region));

		assert_non_null(region);
		*region = (struct np_mem_region){.id = i,
			.ops = &np_mem_host_ops,
			.va = (void *)(uintptr_t)(i * NP_PAGE_BYTES),
			.bytes = NP_PAGE_BYTES,
			.is_peer = i == PEER,
			.is_optional = i == PEER};
		snprintf(region->name, sizeof(region->name), "%s", names[i]);
		np_list_init(&region->notes);
		scene->mem.regions[i] = region;
	}
	scene->rdma.mem = &scene->mem;
	scene->rdma.runtime = &scene->runtime;
	scene->runtime.loop = ev_loop_new(EVFLAG_AUTO);
	np_rdma_mr_init(&scene->dev);
	np_list_init(&scene->rdma.conns);
	scene->device.transport_type = IBV_TRANSPORT_IB;
	scene->ctx.device = &scene->device;
	scene->dev.rdma = &scene->rdma;
	scene->dev.ctx = &scene->ctx;
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < NREGIONS; i++)
		scene->mem.regions[i]->va = NULL; /* there is nothing to unmap */
	np_mem_close_all(&scene->mem);
	ev_loop_destroy(scene->runtime.loop);
	free(scene);
	return 0;
}

static int register_all(void)
{
	return np_rdma_mr_register_all(&scene->dev, scene->why, sizeof(scene->why));
}

static int require_host(void)
{
	return np_rdma_mr_require_host(&scene->dev, scene->why, sizeof(scene->why));
}

/* ---- tests --------------------------------------------------------------------------------- */

static void test_register__tests_all_regions(void **state)
{
	(void)state;
	assert_int_equal(register_all(), 0);
	for (unsigned int i = 0; i < NREGIONS; i++)
		assert_int_equal(told.tests[i], 1);
	assert_int_equal(require_host(), 0);
	assert_int_equal(told.tests[NP_REGION_HOST], 1);
}

static void test_register__needs_host_memory_not_the_peers(void **state)
{
	(void)state;
	told.reg_error[PEER] = EFAULT;
	assert_int_equal(register_all(), 0);
	assert_int_equal(told.tests[PEER], 0);
	assert_int_equal(scene->dev.mrs[PEER].verdict, NP_VERDICT_UNUSABLE);
	told.reg_error[NP_REGION_ADMIN] = ENOMEM;
	assert_int_equal(register_all(), -ENOMEM);
	assert_non_null(strstr(scene->why, "admin"));
}

static void test_register__spares_peers_the_copies_that_may_fault(void **state)
{
	(void)state;
	scene->dev.may_fault = true;
	assert_int_equal(register_all(), 0);
	assert_int_equal(told.tests[NP_REGION_HOST], 1);
	assert_null(scene->dev.mrs[PEER].mr);
	assert_int_equal(scene->dev.mrs[PEER].verdict, NP_VERDICT_UNUSABLE);
	assert_non_null(strstr(scene->dev.mrs[PEER].reason, "daemon.software_p2p"));
	/* Nor is it tested later. */
	np_rdma_mr_retest(&scene->dev, true);
	assert_int_equal(told.tests[PEER], 0);
}

static void test_register__by_dmabuf(void **state)
{
	struct np_mem_region *peer = scene->mem.regions[PEER];
	const struct np_mem_note *note;

	(void)state;
	peer->reg_kind = NP_MEM_REG_DMABUF;
	peer->fd = 77;
	assert_int_equal(register_all(), 0);
	assert_int_equal(told.dmabuf_fd, 77);
	assert_int_equal(scene->dev.mrs[PEER].verdict, NP_VERDICT_WORKS);
	/* What an RNIC without says; it is tried, and host memory is still served. */
	told.reg_error[PEER] = EOPNOTSUPP;
	assert_int_equal(register_all(), 0);
	note = np_mem_find_note(peer, scene->dev.name, true);
	assert_int_equal(note->verdict, NP_VERDICT_UNUSABLE);
	assert_string_equal(
		note->reason, "registration of a dma-buf failed: Operation not supported");
	assert_int_equal(require_host(), 0);
}

/* Host memory by another way need not work either. */
static void test_register__needs_no_optional_memory(void **state)
{
	(void)state;
	scene->mem.regions[PEER]->is_peer = false;
	told.reg_error[PEER] = EFAULT;
	assert_int_equal(register_all(), 0);
	assert_int_equal(require_host(), 0);
}

static void test_require_host__refuses_what_misplaces(void **state)
{
	static const enum np_verdict bad[] = {NP_VERDICT_QUIRK, NP_VERDICT_UNUSABLE};

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		for (unsigned int id = NP_REGION_HOST; id <= NP_REGION_ADMIN; id++) {
			told.verdict[id] = bad[i];
			assert_int_equal(register_all(), 0);
			assert_int_equal(require_host(), -EIO);
			assert_non_null(strstr(scene->why, scene->mem.regions[id]->name));
			told.verdict[id] = NP_VERDICT_WORKS;
		}
	}
	told.verdict[PEER] = NP_VERDICT_UNUSABLE;
	assert_int_equal(register_all(), 0);
	assert_int_equal(require_host(), 0);
}

static void test_require_host__tests_now_what_could_not_be(void **state)
{
	(void)state;
	told.verdict[NP_REGION_HOST] = NP_VERDICT_UNTESTED;
	assert_int_equal(register_all(), 0);
	assert_int_equal(require_host(), -EIO);
	assert_int_equal(told.tests[NP_REGION_HOST], 2);
	assert_int_equal(told.tests[NP_REGION_ADMIN], 1);
	told.verdict[NP_REGION_HOST] = NP_VERDICT_WORKS;
	/* Not for each of many hosts. */
	assert_int_equal(require_host(), -EIO);
	assert_int_equal(told.tests[NP_REGION_HOST], 2);
	scene->dev.retest_ms = 0;
	assert_int_equal(require_host(), 0);
	assert_int_equal(told.tests[NP_REGION_HOST], 3);
}

static void test_require_host__trusts_iwarp_until_proven_wrong(void **state)
{
	uint64_t ok, paged;

	(void)state;
	scene->device.transport_type = IBV_TRANSPORT_IWARP;
	for (unsigned int i = 0; i < NREGIONS; i++)
		told.verdict[i] = NP_VERDICT_UNTESTED;
	assert_int_equal(register_all(), 0);
	assert_int_equal(require_host(), 0);
	np_rdma_mr_judge_path(&scene->dev, 4096, &ok, &paged, scene->why, sizeof(scene->why));
	assert_int_equal(ok, 1u << NP_REGION_HOST | 1u << NP_REGION_ADMIN);
	assert_string_equal(scene->why, "cmb as told");
	told.verdict[NP_REGION_HOST] = NP_VERDICT_UNUSABLE;
	assert_int_equal(register_all(), 0);
	assert_int_equal(require_host(), -EIO);
}

static void test_retest__is_for_what_did_not_work(void **state)
{
	(void)state;
	told.verdict[NP_REGION_HOST] = NP_VERDICT_UNTESTED;
	told.verdict[PEER] = NP_VERDICT_UNUSABLE;
	assert_int_equal(register_all(), 0);
	told.verdict[NP_REGION_HOST] = NP_VERDICT_WORKS;
	told.verdict[PEER] = NP_VERDICT_QUIRK;
	np_rdma_mr_retest(&scene->dev, false);
	np_rdma_mr_retest(&scene->dev, false);
	assert_int_equal(told.tests[NP_REGION_HOST], 2);
	assert_int_equal(told.tests[NP_REGION_ADMIN], 1);
	assert_int_equal(told.tests[PEER], 2);
}

static void turn(void)
{
	ev_run(scene->runtime.loop, EVRUN_ONCE);
}

/* What nothing can be said of today is asked again, ever more seldom, and nothing else is. */
static void test_test__is_repeated_when_packets_were_lost(void **state)
{
	struct ev_timer *timer = &scene->dev.busy_timer;

	(void)state;
	told.is_busy = true;
	assert_int_equal(register_all(), 0);
	assert_true(ev_is_active(timer));
	/* The unit test does not wait for 10 s. */
	timer->repeat = 0.01;
	ev_timer_again(scene->runtime.loop, timer);
	turn();
	assert_int_equal(told.tests[PEER], 2);
	assert_true(ev_is_active(timer));
	assert_true(timer->repeat > 0.019 && timer->repeat < 0.021);
	told.is_busy = false;
	turn();
	assert_int_equal(told.tests[PEER], 3);
	assert_int_equal(scene->dev.mrs[PEER].verdict, NP_VERDICT_WORKS);
	assert_false(ev_is_active(timer));
	assert_true(timer->repeat > 9.9);
	assert_int_equal(told.tests[NP_REGION_HOST], 1);
}

/* A larger path than any that was tried. */
static void test_require_host__tests_all_when_the_mtu_changes(void **state)
{
	(void)state;
	assert_int_equal(register_all(), 0);
	told.port_has_changed = true;
	told.verdict[NP_REGION_ADMIN] = NP_VERDICT_UNUSABLE;
	assert_int_equal(require_host(), -EIO);
	told.port_has_changed = false;
	for (unsigned int i = 0; i < NREGIONS; i++)
		assert_int_equal(told.tests[i], 2);
}

static void test_judge_path__is_about_peer_memory(void **state)
{
	const uint64_t host = 1u << NP_REGION_HOST | 1u << NP_REGION_ADMIN, peer = 1u << PEER;
	static const struct {
		enum np_verdict verdict;
		uint32_t path_mtu;
		bool is_ok, is_paged;
	} cases[] = {
		{NP_VERDICT_WORKS, 256, true, false},
		{NP_VERDICT_QUIRK, 4096, true, true},
		{NP_VERDICT_QUIRK, 2048, false, false},
		{NP_VERDICT_UNTESTED, 4096, false, false},
		{NP_VERDICT_UNUSABLE, 4096, false, false},
	};
	uint64_t ok, paged;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		told.verdict[PEER] = cases[i].verdict;
		assert_int_equal(register_all(), 0);
		np_rdma_mr_judge_path(&scene->dev, cases[i].path_mtu, &ok, &paged, scene->why,
			sizeof(scene->why));
		assert_int_equal(ok, cases[i].is_ok ? host | peer : host);
		assert_int_equal(paged, cases[i].is_paged ? peer : 0);
		assert_int_equal(scene->why[0] == '\0', cases[i].is_ok);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_register__tests_all_regions, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_register__needs_host_memory_not_the_peers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_register__by_dmabuf, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_register__needs_no_optional_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_register__spares_peers_the_copies_that_may_fault, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_require_host__refuses_what_misplaces, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_require_host__tests_now_what_could_not_be, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_require_host__trusts_iwarp_until_proven_wrong, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_require_host__tests_all_when_the_mtu_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_retest__is_for_what_did_not_work, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_test__is_repeated_when_packets_were_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_judge_path__is_about_peer_memory, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
