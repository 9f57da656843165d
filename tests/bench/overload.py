# SPDX-License-Identifier: BSD-3-Clause
"""Tail latency under overload, and fairness among connections and namespaces.

More commands are on their way than the guest's one CPU keeps up with, and with a short pool more
than the target has buffers. Its clock is the count of executed instructions. The host's fio, block
layer and initiator and Soft-RoCE share that CPU, and do their part for fairness and latency.
"""
from dataclasses import dataclass

import measure
import rounds
import sides
from channel import ChannelError
from jobs import BLOCK_BYTES, Job

CONNECTIONS = 8
# The least that the daemon takes, for blocks of 4 KiB.
SHORT_POOL_BUFFERS = 16
# Of all commands: with less the pool was not short, and the figures would be of something else.
LEAST_WAITS = 0.5
WARM_UP_S = 0.3
READS = Job("r", "4k", 32)
WRITES = Job("w", "4k", 32)


@dataclass(frozen=True)
class Setup:
    """
    Connections with so many namespaces each, and mixes of loads that they are given in turn.

    A mix is what each device is given, by connection and then by namespace; None: nothing.
    block: the largest that is used; length: how many times as long as others the run of a full mix
    is. Large blocks make few I/Os a second, and a small one beside them has to wait for many.
    """
    part: str
    connections: int
    namespaces: int
    block: str
    mixes: tuple
    length: int = 1

    @property
    def short_pool_bytes(self):
        return SHORT_POOL_BUFFERS * BLOCK_BYTES[self.block]

    def seconds(self, mix, usual):
        return usual * self.length if _is_full(mix) else usual


def _is_full(mix):
    """Whether each device has something to do."""
    return None not in mix


def _with_and_without(crowd, one):
    """Mixes: the last device's job alone, and beside a crowd."""
    return ((None,) * len(crowd) + (one,), (*crowd, one))


NEIGHBOURS = Setup("neighbours", CONNECTIONS, 1, "128k", _with_and_without(
    (Job("r", "128k", 32),) * (CONNECTIONS - 1), Job("r", "4k", 1)), length=10)
NAMESPACES = Setup("namespaces", 1, 2, "128k", _with_and_without(
    (Job("r", "128k", 64),), Job("r", "4k", 4)), length=2)
SETUPS = (Setup("overload", CONNECTIONS, 1, "4k", ((READS,) * CONNECTIONS,
                                                   (WRITES,) * CONNECTIONS)),
          NEIGHBOURS, NAMESPACES)
QUICK = (Setup("overload", CONNECTIONS, 1, "4k", ((READS,) * CONNECTIONS,)), NEIGHBOURS)


def run(options, results):
    """Add the figures of each setup, side and mix."""
    with rounds.booted_to_count(results, "overload", 0) as this:
        for setup in QUICK if options.quick else SETUPS:
            for side in sides.for_overload(setup.short_pool_bytes, setup.namespaces,
                                           options.poll_us):
                _run_side(this, setup, side, options.seconds)


def _run_side(this, setup, side, seconds):
    """All mixes of a side. One that fails ends the side, and is noted."""
    this.results.name_side(setup.part, side.name, side.title)
    try:
        with side.serving(this.vm, setup.connections) as served:
            for mix in setup.mixes:
                _run_mix(this, setup, side, served, mix, setup.seconds(mix, seconds))
    except (ChannelError, AssertionError) as error:
        if not this.vm.alive:
            raise
        this.results.add_missing(setup.part, this.turn, side.name, error)


def _run_mix(this, setup, side, served, mix, seconds):
    """Add a line of figures for each kind of load in a mix."""
    loads = [(device, job) for device, job in zip(served.devices, mix, strict=True) if job]
    before = _commands_and_waits(served.daemon)
    reports = measure.run_together(this.vm, loads, WARM_UP_S, seconds)
    after = _commands_and_waits(served.daemon)
    commands, waits = (new - old for old, new in zip(before, after))
    if side.name == sides.SHORT and _is_full(mix):
        assert waits > commands * LEAST_WAITS, f"of {commands} commands {waits} waited for a buffer"
    jobs = [job for _, job in loads]
    for job in dict.fromkeys(jobs):
        figures = _figures([report for report, its in zip(reports, jobs) if its == job])
        if commands:
            figures["waits_per_command"] = waits / commands
        this.results.add(setup.part, this.turn, side.name, _name(job, jobs), figures)


def _commands_and_waits(daemon):
    """How many commands our daemon has had, and how many requests its host pool let wait."""
    if daemon is None:
        return 0, 0
    pool, = (entry for entry in daemon.cli("memory")["providers"] if entry["name"] == "host")
    return (sum(reactor["requests"] for reactor in daemon.cli("stats")["reactors"]),
            pool["waits"])


def _name(job, jobs):
    """E.g. "1 x r4k-qd1 beside 7 x r128k-qd32"."""
    return " beside ".join(f"{jobs.count(one)} x {one.name}"
                           for one in sorted(set(jobs), key=lambda other: other != job))


def _figures(reports):
    """Of connections, or namespaces, with the same load: all together, and how even they are."""
    each = [measure.summary([report]) for report in reports]
    rates = [figures["iops"] for figures in each]
    figures = {**measure.summary(reports), "each": each}
    if len(rates) > 1 and any(rates):
        figures.update(least_iops=min(rates), most_iops=max(rates), jain=_jain(rates))
    return figures


def _jain(rates):
    """Jain's index: 1 if all are equal, 1 / n if one has everything."""
    return sum(rates) ** 2 / (len(rates) * sum(rate * rate for rate in rates))
