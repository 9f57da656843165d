# SPDX-License-Identifier: BSD-3-Clause
"""Another configuration for a daemon that runs: what hosts see of it, and that nothing else changes."""
import copy
import signal

import pytest

import fio
import host
from checks import namespace_status, resources, wait_resources
from target import NQN, Target, config, namespace, port, subsystem
from topology import Topology
from vm import wait_for

OTHER_NQN = "nqn.2024-01.test:reload-other"
HOSTS = ["nqn.2014-08.org.nvmexpress:uuid:" + str(host.host_id(number)) for number in (0, 1)]
SECOND_PORT = 4425
FILE = "/run/np-reload.img"
MIB = 1 << 20
LIMIT_S = 60
MACHINE = Topology(append="nvme_core.multipath=N")
JOB = dict(rw="randwrite", bs="4k", iodepth=8, size="4m", **fio.VERIFY)

pytestmark = pytest.mark.usefixtures("daemon_built")


@pytest.fixture
def served(vm):
    """(machine, target, connection): namespace 1 in peer memory; fio works there all the time."""
    first = namespace(1, vm.block_device("cmb"), p2pmem="1")
    configuration = config([subsystem(NQN, first)], [port(1, [NQN], inline_data_size=0)])
    vm.run(f"rm -f {FILE}; truncate -s 16M {FILE}")
    with Target(vm, configuration) as target, host.connect(vm, NQN, options="-i 2") as connection:
        work = fio.loop(vm, connection.device(1), **JOB)
        yield vm, target, connection
        work.stop()
        assert connection.state == "live"
        assert f"{connection.controller}: starting error recovery" not in vm.dmesg()


def the_subsystem(target):
    return target.configuration["subsystems"][0]


def device_size(vm, device):
    return int(vm.run(f"blockdev --getsize64 {device}").stdout)


def test_namespace__comes_grows_and_goes(served):
    """This test adds a namespace on a file, enlarges the file, and removes the namespace, under fio."""
    vm, target, connection = served
    the_subsystem(target)["namespaces"].append(namespace(5, FILE))
    assert target.reload() == [f"namespace {NQN}/5 added"]
    device = connection.device(5)
    assert device_size(vm, device) == 16 * MIB
    fio.run(vm, device, **JOB)
    assert target.reload() == []

    vm.run(f"truncate -s 32M {FILE}")
    assert target.reload() == [f"namespace {NQN}/5 changed"]
    wait_for(lambda: device_size(vm, device) == 32 * MIB, LIMIT_S, "the new size")
    fio.run(vm, device, **{**JOB, "offset": "20m"})
    written = target.stats(5)["write_bytes"]
    assert written == 8 * MIB, "its counters go on"

    the_subsystem(target)["namespaces"].pop()
    assert target.reload() == [f"namespace {NQN}/5 removed"]
    wait_for(lambda: host.find_device(vm, NQN, 5) is None, LIMIT_S, "the device to go")
    assert [entry["nsid"] for entry in target.cli("status")["namespaces"]] == [1]


def test_namespace__changes_its_memory(served):
    """This test takes peer memory from a namespace under fio, and gives it back."""
    _, target, _ = served
    entry = the_subsystem(target)["namespaces"][0]
    entry["p2pmem"] = "0"
    assert target.reload() == [f"namespace {NQN}/1 changed"]
    assert namespace_status(target)["provider"] == "host"
    staged = target.stats()["staged_write_bytes"]
    wait_for(lambda: target.stats()["staged_write_bytes"] > staged, LIMIT_S, "staged writes")
    entry["p2pmem"] = "1"
    target.reload()
    p2p = target.stats()["p2p_write_bytes"]
    wait_for(lambda: target.stats()["p2p_write_bytes"] > p2p, LIMIT_S, "writes by P2P")


def test_refused__changes_nothing(served):
    """This test reloads what cannot be: a missing drive, daemon settings, another serial, no JSON."""
    _, target, _ = served
    good = copy.deepcopy(target.configuration)
    before = target.cli("status")["namespaces"], resources(target)
    bad = copy.deepcopy(good)
    bad["subsystems"][0]["namespaces"] += [namespace(5, FILE), namespace(6, "/dev/none")]
    bad["ports"].append(port(2, [NQN], service=SECOND_PORT))
    for key, value, why in (("subsystems", bad["subsystems"], "namespace " + NQN + "/6"),
                            ("daemon", {**good["daemon"], "poll_us": 7}, "daemon: its settings"),
                            ("subsystems", [{**good["subsystems"][0], "attr": {"serial": "x"}}],
                             "subsystems[0].attr"),
                            ("hosts", 7, "hosts")):
        target.configuration = {**good, "ports": bad["ports"], key: value}
        assert why in target.refuse_reload()
        assert target.cli("status")["namespaces"] == before[0]
    wait_resources(target, before[1])
    assert len(target.cli("status")["ports"]) == 1
    target.configuration = good
    assert target.reload() == []


def test_ports_and_subsystems__come_and_go(served):
    """This test adds a subsystem and a port for it, has a host use both, and removes them under it."""
    vm, target, _ = served
    good = copy.deepcopy(target.configuration)
    target.configuration["subsystems"].append(subsystem(OTHER_NQN, namespace(1, FILE)))
    target.configuration["ports"].append(port(2, [OTHER_NQN], service=SECOND_PORT))
    changes = target.reload()
    assert f"subsystem {OTHER_NQN} added" in changes and len(changes) == 3, changes
    offered = {(entry["subnqn"], entry["trsvcid"]) for entry in host.discover(vm)}
    assert {(NQN, "4420"), (OTHER_NQN, str(SECOND_PORT))} <= offered
    other = host.connect(vm, OTHER_NQN, port=SECOND_PORT, options="-c 1 -l 5")
    fio.run(vm, other.device(1), **JOB)

    target.configuration = good
    changes = target.reload()
    assert {f"subsystem {OTHER_NQN} removed", f"namespace {OTHER_NQN}/1 removed"} < set(changes)
    other.wait_state("gone")
    assert host.refused(vm, OTHER_NQN)
    assert not any(entry["subnqn"] == OTHER_NQN for entry in host.discover(vm))
    assert {conn["nqn"] for conn in target.cli("conns")["conns"]} == {NQN}


def test_sighup__is_a_reload(served):
    """This test sends SIGHUP: what it did, and what it could not do, is in the events."""
    vm, target, connection = served
    the_subsystem(target)["namespaces"].append(namespace(5, FILE))
    target.write_configuration()
    target.process.kill(signal.SIGHUP)
    connection.device(5)
    the_subsystem(target)["namespaces"].append(namespace(6, "/dev/none"))
    target.write_configuration()
    target.process.kill(signal.SIGHUP)
    wait_for(lambda: any("nothing has changed" in entry["text"]
                         for entry in target.cli("events")["events"]), LIMIT_S, "the refusal")
    the_subsystem(target)["namespaces"][1:] = []
    target.reload()


def devices(vm, connection):
    """{nsid: block device} of a controller, on a machine without multipath."""
    listing = vm.run(f"cd /sys/class/nvme/{connection.controller} && "
                     "for n in nvme*n*; do echo $n $(<$n/nsid); done", check=False).stdout
    return {int(nsid): f"/dev/{name}" for name, nsid in map(str.split, listing.splitlines())}


def reads(vm, device):
    return vm.run(f"dd if={device} of=/dev/null bs=4k count=1 iflag=direct", check=False).rc == 0


def test_visibility__follows_the_configuration(use_vm):
    """This test shows a namespace to one of two hosts, to the other, to both, and takes one's access."""
    vm = use_vm(MACHINE)
    vm.run(f"rm -f {FILE}; truncate -s 16M {FILE}")
    served = subsystem(NQN, namespace(1, vm.block_device("plain")),
                       {**namespace(2, FILE), "allowed_hosts": HOSTS[:1]})
    configuration = config([served])
    configuration["hosts"] = [{"nqn": nqn} for nqn in HOSTS]
    with Target(vm, configuration) as target:
        one, other = (host.connect(vm, NQN, options=host.identity(number)) for number in (0, 1))

        def sees(who, *nsids):
            return set(devices(vm, who)) == set(nsids)

        wait_for(lambda: sees(one, 1, 2) and sees(other, 1), LIMIT_S, "what each may see")
        assert reads(vm, devices(vm, one)[2])
        masked = the_subsystem(target)["namespaces"][1]
        masked["allowed_hosts"] = HOSTS[1:]
        assert target.reload() == [f"namespace {NQN}/2 is for other hosts"]
        wait_for(lambda: sees(other, 1, 2) and sees(one, 1), LIMIT_S, "the other host to see it")
        assert reads(vm, devices(vm, other)[2])
        masked["allowed_hosts"] = []
        target.reload()
        wait_for(lambda: sees(other, 1, 2) and sees(one, 1, 2), LIMIT_S, "both to see it")

        # As with the kernel's target: who is connected stays, and does not come again.
        the_subsystem(target).update(allowed_hosts=HOSTS[:1], attr={"allow_any_host": "0"})
        assert target.reload() == [f"subsystem {NQN} allows other hosts"]
        assert all(reads(vm, devices(vm, who)[1]) for who in (one, other))
        other.disconnect()
        host.refused(vm, NQN, options=host.identity(1))
        host.disconnect_all(vm)


def test_device__that_grows_is_seen_to(vm):
    """This test enlarges a block device that is served: its host learns of it by itself."""
    vm.run(f"modprobe loop; rm -f {FILE}; truncate -s 16M {FILE}")
    device = vm.run(f"losetup -f --show {FILE}").stdout.strip()
    with Target(vm, config([subsystem(NQN, namespace(1, device))])) as target:
        with host.connect(vm, NQN) as connection:
            seen = connection.device()
            work = fio.loop(vm, seen, **JOB)
            vm.run(f"truncate -s 48M {FILE}; losetup -c {device}")
            wait_for(lambda: device_size(vm, seen) == 48 * MIB, LIMIT_S, "the new size")
            assert namespace_status(target)["size_bytes"] == 48 * MIB
            work.stop()
            fio.run(vm, seen, **{**JOB, "offset": "40m"})
    vm.run(f"losetup -d {device}")


def test_thousand_namespaces__come_at_once(vm):
    """This test adds 1,024 namespaces to one that is served, and removes them."""
    first = namespace(1, vm.block_device("plain"))
    with Target(vm, config([subsystem(NQN, first)])) as target:
        with host.connect(vm, NQN) as connection:
            connection.device(1)
            many = [namespace(nsid, {"size_bytes": MIB}, engine="null") for nsid in range(2, 1026)]
            the_subsystem(target)["namespaces"] += many
            assert len(target.reload()) == 1024
            listed = lambda: len(host.identify(
                vm, f"list-ns /dev/{connection.controller}")["nsid_list"])
            assert listed() == 1024, "a list has room for so many"
            wait_for(lambda: host.find_device(vm, NQN, 1025), 300, "the last device")
            the_subsystem(target)["namespaces"] = [first]
            target.reload()
            wait_for(lambda: host.find_device(vm, NQN, 1025) is None, 300, "the devices to go")
            assert listed() == 1
