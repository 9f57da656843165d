// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_reactor_sched.c - the priority of a reactor's thread, at work and while it polls.
 *
 * A lower priority than the usual one is tested: everybody may have that.
 * Depends: cmocka, target/reactor.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "need_uring.h"
#include "target/reactor/call.h"

#define NICE 5

struct look {
	struct np_call call;
	int nice;
};

static void look(struct np_msg *msg)
{
	struct look *look = np_container_of(msg, struct look, call.msg);

	look->nice = getpriority(PRIO_PROCESS, 0);
	np_call_done(&look->call);
}

/* The nice value of a reactor that always polls, or never does. */
static int nice_of(int cpu, int poll_us)
{
	struct np_reactor *reactor;
	struct look seen;
	int ret = np_reactor_start(0, cpu, NICE, poll_us, &reactor);

	assert_int_equal(ret, 0);
	/* The first message may be read in the turn that begins to poll, the second is not. */
	np_call(&seen.call, reactor, look);
	np_call(&seen.call, reactor, look);
	np_reactor_stop(reactor);
	return seen.nice;
}

static int first_cpu(void)
{
	cpu_set_t set;
	int cpu = 0;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	while (!CPU_ISSET((size_t)cpu, &set))
		cpu++;
	return cpu;
}

/* Return: whether this process may go back to a higher priority. */
static bool may_raise(void)
{
	const int usual = getpriority(PRIO_PROCESS, 0);

	return !setpriority(PRIO_PROCESS, 0, usual + 1) && !setpriority(PRIO_PROCESS, 0, usual);
}

static void test_priority__is_kept_on_many_cpus(void **state)
{
	cpu_set_t set;

	(void)state;
	assert_int_equal(nice_of(-1, 0), NICE);
	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	if (CPU_COUNT(&set) > 1)
		assert_int_equal(nice_of(-1, -1), NICE);
}

static void test_priority__is_usual_while_a_lone_cpu_is_polled(void **state)
{
	(void)state;
	assert_int_equal(nice_of(first_cpu(), 0), NICE);
	if (!may_raise())
		skip();
	assert_int_equal(nice_of(first_cpu(), -1), getpriority(PRIO_PROCESS, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_priority__is_kept_on_many_cpus),
		cmocka_unit_test(test_priority__is_usual_while_a_lone_cpu_is_polled),
	};

	need_uring();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
