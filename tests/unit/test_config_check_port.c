// SPDX-License-Identifier: BSD-3-Clause
/*
 * Tests of config/check_port.c.
 *
 * Thread: one.
 * Depends: cmocka.
 */
#include "tests/unit/config_cases.h"

static void test_check__refuses_ports(void **state)
{
	static const struct check_case cases[] = {
		{.ports = PORT("1", ADDR("tcp", "ipv4", "10.0.0.1", "4420"), ""),
			.says = "ports[0].addr.trtype: \"tcp\" is not supported, only \"rdma\" is"},
		{.ports = PORT("1", ADDR("rdma", "", "10.0.0.1", "4420"), ""),
			.says = "ports[0].addr.adrfam: \"\" is not supported, only \"ipv4\" and "
				"\"ipv6\" are"},
		{.ports = PORT("1", ADDR("rdma", "ib", "10.0.0.1", "4420"), ""),
			.says = "ports[0].addr.adrfam: \"ib\" is not supported, only \"ipv4\" and "
				"\"ipv6\" are"},
		{.ports = PORT("1", ADDR("rdma", "ipv6", "10.0.0.1", "4420"), ""),
			.says = "ports[0].addr.traddr: \"10.0.0.1\" is no ipv6 address"},
		{.ports = PORT("1", ADDR("rdma", "ipv4", "fd00::1", "4420"), ""),
			.says = "ports[0].addr.traddr: \"fd00::1\" is no ipv4 address"},
		{.ports = PORT("1", ADDR("rdma", "ipv4", "10.0.0.1%eth0", "4420"), ""),
			.says = "ports[0].addr.traddr: \"10.0.0.1%eth0\" is no ipv4 address"},
		{.ports = PORT("1", ADDR("rdma", "ipv6", "fe80::1%", "4420"), ""),
			.says = "ports[0].addr.traddr: \"fe80::1%\" is no ipv6 address"},
		{.ports = PORT("1", ADDR("rdma", "ipv4", "", "4420"), ""),
			.says = "ports[0].addr.traddr: \"\" is no ipv4 address"},
		{.ports = PORT("1", ADDR("rdma", "ipv4", "10.0.0.1", "0"), ""),
			.says = "ports[0].addr.trsvcid: \"0\" is not a port number (1 to 65535)"},
		{.ports = PORT("1", ADDR("rdma", "ipv4", "10.0.0.1", "65536"), ""),
			.says = "ports[0].addr.trsvcid: \"65536\" is not a port number (1 to "
				"65535)"},
		{.ports = PORT("1", ADDR("rdma", "ipv4", "10.0.0.1", "4294971716"), ""),
			.says = "ports[0].addr.trsvcid: \"4294971716\" is not a port number "
				"(1 to 65535)"},
		{.ports = PORT("1", ADDR("rdma", "ipv4", "10.0.0.1", "nvme"), ""),
			.says = "ports[0].addr.trsvcid: \"nvme\" is not a port number (1 to "
				"65535)"},
		{.ports = PORTS "," PORT("1", ADDR("rdma", "ipv4", "10.0.0.2", "4420"), ""),
			.says = "ports[1].portid: 1 is ports[0] already"},
		{.ports = PORTS "," PORT("1", ADDR("tcp", "ipv4", "10.0.0.2", "4420"), ""),
			.says = "ports[1].portid: 1 is ports[0] already"},
		{.ports = PORTS "," PORT("2", ADDR("rdma", "ipv4", "10.0.0.1", "04420"), ""),
			.says = "ports[1].addr: \"10.0.0.1\" service 04420 is taken by ports[0], "
				"\"10.0.0.1\""},
		{.ports = PORTS "," PORT("2", ADDR("rdma", "ipv4", "0.0.0.0", "4420"), ""),
			.says = "ports[1].addr: \"0.0.0.0\" service 4420 is taken by ports[0], "
				"\"10.0.0.1\""},
		{.ports = PORT("1", ADDR("rdma", "ipv6", "::", "9"), "") "," PORT(
			 "2", ADDR("rdma", "ipv6", "fd00::1", "9"), ""),
			.says = "ports[1].addr: \"fd00::1\" service 9 is taken by ports[0], "
				"\"::\""},
		{.ports = PORT("1", ADDR("rdma", "ipv6", "fd00::1", "9"), "") "," PORT(
			 "2", ADDR("rdma", "ipv6", "fd00:0::1", "9"), ""),
			.says = "ports[1].addr: \"fd00:0::1\" service 9 is taken by ports[0], "
				"\"fd00::1\""},
		{.ports = "{'portid':1," ADDR(
			 "rdma", "ipv4", "1.1.1.1", "1") ",'subsystems':['q']}",
			.says = "ports[0].subsystems[0]: \"q\" is not one of subsystems[]"},
		{.ports = "{'portid':1," ADDR("rdma", "ipv4", "1.1.1.1",
			 "1") ",'subsystems':['nqn.2024-01.x:s','nqn.2024-01.x:s']}",
			.says = "ports[0].subsystems[1]: \"nqn.2024-01.x:s\" is listed twice"},
		{.ports = PORT("1", ADDR("rdma", "ipv4", "1.1.1.1", "1"),
			 ",'ana_groups':[{'grpid':2},{'grpid':2}]"),
			.says = "ports[0].ana_groups[1].grpid: 2 is listed twice"},
		{.ports = PORT("1", ADDR("rdma", "ipv4", "1.1.1.1", "1"),
			 ",'referrals':[{'name':'r'," ADDR("tcp", "ipv4", "1",
				 "1") "},{'name':'r'," ADDR("tcp", "ipv4", "1", "1") "}]"),
			.says = "ports[0].referrals[1].name: \"r\" is listed twice"},
		{.ports = PORT("1", ADDR("rdma", "ipv4", "1.1.1.1", "1"),
			 ",'referrals':[{'name':'r'," ADDR(
				 "tcp", "ipv4", "1", X20 X20 "1234") "}]"),
			.says = "ports[0].referrals[0].addr.trsvcid: 44 bytes long, at most 32 are "
				"allowed"},
	};

	(void)state;
	check_all(cases, ARRAY_SIZE(cases), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check__refuses_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
