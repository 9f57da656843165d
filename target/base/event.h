/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * event.h - the last changes of state, kept for the operator. Each is a line of the log as well.
 *
 * Thread: control.
 * Depends: log.h.
 */
#ifndef NP_BASE_EVENT_H
#define NP_BASE_EVENT_H

#include <stdint.h>

#include "target/base/log.h"

#define NP_EVENTS_KEPT 1000

/* What it is about. */
enum np_event_kind {
	NP_EVENT_DAEMON,
	NP_EVENT_PORT,
	NP_EVENT_HOST,      /* an association began or ended */
	NP_EVENT_RNIC,      /* came, went */
	NP_EVENT_DRIVE,     /* came, went, was reset */
	NP_EVENT_MEMORY,    /* a provider came or went */
	NP_EVENT_TEST,      /* what a self-test found */
	NP_EVENT_NAMESPACE, /* up, down */
	NP_EVENT_PATH,      /* where the data between a namespace and an RNIC lies */
	NP_EVENT_SCRUB,     /* what reading back found */
	NP_EVENT_KINDS,
};

struct np_event {
	uint64_t number;  /* from 1 on, without gaps */
	uint64_t time_ms; /* CLOCK_REALTIME */
	enum np_log_level level;
	enum np_event_kind kind;
	char text[320];
};

/* Keeps a change of state and logs it; @fmt ends without a newline. Keeps errno. */
void np_event(enum np_event_kind kind, enum np_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * np_event_next() - the first one kept after number @after
 *
 * Return: NULL if there is none yet; else valid until the next np_event().
 */
const struct np_event *np_event_next(uint64_t after);

/* "port", "namespace" and so on. */
const char *np_event_kind_name(enum np_event_kind kind);

#endif
