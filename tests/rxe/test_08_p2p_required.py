# SPDX-License-Identifier: BSD-3-Clause
"""P2P required where it cannot be: the namespace stays down with the cause, all else serves."""
import pytest

import fio
import host
from checks import assert_all_p2p, assert_all_staged, namespace_status
from target import NQN, Target, config, namespace, port, subsystem
from topology import CMB_DRIVE, PLAIN_DRIVE, Drive, Topology
from vm import wait_for

JOB = dict(rw="randwrite", bs="64k", iodepth=8, size="4m", **fio.VERIFY)
NO_CMB = Topology(drives=(PLAIN_DRIVE,))
# A machine whose kernel lets no device reach another one through the host bridge.
NO_WAY_ACROSS = Topology(cpu="max", drives=(CMB_DRIVE, Drive("plain", block_size=4096)))


@pytest.fixture
def loop_block(vm):
    """A plain block device over a file."""
    device = vm.run("modprobe loop && truncate -s 64M /tmp/np-loop.img && "
                    "losetup --find --show /tmp/np-loop.img").stdout.strip()
    yield device
    vm.run(f"losetup -d {device}; rm -f /tmp/np-loop.img", check=False)


def assert_down(target, nsid, *words):
    """The namespace is down, and status and log name the cause with these words."""
    status = namespace_status(target, nsid)
    assert status["state"] == "down" and status["p2p"] == "off", status
    for word in words:
        assert word in status["reason"], status
    assert f"{NQN}/{nsid} is down: " in target.log


def assert_serves(target, nsid, down):
    """This namespace takes I/O while the others do not appear; the daemon lives on."""
    with host.connect(target.vm, NQN) as connection:
        job = fio.run(target.vm, connection.device(nsid), **JOB)
        listing = target.vm.run(f"nvme list-ns /dev/{connection.controller} -o json").stdout
        for other in down:
            assert host.find_device(target.vm, NQN, other) is None
            assert f'"nsid":{other}' not in listing.replace(" ", "")
    assert_all_staged(target.stats(nsid), job["write"]["io_bytes"])
    assert target.running


def test_drive_without_cmb__is_refused_as_memory(daemon_built, vm, loop_block):
    """This test names by PCI address a drive that has no CMB, and an address where nothing is."""
    plain = vm.pci_address("plain")
    served = [namespace(1, vm.block_device("cmb"), p2pmem=plain, p2pmem_require=True),
              namespace(2, vm.block_device("plain"), p2pmem="0000:7f:1f.0", p2pmem_require=True),
              namespace(3, loop_block)]
    with Target(vm, config([subsystem(NQN, *served)])) as target:
        assert_down(target, 1, plain, "no peer memory")
        assert_down(target, 2, "0000:7f:1f.0", "no peer memory")
        assert_serves(target, 3, down=(1, 2))


def test_machine_without_cmb__has_no_p2p(daemon_built, use_vm):
    """This test asks for any P2P where no drive has a CMB: required is down, wished for is staged."""
    vm = use_vm(NO_CMB)
    vm.run("truncate -s 64M /tmp/np-file.img")
    served = [namespace(1, vm.block_device("plain"), p2pmem="1", p2pmem_require=True),
              namespace(2, "/tmp/np-file.img", p2pmem="1")]
    with Target(vm, config([subsystem(NQN, *served)])) as target:
        assert_down(target, 1, "no peer memory", "any device")
        status = namespace_status(target, 2)
        assert (status["state"], status["p2p"]) == ("up", "off") and status["p2p_reason"]
        assert_serves(target, 2, down=(1,))


@pytest.mark.parametrize("kind", ["loop_block", "null_block"])
def test_plain_block_device__cannot_use_the_cmb(request, daemon_built, vm, kind):
    """This test wants the CMB's memory for a block device that cannot reach it: not verified, down."""
    path = request.getfixturevalue(kind)
    served = [namespace(1, path, p2pmem=vm.pci_address("cmb"), p2pmem_require=True),
              namespace(2, vm.block_device("plain"))]
    with Target(vm, config([subsystem(NQN, *served)])) as target:
        assert_down(target, 1, path, "read")
        assert_serves(target, 2, down=(1,))


@pytest.mark.parametrize("kind", ["loop_block", "null_block"])
def test_plain_block_device__is_staged_where_p2p_is_a_wish(request, daemon_built, vm, kind):
    """This test serves the same block device when P2P is only preferred: by host memory."""
    path = request.getfixturevalue(kind)
    served = namespace(1, path, p2pmem="1")
    with Target(vm, config([subsystem(NQN, served)])) as target:
        status = namespace_status(target)
        assert (status["state"], status["engine"], status["p2p"]) == ("up", "block", "off")
        assert path in status["p2p_reason"]
        assert_serves(target, 1, down=())


def test_drive_that_cannot_reach_the_cmb__is_refused(daemon_built, use_vm):
    """This test wants another drive's CMB where the kernel refuses the way: the pair fails its test."""
    vm = use_vm(NO_WAY_ACROSS)
    served = [namespace(1, vm.block_device("plain"), p2pmem=vm.pci_address("cmb"),
                        p2pmem_require=True)]
    with Target(vm, config([subsystem(NQN, *served)])) as target:
        assert_down(target, 1, vm.pci_address("cmb"), "read")
    served = [namespace(2, vm.block_device("plain"), p2pmem="1")]
    with Target(vm, config([subsystem(NQN, *served)])) as target:
        status = namespace_status(target, 2)
        assert (status["p2p"], status["block_bytes"]) == ("off", 4096) and status["p2p_reason"]
        assert_serves(target, 2, down=())


ABSENT = ("rdma link delete rxe0", "rdma link add rxe0 type rxe netdev d0", "no RDMA device")
PORT_DOWN = ("rdma link delete rxe0; ip link set d0 down; rdma link add rxe0 type rxe netdev d0",
             "ip link set d0 up", "no port of the RNIC is active")


@pytest.mark.parametrize("before, after, reason", [ABSENT, PORT_DOWN], ids=["absent", "port-down"])
def test_late_rnic__brings_p2p(daemon_built, vm, before, after, reason):
    """This test starts the daemon without a usable RNIC: when it comes, namespaces get peer memory."""
    served = [namespace(1, vm.block_device("cmb"), p2pmem="1", p2pmem_require=True),
              namespace(2, vm.block_device("plain"), p2pmem="1")]
    target = Target(vm, config([subsystem(NQN, *served)], [port(1, [NQN], inline_data_size=0)]))
    vm.run(before)
    target.spawn()
    try:
        wait_for(lambda: "is ready" in target.log, 60, "the daemon's start")
        assert_down(target, 1, reason)
        assert namespace_status(target, 2)["p2p"] == "off"
        vm.run(after)
        wait_for(lambda: target.cli("status")["ports"][0]["state"] == "listening", 60, "the port")
        for nsid in (1, 2):
            wait_for(lambda: namespace_status(target, nsid)["p2p"] == "on", 60, "peer memory")
            status = namespace_status(target, nsid)
            assert (status["state"], status["reason"]) == ("up", "")
        with host.connect(vm, NQN) as connection:
            for nsid in (1, 2):
                job = fio.run(vm, connection.device(nsid), **JOB)
                assert_all_p2p(target.stats(nsid), job["write"]["io_bytes"])
        target.stop()
    finally:
        target.kill()
        vm.run("ip link set d0 up; ip address replace fd00::1/64 dev d0 nodad; "
               "rdma link show rxe0/1 || rdma link add rxe0 type rxe netdev d0", check=False)
