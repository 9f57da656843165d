// SPDX-License-Identifier: BSD-3-Clause
/*
 * buscopy.c - a copy to or from device memory that survives SIGBUS.
 *
 * Thread: one at a time, because it changes the process's SIGBUS action for the copy.
 * Depends: libc.
 */
#include "target/memory/buscopy.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

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

/*
 * Aligned accesses only, and never wider than a word: device memory on arm64 takes no others, and
 * memcpy() ends with one that overlaps the last but one. volatile keeps the compiler from making a
 * memcpy() of it.
 */
static void copy(void *dst, const void *src, size_t bytes)
{
	const bool is_aligned = ((uintptr_t)dst | (uintptr_t)src) % sizeof(uint64_t) == 0;
	const size_t nwords = is_aligned ? bytes / sizeof(uint64_t) : 0;
	const volatile uint64_t *from_word = src;
	const volatile uint8_t *from = src;
	volatile uint64_t *to_word = dst;
	volatile uint8_t *to = dst;

	for (size_t i = 0; i < nwords; i++)
		to_word[i] = from_word[i];
	for (size_t i = nwords * sizeof(uint64_t); i < bytes; i++)
		to[i] = from[i];
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
	copy(dst, src, bytes);
	buscopy_active = 0;
	if (sigaction(SIGBUS, &old, NULL))
		err = -errno;
	return err;
}
