// SPDX-License-Identifier: BSD-3-Clause
/*
 * Tests of daemon.memory[] and of the names by which p2pmem asks for it: parsed, written, judged.
 *
 * Thread: one.
 * Depends: cmocka.
 */
#include "tests/unit/config_fixture.h"

#include <errno.h>
#include <stdlib.h>

#include "config/check.h"
#include "config/diff.h"
#include "config/text.h"

#define DAX "{'kind':'dax','path':'/dev/dax0.0'}"

/* A whole model: a namespace with @p2pmem, and what is in daemon.memory[]. */
static int parse(
	const char *p2pmem, const char *memory, struct config_log *log, struct np_cfg **ret_cfg)
{
	char text[4096];

	snprintf(text, sizeof(text),
		"{'ports':[{'portid':1,'addr':{'trtype':'rdma','adrfam':'ipv4',"
		"'traddr':'10.0.0.1'},'subsystems':['nqn.2024-01.x:s']}],"
		"'subsystems':[{'nqn':'nqn.2024-01.x:s','attr':{'allow_any_host':1},'namespaces':"
		"[{'nsid':1,'device':{'path':'/dev/nvme0n1'},'p2pmem':'%s'}]}],"
		"'daemon':{'reactors':2,'memory':[%s]}}",
		p2pmem, memory);
	return config_parse(text, log, ret_cfg);
}

static void test_parse__memory(void **state)
{
	struct config_log log;
	struct np_cfg *cfg, *again;
	char *text;

	(void)state;
	assert_int_equal(parse("fast",
				 DAX ",{'kind':'cmb','pci':'0000:01:00.0','bytes':1048576},"
				     "{'kind':'dmabuf','exporter':'udmabuf','name':'fast'}",
				 &log, &cfg),
		0);
	assert_int_equal(np_cfg_check(cfg, &log.diag), 0);
	assert_string_equal(log.text, "");
	assert_int_equal(cfg->daemon.n_memory, 3);
	assert_int_equal(cfg->daemon.memory[0].kind, NP_CFG_MEMORY_DAX);
	assert_int_equal(cfg->daemon.memory[0].bytes, 0);
	assert_int_equal(cfg->daemon.memory[1].bytes, 1048576);
	assert_int_equal(cfg->daemon.memory[2].exporter, NP_CFG_EXPORTER_UDMABUF);
	assert_int_equal(cfg->subsystems[0].namespaces[0].p2pmem.mode, NP_CFG_P2PMEM_NAME);
	assert_ptr_equal(np_cfg_find_memory(cfg, "dax0.0"), &cfg->daemon.memory[0]);
	assert_ptr_equal(np_cfg_find_memory(cfg, "fast"), &cfg->daemon.memory[2]);
	assert_null(np_cfg_find_memory(cfg, "udmabuf"));
	assert_int_equal(np_cfg_dump(cfg, &text), 0);
	assert_int_equal(np_cfg_parse(text, strlen(text), &log.diag, &again), 0);
	assert_true(np_cfg_is_equal(cfg, again));
	free(text);
	np_cfg_free(again);
	np_cfg_free(cfg);
}

static void test_parse_p2pmem__takes_names(void **state)
{
	static const char *const good[] = {
		"dax0.0", "a", "GPU-1_x", "cmb", "a234567890123456789012345678901"};
	static const char *const bad[] = {
		"2", "-a", ".a", "a b", "a/b", "a:b", "a2345678901234567890123456789012"};
	struct np_cfg_p2pmem p2pmem;
	char text[NP_CFG_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(np_cfg_parse_p2pmem(good[i], &p2pmem), 0);
		assert_int_equal(p2pmem.mode, NP_CFG_P2PMEM_NAME);
		np_cfg_format_p2pmem(&p2pmem, text, sizeof(text));
		assert_string_equal(text, good[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(np_cfg_parse_p2pmem(bad[i], &p2pmem), -EINVAL);
}

static void test_check__refuses_memory_with_the_path(void **state)
{
	static const struct {
		const char *p2pmem, *memory, *says;
	} cases[] = {
		{"dax0.1", DAX,
			"subsystems[0].namespaces[0].p2pmem: \"dax0.1\" is none of "
			"daemon.memory[]"},
		{"cmb", "{'kind':'cmb','pci':'0000:01:00.0'}",
			"subsystems[0].namespaces[0].p2pmem: \"cmb\" is none of daemon.memory[]"},
		{"0", "{'kind':'dax'}", "daemon.memory[0].path: missing, kind \"dax\" needs it"},
		{"0", "{'kind':'cmb'}", "daemon.memory[0].pci: missing, kind \"cmb\" needs it"},
		{"0", "{'kind':'dmabuf'}",
			"daemon.memory[0].exporter: missing, kind \"dmabuf\" needs it"},
		{"0", "{'kind':'dax','path':'/dev/dax0.0','pci':'0000:01:00.0'}",
			"daemon.memory[0].pci: kind \"dax\" has no use for it"},
		{"0", "{'kind':'dax','path':'/dev/dax0.0','exporter':'udmabuf'}",
			"daemon.memory[0].exporter: kind \"dax\" has no use for it"},
		{"0", "{'kind':'dax','path':'dax0.0'}",
			"daemon.memory[0].path: \"dax0.0\" is not an absolute path"},
		{"0", "{'kind':'dax','path':'/dev/'}",
			"daemon.memory[0].name: missing: nothing else gives this memory a name"},
		{"0", "{'kind':'cmb','pci':'01:00.0'}",
			"daemon.memory[0].pci: \"01:00.0\" is not a PCI address"},
		{"0", "{'kind':'dmabuf','exporter':'socket'}",
			"daemon.memory[0].name: missing: nothing else gives this memory a name"},
		{"0", "{'kind':'dax','path':'/dev/dax0.0','name':'1'}",
			"daemon.memory[0].name: \"1\" is not a letter and up to 30 letters, "
			"digits, '.', '_' or '-'"},
		{"0", DAX ",{'kind':'dmabuf','exporter':'socket','name':'dax0.0'}",
			"daemon.memory[1].name: \"dax0.0\" is that of memory[0] already"},
		{"0", DAX ",{'kind':'dax','path':'/dev/dax0.0','name':'b'}",
			"daemon.memory[1].path: is that of memory[0] already"},
		{"0", "{'kind':'cmb','pci':'0000:01:00.0'},{'kind':'cmb','pci':'0000:01:00.0'}",
			"daemon.memory[1].pci: is that of memory[0] already"},
		{"0", "{'kind':'dax','path':'/dev/dax0.0','bytes':65536}",
			"daemon.memory[0].bytes: 65536 is less than 65536 for each of 2 "
			"reactors"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config_log log;
		struct np_cfg *cfg;

		if (parse(cases[i].p2pmem, cases[i].memory, &log, &cfg) < 0)
			fail_msg("case %zu: %s", i, log.diag.error);
		assert_int_equal(np_cfg_check(cfg, &log.diag), -EINVAL);
		assert_string_equal(log.diag.error, cases[i].says);
		np_cfg_free(cfg);
	}
}

static void test_parse__refuses_memory_of_no_kind(void **state)
{
	struct config_log log;
	struct np_cfg *cfg;

	(void)state;
	assert_int_equal(parse("0", "{'path':'/dev/dax0.0'}", &log, &cfg), -EINVAL);
	assert_string_equal(log.diag.error, "daemon.memory[0].kind: missing");
	assert_int_equal(parse("0", "{'kind':'gpu'}", &log, &cfg), -EINVAL);
	assert_string_equal(log.diag.error,
		"daemon.memory[0].kind: \"gpu\" is none of \"cmb\", \"dax\", \"dmabuf\"");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse__memory),
		cmocka_unit_test(test_parse_p2pmem__takes_names),
		cmocka_unit_test(test_check__refuses_memory_with_the_path),
		cmocka_unit_test(test_parse__refuses_memory_of_no_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
