/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * io_scene.h - a loopback world with one host connected: what the tests of I/O commands begin with.
 *
 * Depends: loopback.h, cmocka.
 */
#ifndef NP_TESTS_IO_SCENE_H
#define NP_TESTS_IO_SCENE_H

#include <stdlib.h>

#include "loopback.h"
#include "target/base/le.h"

#define BLOCK (1u << NP_LB_BLOCK_SHIFT)
#define KIB 1024u

struct scene {
	struct np_lb *lb;
	struct np_lb_conn *admin, *io;
	struct np_lb_backend *backend;
	struct np_ns *ns;
};

static inline int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	scene->lb = np_lb_open();
	scene->admin = np_lb_connect_admin(scene->lb, NP_LB_SUBNQN, true);
	scene->io = np_lb_connect_io(scene->lb, scene->admin, 1);
	scene->backend = &scene->lb->backends[0];
	scene->ns = &scene->lb->ns[0];
	*state = scene;
	return 0;
}

static inline int teardown(void **state)
{
	struct scene *scene = *state;

	np_lb_close(scene->lb);
	free(scene);
	return 0;
}

static inline struct np_sqe rw(uint8_t opcode, uint64_t lba, uint32_t nblocks)
{
	struct np_sqe sqe = np_lb_sqe(opcode, 1);

	sqe.cdw10 = htole32((uint32_t)lba);
	sqe.cdw11 = htole32((uint32_t)(lba >> 32));
	sqe.cdw12 = htole32(nblocks - 1);
	return sqe;
}

static inline uint8_t *random_bytes(size_t bytes)
{
	uint8_t *data = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);

	for (size_t i = 0; i < bytes; i++)
		data[i] = (uint8_t)random();
	return data;
}

static inline uint64_t moved(const struct scene *scene, enum np_traffic_counter counter)
{
	return np_ns_traffic(scene->ns).count[counter];
}

static inline uint64_t written(const struct scene *scene)
{
	const struct np_traffic_sum sum = np_ns_traffic(scene->ns);

	return np_traffic_write_bytes(&sum);
}

static inline uint64_t read_back(const struct scene *scene)
{
	const struct np_traffic_sum sum = np_ns_traffic(scene->ns);

	return np_traffic_read_bytes(&sum);
}

static inline void write_and_read(struct scene *scene, uint64_t lba, uint32_t bytes)
{
	uint8_t *out = random_bytes(bytes), *in = calloc(1, bytes);

	np_lb_assert_status(
		np_lb_exec(scene->io, rw(nvme_cmd_write, lba, bytes / BLOCK), out, bytes),
		NP_SUCCESS);
	assert_memory_equal(scene->backend->blocks + lba * BLOCK, out, bytes);
	np_lb_assert_status(np_lb_exec(scene->io, rw(nvme_cmd_read, lba, bytes / BLOCK), in, bytes),
		NP_SUCCESS);
	assert_memory_equal(in, out, bytes);
	free(out);
	free(in);
}

#define io_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
