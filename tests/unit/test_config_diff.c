// SPDX-License-Identifier: BSD-3-Clause
/*
 * Tests of config/diff.c: which changes are small enough to be made under connected hosts.
 *
 * Thread: one.
 * Depends: cmocka.
 */
#include "tests/unit/config_fixture.h"

#include "config/diff.h"

#define NS "{'nsid':1,'device':{'path':'/dev/a'}%s}"
#define PORT                                                                         \
	"{'portid':1,'addr':{'trtype':'rdma','adrfam':'ipv4','traddr':'10.0.0.1'%s}" \
	"%s}"

/* A file with these members added. */
struct file {
	const char *ns, *subsys, *addr, *port, *daemon;
};

static struct np_cfg *parse(const struct file *file)
{
	struct config_log log;
	struct np_cfg *cfg;
	char text[2048];

	snprintf(text, sizeof(text),
		"{'ports':[" PORT "],'subsystems':[{'nqn':'nqn.2024-01.x:s'%s,'namespaces':[" NS
		"]}],'daemon':{%s}}",
		file->addr ? file->addr : "", file->port ? file->port : "",
		file->subsys ? file->subsys : "", file->ns ? file->ns : "",
		file->daemon ? file->daemon : "");
	if (config_parse(text, &log, &cfg) < 0)
		fail_msg("%s: %s", text, log.diag.error);
	return cfg;
}

enum {
	NS_LIKE = 1 << 0,
	NS_SEEN_ALIKE = 1 << 1,
	SUBSYS_LIKE = 1 << 2,
	PORT_LIKE = 1 << 3,
	DAEMON_EQUAL = 1 << 4,
	EQUAL = 1 << 5,
	ALL = (1 << 6) - 1,
};

static unsigned int compare(const struct np_cfg *a, const struct np_cfg *b)
{
	const struct np_cfg_subsys *subsys_a = &a->subsystems[0], *subsys_b = &b->subsystems[0];
	const struct np_cfg_ns *ns_a = &subsys_a->namespaces[0], *ns_b = &subsys_b->namespaces[0];

	return (np_cfg_ns_is_like(ns_a, ns_b) ? NS_LIKE : 0u) |
		(np_cfg_ns_sees_alike(ns_a, ns_b) ? NS_SEEN_ALIKE : 0u) |
		(np_cfg_subsys_is_like(subsys_a, subsys_b) ? SUBSYS_LIKE : 0u) |
		(np_cfg_port_is_like(&a->ports[0], &b->ports[0]) ? PORT_LIKE : 0u) |
		(np_cfg_daemon_is_equal(&a->daemon, &b->daemon) ? DAEMON_EQUAL : 0u) |
		(np_cfg_is_equal(a, b) ? EQUAL : 0u);
}

static void test_diff__of_each_kind(void **state)
{
	static const struct {
		struct file file; /* compared with one without any of it */
		unsigned int differs;
	} cases[] = {
		{{0}, 0},
		{{.ns = ",'ana':{'grpid':3}"}, EQUAL},
		{{.ns = ",'allowed_hosts':['nqn.2024-01.x:h']"}, NS_SEEN_ALIKE | EQUAL},
		{{.ns = ",'qos':{'ios_per_s':1000}"}, EQUAL},
		{{.ns = ",'enable':0"}, NS_LIKE | EQUAL},
		{{.ns = ",'p2pmem':'1'"}, NS_LIKE | EQUAL},
		{{.ns = ",'p2pmem_quota':'25%'"}, NS_LIKE | EQUAL},
		{{.ns = ",'engine':'block'"}, NS_LIKE | EQUAL},
		{{.ns = ",'scrub':5"}, NS_LIKE | EQUAL},
		{{.ns = ",'resv':{'enable':1}"}, NS_LIKE | EQUAL},
		{{.subsys = ",'allowed_hosts':['nqn.2024-01.x:h']"}, EQUAL},
		{{.subsys = ",'attr':{'allow_any_host':1}"}, EQUAL},
		{{.subsys = ",'attr':{'serial':'1'}"}, SUBSYS_LIKE | EQUAL},
		{{.subsys = ",'attr':{'cntlid_min':5}"}, SUBSYS_LIKE | EQUAL},
		{{.port = ",'subsystems':['nqn.2024-01.x:s']"}, EQUAL},
		{{.port = ",'ana_groups':[{'grpid':1,'ana':{'state':'inaccessible'}}]"}, EQUAL},
		{{.port = ",'referrals':[{'name':'r','addr':{'trtype':'tcp','adrfam':'ipv4',"
			  "'traddr':'10.0.0.9'}}]"},
			EQUAL},
		{{.port = ",'param':{'inline_data_size':0}"}, PORT_LIKE | EQUAL},
		{{.addr = ",'trsvcid':'4421'"}, PORT_LIKE | EQUAL},
		{{.daemon = "'poll_us':1"}, DAEMON_EQUAL | EQUAL},
		{{.daemon = "'memory':[{'kind':'dax','path':'/dev/dax0.0'}]"},
			DAEMON_EQUAL | EQUAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct np_cfg *plain = parse(&(struct file){0}), *cfg = parse(&cases[i].file);

		if (compare(plain, cfg) != (ALL & ~cases[i].differs) ||
			compare(cfg, plain) != compare(plain, cfg))
			fail_msg("case %zu: %#x", i, compare(plain, cfg));
		np_cfg_free(plain);
		np_cfg_free(cfg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_diff__of_each_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
