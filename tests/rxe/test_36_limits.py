# SPDX-License-Identifier: BSD-3-Clause
"""Limits a second: what two hosts and two namespaces get of it, changed under load."""
import pytest

import fio
import host
from checks import assert_all_p2p
from target import NQN, Target, config, namespace, port, subsystem
from test_24_reservations import MACHINE, Host

MIB = 1 << 20
IOS_PER_S = 200
JOB = dict(rw="randread", bs="4k", iodepth=16, size="8m")

pytestmark = pytest.mark.usefixtures("daemon_built")


def serve(vm, *others):
    """A target with a namespace that has limits, and others."""
    served = subsystem(NQN, namespace(1, vm.block_device("cmb"), p2pmem="1",
                                      qos={"ios_per_s": IOS_PER_S}), *others)
    return Target(vm, config([served], [port(1, [NQN], inline_data_size=0)], {"reactors": 2}))


def rate(vm, device, seconds, key="iops", **job):
    """What fio gets of a device in so many seconds: "iops", or "bw_bytes" per second."""
    result = fio.run(vm, device, time_based=1, runtime=seconds, **job)
    return result["read"][key] + result["write"][key]


def test_limit__holds_and_is_right(vm):
    """This test measures what gets through, verifies data, and has the limit changed and taken away."""
    other = namespace(2, vm.block_device("plain"))
    with serve(vm, other) as limited, host.connect(vm, NQN) as connection:
        first, second = connection.device(1), connection.device(2)
        # Not much more: a slow machine may do less.
        assert rate(vm, first, 4, **JOB) <= IOS_PER_S * 1.1
        assert limited.stats(1)["held_ios"] > IOS_PER_S and limited.stats(2)["held_ios"] == 0
        assert rate(vm, second, 2, **JOB) > 2 * IOS_PER_S
        written = fio.run(vm, first, rw="randwrite", bs="4k", iodepth=16, size="1m", **fio.VERIFY)
        assert_all_p2p(limited.stats(1), written["write"]["io_bytes"])
        spaces = limited.configuration["subsystems"][0]["namespaces"]
        spaces[0]["qos"] = {"write_bytes_per_s": 2 * MIB}
        assert limited.reload() == [f"namespace {NQN}/1 has other limits"]
        assert rate(vm, first, 3, "bw_bytes", rw="write", bs="64k", iodepth=8,
                    size="8m") <= 2 * MIB * 1.1
        assert rate(vm, first, 2, **JOB) > 2 * IOS_PER_S
        del spaces[0]["qos"]
        limited.reload()
        assert rate(vm, first, 2, "bw_bytes", rw="write", bs="64k", iodepth=8,
                    size="8m") > 3 * MIB


def test_limit__is_shared_fairly(use_vm):
    """This test has two hosts work at one limit: each gets its part of it."""
    vm = use_vm(MACHINE)
    # One namespace: a Host takes the first device, and a device's number is not its NSID.
    with serve(vm) as limited:
        hosts = [Host(vm, 0), Host(vm, 1)]
        jobs = [fio.start(vm, one.device, time_based=1, runtime=5, **JOB) for one in hosts]
        served = [job.wait()["read"]["iops"] for job in jobs]
        assert limited.stats(1)["held_ios"] > IOS_PER_S
        host.disconnect_all(vm)
    assert sum(served) <= IOS_PER_S * 1.1, served
    assert min(served) > max(served) / 2, served
