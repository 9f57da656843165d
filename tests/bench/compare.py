# SPDX-License-Identifier: BSD-3-Clause
"""nvmet-p2p beside the kernel's nvmet-rdma: same guest, same drive, same jobs, in turn.

Both stage in host memory, with the same in-capsule size, so that the targets are compared and not
the emulated CMB. Figures are IOPS; the machine's own noise is why the table shows medians and the
spread. With --icount guest time is executed instructions, and two runs agree within a few per cent.

usage: /usr/bin/python3 tests/bench/compare.py [--rounds 5] [--icount] [--seconds 4]
"""
import argparse
import os
import statistics
import sys
from contextlib import ExitStack

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "rxe"))

import fio  # noqa: E402
import host  # noqa: E402
import knvmet  # noqa: E402
import target  # noqa: E402
from topology import Drive, Topology  # noqa: E402
from vm import Vm  # noqa: E402

JOBS = [("4 KiB random read, qd 1", dict(rw="randread", bs="4k", iodepth=1)),
        ("4 KiB random read, qd 16", dict(rw="randread", bs="4k", iodepth=16)),
        ("4 KiB random write, qd 1", dict(rw="randwrite", bs="4k", iodepth=1)),
        ("4 KiB random write, qd 16", dict(rw="randwrite", bs="4k", iodepth=16)),
        ("128 KiB read, qd 4", dict(rw="read", bs="128k", iodepth=4)),
        ("128 KiB write, qd 4", dict(rw="write", bs="128k", iodepth=4))]
KERNEL_NQN = "nqn.2026-01.org.example:kernel"
KERNEL_PORT = 4421


def measure(vm, device, job, seconds):
    """IOPS of one run."""
    report = fio.run(vm, device, time_based=True, runtime=seconds, size="128m", **job)
    return report["read"]["iops"] + report["write"]["iops"]


def run(vm, options, sides):
    """{(job, side): [IOPS of each round]}; the order of the sides alternates."""
    figures = {}
    for name, job in JOBS:
        for side in sides:  # the first job of a kind warms up
            measure(vm, sides[side], job, 1)
        for turn in range(options.rounds):
            for side in sorted(sides, reverse=turn % 2 == 1):
                iops = measure(vm, sides[side], job, options.seconds)
                figures.setdefault((name, side), []).append(iops)
                print(f"{name}, {side}, round {turn + 1}: {iops:.0f}", file=sys.stderr)
    return figures


def table(figures):
    lines = ["| job | kernel nvmet | nvmet-p2p | ratio | spread |", "|---|---:|---:|---:|---:|"]
    for name, _ in JOBS:
        kernel, ours = figures[name, "kernel"], figures[name, "ours"]
        spread = max((max(values) - min(values)) / statistics.median(values)
                     for values in (kernel, ours))
        lines.append(f"| {name} | {statistics.median(kernel):.0f} | {statistics.median(ours):.0f} "
                     f"| {statistics.median(ours) / statistics.median(kernel):.2f} "
                     f"| {spread * 100:.0f} % |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--icount", action="store_true")
    parser.add_argument("--poll-us", type=int, default=50)
    options = parser.parse_args()
    vm = Vm(Topology(drives=(Drive("data"),), icount=options.icount)).boot()
    try:
        device = vm.block_device("data")
        namespace = target.namespace(1, device, uuid="5a0d3c0e-53b0-4c5e-9f55-0f6a7b1f3c01")
        config = target.config([target.subsystem(target.NQN, namespace)],
                               daemon={"poll_us": options.poll_us})
        with ExitStack() as stack:
            stack.enter_context(target.Target(vm, config, arguments=""))
            stack.enter_context(knvmet.KernelTarget(vm, KERNEL_NQN, [device], port=KERNEL_PORT))
            ours = stack.enter_context(host.connect(vm, target.NQN))
            theirs = stack.enter_context(host.connect(vm, KERNEL_NQN, port=KERNEL_PORT))
            sides = {"ours": ours.device(), "kernel": theirs.device()}
            print(table(run(vm, options, sides)))
    finally:
        vm.kill()


if __name__ == "__main__":
    main()
