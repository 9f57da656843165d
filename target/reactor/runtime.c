// SPDX-License-Identifier: BSD-3-Clause
/*
 * runtime.c - start and stop of the process's threads.
 *
 * Thread: control.
 * Depends: reactor.h, libev.
 */
#include "target/reactor/runtime.h"

#include "target/base/log.h"

static void np_runtime_control_ready(struct ev_loop *loop, struct ev_io *watch, int events)
{
	struct np_runtime *runtime = np_container_of(watch, struct np_runtime, control_watch);

	(void)loop;
	(void)events;
	np_mailbox_clear_event(&runtime->control);
	np_mailbox_drain(&runtime->control);
}

static void np_runtime_stop_reactors(struct np_runtime *runtime)
{
	while (runtime->nreactors > 0)
		np_reactor_stop(runtime->reactors[--runtime->nreactors]);
}

int np_runtime_start(struct np_runtime *runtime, struct ev_loop *loop, const int *cpus,
	unsigned int nreactors, int nice, int poll_us)
{
	int ret;

	*runtime = (struct np_runtime){.loop = loop};
	ret = np_mailbox_init(&runtime->control);
	if (ret)
		return ret;
	for (unsigned int i = 0; i < nreactors; i++) {
		ret = np_reactor_start(i, cpus[i], nice, poll_us, &runtime->reactors[i]);
		if (ret) {
			np_runtime_stop_reactors(runtime);
			np_mailbox_fini(&runtime->control);
			return ret;
		}
		runtime->nreactors++;
	}
	ev_io_init(&runtime->control_watch, np_runtime_control_ready, runtime->control.event_fd,
		EV_READ);
	ev_io_start(loop, &runtime->control_watch);
	return 0;
}

void np_runtime_stop(struct np_runtime *runtime)
{
	np_runtime_stop_reactors(runtime);
	ev_io_stop(runtime->loop, &runtime->control_watch);
	np_mailbox_fini(&runtime->control);
}
