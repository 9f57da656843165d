// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_memory_buscopy.c - every byte and no other.
 *
 * That accesses are aligned cannot be seen here: ordinary memory takes any.
 * Depends: cmocka, buscopy.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buscopy__copies_every_byte_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
