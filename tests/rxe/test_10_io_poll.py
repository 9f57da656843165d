# SPDX-License-Identifier: BSD-3-Clause
"""Namespaces whose drive is polled for completions."""
import re

import pytest

import fio
import host
from checks import assert_all_p2p, namespace_status
from target import NQN, Target, config, namespace, subsystem
from topology import Topology
from vm import wait_for

POLL_QUEUES = Topology(append="nvme.poll_queues=1")
SETTLE_LIMIT_S = 30
JOB = dict(rw="randrw", bssplit="4k/80:128k/20", iodepth=16, size="4m", **fio.VERIFY)


def interrupts(vm):
    """How many the drives' I/O queues have raised; an admin queue is number 0."""
    lines = re.findall(r"^ *\d+:((?: +\d+)+) .*nvme\d+q[1-9]\d*$",
                       vm.run("cat /proc/interrupts").stdout, re.MULTILINE)
    assert lines
    return sum(int(number) for line in lines for number in line.split())


def turns_in_a_second(target):
    """Of the reactor's loop; the control socket and the keep-alives make some."""
    before, = target.cli("stats")["reactors"]
    target.vm.run("sleep 1")  # not a wait for anything: the span that is measured
    after, = target.cli("stats")["reactors"]
    return after["loops"] - before["loops"]


def run_io(target, is_polled):
    """Verified I/O; return (I/Os, interrupts of the drives)."""
    assert namespace_status(target)["io_poll"] is is_polled
    with host.connect(target.vm, NQN) as connection:
        device = connection.device()
        before = interrupts(target.vm)
        fio.run(target.vm, device, **JOB)
        raised = interrupts(target.vm) - before
        stats = target.stats()
        # What is still taken to be on its way would keep the reactor from sleeping, for good.
        wait_for(lambda: turns_in_a_second(target) < 100, SETTLE_LIMIT_S, "the reactor's sleep")
    assert stats["errors"] == 0
    return stats["read_ios"] + stats["write_ios"], raised


@pytest.mark.parametrize("engine", ["nvme", "block"])
def test_polled__raises_no_interrupts(daemon_built, use_vm, engine):
    """This test counts interrupts of verified I/O in host and peer memory, with and without polling."""
    vm = use_vm(POLL_QUEUES)
    device = vm.block_device("plain")
    for is_polled in (True, False):
        served = namespace(1, device, engine=engine, io_poll=is_polled)
        with Target(vm, config([subsystem(NQN, served)])) as target:
            ios, raised = run_io(target, is_polled)
            # Flushes and identification are told by interrupts in any case.
            assert (raised < ios / 20) is is_polled, (ios, raised)
    served = namespace(1, device, engine=engine, io_poll=True, p2pmem="1", p2pmem_require=True)
    with Target(vm, config([subsystem(NQN, served)])) as target:
        ios, raised = run_io(target, True)
        assert raised < ios / 20, (ios, raised)
        assert_all_p2p(target.stats())


def test_polled__needs_queues_for_it(daemon_built, vm):
    """This test asks to poll a drive that has no queues for it: a warning, and all else works."""
    served = namespace(1, vm.block_device("plain"), io_poll=True)
    with Target(vm, config([subsystem(NQN, served)])) as target:
        run_io(target, False)
        assert "subsystems[0].namespaces[0].io_poll: the device has no queues for it" in target.log
