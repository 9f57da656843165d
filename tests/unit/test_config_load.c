// SPDX-License-Identifier: BSD-3-Clause
/*
 * Tests of config/load.c and dump.c, and of whole files.
 *
 * Thread: one.
 * Depends: cmocka.
 */
#include "tests/unit/config_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/check.h"
#include "config/diff.h"
#include "target/base/wire_auth.h"

static struct np_cfg *load(const char *name, struct config_log *log)
{
	struct np_cfg *cfg = NULL;
	char path[512];
	int err;

	snprintf(path, sizeof(path), "%s/%s", NP_TEST_DATA, name);
	config_log_init(log);
	err = np_cfg_load(path, &log->diag, &cfg);
	if (err == 0)
		err = np_cfg_check(cfg, &log->diag);
	if (err < 0)
		fail_msg("%s: %s", name, log->diag.error);
	return cfg;
}

static void test_load__nvmetcli_save_file(void **state)
{
	struct config_log log;
	struct np_cfg *cfg = load("nvmetcli-rdma.json", &log);
	const struct np_cfg_port *port = &cfg->ports[0];
	const struct np_cfg_subsys *subsys = np_cfg_find_subsys(cfg, "testnqn");

	(void)state;
	assert_int_equal(cfg->n_hosts, 2);
	assert_int_equal(port->portid, 1);
	assert_int_equal(port->addr.trtype, NP_CFG_TRTYPE_RDMA);
	assert_int_equal(port->addr.adrfam, NP_CFG_ADRFAM_IPV4);
	assert_string_equal(port->addr.traddr, "10.0.0.1");
	assert_string_equal(port->addr.trsvcid, "4420");
	assert_int_equal(port->inline_data_size, 16384);
	assert_int_equal(port->max_queue_size, 128);
	assert_int_equal(port->n_ana_groups, 2);
	assert_int_equal(port->ana_groups[1].state, NP_CFG_ANA_NON_OPTIMIZED);
	assert_int_equal(port->referrals[0].portid, 2);
	assert_true(np_cfg_port_exports(port, "testnqn"));

	assert_false(subsys->allow_any_host);
	assert_int_equal(subsys->n_allowed_hosts, 2);
	assert_string_equal(subsys->allowed_hosts[1], "hostnqn");
	assert_string_equal(subsys->serial, "1bf0c9d2a8e7f635");
	assert_int_equal(subsys->version, 0x10300);
	assert_int_equal(subsys->cntlid_max, 65519);
	assert_string_equal(subsys->namespaces[0].device.path, "/dev/nvme1n1");
	assert_true(subsys->namespaces[0].device.uuid.is_given);
	assert_false(subsys->namespaces[0].device.nguid.is_given);
	assert_int_equal(subsys->namespaces[0].ana_grpid, 2);
	assert_false(subsys->namespaces[1].enable);
	assert_null(subsys->namespaces[1].device.path);
	assert_int_equal(subsys->namespaces[0].p2pmem.mode, NP_CFG_P2PMEM_OFF);
	np_cfg_free(cfg);

	assert_string_equal(log.text,
		"subsystems[0].passthru: a passthrough subsystem is not supported, ignored\n"
		"hosts[1].nqn: \"hostnqn\" has not the form \"nqn.yyyy-mm.name\"\n"
		"subsystems[0].nqn: \"testnqn\" has not the form \"nqn.yyyy-mm.name\"\n"
		"subsystems[0].attr.version: ignored, controllers are of version 2.0\n");
}

static void test_load__old_nvmetcli_save_file(void **state)
{
	struct config_log log;
	struct np_cfg *cfg = load("nvmetcli-old.json", &log);

	(void)state;
	assert_string_equal(log.text, "");
	assert_int_equal(cfg->ports[0].inline_data_size, -1);
	assert_int_equal(cfg->ports[0].addr.treq, NP_CFG_TREQ_NOT_REQUIRED);
	assert_true(cfg->subsystems[0].allow_any_host);
	np_cfg_free(cfg);
}

static void test_load__our_keys(void **state)
{
	struct config_log log;
	struct np_cfg *cfg = load("own-keys.json", &log);
	const struct np_cfg_subsys *subsys = &cfg->subsystems[0];

	(void)state;
	/* And, as its mode may be, that others can read its secrets. */
	assert_non_null(strstr(
		log.text, "subsystems[0].attr.version: ignored, controllers are of version 2.0\n"));
	assert_string_equal(cfg->hosts[0].dhchap_ctrl_key + 7,
		"00:ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoOEhYaHiImKi4yNjo+QkZKTvGwQfg==:");
	assert_int_equal(cfg->hosts[0].dhchap_hash, NP_CHAP_SHA384);
	assert_int_equal(cfg->hosts[0].dhchap_dhgroup, NP_CHAP_FFDHE4096);
	assert_int_equal(cfg->ports[0].portid, 7);
	assert_string_equal(cfg->ports[0].addr.trsvcid, "4421");
	assert_int_equal(cfg->ports[0].referrals[0].portid, 9);
	assert_false(cfg->ports[0].referrals[0].enable);
	assert_int_equal(subsys->cntlid_max, 0x100);
	assert_int_equal(subsys->ieee_oui, 0xa0b0);
	assert_int_equal(subsys->n_passthru, 2);
	assert_string_equal(subsys->passthru[0], "0x81");
	assert_string_equal(subsys->passthru[1], "132");
	assert_true(subsys->subsystem_reset);
	assert_string_equal(subsys->created.folder, "/srv/nvme");
	assert_int_equal(subsys->created.capacity_bytes, 1 << 30);
	assert_int_equal(subsys->namespaces[0].p2pmem.mode, NP_CFG_P2PMEM_PCI);
	assert_int_equal(subsys->namespaces[0].p2pmem.pci.bus, 1);
	assert_true(subsys->namespaces[0].p2pmem_require);
	assert_true(np_cfg_subsys_requires_p2p(subsys));
	assert_int_equal(subsys->namespaces[0].engine, NP_CFG_ENGINE_NVME);
	for (int i = 1; i <= 2; i++)
		assert_int_equal(subsys->namespaces[i].p2pmem.mode, NP_CFG_P2PMEM_AUTO);
	assert_true(subsys->namespaces[2].io_poll && !subsys->namespaces[1].io_poll);
	assert_int_equal(subsys->namespaces[4].device.size_bytes, 1ULL << 40);
	assert_int_equal(subsys->namespaces[4].qos.ios_per_s, 1000);
	assert_int_equal(subsys->namespaces[4].qos.read_bytes_per_s, 10 << 20);
	assert_int_equal(subsys->namespaces[4].qos.bytes_per_s, 0);
	assert_int_equal(cfg->daemon.reactors.cpus[cfg->daemon.reactors.count - 1], 5);
	assert_int_equal(cfg->daemon.cq_moderation_count, 16);
	assert_int_equal(cfg->daemon.cq_moderation_us, 8);
	assert_true(cfg->daemon.poll_us == -1 && cfg->daemon.nice == 3);
	assert_int_equal(cfg->daemon.health_interval_s, 5);
	assert_true(cfg->daemon.cmb_pool_bytes == 1 << 20 && cfg->daemon.software_p2p);
	np_cfg_free(cfg);
}

static void test_dump_and_copy__make_an_equal_model(void **state)
{
	static const char *const files[] = {
		"nvmetcli-rdma.json", "nvmetcli-old.json", "own-keys.json"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct config_log log;
		struct np_cfg *cfg = load(files[i], &log);
		struct np_cfg *again;
		char *text;

		assert_int_equal(np_cfg_dump(cfg, &text), 0);
		config_log_init(&log);
		assert_int_equal(np_cfg_parse(text, strlen(text), &log.diag, &again), 0);
		assert_string_equal(log.text, "");
		assert_true(np_cfg_is_equal(cfg, again));
		free(text);
		np_cfg_free(again);
		again = np_cfg_copy(cfg);
		assert_true(np_cfg_is_equal(cfg, again));
		np_cfg_free(again);
		np_cfg_free(cfg);
	}
}

static void test_load__says_why_a_file_cannot_be_read(void **state)
{
	struct config_log log;
	struct np_cfg *cfg = NULL;

	(void)state;
	config_log_init(&log);
	assert_int_equal(np_cfg_load("/nonexistent/x.json", &log.diag, &cfg), -ENOENT);
	assert_string_equal(log.diag.error, "No such file or directory");
	assert_int_equal(np_cfg_load("/", &log.diag, &cfg), -EISDIR);
	assert_string_equal(log.diag.error, "Is a directory");
	assert_null(cfg);
}

static void test_load__secrets_that_others_can_read(void **state)
{
	static const char text[] = "{\"hosts\":[{\"nqn\":\"nqn.2024-01.x:h\",\"dhchap_key\":"
				   "\"anything\"}]}";
	char path[] = "/tmp/np-test-config-XXXXXX";
	int fd = mkstemp(path);
	struct config_log log;
	struct np_cfg *cfg;

	(void)state;
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(fchmod(fd, i ? 0640 : 0600), 0);
		config_log_init(&log);
		assert_int_equal(np_cfg_load(path, &log.diag, &cfg), 0);
		assert_string_equal(log.text,
			i ? "hosts: the file holds secrets, and others than its owner may read it "
			    "(mode 640)\n"
			  : "");
		np_cfg_free(cfg);
	}
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load__nvmetcli_save_file),
		cmocka_unit_test(test_load__old_nvmetcli_save_file),
		cmocka_unit_test(test_load__our_keys),
		cmocka_unit_test(test_dump_and_copy__make_an_equal_model),
		cmocka_unit_test(test_load__says_why_a_file_cannot_be_read),
		cmocka_unit_test(test_load__secrets_that_others_can_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
