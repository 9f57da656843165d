// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_rdma_selftest.c - the verdict on an RNIC and a region, and the copy that survives SIGBUS.
 *
 * Depends: selftest.h, buscopy.h, cmocka.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "target/memory/buscopy.h"
#include "transport/rdma/selftest.h"

static void test_judge__all_right_works(void **state)
{
	const struct np_rdma_trial trials[] = {{4096, true, true, ""}, {1024, true, true, ""}};
	struct np_rdma_mr mr = {.reason = "old", .is_paged = true};

	(void)state;
	np_rdma_selftest_judge(trials, 2, &mr);
	assert_int_equal(mr.verdict, NP_VERDICT_WORKS);
	assert_false(mr.is_paged);
	assert_int_equal(mr.min_path_mtu, 1024);
	assert_string_equal(mr.reason, "");
}

/* What rxe shows. */
static void test_judge__pages_only_at_a_large_mtu_is_a_quirk(void **state)
{
	const struct np_rdma_trial trials[] = {
		{4096, true, false, "x"}, {2048, false, false, "x"}, {1024, false, false, "x"}};
	struct np_rdma_mr mr = {0};

	(void)state;
	np_rdma_selftest_judge(trials, 3, &mr);
	assert_int_equal(mr.verdict, NP_VERDICT_QUIRK);
	assert_true(mr.is_paged);
	assert_int_equal(mr.min_path_mtu, 4096);
	assert_non_null(strstr(mr.reason, "4096"));
}

/* One wrong trial in the middle: what lies below it is not trusted, even if it was right. */
static void test_judge__trusts_no_gap(void **state)
{
	const struct np_rdma_trial trials[] = {
		{4096, true, true, ""}, {2048, false, false, "x"}, {1024, true, true, ""}};
	struct np_rdma_mr mr = {0};

	(void)state;
	np_rdma_selftest_judge(trials, 3, &mr);
	assert_int_equal(mr.verdict, NP_VERDICT_QUIRK);
	assert_int_equal(mr.min_path_mtu, 4096);
}

static void test_judge__small_mtu_names_the_remedy(void **state)
{
	const struct np_rdma_trial trials[] = {{1024, false, false, "wrong data"}};
	struct np_rdma_mr mr = {0};

	(void)state;
	np_rdma_selftest_judge(trials, 1, &mr);
	assert_int_equal(mr.verdict, NP_VERDICT_UNUSABLE);
	assert_non_null(strstr(mr.reason, "wrong data"));
	assert_non_null(strstr(mr.reason, "4200"));
}

static void test_judge__wrong_at_the_largest_mtu_is_unusable(void **state)
{
	const struct np_rdma_trial trials[] = {
		{4096, false, false, "nothing came"}, {2048, true, true, ""}};
	struct np_rdma_mr mr = {0};

	(void)state;
	np_rdma_selftest_judge(trials, 2, &mr);
	assert_int_equal(mr.verdict, NP_VERDICT_UNUSABLE);
	assert_non_null(strstr(mr.reason, "nothing came"));
}

static void test_buscopy__reports_memory_that_is_gone(void **state)
{
	uint8_t src[64], dst[64] = {0};
	uint8_t *map;
	FILE *file = tmpfile();

	(void)state;
	assert_non_null(file);
	memset(src, 0x5a, sizeof(src));
	assert_int_equal(np_buscopy(dst, src, sizeof(src)), 0);
	assert_memory_equal(dst, src, sizeof(src));

	/* A page of a mapping beyond the end of its file raises SIGBUS, as removed memory does. */
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(np_buscopy(dst, map, sizeof(dst)), -EFAULT);
	assert_int_equal(np_buscopy(map, src, sizeof(src)), -EFAULT);
	munmap(map, 4096);
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judge__all_right_works),
		cmocka_unit_test(test_judge__pages_only_at_a_large_mtu_is_a_quirk),
		cmocka_unit_test(test_judge__trusts_no_gap),
		cmocka_unit_test(test_judge__small_mtu_names_the_remedy),
		cmocka_unit_test(test_judge__wrong_at_the_largest_mtu_is_unusable),
		cmocka_unit_test(test_buscopy__reports_memory_that_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
