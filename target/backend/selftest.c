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
#define NP_SELFTEST_TRIES 3
#define NP_SELFTEST_PLACES 16 /* where others are writing is no place to compare */

struct np_selftest {
	struct np_backend *backend;
	struct np_pump pump;
	struct np_status status; /* of the last operation */
	uint8_t *host;           /* what the blocks hold, read into host memory */
	uint8_t *again;          /* the same, read later */
	uint8_t *copy;           /* of what the region holds, or is to hold */
	uint8_t *region;
	size_t bytes; /* of each */
	uint64_t poison;
	uint64_t place; /* state of a generator */
	struct np_compare compare;
	uint32_t
		compare_most; /* bytes; 0: the leg memory -> drive is not tested, or not any more */
	uint32_t compared;    /* the most that was right */
	bool host_differs;    /* by a Compare, so that it is not to be believed */
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

static int np_selftest_gone(char *why, size_t why_size)
{
	snprintf(why, why_size, "the memory is gone");
	return -EFAULT;
}

/* Return: 0, or -errno with a sentence in @why. */
static int np_selftest_fetch(struct np_selftest *test, void *va, uint64_t lba, uint32_t bytes,
	char *why, size_t why_size)
{
	int ret = np_selftest_read(test, va, lba, bytes);

	if (!ret && np_status_is_ok(test->status))
		return 0;
	snprintf(why, why_size, "a read of %u bytes into %s fails: %s", bytes,
		va == test->region ? "it" : "host memory",
		ret ? strerror(-ret) : np_status_name(test->status));
	return ret ? ret : -EIO;
}

/* Return: 1 if the bytes agree; else a sentence is in @why: 0 if they do not, or -errno. */
static int np_selftest_compare(
	struct np_selftest *test, uint64_t lba, uint32_t bytes, char *why, size_t why_size)
{
	int ret;

	ret = np_selftest_fetch(test, test->host, lba, bytes, why, why_size);
	if (ret)
		return ret;
	if (np_selftest_poison(test, bytes))
		return np_selftest_gone(why, why_size);
	ret = np_selftest_fetch(test, test->region, lba, bytes, why, why_size);
	if (ret)
		return ret;
	if (np_buscopy(test->copy, test->region, bytes))
		return np_selftest_gone(why, why_size);
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

/* This direction is not tested any further. Return: 1, which is not the memory's fault. */
static int np_selftest_end_leg(struct np_selftest *test, const char *why)
{
	test->compare_most = 0;
	snprintf(test->compare_why, sizeof(test->compare_why), "%.111s", why);
	return 1;
}

/* At @va is what the blocks hold. Return: as above. */
static int np_selftest_ask_both(struct np_selftest *test, uint8_t *va, uint64_t lba, uint32_t bytes,
	char *why, size_t why_size)
{
	const uint8_t right = test->copy[bytes - 1], other = (uint8_t)~right;
	int ret = np_selftest_ask(test, va, lba, bytes, true, why, why_size);

	if (ret <= 0)
		return ret;
	if (np_buscopy(va + bytes - 1, &other, sizeof(other)))
		return np_selftest_gone(why, why_size);
	ret = np_selftest_ask(test, va, lba, bytes, false, why, why_size);
	if (np_buscopy(va + bytes - 1, &right, sizeof(right)))
		return np_selftest_gone(why, why_size);
	return ret;
}

/*
 * After a read that compared equal. What the drive says of host memory tells whether its Compare
 * is to be believed.
 * Return: 1 if all is well or not to be told; else a sentence is in @why: 0 if not, or -errno.
 */
static int np_selftest_leg(
	struct np_selftest *test, uint64_t lba, uint32_t bytes, char *why, size_t why_size)
{
	int ret = np_selftest_ask_both(test, test->host, lba, bytes, why, why_size);

	test->host_differs = !ret;
	if (ret == -EREMOTEIO)
		return np_selftest_end_leg(test, why);
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

/* Are others writing the blocks at this time? Return: 1, 0, or -errno with a sentence in @why. */
static int np_selftest_has_changed(
	struct np_selftest *test, uint64_t lba, uint32_t bytes, char *why, size_t why_size)
{
	int ret = np_selftest_fetch(test, test->again, lba, bytes, why, why_size);

	return ret ? ret : memcmp(test->again, test->host, bytes) != 0;
}

/* Return: an LBA, any at which @bytes end within the drive. */
static uint64_t np_selftest_elsewhere(struct np_selftest *test, uint32_t bytes)
{
	const struct np_backend *backend = test->backend;

	test->place = test->place * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (test->place >> 16) % (backend->nblocks - bytes / backend->block_bytes + 1);
}

/* At @lba, and elsewhere if others are writing there. Return: 0, or -errno with a sentence in @why. */
static int np_selftest_range(
	struct np_selftest *test, uint64_t lba, uint32_t bytes, char *why, size_t why_size)
{
	unsigned int tries = NP_SELFTEST_TRIES, places = NP_SELFTEST_PLACES;

	while (tries && places) {
		int ret = np_selftest_compare(test, lba, bytes, why, why_size);
		char doubt[128];

		test->host_differs = false;
		if (ret > 0 && bytes <= test->compare_most)
			ret = np_selftest_leg(test, lba, bytes, why, why_size);
		if (ret)
			return ret < 0 ? ret : 0;
		ret = np_selftest_has_changed(test, lba, bytes, doubt, sizeof(doubt));
		if (ret < 0) {
			snprintf(why, why_size, "%s", doubt);
			return ret;
		}
		if (ret) {
			lba = np_selftest_elsewhere(test, bytes);
			places--;
		} else {
			tries--;
		}
	}
	if (!places) {
		snprintf(why, why_size, "others kept writing the %u bytes that were compared",
			bytes);
		return -EBUSY;
	}
	if (test->host_differs) {
		np_selftest_end_leg(test, why);
		return 0;
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
	ret = posix_memalign(&buffers, NP_PAGE_BYTES, 3 * test->bytes);
	if (ret)
		return -ret;
	test->host = buffers;
	test->again = test->host + test->bytes;
	test->copy = test->again + test->bytes;
	test->place = test->poison;
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
