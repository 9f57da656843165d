# SPDX-License-Identifier: BSD-3-Clause
"""nvmet-p2p beside the kernel's nvmet-rdma: same guest, same drive, same jobs, in turn.

Both stage in host memory, with the same in-capsule size, so that the targets are compared and not
the emulated CMB. Figures are IOPS: medians over the rounds, each of which boots a guest of its own.
The ratio is the median of the rounds' own ratios, because the machine's speed drifts by more than
the targets differ; the last column is the range that the middle half of these ratios lies in.

There are two ways of measuring:

- With --icount guest time is executed instructions, a nanosecond each, so IOPS say how many
  instructions an I/O costs the whole machine. This is the way that repeats.
  With --drive null there is one CPU, and a null_blk device with memory answers after 80 us of
  guest time: within 1 % for our target, while the kernel's has two ways of falling into step with
  the host that differ by a fifth.
  With --drive nvme there are two CPUs and the emulated drive, which answers in real time: only jobs
  that keep the guest busy meanwhile repeat, within some 3 %, and only those are run. The daemon
  does not poll then, because QEMU runs the CPUs in turns and a polling one takes the others' turns
  away.
- Two CPUs in real time, on an emulated NVMe drive. One I/O takes one to two milliseconds in this
  guest, some twenty times what it takes on hardware, so the daemon polls for 1000 us here where its
  default is 50 us. This measures the emulator as much as the targets: in a guest on two cores of a
  machine that is a VM itself, a system call took 1 to 3 us, a change from one process to another
  100 us, and waking up the other CPU 0.5 to 1.8 ms. A target in user space pays the second for what
  costs a microsecond on hardware. One and the same job varies by a factor of two from guest to
  guest.

usage: /usr/bin/python3 tests/bench/compare.py [--icount [--drive nvme]] [--rounds 9]
       [--seconds 1.5] [--poll-us N]
"""
import argparse
import os
import statistics
import sys
from contextlib import contextmanager

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "rxe"))

import fio  # noqa: E402
import host  # noqa: E402
import knvmet  # noqa: E402
import target  # noqa: E402
from topology import Drive, Topology  # noqa: E402
from vm import Vm, end_on_sigterm  # noqa: E402

JOBS = [("4 KiB random read, qd 1", dict(rw="randread", bs="4k", iodepth=1)),
        ("4 KiB random read, qd 16", dict(rw="randread", bs="4k", iodepth=16)),
        ("4 KiB random write, qd 1", dict(rw="randwrite", bs="4k", iodepth=1)),
        ("4 KiB random write, qd 16", dict(rw="randwrite", bs="4k", iodepth=16)),
        ("128 KiB read, qd 4", dict(rw="read", bs="128k", iodepth=4)),
        ("128 KiB write, qd 4", dict(rw="write", bs="128k", iodepth=4))]
KERNEL_NQN = "nqn.2026-01.org.example:kernel"
KERNEL_PORT = 4421


def measure(vm, device, job, extent):
    """IOPS of one run, after a first that warms up; extent: what ends it."""
    for _ in range(2):
        report = fio.run(vm, device, size="128m", **extent, **job)
    return report["read"]["iops"] + report["write"]["iops"]


def jobs(options):
    """Those of JOBS that can be measured this way."""
    keep_busy = options.icount and options.drive == "nvme"
    return [(name, job) for name, job in JOBS if job["iodepth"] > 1 or not keep_busy]


def extent_of(options, name):
    """What ends a run."""
    if options.icount:  # of about the same number of instructions for each
        return {"number_ios": int(options.seconds * (400 if "128 KiB" in name else 3000))}
    return {"time_based": True, "runtime": f"{options.seconds * 1000:.0f}ms"}


def table(figures):
    lines = ["| job | kernel nvmet | nvmet-p2p | ratio | middle half |", "|---|---:|---:|---:|---:|"]
    for name in dict.fromkeys(name for name, _ in figures):
        kernel, ours = figures[name, "kernel"], figures[name, "ours"]
        ratios = [mine / theirs for mine, theirs in zip(ours, kernel)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        lines.append(f"| {name} | {statistics.median(kernel):.0f} | {statistics.median(ours):.0f} "
                     f"| {middle:.2f} | {low:.2f} to {high:.2f} |")
    return "\n".join(lines)


@contextmanager
def our_target(vm, drive, options):
    namespace = target.namespace(1, drive, uuid="5a0d3c0e-53b0-4c5e-9f55-0f6a7b1f3c01")
    daemon = {} if options.poll_us is None else {"poll_us": options.poll_us}
    config = target.config([target.subsystem(target.NQN, namespace)], daemon=daemon)
    with target.Target(vm, config, arguments=""), host.connect(vm, target.NQN) as controller:
        yield controller.device()


@contextmanager
def kernel_target(vm, drive, _options):
    with knvmet.KernelTarget(vm, KERNEL_NQN, [drive], port=KERNEL_PORT), \
            host.connect(vm, KERNEL_NQN, port=KERNEL_PORT) as controller:
        yield controller.device()


SIDES = {"kernel": kernel_target, "ours": our_target}


def null_device(vm):
    """A block device of 1 GiB that keeps what is written and answers after 80 us."""
    vm.run("modprobe null_blk nr_devices=1 gb=1 bs=512 memory_backed=1 queue_mode=2 "
           "irqmode=2 completion_nsec=80000")
    return "/dev/nullb0"


@contextmanager
def booted(options):
    """A guest, and the drive in it that the targets serve."""
    one_cpu = options.icount and options.drive == "null"
    vm = Vm(Topology(drives=(Drive("data"),), icount=options.icount,
                     vcpus=1 if one_cpu else 2)).boot()
    try:
        yield vm, null_device(vm) if options.drive == "null" else vm.block_device("data")
    finally:
        vm.kill()


def run(options):
    """
    {(job, side): [IOPS of each round]}

    One side is there at a time, and who comes first alternates: that moves a figure by up to a
    fifth, and so does the chance of where threads and memory come to lie in a guest.
    """
    figures = {}
    for turn in range(options.rounds):
        with booted(options) as (vm, drive):
            for side in sorted(SIDES, reverse=turn % 2 == 1):
                with SIDES[side](vm, drive, options) as device:
                    for name, job in jobs(options):
                        iops = measure(vm, device, job, extent_of(options, name))
                        figures.setdefault((name, side), []).append(iops)
                        print(f"round {turn + 1}, {side}, {name}: {iops:.0f}", file=sys.stderr)
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--icount", action="store_true")
    parser.add_argument("--drive", choices=["nvme", "null"])
    parser.add_argument("--poll-us", type=int)
    options = parser.parse_args()
    end_on_sigterm()
    if options.rounds < 2:
        parser.error("a median needs at least 2 rounds")
    if options.drive is None:
        options.drive = "null" if options.icount else "nvme"
    if options.poll_us is None and options.drive == "nvme":
        options.poll_us = 0 if options.icount else 1000
    print(table(run(options)))


if __name__ == "__main__":
    main()
