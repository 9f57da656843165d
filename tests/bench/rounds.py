# SPDX-License-Identifier: BSD-3-Clause
"""The rounds of parts time, raw, icount and icount2: a guest each, in it all sides and jobs."""
from contextlib import contextmanager

import jobs
import measure
import raw
import sides
from channel import ChannelError
from outside import Watch
from topology import Topology
from vm import Vm

CONNECTIONS = (1, 2, 4, 8)
QUICK_CONNECTIONS = (1, 4)
WARM_UP_SHARE = 0.3


class Round:
    """A guest, and where the figures that are measured in it go."""

    def __init__(self, results, turn, vm):
        self.results = results
        self.turn = turn
        self.vm = vm

    def run(self, part, side, wanted, extents, connections=None):
        """
        All these jobs of a side. One that fails ends the side, and is noted.

        extents(job): what ends the run that warms up, and what ends the one that counts.
        """
        name = side.name if connections is None else f"{side.name} x{connections}"
        self.results.name_side(part, name, side.title)
        try:
            with side.serving(self.vm, connections or 1) as served:
                for job in wanted:
                    watch = Watch(self.vm)
                    figures = measure.run(self.vm, served.devices, job, *extents(job))
                    figures["others_cpus"] = watch.others()
                    self.results.add(part, self.turn, name, job.name, figures)
        except (ChannelError, AssertionError) as error:
            if not self.vm.alive:
                raise
            self.results.add_missing(part, self.turn, name, error)

    def in_turn(self, all_sides):
        """The sides, the other way round in every second round."""
        return all_sides if self.turn % 2 == 0 else tuple(reversed(all_sides))


@contextmanager
def booted(results, part, turn, topology):
    """A Round; what goes wrong in its guest ends this round only, and is noted."""
    results.say(f"{part}, round {turn + 1}: boot")
    vm = Vm(topology)
    try:
        vm.boot()
        results.describe_guest(vm)
        yield Round(results, turn, vm)
    except (ChannelError, AssertionError) as error:
        results.add_missing(part, turn, "the rest of the round", error)
    finally:
        vm.kill()


@contextmanager
def booted_to_count(results, part, turn, vcpus=1):
    """A Round in a guest with null_blk, whose clock counts executed instructions."""
    machine = Topology(drives=sides.DRIVES, icount=True, vcpus=vcpus)
    with booted(results, part, turn, machine) as this:
        # An emulated drive would answer in real time: after another number of instructions
        # each time.
        sides.make_null_block(this.vm, memory_backed=1, irqmode=2,
                              completion_nsec=sides.NULL_BLOCK_NS)
        fill(this.vm, sides.NULL_BLOCK)
        yield this


def fill(vm, device):
    """Write the area of the jobs, so that reads find what was written, not holes."""
    vm.run(f"dd if=/dev/urandom of={device} bs=1M count={jobs.AREA_MIB} oflag=direct status=none")


def in_real_time(options, results):
    """Parts time and raw: two CPUs in real time, an emulated drive."""
    def extents(_job):
        return (measure.timed(options.seconds * WARM_UP_SHARE), measure.timed(options.seconds))

    for turn in range(options.rounds):
        with booted(results, "time and raw", turn, Topology(drives=sides.DRIVES)) as this:
            sides.make_null_block(this.vm, memory_backed=0, irqmode=0)
            fill(this.vm, this.vm.block_device(sides.DRIVE))
            if "raw" in options.parts:
                for side in sides.for_raw():
                    this.run("raw", side, jobs.QUICK if options.quick else jobs.LOCAL, extents)
                raw.perftest(this)
            if "time" in options.parts:
                _time(this, options, extents)


def _time(this, options, extents):
    wanted = jobs.QUICK if options.quick else jobs.JOBS
    for side in this.in_turn(sides.for_time(options.poll_us)):
        this.run("time", side, wanted, extents)
    for connections in QUICK_CONNECTIONS if options.quick else CONNECTIONS:
        for side in this.in_turn(sides.for_scaling()):
            this.run("scaling", side, jobs.SCALING, extents, connections)


def in_instructions(options, results):
    """Part icount."""
    _count(options, results, "icount", 1, sides.for_icount(options.poll_us),
           jobs.QUICK if options.quick else jobs.JOBS)


def in_instructions_of_two(options, results):
    """Part icount2."""
    _count(options, results, "icount2", 2, sides.for_icount2(options.poll_us), jobs.ON_TWO)


def _count(options, results, part, vcpus, all_sides, wanted):
    def extents(job):
        return (measure.counted(job.count(options.seconds * WARM_UP_SHARE)),
                measure.counted(job.count(options.seconds)))

    for turn in range(options.rounds):
        with booted_to_count(results, part, turn, vcpus) as this:
            for side in this.in_turn(all_sides):
                this.run(part, side, wanted, extents)
