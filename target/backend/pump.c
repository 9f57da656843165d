// SPDX-License-Identifier: BSD-3-Clause
/*
 * pump.c - a ring without a reactor's thread.
 *
 * Thread: as pump.h says.
 * Depends: uring.h.
 */
#include "target/backend/pump.h"

#include <errno.h>

#include "target/reactor/uring.h"

/* An operation that somebody waits for. */
struct np_pump_job {
	struct np_io io;
	bool is_done;
	struct np_status status;
};

int np_pump_init(struct np_pump *pump, bool is_polled)
{
	int ret;

	*pump = (struct np_pump){0};
	ret = np_uring_init(&pump->reactor.ring, 0);
	if (ret)
		return ret;
	ret = is_polled ? np_uring_start_polling(&pump->reactor) : 0;
	if (ret)
		np_uring_exit(&pump->reactor);
	return ret;
}

void np_pump_fini(struct np_pump *pump)
{
	np_uring_exit(&pump->reactor);
}

int np_pump_turn(struct np_pump *pump)
{
	int ret = pump->reactor.npolled ? 0 : io_uring_submit_and_wait(&pump->reactor.ring, 1);

	if (ret < 0 && ret != -EINTR)
		return ret;
	np_uring_reap(&pump->reactor);
	np_uring_poll_devices(&pump->reactor);
	return 0;
}

static void np_pump_done(struct np_io *io, struct np_status status)
{
	struct np_pump_job *job = np_container_of(io, struct np_pump_job, io);

	job->status = status;
	job->is_done = true;
}

int np_pump_run(struct np_pump *pump, struct np_backend *backend, struct np_io *io,
	struct np_status *ret_status)
{
	struct np_pump_job job = {.io = *io};

	job.io.done = np_pump_done;
	switch (backend->ops->submit(backend, &pump->reactor, &job.io, &job.status)) {
	case NP_IO_DONE:
		job.is_done = true;
		break;
	case NP_IO_BUSY:
		return -EBUSY;
	case NP_IO_QUEUED:
		break;
	}
	while (!job.is_done) {
		int ret = np_pump_turn(pump);

		if (ret)
			return ret;
	}
	*ret_status = job.status;
	return 0;
}
