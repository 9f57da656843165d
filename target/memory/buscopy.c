// SPDX-License-Identifier: BSD-3-Clause
/*
 * buscopy.c - a memcpy() that survives SIGBUS.
 *
 * Thread: one at a time, because it changes the process's SIGBUS action for the copy.
 * Depends: libc.
 */
#include "target/memory/buscopy.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>

static __thread sigjmp_buf buscopy_env;
static __thread volatile sig_atomic_t buscopy_active;

static void on_sigbus(int sig)
{
	if (buscopy_active)
		siglongjmp(buscopy_env, 1);
	/* Somebody else's: let it end the process as it would have without us. */
	signal(sig, SIG_DFL);
	raise(sig);
}

int np_buscopy(void *dst, const void *src, size_t bytes)
{
	struct sigaction action = {.sa_handler = on_sigbus}, old;
	int err = 0;

	sigemptyset(&action.sa_mask);
	if (sigaction(SIGBUS, &action, &old))
		return -errno;
	if (sigsetjmp(buscopy_env, 1)) {
		buscopy_active = 0;
		sigaction(SIGBUS, &old, NULL);
		return -EFAULT;
	}
	buscopy_active = 1;
	memcpy(dst, src, bytes);
	buscopy_active = 0;
	if (sigaction(SIGBUS, &old, NULL))
		err = -errno;
	return err;
}
