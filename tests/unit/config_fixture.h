/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the configuration tests share: JSON with single quotes, warnings gathered into a text.
 *
 * Thread: one.
 * Depends: config/json.h, cmocka.
 */
#ifndef NP_TESTS_CONFIG_FIXTURE_H
#define NP_TESTS_CONFIG_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "config/json.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* A diag whose warnings end up in .text, one "path: message\n" each. */
struct config_log {
	struct np_cfg_diag diag;
	char text[4096];
};

static inline void config_log_add(void *ctx, const char *path, const char *msg)
{
	struct config_log *log = ctx;
	size_t used = strlen(log->text);

	snprintf(log->text + used, sizeof(log->text) - used, "%s: %s\n", path, msg);
}

static inline void config_log_init(struct config_log *log)
{
	memset(log, 0, sizeof(*log));
	log->diag.warn = config_log_add;
	log->diag.ctx = log;
}

/* np_cfg_parse() of @text in which ' stands for ". */
static inline int config_parse(const char *text, struct config_log *log, struct np_cfg **ret_cfg)
{
	char json[8192];
	size_t len = strlen(text);

	assert_true(len < sizeof(json));
	for (size_t i = 0; i <= len; i++)
		json[i] = text[i] == '\'' ? '"' : text[i];
	config_log_init(log);
	return np_cfg_parse(json, len, &log->diag, ret_cfg);
}

/* Case @i has got @got where @err was wanted, and says @says: an error, or warnings. */
static inline void config_assert_case(
	size_t i, int got, int err, const struct config_log *log, const char *says)
{
	if (got != err)
		fail_msg("case %zu: %d, %s", i, got, log->diag.error);
	assert_string_equal(err ? log->diag.error : log->text, says);
}

#endif
