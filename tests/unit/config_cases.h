/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config_cases.h - models of which one part is replaced, and what np_cfg_check() says of them.
 *
 * Thread: one.
 * Depends: cmocka.
 */
#ifndef NP_TESTS_CONFIG_CASES_H
#define NP_TESTS_CONFIG_CASES_H

#include "tests/unit/config_fixture.h"

#include <errno.h>

#include "config/check.h"

#define X20 "xxxxxxxxxxxxxxxxxxxx"
#define X80 X20 X20 X20 X20

#define HOSTS "{'nqn':'nqn.2024-01.x:h'}"
#define ADDR(trtype, adrfam, traddr, trsvcid)                                   \
	"'addr':{'trtype':'" trtype "','adrfam':'" adrfam "','traddr':'" traddr \
	"','trsvcid':'" trsvcid "'}"
#define PORT(id, addr, rest) "{'portid':" id "," addr ",'subsystems':['nqn.2024-01.x:s']" rest "}"
#define PORTS PORT("1", ADDR("rdma", "ipv4", "10.0.0.1", "4420"), "")
#define NS_OK "{'nsid':1,'device':{'path':'/dev/nvme0n1'}}"
#define SUBSYS(attr, ns)                                                             \
	"{'nqn':'nqn.2024-01.x:s','allowed_hosts':['nqn.2024-01.x:h'],'attr':{" attr \
	"},'namespaces':[" ns "]}"
#define NS(members) SUBSYS("", "{'nsid':1," members "}")
#define NS_DEV "'device':{'path':'/dev/nvme0n1'},"
#define PASSTHRU(opcodes)                                                                   \
	"{'nqn':'nqn.2024-01.x:s','allowed_hosts':['nqn.2024-01.x:h'],'passthru':[" opcodes \
	"],'namespaces':[" NS_OK "]}"
#define MANAGED(members)                                                \
	"{'nqn':'nqn.2024-01.x:s','allowed_hosts':['nqn.2024-01.x:h']," \
	"'namespace_management':{" members "},'namespaces':[" NS_OK "]}"
#define ATTR(members) SUBSYS(members, NS_OK)

/* A part that is NULL is the one that is in order. */
struct check_case {
	const char *hosts;
	const char *ports;
	const char *subsystems;
	const char *daemon;
	const char *says;
};

static inline int run_case(const struct check_case *c, struct config_log *log)
{
	struct np_cfg *cfg;
	char text[8192];
	int err;

	snprintf(text, sizeof(text), "{'hosts':[%s],'ports':[%s],'subsystems':[%s],'daemon':{%s}}",
		c->hosts ? c->hosts : HOSTS, c->ports ? c->ports : PORTS,
		c->subsystems ? c->subsystems : SUBSYS("", NS_OK), c->daemon ? c->daemon : "");
	if (config_parse(text, log, &cfg) < 0)
		fail_msg("%s: %s", text, log->diag.error);
	err = np_cfg_check(cfg, &log->diag);
	np_cfg_free(cfg);
	return err;
}

static inline void check_all(const struct check_case *cases, size_t n, int err)
{
	for (size_t i = 0; i < n; i++) {
		struct config_log log;
		int got = run_case(&cases[i], &log);

		config_assert_case(i, got, err, &log, cases[i].says);
	}
}

#endif
