# SPDX-License-Identifier: BSD-3-Clause
"""Two RNICs, one of which cannot place data into the CMB: each has its own way, and all is counted."""
import pytest

import fio
import host
from checks import assert_all_p2p, assert_all_staged, io_connections, namespace_status
from target import NQN, Target, config, namespace, port, subsystem
from vm import wait_for

SECOND_ADDRESS, SECOND_PORT = "10.0.9.1", 4421
JOB = dict(rw="randwrite", bssplit="512/20:4k/40:64k/30:1m/10", iodepth=16, size="6m",
           **fio.VERIFY)
BYTES = ("p2p_read_bytes", "p2p_write_bytes", "staged_read_bytes", "staged_write_bytes",
         "inline_write_bytes", "read_bytes", "write_bytes")


@pytest.fixture
def second_rnic(vm):
    """rxe1 on a network whose MTU is too small for page-granular placement."""
    vm.run(f"ip link add d1 type dummy && ip link set d1 mtu 1500 up && "
           f"ip address add {SECOND_ADDRESS}/24 dev d1 && rdma link add rxe1 type rxe netdev d1")
    yield "rxe1"
    vm.run("rdma link delete rxe1; ip link delete d1", check=False)


def both_ports(*namespaces):
    """The namespaces behind both RNICs; a little in-capsule data at the second one."""
    return config([subsystem(NQN, *namespaces)],
                  [port(1, [NQN], inline_data_size=0),
                   port(2, [NQN], SECOND_ADDRESS, SECOND_PORT, inline_data_size=4096)])


def by_second(vm):
    return host.connect(vm, NQN, SECOND_ADDRESS, SECOND_PORT)


def sums(entries):
    """Field by field, over entries of `stats` or `conns`."""
    return {key: sum(entry[key] for entry in entries) for key in BYTES}


def traced_sums(vm, trace):
    """Bytes by what the drives were given: (read, written) in the CMB, and elsewhere."""
    cmb, moved = vm.cmb_range("cmb"), {}
    for opcode in ("read", "write"):
        for place in ("all", "none"):
            moved[opcode, place] = 0
        for command in trace.commands(opcode=opcode):
            moved[opcode, command.place(cmb)] += command.bytes
    return moved


def test_each_rnic__has_its_own_memory(daemon_built, vm, second_rnic):
    """This test writes through both RNICs at once; every sum is the same, and the drives' trace agrees."""
    served = (namespace(1, vm.block_device("cmb"), p2pmem="1"),
              namespace(2, vm.block_device("plain"), p2pmem="1"))
    with Target(vm, both_ports(*served)) as target:
        for nsid in (1, 2):
            status = namespace_status(target, nsid)
            assert status["p2p"] == "on"
            ways = {entry["device"]: entry for entry in status["paths"]}
            assert set(ways) == {"rxe0", "rxe1"}
            assert ways["rxe0"]["provider"] == f"cmb {vm.pci_address('cmb')}"
            assert ways["rxe1"]["provider"] == "host" and "MTU" in ways["rxe1"]["reason"]
        with vm.traced() as trace:
            with host.connect(vm, NQN) as first:
                jobs = [fio.run(vm, first.device(nsid), **JOB) for nsid in (1, 2)]
            assert sums(target.cli("stats")["namespaces"])["staged_write_bytes"] == 0
            with by_second(vm) as second:
                jobs += [fio.run(vm, second.device(nsid), **JOB) for nsid in (1, 2)]
                status = namespace_status(target, 1)
                assert status["p2p"] == "degraded" and "MTU" in status["p2p_reason"]
                stats, conns = target.cli("stats"), io_connections(target)
                assert {entry["device"] for entry in conns} == {"rxe1"}
        stats = target.cli("stats")
        assert target.cli("conns")["conns"] == []
    namespaces = sums(stats["namespaces"])
    rnics = {entry["name"]: entry for entry in stats["devices"]}
    assert namespaces == sums(rnics.values()) == sums([stats["closed_conns"]])
    assert namespaces["write_bytes"] == sum(job["write"]["io_bytes"] for job in jobs)
    assert_all_p2p(rnics["rxe0"], jobs[0]["write"]["io_bytes"] + jobs[1]["write"]["io_bytes"])
    assert_all_staged(rnics["rxe1"], jobs[2]["write"]["io_bytes"] + jobs[3]["write"]["io_bytes"])
    assert rnics["rxe1"]["inline_write_bytes"] > 0
    assert rnics["rxe1"]["staged_no_memory_bytes"] == (
        rnics["rxe1"]["staged_read_bytes"] + rnics["rxe1"]["staged_write_bytes"])
    assert traced_sums(vm, trace) == {
        ("read", "all"): namespaces["p2p_read_bytes"],
        ("write", "all"): namespaces["p2p_write_bytes"],
        ("read", "none"): namespaces["staged_read_bytes"],
        ("write", "none"):
            namespaces["staged_write_bytes"] + namespaces["inline_write_bytes"]}


def test_open_connections__are_counted_like_closed_ones(daemon_built, vm, second_rnic):
    """This test adds up the connections that are there and those that have gone: the namespace's bytes."""
    served = namespace(1, vm.block_device("cmb"), p2pmem="1")
    with Target(vm, both_ports(served)) as target:
        with host.connect(vm, NQN) as first:
            fio.run(vm, first.device(), **JOB)
        with by_second(vm) as second:
            fio.run(vm, second.device(), **JOB)
            stats, conns = target.cli("stats"), target.cli("conns")["conns"]
        still_open = sums(conns)
        assert still_open["staged_write_bytes"] > 0 < stats["closed_conns"]["p2p_write_bytes"]
        assert sums(stats["namespaces"]) == sums(stats["devices"]) == sums(
            [stats["closed_conns"], still_open])


def test_late_rnic__while_a_host_is_connected(daemon_built, vm, second_rnic):
    """This test brings the RNIC that can place data while a host works: P2P comes, nothing is disturbed."""
    served = (namespace(1, vm.block_device("cmb"), p2pmem="1", p2pmem_require=True),
              namespace(2, vm.block_device("plain"), p2pmem="1"))
    target = Target(vm, both_ports(*served))
    vm.run("rdma link delete rxe0")
    target.spawn()
    try:
        wait_for(lambda: "is ready" in target.log, 60, "the daemon's start")
        wait_for(lambda: target.cli("status")["ports"][1]["state"] == "listening", 60, "a port")
        assert namespace_status(target, 1)["state"] == "down"
        with by_second(vm) as second:
            device = second.device(2)
            assert host.find_device(vm, NQN, 1) is None
            work = fio.loop(vm, device, **JOB)
            vm.run("rdma link add rxe0 type rxe netdev d0")
            for nsid in (1, 2):
                wait_for(lambda: any(entry["provider"].startswith("cmb") for entry in
                                     namespace_status(target, nsid)["paths"]), 120, "peer memory")
            # The host hears of the namespace that has come up, by an event.
            fio.run(vm, second.device(1), **JOB)
            work.stop()
            with host.connect(vm, NQN, options=host.identity(1)):
                wait_for(lambda: {entry["device"] for entry in io_connections(target)} ==
                         {"rxe0", "rxe1"}, 60, "both RNICs in use")
        stats = target.cli("stats")
        assert sums(stats["namespaces"]) == sums([stats["closed_conns"]])
        assert stats["namespaces"][0]["errors"] == stats["namespaces"][1]["errors"] == 0
        kinds = {entry["kind"] for entry in target.cli("events")["events"]}
        assert {"daemon", "port", "host", "rnic", "test", "namespace", "path", "memory"} <= kinds
        target.stop()
    finally:
        target.kill()
        vm.run("ip address replace fd00::1/64 dev d0 nodad; "
               "rdma link show rxe0/1 || rdma link add rxe0 type rxe netdev d0", check=False)

