// SPDX-License-Identifier: BSD-3-Clause
/*
 * log.c - one line an event, to stderr, in one write so that lines of threads do not mix.
 *
 * Thread: any.
 * Depends: libc.
 */
#include "target/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define NP_LOG_WINDOW_MS 5000
#define NP_LOG_BURST 10

static atomic_int np_log_threshold = NP_LOG_INFO;

void np_log_set_level(enum np_log_level level)
{
	atomic_store_explicit(&np_log_threshold, (int)level, memory_order_relaxed);
}

static bool np_log_is_on(enum np_log_level level)
{
	return (int)level <= atomic_load_explicit(&np_log_threshold, memory_order_relaxed);
}

void np_log(enum np_log_level level, const char *fmt, ...)
{
	static const char *const names[] = {"error: ", "warning: ", "", "debug: "};
	char line[1024];
	int saved = errno;
	va_list ap;
	size_t len;
	int n;

	if (!np_log_is_on(level))
		return;
	len = (size_t)snprintf(line, sizeof(line), "nvmet-p2pd: %s", names[level]);
	va_start(ap, fmt);
	n = vsnprintf(line + len, sizeof(line) - len - 1, fmt, ap);
	va_end(ap);
	if (n > 0)
		len += (size_t)n < sizeof(line) - len - 1 ? (size_t)n : sizeof(line) - len - 2;
	line[len++] = '\n';
	/* A log that cannot be written has nowhere to complain. */
	if (write(STDERR_FILENO, line, len) < 0)
		errno = saved;
	errno = saved;
}

static uint64_t np_log_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

bool np_log_allowed(struct np_log_limit *limit)
{
	uint64_t now = np_log_now_ms();

	if (np_log_is_on(NP_LOG_DEBUG))
		return true;
	if (!limit->printed || now - limit->window_start_ms >= NP_LOG_WINDOW_MS) {
		if (limit->dropped)
			np_log_warn("%u messages like the next were left out", limit->dropped);
		*limit = (struct np_log_limit){.window_start_ms = now};
	}
	if (limit->printed >= NP_LOG_BURST) {
		limit->dropped++;
		return false;
	}
	limit->printed++;
	return true;
}

const char *np_log_escape(char *dst, size_t dst_size, const char *src, size_t src_len)
{
	size_t i;

	for (i = 0; i + 1 < dst_size && i < src_len && src[i]; i++)
		dst[i] = src[i] > 0x20 && src[i] < 0x7f ? src[i] : '?';
	dst[i] = '\0';
	return dst;
}
