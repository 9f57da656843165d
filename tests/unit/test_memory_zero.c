// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a namespace has left in peer memory: zeroed before another one gets it, and not more often.
 */
#include "pool_scene.h"

#include <stdlib.h>
#include <string.h>

enum { NPAGES = 16, BYTES = NPAGES * NP_PAGE_BYTES };

struct scene {
	uint8_t *memory;
	struct np_mem_region region;
	struct np_pool *pool;
	struct np_pool_user users[2];
	struct np_pool_line line;
};

static void open_scene(struct scene *scene, enum np_mem_zero zero)
{
	*scene = (struct scene){.region = {.zero = zero, .is_peer = true}};
	scene->memory = aligned_alloc(NP_PAGE_BYTES, BYTES);
	assert_non_null(scene->memory);
	/* As an earlier process has left it. */
	memset(scene->memory, 0xee, BYTES);
	scene->pool = pool_of(&scene->region, scene->memory, BYTES);
	np_pool_line_init(&scene->line);
	for (uint32_t i = 0; i < 2; i++) {
		scene->users[i] = user_of(NO_LIMIT, 0);
		scene->users[i].id = i + 1;
		np_pool_add_user(scene->pool, &scene->users[i]);
	}
}

static void close_scene(struct scene *scene)
{
	close_pool(scene->pool);
	free(scene->memory);
}

static uint64_t zeroed(const struct scene *scene)
{
	return np_stat_read(&scene->pool->zeroed_bytes);
}

/* Is every byte of @buf @value? */
static bool is_all(const struct np_buf *buf, uint8_t value)
{
	const uint8_t *bytes = buf->va;

	for (uint32_t i = 0; i < buf->bytes; i++) {
		if (bytes[i] != value)
			return false;
	}
	return true;
}

/* Takes a buffer for user @who (NULL if negative), which must be there. */
static struct np_buf take(struct scene *scene, int who, uint32_t bytes)
{
	struct waiter waiter = waiter_of(who < 0 ? NULL : &scene->users[who], bytes);

	assert_true(get(scene->pool, &scene->line, &waiter));
	return waiter.buf;
}

static void test_namespace__another_one_sees_zeros(void **state)
{
	struct scene scene;
	struct np_buf buf;

	(void)state;
	open_scene(&scene, NP_MEM_ZERO_NAMESPACE);
	/* All of it, so that the other one cannot have anything else. */
	buf = take(&scene, 0, BYTES);
	assert_int_equal(buf.bytes, BYTES);
	assert_true(is_all(&buf, 0)); /* nor what a process before has left */
	assert_int_equal(zeroed(&scene), BYTES);
	memset(buf.va, 0x11, BYTES);
	np_buf_put(&buf);
	/* The same one finds what it has left. */
	buf = take(&scene, 0, BYTES);
	assert_true(is_all(&buf, 0x11));
	np_buf_put(&buf);
	assert_int_equal(zeroed(&scene), BYTES);
	buf = take(&scene, 1, 4 * NP_PAGE_BYTES);
	assert_true(is_all(&buf, 0));
	assert_int_equal(zeroed(&scene), BYTES + 4 * NP_PAGE_BYTES);
	memset(buf.va, 0x22, buf.bytes);
	np_buf_put(&buf);
	/* Page by page: only what the other one had is zeroed for the first one. */
	buf = take(&scene, 0, BYTES);
	assert_int_equal(zeroed(&scene), BYTES + 8 * NP_PAGE_BYTES);
	for (uint32_t i = 0; i < BYTES; i++)
		assert_true(((uint8_t *)buf.va)[i] == 0 || ((uint8_t *)buf.va)[i] == 0x11);
	np_buf_put(&buf);
	close_scene(&scene);
}

/* Two namespaces that have room enough do not zero each other's pages again and again. */
static void test_namespace__each_keeps_its_pages(void **state)
{
	struct scene scene;
	struct np_buf bufs[2][3];
	uint64_t first = 0;

	(void)state;
	open_scene(&scene, NP_MEM_ZERO_NAMESPACE);
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < 3; i++) {
			for (int who = 0; who < 2; who++)
				bufs[who][i] = take(&scene, who, NP_PAGE_BYTES);
		}
		for (int i = 0; i < 3; i++) {
			for (int who = 1; who >= 0; who--)
				np_buf_put(&bufs[who][i]);
		}
		if (!round)
			first = zeroed(&scene);
	}
	assert_int_equal(first, 6 * NP_PAGE_BYTES);
	assert_int_equal(zeroed(&scene), first);
	close_scene(&scene);
}

/* After a shortage, when nothing is set aside any more, a free page that was its own is preferred. */
static void test_namespace__prefers_its_own(void **state)
{
	struct scene scene;
	struct np_buf bufs[NPAGES];
	uint64_t before;

	(void)state;
	open_scene(&scene, NP_MEM_ZERO_NAMESPACE);
	for (int i = 0; i < NPAGES; i++)
		bufs[i] = take(&scene, i % 2, NP_PAGE_BYTES);
	for (int i = 0; i < NPAGES; i += 4) {
		np_buf_put(&bufs[i]);
		np_buf_put(&bufs[i + 3]);
	}
	np_pool_del_user(&scene.users[0]);
	np_pool_del_user(&scene.users[1]);
	for (int i = 0; i < 2; i++)
		np_pool_add_user(scene.pool, &scene.users[i]);
	before = zeroed(&scene);
	for (int i = 0; i < NPAGES; i += 4) {
		bufs[i] = take(&scene, 0, NP_PAGE_BYTES);
		bufs[i + 3] = take(&scene, 1, NP_PAGE_BYTES);
	}
	assert_int_equal(zeroed(&scene), before);
	for (int i = 0; i < NPAGES; i++)
		np_buf_put(&bufs[i]);
	close_scene(&scene);
}

/* Who has no user is not told apart from another one without. */
static void test_namespace__nobody_is_a_stranger(void **state)
{
	struct scene scene;
	struct np_buf buf;

	(void)state;
	open_scene(&scene, NP_MEM_ZERO_NAMESPACE);
	for (int i = 0; i < 3; i++) {
		buf = take(&scene, -1, BYTES);
		assert_true(is_all(&buf, 0));
		memset(buf.va, 0x33, BYTES);
		np_buf_put(&buf);
	}
	buf = take(&scene, 0, BYTES);
	assert_true(is_all(&buf, 0));
	np_buf_put(&buf);
	close_scene(&scene);
}

static void test_always__is_zero_when_it_is_given_back(void **state)
{
	struct scene scene;
	struct np_buf buf;
	uint64_t before;

	(void)state;
	open_scene(&scene, NP_MEM_ZERO_ALWAYS);
	for (int who = -1; who < 2; who++) {
		for (int i = 0; i < 2; i++) {
			buf = take(&scene, who, 2 * NP_PAGE_BYTES);
			assert_true(is_all(&buf, 0));
			memset(buf.va, 0x44, buf.bytes);
			before = zeroed(&scene);
			np_buf_put(&buf);
			assert_int_equal(zeroed(&scene), before + 2 * NP_PAGE_BYTES);
			assert_null(memchr(scene.memory, 0x44, BYTES));
		}
	}
	/* It knows that all is zero. */
	before = zeroed(&scene);
	np_pool_wipe(scene.pool);
	assert_int_equal(zeroed(&scene), before);
	close_scene(&scene);
}

static void test_never__touches_nothing(void **state)
{
	struct scene scene;
	struct np_buf buf;

	(void)state;
	open_scene(&scene, NP_MEM_ZERO_NEVER);
	for (int who = -1; who < 2; who++) {
		buf = take(&scene, who, BYTES);
		assert_true(is_all(&buf, 0xee));
		np_buf_put(&buf);
	}
	np_pool_wipe(scene.pool);
	assert_int_equal(zeroed(&scene), 0);
	close_scene(&scene);
}

/* What was in use is not left to who has the device's memory next; the rest is not ours. */
static void test_np_pool_wipe__what_was_in_use(void **state)
{
	struct scene scene;
	struct np_buf buf;

	(void)state;
	open_scene(&scene, NP_MEM_ZERO_NAMESPACE);
	buf = take(&scene, 1, 2 * NP_PAGE_BYTES);
	memset(buf.va, 0x55, buf.bytes);
	np_buf_put(&buf);
	np_pool_wipe(scene.pool);
	assert_null(memchr(scene.memory, 0x55, BYTES));
	assert_int_equal(zeroed(&scene), 4 * NP_PAGE_BYTES);
	np_pool_wipe(scene.pool);
	assert_int_equal(zeroed(&scene), 4 * NP_PAGE_BYTES);
	close_scene(&scene);
}

/* ---- a region ------------------------------------------------------------------------------- */

static uint8_t device[64 * NP_PAGE_BYTES] __attribute__((aligned(4096)));

static int open_device(
	struct np_mem_region *region, const struct np_mem_want *want, char *why, size_t why_size)
{
	(void)why;
	(void)why_size;
	region->bytes = sizeof(device);
	region->va = device;
	region->is_peer = want->where != NULL;
	return 0;
}

static void close_device(struct np_mem_region *region)
{
	(void)region;
}

static void test_np_mem_close__leaves_zeros_in_peer_memory(void **state)
{
	static const struct np_mem_ops ops = {"test", open_device, close_device};
	static const struct {
		const char *where;
		enum np_mem_zero zero;
		bool is_left;
	} cases[] = {{"pci", NP_MEM_ZERO_NAMESPACE, false}, {"pci", NP_MEM_ZERO_ALWAYS, false},
		{"pci", NP_MEM_ZERO_NEVER, true}, {NULL, NP_MEM_ZERO_NAMESPACE, true}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct np_mem_want want = {.where = cases[i].where};
		struct np_mem mem = {.zero = cases[i].zero};
		struct np_pool_waiter waiter = {.bytes = NP_PAGE_BYTES};
		struct np_mem_region *region;
		struct np_pool_line line;
		struct np_buf buf;
		char why[64];

		np_pool_line_init(&line);
		assert_int_equal(np_mem_open(&mem, &ops, &want, 2, why, sizeof(why), &region), 0);
		for (int j = 0; j < 2; j++) {
			assert_true(np_pool_get(region->pools[j], &line, &waiter, &buf));
			memset(buf.va, 0x66, buf.bytes);
			np_buf_put(&buf);
		}
		memset(region->scratch, 0x66, region->scratch_bytes);
		np_mem_close_all(&mem);
		assert_int_equal(memchr(device, 0x66, sizeof(device)) != NULL, cases[i].is_left);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_namespace__another_one_sees_zeros),
		cmocka_unit_test(test_namespace__each_keeps_its_pages),
		cmocka_unit_test(test_namespace__prefers_its_own),
		cmocka_unit_test(test_namespace__nobody_is_a_stranger),
		cmocka_unit_test(test_always__is_zero_when_it_is_given_back),
		cmocka_unit_test(test_never__touches_nothing),
		cmocka_unit_test(test_np_pool_wipe__what_was_in_use),
		cmocka_unit_test(test_np_mem_close__leaves_zeros_in_peer_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
