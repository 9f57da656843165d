# SPDX-License-Identifier: BSD-3-Clause
"""ANA: two ports on two RNICs, the kernel's multipath, and paths that change under fio."""
import json

import pytest

import fio
import host
from checks import io_connections, namespace_status
from target import NQN, Target, config, namespace, port, subsystem
from vm import wait_for

SECOND_ADDRESS, SECOND_PORT = "10.0.9.1", 4421
LIMIT_S = 90
JOB = dict(rw="randrw", bssplit="512/20:4k/40:64k/40", iodepth=8, size="8m", **fio.VERIFY)
GROUP = 4

pytestmark = pytest.mark.usefixtures("daemon_built")


@pytest.fixture
def two_networks(vm):
    """The machine with a second RNIC, rxe1, at SECOND_ADDRESS."""
    vm.run(f"ip link add d1 type dummy && ip link set d1 mtu 9000 up && "
           f"ip address add {SECOND_ADDRESS}/24 dev d1 && rdma link add rxe1 type rxe netdev d1")
    yield vm
    vm.run("rdma link delete rxe1; ip link delete d1", check=False)


def groups(**states):
    """ana_groups of a port: groups(g4="inaccessible")."""
    return [{"grpid": int(name[1:]), "ana": {"state": state}} for name, state in states.items()]


def served(vm, first, second):
    ports = [port(1, [NQN]), port(2, [NQN], SECOND_ADDRESS, SECOND_PORT)]
    ports[0]["ana_groups"], ports[1]["ana_groups"] = first, second
    return config([subsystem(NQN, namespace(1, vm.block_device("cmb"), p2pmem="1",
                                            ana={"grpid": GROUP}),
                             namespace(2, vm.block_device("plain")))], ports)


def by_second(vm):
    return host.connect(vm, NQN, SECOND_ADDRESS, SECOND_PORT)


def path_state(vm, connection, nsid=1):
    """What the host knows of a path; "" if it has none."""
    folders = f"/sys/class/nvme/{connection.controller}/nvme*c*n*"
    return vm.run(f"for d in {folders}; do [[ $(cat $d/nsid) == {nsid} ]] && cat $d/ana_state; done",
                  check=False).stdout.strip()


def written(target):
    """{RNIC: bytes that hosts wrote by it}, of the connections that there are."""
    sums = {"rxe0": 0, "rxe1": 0}
    for entry in io_connections(target):
        sums[entry["device"]] += entry["write_bytes"]
    return sums


def wait_only(target, work, device):
    """Wait until fio goes on, and by this RNIC alone."""
    other = {"rxe0": "rxe1", "rxe1": "rxe0"}[device]

    def is_so():
        work.check()
        before = written(target)
        wait_for(lambda: sum(written(target).values()) > sum(before.values()) + (2 << 20), LIMIT_S,
                 lambda: target.accounts("fio goes on"))
        after = written(target)
        return after[other] == before[other] and after[device] > before[device]

    wait_for(is_so, LIMIT_S, lambda: target.accounts(f"data by {device} alone"))


def set_state(target, portid, state, group=GROUP):
    assert target.cli(f"ana-state {portid} {group} {state}") == {
        "portid": portid, "grpid": group, "state": state}


def test_multipath__fails_over_and_returns(two_networks):
    """This test changes states under fio with verification: it follows them, and sees no error."""
    vm = two_networks
    with Target(vm, served(vm, groups(g4="optimized"), groups(g4="non-optimized"))) as target:
        with host.connect(vm, NQN) as first, by_second(vm) as second:
            work = fio.loop(vm, first.device(1), **JOB)
            wait_only(target, work, "rxe0")
            assert path_state(vm, first) == "optimized"
            assert path_state(vm, second) == "non-optimized"
            set_state(target, 1, "inaccessible")
            wait_only(target, work, "rxe1")
            assert path_state(vm, first) == "inaccessible"
            # No path at all: what is sent waits, and nothing fails.
            set_state(target, 2, "change")
            wait_for(lambda: path_state(vm, second) == "change", LIMIT_S, "the host knows")
            set_state(target, 2, "inaccessible")
            wait_for(lambda: path_state(vm, second) == "inaccessible", LIMIT_S, "the host knows")
            at_rest = sum(written(target).values())
            assert vm.run("sleep 1").rc == 0 and sum(written(target).values()) == at_rest
            work.check()
            set_state(target, 1, "optimized")
            wait_only(target, work, "rxe0")
            set_state(target, 2, "persistent-loss")
            wait_for(lambda: path_state(vm, second) == "persistent-loss", LIMIT_S, "lost")
            wait_only(target, work, "rxe0")
            work.stop()
            assert first.state == second.state == "live"


def test_states__are_there_before_the_port_is(two_networks):
    """This test configures a path away: a host that connects by it never reads a byte by it."""
    vm = two_networks
    with Target(vm, served(vm, groups(g4="inaccessible"), groups())) as target:
        with host.connect(vm, NQN) as first:
            wait_for(lambda: path_state(vm, first) == "inaccessible", LIMIT_S, "the path")
            assert path_state(vm, first, 2) == "optimized"
            assert target.stats(1)["read_ios"] == 0
            with by_second(vm) as second:
                fio.run(vm, second.device(1), **JOB)
                assert written(target)["rxe0"] == 0
        statuses = {entry["portid"]: entry["ana_groups"] for entry in target.cli("status")["ports"]}
        assert statuses[1] == [
            {"grpid": 1, "state": "optimized", "changes": 0, "namespaces": 1},
            {"grpid": GROUP, "state": "inaccessible", "changes": 0, "namespaces": 1}]


def test_namespace__moves_to_another_group(two_networks):
    """This test moves a namespace to a group that its host cannot reach, and back, under fio."""
    vm = two_networks
    with Target(vm, served(vm, groups(g7="inaccessible"), groups())) as target:
        with host.connect(vm, NQN) as first:
            work = fio.loop(vm, first.device(1), **JOB)
            wait_only(target, work, "rxe0")
            moved = target.cli(f"ana-group {NQN} 1 7")
            assert moved == {"nqn": NQN, "nsid": 1, "grpid": 7}
            assert namespace_status(target)["ana_grpid"] == 7
            wait_for(lambda: path_state(vm, first) == "inaccessible", LIMIT_S, "the host knows")
            log = json.loads(vm.run(f"nvme ana-log /dev/{first.controller} -o json").stdout)
            listed = {entry["grpid"]: [nsid["nsid"] for nsid in entry["NSIDS"]]
                      for entry in log["ANA DESC LIST "]}
            assert listed == {1: [2], 7: [1]}, log
            target.cli(f"ana-group {NQN} 1 {GROUP}")
            wait_only(target, work, "rxe0")
            work.stop()
        for command, words in (("ana-state 9 1 optimized", "there is no port 9"),
                               ("ana-state 1 129 optimized", "grpid (1 to 128)"),
                               ("ana-state 1 1 good", "optimized, non-optimized"),
                               (f"ana-group {NQN} 3 1", "there is no namespace")):
            result = vm.run(target.command(command), check=False)
            assert result.rc == 1 and words in result.stderr, result.stderr
