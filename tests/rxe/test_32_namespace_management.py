# SPDX-License-Identifier: BSD-3-Clause
"""Hosts that create, attach, detach and delete namespaces, and what is left of it after a restart."""
import copy

import pytest

import fio
import host
from checks import guest_digest, namespace_status
from target import NQN, Target, config, namespace, subsystem
from vm import wait_for

LIMIT_S = 60
MIB = 1 << 20
CAPACITY = 64 * MIB
FOLDER = "/run/np/created"
OPERATORS = 3  # the NSID of a namespace that the file lists
JOB = dict(rw="randwrite", bs="4k", iodepth=8, size="4m", **fio.VERIFY)

pytestmark = pytest.mark.usefixtures("daemon_built")


@pytest.fixture
def configuration(vm):
    """A subsystem with one namespace of the operator's, whose hosts may create more."""
    state = vm.run("mkdir -p /run/np; mktemp -d /run/np/state-XXXX").stdout.strip()
    served = subsystem(NQN, namespace(OPERATORS, {"size_bytes": 64 * MIB}, engine="null"))
    served["namespace_management"] = {"folder": FOLDER, "capacity_bytes": CAPACITY}
    yield config([served], daemon={"state_dir": state})
    vm.run(f"rm -rf {state} {FOLDER}")


class Host:
    """One of several hosts of the kernel's, and its nvme-cli."""

    def __init__(self, vm, number):
        self.vm = vm
        self.connection = host.connect(vm, NQN, options=host.identity(number))
        self.controller = f"/dev/{self.connection.controller}"
        self.id = host.identify(vm, f"id-ctrl {self.controller}")["cntlid"]

    def create(self, mib=8, shared=True, check=True, options=""):
        """nvme create-ns; returns the NSID, or without `check` what nvme-cli said."""
        blocks = mib * MIB // self.block_bytes
        result = self.vm.run(f"nvme create-ns {self.controller} -s {blocks} -c {blocks} -f 0 "
                             f"-m {int(shared)} {options}", check=check)
        if not check:
            return result.stdout + result.stderr
        return int(result.stdout.split("nsid:")[1])

    @property
    def block_bytes(self):
        """The format of what may be created: that of namespace FFFFFFFFh."""
        common = host.identify(self.vm, f"id-ns {self.controller} -n 0xffffffff")
        return 1 << common["lbafs"][0]["ds"]

    def nvme(self, verb, options, check=True):
        """Any verb on the controller; returns (exit code, output)."""
        result = self.vm.run(f"nvme {verb} {self.controller} {options}", check=check)
        return result.rc, result.stdout + result.stderr

    def attach(self, nsid, *hosts, verb="attach-ns", check=True):
        ids = ",".join(str(other.id) for other in hosts or (self,))
        return self.nvme(verb, f"-n {nsid} -c {ids}", check)

    def sees(self):
        """NSIDs of namespaces that are attached."""
        listing = host.identify(self.vm, f"list-ns {self.controller}")
        return [entry["nsid"] for entry in listing["nsid_list"]]

    def allocated(self):
        listing = host.identify(self.vm, f"list-ns {self.controller} --all")
        return [entry["nsid"] for entry in listing["nsid_list"]]

    def wait_path(self, nsid):
        """Wait until the kernel has heard of the namespace: by an event, if another host did it."""
        paths = f"/sys/class/nvme/{self.connection.controller}/nvme*/nsid"
        wait_for(lambda: not self.vm.run(f"grep -qx {nsid} {paths}", check=False).rc, LIMIT_S,
                 f"path to namespace {nsid}")

    def free_bytes(self):
        return int(host.identify(self.vm, f"id-ctrl {self.controller}")["unvmcap"])


def device(vm, nsid):
    """The block device of a namespace, whichever of the kernel's hosts it is attached to."""
    return wait_for(lambda: host.find_device(vm, NQN, nsid), LIMIT_S, f"namespace {nsid}")


def test_life_of_a_namespace(vm, configuration):
    """This test creates a namespace, attaches it, writes with verification, detaches and deletes it."""
    with Target(vm, configuration) as target:
        one, other = Host(vm, 1), Host(vm, 2)
        assert one.free_bytes() == CAPACITY
        nsid = one.create()
        assert nsid == 1
        assert one.free_bytes() == CAPACITY - 8 * MIB
        assert one.sees() == other.sees() == [OPERATORS]
        assert one.allocated() == other.allocated() == [nsid, OPERATORS]
        one.attach(nsid)
        assert (one.sees(), other.sees()) == ([nsid, OPERATORS], [OPERATORS])
        fio.run(vm, device(vm, nsid), **JOB)
        written = guest_digest(vm, device(vm, nsid), 0, 8 * MIB)
        assert namespace_status(target, nsid)["engine"] == "file"
        one.attach(nsid, other)
        assert other.sees() == [nsid, OPERATORS]
        other.wait_path(nsid)
        one.attach(nsid, one, verb="detach-ns")
        assert (one.sees(), other.sees()) == ([OPERATORS], [nsid, OPERATORS])
        assert guest_digest(vm, device(vm, nsid), 0, 8 * MIB) == written
        vm.run(f"truncate -s 12M {FOLDER}/*.img")
        target.reload()
        wait_for(lambda: vm.run(f"blockdev --getsize64 {device(vm, nsid)}").stdout.strip() ==
                 str(12 * MIB), LIMIT_S, "the host to see the new size")
        one.nvme("delete-ns", f"-n {nsid}")
        assert other.sees() == other.allocated() == [OPERATORS]
        assert one.free_bytes() == CAPACITY
        assert not vm.run(f"ls {FOLDER}").stdout


def test_delete__under_load(vm, configuration):
    """This test deletes a namespace that fio writes to; fio on another one does not notice."""
    with Target(vm, configuration) as target:
        one = Host(vm, 1)
        doomed, kept = one.create(), one.create()
        for nsid in (doomed, kept):
            one.attach(nsid)
        spoiled = fio.loop(vm, device(vm, doomed), rw="randwrite", bs="4k", iodepth=8, size="4m")
        other = fio.loop(vm, device(vm, kept), **JOB)
        for nsid in (doomed, kept):
            wait_for(lambda at=nsid: target.stats(at)["write_ios"] > 100, LIMIT_S, "fio to write")
        one.nvme("delete-ns", f"-n {doomed}")
        assert one.allocated() == [kept, OPERATORS]
        assert len(vm.run(f"ls {FOLDER}").stdout.split()) == 1
        before = target.stats(kept)["write_ios"]
        wait_for(lambda: target.stats(kept)["write_ios"] > before + 100, LIMIT_S, "fio to go on")
        other.stop()
        spoiled.process.kill()
        assert one.create() == doomed


def test_restart__brings_them_back(vm, configuration):
    """This test kills the daemon after each step: what was answered is there again, data and all."""
    target = Target(vm, configuration)
    with target:
        one = Host(vm, 1)
        kept, gone, hidden = one.create(), one.create(shared=False), one.create()
        for nsid in (kept, gone):
            one.attach(nsid)
        fio.run(vm, device(vm, kept), **JOB)
        written = guest_digest(vm, device(vm, kept), 0, 8 * MIB)
        one.nvme("delete-ns", f"-n {gone}")
        target.kill()
        target.start()
        one.connection.wait_state("live")
        one.id = host.identify(vm, f"id-ctrl {one.controller}")["cntlid"]
        assert one.sees() == [kept, OPERATORS]
        assert one.allocated() == [kept, OPERATORS, hidden]
        assert guest_digest(vm, device(vm, kept), 0, 8 * MIB) == written
        assert one.free_bytes() == CAPACITY - 16 * MIB
        # A reload of the file leaves them as they are, and cannot take their numbers.
        target.reload()
        assert one.sees() == [kept, OPERATORS]
        clash = copy.deepcopy(configuration)
        clash["subsystems"][0]["namespaces"].append(
            namespace(kept, {"size_bytes": MIB}, engine="null"))
        target.configuration = clash
        assert "a host has created" in target.refuse_reload()
        assert one.sees() == [kept, OPERATORS]


def test_list_is_damaged__nothing_is_lost_nor_created(vm, configuration):
    """This test spoils the list of what hosts created: the rest is served, and the files stay."""
    state = configuration["daemon"]["state_dir"]
    with Target(vm, configuration):
        one = Host(vm, 1)
        one.attach(one.create())
        one.connection.disconnect()
    vm.run(f"cp {state}/namespaces-*.json /tmp/list; for f in {state}/*; do echo '{{' >$f; done")
    with Target(vm, configuration) as target:
        one = Host(vm, 1)
        assert one.sees() == [OPERATORS]
        assert "Invalid Command Opcode" in one.nvme("create-ns", "-s 8 -c 8 -f 0", check=False)[1]
        assert any("hosts have created" in entry["text"] and entry["level"] == "error"
                   for entry in target.cli("events")["events"])
        one.connection.disconnect()
    vm.run(f"cp /tmp/list $(ls {state}/namespaces-*.json)")
    with Target(vm, configuration):
        assert Host(vm, 1).sees() == [1, OPERATORS]


def test_refusals(vm, configuration):
    """This test asks for what cannot be, and compares what nvme-cli says."""
    with Target(vm, configuration):
        one, other = Host(vm, 1), Host(vm, 2)
        block = one.block_bytes
        assert "Namespace Insufficient Capacity" in one.create(mib=65, check=False)
        blocks = MIB // block
        create = f"-s {blocks} -c {blocks}"
        for options, answer in (
                (f"-s {blocks} -c {blocks - 1} -f 0", "Thin Provisioning Not Supported"),
                (f"-s {blocks} -c {blocks + 1} -f 0", "Invalid Field"),
                ("-s 0 -c 0 -f 0", "Invalid Field"),
                (f"{create} -f 1", "Invalid Format"),
                (f"{create} -f 0 -d 1", "Invalid Field"),
                (f"{create} -f 0 -a 129", "ANA Group Identifier Invalid"),
                (f"{create} -f 0 -y 2", "I/O command set is not supported")):
            said = one.nvme("create-ns", options, check=False)
            assert said[0] and answer in said[1], (options, said)
        private, shared = one.create(mib=1, shared=False), one.create(mib=1)
        one.attach(private)
        for said, answer in (
                (one.attach(private, other, check=False), "Namespace Is Private"),
                (one.attach(private, check=False), "Namespace Already Attached"),
                (one.attach(shared, verb="detach-ns", check=False), "Namespace Not Attached"),
                (one.nvme("attach-ns", f"-n {shared} -c 999", False), "Controller List Invalid"),
                (one.nvme("attach-ns", f"-n 77 -c {one.id}", False), "Invalid Namespace"),
                (one.attach(OPERATORS, check=False), "Operation Denied"),
                (one.nvme("delete-ns", f"-n {OPERATORS}", False), "Operation Denied"),
                (one.nvme("delete-ns", "-n 0xffffffff", False), "Operation Denied"),
                (one.nvme("delete-ns", "-n 77", False), "Invalid Namespace")):
            assert said[0] and answer.lower() in said[1].lower(), (answer, said)
        assert one.allocated() == sorted([private, shared, OPERATORS])


def test_not_allowed(vm):
    """This test asks where the operator has not said that hosts may."""
    served = subsystem(NQN, namespace(OPERATORS, {"size_bytes": 64 * MIB}, engine="null"))
    with Target(vm, config([served])):
        one = Host(vm, 1)
        said = one.nvme("create-ns", "-s 8 -c 8 -f 0", check=False)
        assert said[0] and "Invalid Command Opcode" in said[1]
        assert not int(host.identify(vm, f"id-ctrl {one.controller}")["oacs"]) & 8
