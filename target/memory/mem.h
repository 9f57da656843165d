/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mem.h - memory that data may land in: providers describe it, transports register it.
 *
 * A region is one mapping of one provider. It is cut into one pool a reactor (pool.h), and its
 * id indexes each RDMA device's table of memory keys.
 *
 * Thread: regions are made and freed by the control thread and constant in between.
 * Depends: base.
 */
#ifndef NP_MEMORY_MEM_H
#define NP_MEMORY_MEM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "target/base/list.h"
#include "target/reactor/reactor.h"

#define NP_MAX_REGIONS 32
#define NP_MAX_RNICS 16 /* of a process; a choice of memory is made for each */
#define NP_PAGE_BYTES 4096u

/* Regions that always exist; peer memory follows. */
#define NP_REGION_HOST 0u  /* data staged in host memory */
#define NP_REGION_ADMIN 1u /* data of admin and fabrics commands, which never wait behind I/O */

/* How a region becomes an RDMA memory region. */
enum np_mem_reg_kind {
	NP_MEM_REG_PLAIN, /* pinned ibv_reg_mr */
	NP_MEM_REG_ODP, /* ibv_reg_mr with IBV_ACCESS_ON_DEMAND: peer-to-peer pages can't be pinned */
	NP_MEM_REG_DMABUF, /* ibv_reg_dmabuf_mr of .fd */
};

enum np_mem_state {
	NP_MEM_GOOD,
	NP_MEM_SUSPECT, /* its device was reset: to be tested again when no buffer is in use */
	NP_MEM_GONE,    /* so is its device: to be closed then */
};

/* When peer memory that was in use is zeroed. */
enum np_mem_zero {
	NP_MEM_ZERO_NEVER,
	NP_MEM_ZERO_NAMESPACE, /* before another namespace gets it, and before it is given back */
	NP_MEM_ZERO_ALWAYS,    /* when a command gives it back */
};

/* What a self-test of a pair of devices found. */
enum np_verdict {
	NP_VERDICT_UNTESTED,
	NP_VERDICT_WORKS,
	NP_VERDICT_QUIRK, /* works within limits that the reason names */
	NP_VERDICT_UNUSABLE,
};

/* One line of the record "region X together with device Y". */
struct np_mem_note {
	struct np_list link;
	char subject[64]; /* RDMA device or drive */
	bool is_rnic;     /* else a drive */
	enum np_verdict verdict;
	char reason[192];
	time_t when; /* it was found, CLOCK_REALTIME */
};

struct np_pool;

struct np_mem_region {
	unsigned int id; /* 0 .. NP_MAX_REGIONS - 1, index into tables of keys */
	const struct np_mem_ops *ops;
	char name[64];  /* "cmb 0000:01:00.0", "host", "admin" */
	char label[32]; /* the operator's name for it, "" for none */
	char pci[16];   /* address of the device whose memory this is, "" if it is none on PCI */
	int numa_node;  /* -1: unknown, or any */
	int fd;         /* the provider's; -1: none */
	void *va;
	size_t bytes;
	size_t device_bytes; /* what the device has in all */
	enum np_mem_reg_kind reg_kind;
	bool is_peer; /* memory of a device: a byte here never touched host DRAM */
	/*
	 * Beside the host memory that everything needs: may fail with an RNIC or a drive. All peer
	 * memory is, and what is host memory by another way, such as udmabuf.
	 */
	bool is_optional;
	enum np_mem_zero zero;
	_Atomic int state;                      /* enum np_mem_state; any thread reads */
	struct np_pool *pools[NP_MAX_REACTORS]; /* by reactor index */
	unsigned int npools;
	/* A part that no pool hands out, for self-tests at any time; at least 4 pages. */
	void *scratch;
	size_t scratch_bytes;
	/* A word that nobody but witness.h touches, and its value; NULL: there is none. */
	uint64_t *witness, word;
	struct np_list notes; /* struct np_mem_note; control thread only */
	void *priv;           /* the provider's */
};

/* What is to be opened. What a provider has no use for is ignored. */
struct np_mem_want {
	/* cmb: PCI address; dax: path of the device; dmabuf: name of the exporter; host: a name */
	const char *where;
	const char *label; /* the operator's name for it; NULL: none */
	size_t bytes;      /* 0 for as much as is sensible; the region may come out smaller */
	int numa_node;     /* host: -1 for any */
	int fd;            /* dmabuf: the caller's, the region has a duplicate; -1: none given */
};

/* A provider of memory. */
struct np_mem_ops {
	const char *name;
	/*
	 * Maps the memory that @want describes.
	 * Fills va, bytes, device_bytes, reg_kind, is_peer, is_optional, name, and pci, numa_node
	 * and fd if it has them.
	 * Return: 0, or -errno with one sentence in @why.
	 */
	int (*open)(struct np_mem_region *region, const struct np_mem_want *want, char *why,
		size_t why_size);
	void (*close)(struct np_mem_region *region);
};

extern const struct np_mem_ops np_mem_host_ops;
extern const struct np_mem_ops np_mem_cmb_ops;
extern const struct np_mem_ops np_mem_dax_ops;
extern const struct np_mem_ops np_mem_dmabuf_ops;

/* All regions of the process. */
struct np_mem {
	struct np_mem_region *regions[NP_MAX_REGIONS]; /* by id; NULL: none has it */
	enum np_mem_zero zero;                         /* of peer memory opened from now on */
};

/* Walks the regions: struct np_mem_region *region; np_mem_for_each(mem, region) statement */
#define np_mem_for_each(mem, region)                                     \
	for (unsigned int np_at_ = 0; np_at_ < NP_MAX_REGIONS; np_at_++) \
		if (((region) = (mem)->regions[np_at_]) == NULL) {       \
		} else

/**
 * np_mem_open() - open a region and cut it into one pool a reactor
 * @want: what the self-tests need comes on top of its bytes
 * @nreactors: how many pools
 * @ret_region: owned by @mem
 *
 * Context: control thread, before the reactors use @mem.
 * Return: 0, or -errno with a sentence in @why; -ENOSPC if NP_MAX_REGIONS are open.
 */
int np_mem_open(struct np_mem *mem, const struct np_mem_ops *ops, const struct np_mem_want *want,
	unsigned int nreactors, char *why, size_t why_size, struct np_mem_region **ret_region);

/**
 * np_mem_close() - close a region; its id may be given out again
 *
 * Unless it is never zeroed, or gone, what was in use of it is zeroed first.
 * Context: control thread, after its memory keys are gone and its pools are detached.
 */
void np_mem_close(struct np_mem *mem, struct np_mem_region *region);

/* Closes every region. Context: control thread, after all memory keys are gone. */
void np_mem_close_all(struct np_mem *mem);

/* Can what is in there not be relied on? Context: any thread. */
static inline bool np_mem_is_lost(const struct np_mem_region *region)
{
	return atomic_load_explicit(&region->state, memory_order_relaxed) != NP_MEM_GOOD;
}

/**
 * np_mem_host_of() - the host memory for data of an RNIC
 * @rnic: its name
 *
 * Context: control thread.
 * Return: that of its NUMA node; NP_REGION_HOST where no node is known or none has its own.
 */
struct np_mem_region *np_mem_host_of(const struct np_mem *mem, const char *rnic);

/* The same for a node, -1: none is known. */
struct np_mem_region *np_mem_host_at(const struct np_mem *mem, int numa_node);

/* Is it host memory for data? There may be one for each NUMA node. */
static inline bool np_mem_is_host(const struct np_mem_region *region)
{
	return !region->is_optional && region->id != NP_REGION_ADMIN;
}

/* Are no buffers of it in use? Final once nobody takes any. Context: any thread. */
bool np_mem_is_idle(const struct np_mem_region *region);

/**
 * np_mem_note() - record (or replace) what a self-test found
 *
 * Context: control thread.
 */
void np_mem_note(struct np_mem_region *region, const char *subject, bool is_rnic,
	enum np_verdict verdict, const char *reason);

/* What is known of @region together with @subject, or NULL. Context: control thread. */
const struct np_mem_note *np_mem_find_note(
	const struct np_mem_region *region, const char *subject, bool is_rnic);

/* @subject has gone: forgets what was found with it. Context: control thread. */
void np_mem_forget(struct np_mem *mem, const char *subject, bool is_rnic);

/* "works", "quirk", "unusable", "untested". */
const char *np_verdict_name(enum np_verdict verdict);

/**
 * np_mem_cmb_list() - PCI addresses of the devices with published peer memory
 * @ret_pci: array of @max addresses
 *
 * Return: how many, or -errno of reading sysfs.
 */
int np_mem_cmb_list(char (*ret_pci)[16], unsigned int max);

#endif
