# SPDX-License-Identifier: BSD-3-Clause
"""Deallocate and Write Zeroes on drives that limit them, and on a device that has neither."""
import os

import pytest

import host
from checks import namespace_status
from target import NQN, Target, config, namespace, subsystem

pytestmark = pytest.mark.usefixtures("daemon_built")

MIB = 1 << 20
BLOCKS_PER_MIB = MIB // 512


def allocated_mib(vm, drive):
    return os.stat(vm.image(drive)).st_blocks * 512 // MIB


def assert_differs(vm, device, offset):
    """What lies behind the zeros was left alone."""
    assert vm.run(f"cmp -s -n {MIB} -i {offset}:0 {device} /dev/zero", check=False).rc == 1


def test_drive__deallocates_more_than_one_command_of_it_can(vm):
    """This test deallocates 3 GiB by one range of one command; QEMU skips ranges beyond DMRSL."""
    served = namespace(1, vm.block_device("plain"), engine="nvme")
    limit = host.identify(vm, f"nvm-id-ctrl {vm.block_device('plain')}")["dmrsl"]
    blocks = vm.drive("plain").size_mb * BLOCKS_PER_MIB
    assert 0 < limit < blocks
    with Target(vm, config([subsystem(NQN, served)])) as target:
        with host.connect(vm, NQN) as connection:
            device = connection.device()
            for at_mib in (1, 1500, 3000):
                vm.run(f"dd if=/dev/urandom of={device} bs=1M count=8 seek={at_mib} oflag=direct")
            assert allocated_mib(vm, "plain") >= 24
            vm.run(f"nvme dsm {device} -d -s 0 -b {blocks}")
            assert allocated_mib(vm, "plain") < 8
        stats = target.stats()
        assert (stats["dsm_ios"], stats["errors"]) == (1, 0)


def test_drive__zeroes_by_commands_that_it_takes(vm):
    """This test zeroes 32 MiB by one command and sees the drive get what the kernel would send."""
    raw = vm.block_device("plain").split("/")[-1]
    limit = int(vm.read(f"/sys/class/block/{raw}/queue/write_zeroes_max_bytes"))
    with Target(vm, config([subsystem(NQN, namespace(1, f"/dev/{raw}", engine="nvme"))])):
        with host.connect(vm, NQN) as connection:
            device = connection.device()
            vm.run(f"dd if=/dev/urandom of={device} bs=1M count=33 oflag=direct")
            with vm.traced() as trace:
                vm.run(f"nvme write-zeroes {device} -s 0 -c 65535")
            vm.run(f"cmp -n {32 * MIB} {device} /dev/zero")
            assert_differs(vm, device, 32 * MIB)
    assert len(trace.commands(opcode="write_zeroes")) == 32 * MIB // limit


def test_block_device_without_either__is_zeroed_all_the_same(vm, null_block):
    """This test sends Write Zeroes with Deallocate to a device that knows neither: data is zero."""
    queue = f"/sys/class/block/{null_block.split('/')[-1]}/queue"
    assert vm.read(f"{queue}/write_zeroes_max_bytes") == vm.read(
        f"{queue}/discard_max_hw_bytes") == "0\n"
    with Target(vm, config([subsystem(NQN, namespace(1, null_block))])) as target:
        assert namespace_status(target)["engine"] == "block"
        with host.connect(vm, NQN) as connection:
            device = connection.device()
            for option in ("", "--deac"):
                vm.run(f"dd if=/dev/urandom of={device} bs=1M count=2 oflag=direct")
                vm.run(f"nvme write-zeroes {device} -s 0 -c {BLOCKS_PER_MIB - 1} {option}")
                vm.run(f"cmp -n {MIB} {device} /dev/zero")
                assert_differs(vm, device, MIB)
            vm.run(f"nvme dsm {device} -d -s 0 -b 8")  # a hint that goes nowhere
        stats = target.stats()
        assert (stats["write_zeroes_ios"], stats["dsm_ios"], stats["errors"]) == (2, 1, 0)
