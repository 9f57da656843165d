// SPDX-License-Identifier: BSD-3-Clause
/*
 * Tests of config/check.c and check_ns.c.
 *
 * Thread: one.
 * Depends: cmocka.
 */
#include "tests/unit/config_cases.h"

#define KEY "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR"
#define SECRET(text) ",{'nqn':'nqn.2024-01.x:s','dhchap_key':'" text "'}"

static void test_check__accepts(void **state)
{
	static const struct check_case cases[] = {
		{.says = ""},
		{.ports = PORT("1", ADDR("rdma", "ipv6", "fd00::1", "1"), ""), .says = ""},
		{.ports = PORT("1", ADDR("rdma", "ipv6", "fe80::1%eth0", "65535"), ""), .says = ""},
		{.ports = PORTS "," PORT("2", ADDR("rdma", "ipv4", "10.0.0.1", "4421"),
			 "") "," PORT("3", ADDR("rdma", "ipv4", "10.0.0.2", "4420"),
			 "") "," PORT("4", ADDR("rdma", "ipv6", "::", "4420"), ""),
			.says = ""},
		{.subsystems = NS("'engine':'null','device':{'size_bytes':4096}"), .says = ""},
		{.subsystems = NS(NS_DEV "'p2pmem':'1','p2pmem_require':1"), .says = ""},
		{.subsystems = NS("'enable':0"), .says = ""},
		{.subsystems = ATTR(
			 "'serial':'" X20 "','model':'" X20 X20 "','firmware':'12345678'"),
			.says = ""},
		{.daemon = "'reactors':64", .says = ""},
		{.daemon = "'cmb_pool_bytes':65536,'host_pool_bytes':65536", .says = ""},
	};

	(void)state;
	check_all(cases, ARRAY_SIZE(cases), 0);
}

static void test_check__warns(void **state)
{
	static const struct check_case cases[] = {
		{.hosts = HOSTS ",{'nqn':'bob'}",
			.says = "hosts[1].nqn: \"bob\" has not the form \"nqn.yyyy-mm.name\"\n"},
		{.hosts = HOSTS SECRET("DHHC-1:01:" KEY ":"),
			.subsystems = ATTR("'allow_any_host':1"),
			.says = "subsystems[0].allowed_hosts: has no effect while "
				"attr.allow_any_host is true\n"
				"subsystems[0].allowed_hosts: any host may connect: "
				"hosts[].dhchap_key keeps out nobody who calls himself "
				"otherwise\n"},
		{.hosts = HOSTS ",{'nqn':'nqn.2024-1.x'}",
			.says = "hosts[1].nqn: \"nqn.2024-1.x\" has not the form "
				"\"nqn.yyyy-mm.name\"\n"},
		{.subsystems = ATTR("'allow_any_host':1"),
			.says = "subsystems[0].allowed_hosts: has no effect while "
				"attr.allow_any_host "
				"is true\n"},
		{.subsystems = SUBSYS("", NS_OK) ",{'nqn':'nqn.2024-01.x:t'}",
			.says = "subsystems[1].allowed_hosts: empty: no host may connect\n"
				"subsystems[1]: no port exports it\n"},
		{.ports = PORT("3", ADDR("tcp", "ipv4", "10.0.0.1", "4420"), "") "," PORTS "," PORT(
			 "4", ADDR("fc", "fc", "nn-0x1:pn-0x2", "none"), "") "," PORT("5",
			 ADDR("loop", "", "", ""), "") "," PORT("6", ADDR("", "", "", ""), ""),
			.says = "ports[0].addr.trtype: \"tcp\" is not supported, only \"rdma\" is: "
				"this port is left out\n"
				"ports[2].addr.trtype: \"fc\" is not supported, only \"rdma\" is: "
				"this port is left out\n"
				"ports[3].addr.trtype: \"loop\" is not supported, only \"rdma\" "
				"is: "
				"this port is left out\n"
				"ports[4].addr.trtype: \"\" is not supported, only \"rdma\" is: "
				"this port is left out\n"},
		{.ports = PORT("1", ADDR("rdma", "ipv4", "1.1.1.1", "1"),
			 ",'referrals':[{'name':'r'," ADDR("", "", "",
				 "") "},"
				     "{'name':'s','enable':0," ADDR("", "", "", "") "}]"),
			.says = "ports[0].referrals[0].addr.trtype: empty: no host is told of this "
				"referral\n"},
		{.subsystems = SUBSYS("", NS_OK) ",{'nqn':'nqn.2024-01.x:t','attr':"
						 "{'allow_any_host':1}}",
			.ports = PORTS ",{'portid':2," ADDR("tcp", "ipv4", "10.0.0.1",
				"1") ",'subsystems':['nqn.2024-01.x:t']}",
			.says = "subsystems[1]: no port exports it\n"
				"ports[1].addr.trtype: \"tcp\" is not supported, only \"rdma\" is: "
				"this port is left out\n"},
		{.hosts = HOSTS ",{'nqn':'nqn.2024-01.x:i'}",
			.subsystems =
				NS(NS_DEV "'allowed_hosts':['nqn.2024-01.x:h','nqn.2024-01.x:i']"),
			.says = "subsystems[0].namespaces[0].allowed_hosts[1]: \"nqn.2024-01.x:i\" "
				"may "
				"not connect to the subsystem\n"},
		{.subsystems = ATTR("'pi_enable':1"),
			.says = "subsystems[0].attr.pi_enable: protection information is not "
				"supported, ignored\n"},
		{.ports = PORT(
			 "1", ADDR("rdma", "ipv4", "10.0.0.1", "4420"), ",'param':{'pi_enable':1}"),
			.says = "ports[0].param.pi_enable: protection information is not "
				"supported, "
				"ignored\n"},
		{.ports = PORT("1", ADDR("rdma", "ipv4", "10.0.0.1", "4420"),
			 ",'param':{'max_queue_size':8}"),
			.says = "ports[0].param.max_queue_size: 16 is used, the least\n"},
		{.subsystems = SUBSYS("", NS_OK ",{'nsid':2," NS_DEV "'engine':'nvme'}"),
			.says = "subsystems[0].namespaces[1].device.path: \"/dev/nvme0n1\" is the "
				"device of subsystems[0].namespaces[0] too\n"},
		{.subsystems = NS("'engine':'null','device':{'size_bytes':4096,'path':'/x'}"),
			.says = "subsystems[0].namespaces[0].device.path: engine \"null\" has no "
				"use "
				"for it\n"},
		{.subsystems = NS("'device':{'size_bytes':4096,'path':'/x'}"),
			.says = "subsystems[0].namespaces[0].device.size_bytes: only engine "
				"\"null\" "
				"has a use for it\n"},
		{.subsystems = NS("'engine':'file','p2pmem':'1','device':{'path':'/x'}"),
			.says = "subsystems[0].namespaces[0].p2pmem: engine \"file\" always uses "
				"host "
				"memory\n"},
	};

	(void)state;
	check_all(cases, ARRAY_SIZE(cases), 0);
}

static void test_check__refuses_names(void **state)
{
	static const struct check_case cases[] = {
		{.hosts = HOSTS "," HOSTS,
			.says = "hosts[1].nqn: \"nqn.2024-01.x:h\" is hosts[0] already"},
		{.hosts = HOSTS ",{'nqn':''}", .says = "hosts[1].nqn: empty"},
		{.subsystems = NS(NS_DEV "'qos':{'ios_per_s':99}"),
			.says = "subsystems[0].namespaces[0].qos.ios_per_s: 99 is less than 100"},
		{.subsystems = NS(NS_DEV "'qos':{'write_bytes_per_s':4096}"),
			.says = "subsystems[0].namespaces[0].qos.write_bytes_per_s: 4096 is less "
				"than 1048576"},
		{.hosts = HOSTS SECRET("secret"),
			.says = "hosts[1].dhchap_key: is not of the form \"DHHC-1:00:...:\""},
		{.hosts = HOSTS SECRET("DHHC-1:04:" KEY ":"),
			.says = "hosts[1].dhchap_key: is not of the form \"DHHC-1:00:...:\""},
		{.hosts = HOSTS SECRET("DHHC-1:00:" KEY),
			.says = "hosts[1].dhchap_key: does not end with one \":\""},
		{.hosts = HOSTS SECRET(
			 "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gBYOQ5A==:"),
			.says = "hosts[1].dhchap_key: is not the base64 of 32, 48 or 64 bytes and "
				"a checksum"},
		{.hosts = HOSTS SECRET("DHHC-1:00:*AECAw==:"),
			.says = "hosts[1].dhchap_key: is not the base64 of 32, 48 or 64 bytes and "
				"a checksum"},
		{.hosts = HOSTS SECRET(
			 "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8AAAAA:"),
			.says = "hosts[1].dhchap_key: has a wrong checksum"},
		{.hosts = HOSTS SECRET("DHHC-1:03:" KEY ":"),
			.says = "hosts[1].dhchap_key: has not the length of its hash"},
		{.hosts = HOSTS SECRET("DHHC-1:00:" KEY ":','dhchap_ctrl_key':'DHHC-1:00:" KEY ":"),
			.says = "hosts[1].dhchap_ctrl_key: is the same as dhchap_key"},
		{.hosts = HOSTS ",{'nqn':'nqn.2024-01.x:s','dhchap_ctrl_key':'DHHC-1:00:" KEY ":'}",
			.says = "hosts[1].dhchap_ctrl_key: without dhchap_key the host is not "
				"asked "
				"for a proof, and asks for none"},
		{.hosts = HOSTS ",{'nqn':'nqn.2024-01.a b'}",
			.says = "hosts[1].nqn: blank or control character at offset 13"},
		{.subsystems = SUBSYS("", NS_OK) "," SUBSYS("", NS_OK),
			.says = "subsystems[1].nqn: \"nqn.2024-01.x:s\" is subsystems[0] already"},
		{.subsystems = "{'nqn':'nqn.2014-08.org.nvmexpress.discovery'}",
			.says = "subsystems[0].nqn: the discovery subsystem is always there"},
		{.subsystems = "{'nqn':'nqn.2024-01.x:s','allowed_hosts':['nqn.2024-01.x:g']}",
			.says = "subsystems[0].allowed_hosts[0]: \"nqn.2024-01.x:g\" is not one of "
				"hosts[]"},
		{.subsystems = "{'nqn':'nqn.2024-01.x:s','allowed_hosts':"
			       "['nqn.2024-01.x:h','nqn.2024-01.x:h']}",
			.says = "subsystems[0].allowed_hosts[1]: \"nqn.2024-01.x:h\" is listed "
				"twice"},
		{.subsystems = ATTR("'serial':'" X20 "x'"),
			.says = "subsystems[0].attr.serial: 21 bytes long, at most 20 are allowed"},
		{.subsystems = ATTR("'model':'" X20 X20 "x'"),
			.says = "subsystems[0].attr.model: 41 bytes long, at most 40 are allowed"},
		{.subsystems = ATTR("'model':'\u00e9'"),
			.says = "subsystems[0].attr.model: not printable ASCII"},
		{.subsystems = ATTR("'firmware':'123456789'"),
			.says = "subsystems[0].attr.firmware: 9 bytes long, at most 8 are allowed"},
		{.subsystems = ATTR("'cntlid_min':9,'cntlid_max':8"),
			.says = "subsystems[0].attr.cntlid_min: 9 is above cntlid_max, 8"},
		{.subsystems = MANAGED("'folder':'/srv'"),
			.says = "subsystems[0].namespace_management: needs both a folder and "
				"capacity_bytes"},
		{.subsystems = MANAGED("'capacity_bytes':4096"),
			.says = "subsystems[0].namespace_management: needs both a folder and "
				"capacity_bytes"},
		{.subsystems = MANAGED("'folder':'srv','capacity_bytes':4096"),
			.says = "subsystems[0].namespace_management.folder: \"srv\" is not an "
				"absolute path of at most 1024 bytes"},
		{.subsystems = PASSTHRU("'0x81',128,'0x8z'"),
			.says = "subsystems[0].passthru[2]: \"0x8z\" is no opcode (0 to 255)"},
		{.subsystems = PASSTHRU("256"),
			.says = "subsystems[0].passthru[0]: \"256\" is no opcode (0 to 255)"},
		{.subsystems = PASSTHRU("'-1'"),
			.says = "subsystems[0].passthru[0]: \"-1\" is no opcode (0 to 255)"},
		{.subsystems = PASSTHRU("18,2"),
			.says = "subsystems[0].passthru[1]: opcode 02h is a command of the "
				"target's own"},
		{.subsystems = PASSTHRU("127"),
			.says = "subsystems[0].passthru[0]: opcode 7fh is a command of the "
				"target's own"},
		{.subsystems = PASSTHRU("'0x83'"),
			.says = "subsystems[0].passthru[0]: opcode 83h has data in both "
				"directions, "
				"which is not possible"},
	};

	(void)state;
	check_all(cases, ARRAY_SIZE(cases), -EINVAL);
}

static void test_check__nqn_length_limit(void **state)
{
	char longest[300];
	char longer[300];
	const struct check_case fits = {.hosts = longest, .says = ""};
	const struct check_case too_long = {
		.hosts = longer, .says = "hosts[1].nqn: 224 bytes long, at most 223 are allowed"};

	(void)state;
	snprintf(longest, sizeof(longest), HOSTS ",{'nqn':'nqn.2024-01.%0211d'}", 0);
	snprintf(longer, sizeof(longer), HOSTS ",{'nqn':'nqn.2024-01.%0212d'}", 0);
	check_all(&fits, 1, 0);
	check_all(&too_long, 1, -EINVAL);
}

#define UUID "'uuid':'a2a38f5c-3b8d-44b5-a6a4-1f0a7c3c9d02'"

static void test_check__refuses_namespaces(void **state)
{
	static const struct check_case cases[] = {
		{.subsystems = NS(NS_DEV "'allowed_hosts':['nqn.2024-01.x:z']"),
			.says = "subsystems[0].namespaces[0].allowed_hosts[0]: "
				"\"nqn.2024-01.x:z\" is not one of hosts[]"},
		{.subsystems = SUBSYS("", NS_OK "," NS_OK),
			.says = "subsystems[0].namespaces[1].nsid: 1 is namespaces[0] already"},
		{.subsystems = SUBSYS("",
			 "{'nsid':1,'device':{'path':'/a'," UUID "}},"
			 "{'nsid':2,'device':{'path':'/b'," UUID "}}"),
			.says = "subsystems[0].namespaces[1].device.uuid: is that of namespaces[0] "
				"already"},
		{.subsystems = NS("'engine':'auto'"),
			.says = "subsystems[0].namespaces[0].device.path: missing"},
		{.subsystems = NS("'device':{'path':'(null)'}"),
			.says = "subsystems[0].namespaces[0].device.path: missing"},
		{.subsystems = NS("'device':{'path':'nvme0n1'}"),
			.says = "subsystems[0].namespaces[0].device.path: \"nvme0n1\" is not an "
				"absolute path"},
		{.subsystems = NS("'engine':'null'"),
			.says = "subsystems[0].namespaces[0].device.size_bytes: missing, engine "
				"\"null\" needs it"},
		{.subsystems = NS("'engine':'null','device':{'size_bytes':4097}"),
			.says = "subsystems[0].namespaces[0].device.size_bytes: not a multiple of "
				"4096"},
		{.subsystems = NS(NS_DEV "'p2pmem_require':true"),
			.says = "subsystems[0].namespaces[0].p2pmem_require: cannot be true while "
				"p2pmem is \"0\""},
		{.subsystems = NS(NS_DEV "'p2pmem_require':true,'p2pmem':1,'engine':'file'"),
			.says = "subsystems[0].namespaces[0].p2pmem_require: cannot be true with "
				"engine \"file\", which has no drive to reach P2P memory"},
		{.subsystems = NS("'p2pmem_require':true,'p2pmem':1,'engine':'null',"
				  "'device':{'size_bytes':4096}"),
			.says = "subsystems[0].namespaces[0].p2pmem_require: cannot be true with "
				"engine \"null\", which has no drive to reach P2P memory"},
	};

	(void)state;
	check_all(cases, ARRAY_SIZE(cases), -EINVAL);
}

static void test_check__refuses_daemon_settings(void **state)
{
	static const struct check_case cases[] = {
		{.daemon = "'reactors':[1,2,1]", .says = "daemon.reactors: CPU 1 is listed twice"},
		{.daemon = "'cq_moderation_us':8",
			.says = "daemon.cq_moderation_count: goes with cq_moderation_us: give "
				"both or neither"},
		{.daemon = "'discovery_nqn':'nqn.2024-01.x:s'",
			.says = "daemon.discovery_nqn: is that of a subsystem"},
		{.daemon = "'discovery_nqn':''", .says = "daemon.discovery_nqn: empty"},
		{.daemon = "'control_socket':'x.sock'",
			.says = "daemon.control_socket: \"x.sock\" is not an absolute path"},
		{.daemon = "'control_socket':'/" X80 X20 "xxxxxxx'",
			.says = "daemon.control_socket: 108 bytes long, at most 107 are allowed"},
		{.daemon = "'cmb_pool_bytes':4096",
			.says = "daemon.cmb_pool_bytes: 4096 is not a multiple of 4096, at least "
				"65536"},
		{.daemon = "'host_pool_bytes':65537",
			.says = "daemon.host_pool_bytes: 65537 is not a multiple of 4096, at least "
				"65536"},
		{.daemon = "'host_pool_bytes':0",
			.says = "daemon.host_pool_bytes: 0 is not a multiple of 4096, at least "
				"65536"},
		{.daemon = "'reactors':2, 'host_pool_bytes':126976",
			.says = "daemon.host_pool_bytes: 126976 is less than 65536 for each of 2 "
				"reactors"},
	};

	(void)state;
	check_all(cases, ARRAY_SIZE(cases), -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check__accepts),
		cmocka_unit_test(test_check__warns),
		cmocka_unit_test(test_check__refuses_names),
		cmocka_unit_test(test_check__nqn_length_limit),
		cmocka_unit_test(test_check__refuses_namespaces),
		cmocka_unit_test(test_check__refuses_daemon_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
