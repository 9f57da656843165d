// SPDX-License-Identifier: BSD-3-Clause
/*
 * Tests of config/text.c.
 *
 * Thread: one.
 * Depends: cmocka.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "config/text.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static void test_parse_p2pmem__takes_flag_or_address(void **state)
{
	static const struct {
		const char *text;
		enum np_cfg_p2pmem_mode mode;
		struct np_cfg_pci pci;
	} cases[] = {
		{"0", NP_CFG_P2PMEM_OFF, {0}},
		{"1", NP_CFG_P2PMEM_AUTO, {0}},
		{"0000:01:00.0", NP_CFG_P2PMEM_PCI, {0, 1, 0, 0}},
		{"10000:ff:1f.7", NP_CFG_P2PMEM_PCI, {0x10000, 0xff, 0x1f, 7}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct np_cfg_p2pmem p2pmem;
		char text[NP_CFG_TEXT_MAX];

		assert_int_equal(np_cfg_parse_p2pmem(cases[i].text, &p2pmem), 0);
		assert_int_equal(p2pmem.mode, cases[i].mode);
		assert_int_equal(p2pmem.pci.domain, cases[i].pci.domain);
		assert_int_equal(p2pmem.pci.bus, cases[i].pci.bus);
		assert_int_equal(p2pmem.pci.dev, cases[i].pci.dev);
		assert_int_equal(p2pmem.pci.fn, cases[i].pci.fn);
		np_cfg_format_p2pmem(&p2pmem, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
	}
}

static void test_parse_p2pmem__refuses_the_rest(void **state)
{
	static const char *const cases[] = {"", "2", "01", "01:00.0", "0000:01:00", "0000:01:00.8",
		"0000:01:20.0", "0000:01:00.0 ", "0000:1:00.0", "0000-01-00.0", "g000:01:00.0"};
	struct np_cfg_p2pmem p2pmem;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(np_cfg_parse_p2pmem(cases[i], &p2pmem), -EINVAL);
}

static void test_parse_id__takes_both_spellings(void **state)
{
	static const char uuid[] = "a2a38f5c-3b8d-44b5-a6a4-1f0a7c3c9d02";
	static const char *const cases[] = {uuid, "A2A38F5C3B8D44B5A6A41F0A7C3C9D02",
		"a2:a3:8f:5c:3b:8d:44:b5:a6:a4:1f:0a:7c:3c:9d:02"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[NP_CFG_TEXT_MAX];
		struct np_cfg_id id;

		assert_int_equal(np_cfg_parse_id(cases[i], &id), 0);
		assert_true(id.is_given);
		assert_int_equal(id.bytes[0], 0xa2);
		assert_int_equal(id.bytes[15], 0x02);
		np_cfg_format_id(&id, text, sizeof(text));
		assert_string_equal(text, uuid);
	}
}

static void test_parse_id__all_zero_is_not_given(void **state)
{
	struct np_cfg_id id = {.is_given = true};

	(void)state;
	assert_int_equal(np_cfg_parse_id("00000000-0000-0000-0000-000000000000", &id), 0);
	assert_false(id.is_given);
	assert_int_equal(np_cfg_parse_id("", &id), 0);
	assert_false(id.is_given);
}

static void test_parse_id__refuses_the_rest(void **state)
{
	static const char *const cases[] = {"a2a38f5c-3b8d-44b5-a6a4-1f0a7c3c9d", "x",
		"a2a38f5c-3b8d-44b5-a6a4-1f0a7c3c9d0200", "a2a38f5c--3b8d-44b5-a6a4-1f0a7c3c9d02"};
	struct np_cfg_id id;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(np_cfg_parse_id(cases[i], &id), -EINVAL);
}

static void test_parse_version__is_the_vs_register(void **state)
{
	static const struct {
		const char *text;
		int err;
		uint32_t version;
	} cases[] = {
		{"1.3", 0, 0x10300},
		{"1.2.1", 0, 0x10201},
		{"2.0", 0, 0x20000},
		{"1", -EINVAL, 0},
		{"1.", -EINVAL, 0},
		{"1.3.", -EINVAL, 0},
		{"1.3x", -EINVAL, 0},
		{"1.256", -EINVAL, 0},
		{"0.9", -EINVAL, 0},
		{"-1.3", -EINVAL, 0},
		{"", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[NP_CFG_TEXT_MAX];
		uint32_t version = 0;

		assert_int_equal(np_cfg_parse_version(cases[i].text, &version), cases[i].err);
		assert_int_equal(version, cases[i].version);
		np_cfg_format_version(version, text, sizeof(text));
		assert_string_equal(text, cases[i].err ? "" : cases[i].text);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_p2pmem__takes_flag_or_address),
		cmocka_unit_test(test_parse_p2pmem__refuses_the_rest),
		cmocka_unit_test(test_parse_id__takes_both_spellings),
		cmocka_unit_test(test_parse_id__all_zero_is_not_given),
		cmocka_unit_test(test_parse_id__refuses_the_rest),
		cmocka_unit_test(test_parse_version__is_the_vs_register),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
