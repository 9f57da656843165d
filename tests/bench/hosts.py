# SPDX-License-Identifier: BSD-3-Clause
"""What many hosts cost that are connected and do nothing: memory, CPU, and the time to connect.

Each host has an admin queue and an I/O queue of depth 128: two connections. One CPU whose clock is
the count of executed instructions, so times are instructions too.
"""
import statistics
from contextlib import contextmanager

import host
import knvmet
import measure
import rounds
import sides
import target
from topology import Topology
from vm import LOOPBACK

# In turn, each with the ones before: 128 and 512 connections.
HOSTS = (64, 256)
QUICK_HOSTS = (32,)
DEPTH = 128
CONNECTIONS_EACH = 2
IDLE_S = 20
SETTLE_S = 5
LIMIT_S = 1800
# Prints the nanoseconds that `nvme connect` took, the tool's own start included.
CONNECT = """
begin=$(date +%s%N)
nvme connect -t rdma -a {address} -s {port} -n {nqn} -i 1 -Q {depth} {identity} >/dev/null || exit
echo $(($(date +%s%N) - begin))
"""


def run(options, results):
    """Add the figures of both targets."""
    machine = Topology(drives=sides.DRIVES, icount=True, vcpus=1)
    with rounds.booted(results, "hosts", 0, machine) as this:
        sides.make_null_block(this.vm, memory_backed=1)
        for name, title, serve in (("ours", "nvmet-p2pd", _ours),
                                   ("kernel", "kernel nvmet-rdma", _kernel)):
            results.name_side("hosts", name, title)
            with serve(this.vm) as (nqn, port, daemon):
                before = daemon and daemon.rss_kib
                connected = 0
                for count in QUICK_HOSTS if options.quick else HOSTS:
                    figures = _connect(this.vm, nqn, port, range(connected, count))
                    figures |= _idle(this.vm)
                    if daemon:
                        figures["kib_per_connection"] = _kib_each(daemon, before, count)
                    results.add("hosts", 0, name, f"{count} hosts", figures)
                    connected = count
                this.vm.run("nvme disconnect-all", LIMIT_S)


@contextmanager
def _ours(vm):
    namespace = target.namespace(1, sides.NULL_BLOCK, uuid=sides.UUID.format(1))
    config = target.config([target.subsystem(target.NQN, namespace)])
    with target.Target(vm, config, arguments="") as daemon:
        yield target.NQN, sides.OUR_PORT, daemon


@contextmanager
def _kernel(vm):
    with knvmet.KernelTarget(vm, sides.KERNEL_NQN, [sides.NULL_BLOCK], port=sides.KERNEL_PORT):
        yield sides.KERNEL_NQN, sides.KERNEL_PORT, None


def _connect(vm, nqn, port, numbers):
    script = "".join(CONNECT.format(address=LOOPBACK, port=port, nqn=nqn, depth=DEPTH,
                                    identity=host.identity(number)) for number in numbers)
    times = vm.run(script, LIMIT_S).stdout.split()
    assert len(times) == len(numbers), f"{len(times)} of {len(numbers)} hosts connected"
    return {"connect_ms": statistics.median(map(int, times)) / 1e6 / CONNECTIONS_EACH}


def _kib_each(daemon, before, count):
    connections = count * CONNECTIONS_EACH
    assert len(daemon.cli("conns")["conns"]) == connections
    return (daemon.rss_kib - before) / connections


def _idle(vm):
    """Of one CPU, in percent: the daemon, and the workers in which the kernel's target lives."""
    vm.run(f"sleep {SETTLE_S}")
    output = vm.run(f"cat /proc/uptime; {measure.SAMPLE} sleep {IDLE_S}; "
                    f"echo; cat /proc/uptime; {measure.SAMPLE}").stdout
    first, last = output.split("\n\n")
    elapsed_s = float(last.split()[0]) - float(first.split()[0])
    used = {group: measure.by_group(last)[group] - measure.by_group(first)[group]
            for group in ("daemon", "highpri")}
    return {f"{group}_percent": ns / 1e7 / elapsed_s for group, ns in used.items()}
