# SPDX-License-Identifier: BSD-3-Clause
"""The platform itself, without our daemon: a failure here explains all others."""
import signal

import pytest

import fio
import host
from knvmet import KernelTarget
from topology import Topology
from vm import LINK_ADDRESS, LOOPBACK, GuestError

NQN = "nqn.2024-01.test:kernel"


def kernel_target_writes(vm):
    """fio, verifying, through the kernel's target on "plain"; returns (trace, device counts)."""
    with KernelTarget(vm, NQN, [vm.block_device("plain")]) as target:
        with host.connect(vm, NQN, port=target.port) as connection:
            device = connection.device()
            before = vm.device_counts("plain")
            with vm.traced() as trace:
                job = fio.run(vm, device, rw="randwrite", bsrange="4k-64k", size="8m", iodepth=8,
                              **fio.VERIFY)
            after = vm.device_counts("plain")
    counts = {key: after[key] - before[key]
              for key in ("wr_operations", "wr_bytes", "rd_operations")}
    # Blocks of mixed sizes leave gaps: fio writes nearly all of 8 MiB.
    assert job["write"]["io_bytes"] == counts["wr_bytes"] > 4 << 20
    return trace, counts


def test_shell__runs_what_it_is_given(vm):
    """This test checks the way that all others take into the guest."""
    assert vm.run("echo out; echo err >&2; exit 3", check=False) == (3, "out\n", "err\n")
    assert len(vm.run("head -c 300000 /dev/zero | tr '\\0' x").stdout) == 300000
    with pytest.raises(GuestError, match="exit code 1"):
        vm.run("false")
    first, second = vm.spawn("exec sleep 1000"), vm.spawn("sleep 1000; true")
    assert vm.read(f"/proc/{first.pid}/comm") == "sleep\n"
    assert first.poll() is second.poll() is None
    first.kill(), second.kill()
    assert first.wait(60) == second.wait(60) == 128 + signal.SIGKILL
    with pytest.raises(GuestError, match="not done within 1 s"):
        vm.run("sleep 1000", limit_s=1)
    vm.wait_run("! pgrep sleep", limit_s=60)


def test_rxe__has_path_mtu_4096(vm):
    assert "active_mtu:\t\t4096" in vm.run("ibv_devinfo -d rxe0").stdout


def test_cmb__is_peer_memory(vm):
    first, last = vm.cmb_range("cmb")
    assert last - first + 1 == 64 << 20
    folder = f"/sys/bus/pci/devices/{vm.pci_address('cmb')}/p2pmem"
    size, available = (int(vm.read(f"{folder}/{name}")) for name in ("size", "available"))
    assert size == 64 << 20
    assert size - (1 << 20) < available <= size


def test_trace__sees_every_write_of_kernel_target_in_host_memory(vm):
    trace, counts = kernel_target_writes(vm)
    writes = trace.commands(vm.topology.nsid("plain"), "write")
    assert len(writes) == counts["wr_operations"] > 0
    assert sum(command.bytes for command in writes) == counts["wr_bytes"]
    lengths = sum(length for command in writes for _, length in command.pointers)
    assert lengths == counts["wr_bytes"]
    assert len(trace.commands(vm.topology.nsid("plain"), "read")) == counts["rd_operations"] > 0
    assert trace.places(vm.cmb_range("cmb")) == {"none": len(trace.commands())}
    assert trace.commands(vm.topology.nsid("cmb")) == []
    assert trace.errors == []


@pytest.mark.parametrize("iommu", [False, True], ids=["no-iommu", "iommu"])
@pytest.mark.parametrize("drive", ["cmb", "plain"])
def test_trace__tells_cmb_from_host_memory(use_vm, drive, iommu):
    vm = use_vm(Topology(iommu=iommu))
    peer_memory = f"/sys/bus/pci/devices/{vm.pci_address('cmb')}/p2pmem/allocate"
    job = dict(rw="write", bs="64k", size="2m", iodepth=4, **fio.VERIFY)
    nsid = vm.topology.nsid(drive)
    for memory, place in ((f"mmapshared:{peer_memory}", "all"), ("malloc", "none")):
        before = vm.device_counts(drive)["wr_operations"]
        with vm.traced() as trace:
            fio.run(vm, vm.block_device(drive), mem=memory, **job)
        count = vm.device_counts(drive)["wr_operations"] - before
        assert trace.places(vm.cmb_range("cmb"), nsid, "write") == {place: count}
        assert trace.places(vm.cmb_range("cmb"), nsid, "read") == {place: 32}
        assert count == 32


def test_pair__reach_each_other_over_rdma(use_pair):
    first, second = use_pair()
    assert "active_mtu:\t\t4096" in second.run("ibv_devinfo -d rxe1").stdout
    server = first.spawn(f"rping -s -a {LINK_ADDRESS['a']} -C 10 -V -v")
    second.wait_run(f"rping -c -a {LINK_ADDRESS['a']} -C 10 -V -v")
    assert server.wait(60) == 0
    assert second.run(f"rping -c -a {LOOPBACK} -C 1", check=False).rc != 0
