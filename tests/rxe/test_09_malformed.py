# SPDX-License-Identifier: BSD-3-Clause
"""Malformed CM data and capsules from np-rawclient: right answers, and no harm to anybody else."""
import pytest

import fio
import host
import rawclient
from target import NQN, RUNTIME, Target, config, namespace, port, subsystem
from vm import wait_for

HOST_NQN = "nqn.2024-01.test:hostmem"
SERVICE = {NQN: 4420, HOST_NQN: 4421}
INLINE_BYTES = 16384
NO_INLINE_SERVICE = 4422
SETTLE_LIMIT_S = 30
# The client overwrites the first 8 MiB of a namespace; fio works behind that.
FIO_JOB = dict(rw="randwrite", bsrange="4k-64k", offset="16m", size="4m", iodepth=4, **fio.VERIFY)

pytestmark = pytest.mark.usefixtures("daemon_built", "rawclient_built")


@pytest.fixture
def served(vm):
    """A target with a namespace in peer memory, and on another port one in host memory."""
    everything = dict(resv={"enable": 1})
    subsystems = [
        subsystem(NQN, namespace(1, vm.block_device("cmb"), p2pmem="1", p2pmem_require=True,
                                 **everything)),
        subsystem(HOST_NQN, namespace(1, vm.block_device("plain"), **everything))]
    hosts = rawclient.HOSTS + [host.own_nqn(vm)]
    for entry in subsystems:
        entry["namespace_management"] = {"folder": f"{RUNTIME}/created", "capacity_bytes": 1 << 30}
        entry["attr"]["allow_any_host"] = "0"
        entry["allowed_hosts"] = hosts
    whole = config(
        subsystems,
        [port(1, [NQN]),
         port(2, [HOST_NQN], service=SERVICE[HOST_NQN], inline_data_size=INLINE_BYTES),
         port(3, [HOST_NQN], service=NO_INLINE_SERVICE, inline_data_size=0)])
    whole["hosts"] = [{"nqn": nqn} for nqn in hosts]
    with Target(vm, whole) as target:
        yield target


def count_fds(target):
    return int(target.vm.run(f"ls /proc/{target.process.pid}/fd | wc -l").stdout)


def count_qps(target):
    # The connection manager's own QP 1 counts as well.
    return len(target.vm.run("rdma resource show qp").stdout.splitlines())


def count_recoveries(vm):
    """How often the kernel's host lost a connection."""
    return vm.dmesg().count("starting error recovery")


def start_client(vm, nqn, cases="", service=None):
    return rawclient.start(vm, nqn, cases, service or SERVICE[nqn])


def run_client(vm, nqn, cases, service=None):
    return rawclient.run(vm, nqn, cases, service or SERVICE[nqn])


@pytest.mark.parametrize("nqn", [NQN, HOST_NQN], ids=["p2p", "host-memory"])
def test_malformed__is_answered_and_harms_nobody(vm, served, nqn):
    expected = rawclient.cases(vm)
    assert len(expected) > 100
    # One run first: what the daemon sets up once is then there.
    run_client(vm, nqn, "connect-good")
    wait_for(lambda: served.cli("conns")["conns"] == [], SETTLE_LIMIT_S, "no connection left")
    before = count_fds(served), count_qps(served)
    recoveries = count_recoveries(vm)

    with host.connect(vm, nqn, port=SERVICE[nqn]) as connection:
        device = connection.device()
        # One that posts no receives and allows retries without end, all the while: it takes 40 s.
        deaf = start_client(vm, nqn, "storm-deaf-host")
        client = start_client(vm, nqn)
        while client.poll() is None:
            fio.run(vm, device, **FIO_JOB)
        rc, lines = client.poll(), rawclient.parse(client)
        failed = [line for line in lines.values() if line.startswith("FAIL")]
        assert (rc, failed) == (0, []), (rc, failed)
        assert set(lines) == expected
        assert (deaf.wait(), list(rawclient.parse(deaf))) == (0, ["storm-deaf-host"]), deaf.stdout
        assert "the host took nothing for 30 s" in served.log
        fio.run(vm, device, **FIO_JOB)
        assert connection.state == "live"
        assert count_recoveries(vm) == recoveries

    assert served.running
    wait_for(lambda: served.cli("conns")["conns"] == [], SETTLE_LIMIT_S, "no connection left")
    assert (count_fds(served), count_qps(served)) == before


def test_malformed__data_takes_the_way_that_fits(vm, served):
    """Pages go peer to peer, odd segments through host memory, in-capsule data by itself."""
    rc, lines = run_client(vm, NQN, "data-16-segments-of-pages")
    assert rc == 0, lines
    stats = served.stats(nqn=NQN)
    assert stats["p2p_write_bytes"] == stats["write_bytes"] == 128 << 10
    rc, lines = run_client(vm, NQN, "data-16-odd-segments")
    assert rc == 0, lines
    after = served.stats(nqn=NQN)
    assert after["staged_write_bytes"] - stats["staged_write_bytes"] == 64 << 10
    assert after["p2p_write_bytes"] == stats["p2p_write_bytes"]
    rc, lines = run_client(vm, HOST_NQN, "data-in-capsule")
    assert rc == 0 and f"up to {INLINE_BYTES} bytes" in lines["data-in-capsule"], lines
    assert served.stats(nqn=HOST_NQN)["inline_write_bytes"] > 3 * INLINE_BYTES - 4096
    # Room for 16 descriptors is always announced, and small data may be sent in it.
    rc, lines = run_client(vm, HOST_NQN, "data-small-in-capsule sgl-in-capsule", NO_INLINE_SERVICE)
    assert rc == 0, lines


def test_fused__counters_across_reactors(vm):
    """Queues on two reactors increase one counter by Compare and Write: no increment is lost."""
    served = subsystem(NQN, namespace(1, vm.block_device("cmb"), p2pmem="1"))
    with Target(vm, config([served], daemon={"reactors": 2})) as target:
        rc, lines = run_client(vm, NQN, "fused-")
        assert rc == 0 and "400 of 400 increments" in lines["fused-count"], lines
        busy = [entry["requests"] for entry in target.cli("stats")["reactors"]]
        assert min(busy) > 400, busy
