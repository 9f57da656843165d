# SPDX-License-Identifier: BSD-3-Clause
"""Host and target in two machines, and one of them goes away under load."""
import pytest

import fio
import host
from checks import resources
from target import NQN, Target, config, namespace, port, subsystem
from vm import LINK_ADDRESS, LOOPBACK, wait_for

ADDRESS = LINK_ADDRESS["a"]
CONNECT_OPTIONS = "-l 600 -c 2 -k 5 -i 2"
BUSY_LIMIT_S = 120
# A silent host is found between one and two timeouts after its last word.
KEEP_ALIVE_S = 5
REAP_LIMIT_S = 60
STOP_LIMIT_MS = 5000
# Written first, then all of it read and compared.
WRITE_THEN_VERIFY = dict(rw="randwrite", bsrange="4k-64k", size="24m", iodepth=8, **fio.VERIFY)

pytestmark = pytest.mark.usefixtures("daemon_built")


def make_target(vm):
    """In peer memory; a second port serves hosts in the target's own machine."""
    return Target(vm, config(
        [subsystem(NQN, namespace(1, vm.block_device("cmb"), p2pmem="1", p2pmem_require=True))],
        [port(1, [NQN], address=ADDRESS), port(2, [NQN], address=LOOPBACK)]))


def wait_busy(target, counter, limit_bytes):
    """Wait until the target has moved this much since its start."""
    wait_for(lambda: target.stats()[counter] >= limit_bytes, BUSY_LIMIT_S,
             f"{counter} of {limit_bytes}")


def wait_disconnected(connection):
    wait_for(lambda: connection.state == "connecting", BUSY_LIMIT_S, "the host noticed")


def held(target):
    """What connections cost, counted by the kernel and by the daemon: resources(), and more."""
    buffers = {entry["name"]: entry["in_use_bytes"]
               for entry in target.cli("memory")["providers"]}
    return {**resources(target), "conns": len(target.cli("conns")["conns"]), "buffers": buffers}


def terminate(target):
    """SIGTERM; return its exit code and how long it took on the machine's own clock."""
    took = target.vm.run(
        f"start=$(date +%s%N); kill -TERM {target.process.pid}; "
        f"while kill -0 {target.process.pid} 2>/dev/null; do sleep 0.02; done; "
        "echo $((($(date +%s%N) - start) / 1000000))").stdout
    return target.process.wait(), int(took)


def test_target_killed__host_reconnects_and_data_verifies(use_pair):
    first, second = use_pair()
    with make_target(first) as target:
        with host.connect(second, NQN, ADDRESS, options=CONNECT_OPTIONS) as connection:
            job = fio.start(second, connection.device(), **WRITE_THEN_VERIFY)
            for counter in ("write_bytes", "read_bytes"):
                wait_busy(target, counter, 4 << 20)
                target.kill()
                wait_disconnected(connection)
                target.start()
                connection.wait_state("live")
            assert job.process.poll() is None, "fio had ended before the second kill"
            report = job.wait()
            assert report["write"]["io_bytes"] > 16 << 20
            assert report["read"]["io_bytes"] == report["write"]["io_bytes"]
            assert "Successfully reconnected" in second.dmesg()
        assert target.stats()["staged_read_bytes"] == 0


def test_target_terminated__ends_in_time_and_data_verifies(use_pair):
    first, second = use_pair()
    with make_target(first) as target:
        with host.connect(second, NQN, ADDRESS, options=CONNECT_OPTIONS) as connection:
            job = fio.start(second, connection.device(), **WRITE_THEN_VERIFY)
            wait_busy(target, "write_bytes", 4 << 20)
            rc, took_ms = terminate(target)
            assert rc == 0, target.log
            assert took_ms < STOP_LIMIT_MS
            wait_disconnected(connection)
            assert job.process.poll() is None
            target.start()
            connection.wait_state("live")
            report = job.wait()
            assert report["read"]["io_bytes"] == report["write"]["io_bytes"] > 16 << 20


# Last in this file: the second machine does not come back.
def test_host_powered_off__is_reaped_and_another_one_can_connect(use_pair):
    first, second = use_pair()
    with make_target(first) as target:
        before = held(target)
        assert before["conns"] == 0
        connection = host.connect(second, NQN, ADDRESS,
                                  options=f"-k {KEEP_ALIVE_S} -i 2")
        fio.start(second, connection.device(), rw="randrw", bs="64k", size="64m", iodepth=16,
                  time_based=True, runtime=600)
        wait_busy(target, "write_bytes", 4 << 20)
        during = held(target)
        assert (during["conns"], during["qp"]) == (3, before["qp"] + 3)
        second.kill_qemu()
        wait_for(lambda: held(target) == before, REAP_LIMIT_S,
                 f"resources as before: {before}")
        assert "keep-alive" in target.log.lower()
        with host.connect(first, NQN, LOOPBACK) as another:
            fio.run(first, another.device(), rw="write", bs="64k", size="1m", **fio.VERIFY)
