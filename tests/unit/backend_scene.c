// SPDX-License-Identifier: BSD-3-Clause
/*
 * backend_scene.c - see backend_scene.h.
 *
 * Depends: np_backend, cmocka.
 */
#include "backend_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char why[256];

/* ---- running an I/O ------------------------------------------------------------------------- */

static void io_done(struct np_io *io, struct np_status status)
{
	struct job *job = np_container_of(io, struct job, io);

	job->status = status;
	np_call_done(&job->call);
}

static void submit(struct np_msg *msg)
{
	struct job *job = np_container_of(msg, struct job, call.msg);
	struct np_backend *backend = job->scene->backend;
	struct np_status status;

	switch (backend->ops->submit(backend, job->scene->reactor, &job->io, &status)) {
	case NP_IO_DONE:
		io_done(&job->io, status);
		break;
	case NP_IO_BUSY:
		np_reactor_send(job->scene->reactor, msg);
		break;
	case NP_IO_QUEUED:
		job->scene->parts = job->io.left_parts;
		break;
	}
}

struct np_status run(
	struct scene *scene, enum np_io_op op, uint32_t flags, uint64_t lba, uint32_t nblocks)
{
	struct job job = {
		.io = {.op = op, .flags = flags, .lba = lba, .nblocks = nblocks, .done = io_done},
		.scene = scene,
	};

	job.io.va = scene->buf;
	np_call(&job.call, scene->reactor, submit);
	return job.status;
}

void run_ok(struct scene *scene, enum np_io_op op, uint32_t flags, uint64_t lba, uint32_t nblocks)
{
	assert_int_equal(run(scene, op, flags, lba, nblocks).field, 0);
}

void fill(struct scene *scene, uint8_t seed)
{
	for (unsigned int i = 0; i < BUF_BYTES; i++)
		scene->buf[i] = (uint8_t)(i * 7 + i / 512 + seed);
}

void assert_filled(const uint8_t *bytes, uint32_t first, uint32_t count, uint8_t seed)
{
	for (uint32_t i = first; i < first + count; i++)
		assert_int_equal(bytes[i - first], (uint8_t)(i * 7 + i / 512 + seed));
}

void assert_zeros(const uint8_t *bytes, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(bytes[i], 0);
}

/* ---- scenes --------------------------------------------------------------------------------- */

void make_file(struct scene *scene, off_t bytes)
{
	int fd;

	/* On a disk: direct I/O is refused by tmpfs before Linux 6.6. */
	strcpy(scene->path, "/var/tmp/np-test-backend-XXXXXX");
	fd = mkstemp(scene->path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, bytes), 0);
	close(fd);
}

static struct scene *scene_new(void)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	int ret = np_reactor_start(0, -1, 0, 0, &scene->reactor);

	assert_int_equal(ret, 0);
	assert_int_equal(posix_memalign((void **)&scene->buf, 4096, BUF_BYTES), 0);
	return scene;
}

int setup_file(void **state)
{
	struct scene *scene = scene_new();

	make_file(scene, FILE_BYTES);
	if (np_backend_open(
		    &np_backend_file_ops, scene->path, 0, why, sizeof(why), &scene->backend))
		fail_msg("%s", why);
	*state = scene;
	return 0;
}

int setup_null(void **state)
{
	struct scene *scene = scene_new();

	assert_int_equal(np_backend_open(&np_backend_null_ops, "", FILE_BYTES, why, sizeof(why),
				 &scene->backend),
		0);
	*state = scene;
	return 0;
}

int teardown(void **state)
{
	struct scene *scene = *state;

	np_reactor_stop(scene->reactor);
	np_backend_close(scene->backend);
	if (scene->path[0])
		unlink(scene->path);
	free(scene->buf);
	free(scene);
	return 0;
}
