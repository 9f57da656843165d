// SPDX-License-Identifier: BSD-3-Clause
/*
 * sched.c - how the kernel's scheduler treats a reactor: its CPU, its slice, its priority.
 *
 * Thread: the reactor.
 * Depends: sched_setattr(2).
 */
#include "target/reactor/sched.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "target/base/log.h"

/*
 * The kernel's own is 1.4 ms on two CPUs, 2.8 ms on eight; the least that it grants is 0.1 ms. A
 * shorter one asks to run soon after waking up, not to run more: the scheduler picks the thread whose
 * slice ends first, and the drive stands idle for as long as this one is not picked. A slice that
 * ends within a turn would cost a switch, and on Linux 7.2 an interrupt of its own (HRTICK, on by
 * default). Kernels before 6.12 ignore it (sched_setattr(2); Linux 6.18, kernel/sched/fair.c,
 * __setparam_fair()).
 */
#define NP_SLICE_NS 200000

/* struct sched_attr, which only newer C libraries define. */
struct np_sched_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

/* Return: 0 or -errno; -EINVAL for a thread of another policy than the usual one. */
static int np_sched_get(struct np_sched_attr *attr)
{
	*attr = (struct np_sched_attr){.size = sizeof(*attr)};
	if (syscall(SYS_sched_getattr, 0, attr, sizeof(*attr), 0))
		return -errno;
	return attr->policy == SCHED_OTHER ? 0 : -EINVAL;
}

static int np_sched_set(struct np_sched_attr *attr)
{
	return syscall(SYS_sched_setattr, 0, attr, 0) ? -errno : 0;
}

void np_sched_set_priority(struct np_sched *sched, bool is_wanted)
{
	struct np_sched_attr attr;

	sched->has_wanted = is_wanted;
	if (sched->usual == sched->wanted || np_sched_get(&attr))
		return;
	attr.nice = is_wanted ? sched->wanted : sched->usual;
	np_sched_set(&attr);
}

int np_sched_start(struct np_sched *sched, unsigned int index, int cpu, int nice)
{
	struct np_sched_attr attr;
	cpu_set_t set;
	int ret = 0;

	*sched = (struct np_sched){.has_wanted = true};
	if (cpu >= 0) {
		CPU_ZERO(&set);
		CPU_SET((size_t)cpu, &set);
		ret = -pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	}
	if (ret)
		return ret;
	sched->is_confined = !sched_getaffinity(0, sizeof(set), &set) && CPU_COUNT(&set) == 1;
	/* An operator who has chosen another policy has chosen the priority, too. */
	if (np_sched_get(&attr))
		return 0;
	sched->usual = sched->wanted = attr.nice;
	attr.runtime = NP_SLICE_NS;
	ret = np_sched_set(&attr);
	if (ret)
		np_log_info("reactor %u: keeps the usual time slice: %s", index, strerror(-ret));
	attr.nice = nice;
	ret = np_sched_set(&attr);
	if (ret)
		np_log_info("reactor %u: keeps its priority, nice %d: %s", index, sched->usual,
			strerror(-ret));
	else
		sched->wanted = nice;
	return 0;
}
