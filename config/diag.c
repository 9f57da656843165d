// SPDX-License-Identifier: BSD-3-Clause
/*
 * What is wrong with a configuration, and where.
 *
 * Thread: that of the caller.
 * Depends: nothing.
 */
#include "config/diag.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Names and values come out of a file: keep them from breaking a log line or a terminal. */
static void make_printable(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
	}
}

int np_cfg_diag_error(struct np_cfg_diag *diag, int err, const char *path, const char *fmt, ...)
{
	size_t used = 0;
	va_list args;

	if (*path) {
		snprintf(diag->error, sizeof(diag->error), "%s: ", path);
		used = strlen(diag->error);
	}
	va_start(args, fmt);
	vsnprintf(diag->error + used, sizeof(diag->error) - used, fmt, args);
	va_end(args);
	make_printable(diag->error);
	return err;
}

void np_cfg_diag_warn(struct np_cfg_diag *diag, const char *path, const char *fmt, ...)
{
	char where[256];
	char msg[256];
	va_list args;

	if (!diag->warn)
		return;
	snprintf(where, sizeof(where), "%s", path);
	va_start(args, fmt);
	vsnprintf(msg, sizeof(msg), fmt, args);
	va_end(args);
	make_printable(where);
	make_printable(msg);
	diag->warn(diag->ctx, where, msg);
}

struct np_cfg_spot np_cfg_spot(struct np_cfg_diag *diag, const char *fmt, ...)
{
	struct np_cfg_spot spot = {.diag = diag};
	va_list args;

	va_start(args, fmt);
	vsnprintf(spot.path, sizeof(spot.path), fmt, args);
	va_end(args);
	return spot;
}

static void join(const struct np_cfg_spot *spot, const char *member, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s", spot->path, *member ? "." : "", member);
}

int np_cfg_spot_error(const struct np_cfg_spot *spot, const char *member, const char *fmt, ...)
{
	char path[160];
	char msg[400];
	va_list args;

	join(spot, member, path, sizeof(path));
	va_start(args, fmt);
	vsnprintf(msg, sizeof(msg), fmt, args);
	va_end(args);
	return np_cfg_diag_error(spot->diag, -EINVAL, path, "%s", msg);
}

void np_cfg_spot_warn(const struct np_cfg_spot *spot, const char *member, const char *fmt, ...)
{
	char path[160];
	char msg[256];
	va_list args;

	join(spot, member, path, sizeof(path));
	va_start(args, fmt);
	vsnprintf(msg, sizeof(msg), fmt, args);
	va_end(args);
	np_cfg_diag_warn(spot->diag, path, "%s", msg);
}
