/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log.h - one line an event, to stderr.
 *
 * Thread: any.
 * Depends: libc.
 */
#ifndef NP_BASE_LOG_H
#define NP_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum np_log_level {
	NP_LOG_ERR,
	NP_LOG_WARN,
	NP_LOG_INFO,
	NP_LOG_DEBUG,
};

/* Messages above @level are dropped; the default is NP_LOG_INFO. */
void np_log_set_level(enum np_log_level level);

/* Writes one line "LEVEL message"; @fmt ends without a newline. Keeps errno. */
void np_log(enum np_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define np_log_err(...) np_log(NP_LOG_ERR, __VA_ARGS__)
#define np_log_warn(...) np_log(NP_LOG_WARN, __VA_ARGS__)
#define np_log_info(...) np_log(NP_LOG_INFO, __VA_ARGS__)
#define np_log_debug(...) np_log(NP_LOG_DEBUG, __VA_ARGS__)

/*
 * A budget of messages for what a peer can provoke: at most 10 in each 5 s window, the rest is
 * counted and reported with the first message of the next window. Who asks for debug messages gets
 * them all. Zero-initialise it.
 */
struct np_log_limit {
	uint64_t window_start_ms;
	uint32_t printed;
	uint32_t dropped;
};

/**
 * np_log_allowed() - may one more message of this kind be printed now?
 * @limit: the budget, private to one thread
 *
 * Return: true to print. Says itself how many messages the last window dropped.
 */
bool np_log_allowed(struct np_log_limit *limit);

/* np_log() under the budget @limit. */
#define np_log_limited(limit, level, ...)           \
	do {                                        \
		if (np_log_allowed(limit))          \
			np_log(level, __VA_ARGS__); \
	} while (0)

/**
 * np_log_escape() - a printable copy of text that a peer sent
 * @dst: receives at most @dst_size bytes including the NUL
 * @src: need not be terminated
 * @src_len: bytes at @src; a NUL ends it earlier
 *
 * Bytes outside 0x21..0x7e become '?'.
 * Return: @dst.
 */
const char *np_log_escape(char *dst, size_t dst_size, const char *src, size_t src_len);

#endif
