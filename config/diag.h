/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is wrong with a configuration, and where: one error with its JSON path, any number of
 * warnings through a callback.
 *
 * Thread: that of the caller.
 * Depends: nothing.
 */
#ifndef NP_CONFIG_DIAG_H
#define NP_CONFIG_DIAG_H

struct np_cfg_diag {
	/* Called for each warning; NULL drops them. @path and @msg are printable, one line. */
	void (*warn)(void *ctx, const char *path, const char *msg);
	void *ctx;
	/* "subsystems[0].nqn: reason", printable, one line. Written when a function fails. */
	char error[512];
};

/*
 * Put "@path: message" into diag->error; what is not printable becomes '?'.
 * @path: may be empty, then only the message
 * Return: @err, so that the caller can return it.
 */
int np_cfg_diag_error(struct np_cfg_diag *diag, int err, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Hand "message" about @path to diag->warn. */
void np_cfg_diag_warn(struct np_cfg_diag *diag, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A place in the JSON whose members are about to be judged. */
struct np_cfg_spot {
	struct np_cfg_diag *diag;
	char path[96];
};

/* The place called @fmt..., "ports[%zu]". */
struct np_cfg_spot np_cfg_spot(struct np_cfg_diag *diag, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* np_cfg_diag_error() with -EINVAL about @member of @spot; an empty member is @spot itself. */
int np_cfg_spot_error(const struct np_cfg_spot *spot, const char *member, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* np_cfg_diag_warn() about @member of @spot. */
void np_cfg_spot_warn(const struct np_cfg_spot *spot, const char *member, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
