// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_rdma_sgl.c - SGLs of command capsules, and ranges cut out of them.
 *
 * Depends: sgl.h, cmocka.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "transport/rdma/sgl.h"

#define CAPSULE_BYTES 4096u

static uint8_t capsule[CAPSULE_BYTES];

static struct np_sgl_desc keyed(uint8_t type, uint64_t addr, uint32_t bytes, uint32_t key)
{
	struct np_sgl_desc desc = {.addr = addr, .type = type};

	for (unsigned int i = 0; i < 3; i++)
		desc.keyed.length[i] = (uint8_t)(bytes >> 8 * i);
	for (unsigned int i = 0; i < 4; i++)
		desc.keyed.key[i] = (uint8_t)(key >> 8 * i);
	return desc;
}

static struct np_sgl_desc plain(uint8_t type, uint64_t offset, uint32_t bytes)
{
	struct np_sgl_desc desc = {.addr = offset, .type = type};

	desc.plain.length = bytes;
	return desc;
}

static unsigned int parse(struct np_sgl_desc desc, uint32_t bytes, struct np_data *data)
{
	struct np_sqe sqe = {.sgl = desc};

	memset(data, 0xee, sizeof(*data));
	return np_sgl_parse(&sqe, capsule, bytes, bytes, data).field & 0x7ffu;
}

/* Puts @count keyed descriptors of @bytes each at @offset of the capsule. */
static void put_list(uint32_t offset, unsigned int count, uint32_t bytes, uint8_t type)
{
	for (unsigned int i = 0; i < count; i++) {
		struct np_sgl_desc desc = keyed(type, 0x10000u * (i + 1), bytes, 0x100 + i);

		memcpy(capsule + offset + i * sizeof(desc), &desc, sizeof(desc));
	}
}

static void test_parse__keyed(void **state)
{
	struct np_data data;

	(void)state;
	assert_int_equal(parse(keyed(0x40, 0x1122334455667788, 0xfedcba, 0xdeadbeef), 0, &data), 0);
	assert_int_equal(data.kind, NP_DATA_KEYED);
	assert_int_equal(data.bytes, 0xfedcba);
	assert_int_equal(data.nsegs, 1);
	assert_true(data.segs[0].addr == 0x1122334455667788);
	assert_int_equal(data.segs[0].bytes, 0xfedcba);
	assert_true(data.segs[0].key == 0xdeadbeef);
	assert_false(data.invalidate);

	assert_int_equal(parse(keyed(0x4f, 0x1000, 512, 7), 0, &data), 0);
	assert_true(data.invalidate);
	assert_int_equal(data.invalidate_key, 7);
}

static void test_parse__zero_length_is_no_data(void **state)
{
	struct np_data data;

	(void)state;
	assert_int_equal(parse(keyed(0x40, 0, 0, 0), 0, &data), 0);
	assert_int_equal(data.kind, NP_DATA_NONE);
	assert_int_equal(data.bytes, 0);
	assert_int_equal(parse(keyed(0x4f, 0, 0, 9), 0, &data), 0);
	assert_int_equal(data.kind, NP_DATA_NONE);
	assert_false(data.invalidate);
	assert_int_equal(parse(plain(0x01, 0, 0), 0, &data), 0);
	assert_int_equal(data.kind, NP_DATA_NONE);
	put_list(0, 2, 0, 0x40);
	assert_int_equal(parse(plain(0x31, 0, 32), 64, &data), 0);
	assert_int_equal(data.kind, NP_DATA_NONE);
	assert_int_equal(data.nsegs, 0);
}

static void test_parse__in_capsule_bounds(void **state)
{
	static const struct {
		uint64_t offset;
		uint32_t bytes;
		unsigned int status;
	} rows[] = {
		{0, 1024, 0},
		{0, 1025, NVME_SC_SGL_INVALID_OFFSET},
		{1023, 1, 0},
		{1023, 2, NVME_SC_SGL_INVALID_OFFSET},
		{1025, 0, NVME_SC_SGL_INVALID_OFFSET},
		{UINT64_MAX, 2, NVME_SC_SGL_INVALID_OFFSET}, /* the sum wraps */
		{UINT64_MAX - 511, 512, NVME_SC_SGL_INVALID_OFFSET},
		{512, UINT32_MAX, NVME_SC_SGL_INVALID_OFFSET},
		{1ull << 32, 512, NVME_SC_SGL_INVALID_OFFSET},
	};
	struct np_data data;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(parse(plain(0x01, rows[i].offset, rows[i].bytes), 1024, &data),
			rows[i].status);
		if (rows[i].status) {
			assert_int_equal(data.kind, NP_DATA_NONE);
			assert_int_equal(data.bytes, 0);
			continue;
		}
		assert_int_equal(data.kind, NP_DATA_INLINE);
		assert_int_equal(data.inline_offset, rows[i].offset);
		assert_int_equal(data.bytes, rows[i].bytes);
	}
}

static void test_parse__in_capsule_limit_is_the_smaller_one(void **state)
{
	struct np_sqe sqe = {.sgl = plain(0x01, 0, 256)};
	struct np_data data;

	(void)state;
	assert_true(np_status_is_ok(np_sgl_parse(&sqe, capsule, 256, 4096, &data)));
	assert_int_equal(np_sgl_parse(&sqe, capsule, 255, 4096, &data).field & 0x7ff,
		NVME_SC_SGL_INVALID_OFFSET);
	assert_int_equal(np_sgl_parse(&sqe, capsule, 4096, 0, &data).field & 0x7ff,
		NVME_SC_SGL_INVALID_OFFSET);
}

static void test_parse__refuses_unknown_types(void **state)
{
	static const uint8_t types[] = {
		0x00, 0x02, 0x0f, 0x10, 0x20, 0x21, 0x30, 0x3f, 0x41, 0x4e, 0x50, 0xf0, 0xff};
	struct np_data data;

	(void)state;
	for (size_t i = 0; i < sizeof(types); i++)
		assert_int_equal(
			parse(plain(types[i], 0, 16), 64, &data), NVME_SC_SGL_INVALID_TYPE);
}

static void test_parse__list(void **state)
{
	struct np_data data;

	(void)state;
	put_list(16, 16, 0xffffff, 0x40);
	assert_int_equal(parse(plain(0x31, 16, 256), 272, &data), 0);
	assert_int_equal(data.kind, NP_DATA_KEYED);
	assert_int_equal(data.nsegs, 16);
	assert_true(data.bytes == 16u * 0xffffff);
	assert_int_equal(data.segs[15].key, 0x10f);
	assert_false(data.invalidate);

	/* A zero-length block between others is skipped. */
	put_list(0, 3, 512, 0x4f);
	put_list(16, 1, 0, 0x40);
	assert_int_equal(parse(plain(0x31, 0, 48), 48, &data), 0);
	assert_int_equal(data.nsegs, 2);
	assert_int_equal(data.bytes, 1024);
	assert_true(data.invalidate);
	assert_int_equal(data.invalidate_key, 0x100);
}

static void test_parse__list_faults(void **state)
{
	struct np_data data;

	(void)state;
	put_list(0, 17, 512, 0x40);
	assert_int_equal(parse(plain(0x31, 0, 0), 512, &data), NVME_SC_SGL_INVALID_LAST);
	assert_int_equal(parse(plain(0x31, 0, 17), 512, &data), NVME_SC_SGL_INVALID_LAST);
	assert_int_equal(parse(plain(0x31, 0, 17 * 16), 512, &data), NVME_SC_SGL_INVALID_COUNT);
	assert_int_equal(
		parse(plain(0x31, 0, UINT32_MAX & ~15u), 512, &data), NVME_SC_SGL_INVALID_COUNT);
	assert_int_equal(parse(plain(0x31, 0, 32), 31, &data), NVME_SC_SGL_INVALID_OFFSET);
	assert_int_equal(parse(plain(0x31, 1, 32), 32, &data), NVME_SC_SGL_INVALID_OFFSET);
	assert_int_equal(
		parse(plain(0x31, UINT64_MAX - 15, 32), 512, &data), NVME_SC_SGL_INVALID_OFFSET);
	put_list(16, 1, 512, 0x31);
	assert_int_equal(parse(plain(0x31, 0, 32), 512, &data), NVME_SC_SGL_INVALID_LAST);
	put_list(16, 1, 512, 0x21);
	assert_int_equal(parse(plain(0x31, 0, 32), 512, &data), NVME_SC_SGL_INVALID_LAST);
	put_list(16, 1, 512, 0x01);
	assert_int_equal(parse(plain(0x31, 0, 32), 512, &data), NVME_SC_SGL_INVALID_TYPE);
	assert_int_equal(data.kind, NP_DATA_NONE);
	assert_int_equal(data.nsegs, 0);
}

static void test_parse__address_must_not_wrap(void **state)
{
	struct np_data data;

	(void)state;
	assert_int_equal(
		parse(keyed(0x40, UINT64_MAX - 511, 512, 1), 0, &data), NVME_SC_SGL_INVALID_DATA);
	assert_int_equal(parse(keyed(0x40, UINT64_MAX - 512, 512, 1), 0, &data), 0);
}

static void test_map_piece__cuts_first_and_last(void **state)
{
	const struct np_data data = {
		.kind = NP_DATA_KEYED,
		.bytes = 3000,
		.nsegs = 3,
		.segs = {{0x1000, 1000, 1}, {0x5000, 500, 2}, {0x9000, 1500, 3}},
	};
	static const struct {
		uint32_t offset, bytes;
		unsigned int count;
		struct np_sgl_seg segs[3];
	} rows[] = {
		{0, 3000, 3, {{0x1000, 1000, 1}, {0x5000, 500, 2}, {0x9000, 1500, 3}}},
		{0, 1000, 1, {{0x1000, 1000, 1}}},
		{999, 2, 2, {{0x1000 + 999, 1, 1}, {0x5000, 1, 2}}},
		{1000, 500, 1, {{0x5000, 500, 2}}},
		{1100, 1000, 2, {{0x5000 + 100, 400, 2}, {0x9000, 600, 3}}},
		{2999, 1, 1, {{0x9000 + 1499, 1, 3}}},
		{2999, 50, 1, {{0x9000 + 1499, 1, 3}}},
		{3000, 50, 0, {{0}}},
		{UINT32_MAX, 50, 0, {{0}}},
		{10, 0, 0, {{0}}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct np_sgl_seg segs[NP_MAX_SGL_SEGS];

		assert_int_equal(np_rdma_map_piece(&data, rows[i].offset, rows[i].bytes, segs),
			rows[i].count);
		for (unsigned int s = 0; s < rows[i].count; s++) {
			assert_true(segs[s].addr == rows[i].segs[s].addr);
			assert_int_equal(segs[s].bytes, rows[i].segs[s].bytes);
			assert_int_equal(segs[s].key, rows[i].segs[s].key);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse__keyed),
		cmocka_unit_test(test_parse__zero_length_is_no_data),
		cmocka_unit_test(test_parse__in_capsule_bounds),
		cmocka_unit_test(test_parse__in_capsule_limit_is_the_smaller_one),
		cmocka_unit_test(test_parse__refuses_unknown_types),
		cmocka_unit_test(test_parse__list),
		cmocka_unit_test(test_parse__list_faults),
		cmocka_unit_test(test_parse__address_must_not_wrap),
		cmocka_unit_test(test_map_piece__cuts_first_and_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
