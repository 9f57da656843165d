# SPDX-License-Identifier: BSD-3-Clause
"""Mixed sizes, shallow and deep queues, several jobs, two reactors: every block is what was written."""
import pytest

import fio
import host
from checks import assert_all_p2p, wait_no_connections
from target import NQN, Target, config, namespace, subsystem

MIB = 1 << 20
# Sizes from one block to MDTS; the numbers are percent of the commands.
SIZES = "512/15:1k/10:4k/25:12k/10:32k/10:64k/10:256k/10:512k/5:1m/5"
JOBS = dict(rw="randrw", rwmixwrite=70, bssplit=SIZES, numjobs=4, verify_backlog=128, **fio.VERIFY)


@pytest.fixture
def device_of(daemon_built, vm):
    """A namespace in the CMB, served by two reactors and connected: (target, device)."""
    served = namespace(1, vm.block_device("cmb"), p2pmem="1", p2pmem_require=True)
    with Target(vm, config([subsystem(NQN, served)], daemon={"reactors": 2})) as target:
        with host.connect(vm, NQN, options="-i 2") as connection:
            yield target, connection.device()
        wait_no_connections(target)


@pytest.mark.parametrize("depth, mib", [(1, 8), (128, 24)])
def test_randrw__verifies(device_of, depth, mib):
    """This test writes and reads at random places with four jobs and compares every block's checksum."""
    target, device = device_of
    before = [entry["requests"] for entry in target.cli("stats")["reactors"]]
    job = fio.run(target.vm, device, iodepth=depth, size=mib * MIB, offset_increment=64 * MIB,
                  **JOBS)
    stats = target.stats()
    assert_all_p2p(stats, job["write"]["io_bytes"])
    assert job["write"]["io_bytes"] > mib * MIB
    # What was written was read again to be verified.
    assert stats["read_bytes"] > stats["write_bytes"]
    assert stats["errors"] == 0
    after = [entry["requests"] for entry in target.cli("stats")["reactors"]]
    assert len(after) == 2 and all(new - old > 20 for old, new in zip(before, after))
