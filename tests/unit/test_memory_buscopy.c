// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_memory_buscopy.c - every byte and no other, and memory that is not there.
 *
 * That accesses are aligned cannot be seen here: ordinary memory takes any.
 * Depends: cmocka, buscopy.h.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "target/memory/buscopy.h"

#define ROOM 128u
#define UNTOUCHED 0xaa

static void test_buscopy__copies_every_byte_and_no_other(void **state)
{
	_Alignas(8) uint8_t from[ROOM], to[ROOM], expected[ROOM];

	(void)state;
	for (unsigned int i = 0; i < ROOM; i++)
		from[i] = (uint8_t)(i + 1);
	for (unsigned int src = 0; src < 9; src++) {
		for (unsigned int dst = 0; dst < 9; dst++) {
			for (unsigned int bytes = 0; bytes <= ROOM - 16; bytes++) {
				memset(to, UNTOUCHED, ROOM);
				memset(expected, UNTOUCHED, ROOM);
				memcpy(expected + dst, from + src, bytes);
				assert_int_equal(np_buscopy(to + dst, from + src, bytes), 0);
				assert_memory_equal(to, expected, ROOM);
			}
		}
	}
}

static void on_sigbus(int sig)
{
	(void)sig;
}

/* A file that shrank stands for a device that was removed: its mapping raises SIGBUS. */
static void test_buscopy__of_memory_that_is_gone(void **state)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct sigaction action = {.sa_handler = on_sigbus}, after;
	char path[] = "/tmp/np-test-buscopy-XXXXXX";
	int fd = mkstemp(path);
	uint8_t byte = 1;
	uint8_t *gone;

	(void)state;
	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(ftruncate(fd, (off_t)page), 0);
	gone = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(gone, MAP_FAILED);
	assert_int_equal(sigaction(SIGBUS, &action, NULL), 0);
	assert_int_equal(np_buscopy(gone, &byte, 1), 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(np_buscopy(gone, &byte, 1), -EFAULT);
	assert_int_equal(np_buscopy(&byte, gone, 1), -EFAULT);
	/* What the process did at SIGBUS before, it does again. */
	assert_int_equal(sigaction(SIGBUS, NULL, &after), 0);
	assert_ptr_equal(after.sa_handler, on_sigbus);
	signal(SIGBUS, SIG_DFL);
	munmap(gone, page);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buscopy__copies_every_byte_and_no_other),
		cmocka_unit_test(test_buscopy__of_memory_that_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
