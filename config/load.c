// SPDX-License-Identifier: BSD-3-Clause
/*
 * A model from a file.
 *
 * Thread: any; blocks on the file.
 * Depends: config/json.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/json.h"
#include "target/base/secret.h"

#define FILE_MAX_BYTES (16 << 20)
#define FIRST_BYTES (64 << 10)

/* Read the whole of @fd; the size is only known at its end, for it may be a pipe. */
static int read_all(int fd, char **ret_text, size_t *ret_len)
{
	size_t size = 0;
	size_t len = 0;
	char *text = NULL;
	ssize_t n = 1;
	int err;

	while (n != 0) {
		if (len == size) {
			size_t bigger = size ? size * 2 : FIRST_BYTES;
			char *moved = realloc(text, bigger);

			if (!moved)
				goto err_text;
			text = moved;
			size = bigger;
		}
		n = read(fd, text + len, size - len);
		if (n < 0 && errno != EINTR)
			goto err_text;
		len += (size_t)(n > 0 ? n : 0);
		if (len > FILE_MAX_BYTES) {
			errno = EFBIG;
			goto err_text;
		}
	}
	*ret_text = text;
	*ret_len = len;
	return 0;

err_text:
	err = -errno;
	free(text);
	return err;
}

/* Whoever can read a secret is as good as its host. */
static void warn_of_readers(const struct np_cfg *cfg, mode_t mode, struct np_cfg_diag *diag)
{
	if (np_cfg_has_secrets(cfg) && mode & (S_IRGRP | S_IROTH))
		np_cfg_diag_warn(diag, "hosts",
			"the file holds secrets, and others than its owner may read it (mode %03o)",
			(unsigned int)mode & 0777);
}

int np_cfg_load(const char *path, struct np_cfg_diag *diag, struct np_cfg **ret_cfg)
{
	size_t len = 0;
	char *text = NULL;
	struct stat st = {0};
	int err;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		err = -errno;
		return np_cfg_diag_error(diag, err, "", "%s", strerror(-err));
	}
	err = fstat(fd, &st) ? -errno : read_all(fd, &text, &len);
	close(fd);
	if (err < 0)
		return np_cfg_diag_error(diag, err, "", "%s", strerror(-err));
	err = np_cfg_parse(text, len, diag, ret_cfg);
	np_secret_forget(text, len);
	free(text);
	if (!err)
		warn_of_readers(*ret_cfg, st.st_mode, diag);
	return err;
}
