# SPDX-License-Identifier: BSD-3-Clause
"""Two namespaces on one CMB: what each may hold, what is its own, and what it leaves behind."""
import pytest

import fio
import host
from checks import assert_all_p2p, provider, wait_no_connections
from target import NQN, Target, config, namespace, subsystem

KIB, MIB = 1 << 10, 1 << 20
POOL_BYTES = MIB
JOB = dict(rw="randwrite", size=8 * MIB, **fio.VERIFY)


def sharing(vm, first, second, **daemon):
    """A daemon with 1 MiB of CMB for both drives; first, second: more keys of the namespaces."""
    served = [namespace(nsid, vm.block_device(drive), p2pmem="1", p2pmem_require=True, **more)
              for nsid, drive, more in ((1, "cmb", first), (2, "plain", second))]
    return Target(vm, config([subsystem(NQN, *served)],
                             daemon={"cmb_pool_bytes": POOL_BYTES, **daemon}))


def users(target):
    """What each namespace has of the CMB, by NSID."""
    return {entry["nsid"]: entry for entry in provider(target)["users"]}


def run_both(vm, connection, *jobs):
    """One fio for each namespace, at once; both must find what they wrote."""
    started = [fio.start(vm, connection.device(nsid), **job) for nsid, job in enumerate(jobs, 1)]
    return [job.wait() for job in started]


@pytest.mark.parametrize("first, most_of_first", [
    ({"p2pmem_quota": "25%"}, POOL_BYTES // 4),
    ({"p2pmem_quota": 12 * KIB}, 12 * KIB),
    ({}, POOL_BYTES // 2),
], ids=["a quarter", "three pages", "all but the reserve"])
def test_quota_and_reserve__under_load(daemon_built, vm, first, most_of_first):
    """This test writes through both at once, over one connection: none holds more than it may, and the
    second one gets its reserve while the first one waits."""
    with sharing(vm, first, {"p2pmem_reserve": "50%"}) as target:
        before = users(target)
        assert before[1]["quota_bytes"] == (most_of_first if first else None)
        assert (before[1]["reserve_bytes"], before[2]["reserve_bytes"]) == (0, POOL_BYTES // 2)
        with host.connect(vm, NQN, options="-i 1") as connection:
            run_both(vm, connection,
                     dict(JOB, bssplit="4k/40:64k/50:1m/10", iodepth=64),
                     dict(JOB, bs=64 * KIB, iodepth=32))
        wait_no_connections(target)
        after, pool = users(target), provider(target)
        assert 0 < after[1]["high_water_bytes"] <= most_of_first
        assert POOL_BYTES // 2 <= after[2]["high_water_bytes"] <= POOL_BYTES
        assert target.stats(1)["waits"] > 0
        assert (pool["in_use_bytes"], pool["waiting"]) == (0, 0)
        assert [entry["in_use_bytes"] for entry in after.values()] == [0, 0]
        for nsid in (1, 2):
            assert_all_p2p(target.stats(nsid), 8 * MIB)


def test_reserve__more_than_there_is(daemon_built, vm):
    """This test asks for more reserve than a provider has: it is cut, said, and both are right."""
    both = {"p2pmem_reserve": "80%"}
    with sharing(vm, both, both, reactors=2) as target:
        reserves = [entry["reserve_bytes"] for entry in users(target).values()]
        assert reserves[0] > 0 < reserves[1] and sum(reserves) < POOL_BYTES
        assert "p2pmem_reserve" in target.log and "is cut" in target.log
        with host.connect(vm, NQN, options="-i 1") as connection:
            run_both(vm, connection, *[dict(JOB, bs=128 * KIB, iodepth=16)] * 2)
        for nsid in (1, 2):
            assert_all_p2p(target.stats(nsid), 8 * MIB)


@pytest.mark.parametrize("when", ["namespace", "always", "never"])
def test_zero_on_free__counts(daemon_built, vm, when):
    """This test fills the pool by one namespace, again, and by the other: what is zeroed is as chosen."""
    def zeroed_by(nsid):
        before = provider(target)["zeroed_bytes"]
        fio.run(vm, connection.device(nsid), **dict(JOB, bs=64 * KIB, iodepth=64))
        return provider(target)["zeroed_bytes"] - before

    with sharing(vm, {}, {}, zero_on_free=when) as target:
        with host.connect(vm, NQN, options="-i 1") as connection:
            for nsid in (1, 2):
                connection.device(nsid)
            zeroed = [zeroed_by(nsid) for nsid in (1, 1, 2, 2)]
        stats = [target.stats(nsid) for nsid in (1, 2)]
        for entry in stats:
            assert_all_p2p(entry, 16 * MIB)
    moved = sum(entry["read_bytes"] + entry["write_bytes"] for entry in stats)
    if when == "namespace":
        # What was there before, once; nothing of its own; what the other one has left.
        assert 0 <= zeroed[0] <= POOL_BYTES and zeroed[1] == 0
        assert 0 < zeroed[2] <= POOL_BYTES and zeroed[3] == 0
    elif when == "always":
        assert min(zeroed) >= 8 * MIB and sum(zeroed) >= moved - POOL_BYTES
    else:
        assert zeroed == [0, 0, 0, 0]
