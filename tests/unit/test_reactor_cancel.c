// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_reactor_cancel.c - io_uring operations are called back: those that are under way end, those that
 * are not are left alone, and either way the caller is told.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "need_uring.h"
#include "target/reactor/call.h"
#include "target/reactor/uring.h"

struct job {
	struct np_call call;
	struct np_reactor *reactor;
	int pipe[2];
	char byte;
	struct np_uring_op read, cancel;
	int read_result, cancel_result;
	unsigned int pending;
};

static void end(struct job *job)
{
	if (!--job->pending)
		np_call_done(&job->call);
}

static void read_done(struct np_uring_op *op, int res, uint64_t big)
{
	struct job *job = np_container_of(op, struct job, read);

	(void)big;
	job->read_result = res;
	end(job);
}

static void cancel_done(struct np_uring_op *op, int res, uint64_t big)
{
	struct job *job = np_container_of(op, struct job, cancel);

	(void)big;
	job->cancel_result = res;
	end(job);
}

static void cancel(struct np_msg *msg)
{
	struct job *job =
		np_container_of(np_container_of(msg, struct np_call, msg), struct job, call);

	job->pending++;
	job->cancel.done = cancel_done;
	assert_true(np_uring_cancel(job->reactor, &job->read, &job->cancel));
}

/* A pipe that nobody writes to: the read lasts. */
static void read_and_cancel(struct np_msg *msg)
{
	struct job *job =
		np_container_of(np_container_of(msg, struct np_call, msg), struct job, call);
	struct io_uring_sqe *sqe = np_uring_get_sqe(job->reactor, &job->read);

	assert_non_null(sqe);
	job->read.done = read_done;
	io_uring_prep_rw(IORING_OP_READ, sqe, job->pipe[0], &job->byte, 1, 0);
	job->pending++;
	cancel(msg);
}

static int setup(void **state)
{
	static struct job job;

	job = (struct job){0};
	assert_int_equal(np_reactor_start(0, -1, 0, 0, &job.reactor), 0);
	assert_int_equal(pipe(job.pipe), 0);
	*state = &job;
	return 0;
}

static int teardown(void **state)
{
	struct job *job = *state;

	np_reactor_stop(job->reactor);
	close(job->pipe[0]);
	close(job->pipe[1]);
	return 0;
}

static void test_np_uring_cancel__ends_what_is_under_way(void **state)
{
	struct job *job = *state;

	np_call(&job->call, job->reactor, read_and_cancel);
	assert_int_equal(job->read_result, -ECANCELED);
	assert_int_equal(job->cancel_result, 1);
}

static void test_np_uring_cancel__of_nothing(void **state)
{
	struct job *job = *state;

	np_call(&job->call, job->reactor, cancel);
	assert_int_equal(job->read_result, 0);
	assert_true(job->cancel_result <= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_np_uring_cancel__ends_what_is_under_way, setup, teardown),
		cmocka_unit_test_setup_teardown(test_np_uring_cancel__of_nothing, setup, teardown),
	};

	need_uring();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
