// SPDX-License-Identifier: BSD-3-Clause
/*
 * state.c - files that outlive the process.
 *
 * Thread: control.
 * Depends: jansson.
 */
#include "config/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/base/log.h"

void np_state_open(struct np_state *state, const char *dir)
{
	const bool is_there = !mkdir(dir, 0700) || errno == EEXIST;
	int err = is_there ? 0 : errno;

	*state = (struct np_state){.dir = dir};
	if (is_there && access(dir, R_OK | X_OK)) {
		err = errno;
		snprintf(state->unknown, sizeof(state->unknown), "%.200s: %s", dir, strerror(err));
	} else if (is_there && access(dir, W_OK)) {
		err = errno;
	}
	state->can_keep = !err;
	if (err)
		np_log_warn("daemon.state_dir: %s: %s: what hosts ask to be kept cannot be", dir,
			strerror(err));
}

void np_state_path(const struct np_state *state, const char *kind, const uint8_t owner[16],
	char *ret_path, size_t size)
{
	char hex[33];

	for (unsigned int i = 0; i < 16; i++)
		snprintf(hex + 2 * i, 3, "%02x", owner[i]);
	snprintf(ret_path, size, "%s/%s-%s.json", state->dir, kind, hex);
}

static int np_state_sync(const struct np_state *state)
{
	int fd = open(state->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = fsync(fd) ? -errno : 0;
	close(fd);
	return ret;
}

/* Return: 0 when it is on the medium, or -errno. */
static int np_state_write(const char *path, const json_t *root)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), ret = 0;

	if (fd < 0)
		return -errno;
	if (json_dumpfd(root, fd, JSON_INDENT(2)) || write(fd, "\n", 1) != 1 || fsync(fd))
		ret = errno ? -errno : -EIO;
	if (close(fd) && !ret)
		ret = -errno;
	return ret;
}

int np_state_put(const struct np_state *state, const char *path, json_t *root)
{
	char beside[PATH_MAX];
	int ret;

	if (!root)
		return -ENOMEM;
	snprintf(beside, sizeof(beside), "%.*s.new", PATH_MAX - 8, path);
	ret = np_state_write(beside, root);
	json_decref(root);
	if (!ret && rename(beside, path))
		ret = -errno;
	if (ret)
		unlink(beside);
	return ret ? ret : np_state_sync(state);
}

int np_state_remove(const struct np_state *state, const char *path)
{
	if (unlink(path) && errno != ENOENT)
		return -errno;
	return np_state_sync(state);
}

int np_state_get(const char *path, json_t **ret_root, char *why, size_t why_size)
{
	json_error_t error;

	*ret_root = NULL;
	if (access(path, F_OK) && errno == ENOENT)
		return 0;
	*ret_root = json_load_file(path, 0, &error);
	if (*ret_root)
		return 0;
	snprintf(why, why_size, "%.150s cannot be read: %.90s", path, error.text);
	return -EINVAL;
}
