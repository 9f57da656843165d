// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_memory_dmabuf.c - what is no dma-buf is refused; and one of udmabuf, where the kernel has it.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "target/memory/mem.h"
#include "target/memory/udmabuf.h"

#define BYTES (1u << 20)

static void test_np_mem_dmabuf_open__refuses_other_descriptors(void **state)
{
	int memfd = memfd_create("test", MFD_CLOEXEC), null = open("/dev/null", O_RDWR);
	const int fds[] = {memfd, null, 1 << 20};

	(void)state;
	assert_int_equal(ftruncate(memfd, BYTES), 0);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		const struct np_mem_want want = {.label = "gpu0", .fd = fds[i]};
		struct np_mem_region region = {.fd = -1};
		char why[128] = "";

		assert_true(np_mem_dmabuf_ops.open(&region, &want, why, sizeof(why)) < 0);
		assert_true(why[0] != '\0');
		assert_null(region.va);
	}
	/* They stay the caller's. */
	assert_int_equal(close(memfd), 0);
	assert_int_equal(close(null), 0);
}

static void test_np_mem_dmabuf_open__waits_for_a_descriptor(void **state)
{
	const struct np_mem_want want = {.label = "gpu0", .fd = -1};
	struct np_mem_region region = {.fd = -1};
	char why[128];

	(void)state;
	assert_int_equal(np_mem_dmabuf_ops.open(&region, &want, why, sizeof(why)), -ENOENT);
	assert_string_equal(why, "no dma-buf has come for it yet");
}

static void test_np_mem_dmabuf_open__maps_udmabuf(void **state)
{
	struct np_mem_want want = {.where = "udmabuf", .label = "a", .bytes = BYTES, .fd = -1};
	struct np_mem_region *own, *given;
	struct np_mem mem = {0};
	char why[128];
	int fd, memfd;

	(void)state;
	if (np_udmabuf_new(BYTES, &fd, &memfd))
		skip(); /* no /dev/udmabuf */
	assert_int_equal(
		np_mem_open(&mem, &np_mem_dmabuf_ops, &want, 1, why, sizeof(why), &own), 0);
	want = (struct np_mem_want){.label = "b", .fd = fd};
	assert_int_equal(
		np_mem_open(&mem, &np_mem_dmabuf_ops, &want, 1, why, sizeof(why), &given), 0);
	assert_int_equal(given->bytes, BYTES);
	assert_string_equal(given->name, "dmabuf b (udmabuf)");
	assert_false(own->is_peer || given->is_peer);
	assert_true(own->is_optional && given->is_optional);
	assert_int_equal(own->reg_kind, NP_MEM_REG_DMABUF);
	/* Two mappings of the same pages. */
	assert_int_equal(pwrite(memfd, "np", 2, 4096), 2);
	assert_memory_equal((char *)given->va + 4096, "np", 2);
	np_mem_close_all(&mem);
	assert_int_equal(close(fd), 0);
	assert_int_equal(close(memfd), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_np_mem_dmabuf_open__refuses_other_descriptors),
		cmocka_unit_test(test_np_mem_dmabuf_open__waits_for_a_descriptor),
		cmocka_unit_test(test_np_mem_dmabuf_open__maps_udmabuf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
