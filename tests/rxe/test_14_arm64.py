# SPDX-License-Identifier: BSD-3-Clause
"""What is different on arm64: the ways from drive to drive, and unit tests on a kernel.

The emulated machine's host bridge is not on the kernel's list (drivers/pci/p2pdma.c, 7.3): drives
reach each other below a switch only. Its SMMU is asked for peer addresses below a switch too, which
a real switch would not do; the kernel, which maps nothing there, takes the way for granted.
"""
import pytest

import fio
from checks import namespace_status
from target import NQN, Target, config, namespace, subsystem
from test_08_p2p_required import assert_down, assert_serves
from topology import BELOW_A_SWITCH, Topology

WRONG_BYTES = "reports success and leaves other bytes"
RAM_BEGIN = 1 << 30  # of QEMU's machine "virt"
PAGE = 4096


def test_kernel__is_arm64(vm):
    """This test makes sure that nothing here is proven on another architecture."""
    assert vm.run("uname -m").stdout == "aarch64\n"


def test_smmu__is_in_the_way(use_vm):
    """This test shows that the drive's addresses of host memory mean something to the SMMU only."""
    vm = use_vm(Topology(iommu=True))
    with vm.traced() as trace:
        fio.run(vm, vm.block_device("plain"), rw="write", bs="64k", size="2m", iodepth=4,
                mem="malloc", **fio.VERIFY)
    for opcode in ("write", "read"):
        commands = trace.commands(vm.topology.nsid("plain"), opcode)
        assert sum(command.bytes for command in commands) == 2 << 20
        for command in commands:
            pages = [address // PAGE for address, _ in command.pointers]
            memory = [command.pages[page] * PAGE for page in pages]
            ram_end = RAM_BEGIN + (vm.topology.memory_mb << 20)
            assert all(RAM_BEGIN <= address < ram_end for address in memory)
            assert pages != [address // PAGE for address in memory]


@pytest.mark.parametrize("topology, why", [
    (Topology(), "read"), (Topology(iommu=True), "read"),
    (Topology(drives=BELOW_A_SWITCH, iommu=True), WRONG_BYTES),
], ids=["host-bridge", "host-bridge-smmu", "switch-smmu"])
def test_drive_that_cannot_reach_the_cmb__is_refused(daemon_built, use_vm, topology, why):
    """This test wants a drive's CMB for another drive that cannot reach it: the pair fails its test."""
    vm = use_vm(topology)
    served = [namespace(1, vm.block_device("plain"), p2pmem=vm.pci_address("cmb"),
                        p2pmem_require=True)]
    with Target(vm, config([subsystem(NQN, *served)])) as target:
        assert_down(target, 1, vm.pci_address("cmb"), why)
    served = [namespace(2, vm.block_device("plain"), p2pmem="1")]
    with Target(vm, config([subsystem(NQN, *served)])) as target:
        status = namespace_status(target, 2)
        assert status["p2p"] == "off" and why in status["p2p_reason"]
        assert_serves(target, 2, down=())


def test_software_rnic__is_kept_off_the_cmb(daemon_built, vm):
    """This test leaves daemon.software_p2p out: no CMB, and the cause is given; host memory serves."""
    served = [namespace(1, vm.block_device("cmb"), p2pmem="1", p2pmem_require=True),
              namespace(2, vm.block_device("plain"), p2pmem="1")]
    configuration = config([subsystem(NQN, *served)])
    del configuration["daemon"]
    with Target(vm, configuration) as target:
        assert_down(target, 1, "the RNIC is software", "daemon.software_p2p")
        assert "daemon.software_p2p" in namespace_status(target, 2)["p2p_reason"]
        assert_serves(target, 2, down=(1,))


@pytest.mark.parametrize("name", [
    "test_backend", "test_backend_rw", "test_reactor", "test_reactor_sched"])
def test_unit__with_io_uring(daemon_built, vm, name):
    """This test runs a unit test that qemu-user, which has no io_uring, skips."""
    vm.run(f"/mnt/build/tests/unit/{name}")
