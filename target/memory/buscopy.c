// SPDX-License-Identifier: BSD-3-Clause
/*
 * buscopy.c - touches device memory, and survives the SIGBUS of memory that is gone.
 *
 * Thread: any; each has a way back of its own, the handler is shared.
 * Depends: libc.
 */
#include "target/memory/buscopy.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

static __thread sigjmp_buf buscopy_env;
static __thread volatile sig_atomic_t buscopy_active;

static pthread_once_t buscopy_once = PTHREAD_ONCE_INIT;
static struct sigaction buscopy_before; /* the action that ours has replaced */
static int buscopy_error;               /* why it has not */

static void on_sigbus(int sig)
{
	if (buscopy_active)
		siglongjmp(buscopy_env, 1);
	/* Somebody else's: let it do what it would have done without us. */
	sigaction(sig, &buscopy_before, NULL);
	raise(sig);
}

/*
 * SA_NODEFER: the signal is not blocked in the handler, so the jump out of it has no mask to
 * restore, and a copy costs no system call.
 */
static void install(void)
{
	struct sigaction action = {.sa_handler = on_sigbus, .sa_flags = SA_NODEFER};

	sigemptyset(&action.sa_mask);
	if (sigaction(SIGBUS, &action, &buscopy_before))
		buscopy_error = -errno;
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

/*
 * Device memory is often mapped uncached, and each store is a transfer of its own there: the widest
 * that every CPU of the architecture has and such memory takes. memset() may choose REP STOSB on
 * x86, which goes byte by byte there, or DC ZVA on arm64, which is refused.
 */
#ifdef __x86_64__
typedef uint64_t np_buscopy_word __attribute__((vector_size(16)));
#else
typedef uint64_t np_buscopy_word;
#endif

static void zero(void *dst, size_t bytes)
{
	volatile np_buscopy_word *word = dst;
	const np_buscopy_word nothing = {0};

	for (size_t i = 0; i < bytes / sizeof(*word); i++)
		word[i] = nothing;
}

/* Copies @src, or zeros if it is NULL. */
static int touch(void *dst, const void *src, size_t bytes)
{
	pthread_once(&buscopy_once, install);
	if (buscopy_error)
		return buscopy_error;
	if (sigsetjmp(buscopy_env, 0)) {
		buscopy_active = 0;
		return -EFAULT;
	}
	buscopy_active = 1;
	if (src)
		copy(dst, src, bytes);
	else
		zero(dst, bytes);
	buscopy_active = 0;
	return 0;
}

int np_buscopy(void *dst, const void *src, size_t bytes)
{
	return touch(dst, src, bytes);
}

int np_buszero(void *dst, size_t bytes)
{
	assert((uintptr_t)dst % NP_BUSZERO_UNIT == 0 && bytes % NP_BUSZERO_UNIT == 0);
	return touch(dst, NULL, bytes);
}
