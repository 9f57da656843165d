// SPDX-License-Identifier: BSD-3-Clause
/*
 * errlog.c - a controller's Error Information log: the last 64 errors in a ring.
 *
 * Thread: any.
 * Depends: pthread.
 */
#include "target/nvme/errlog.h"

#include <string.h>

#include "target/base/le.h"

void np_errlog_init(struct np_errlog *log)
{
	memset(log, 0, sizeof(*log));
	pthread_mutex_init(&log->lock, NULL);
}

void np_errlog_fini(struct np_errlog *log)
{
	pthread_mutex_destroy(&log->lock);
}

void np_errlog_add(struct np_errlog *log, const struct nvme_error_log_page *entry)
{
	struct nvme_error_log_page *slot;

	pthread_mutex_lock(&log->lock);
	slot = &log->ring[log->count % NP_ERRLOG_ENTRIES];
	log->count++;
	*slot = *entry;
	/* The first error has number 1: number 0 marks an entry that was never used. */
	slot->error_count = np_le64(log->count);
	pthread_mutex_unlock(&log->lock);
}

uint64_t np_errlog_read(
	struct np_errlog *log, struct nvme_error_log_page *ret_entries, unsigned int max)
{
	uint64_t count;

	/* Who only wants the count has no room for entries. */
	if (max)
		memset(ret_entries, 0, max * sizeof(*ret_entries));
	pthread_mutex_lock(&log->lock);
	count = log->count;
	for (unsigned int i = 0; i < max && i < count && i < NP_ERRLOG_ENTRIES; i++)
		ret_entries[i] = log->ring[(count - 1 - i) % NP_ERRLOG_ENTRIES];
	pthread_mutex_unlock(&log->lock);
	return count;
}
