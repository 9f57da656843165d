// SPDX-License-Identifier: BSD-3-Clause
/*
 * Tests of config/json.c and model.c.
 *
 * Thread: one.
 * Depends: cmocka.
 */
#include "tests/unit/config_fixture.h"

#include <errno.h>
#include <stdlib.h>

#include "config/diff.h"

static void test_parse__empty_object_is_the_defaults(void **state)
{
	struct config_log log;
	struct np_cfg *fresh = np_cfg_new();
	struct np_cfg *cfg;

	(void)state;
	assert_int_equal(config_parse("{}", &log, &cfg), 0);
	assert_true(np_cfg_is_equal(cfg, fresh));
	assert_int_equal(cfg->daemon.reactors.count, 1);
	assert_null(cfg->daemon.reactors.cpus);
	assert_true(cfg->daemon.poll_us == 200 && cfg->daemon.nice == -20);
	assert_string_equal(cfg->daemon.control_socket, "/run/nvmet-p2p.sock");
	assert_true(!cfg->daemon.cmb_pool_bytes && !cfg->daemon.software_p2p);
	assert_int_equal(cfg->daemon.host_pool_bytes, 64 << 20);
	assert_string_equal(log.text, "");
	np_cfg_free(fresh);
	np_cfg_free(cfg);
}

/* Each text differs from the first in one value: the comparison must see every kind of field. */
static void test_is_equal__sees_every_kind_of_field(void **state)
{
	static const char *const texts[] = {
		"{'ports':[{'portid':1,'addr':{'trtype':'rdma','adrfam':'ipv4','traddr':'1.1.1.1'},"
		"'subsystems':['a','b']}],'daemon':{'reactors':[1,2]}}",
		"{'ports':[{'portid':2,'addr':{'trtype':'rdma','adrfam':'ipv4','traddr':'1.1.1.1'},"
		"'subsystems':['a','b']}],'daemon':{'reactors':[1,2]}}",
		"{'ports':[{'portid':1,'addr':{'trtype':'tcp','adrfam':'ipv4','traddr':'1.1.1.1'},"
		"'subsystems':['a','b']}],'daemon':{'reactors':[1,2]}}",
		"{'ports':[{'portid':1,'addr':{'trtype':'rdma','adrfam':'ipv4','traddr':'1.1.1.2'},"
		"'subsystems':['a','b']}],'daemon':{'reactors':[1,2]}}",
		"{'ports':[{'portid':1,'addr':{'trtype':'rdma','adrfam':'ipv4','traddr':'1.1.1.1'},"
		"'subsystems':['a','c']}],'daemon':{'reactors':[1,2]}}",
		"{'ports':[{'portid':1,'addr':{'trtype':'rdma','adrfam':'ipv4','traddr':'1.1.1.1'},"
		"'subsystems':['a']}],'daemon':{'reactors':[1,2]}}",
		"{'ports':[{'portid':1,'addr':{'trtype':'rdma','adrfam':'ipv4','traddr':'1.1.1.1'},"
		"'subsystems':['a','b'],'param':{'pi_enable':1}}],'daemon':{'reactors':[1,2]}}",
		"{'ports':[{'portid':1,'addr':{'trtype':'rdma','adrfam':'ipv4','traddr':'1.1.1.1'},"
		"'subsystems':['a','b']}],'daemon':{'reactors':[1,3]}}",
		"{'ports':[{'portid':1,'addr':{'trtype':'rdma','adrfam':'ipv4','traddr':'1.1.1.1'},"
		"'subsystems':['a','b']}],'daemon':{'reactors':2}}",
		"{}",
	};
	struct np_cfg *first;
	struct config_log log;

	(void)state;
	assert_int_equal(config_parse(texts[0], &log, &first), 0);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct np_cfg *cfg;

		assert_int_equal(config_parse(texts[i], &log, &cfg), 0);
		assert_int_equal(np_cfg_is_equal(first, cfg), i == 0);
		np_cfg_free(cfg);
	}
	np_cfg_free(first);
}

static void test_parse__warns_of_unknown_keys_by_path(void **state)
{
	struct config_log log;
	struct np_cfg *cfg;

	(void)state;
	assert_int_equal(
		config_parse("{'speed':1,'daemon':{'colour':'red'},'subsystems':[{'nqn':'a'},"
			     "{'nqn':'b','attr':{'x\\n':1},'namespaces':[{'nsid':1,"
			     "'device':{'eui64':'0'},'buffered_io':0}]}]}",
			&log, &cfg),
		0);
	assert_string_equal(log.text,
		"subsystems[1].attr.x?: unknown key, ignored\n"
		"subsystems[1].namespaces[0].device.eui64: unknown key, ignored\n"
		"subsystems[1].namespaces[0].buffered_io: unknown key, ignored\n"
		"daemon.colour: unknown key, ignored\n"
		"speed: unknown key, ignored\n");
	np_cfg_free(cfg);
}

#define NS(members) "{'subsystems':[{'nqn':'a','namespaces':[{'nsid':1," members "}]}]}"
#define ADDR(members) "{'ports':[{'portid':1,'addr':{" members "}}]}"
#define PORT(members)                                                                              \
	"{'ports':[{'portid':1,'addr':{'trtype':'rdma','adrfam':'ipv4','traddr':'1'}," members "}" \
	"]"                                                                                        \
	"}"
#define ATTR(members) "{'subsystems':[{'nqn':'a','attr':{" members "}}]}"
#define DAEMON(members) "{'daemon':{" members "}}"

static const struct {
	const char *text;
	const char *error;
} refused[] = {
	{"", "line 1, column 0: '[' or '{' expected near end of file"},
	{"{\n 'hosts': [,]}", "line 2, column 12: unexpected token near ','"},
	{"{'hosts':[],'hosts':[]}", "line 1, column 19: duplicate object key near '\"hosts\"'"},
	{"{'hosts':[]} x", "line 1, column 14: end of file expected near 'x'"},
	{"[]", "expected an object, found an array"},
	{"{'hosts':{}}", "hosts: expected an array, found an object"},
	{"{'hosts':['a']}", "hosts[0]: expected an object, found a string"},
	{"{'hosts':[{'nqn':'a'},{}]}", "hosts[1].nqn: missing"},
	{"{'hosts':[{'nqn':null}]}", "hosts[0].nqn: expected a string, found null"},
	{"{'ports':[{'portid':1}]}", "ports[0].addr: missing"},
	{"{'ports':[{}]}", "ports[0].portid: missing"},
	{"{'ports':[{'portid':'x'}]}", "ports[0].portid: \"x\" is not an integer"},
	{"{'ports':[{'portid':''}]}", "ports[0].portid: \"\" is not an integer"},
	{"{'ports':[{'portid':' 1'}]}", "ports[0].portid: \" 1\" is not an integer"},
	{"{'ports':[{'portid':'1 '}]}", "ports[0].portid: \"1 \" is not an integer"},
	{"{'ports':[{'portid':1.5}]}", "ports[0].portid: expected an integer, found a real number"},
	{"{'ports':[{'portid':65536}]}", "ports[0].portid: 65536 is out of range (0 to 65535)"},
	{"{'ports':[{'portid':'99999999999999999999'}]}",
		"ports[0].portid: \"99999999999999999999\" is not an integer"},
	{ADDR("'trtype':'rdma','adrfam':'ipv4'"), "ports[0].addr.traddr: missing"},
	{ADDR("'trtype':'rdma','traddr':'1'"), "ports[0].addr.adrfam: missing"},
	{ADDR("'trtype':'quic'"),
		"ports[0].addr.trtype: \"quic\" is none of \"rdma\", \"tcp\", \"fc\", "
		"\"loop\", \"pci\""},
	{ADDR("'trtype':1"), "ports[0].addr.trtype: expected a string, found an integer"},
	{PORT("'param':{'inline_data_size':16385}"),
		"ports[0].param.inline_data_size: 16385 is out of range (-1 to 16384)"},
	{PORT("'param':{'inline_data_size':'-2'}"),
		"ports[0].param.inline_data_size: -2 is out of range (-1 to 16384)"},
	{PORT("'param':[]"), "ports[0].param: expected an object, found an array"},
	{PORT("'subsystems':'a'"), "ports[0].subsystems: expected an array, found a string"},
	{PORT("'subsystems':['a',7]"),
		"ports[0].subsystems[1]: expected a string, found an integer"},
	{PORT("'referrals':[{'name':'a'}]"), "ports[0].referrals[0].addr: missing"},
	{PORT("'ana_groups':[{'grpid':0}]"),
		"ports[0].ana_groups[0].grpid: 0 is out of range (1 to 128)"},
	{PORT("'ana_groups':[{'grpid':1,'ana':{'state':'good'}}]"),
		"ports[0].ana_groups[0].ana.state: \"good\" is none of \"optimized\", "
		"\"non-optimized\", \"inaccessible\", \"persistent-loss\", \"change\""},
	{"{'subsystems':[{'nqn':'a','namespaces':[{'nsid':1},{'nsid':0}]}]}",
		"subsystems[0].namespaces[1].nsid: 0 is out of range (1 to 4294967294)"},
	{"{'subsystems':[{'nqn':'a','namespaces':[{}]}]}",
		"subsystems[0].namespaces[0].nsid: missing"},
	{"{'subsystems':[{'nqn':'a','namespaces':[{'nsid':1},{'nsid':2,'device':{'path':3}}"
	 "]}]}",
		"subsystems[0].namespaces[1].device.path: expected a string, found an "
		"integer"},
	{NS("'enable':2"), "subsystems[0].namespaces[0].enable: 2 is not a boolean (0, 1)"},
	{NS("'enable':'yes'"),
		"subsystems[0].namespaces[0].enable: \"yes\" is not a boolean "
		"(0, 1, true, false)"},
	{NS("'enable':[]"),
		"subsystems[0].namespaces[0].enable: expected a boolean, found an array"},
	{NS("'device':{'uuid':'12'}"),
		"subsystems[0].namespaces[0].device.uuid: \"12\" is not 16 bytes in hex"},
	{NS("'device':{'size_bytes':-1}"),
		"subsystems[0].namespaces[0].device.size_bytes: -1 is out of range "
		"(0 to 9223372036854775807)"},
	{NS("'p2pmem':'2'"),
		"subsystems[0].namespaces[0].p2pmem: \"2\" is not \"0\", \"1\", a PCI "
		"address like \"0000:01:00.0\" or a name of memory"},
	{NS("'attr':{'p2pmem':{}}"),
		"subsystems[0].namespaces[0].attr.p2pmem: expected a string, found an "
		"object"},
	{NS("'engine':'spdk'"),
		"subsystems[0].namespaces[0].engine: \"spdk\" is none of \"auto\", "
		"\"nvme\", "
		"\"block\", \"file\", \"null\""},
	{ATTR("'version':'one'"),
		"subsystems[0].attr.version: \"one\" is not an NVMe version like \"1.4\""},
	{ATTR("'cntlid_min':0"), "subsystems[0].attr.cntlid_min: 0 is out of range (1 to 65519)"},
	{ATTR("'model':5"), "subsystems[0].attr.model: expected a string, found an integer"},
	{DAEMON("'reactors':0"), "daemon.reactors: 0 is out of range (1 to 64)"},
	{DAEMON("'reactors':[]"), "daemon.reactors: 0 CPUs, expected 1 to 64"},
	{DAEMON("'reactors':[1,-1]"), "daemon.reactors[1]: -1 is out of range (0 to 1023)"},
	{DAEMON("'reactors':true"),
		"daemon.reactors: expected a count or an array of CPUs, found a boolean"},
	{DAEMON("'poll_us':-2"), "daemon.poll_us: -2 is out of range (-1 to 1000000)"},
	{DAEMON("'control_socket':false"),
		"daemon.control_socket: expected a string, found a boolean"},
};

static void test_parse__refuses_with_the_path(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct config_log log;
		struct np_cfg *cfg = NULL;

		assert_int_equal(config_parse(refused[i].text, &log, &cfg), -EINVAL);
		assert_string_equal(log.diag.error, refused[i].error);
		assert_null(cfg);
	}
}

static void test_parse__elements_have_defaults(void **state)
{
	struct config_log log;
	struct np_cfg *cfg;

	(void)state;
	assert_int_equal(config_parse(PORT("'ana_groups':[{'grpid':3}]"), &log, &cfg), 0);
	assert_int_equal(cfg->ports[0].ana_groups[0].state, NP_CFG_ANA_OPTIMIZED);
	assert_string_equal(cfg->ports[0].addr.trsvcid, "4420");
	assert_int_equal(cfg->ports[0].inline_data_size, -1);
	assert_int_equal(cfg->ports[0].max_queue_size, -1);
	np_cfg_free(cfg);

	assert_int_equal(config_parse(NS("'resv':{}"), &log, &cfg), 0);
	assert_int_equal(cfg->subsystems[0].cntlid_max, 0xffef);
	assert_int_equal(cfg->subsystems[0].qid_max, 128);
	assert_int_equal(cfg->subsystems[0].namespaces[0].ana_grpid, 1);
	assert_true(cfg->subsystems[0].namespaces[0].enable);
	np_cfg_free(cfg);
}

static void test_parse__aliases_lose(void **state)
{
	struct config_log log;
	struct np_cfg *cfg;

	(void)state;
	assert_int_equal(config_parse(NS("'attr':{'p2pmem':1},'p2pmem':0,'ana':{'grpid':4},"
					 "'ana_grpid':5"),
				 &log, &cfg),
		0);
	assert_int_equal(cfg->subsystems[0].namespaces[0].p2pmem.mode, NP_CFG_P2PMEM_OFF);
	assert_int_equal(cfg->subsystems[0].namespaces[0].ana_grpid, 4);
	np_cfg_free(cfg);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse__empty_object_is_the_defaults),
		cmocka_unit_test(test_is_equal__sees_every_kind_of_field),
		cmocka_unit_test(test_parse__warns_of_unknown_keys_by_path),
		cmocka_unit_test(test_parse__refuses_with_the_path),
		cmocka_unit_test(test_parse__elements_have_defaults),
		cmocka_unit_test(test_parse__aliases_lose),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
