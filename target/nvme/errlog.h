/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * errlog.h - a controller's Error Information log (page 01h).
 *
 * The only object of the data path that several reactors write: a command that failed is no
 * longer on the fast path, so a mutex guards it.
 *
 * Thread: any.
 * Depends: libnvme's types.
 */
#ifndef NP_NVME_ERRLOG_H
#define NP_NVME_ERRLOG_H

#include <pthread.h>
#include <stdint.h>

#include "target/base/status.h"

#define NP_ERRLOG_ENTRIES 64

struct np_errlog {
	pthread_mutex_t lock;
	uint64_t count; /* errors since the controller was made; never reused */
	struct nvme_error_log_page ring[NP_ERRLOG_ENTRIES]; /* entry n at n % ENTRIES */
};

void np_errlog_init(struct np_errlog *log);
void np_errlog_fini(struct np_errlog *log);

/**
 * np_errlog_add() - record a failed command
 * @entry: everything but error_count, in wire byte order
 */
void np_errlog_add(struct np_errlog *log, const struct nvme_error_log_page *entry);

/* Copies the newest @max entries, newest first, the rest zero. Return: errors so far. */
uint64_t np_errlog_read(
	struct np_errlog *log, struct nvme_error_log_page *ret_entries, unsigned int max);

#endif
