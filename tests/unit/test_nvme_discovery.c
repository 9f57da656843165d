// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_discovery.c - the Discovery log: who sees what, at which address, at any offset.
 *
 * Depends: nvme room.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "target/base/le.h"
#include "target/nvme/discovery.h"
#include "target/nvme/logpage.h"

#define HOST "nqn.2026-01.org.example:host"

static char hosts[][NP_NQN_BYTES] = {"nqn.2026-01.org.example:friend", HOST};

static struct np_subsys discovery = {.nqn = NP_DISCOVERY_NQN, .is_discovery = true};
static struct np_subsys open_for_all = {.nqn = "nqn.o", .allow_any_host = true};
static struct np_subsys listed = {.nqn = "nqn.l", .hosts = hosts, .nhosts = 2};
static struct np_subsys closed = {.nqn = "nqn.c", .hosts = hosts, .nhosts = 1};

static struct np_subsys *all[] = {&open_for_all, &listed, &closed};
static struct np_subsys *one[] = {&listed};

static struct np_port fixed = {.portid = 1,
	.state = NP_PORT_LISTENING,
	.traddr = "192.168.1.1",
	.trsvcid = "4420",
	.treq = NVMF_TREQ_NOT_REQUIRED,
	.subsys = all,
	.nsubsys = 3};
static struct np_port any4 = {.portid = 2,
	.state = NP_PORT_LISTENING,
	.traddr = "0.0.0.0",
	.trsvcid = "4421",
	.subsys = one,
	.nsubsys = 1};
static struct np_port any6 = {.portid = 3,
	.state = NP_PORT_LISTENING,
	.traddr = "::",
	.trsvcid = "4422",
	.is_ipv6 = true,
	.subsys = one,
	.nsubsys = 1};
static struct np_port *ports[] = {&fixed, &any4, &any6};
static struct np_target target = {.nports = 3, .ports = ports, .discovery = &discovery};

static struct np_referral referral = {
	.portid = 9, .traddr = "fe80::1", .trsvcid = "8009", .adrfam = 2, .trtype = 1, .treq = 1};
/* Of another transport. */
static struct np_referral tcp_referral = {
	.portid = 8, .traddr = "10.1.1.1", .trsvcid = "8009", .adrfam = 1, .trtype = 3};

static uint8_t buf[16 * 1024];
static bool is_local; /* port local entries only */

static const struct nvmf_discovery_log *read_log(
	const struct np_port *via, const char *host, const char *local_addr, uint64_t *ret_bytes)
{
	const struct np_window window = {buf, 0, sizeof(buf)};

	memset(buf, 0, sizeof(buf));
	*ret_bytes = np_discovery_write(&target, via, host, local_addr, is_local, &window);
	return (const void *)buf;
}

/* As far as the tests look. */
struct want {
	uint16_t portid;
	uint8_t subtype, adrfam;
	const char *nqn, *traddr, *trsvcid;
};

static void assert_padded(const char *field, size_t size, const char *text)
{
	const size_t len = strlen(text);

	assert_memory_equal(field, text, len);
	for (size_t i = len; i < size; i++)
		assert_int_equal(field[i], ' ');
}

static void assert_log(const struct np_port *via, const char *host, const char *local_addr,
	const struct want *want, uint64_t count)
{
	uint64_t bytes;
	const struct nvmf_discovery_log *log = read_log(via, host, local_addr, &bytes);

	assert_int_equal(np_le64(log->numrec), count);
	assert_int_equal(bytes, 1024 * (1 + count));
	assert_int_equal(log->recfmt, 0);
	for (uint64_t i = 0; i < count; i++) {
		const struct nvmf_disc_log_entry *entry = &log->entries[i];
		const bool is_tcp = want[i].portid == tcp_referral.portid;

		assert_int_equal(entry->trtype, is_tcp ? NVMF_TRTYPE_TCP : NVMF_TRTYPE_RDMA);
		assert_int_equal(np_le16(entry->portid), want[i].portid);
		assert_int_equal(entry->subtype, want[i].subtype);
		assert_int_equal(entry->adrfam, want[i].adrfam);
		assert_string_equal(entry->subnqn, want[i].nqn);
		assert_padded(entry->traddr, sizeof(entry->traddr), want[i].traddr);
		assert_padded(entry->trsvcid, sizeof(entry->trsvcid), want[i].trsvcid);
		assert_int_equal(np_le16(entry->cntlid), 0xffff);
		assert_true(np_le16(entry->asqsz) >= 32);
		assert_int_equal(entry->tsas.rdma.qptype, is_tcp ? 0 : NVMF_RDMA_QPTYPE_CONNECTED);
		assert_int_equal(entry->tsas.rdma.cms, is_tcp ? 0 : NVMF_RDMA_CMS_RDMA_CM);
	}
}

static void test_log__shows_allowed_subsystems_only(void **state)
{
	static const struct want for_host[] = {
		{1, 3, 1, NP_DISCOVERY_NQN, "192.168.1.1", "4420"},
		{1, 2, 1, "nqn.o", "192.168.1.1", "4420"},
		{1, 2, 1, "nqn.l", "192.168.1.1", "4420"},
		{2, 2, 1, "nqn.l", "192.168.1.1", "4421"},
	};
	static const struct want for_stranger[] = {
		{1, 3, 1, NP_DISCOVERY_NQN, "192.168.1.1", "4420"},
		{1, 2, 1, "nqn.o", "192.168.1.1", "4420"},
	};

	(void)state;
	assert_log(&fixed, HOST, "192.168.1.1", for_host, 4);
	assert_log(&fixed, "nqn.stranger", "192.168.1.1", for_stranger, 2);
}

static void test_log__wildcard_becomes_the_host_s_address(void **state)
{
	/* A dual-stack wildcard port: the address has the family that the host came with. */
	static const struct want via_any6_by_4[] = {
		{3, 3, 1, NP_DISCOVERY_NQN, "10.9.8.7", "4422"},
		{1, 2, 1, "nqn.o", "192.168.1.1", "4420"},
		{1, 2, 1, "nqn.l", "192.168.1.1", "4420"},
		{2, 2, 1, "nqn.l", "10.9.8.7", "4421"},
		{3, 2, 1, "nqn.l", "10.9.8.7", "4422"},
	};
	/* Over IPv6 nothing is known of the IPv4 addresses that any4 stands for. */
	static const struct want via_any6[] = {
		{3, 3, 2, NP_DISCOVERY_NQN, "fd00::7", "4422"},
		{1, 2, 1, "nqn.o", "192.168.1.1", "4420"},
		{1, 2, 1, "nqn.l", "192.168.1.1", "4420"},
		{3, 2, 2, "nqn.l", "fd00::7", "4422"},
	};

	(void)state;
	assert_log(&any6, HOST, "10.9.8.7", via_any6_by_4, 5);
	assert_log(&any6, HOST, "fd00::7", via_any6, 4);
}

static void test_log__referrals_of_this_port(void **state)
{
	static const struct want want[] = {
		{1, 3, 1, NP_DISCOVERY_NQN, "192.168.1.1", "4420"},
		{1, 2, 1, "nqn.o", "192.168.1.1", "4420"},
		{9, 1, 2, NP_DISCOVERY_NQN, "fe80::1", "8009"},
		{8, 1, 1, NP_DISCOVERY_NQN, "10.1.1.1", "8009"},
	};
	const struct nvmf_discovery_log *log = (const void *)buf;

	(void)state;
	np_list_add_tail(&fixed.referrals, &referral.link);
	np_list_add_tail(&fixed.referrals, &tcp_referral.link);
	assert_log(&fixed, "nqn.stranger", "192.168.1.1", want, 4);
	/* Ours can do without SQ flow control; of the other target we only know what was given. */
	assert_int_equal(log->entries[1].treq, NVMF_TREQ_NOT_REQUIRED | NVMF_TREQ_DISABLE_SQFLOW);
	assert_int_equal(log->entries[2].treq, 1);
	assert_int_equal(np_le16(log->entries[0].eflags), NVMF_DISC_EFLAGS_EPCSD);
	assert_int_equal(log->entries[1].eflags, 0);
	np_list_del(&referral.link);
	np_list_del(&tcp_referral.link);
}

/* Neither other ports nor other targets. */
static void test_log__of_this_port_alone(void **state)
{
	static struct np_referral elsewhere = {.portid = 9,
		.traddr = "10.9.9.9",
		.trsvcid = "4420",
		.trtype = NVMF_TRTYPE_RDMA,
		.adrfam = NVMF_ADDR_FAMILY_IP4};
	const struct nvmf_discovery_log *log;
	uint64_t bytes;

	(void)state;
	np_list_add_tail(&fixed.referrals, &elsewhere.link);
	is_local = true;
	log = read_log(&fixed, HOST, "192.168.1.1", &bytes);
	is_local = false;
	assert_int_equal(np_le64(log->numrec), bytes / 1024 - 1);
	assert_true(np_le64(log->numrec) >= 2);
	for (uint64_t i = 0; i < np_le64(log->numrec); i++)
		assert_int_equal(np_le16(log->entries[i].portid), fixed.portid);
	assert_int_equal(log->entries[0].subtype, NVME_NQN_CURR);
	np_list_del(&elsewhere.link);
}

static void test_log__leaves_out_a_port_that_does_not_listen(void **state)
{
	static const struct want want[] = {
		{1, 3, 1, NP_DISCOVERY_NQN, "192.168.1.1", "4420"},
		{1, 2, 1, "nqn.o", "192.168.1.1", "4420"},
		{1, 2, 1, "nqn.l", "192.168.1.1", "4420"},
	};

	(void)state;
	any4.target = &target;
	/* Whether it is listed is news, why it is not is none. */
	assert_true(np_port_set_state(&any4, NP_PORT_RETRYING, "gone"));
	assert_string_equal(any4.reason, "gone");
	assert_false(np_port_set_state(&any4, NP_PORT_RETRYING, "still gone"));
	assert_log(&fixed, HOST, "192.168.1.1", want, 3);
	assert_true(np_port_set_state(&any4, NP_PORT_LISTENING, ""));
}

/* A discovery subsystem with a name of its own can be reached by both. */
static void test_log__tells_the_controller_model(void **state)
{
	const struct nvmf_discovery_log *log;
	uint64_t bytes;

	(void)state;
	open_for_all.has_static_ctrls = true;
	log = read_log(&fixed, HOST, "192.168.1.1", &bytes);
	open_for_all.has_static_ctrls = false;
	assert_string_equal(log->entries[1].subnqn, open_for_all.nqn);
	assert_int_equal(np_le16(log->entries[1].cntlid), 0xfffe);
	assert_string_equal(log->entries[2].subnqn, listed.nqn);
	assert_int_equal(np_le16(log->entries[2].cntlid), 0xffff);
}

static void test_discovery__has_two_names(void **state)
{
	struct np_subsys *own = np_subsys_new_discovery("nqn.2024-01.x:disc");
	struct np_target two = {.discovery = own};

	(void)state;
	assert_non_null(own);
	assert_ptr_equal(np_port_find_subsys(&two, &fixed, "nqn.2024-01.x:disc"), own);
	assert_ptr_equal(np_port_find_subsys(&two, &fixed, NP_DISCOVERY_NQN), own);
	assert_null(np_port_find_subsys(&two, &fixed, "nqn.2024-01.x:disk"));
	np_subsys_free(own);
}

static void test_log__generation_counter(void **state)
{
	const struct nvmf_discovery_log *log;
	uint64_t bytes;

	(void)state;
	atomic_store(&target.genctr, 0x1122334455667788);
	log = read_log(&fixed, HOST, "192.168.1.1", &bytes);
	assert_int_equal(np_le64(log->genctr), 0x1122334455667788);
}

/* Every window shows what the whole log has there, and writes nowhere else (ASAN). */
static void test_log__any_offset_and_length(void **state)
{
	static const uint64_t offsets[] = {0, 1, 4, 1020, 1023, 1024, 1025, 2048, 5119, 5120, 5121,
		UINT32_MAX, (uint64_t)UINT32_MAX + 1, 1ull << 63, UINT64_MAX - 1023, UINT64_MAX};
	static const uint32_t lengths[] = {0, 1, 4, 16, 1023, 1024, 1025, 4096, 8192};
	static uint8_t whole[sizeof(buf)];
	uint64_t bytes;

	(void)state;
	read_log(&fixed, HOST, "192.168.1.1", &bytes);
	assert_int_equal(bytes, 5120);
	memcpy(whole, buf, sizeof(whole));
	for (size_t o = 0; o < sizeof(offsets) / sizeof(offsets[0]); o++) {
		for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
			uint8_t *part = calloc(1, lengths[l] + 1);
			const struct np_window window = {part, offsets[o], lengths[l]};

			assert_non_null(part);
			assert_int_equal(np_discovery_write(&target, &fixed, HOST, "192.168.1.1",
						 false, &window),
				bytes);
			for (uint32_t i = 0; i < lengths[l]; i++)
				assert_int_equal(part[i],
					offsets[o] < bytes && i < bytes - offsets[o]
						? whole[offsets[o] + i]
						: 0);
			assert_int_equal(part[lengths[l]], 0);
			free(part);
		}
	}
}

static int setup(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		np_list_init(&ports[i]->referrals);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log__shows_allowed_subsystems_only),
		cmocka_unit_test(test_log__wildcard_becomes_the_host_s_address),
		cmocka_unit_test(test_log__referrals_of_this_port),
		cmocka_unit_test(test_log__of_this_port_alone),
		cmocka_unit_test(test_log__leaves_out_a_port_that_does_not_listen),
		cmocka_unit_test(test_log__tells_the_controller_model),
		cmocka_unit_test(test_discovery__has_two_names),
		cmocka_unit_test(test_log__generation_counter),
		cmocka_unit_test(test_log__any_offset_and_length),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
