// SPDX-License-Identifier: BSD-3-Clause
/*
 * Any bytes as a configuration: refused with a message, or a model that survives the checks and
 * comes out of dump and parse as it was.
 *
 * Thread: one.
 * Depends: config/json.h, config/check.h.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/check.h"
#include "config/diff.h"
#include "config/json.h"

static void warn(void *ctx, const char *path, const char *msg)
{
	(void)ctx;
	if (!*msg || strchr(path, '\n') || strchr(msg, '\n'))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct np_cfg_diag diag = {.warn = warn};
	struct np_cfg *again;
	struct np_cfg *cfg;
	char *text;

	if (np_cfg_parse((const char *)data, size, &diag, &cfg) < 0) {
		if (!diag.error[0] || strchr(diag.error, '\n'))
			abort();
		return 0;
	}
	(void)np_cfg_check(cfg, &diag);
	if (np_cfg_dump(cfg, &text) < 0 || np_cfg_parse(text, strlen(text), &diag, &again) < 0)
		abort();
	if (!np_cfg_is_equal(cfg, again))
		abort();
	np_cfg_free(again);
	np_cfg_free(cfg);
	free(text);
	return 0;
}
