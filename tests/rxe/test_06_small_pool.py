# SPDX-License-Identifier: BSD-3-Clause
"""Far more requests than the pool can hold: they wait, in order, and nobody starves."""
import pytest

import fio
import host
from checks import assert_all_p2p, io_connections, provider, wait_no_connections
from target import NQN, Target, config, namespace, subsystem

MIB = 1 << 20
POOL_BYTES = MIB
DEPTH = 128
BLOCK = 128 * 1024
RUN_S = 8


@pytest.fixture
def small_pool(daemon_built, vm):
    """A daemon with 1 MiB of CMB, eight blocks of 128 KiB, for everybody."""
    served = namespace(1, vm.block_device("cmb"), p2pmem="1", p2pmem_require=True)
    with Target(vm, config([subsystem(NQN, served)],
                           daemon={"cmb_pool_bytes": POOL_BYTES})) as target:
        yield target


def assert_pool_waited(target):
    """Requests have waited for the pool, it never grew, and it is all free again."""
    wait_no_connections(target)
    pool = provider(target)
    assert 0 < pool["pool_bytes"] <= POOL_BYTES
    assert BLOCK <= pool["high_water_bytes"] <= pool["pool_bytes"]
    assert pool["waits"] > DEPTH
    assert (pool["in_use_bytes"], pool["waiting"]) == (0, 0)


def test_deep_queue__is_right(small_pool):
    """This test writes and verifies 128 blocks of 128 KiB at once through a pool of eight."""
    vm = small_pool.vm
    with host.connect(vm, NQN) as connection:
        job = fio.run(vm, connection.device(), rw="randwrite", bs=BLOCK, iodepth=DEPTH,
                      size=32 * MIB, **fio.VERIFY)
    assert job["write"]["io_bytes"] == 32 * MIB
    assert_all_p2p(small_pool.stats(), 32 * MIB)
    assert_pool_waited(small_pool)


def test_deep_queues__are_served_fairly(small_pool):
    """This test lets a reader and a writer compete for the pool, each with a queue of its own.

    Jobs on one queue share its tags, and how the host hands those out is not the target's doing.
    """
    vm = small_pool.vm
    with host.connect(vm, NQN, options="-i 2") as connection:
        device = connection.device()
        before = {entry["qid"]: entry["requests"] for entry in io_connections(small_pool)}
        started = [fio.start(vm, device, rw=kind, bs=BLOCK, iodepth=DEPTH, size=64 * MIB,
                             offset=64 * MIB * cpu, time_based=True, runtime=RUN_S,
                             cpus_allowed=cpu)
                   for cpu, kind in enumerate(("read", "write"))]
        jobs = [job.wait() for job in started]
        after = {entry["qid"]: entry["requests"] for entry in io_connections(small_pool)}
    rates = [jobs[0]["read"]["iops"], jobs[1]["write"]["iops"]]
    assert min(rates) > 0 and min(rates) >= max(rates) / 3, rates
    served = [after[qid] - before[qid] for qid in before]
    assert len(served) == 2 and min(served) >= max(served) / 3, served
    assert_all_p2p(small_pool.stats())
    assert_pool_waited(small_pool)
