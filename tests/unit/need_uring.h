/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * need_uring.h - a test program that needs a real io_uring is skipped where there is none.
 *
 * qemu-user has no such system calls; a kernel may have them switched off.
 * Depends: liburing.
 */
#ifndef NP_TESTS_NEED_URING_H
#define NP_TESTS_NEED_URING_H

#include <errno.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends the process as skipped, exit status 77, with the reason on its output. */
static inline void need_uring(void)
{
	struct io_uring ring;
	int ret = io_uring_queue_init(1, &ring, 0);

	if (ret == -ENOSYS || ret == -EPERM) {
		printf("skipped: io_uring: %s\n", strerror(-ret));
		exit(77);
	}
	if (!ret)
		io_uring_queue_exit(&ring);
}

#endif
