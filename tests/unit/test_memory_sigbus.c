// SPDX-License-Identifier: BSD-3-Clause
/*
 * Copies and zeros that survive memory which goes away, in several threads at once, and a SIGBUS
 * that is not theirs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/memory/buscopy.h"

#define PAGE 4096

/* cmocka puts handlers of its own in place for each test; this is the one that has to be there. */
static struct sigaction ours;

static void take_over(void)
{
	assert_int_equal(sigaction(SIGBUS, &ours, NULL), 0);
}

/* A page of a mapping beyond the end of its file raises SIGBUS, as removed memory does. */
static uint8_t *map_nothing(void)
{
	FILE *file = tmpfile();
	void *map;

	if (!file)
		return NULL;
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
	fclose(file);
	return map == MAP_FAILED ? NULL : map;
}

static void test_np_buszero__zeroes_no_more_than_it_is_told(void **state)
{
	static uint8_t memory[2 * PAGE] __attribute__((aligned(PAGE)));
	static const uint8_t zero[PAGE];

	(void)state;
	take_over();
	memset(memory, 0x5a, sizeof(memory));
	assert_int_equal(np_buszero(memory + 16, PAGE), 0);
	assert_memory_equal(memory + 16, zero, PAGE);
	assert_int_equal(memory[15], 0x5a);
	assert_int_equal(memory[16 + PAGE], 0x5a);
}

static void test_np_buscopy__reports_memory_that_is_gone(void **state)
{
	uint8_t *map = map_nothing(), byte = 1;

	(void)state;
	take_over();
	assert_non_null(map);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(np_buszero(map, PAGE), -EFAULT);
		assert_int_equal(np_buscopy(map, &byte, 1), -EFAULT);
		assert_int_equal(np_buscopy(&byte, map, 1), -EFAULT);
	}
	munmap(map, PAGE);
}

/* One thread meets memory that is gone, the other one memory that is there, again and again. */
static void *work(void *arg)
{
	uint8_t own[PAGE] __attribute__((aligned(16))), *map = arg;
	uintptr_t wrong = 0;

	for (int i = 0; i < 5000; i++) {
		memset(own, i | 1, sizeof(own));
		wrong += np_buszero(map ? map : own, PAGE) != (map ? -EFAULT : 0);
		wrong += (own[PAGE - 1] != 0) != (map != NULL);
		wrong += np_buscopy(own, map ? map : own, PAGE / 2) != (map ? -EFAULT : 0);
	}
	return (void *)wrong;
}

static void test_np_buscopy__threads_do_not_meet(void **state)
{
	uint8_t *map = map_nothing();
	pthread_t threads[4];

	(void)state;
	take_over();
	assert_non_null(map);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, i % 2 ? map : NULL), 0);
	for (int i = 0; i < 4; i++) {
		void *wrong = NULL;

		assert_int_equal(pthread_join(threads[i], &wrong), 0);
		assert_null(wrong);
	}
	munmap(map, PAGE);
}

/* Return: the signal that ended a process which has copied, and then touched @map on its own. */
static int end_of_child(uint8_t *map)
{
	pid_t pid = fork();
	int status = 0;

	if (!pid) {
		const struct rlimit none = {0, 0};

		setrlimit(RLIMIT_CORE, &none);
		if (np_buszero(map, PAGE) != -EFAULT)
			_exit(1);
		*(volatile uint8_t *)map = 1;
		_exit(2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

static void test_np_buscopy__a_foreign_sigbus_ends_the_process(void **state)
{
	uint8_t *map = map_nothing();

	(void)state;
	take_over();
	assert_non_null(map);
	assert_int_equal(end_of_child(map), SIGBUS);
	munmap(map, PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_np_buszero__zeroes_no_more_than_it_is_told),
		cmocka_unit_test(test_np_buscopy__reports_memory_that_is_gone),
		cmocka_unit_test(test_np_buscopy__threads_do_not_meet),
		cmocka_unit_test(test_np_buscopy__a_foreign_sigbus_ends_the_process),
	};
	uint8_t byte = 0;

	signal(SIGBUS, SIG_DFL);
	if (np_buscopy(&byte, &byte, 0) || sigaction(SIGBUS, NULL, &ours))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
