# SPDX-License-Identifier: BSD-3-Clause
"""The Copy command: by the drive where it can, by reading and writing where it cannot."""
import pytest

import host
from target import NQN, Target, config, namespace, subsystem

pytestmark = pytest.mark.usefixtures("daemon_built")

MIB = 1 << 20
BLOCKS = 700  # more than QEMU's drive copies at a time


@pytest.mark.parametrize("engine", ["nvme", "block"])
def test_copy__moves_blocks_within_the_namespace(vm, engine):
    """This test copies 700 blocks in two ranges and sees what the drive was told to do."""
    served = namespace(1, vm.block_device("plain"), engine=engine)
    with Target(vm, config([subsystem(NQN, served)])) as target, host.connect(vm, NQN) as connection:
        device = connection.device()
        limits = host.identify(vm, f"id-ns {device}")
        assert limits["mcl"] >= BLOCKS and limits["msrc"] >= 1
        vm.run(f"dd if=/dev/urandom of={device} bs=1M count=4 oflag=direct")
        with vm.traced() as trace:
            vm.run(f"nvme copy {device} --sdlba=4096 --slbs=100,1000 --blocks=599,99 --format=0")
        vm.run(f"cmp -n {600 * 512} -i {100 * 512}:{4096 * 512} {device} {device}")
        vm.run(f"cmp -n {100 * 512} -i {1000 * 512}:{4696 * 512} {device} {device}")
        stats = target.stats()
        assert (stats["copy_ios"], stats["errors"]) == (1, 0)
    by_drive = trace.commands(opcode="copy")
    moved = sum(c.bytes for c in trace.commands(opcode="read")), sum(
        c.bytes for c in trace.commands(opcode="write"))
    if engine == "nvme":
        assert len(by_drive) > 2 and moved == (0, 0)
    else:
        assert not by_drive and moved == (BLOCKS * 512, BLOCKS * 512)


def test_copy__refused_by_its_limits(vm):
    """This test overlaps source and destination, and copies beyond the end."""
    served = namespace(1, vm.block_device("plain"), engine="nvme")
    with Target(vm, config([subsystem(NQN, served)])), host.connect(vm, NQN) as connection:
        device = connection.device()
        end = host.identify(vm, f"id-ns {device}")["nsze"]
        for options in ("--sdlba=8 --slbs=0 --blocks=15", f"--sdlba={end - 4} --slbs=0 --blocks=7"):
            assert vm.run(f"nvme copy {device} {options} --format=0", check=False).rc != 0
