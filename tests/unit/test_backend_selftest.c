// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_backend_selftest.c - drives that move their blocks, and drives that only say so, in either
 *                           direction. The drive and its Compare are fakes.
 *
 * Depends: np_backend without compare.c, cmocka.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "need_uring.h"
#include "target/backend/compare.h"
#include "target/backend/selftest.h"

#define BLOCK_BYTES 512u
#define N_BLOCKS 128u
#define DISK_BYTES (N_BLOCKS * BLOCK_BYTES)
#define PCI "0000:01:00.0"

#define READS "reads of 512 to 16384 bytes by engine fake compared equal"
#define NOT_TESTED READS "; memory -> drive not tested: "

static const struct np_status differs = {0x4285};
static const struct np_status refused = {0x4002};

/* What is wrong with the drive, in one case. */
struct flaws {
	bool reads_nothing;         /* into the memory; and reports success */
	bool fetches_nothing;       /* from the memory: sees what it fetched before */
	bool refuses_to_fetch;      /* from the memory */
	bool calls_all_equal;       /* whatever the memory */
	bool calls_all_different;   /* likewise */
	unsigned int other_writers; /* so many times a block changes while it is compared */
	uint32_t hot_blocks;   /* so many from LBA 0 on change with each read into the memory */
	uint32_t compare_most; /* it refuses a longer Compare */
	bool is_own;           /* the memory is the drive's own */
	bool is_host;          /* the memory is the machine's */
	int open_error;        /* of np_compare_open() */
};

static struct world {
	struct flaws flaws;
	uint8_t *disk, *memory; /* DISK_BYTES each */
	unsigned int ncompares;
	uint32_t longest;
} world;

/* ---- a drive -------------------------------------------------------------------------------- */

static bool is_in_memory(const void *va)
{
	return (uintptr_t)va - (uintptr_t)world.memory < DISK_BYTES;
}

static enum np_io_submit fake_submit(struct np_backend *backend, struct np_reactor *reactor,
	struct np_io *io, struct np_status *ret_status)
{
	(void)backend;
	(void)reactor;
	assert_int_equal(io->op, NP_IO_READ);
	assert_true(io->lba + io->nblocks <= N_BLOCKS);
	if (is_in_memory(io->va) && io->lba < world.flaws.hot_blocks)
		world.disk[io->lba * BLOCK_BYTES]++;
	if (!world.flaws.reads_nothing || !is_in_memory(io->va))
		memcpy(io->va, world.disk + io->lba * BLOCK_BYTES, io->nblocks * BLOCK_BYTES);
	*ret_status = NP_SUCCESS;
	return NP_IO_DONE;
}

static const struct np_backend_ops fake_ops = {.name = "fake", .submit = fake_submit};

int np_compare_open(
	struct np_compare *compare, struct np_backend *backend, char *why, size_t why_size)
{
	*compare = (struct np_compare){.nvme = backend};
	snprintf(why, why_size, "%s", world.flaws.open_error ? "the drive has no Compare" : "");
	return world.flaws.open_error;
}

void np_compare_close(struct np_compare *compare)
{
	*compare = (struct np_compare){0};
}

uint32_t np_compare_max_bytes(const struct np_compare *compare)
{
	return compare->nvme->max_io_bytes;
}

int np_compare_run(const struct np_compare *compare, struct np_pump *pump, uint64_t lba,
	uint32_t bytes, const void *va, struct np_status *ret_status)
{
	static uint8_t fetched[DISK_BYTES];
	uint8_t *blocks = world.disk + lba * BLOCK_BYTES;

	(void)compare;
	(void)pump;
	world.ncompares++;
	if (bytes > world.longest)
		world.longest = bytes;
	if (world.flaws.other_writers && is_in_memory(va)) {
		world.flaws.other_writers--;
		blocks[0]++;
	}
	if (!world.flaws.fetches_nothing || !is_in_memory(va))
		memcpy(fetched, va, bytes);
	*ret_status = memcmp(fetched, blocks, bytes) ? differs : NP_SUCCESS;
	if (world.flaws.calls_all_equal)
		*ret_status = NP_SUCCESS;
	if (world.flaws.calls_all_different)
		*ret_status = differs;
	if ((world.flaws.refuses_to_fetch && is_in_memory(va)) ||
		(world.flaws.compare_most && bytes > world.flaws.compare_most))
		*ret_status = refused;
	return 0;
}

/* ---- cases ---------------------------------------------------------------------------------- */

static enum np_verdict test_drive(const struct flaws *flaws, char *why, size_t why_size)
{
	struct np_backend backend = {
		.ops = &fake_ops,
		.pci = PCI,
		.block_bytes = BLOCK_BYTES,
		.nblocks = N_BLOCKS,
		.max_io_bytes = 16384,
		.is_direct = true,
	};
	struct np_mem_region region = {
		.is_peer = !flaws->is_host,
		.scratch = world.memory,
		.scratch_bytes = 32768,
	};

	snprintf(region.pci, sizeof(region.pci), "%s", flaws->is_own ? PCI : "0000:02:00.0");
	world.flaws = *flaws;
	world.ncompares = 0;
	world.longest = 0;
	for (unsigned int i = 0; i < DISK_BYTES; i++)
		world.disk[i] = (uint8_t)(i * 7 + i / BLOCK_BYTES);
	return np_backend_selftest(&backend, &region, why, why_size);
}

static int setup(void **state)
{
	struct np_pump pump;
	int ret = np_pump_init(&pump, false);

	(void)state;
	if (ret == -ENOSYS || ret == -EPERM) /* io_uring is switched off here */
		skip();
	assert_int_equal(ret, 0);
	np_pump_fini(&pump);
	assert_int_equal(posix_memalign((void **)&world.disk, 4096, DISK_BYTES), 0);
	assert_int_equal(posix_memalign((void **)&world.memory, 4096, DISK_BYTES), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(world.disk);
	free(world.memory);
	return 0;
}

static void test_np_backend_selftest__says_what_was_compared(void **state)
{
	static const struct {
		struct flaws flaws;
		const char *why;
		uint32_t longest;
	} cases[] = {
		{{0}, READS "; Compares of 512 to 16384 bytes too", 16384},
		{{.is_own = true}, READS "; Compares of 512 to 4096 bytes too", 4096},
		{{.is_host = true}, READS, 0},
		{{.other_writers = 2}, READS "; Compares of 512 to 16384 bytes too", 16384},
		{{.hot_blocks = 8}, READS "; Compares of 512 to 16384 bytes too", 16384},
		{{.compare_most = 8192}, READS "; Compares of 512 to 8192 bytes too", 16384},
		{{.open_error = -EOPNOTSUPP}, NOT_TESTED "the drive has no Compare", 0},
		{{.compare_most = 1},
			NOT_TESTED "a Compare of 512 bytes from host memory fails: "
				   "Invalid Field",
			512},
		{{.calls_all_equal = true},
			NOT_TESTED "a Compare of 512 bytes from host memory finds a changed byte "
				   "equal",
			512},
		{{.calls_all_different = true},
			NOT_TESTED
			"a Compare of 512 bytes from host memory finds other bytes there",
			512},
	};
	char why[192];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(test_drive(&cases[i].flaws, why, sizeof(why)), NP_VERDICT_WORKS);
		if (strncmp(why, cases[i].why, strlen(cases[i].why)))
			fail_msg("case %zu says \"%s\"", i, why);
		assert_int_equal(world.longest, cases[i].longest);
	}
}

static void test_np_backend_selftest__finds_what_one_direction_does_not_move(void **state)
{
	static const struct {
		struct flaws flaws;
		const char *why;
	} cases[] = {
		{{.reads_nothing = true},
			"a read of 512 bytes into it reports success and leaves "
			"other bytes there"},
		{{.fetches_nothing = true},
			"a Compare of 512 bytes from it finds other bytes there"},
		{{.refuses_to_fetch = true}, "a Compare of 512 bytes from it fails: "},
		{{.reads_nothing = true, .hot_blocks = 8},
			"a read of 512 bytes into it reports success and leaves "
			"other bytes there"},
		{{.hot_blocks = N_BLOCKS}, "others kept writing the 512 bytes that were compared"},
		{{.other_writers = 100}, "others kept writing the 512 bytes that were compared"},
	};
	char why[192];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
			test_drive(&cases[i].flaws, why, sizeof(why)), NP_VERDICT_UNUSABLE);
		if (strncmp(why, cases[i].why, strlen(cases[i].why)))
			fail_msg("case %zu says \"%s\"", i, why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_np_backend_selftest__says_what_was_compared),
		cmocka_unit_test(test_np_backend_selftest__finds_what_one_direction_does_not_move),
	};

	need_uring();
	return cmocka_run_group_tests(tests, setup, teardown);
}
