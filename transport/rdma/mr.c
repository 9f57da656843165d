// SPDX-License-Identifier: BSD-3-Clause
/*
 * mr.c - memory registration: pinned, on demand where the kernel refuses to pin, or by dma-buf.
 *
 * Linux does not pin peer-to-peer pages for long (mm/gup.c refuses FOLL_LONGTERM with
 * FOLL_PCI_P2PDMA), so memory of a PCIe device needs an RNIC with on-demand paging.
 *
 * Thread: control thread.
 * Depends: dev.h, selftest.h.
 */
#include "transport/rdma/mr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "target/base/clock.h"
#include "transport/rdma/conn.h"
#include "transport/rdma/selftest.h"

#define RETEST_MS 5000u
#define BUSY_S 10.0 /* the first time; then twice as long each time */
#define BUSY_MOST_S 600.0

static unsigned int access_flags(const struct np_rdma_dev *dev, const struct np_mem_region *region)
{
	unsigned int flags = IBV_ACCESS_LOCAL_WRITE;

	/* iWARP answers a READ with a WRITE that the peer addresses. */
	if (dev->ctx->device->transport_type == IBV_TRANSPORT_IWARP)
		flags |= IBV_ACCESS_REMOTE_WRITE;
	if (region->reg_kind == NP_MEM_REG_ODP)
		flags |= IBV_ACCESS_ON_DEMAND;
	return flags;
}

/* Return: 0 or -errno with the reason in @mr. */
static int register_one(
	struct np_rdma_dev *dev, const struct np_mem_region *region, struct np_rdma_mr *mr)
{
	const unsigned int access = access_flags(dev, region);
	int err;

	if (region->is_peer && dev->may_fault) {
		snprintf(mr->reason, sizeof(mr->reason),
			"the RNIC is software, and arm64 kernels may crash when they copy from "
			"device memory (daemon.software_p2p)");
		return -EOPNOTSUPP;
	}
	if (region->reg_kind == NP_MEM_REG_ODP && !dev->has_odp) {
		snprintf(mr->reason, sizeof(mr->reason),
			"the RNIC has no on-demand paging, which peer-to-peer memory needs");
		return -EOPNOTSUPP;
	}
	/* Which device can register a dma-buf shows when it is tried. */
	if (region->reg_kind == NP_MEM_REG_DMABUF)
		mr->mr = ibv_reg_dmabuf_mr(
			dev->pd, 0, region->bytes, (uintptr_t)region->va, region->fd, (int)access);
	else
		mr->mr = ibv_reg_mr(dev->pd, region->va, region->bytes, access);
	if (!mr->mr) {
		err = -errno;
		snprintf(mr->reason, sizeof(mr->reason), "registration %sfailed: %s",
			region->reg_kind == NP_MEM_REG_DMABUF ? "of a dma-buf " : "",
			strerror(-err));
		return err;
	}
	mr->lkey = mr->mr->lkey;
	if (region->reg_kind == NP_MEM_REG_ODP) {
		struct ibv_sge sge = {(uintptr_t)region->va, (uint32_t)region->bytes, mr->lkey};

		/* Only saves page faults; some devices, rxe among them, do not have it. */
		ibv_advise_mr(dev->pd, IBV_ADVISE_MR_ADVICE_PREFETCH_WRITE, 0, &sge, 1);
	}
	return 0;
}

static bool is_usable(const struct np_rdma_mr *mr)
{
	return mr->verdict == NP_VERDICT_WORKS || mr->verdict == NP_VERDICT_QUIRK;
}

static void note(struct np_rdma_dev *dev, struct np_mem_region *region, const struct np_rdma_mr *mr)
{
	enum np_log_level level = is_usable(mr) ? NP_LOG_INFO : NP_LOG_WARN;

	np_mem_note(region, dev->name, true, mr->verdict, mr->reason);
	np_event(NP_EVENT_TEST, level, "%s with %s: %s%s%s", region->name, dev->name,
		np_verdict_name(mr->verdict), mr->reason[0] ? ": " : "", mr->reason);
}

/* Tests @region, and again later if too much else was going on. */
static void test(struct np_rdma_dev *dev, struct np_mem_region *region)
{
	struct np_rdma_mr *mr = &dev->mrs[region->id];

	np_rdma_selftest(dev, region, mr);
	note(dev, region, mr);
	if (mr->was_busy && !ev_is_active(&dev->busy_timer))
		ev_timer_again(dev->rdma->runtime->loop, &dev->busy_timer);
}

/* Return: 0, or -errno of the registration; both outcomes are noted. */
static int add(struct np_rdma_dev *dev, struct np_mem_region *region)
{
	struct np_rdma_mr *mr = &dev->mrs[region->id];
	int err;

	*mr = (struct np_rdma_mr){0};
	err = register_one(dev, region, mr);
	if (!err) {
		test(dev, region);
		return 0;
	}
	mr->verdict = NP_VERDICT_UNUSABLE;
	note(dev, region, mr);
	return err;
}

int np_rdma_mr_register_all(struct np_rdma_dev *dev, char *why, size_t why_size)
{
	struct np_mem_region *region;
	int err;

	np_mem_for_each(dev->rdma->mem, region) {
		err = add(dev, region);
		if (err && !region->is_optional) {
			snprintf(why, why_size, "%s memory: %s", region->name,
				dev->mrs[region->id].reason);
			return err;
		}
	}
	return 0;
}

/* What the connections of @dev may use depends on what was found. */
static void judge_conns(struct np_rdma_dev *dev)
{
	const struct np_list *pos;

	np_list_for_each(pos, &dev->rdma->conns) {
		struct np_rdma_conn *conn = np_container_of(pos, struct np_rdma_conn, link);

		if (conn->dev == dev)
			np_rdma_mr_judge_conn(conn);
	}
}

void np_rdma_mr_add(struct np_rdma_dev *dev, struct np_mem_region *region)
{
	add(dev, region);
	judge_conns(dev);
}

void np_rdma_mr_test(struct np_rdma_dev *dev, struct np_mem_region *region)
{
	if (!dev->mrs[region->id].mr)
		return;
	test(dev, region);
	judge_conns(dev);
}

void np_rdma_mr_remove(struct np_rdma_dev *dev, const struct np_mem_region *region)
{
	struct np_rdma_mr *mr = &dev->mrs[region->id];

	if (mr->mr && ibv_dereg_mr(mr->mr))
		np_log_warn("%s: %s could not be deregistered", dev->name, region->name);
	*mr = (struct np_rdma_mr){0};
	judge_conns(dev);
}

static bool is_any(const struct np_rdma_mr *mr)
{
	(void)mr;
	return true;
}

static bool is_unusable(const struct np_rdma_mr *mr)
{
	return !is_usable(mr);
}

static bool was_busy(const struct np_rdma_mr *mr)
{
	return mr->was_busy;
}

static void retest(struct np_rdma_dev *dev, bool (*is_due)(const struct np_rdma_mr *mr))
{
	struct np_mem_region *region;

	np_mem_for_each(dev->rdma->mem, region) {
		const struct np_rdma_mr *mr = &dev->mrs[region->id];

		if (mr->mr && !np_mem_is_lost(region) && is_due(mr))
			test(dev, region);
	}
	judge_conns(dev);
	np_rdma_devices_changed(dev->rdma);
}

void np_rdma_mr_retest(struct np_rdma_dev *dev, bool all)
{
	retest(dev, all ? is_any : is_unusable);
}

static void retest_busy(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct np_rdma_dev *dev = np_container_of(timer, struct np_rdma_dev, busy_timer);

	(void)events;
	ev_timer_stop(loop, timer);
	timer->repeat = timer->repeat * 2 < BUSY_MOST_S ? timer->repeat * 2 : BUSY_MOST_S;
	retest(dev, was_busy);
	if (!ev_is_active(timer))
		timer->repeat = BUSY_S;
}

void np_rdma_mr_init(struct np_rdma_dev *dev)
{
	ev_timer_init(&dev->busy_timer, retest_busy, 0, BUSY_S);
}

/*
 * Whole pages are not enough here: capsules and completions lie in host memory too, at any
 * alignment.
 */
static bool is_host_good(const struct np_rdma_dev *dev, const struct np_rdma_mr *mr)
{
	if (mr->verdict == NP_VERDICT_UNTESTED)
		return dev->ctx->device->transport_type == IBV_TRANSPORT_IWARP;
	return mr->verdict == NP_VERDICT_WORKS;
}

/* Return: the first region of host memory that is not good, or NULL. */
static struct np_mem_region *find_bad_host(const struct np_rdma_dev *dev)
{
	struct np_mem_region *region;

	np_mem_for_each(dev->rdma->mem, region) {
		if (!region->is_optional && !is_host_good(dev, &dev->mrs[region->id]))
			return region;
	}
	return NULL;
}

int np_rdma_mr_require_host(struct np_rdma_dev *dev, char *why, size_t why_size)
{
	bool has_changed = np_rdma_dev_find_port(dev);
	struct np_mem_region *bad = find_bad_host(dev);
	const struct np_rdma_mr *mr;

	if (has_changed ||
		(bad && dev->mrs[bad->id].verdict == NP_VERDICT_UNTESTED &&
			np_clock_ms() >= dev->retest_ms)) {
		np_rdma_mr_retest(dev, has_changed);
		dev->retest_ms = np_clock_ms() + RETEST_MS;
		bad = find_bad_host(dev);
	}
	if (!bad)
		return 0;
	mr = &dev->mrs[bad->id];
	snprintf(why, why_size, "%s memory with %s: %s: %s", bad->name, dev->name,
		np_verdict_name(mr->verdict), mr->reason);
	return -EIO;
}

void np_rdma_mr_deregister_all(struct np_rdma_dev *dev)
{
	for (unsigned int i = 0; i < NP_MAX_REGIONS; i++) {
		if (dev->mrs[i].mr && ibv_dereg_mr(dev->mrs[i].mr))
			np_log_warn("%s: a memory region could not be given back", dev->name);
		dev->mrs[i].mr = NULL;
	}
}

/* Return: may data be placed at this path MTU? If not, the reason is in @reason. */
static bool is_path_ok(
	const struct np_rdma_mr *mr, uint32_t path_mtu, char *reason, size_t reason_size)
{
	if (!is_usable(mr)) {
		snprintf(reason, reason_size, "%s",
			mr->reason[0] ? mr->reason : "not tested with this RNIC");
		return false;
	}
	if (path_mtu < mr->min_path_mtu) {
		snprintf(reason, reason_size, "the path MTU is %u, and %s %u", path_mtu,
			mr->verdict == NP_VERDICT_QUIRK
				? "this RNIC places data by whole pages, which needs"
				: "it was tested down to",
			mr->min_path_mtu);
		return false;
	}
	return true;
}

void np_rdma_mr_judge_path(const struct np_rdma_dev *dev, uint32_t path_mtu, uint64_t *ret_ok,
	uint64_t *ret_paged, char *reason, size_t reason_size)
{
	const struct np_mem_region *region;
	uint64_t ok = 0, paged = 0;
	char why[160];

	reason[0] = '\0';
	np_mem_for_each(dev->rdma->mem, region) {
		const struct np_rdma_mr *mr = &dev->mrs[region->id];

		if (!region->is_optional) {
			ok |= 1ull << region->id; /* np_rdma_mr_require_host() has seen to it */
		} else if (is_path_ok(mr, path_mtu, why, sizeof(why))) {
			ok |= 1ull << region->id;
			if (mr->verdict == NP_VERDICT_QUIRK && mr->is_paged)
				paged |= 1ull << region->id;
		} else if (!reason[0]) {
			snprintf(reason, reason_size, "%s", why);
		}
	}
	*ret_ok = ok;
	*ret_paged = paged;
}

static uint64_t host_regions(const struct np_mem *mem)
{
	const struct np_mem_region *region;
	uint64_t host = 0;

	np_mem_for_each(mem, region) {
		if (!region->is_peer)
			host |= 1ull << region->id;
	}
	return host;
}

void np_rdma_mr_judge_conn(struct np_rdma_conn *conn)
{
	struct np_queue *queue = &conn->queue;
	uint64_t ok, paged;

	np_rdma_mr_judge_path(conn->dev, conn->path_mtu, &ok, &paged, queue->p2p_reason,
		sizeof(queue->p2p_reason));
	if (conn->dev->needs_fence && !conn->fence) {
		ok &= host_regions(conn->dev->rdma->mem);
		snprintf(queue->p2p_reason, sizeof(queue->p2p_reason), "%s", conn->fence_reason);
	}
	/* Its limits before the memory; the reactor reads them the other way round. */
	atomic_store_explicit(&queue->region_paged, paged, memory_order_relaxed);
	atomic_store_explicit(&queue->region_ok, ok, memory_order_release);
}
