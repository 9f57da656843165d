/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * io.h - the NVM command set: check and execute functions for the table in cmd.c.
 *
 * Thread: the reactor of req->queue.
 * Depends: req.h.
 */
#ifndef NP_NVME_IO_H
#define NP_NVME_IO_H

#include "target/nvme/req.h"

/* Spec: NVM Command Set 1.0, section 3.2 (one command each). */
struct np_status np_io_check_rw(struct np_req *req, uint32_t *ret_bytes); /* Read, Write, Compare */
struct np_status np_io_check_flush(struct np_req *req, uint32_t *ret_bytes);
struct np_status np_io_check_dsm(struct np_req *req, uint32_t *ret_bytes);
struct np_status np_io_check_write_zeroes(struct np_req *req, uint32_t *ret_bytes);
struct np_status np_io_check_write_uncor(struct np_req *req, uint32_t *ret_bytes);
struct np_status np_io_check_verify(struct np_req *req, uint32_t *ret_bytes);
struct np_status np_io_check_copy(struct np_req *req, uint32_t *ret_bytes);

void np_io_read(struct np_req *req);
void np_io_write(struct np_req *req);
void np_io_compare(struct np_req *req);
void np_io_flush(struct np_req *req);
void np_io_dsm(struct np_req *req);
void np_io_write_zeroes(struct np_req *req);
void np_io_write_uncor(struct np_req *req);
void np_io_verify(struct np_req *req);
void np_io_copy(struct np_req *req);

/* Copy, for Identify: formats (a bit each), source ranges, blocks of a command or of one of its ranges. */
#define NP_COPY_FORMATS 3u
#define NP_COPY_MAX_RANGES 128u
#define NP_COPY_MAX_BYTES (16u * 1024 * 1024)
uint16_t np_io_copy_max_blocks(const struct np_ns *ns);

/* What the commands share -------------------------------------------------------------------- */

/* SLBA and NLB (as a count) of a command that has them. */
uint64_t np_io_slba(const struct np_req *req);
uint32_t np_io_nblocks(const struct np_req *req);

/**
 * np_io_find_ns() - set req->ns, and find out whether the host may use it
 *
 * An NSID up to Identify's NN is valid, though it may be inactive; the two have statuses of their own.
 * Spec: NVM Express Base 2.0, 3.2.1.3 to 3.2.1.5; 8.1 (ANA); 8.19 (reservations).
 * Return: success, Invalid Namespace, Invalid Field, a path error, or Reservation Conflict.
 */
struct np_status np_io_find_ns(struct np_req *req);

/* Do its path or its holder keep the host from this command of req->ns? Return: as above. */
struct np_status np_io_check_access(const struct np_req *req);

/* The blocks that the command may touch. */
struct np_extent np_io_extent(const struct np_req *req);

/* Return: Invalid Field if it has a directive type, of which none is supported. */
struct np_status np_io_check_directive(struct np_req *req);

/* Return: LBA Out of Range, with its place for the error log, unless the blocks are there. */
struct np_status np_io_check_range(struct np_req *req, uint64_t lba, uint32_t nblocks);

/* The counters of req->ns on this reactor. */
struct np_ns_stats *np_io_stats(const struct np_req *req);

/* np_io.done of the one or the last operation of a command. */
void np_io_all_done(struct np_io *io, struct np_status status);

/* Counts the bytes of a piece by where they lay, for the namespace, the connection and the pool. */
void np_io_count(struct np_req *req);

/* Likewise, of a command that is neither, its data alone. */
void np_io_count_data(struct np_req *req, bool is_read);

/* np_io.flags as the command asks for them. */
uint32_t np_io_flags(const struct np_req *req);

/* After one of several operations of a command: may more follow? If not, the command is answered. */
bool np_io_goes_on(struct np_req *req, struct np_status status);

/* Sets req->io up for the current piece, with its data at @va. */
void np_io_prep_piece(struct np_req *req, enum np_io_op op, uint8_t *va,
	void (*done)(struct np_io *io, struct np_status status));

/**
 * np_io_submit() - hand req->io to the backend of req->ns
 *
 * req->io.done() is called in any case; while the backend is busy, the request is tried again
 * later (np_req_retry()).
 */
void np_io_submit(struct np_req *req);

#endif
