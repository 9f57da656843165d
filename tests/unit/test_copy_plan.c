// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_copy_plan.c - numbers with suffixes, and what nvmet-p2p-cli copy makes of what it was asked for.
 *
 * Depends: copy_plan.c, cmocka.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/nvmet-p2p-cli/copy_plan.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

static char why[256];

static void test_np_copy_parse_bytes__knows_suffixes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {
		{"1", 1},
		{"4096", 4096},
		{"128K", 128 * KIB},
		{"16M", 16 * MIB},
		{"3g", 3 * GIB},
		{"17179869183G", UINT64_C(17179869183) << 30},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t bytes = 0;

		assert_int_equal(np_copy_parse_bytes(cases[i].text, &bytes), 0);
		assert_true(bytes == cases[i].bytes);
	}
}

static void test_np_copy_parse_bytes__takes_nothing_else(void **state)
{
	static const char *const texts[] = {"", "0", "0K", "-1", "+1", " 1", "K", "1T", "1Ki",
		"1KB", "0x10", "1.5M", "18446744073709551616", "17179869184G"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		uint64_t bytes = 7;

		assert_int_equal(np_copy_parse_bytes(texts[i], &bytes), -EINVAL);
		assert_true(bytes == 7);
	}
}

static void test_np_copy_plan__settles_what_was_not_said(void **state)
{
	static const struct {
		struct np_copy_wish wish;
		struct np_copy_end src, dst;
		struct np_copy_plan plan;
	} cases[] = {
		/* The smaller one, at most 1 GiB. */
		{{0}, {9 * MIB, 512, 1 * MIB}, {8 * MIB, 512, 1 * MIB}, {8 * MIB, 128 * KIB, 8}},
		{{0}, {9 * GIB, 512, 1 * MIB}, {8 * GIB, 512, 1 * MIB}, {1 * GIB, 128 * KIB, 8}},
		/* Whole blocks of both. */
		{{0}, {9 * KIB, 512, 1 * MIB}, {8 * MIB, 4096, 1 * MIB}, {8 * KIB, 128 * KIB, 8}},
		/* No more than one command of either takes. */
		{{0}, {MIB, 512, 64 * KIB}, {MIB, 512, 33 * KIB}, {MIB, 33 * KIB, 8}},
		{{0}, {MIB, 512, 64 * KIB}, {MIB, 4096, 33 * KIB}, {MIB, 32 * KIB, 8}},
		/* As it was said. */
		{{3 * MIB, 12 * KIB, 5}, {9 * MIB, 512, 1 * MIB}, {3 * MIB, 4096, 1 * MIB},
			{3 * MIB, 12 * KIB, 5}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct np_copy_plan plan;

		assert_int_equal(np_copy_plan(&cases[i].wish, &cases[i].src, &cases[i].dst, &plan,
					 why, sizeof(why)),
			0);
		assert_true(plan.bytes == cases[i].plan.bytes);
		assert_int_equal(plan.chunk_bytes, cases[i].plan.chunk_bytes);
		assert_int_equal(plan.depth, cases[i].plan.depth);
	}
}

static void test_np_copy_plan__refuses_with_a_reason(void **state)
{
	static const struct {
		struct np_copy_wish wish;
		struct np_copy_end src, dst;
		const char *why;
	} cases[] = {
		{{.bytes = 4 * MIB}, {9 * MIB, 512, MIB}, {3 * MIB, 512, MIB},
			"DST has only 3145728 bytes, fewer than 4194304"},
		{{.bytes = 4 * MIB}, {3 * MIB, 512, MIB}, {9 * MIB, 512, MIB},
			"SRC has only 3145728 bytes, fewer than 4194304"},
		{{.bytes = 512}, {9 * MIB, 512, MIB}, {9 * MIB, 4096, MIB},
			"512 bytes are no whole number of blocks of 4096"},
		{{0}, {3584, 512, MIB}, {9 * MIB, 4096, MIB},
			"SRC or DST is smaller than a block of 4096 bytes"},
		{{.chunk_bytes = 512}, {9 * MIB, 512, MIB}, {9 * MIB, 4096, MIB},
			"a chunk of 512 bytes is no whole number of blocks of 4096"},
		{{.chunk_bytes = MIB}, {9 * MIB, 512, MIB}, {9 * MIB, 512, 128 * KIB},
			"a chunk of 1048576 bytes: one command takes 131072 at most"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct np_copy_plan plan;

		assert_int_equal(np_copy_plan(&cases[i].wish, &cases[i].src, &cases[i].dst, &plan,
					 why, sizeof(why)),
			-EINVAL);
		assert_string_equal(why, cases[i].why);
	}
}

static void test_np_copy_fit__is_as_deep_as_the_memory_allows(void **state)
{
	struct np_copy_plan plan = {.chunk_bytes = 4608, .depth = 5};

	(void)state;
	assert_int_equal(np_copy_stride_bytes(&plan), 8192);
	assert_int_equal(np_copy_fit(&plan, 5 * 8192), 0);
	assert_int_equal(plan.depth, 5);
	assert_int_equal(np_copy_fit(&plan, 3 * 8192 - 1), 0);
	assert_int_equal(plan.depth, 2);
	assert_int_equal(np_copy_fit(&plan, 8191), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_np_copy_parse_bytes__knows_suffixes),
		cmocka_unit_test(test_np_copy_parse_bytes__takes_nothing_else),
		cmocka_unit_test(test_np_copy_plan__settles_what_was_not_said),
		cmocka_unit_test(test_np_copy_plan__refuses_with_a_reason),
		cmocka_unit_test(test_np_copy_fit__is_as_deep_as_the_memory_allows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
