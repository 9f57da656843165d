// SPDX-License-Identifier: BSD-3-Clause
/*
 * apply_manage.c - namespaces that hosts create, delete and attach.
 *
 * Thread: control.
 * Depends: apply_reload.h, apply_created.h, backend.h, libuuid.
 */
#include "config/apply_manage.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uuid/uuid.h>

#include "config/apply_created.h"
#include "config/apply_reload.h"
#include "target/backend/backend.h"
#include "target/base/event.h"

/* ---- what is kept ------------------------------------------------------------------------- */

static int np_manage_load(
	struct np_daemon *daemon, struct np_cfg_subsys *subsys, char *why, size_t why_size)
{
	const char *folder = subsys->created.folder;

	if (!folder)
		return 0;
	if (mkdir(folder, 0700) && errno != EEXIST) {
		const int err = errno;

		snprintf(why, why_size, "%.200s: %s", folder, strerror(err));
		return -err;
	}
	subsys->created.block_bytes = np_file_block_bytes(folder);
	return np_created_load(&daemon->state, subsys, why, why_size);
}

void np_apply_load_created(struct np_daemon *daemon, struct np_cfg *cfg)
{
	char why[256];

	for (size_t i = 0; i < cfg->n_subsystems; i++) {
		struct np_cfg_subsys *subsys = &cfg->subsystems[i];

		if (!np_manage_load(daemon, subsys, why, sizeof(why)))
			continue;
		np_event(NP_EVENT_NAMESPACE, NP_LOG_ERR,
			"subsystem %s: what hosts have created is not served, and they can create "
			"nothing: %s",
			subsys->nqn, why);
		subsys->created.is_unknown = true;
	}
}

int np_apply_reload_created(
	struct np_daemon *daemon, struct np_cfg *cfg, char *why, size_t why_size)
{
	char reason[256];

	for (size_t i = 0; i < cfg->n_subsystems; i++) {
		const int ret = np_manage_load(daemon, &cfg->subsystems[i], reason, sizeof(reason));

		if (!ret)
			continue;
		snprintf(why, why_size, "subsystems[%zu].namespaces: %s", i, reason);
		return ret;
	}
	return 0;
}

void np_apply_offer_capacity(
	struct np_daemon *daemon, struct np_subsys *subsys, const struct np_cfg_subsys *cfg)
{
	const uint64_t capacity = cfg->created.capacity_bytes, used = np_created_bytes(cfg);

	if (!cfg->created.folder || cfg->created.is_unknown || !daemon->state.can_keep)
		return;
	atomic_store(&subsys->capacity.bytes, capacity);
	atomic_store(&subsys->capacity.free_bytes, used < capacity ? capacity - used : 0);
	atomic_store(&subsys->capacity.block_bytes, cfg->created.block_bytes);
	atomic_store(&subsys->manager, &daemon->manager);
}

/* ---- a change ----------------------------------------------------------------------------- */

/* A configuration that is to take the place of the daemon's. */
struct np_manage {
	struct np_daemon *daemon;
	const struct np_cfg_subsys *old;
	struct np_cfg *cfg;
	struct np_cfg_subsys *subsys; /* of cfg */
};

static struct np_status np_manage_trouble(void)
{
	return np_status_retryable(np_status_generic(NVME_SC_INTERNAL));
}

static struct np_status np_manage_begin(
	struct np_manage *manage, struct np_manager *manager, const struct np_subsys *subsys)
{
	struct np_daemon *daemon = np_container_of(manager, struct np_daemon, manager);

	*manage = (struct np_manage){
		.daemon = daemon, .old = np_cfg_find_subsys(daemon->cfg, subsys->nqn)};
	/* Its hosts are being disconnected. */
	if (!manage->old)
		return np_manage_trouble();
	manage->cfg = np_cfg_copy(daemon->cfg);
	if (!manage->cfg)
		return np_manage_trouble();
	manage->subsys = &manage->cfg->subsystems[manage->old - daemon->cfg->subsystems];
	return NP_SUCCESS;
}

/* Gives up what was begun. Return: @status. */
static struct np_status np_manage_cancel(struct np_manage *manage, struct np_status status)
{
	np_cfg_free(manage->cfg);
	return status;
}

/* @what: the change, for the log. */
static struct np_status np_manage_commit(struct np_manage *manage, const char *what, uint32_t nsid)
{
	struct np_daemon *daemon = manage->daemon;
	const char *nqn = manage->subsys->nqn;
	char why[256] = "";
	json_t *changes;
	int ret = np_created_save(&daemon->state, manage->subsys);

	if (ret) {
		snprintf(why, sizeof(why), "%s: %s", daemon->state.dir, strerror(-ret));
	} else {
		ret = np_apply_reload(daemon, manage->cfg, &changes, why, sizeof(why));
		if (ret)
			np_created_save(&daemon->state, manage->old);
	}
	if (ret) {
		np_event(NP_EVENT_NAMESPACE, NP_LOG_ERR,
			"namespace %s/%u cannot be %s by a host: %s", nqn, nsid, what, why);
		return np_manage_cancel(manage, np_manage_trouble());
	}
	json_decref(changes);
	np_event(NP_EVENT_NAMESPACE, NP_LOG_INFO, "namespace %s/%u: %s by a host", nqn, nsid, what);
	return NP_SUCCESS;
}

/* ---- files -------------------------------------------------------------------------------- */

static int np_manage_sync_folder(const char *path)
{
	char folder[PATH_MAX];
	int fd, ret;

	snprintf(folder, sizeof(folder), "%s", path);
	fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = fsync(fd) ? -errno : 0;
	close(fd);
	return ret;
}

/* A file of zeroes that has its space, where the file system can. Return: 0 or -errno. */
static int np_manage_make_file(const char *path, uint64_t bytes)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), ret = 0;

	if (fd < 0)
		return -errno;
	if (fallocate(fd, 0, 0, (off_t)bytes))
		ret = -errno;
	if (ret == -EOPNOTSUPP)
		ret = ftruncate(fd, (off_t)bytes) ? -errno : 0;
	if (!ret && fsync(fd))
		ret = -errno;
	close(fd);
	if (!ret)
		ret = np_manage_sync_folder(path);
	if (ret)
		unlink(path);
	return ret;
}

static void np_manage_remove_file(const char *path)
{
	if (unlink(path) || np_manage_sync_folder(path))
		np_log_warn("%s: %s", path, strerror(errno));
}

/* ---- create ------------------------------------------------------------------------------- */

/* The lowest that is free. Return: 0 if there is none. */
static uint32_t np_manage_free_nsid(const struct np_cfg_subsys *subsys)
{
	if (subsys->n_namespaces >= NP_MAX_NAMESPACES)
		return 0;
	for (uint32_t nsid = 1; nsid <= NP_MAX_NAMESPACES; nsid++) {
		if (!np_cfg_find_ns(subsys, nsid))
			return nsid;
	}
	return 0;
}

static struct np_status np_manage_create_file(
	struct np_manage *manage, struct np_created_wish *wish, uint32_t *ret_nsid)
{
	const struct np_cfg_ns *ns;
	struct np_status status;
	char path[PATH_MAX];
	int ret;

	uuid_generate(wish->uuid);
	ns = np_created_add(manage->subsys, wish);
	if (!ns)
		return np_manage_cancel(manage, np_manage_trouble());
	snprintf(path, sizeof(path), "%s", ns->device.path);
	ret = np_manage_make_file(path, wish->bytes);
	if (ret) {
		np_event(NP_EVENT_NAMESPACE, NP_LOG_ERR, "%s: %s", path, strerror(-ret));
		if (ret == -ENOSPC || ret == -EDQUOT || ret == -EFBIG)
			return np_manage_cancel(
				manage, np_status_specific(NVME_SC_NS_INSUFFICIENT_CAP));
		return np_manage_cancel(manage, np_manage_trouble());
	}
	*ret_nsid = wish->nsid;
	status = np_manage_commit(manage, "created", wish->nsid);
	if (!np_status_is_ok(status))
		np_manage_remove_file(path);
	return status;
}

static struct np_status np_manage_create(struct np_manager *manager, struct np_subsys *subsys,
	const struct np_ns_wish *wish, uint32_t *ret_nsid)
{
	const uint32_t block_bytes = atomic_load(&subsys->capacity.block_bytes);
	struct np_manage manage;
	struct np_status status = np_manage_begin(&manage, manager, subsys);
	struct np_created_wish created = {
		.ana_grpid = wish->ana_group, .is_private = wish->is_private};

	if (!np_status_is_ok(status))
		return status;
	if (wish->nblocks > atomic_load(&subsys->capacity.free_bytes) / block_bytes)
		return np_manage_cancel(&manage, np_status_specific(NVME_SC_NS_INSUFFICIENT_CAP));
	created.bytes = wish->nblocks * block_bytes;
	created.nsid = np_manage_free_nsid(manage.subsys);
	if (!created.nsid)
		return np_manage_cancel(&manage, np_status_specific(NVME_SC_NS_ID_UNAVAILABLE));
	return np_manage_create_file(&manage, &created, ret_nsid);
}

/* ---- delete ------------------------------------------------------------------------------- */

/* Return: success if hosts have created it. */
static struct np_status np_manage_check(const struct np_cfg_subsys *subsys, uint32_t nsid)
{
	if (np_created_find(subsys, nsid))
		return NP_SUCCESS;
	return np_status_generic(
		np_cfg_find_ns(subsys, nsid) ? NVME_SC_OP_DENIED : NVME_SC_INVALID_NS);
}

static struct np_status np_manage_remove_one(
	struct np_manager *manager, struct np_subsys *subsys, uint32_t nsid)
{
	struct np_manage manage;
	struct np_status status = np_manage_begin(&manage, manager, subsys);
	char path[PATH_MAX];

	if (!np_status_is_ok(status))
		return status;
	status = np_manage_check(manage.subsys, nsid);
	if (!np_status_is_ok(status))
		return np_manage_cancel(&manage, status);
	snprintf(path, sizeof(path), "%s", np_created_find(manage.subsys, nsid)->device.path);
	np_created_drop(manage.subsys, nsid);
	status = np_manage_commit(&manage, "deleted", nsid);
	/* Who has it open, for commands that have begun, goes on with it. */
	if (np_status_is_ok(status))
		np_manage_remove_file(path);
	return status;
}

/* All of the subsystem: so there may be none that is the operator's. */
static struct np_status np_manage_remove_all(struct np_manager *manager, struct np_subsys *subsys)
{
	struct np_daemon *daemon = np_container_of(manager, struct np_daemon, manager);
	const struct np_cfg_subsys *cfg = np_cfg_find_subsys(daemon->cfg, subsys->nqn);
	struct np_status status = NP_SUCCESS;

	for (size_t i = 0; cfg && i < cfg->n_namespaces; i++) {
		if (!cfg->namespaces[i].is_created)
			return np_status_generic(NVME_SC_OP_DENIED);
	}
	while (np_status_is_ok(status) && cfg && cfg->n_namespaces) {
		status = np_manage_remove_one(manager, subsys, cfg->namespaces[0].nsid);
		cfg = np_cfg_find_subsys(daemon->cfg, subsys->nqn);
	}
	return status;
}

static struct np_status np_manage_remove(
	struct np_manager *manager, struct np_subsys *subsys, uint32_t nsid)
{
	return nsid == NVME_NSID_ALL ? np_manage_remove_all(manager, subsys)
				     : np_manage_remove_one(manager, subsys, nsid);
}

/* ---- attach ------------------------------------------------------------------------------- */

static struct np_status np_manage_attach_host(
	struct np_cfg_ns *ns, const char *host, bool is_attached)
{
	if (is_attached == np_created_has_host(ns, host))
		return np_status_specific(
			is_attached ? NVME_SC_NS_ALREADY_ATTACHED : NVME_SC_NS_NOT_ATTACHED);
	if (!is_attached) {
		np_created_drop_host(ns, host);
		return NP_SUCCESS;
	}
	if (ns->is_private && ns->n_allowed_hosts)
		return np_status_specific(NVME_SC_NS_IS_PRIVATE);
	return np_created_add_host(ns, host) ? np_manage_trouble() : NP_SUCCESS;
}

static struct np_status np_manage_attach(struct np_manager *manager, struct np_subsys *subsys,
	uint32_t nsid, const char *const *hosts, unsigned int nhosts, bool is_attached)
{
	struct np_manage manage;
	struct np_status status = np_manage_begin(&manage, manager, subsys);

	if (!np_status_is_ok(status))
		return status;
	status = np_manage_check(manage.subsys, nsid);
	for (unsigned int i = 0; np_status_is_ok(status) && i < nhosts; i++)
		status = np_manage_attach_host(
			np_created_find(manage.subsys, nsid), hosts[i], is_attached);
	if (!np_status_is_ok(status))
		return np_manage_cancel(&manage, status);
	return np_manage_commit(&manage, is_attached ? "attached" : "detached", nsid);
}

void np_apply_manage_init(struct np_daemon *daemon)
{
	daemon->manager = (struct np_manager){
		.create = np_manage_create, .remove = np_manage_remove, .attach = np_manage_attach};
}
