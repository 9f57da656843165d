// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_zoned.c - zoned namespaces: what is announced, and the three commands that they have.
 *
 * Depends: io_scene.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io_scene.h"
#include "target/nvme/zoned.h"

#define BAD_FIELD np_status_generic(NVME_SC_INVALID_FIELD)
#define BAD_OPCODE np_status_generic(NVME_SC_INVALID_OPCODE)
#define BAD_LBA np_status_generic(NVME_SC_LBA_RANGE)
#define ZONE 1024u
#define SEND_OPEN 3u
#define SEND_SET_EXT 0x10u
#define SEND_FLUSH_ZRWA 0x11u
#define EXT 64u /* bytes */

static struct nvme_zns_id_ns drives;
static uint8_t data[4096];

static void enable(struct scene *scene, uint32_t css)
{
	np_lb_assert_status(np_lb_property_set(scene->admin, NVME_REG_CC, 0, 0x460000), NP_SUCCESS);
	np_lb_assert_status(np_lb_property_set(scene->admin, NVME_REG_CC, 0,
				    0x460001 | css << NVME_CC_CSS_SHIFT),
		NP_SUCCESS);
}

/* Namespace 1 is zoned, 3 is not. */
static int setup_zoned(void **state)
{
	struct scene *scene;

	setup(state);
	scene = *state;
	memset(&drives, 0, sizeof(drives));
	drives.zoc = np_le16(2);
	drives.ozcs = np_le16(3);
	drives.mar = np_le32(5);
	drives.numzrwa = np_le32(4);
	drives.lbafe[2].zsze = htole64(ZONE);
	drives.lbafe[2].zdes = 1;
	scene->backend->base.zoned = &drives;
	scene->backend->base.zone_blocks = ZONE;
	scene->backend->base.zone_ext_bytes = EXT;
	scene->backend->base.max_append_bytes = NP_MDTS_BYTES;
	enable(scene, NVME_CC_CSS_CSI);
	return 0;
}

static struct np_status identify(struct scene *scene, uint8_t cns, uint32_t nsid, uint8_t csi)
{
	struct np_sqe sqe = np_lb_sqe(nvme_admin_identify, nsid);

	memset(data, 0xee, sizeof(data));
	sqe.cdw10 = np_le32(cns);
	sqe.cdw11 = np_le32((uint32_t)csi << 24);
	return np_lb_status(np_lb_exec(scene->admin, sqe, data, sizeof(data)));
}

static void assert_identify(
	struct scene *scene, uint8_t cns, uint32_t nsid, uint8_t csi, struct np_status want)
{
	const struct np_status status = identify(scene, cns, nsid, csi);

	assert_true(np_status_is(status, want));
}

static void test_zoned__identify(void **state)
{
	struct scene *scene = *state;
	const struct nvme_zns_id_ns *id = (const void *)data;
	const struct nvme_ns_list *list = (const void *)data;

	assert_identify(scene, NVME_IDENTIFY_CNS_CSI_NS, 1, NVME_CSI_ZNS, NP_SUCCESS);
	assert_int_equal(np_le16(id->zoc), 2);
	assert_int_equal(np_le32(id->mar), 5);
	assert_int_equal(np_le64(id->lbafe[0].zsze), ZONE);
	assert_int_equal(np_le16(id->ozcs), 3);
	assert_int_equal(np_le32(id->numzrwa), 4);
	/* The drive's format is the only one. */
	assert_int_equal(id->lbafe[0].zdes, 1);
	assert_int_equal(id->lbafe[2].zdes, 0);
	assert_identify(scene, NVME_IDENTIFY_CNS_CSI_NS, 3, NVME_CSI_ZNS, BAD_FIELD);
	assert_identify(scene, NVME_IDENTIFY_CNS_CSI_CTRL, 0, NVME_CSI_ZNS, NP_SUCCESS);
	assert_int_equal(data[0], 4); /* 4 KiB << 4: 64 KiB */
	scene->backend->base.max_append_bytes = 20 * KIB;
	assert_identify(scene, NVME_IDENTIFY_CNS_CSI_CTRL, 0, NVME_CSI_ZNS, NP_SUCCESS);
	assert_int_equal(data[0], 2);
	assert_identify(scene, NVME_IDENTIFY_CNS_CSI_NS_ACTIVE_LIST, 0, NVME_CSI_ZNS, NP_SUCCESS);
	assert_true(np_le32(list->ns[0]) == 1 && !list->ns[1]);
	assert_identify(scene, NVME_IDENTIFY_CNS_CSI_NS_ACTIVE_LIST, 0, NVME_CSI_NVM, NP_SUCCESS);
	assert_true(np_le32(list->ns[0]) == 3 && !list->ns[1]);
	assert_identify(scene, NVME_IDENTIFY_CNS_NS_ACTIVE_LIST, 0, 0, NP_SUCCESS);
	assert_true(np_le32(list->ns[0]) == 1 && np_le32(list->ns[1]) == 3);
	assert_identify(scene, NVME_IDENTIFY_CNS_COMMAND_SET_STRUCTURE, 0, 0, NP_SUCCESS);
	assert_int_equal(data[0], 1 << NVME_CSI_NVM | 1 << NVME_CSI_ZNS);
	/* The last descriptor of its identity. */
	assert_identify(scene, NVME_IDENTIFY_CNS_NS_DESC_LIST, 1, 0, NP_SUCCESS);
	assert_int_equal(data[4 + 16], NVME_NIDT_CSI);
	assert_int_equal(data[4 + 16 + 4], NVME_CSI_ZNS);
	scene->backend->base.zoned = NULL;
	assert_identify(scene, NVME_IDENTIFY_CNS_CSI_CTRL, 0, NVME_CSI_ZNS, BAD_FIELD);
}

static struct np_sqe management(uint8_t opcode, uint64_t lba, uint32_t cdw12, uint32_t cdw13)
{
	struct np_sqe sqe = rw(opcode, lba, 1);

	sqe.cdw12 = np_le32(cdw12);
	sqe.cdw13 = np_le32(cdw13);
	return sqe;
}

static void test_append__tells_where(void **state)
{
	struct scene *scene = *state;
	uint8_t *blocks = random_bytes(16 * BLOCK);

	for (unsigned int i = 0; i < 2; i++) {
		struct np_cqe cqe;

		scene->backend->is_queued = i;
		cqe = np_lb_exec(scene->io, rw(nvme_zns_cmd_append, ZONE, 8),
			blocks + i * 8 * BLOCK, 8 * BLOCK);
		np_lb_assert_status(cqe, NP_SUCCESS);
		assert_int_equal(np_le64(cqe.dw0_1), ZONE + 8 * i);
	}
	assert_memory_equal(scene->backend->blocks + ZONE * BLOCK, blocks, 16 * BLOCK);
	assert_int_equal(written(scene), 16 * BLOCK);
	free(blocks);
}

static void test_append__limits(void **state)
{
	struct scene *scene = *state;
	const uint32_t most = NP_ZONE_APPEND_BYTES / BLOCK;
	uint8_t *blocks = random_bytes((most + 1) * BLOCK);

	np_lb_assert_status(
		np_lb_exec(scene->io, rw(nvme_zns_cmd_append, 0, most), blocks, most * BLOCK),
		NP_SUCCESS);
	np_lb_assert_status(np_lb_exec(scene->io, rw(nvme_zns_cmd_append, 0, most + 1), blocks,
				    (most + 1) * BLOCK),
		BAD_FIELD);
	scene->backend->base.max_append_bytes = BLOCK;
	np_lb_assert_status(
		np_lb_exec(scene->io, rw(nvme_zns_cmd_append, 0, 2), blocks, 2 * BLOCK), BAD_FIELD);
	np_lb_assert_status(
		np_lb_exec(scene->io, rw(nvme_zns_cmd_append, NP_LB_NS_BLOCKS, 1), blocks, BLOCK),
		BAD_LBA);
	free(blocks);
}

static void test_send__passes_the_action_on(void **state)
{
	struct scene *scene = *state;
	const uint32_t all = 1 << 8;

	for (uint32_t action = 1; action <= 5; action++) {
		np_lb_assert_status(
			np_lb_exec(scene->io,
				management(nvme_zns_cmd_mgmt_send, ZONE, 0, action | all), NULL, 0),
			NP_SUCCESS);
		assert_int_equal(scene->backend->last.op, NP_IO_ZONE_SEND);
		assert_int_equal(scene->backend->last.action, action | all);
		assert_int_equal(scene->backend->last.lba, ZONE);
	}
	for (uint32_t action = 0; action < 0x20; action += action == 0 ? 6 : action == 0xf ? 3 : 1)
		np_lb_assert_status(
			np_lb_exec(scene->io, management(nvme_zns_cmd_mgmt_send, 0, 0, action),
				NULL, 0),
			BAD_FIELD);
	/* Where is of no matter when all are meant. */
	np_lb_assert_status(
		np_lb_exec(scene->io,
			management(nvme_zns_cmd_mgmt_send, NP_LB_NS_BLOCKS, 0, SEND_OPEN), NULL, 0),
		BAD_LBA);
	np_lb_assert_status(
		np_lb_exec(scene->io,
			management(nvme_zns_cmd_mgmt_send, NP_LB_NS_BLOCKS, 0, SEND_OPEN | all),
			NULL, 0),
		NP_SUCCESS);
}

static void test_send__with_data_and_into_random_write_areas(void **state)
{
	const uint32_t all = 1 << 8;
	struct scene *scene = *state;
	uint8_t ext[EXT + 4] = {1, 2, 3};

	np_lb_assert_status(
		np_lb_exec(scene->io, management(nvme_zns_cmd_mgmt_send, ZONE, 0, SEND_SET_EXT),
			ext, EXT),
		NP_SUCCESS);
	assert_int_equal(scene->backend->last.bytes, EXT);
	assert_memory_equal(scene->backend->zone_ext, ext, EXT);
	np_lb_assert_status(
		np_lb_exec(scene->io, management(nvme_zns_cmd_mgmt_send, ZONE, 0, SEND_SET_EXT),
			ext, EXT + 4),
		np_status_generic(NVME_SC_SGL_INVALID_DATA));
	np_lb_assert_status(
		np_lb_exec(scene->io,
			management(nvme_zns_cmd_mgmt_send, ZONE, 0, SEND_SET_EXT | all), ext, EXT),
		BAD_FIELD);
	scene->backend->base.zone_ext_bytes = 0;
	np_lb_assert_status(
		np_lb_exec(scene->io, management(nvme_zns_cmd_mgmt_send, ZONE, 0, SEND_SET_EXT),
			ext, EXT),
		BAD_FIELD);
	np_lb_assert_status(
		np_lb_exec(scene->io, management(nvme_zns_cmd_mgmt_send, ZONE, 0, SEND_FLUSH_ZRWA),
			NULL, 0),
		NP_SUCCESS);
	drives.ozcs = 0;
	np_lb_assert_status(
		np_lb_exec(scene->io, management(nvme_zns_cmd_mgmt_send, ZONE, 0, SEND_FLUSH_ZRWA),
			NULL, 0),
		BAD_FIELD);
}

static void test_receive__brings_the_report(void **state)
{
	struct scene *scene = *state;
	uint8_t report[1024] = {0};

	np_lb_assert_status(np_lb_exec(scene->io, management(nvme_zns_cmd_mgmt_recv, 0, 255, 0x51),
				    report, sizeof(report)),
		NP_SUCCESS);
	for (size_t i = 0; i < sizeof(report); i++)
		assert_int_equal(report[i], 0x51);
	assert_int_equal(scene->backend->last.bytes, sizeof(report));
	np_lb_assert_status(np_lb_exec(scene->io, management(nvme_zns_cmd_mgmt_recv, 0, 254, 0),
				    report, sizeof(report)),
		np_status_generic(NVME_SC_SGL_INVALID_DATA));
	scene->backend->base.max_io_bytes = 512;
	np_lb_assert_status(np_lb_exec(scene->io, management(nvme_zns_cmd_mgmt_recv, 0, 255, 0),
				    report, sizeof(report)),
		BAD_FIELD);
	np_lb_assert_status(
		np_lb_exec(scene->io, management(nvme_zns_cmd_mgmt_recv, NP_LB_NS_BLOCKS, 127, 0),
			report, 512),
		BAD_LBA);
}

/* A zoned namespace has no Copy; one that is not zoned has none of these. */
static void test_zoned__each_has_its_own_commands(void **state)
{
	static const uint8_t opcodes[] = {
		nvme_zns_cmd_append, nvme_zns_cmd_mgmt_send, nvme_zns_cmd_mgmt_recv};
	struct scene *scene = *state;
	uint8_t block[BLOCK] = {0};

	for (size_t i = 0; i < sizeof(opcodes); i++) {
		struct np_sqe sqe = management(opcodes[i], 0, 0, SEND_OPEN);

		sqe.nsid = np_le32(3);
		np_lb_assert_status(np_lb_exec(scene->io, sqe, block, 4), BAD_OPCODE);
	}
	np_lb_assert_status(np_lb_exec(scene->io, rw(nvme_cmd_copy, 0, 1), block, 32), BAD_OPCODE);
}

/* Who has enabled the NVM Command Set alone has its commands. */
static void test_zoned__of_a_host_without_zones(void **state)
{
	struct scene *scene = *state;
	uint8_t block[BLOCK] = {0};

	enable(scene, NVME_CC_CSS_NVM);
	np_lb_assert_status(
		np_lb_exec(scene->io, rw(nvme_zns_cmd_append, 0, 1), block, BLOCK), BAD_OPCODE);
	np_lb_assert_status(
		np_lb_exec(scene->io, management(nvme_zns_cmd_mgmt_send, 0, 0, SEND_OPEN), NULL, 0),
		BAD_OPCODE);
	np_lb_assert_status(
		np_lb_exec(scene->io, rw(nvme_cmd_read, 0, 1), block, BLOCK), NP_SUCCESS);
}

/* Read-only as any other when it is protected. */
static void test_zoned__protected(void **state)
{
	struct scene *scene = *state;
	const struct np_status is_protected = np_status_generic(NVME_SC_NS_WRITE_PROTECTED);
	uint8_t block[BLOCK] = {0};

	scene->ns->is_protected = true;
	np_lb_assert_status(
		np_lb_exec(scene->io, rw(nvme_zns_cmd_append, 0, 1), block, BLOCK), is_protected);
	np_lb_assert_status(
		np_lb_exec(scene->io, management(nvme_zns_cmd_mgmt_send, 0, 0, SEND_OPEN), NULL, 0),
		is_protected);
	np_lb_assert_status(
		np_lb_exec(scene->io, management(nvme_zns_cmd_mgmt_recv, 0, 0, 0), block, 4),
		NP_SUCCESS);
}

#define zoned_test(f) cmocka_unit_test_setup_teardown(f, setup_zoned, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		zoned_test(test_zoned__identify),
		zoned_test(test_append__tells_where),
		zoned_test(test_append__limits),
		zoned_test(test_send__passes_the_action_on),
		zoned_test(test_send__with_data_and_into_random_write_areas),
		zoned_test(test_receive__brings_the_report),
		zoned_test(test_zoned__each_has_its_own_commands),
		zoned_test(test_zoned__of_a_host_without_zones),
		zoned_test(test_zoned__protected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
