// SPDX-License-Identifier: BSD-3-Clause
/*
 * Quotas and reserves in the configuration: their text, and the rules of config/check_share.c.
 *
 * Thread: one.
 * Depends: cmocka.
 */
#include "tests/unit/config_fixture.h"

#include <errno.h>

#include "config/check.h"
#include "config/text.h"

static void test_parse_share__takes_percents_and_pages(void **state)
{
	static const struct {
		const char *text;
		struct np_cfg_share share;
	} cases[] = {
		{"", {0, 0}},
		{"1%", {0, 1}},
		{"100%", {0, 100}},
		{"4096", {4096, 0}},
		{"1048576", {1 << 20, 0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct np_cfg_share share = {7, 7};
		char text[NP_CFG_TEXT_MAX];

		assert_int_equal(np_cfg_parse_share(cases[i].text, &share), 0);
		assert_memory_equal(&share, &cases[i].share, sizeof(share));
		np_cfg_format_share(&share, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
	}
}

static void test_parse_share__refuses_the_rest(void **state)
{
	static const char *const cases[] = {"0", "0%", "101%", "4095", "-4096", "+4096", " 4096",
		"4096 ", "25 %", "25%%", "%", "half", "18446744073709551616",
		"9223372036854775808"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct np_cfg_share share;

		assert_int_equal(np_cfg_parse_share(cases[i], &share), -EINVAL);
	}
}

static void test_share_of__is_whole_pages(void **state)
{
	const struct np_cfg_share none = {0, 0}, part = {0, 33}, bytes = {8192, 0};

	(void)state;
	assert_int_equal(np_cfg_share_of(&none, 1 << 20, 5), 5);
	assert_int_equal(np_cfg_share_of(&part, 1 << 20, 5), (1048576 * 33 / 100) / 4096 * 4096);
	assert_int_equal(np_cfg_share_of(&bytes, 1 << 20, 5), 8192);
}

#define NS(nsid, members) "{'nsid':" #nsid ",'device':{'path':'/dev/nvme" #nsid "n1'}," members "}"
#define AUTO "'p2pmem':1,"
#define ON(pci) "'p2pmem':'" pci "',"
#define ONE "0000:01:00.0"
#define TWO "0000:02:00.0"
#define FIRST "subsystems[0].namespaces[0]."
#define SECOND "subsystems[0].namespaces[1]."

struct share_case {
	const char *namespaces;
	const char *daemon; /* members; NULL: none */
	const char *says;   /* error, or warnings */
};

static int run_case(const struct share_case *c, struct config_log *log)
{
	struct np_cfg *cfg;
	char text[4096];
	int err;

	snprintf(text, sizeof(text),
		"{'subsystems':[{'nqn':'nqn.2024-01.x:s','attr':{'allow_any_host':1},"
		"'namespaces':[%s]}],'daemon':{%s}}",
		c->namespaces, c->daemon ? c->daemon : "");
	if (config_parse(text, log, &cfg) < 0)
		fail_msg("%s: %s", text, log->diag.error);
	err = np_cfg_check_shares(cfg, &log->diag);
	np_cfg_free(cfg);
	return err;
}

static void run_all(const struct share_case *cases, size_t n, int err)
{
	for (size_t i = 0; i < n; i++) {
		struct config_log log;
		int got = run_case(&cases[i], &log);

		config_assert_case(i, got, err, &log, cases[i].says);
	}
}

static void test_check_shares__accepts(void **state)
{
	static const struct share_case cases[] = {
		{NS(1, AUTO "'p2pmem_quota':'25%','p2pmem_reserve':'25%'"), NULL, ""},
		{NS(1, AUTO "'p2pmem_quota':4096"), NULL, ""},
		{NS(1, AUTO "'p2pmem_quota':8192"), "'reactors':2", ""},
		{NS(1, AUTO "'p2pmem_reserve':8192"), NULL, ""},
		/* Not to be compared before the provider is opened. */
		{NS(1, AUTO "'p2pmem_quota':'1%','p2pmem_reserve':1048576"), NULL, ""},
		{NS(1, ON(ONE) "'p2pmem_reserve':'60%'") "," NS(
			 2, ON(TWO) "'p2pmem_reserve':'60%'"),
			NULL, ""},
		{NS(1, ON(ONE) "'p2pmem_reserve':'60%'") "," NS(
			 2, ON(ONE) "'p2pmem_reserve':'40%'"),
			NULL, ""},
		{NS(1, ON(ONE) "'p2pmem_reserve':'60%','enable':0") "," NS(
			 2, ON(ONE) "'p2pmem_reserve':'60%'"),
			NULL, ""},
		{NS(1, ON(ONE) "'p2pmem_reserve':'60%'") "," NS(2, AUTO "'p2pmem_reserve':'60%'"),
			NULL,
			FIRST "p2pmem_reserve: 120% are reserved by namespaces that may come to "
			      "one provider: what is more than 100% is cut there\n"},
		{NS(1, "'p2pmem':0,'p2pmem_quota':'5%','p2pmem_reserve':'5%'"), NULL,
			FIRST "p2pmem_quota: has no effect while p2pmem is \"0\"\n" FIRST
			      "p2pmem_reserve: has no effect while p2pmem is \"0\"\n"},
	};

	(void)state;
	run_all(cases, ARRAY_SIZE(cases), 0);
}

static void test_check_shares__refuses(void **state)
{
	static const struct share_case cases[] = {
		{NS(1, AUTO "'p2pmem_quota':4096"), "'reactors':2",
			FIRST "p2pmem_quota: 4096 bytes, 2 reactors need a page each, 8192 bytes"},
		{NS(1, AUTO "'p2pmem_quota':'25%','p2pmem_reserve':'26%'"), NULL,
			FIRST "p2pmem_reserve: is more than p2pmem_quota"},
		{NS(1, AUTO "'p2pmem_quota':8192,'p2pmem_reserve':12288"), NULL,
			FIRST "p2pmem_reserve: is more than p2pmem_quota"},
		{NS(1, AUTO "'p2pmem_quota':'1%','p2pmem_reserve':65536"),
			"'cmb_pool_bytes':1048576",
			FIRST "p2pmem_reserve: is more than p2pmem_quota"},
		{NS(1, ON(ONE) "'p2pmem_reserve':'60%'") "," NS(
			 2, ON(ONE) "'p2pmem_reserve':'41%'"),
			NULL,
			SECOND "p2pmem_reserve: the reserves in one provider are 101%, which is "
			       "more than all of it, 100%"},
		{NS(1, ON(ONE) "'p2pmem_reserve':'50%'") "," NS(
			 2, ON(ONE) "'p2pmem_reserve':65536"),
			"'cmb_pool_bytes':65536",
			SECOND "p2pmem_reserve: the reserves in one provider are 98304 bytes, "
			       "which is more than all of it, 65536 bytes"},
	};

	(void)state;
	run_all(cases, ARRAY_SIZE(cases), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_share__takes_percents_and_pages),
		cmocka_unit_test(test_parse_share__refuses_the_rest),
		cmocka_unit_test(test_share_of__is_whole_pages),
		cmocka_unit_test(test_check_shares__accepts),
		cmocka_unit_test(test_check_shares__refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
