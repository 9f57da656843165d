// SPDX-License-Identifier: BSD-3-Clause
/*
 * selftest.c - can this drive move its blocks into that memory, and reach what is there?
 *
 * Thread: control.
 * Depends: pump.h, compare.h, buscopy.h.
 */
#include "target/backend/selftest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "target/backend/compare.h"
#include "target/backend/pump.h"
#include "target/memory/buscopy.h"

#define NP_SELFTEST_ODD_BYTES 512u
#define NP_SELFTEST_TRIES 3 /* somebody else may be writing the blocks: look again */

struct np_selftest {
	struct np_backend *backend;
	struct np_pump pump;
	struct np_status status; /* of the last operation */
	uint8_t *host;           /* what the blocks hold, read into host memory */
	uint8_t *copy;           /* of what the region holds, or is to hold */
	uint8_t *region;
	size_t bytes; /* of each */
	uint64_t poison;
	struct np_compare compare;
	uint32_t
		compare_most; /* bytes; 0: the leg memory -> drive is not tested, or not any more */
	uint32_t compared;    /* the most that was right */
	char compare_why[112]; /* why no more than that, "" if there is nothing to say */
};

/* Return: 0 with the status in test->status, or -errno of the ring. */
static int np_selftest_read(struct np_selftest *test, void *va, uint64_t lba, uint32_t bytes)
{
	struct np_io io = {
		.op = NP_IO_READ,
		.lba = lba,
		.nblocks = bytes / test->backend->block_bytes,
		.va = va,
	};

	return np_pump_run(&test->pump, test->backend, &io, &test->status);
}

/* Return: 0, or -EFAULT if the memory is gone. */
static int np_selftest_poison(struct np_selftest *test, uint32_t bytes)
{
	uint64_t *words = (uint64_t *)(void *)test->copy;

	for (uint32_t i = 0; i < bytes / sizeof(*words); i++)
		words[i] = test->poison + i;
	return np_buscopy(test->region, test->copy, bytes);
}

/* ---- drive -> memory: reads --------------------------------------------------------------- */

/* Return: 1 if the bytes agree; else a sentence is in @why: 0 if they do not, or -errno. */
static int np_selftest_compare(
	struct np_selftest *test, uint64_t lba, uint32_t bytes, char *why, size_t why_size)
{
	int ret;

	ret = np_selftest_read(test, test->host, lba, bytes);
	if (ret || !np_status_is_ok(test->status)) {
		snprintf(why, why_size, "a read of %u bytes into host memory fails: %s", bytes,
			ret ? strerror(-ret) : np_status_name(test->status));
		return ret ? ret : -EIO;
	}
	ret = np_selftest_poison(test, bytes);
	if (!ret)
		ret = np_selftest_read(test, test->region, lba, bytes);
	if (ret || !np_status_is_ok(test->status)) {
		snprintf(why, why_size, "a read of %u bytes into it fails: %s", bytes,
			ret ? strerror(-ret) : np_status_name(test->status));
		return ret ? ret : -EIO;
	}
	ret = np_buscopy(test->copy, test->region, bytes);
	if (ret) {
		snprintf(why, why_size, "the memory is gone");
		return ret;
	}
	snprintf(why, why_size,
		"a read of %u bytes into it reports success and leaves other bytes there", bytes);
	return !memcmp(test->copy, test->host, bytes);
}

/* ---- memory -> drive: Compare, which makes the drive read and changes nothing -------------- */

/*
 * Return: 1 if the drive found @is_equal; else a sentence is in @why: 0 if not, -EREMOTEIO if it
 * refuses the command, another -errno of the ring.
 */
static int np_selftest_ask(struct np_selftest *test, const void *va, uint64_t lba, uint32_t bytes,
	bool is_equal, char *why, size_t why_size)
{
	const struct np_status differs = {
		NVME_SCT_MEDIA << NVME_SCT_SHIFT | NVME_SC_COMPARE_FAILED};
	const char *from = va == test->host ? "host memory" : "it";
	int ret;

	ret = np_compare_run(&test->compare, &test->pump, lba, bytes, va, &test->status);
	if (!ret && (np_status_is_ok(test->status) || np_status_is(test->status, differs))) {
		snprintf(why, why_size, "a Compare of %u bytes from %s finds %s", bytes, from,
			is_equal ? "other bytes there" : "a changed byte equal");
		return np_status_is_ok(test->status) == is_equal;
	}
	snprintf(why, why_size, "a Compare of %u bytes from %s fails: %s", bytes, from,
		ret ? strerror(-ret) : np_status_name(test->status));
	return ret ? ret : -EREMOTEIO;
}

/* At @va is what the blocks hold; its last byte is another one then. Return: as above. */
static int np_selftest_ask_both(struct np_selftest *test, uint8_t *va, uint64_t lba, uint32_t bytes,
	char *why, size_t why_size)
{
	const uint8_t other = (uint8_t)~test->copy[bytes - 1];
	int ret = np_selftest_ask(test, va, lba, bytes, true, why, why_size);

	if (ret <= 0)
		return ret;
	ret = np_buscopy(va + bytes - 1, &other, sizeof(other));
	if (ret) {
		snprintf(why, why_size, "the memory is gone");
		return ret;
	}
	return np_selftest_ask(test, va, lba, bytes, false, why, why_size);
}

/*
 * After a read that compared equal. What the drive says of host memory tells whether its Compare
 * is to be believed: if not, the leg is not tested any further.
 * Return: 1 if all is well or not to be told; else a sentence is in @why: 0 if not, or -errno.
 */
static int np_selftest_leg(struct np_selftest *test, uint64_t lba, uint32_t bytes, bool is_last_try,
	char *why, size_t why_size)
{
	int ret = np_selftest_ask_both(test, test->host, lba, bytes, why, why_size);

	if (ret == -EREMOTEIO || (!ret && is_last_try)) {
		test->compare_most = 0;
		snprintf(test->compare_why, sizeof(test->compare_why), "%.111s", why);
		return 1;
	}
	if (ret > 0)
		ret = np_selftest_ask_both(test, test->region, lba, bytes, why, why_size);
	if (ret > 0 && bytes > test->compared)
		test->compared = bytes;
	return ret;
}

static void np_selftest_open_compare(struct np_selftest *test, const struct np_mem_region *region)
{
	const struct np_backend *backend = test->backend;

	/* Data of every machine goes from host memory to the drive. */
	if (!region->is_peer ||
		np_compare_open(&test->compare, test->backend, test->compare_why,
			sizeof(test->compare_why)))
		return;
	test->compare_most = np_compare_max_bytes(&test->compare);
	/* A longer passthrough command may be refused where its data is the drive's own: p2p.md. */
	if (!strcmp(backend->pci, region->pci) && test->compare_most > NP_PAGE_BYTES)
		test->compare_most = NP_PAGE_BYTES;
	if (test->compare_most < backend->block_bytes)
		snprintf(test->compare_why, sizeof(test->compare_why),
			"a block is longer than a Compare may be here");
}

/* ---- both --------------------------------------------------------------------------------- */

/* Return: 0, or -errno with a sentence in @why. */
static int np_selftest_range(
	struct np_selftest *test, uint64_t lba, uint32_t bytes, char *why, size_t why_size)
{
	for (int left = NP_SELFTEST_TRIES; left--;) {
		int ret = np_selftest_compare(test, lba, bytes, why, why_size);

		if (ret > 0 && bytes <= test->compare_most)
			ret = np_selftest_leg(test, lba, bytes, !left, why, why_size);
		if (ret)
			return ret < 0 ? ret : 0;
	}
	return -EBADMSG;
}

/* In-capsule data and the halves of a Compare begin anywhere in host memory. */
static int np_selftest_odd_place(struct np_selftest *test, char *why, size_t why_size)
{
	uint32_t bytes = test->backend->block_bytes;
	int ret;

	test->region += NP_SELFTEST_ODD_BYTES;
	ret = np_selftest_range(test, 0, bytes, why, why_size);
	test->region -= NP_SELFTEST_ODD_BYTES;
	return ret;
}

static int np_selftest_sizes(
	struct np_selftest *test, uint32_t *ret_largest, char *why, size_t why_size)
{
	const uint32_t block = test->backend->block_bytes;
	const uint64_t all = test->backend->nblocks;
	const uint32_t most = (uint32_t)(test->bytes - test->bytes % block);

	/* Powers of two, and the largest that there will be. */
	for (uint32_t bytes = block; bytes <= most;
		bytes = bytes < most && bytes * 2 > most ? most : bytes * 2) {
		uint64_t last = all - bytes / block;
		const uint64_t lbas[] = {0, all / 2 < last ? all / 2 : last, last};
		/* Small sizes everywhere, large ones once: the whole takes some milliseconds. */
		size_t places = bytes <= 2 * NP_PAGE_BYTES ? sizeof(lbas) / sizeof(lbas[0]) : 1;

		if (bytes / block > all)
			break;
		for (size_t i = 0; i < places; i++) {
			int ret = np_selftest_range(test, lbas[i], bytes, why, why_size);

			if (ret)
				return ret;
		}
		*ret_largest = bytes;
	}
	return 0;
}

static int np_selftest_init(
	struct np_selftest *test, struct np_backend *backend, struct np_mem_region *region)
{
	void *buffers;
	int ret;

	*test = (struct np_selftest){.backend = backend, .region = region->scratch};
	test->bytes = region->scratch_bytes;
	if (test->bytes > backend->max_io_bytes)
		test->bytes = backend->max_io_bytes;
	if (getrandom(&test->poison, sizeof(test->poison), 0) != sizeof(test->poison))
		return -EIO;
	ret = posix_memalign(&buffers, NP_PAGE_BYTES, 2 * test->bytes);
	if (ret)
		return -ret;
	test->host = buffers;
	test->copy = test->host + test->bytes;
	ret = np_pump_init(&test->pump, backend->is_polled);
	if (ret)
		free(buffers);
	else
		np_selftest_open_compare(test, region);
	return ret;
}

static void np_selftest_fini(struct np_selftest *test)
{
	np_compare_close(&test->compare);
	np_pump_fini(&test->pump);
	free(test->host);
}

static void np_selftest_praise(
	const struct np_selftest *test, uint32_t largest, char *why, size_t why_size)
{
	const struct np_backend *backend = test->backend;
	const int n = snprintf(why, why_size, "reads of %u to %u bytes by engine %s compared equal",
		backend->block_bytes, largest, backend->ops->name);

	if (n < 0 || (size_t)n >= why_size)
		return;
	why += n;
	why_size -= (size_t)n;
	if (test->compared)
		snprintf(why, why_size, "; Compares of %u to %u bytes too", backend->block_bytes,
			test->compared);
	else if (test->compare_why[0])
		snprintf(why, why_size, "; memory -> drive not tested: %s", test->compare_why);
}

enum np_verdict np_backend_selftest(
	struct np_backend *backend, struct np_mem_region *region, char *why, size_t why_size)
{
	struct np_selftest test;
	uint32_t largest = 0;
	int ret;

	if (!backend->is_direct) {
		snprintf(why, why_size, "engine %s copies data with the CPU", backend->ops->name);
		return NP_VERDICT_UNUSABLE;
	}
	ret = np_selftest_init(&test, backend, region);
	if (ret) {
		snprintf(why, why_size, "the test cannot run: %s", strerror(-ret));
		return NP_VERDICT_UNUSABLE;
	}
	ret = np_selftest_sizes(&test, &largest, why, why_size);
	if (!ret && !region->is_peer)
		ret = np_selftest_odd_place(&test, why, why_size);
	if (!ret)
		np_selftest_praise(&test, largest, why, why_size);
	np_selftest_fini(&test);
	return ret ? NP_VERDICT_UNUSABLE : NP_VERDICT_WORKS;
}

/*
 * A drive may refuse (0x12) data in its own CMB when the SGL that names it is in host memory. The
 * kernel (7.2 and 7.3, nvme_pci_setup_data_sgl) writes such an SGL for a passthrough command of
 * more than one page, but not on a tag whose last command went through the IOMMU: its leftover DMA
 * state makes the kernel put the one descriptor into the command. So the same read passes or fails
 * by the tag that it happens to get, and no self-test can vouch for the next one.
 */
static bool np_selftest_passes_by_luck(
	const struct np_backend *backend, const struct np_mem_region *region)
{
	return backend->ops == &np_backend_nvme_ops && region->is_peer &&
		!strcmp(backend->pci, region->pci);
}

enum np_verdict np_backend_judge_region(
	struct np_backend *backend, struct np_mem_region *region, char *why, size_t why_size)
{
	if (!np_selftest_passes_by_luck(backend, region))
		return np_backend_selftest(backend, region, why, why_size);
	snprintf(why, why_size,
		"engine nvme is not for a drive's own CMB: some commands would have their SGL in "
		"host memory");
	return NP_VERDICT_UNUSABLE;
}
