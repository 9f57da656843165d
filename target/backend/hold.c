// SPDX-License-Identifier: BSD-3-Clause
/*
 * hold.c - a table of what this process holds, counted. There is one, as there is one process.
 *
 * Thread: control.
 * Depends: base.
 */
#include "target/backend/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/base/list.h"

struct np_hold {
	struct np_list link;
	int fd;
	struct stat st; /* who it is */
	unsigned int users;
};

static struct np_list np_holds = {&np_holds, &np_holds};

static bool np_hold_is(const struct np_hold *hold, const struct stat *st)
{
	if ((hold->st.st_mode & S_IFMT) != (st->st_mode & S_IFMT))
		return false;
	if (S_ISBLK(st->st_mode))
		return hold->st.st_rdev == st->st_rdev;
	return hold->st.st_dev == st->st_dev && hold->st.st_ino == st->st_ino;
}

static struct np_hold *np_hold_find(const struct stat *st)
{
	struct np_list *pos;

	np_list_for_each(pos, &np_holds) {
		struct np_hold *hold = np_container_of(pos, struct np_hold, link);

		if (np_hold_is(hold, st))
			return hold;
	}
	return NULL;
}

/* Return: 0 or -errno. */
static int np_hold_open(struct np_hold *hold, const char *path)
{
	bool is_device = S_ISBLK(hold->st.st_mode);

	/* NFS locks exclusively only what is open for writing. */
	hold->fd = open(path, O_CLOEXEC | (is_device ? O_RDONLY | O_EXCL : O_RDWR));
	if (hold->fd < 0)
		return -errno;
	if (!is_device && flock(hold->fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return 0;
}

int np_hold_get(const char *path, char *why, size_t why_size, struct np_hold **ret_hold)
{
	struct np_hold *hold;
	struct stat st;
	int err;

	if (stat(path, &st)) {
		err = -errno;
		snprintf(why, why_size, "cannot open %s: %s", path, strerror(-err));
		return err;
	}
	hold = np_hold_find(&st);
	if (hold) {
		hold->users++;
		*ret_hold = hold;
		return 0;
	}
	hold = calloc(1, sizeof(*hold));
	if (!hold) {
		snprintf(why, why_size, "out of memory");
		return -ENOMEM;
	}
	*hold = (struct np_hold){.fd = -1, .st = st, .users = 1};
	np_list_add_tail(&np_holds, &hold->link);
	err = np_hold_open(hold, path);
	if (err) {
		snprintf(why, why_size, "cannot open %s: %s%s", path, strerror(-err),
			err == -EBUSY ? " (mounted, or in use by a device or process)" : "");
		np_hold_put(hold);
		return err;
	}
	*ret_hold = hold;
	return 0;
}

void np_hold_put(struct np_hold *hold)
{
	if (!hold || --hold->users)
		return;
	if (hold->fd >= 0)
		close(hold->fd);
	np_list_del(&hold->link);
	free(hold);
}
