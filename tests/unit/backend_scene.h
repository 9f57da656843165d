/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backend_scene.h - a backend on a real reactor, and I/O to it, for the tests of engines.
 *
 * Depends: np_backend, cmocka.
 */
#ifndef NP_TEST_BACKEND_SCENE_H
#define NP_TEST_BACKEND_SCENE_H

#include <stdint.h>

#include "target/backend/backend.h"
#include "target/reactor/call.h"

#define FILE_BYTES (1u << 20)
#define BUF_BYTES 16384u

struct scene {
	struct np_reactor *reactor;
	struct np_backend *backend;
	char path[64];
	uint8_t *buf;       /* BUF_BYTES, page-aligned */
	unsigned int parts; /* that the last I/O was handed to the kernel in */
};

/* One I/O on its way through the reactor. */
struct job {
	struct np_call call;
	struct np_io io;
	struct scene *scene;
	struct np_status status;
};

/* Does an I/O with the data at scene->buf. */
struct np_status run(
	struct scene *scene, enum np_io_op op, uint32_t flags, uint64_t lba, uint32_t nblocks);
void run_ok(struct scene *scene, enum np_io_op op, uint32_t flags, uint64_t lba, uint32_t nblocks);

/* Bytes of scene->buf that tell where they belong. */
void fill(struct scene *scene, uint8_t seed);
void assert_filled(const uint8_t *bytes, uint32_t first, uint32_t count, uint8_t seed);
void assert_zeros(const uint8_t *bytes, uint32_t count);

/* An empty file of @bytes; its name is put into scene->path. */
void make_file(struct scene *scene, off_t bytes);

/* For cmocka: a scene with a file or with the null engine, FILE_BYTES long. */
int setup_file(void **state);
int setup_null(void **state);
int teardown(void **state);

#endif
