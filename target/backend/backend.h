/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backend.h - where a namespace's blocks live.
 *
 * A backend completes np_io.done and knows no request.
 *
 * Thread: open/close by the control thread; a queue and its I/O by the reactor it was opened for.
 * Depends: base, reactor, memory.
 */
#ifndef NP_BACKEND_BACKEND_H
#define NP_BACKEND_BACKEND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "target/backend/hold.h"
#include "target/base/list.h"
#include "target/base/status.h"
#include "target/base/wire.h"
#include "target/reactor/reactor.h"

enum np_io_op {
	NP_IO_READ,
	NP_IO_WRITE,
	NP_IO_FLUSH,
	NP_IO_WRITE_ZEROES,
	NP_IO_DEALLOCATE,
	NP_IO_COPY,         /* only if max_copy_blocks */
	NP_IO_WRITE_UNCOR,  /* only if can_write_uncor: reads of the blocks fail from now on */
	NP_IO_ZONE_APPEND,  /* these three only if zoned; writes at the end of lba's zone: result */
	NP_IO_ZONE_SEND,    /* does action with lba's zone; bytes of data at va, or none */
	NP_IO_ZONE_RECEIVE, /* tells of zones from lba on as action says: bytes, to va */
	NP_IO_PASSTHRU,     /* only if can_passthru: sqe as it is, with bytes at va, see result */
	NP_IO_HEALTH, /* only if has_health: the drive's SMART log to va, 512 bytes; not retried */
	NP_IO_OPS,
};

enum {
	NP_IO_FUA = 1 << 0, /* durable before done; READ: only if reads_fua */
	NP_IO_LIMITED_RETRY = 1 << 1,
	NP_IO_MAY_DEALLOCATE = 1 << 2, /* WRITE_ZEROES: the blocks may be unmapped */
};

/* One operation on a backend. The caller fills the first part; the rest is the backend's. */
struct np_io {
	enum np_io_op op;
	uint32_t flags;
	uint64_t lba;
	uint64_t source; /* LBA, COPY only; lba is where to */
	uint32_t nblocks;
	uint32_t action;          /* ZONE_SEND and ZONE_RECEIVE: dword 13 of the command */
	uint32_t bytes;           /* ZONE_RECEIVE, PASSTHRU */
	const struct np_sqe *sqe; /* PASSTHRU */
	void *va; /* page-aligned data of nblocks blocks, READ, WRITE and ZONE_APPEND; or as said */
	/* Called exactly once for an io that was queued, never from within submit(). */
	void (*done)(struct np_io *io, struct np_status status);

	/* ZONE_APPEND: the LBA of the first block; PASSTHRU: dwords 0 and 1. Before done(). */
	uint64_t result;

	struct np_uring_op uring; /* private */
	uint32_t left_bytes;      /* private: not transferred yet */
	uint16_t left_parts;      /* private: operations that are not done yet */
	int error;                /* private: the first, as -errno */
	union {
		struct nvme_dsm_range dsm;
		struct nvme_copy_range copy;
	} list; /* private: a command's data */
};

/* What NVMe counts descriptor extensions in: bytes. */
#define NP_ZONE_EXT_UNIT 64u

enum np_io_submit {
	NP_IO_DONE,   /* finished within submit(), *ret_status is valid, done() is not called */
	NP_IO_QUEUED, /* done() will be called */
	NP_IO_BUSY,   /* nothing happened: submit it again in a later turn */
};

struct np_backend {
	const struct np_backend_ops *ops;
	char path[256];
	int fd;               /* what I/O goes to */
	int ctrl_fd;          /* what admin commands go to, or -1 */
	struct np_hold *hold; /* keeps others off the device, or NULL */
	uint32_t block_bytes; /* power of two, 512 to 64 KiB */
	uint64_t nblocks;
	uint32_t max_io_bytes;   /* the largest READ or WRITE that submit() takes */
	uint32_t max_part_bytes; /* the largest that block and file do in one operation; 0: any */
	bool volatile_cache;     /* a write is durable only after Flush or with FUA */
	bool reads_fua;          /* a READ with NP_IO_FUA returns what is durable */
	bool can_write_zeroes, can_deallocate;
	bool can_compare;     /* the drive has Compare; engine "nvme" only */
	bool has_health;      /* it has a SMART log */
	bool can_write_uncor; /* Write Uncorrectable, likewise */
	bool can_passthru;    /* any command; engine "nvme" only */
	/* Blocks that one WRITE_ZEROES, one DEALLOCATE takes; 0: any number. */
	uint32_t max_zeroes_blocks, max_deallocate_blocks;
	uint32_t max_copy_blocks; /* that one COPY takes; 0: it cannot copy by itself */
	bool can_unmap_zeroes; /* WRITE_ZEROES may unmap; else NP_IO_MAY_DEALLOCATE is for naught */
	bool can_poll;         /* READ and WRITE may be polled for */
	bool is_polled;        /* they are; set after open(), see np_uring_start_polling() */
	bool is_rotational;    /* its media rotate */
	bool is_direct;        /* data is transferred to and from np_io.va by DMA, not by the CPU */
	char pci[16];          /* PCI address of the drive, "" if it has none */
	dev_t node;            /* of the device that I/O goes to, 0 for a file */
	bool is_block;         /* a block device; else node is a character device */
	uint8_t uuid[16], nguid[16], eui64[8]; /* the drive's own, zero if it has none */
	uint32_t nsid; /* the drive's own number for it; engine "nvme" only */
	/* Identify Namespace of the Zoned Namespace Command Set, if that is its command set; else NULL. */
	struct nvme_zns_id_ns *zoned;
	uint64_t zone_blocks;
	/* Of a zone's descriptor extension, a multiple of NP_ZONE_EXT_UNIT; 0: there is none. */
	uint32_t zone_ext_bytes;
	uint32_t max_append_bytes;
};

struct np_backend_ops {
	const char *name; /* the engine: "nvme", "block", "file", "null" */
	/*
	 * Opens backend->path and fills the rest; np_backend_close() closes the descriptors, also
	 * after an error. @size_bytes: for engines without a device.
	 * Return: 0 or -errno with a sentence in @why.
	 */
	int (*open)(struct np_backend *backend, uint64_t size_bytes, char *why, size_t why_size);
	/* Context: the reactor. */
	enum np_io_submit (*submit)(struct np_backend *backend, struct np_reactor *reactor,
		struct np_io *io, struct np_status *ret_status);
	/*
	 * Looks how many blocks there are now. NULL: that never changes. Context: control thread.
	 * Return: 0 or -errno.
	 */
	int (*measure)(const struct np_backend *backend, uint64_t *ret_nblocks);
	/*
	 * Asks that @io ends early, if it is under way. NULL: what was submitted runs to its end.
	 * @op: its done() is called if the return is true; @io may be done before or after that
	 * Context: the reactor.
	 */
	bool (*cancel)(struct np_reactor *reactor, struct np_io *io, struct np_uring_op *op);
};

/* Will the reactor ask for the completion of @io? For engines. */
static inline bool np_io_is_polled(const struct np_backend *backend, const struct np_io *io)
{
	return backend->is_polled && (io->op == NP_IO_READ || io->op == NP_IO_WRITE);
}

extern const struct np_backend_ops np_backend_nvme_ops;
extern const struct np_backend_ops np_backend_block_ops;
extern const struct np_backend_ops np_backend_file_ops;
extern const struct np_backend_ops np_backend_null_ops;

/**
 * np_backend_open() - open @path with the engine @ops
 *
 * Context: control thread.
 * Return: 0 or -errno with a sentence in @why.
 */
int np_backend_open(const struct np_backend_ops *ops, const char *path, uint64_t size_bytes,
	char *why, size_t why_size, struct np_backend **ret_backend);

/* The blocks that engine "file" will have in files of @folder, which can be written: in bytes. */
uint32_t np_file_block_bytes(const char *folder);

/* Context: control thread, no I/O in flight. NULL is fine. */
void np_backend_close(struct np_backend *backend);

#endif
