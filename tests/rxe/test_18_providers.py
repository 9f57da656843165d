# SPDX-License-Identifier: BSD-3-Clause
"""Providers of memory: dax devices, dma-bufs, host memory by NUMA node, and CMBs that are shared."""
import json
import re

import fio
import host
import pytest
from checks import assert_all_p2p, assert_all_staged, io_connections, namespace_status, provider
from target import NQN, RUNTIME, Target, config, namespace, port, subsystem
from topology import Topology, numa_mac
from vm import LOOPBACK, GuestError, wait_for

NUMA = Topology(numa=True)
SECOND_PORT = 4430
MIB = 1 << 20
SMALL_MTU = 1500  # of the network: a path MTU of 1024
JOB = dict(rw="randwrite", bssplit="512/20:4k/30:64k/40:1m/10", iodepth=16, size="8m",
           **fio.VERIFY)


def served(device, p2pmem, memory=(), service=4420, **more):
    """One namespace and the listed memory; no in-capsule data, which is never in peer memory."""
    return config([subsystem(NQN, namespace(1, device, p2pmem=p2pmem, **more))],
                  [port(1, [NQN], service=service, inline_data_size=0)], {"memory": list(memory)})


def dax_memory(**more):
    return {"kind": "dax", "path": "/dev/dax0.0", **more}


def write_all(target, service=4420, **more):
    """Write through a host and verify; returns how many bytes were written."""
    with host.connect(target.vm, NQN, port=service, **more) as connection:
        return fio.run(target.vm, connection.device(), **JOB)["write"]["io_bytes"]


def assert_carries_all(target, **more):
    """What a host writes is all in peer memory."""
    written = write_all(target, **more)
    assert_all_p2p(target.stats(), written)
    return written


def doctor(target, memory, drive):
    """What `doctor` says of rxe0 with a memory and a drive, beside the running daemon."""
    command = f"{RUNTIME}/nvmet-p2p-cli -s {target.socket} doctor --json"
    report = json.loads(target.vm.run(command, check=False).stdout)
    device = target.vm.block_device(drive).removeprefix("/dev/")
    found = [entry for entry in report["matrix"]
             if (entry["rnic"], entry["memory"], entry["drive"]) == ("rxe0", memory, device)]
    assert len(found) == 1, report["matrix"]
    return found[0]


# ---- dax -------------------------------------------------------------------------------------


def test_dax__carries_data_at_each_path_mtu(daemon_built, dax):
    """This test has a dax device hold the data, by name: P2P at a path MTU of 4096 and of 1024."""
    target = Target(dax, served(dax.block_device("plain"), "dax0.0", [dax_memory()],
                                p2pmem_require=True))
    with target:
        status = namespace_status(target)
        assert (status["p2p"], status["provider"]) == ("on", "dax /dev/dax0.0"), status
        memory = provider(target, "dax")
        assert memory["label"] == "dax0.0" and memory["pool_bytes"] > 32 * MIB
        assert memory["size_bytes"] > 128 * MIB
        assert {entry["result"] for entry in memory["devices"] + memory["drives"]} == {"works"}
        assert assert_carries_all(target) == provider(target, "dax")["write_bytes"]
        judged = doctor(target, "dax dax0.0", "plain")
        assert (judged["result"], judged["basis"]) == ("works", "daemon"), judged
    with dax.network_mtu(SMALL_MTU), target:
        with host.connect(dax, NQN) as connection:
            assert {entry["path_mtu"] for entry in io_connections(target)} == {1024}
            job = fio.run(dax, connection.device(), **JOB)
        assert_all_p2p(target.stats(), job["write"]["io_bytes"])


def test_dax__is_a_candidate_of_any_memory(daemon_built, dax):
    """This test leaves the choice to the daemon: a dax device where the CMB cannot be, else the CMB."""
    target = Target(dax, served(dax.block_device("cmb"), "1", [dax_memory()]))
    with target:
        assert namespace_status(target)["provider"] == f"cmb {dax.pci_address('cmb')}"
    with dax.network_mtu(SMALL_MTU), target:
        status = namespace_status(target)
        assert (status["p2p"], status["provider"]) == ("on", "dax /dev/dax0.0"), status
        assert "not on PCI" in status["p2p_reason"]
        assert_carries_all(target)


def test_dax__is_of_one_daemon(daemon_built, dax):
    """This test starts a second daemon on the same dax device: refused by name, and host memory."""
    first = Target(dax, served(dax.block_device("plain"), "dax0.0", [dax_memory()]))
    second = Target(dax, served(dax.block_device("cmb"), "dax0.0", [dax_memory()], SECOND_PORT))
    with first, second:
        assert namespace_status(first)["p2p"] == "on"
        status = namespace_status(second)
        assert (status["state"], status["p2p"], status["provider"]) == ("up", "off", "host")
        assert "/dev/dax0.0 is in use by another process" in status["p2p_reason"]
        assert "daemon.memory[0]: /dev/dax0.0 is in use by another process" in second.log
        written = write_all(second, SECOND_PORT)
        assert_all_staged(second.stats(), written)
        assert_carries_all(first)
    with second:
        assert namespace_status(second)["p2p"] == "on"


def test_memory__that_is_not_there(daemon_built, vm):
    """This test lists a dax device that is none: required is down by that reason, wished for is staged."""
    listed = [dax_memory(path="/dev/dax7.0"), dax_memory(path="/dev/null")]
    drives = [namespace(1, vm.block_device("plain"), p2pmem="dax7.0", p2pmem_require=True),
              namespace(2, vm.block_device("cmb"), p2pmem="null")]
    with Target(vm, config([subsystem(NQN, *drives)], daemon={"memory": listed})) as target:
        down, staged = namespace_status(target, 1), namespace_status(target, 2)
        assert down["state"] == "down" and "/dev/dax7.0: No such file" in down["reason"]
        assert (staged["state"], staged["p2p"]) == ("up", "off")
        assert "/dev/null is not a dax device" in staged["p2p_reason"]


# ---- dma-buf ---------------------------------------------------------------------------------


def test_dmabuf__over_the_socket(daemon_built, vm):
    """This test hands dma-bufs over: taken, tried, noted as unusable with this RNIC, data staged."""
    listed = [{"kind": "dmabuf", "exporter": "socket", "name": "gpu0"},
              {"kind": "dmabuf", "exporter": "udmabuf", "bytes": 8 * MIB}]
    drives = [namespace(1, vm.block_device("plain"), p2pmem="gpu0"),
              namespace(2, vm.block_device("cmb"), p2pmem="udmabuf")]
    whole = config([subsystem(NQN, *drives)], [port(1, [NQN], inline_data_size=0)],
                   {"memory": listed})
    with Target(vm, whole) as target:
        assert "no dma-buf has come for it yet" in namespace_status(target, 1)["p2p_reason"]
        own, = (entry for entry in target.cli("memory")["providers"] if entry["kind"] == "dmabuf")
        assert (own["name"], own["label"]) == ("dmabuf udmabuf (udmabuf)", "udmabuf")
        with pytest.raises(GuestError, match="the descriptor is no dma-buf"):
            target.cli("add-memory gpu0 --fd 0 </dev/zero")
        added = target.cli("add-memory gpu0 --exporter udmabuf --bytes 8388608")
        assert (added["name"], added["is_peer"]) == ("dmabuf gpu0 (udmabuf)", False)
        assert added["size_bytes"] == 8 * MIB
        rnic, = added["devices"]
        assert (rnic["device"], rnic["result"]) == ("rxe0", "unusable")
        assert "registration of a dma-buf failed: Operation not supported" in rnic["reason"]
        with pytest.raises(GuestError, match="gpu0 is there already"):
            target.cli("add-memory gpu0 --exporter udmabuf --bytes 8388608")
        with pytest.raises(GuestError, match="no daemon.memory.. of exporter"):
            target.cli("add-memory udmabuf --exporter udmabuf --bytes 8388608")
        for nsid in (1, 2):
            status = wait_for(lambda: "registration of a dma-buf failed" in namespace_status(
                target, nsid)["p2p_reason"] and namespace_status(target, nsid), 60, "the reason")
            assert (status["state"], status["p2p"], status["provider"]) == ("up", "off", "host")
        written = write_all(target)
        assert_all_staged(target.stats(), written)
        # The doctor takes none of this for host memory that does not work.
        judged = doctor(target, f"cmb {vm.pci_address('cmb')}", "cmb")
        assert "dma-buf" not in judged["reason"] and judged["result"] != "impossible", judged


# ---- host memory -----------------------------------------------------------------------------


@pytest.fixture
def two_nodes(use_vm):
    """A machine of two NUMA nodes; rxe0N with address 10.2.N.1 is at node N. Yields the machine."""
    vm = use_vm(NUMA)
    for node in (0, 1):
        vm.run(f"for d in /sys/class/net/*; do read -r mac <$d/address; "
               f"[[ $mac == {numa_mac(node)} ]] && break; done; d=${{d##*/}}; "
               f"ip link set $d mtu 9000 up; ip address replace 10.2.{node}.1/24 dev $d; "
               f"rdma link show rxe0{node}/1 || rdma link add rxe0{node} type rxe netdev $d")
    yield vm
    for node in (0, 1):
        vm.run(f"rdma link delete rxe0{node}", check=False)


def pages_preferring(target, node):
    """{node: pages} of the daemon's mappings that are to be at a node, of which some are there."""
    pages = {}
    for line in target.proc("numa_maps").splitlines():
        if f" prefer:{node} " in line:
            for at, count in re.findall(r" N(\d+)=(\d+)", line):
                pages[int(at)] = pages.get(int(at), 0) + int(count)
    return pages


def test_host_memory__is_near_the_rnic(daemon_built, two_nodes):
    """This test has an RNIC at each of two NUMA nodes: each one's data is staged at its own node."""
    vm = two_nodes
    served_twice = config(
        [subsystem(NQN, namespace(1, vm.block_device("plain")))],
        [port(node, [NQN], f"10.2.{node}.1", inline_data_size=0) for node in (0, 1)]
        + [port(2, [NQN], inline_data_size=0)], {"host_pool_bytes": 32 * MIB})
    with Target(vm, served_twice) as target:
        def written():
            return {entry["numa_node"]: entry["write_bytes"]
                    for entry in target.cli("memory")["providers"]
                    if entry["name"].startswith("host node")}
        assert written() == {0: 0, 1: 0}
        for node in (0, 1):
            before = written()
            moved = write_all(target, address=f"10.2.{node}.1")
            after = written()
            assert after[node] - before[node] == moved
            assert after[1 - node] == before[1 - node]
            pages = pages_preferring(target, node)
            assert set(pages) == {node} and pages[node] >= 32 * MIB // 4096, pages
        # rxe0, on a dummy network device, is at no node: it has the memory of the first one.
        before = written()
        moved = write_all(target, address=LOOPBACK)
        assert written() == {0: before[0] + moved, 1: before[1]}


# ---- a CMB of several ------------------------------------------------------------------------


def test_cmb__is_shared_as_it_is_taken(daemon_built, vm):
    """This test has daemons take parts of one CMB: the second gets the rest, the third is told."""
    pci = vm.pci_address("cmb")
    part = [{"kind": "cmb", "name": "part", "pci": pci, "bytes": 16 * MIB}]
    first = Target(vm, served(vm.block_device("cmb"), "part", part))
    second = Target(vm, served(vm.block_device("plain"), pci, (), SECOND_PORT))
    third = Target(vm, served("/dev/nullb0", "part", part, SECOND_PORT + 1))
    vm.run("modprobe null_blk nr_devices=1 gb=1 memory_backed=1")
    try:
        with first:
            held = provider(first)
            assert held["pool_bytes"] == 16 * MIB < held["size_bytes"]
            with second:
                rest = provider(second)
                assert 32 * MIB < rest["pool_bytes"] < held["size_bytes"] - 16 * MIB
                available = f"/sys/bus/pci/devices/{pci}/p2pmem/available"
                assert int(vm.read(available)) < 16 * 4096
                with third:
                    status = namespace_status(third)
                    assert (status["state"], status["p2p"]) == ("up", "off")
                    assert f"peer memory of {pci} are taken" in status["p2p_reason"], status
                assert_carries_all(second, service=SECOND_PORT)
                assert_carries_all(first)
        with second:
            assert provider(second)["pool_bytes"] > rest["pool_bytes"] + 16 * MIB
    finally:
        vm.run("rmmod null_blk", check=False)
