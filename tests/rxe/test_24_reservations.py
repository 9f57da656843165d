# SPDX-License-Identifier: BSD-3-Clause
"""Reservations: two hosts of one kernel, nvme-cli, and who may write."""
import json

import pytest

import fio
import host
from checks import namespace_status
from target import NQN, Target, config, namespace, port, subsystem
from topology import Topology
from vm import wait_for

# Without it the kernel takes two hosts for two paths of one.
MACHINE = Topology(append="nvme_core.multipath=N")
LIMIT_S = 60
KEYS = (0x111, 0x222)
CLEAR, PERSIST = 2, 3
WRITE_EXCLUSIVE, EXCLUSIVE_ACCESS, WRITE_EXCLUSIVE_REGISTRANTS = 1, 2, 3
JOB = dict(rw="randwrite", bs="4k", iodepth=8, size="2m", **fio.VERIFY)

pytestmark = pytest.mark.usefixtures("daemon_built")


class Host:
    """One of two hosts, and its device for namespace 1."""

    def __init__(self, vm, number):
        self.vm = vm
        self.key = KEYS[number]
        self.hostid = host.host_id(number)
        self.connection = host.connect(vm, NQN, options=host.identity(number))
        self.device = wait_for(self._find, LIMIT_S, f"the device of host {number}")

    def _find(self):
        found = self.vm.run(f"ls -d /sys/class/nvme/{self.connection.controller}/nvme*n1",
                            check=False).stdout.strip()
        return found and "/dev/" + found.rsplit("/", 1)[1]

    def resv(self, verb, options, check=True):
        """nvme resv-VERB; returns (exit code, output)."""
        result = self.vm.run(f"nvme resv-{verb} {self.device} -n 1 {options}", check=check)
        return result.rc, result.stdout + result.stderr

    def register(self, cptpl=0):
        self.resv("register", f"--nrkey={self.key} --rrega=0 --cptpl={cptpl}")

    def acquire(self, rtype, action=0, prey=0, check=True):
        return self.resv("acquire", f"--crkey={self.key} --rtype={rtype} --racqa={action} "
                                    f"--prkey={prey}", check)

    def release(self, rtype, action=0):
        self.resv("release", f"--crkey={self.key} --rtype={rtype} --rrela={action}")

    def report(self):
        _, text = self.resv("report", "--eds -o json")
        return json.loads(text)

    def reads(self):
        return self.vm.run(f"dd if={self.device} of=/dev/null bs=4k count=1 iflag=direct",
                           check=False).rc == 0

    def writes(self):
        return self.vm.run(f"dd if=/dev/zero of={self.device} bs=4k count=1 oflag=direct",
                           check=False).rc == 0


@pytest.fixture
def reservable(use_vm):
    """(machine, configuration) of one namespace that can be reserved."""
    vm = use_vm(MACHINE)
    served = subsystem(NQN, namespace(1, vm.block_device("cmb"), p2pmem="1",
                                      resv={"enable": True}))
    return vm, config([served], [port(1, [NQN], inline_data_size=0)])


def test_reservation__of_each_kind(reservable):
    """This test has one host reserve a namespace, and the other one read, write, preempt."""
    vm, configuration = reservable
    with Target(vm, configuration) as target:
        one, other = Host(vm, 0), Host(vm, 1)
        assert one.writes() and other.writes()
        rc, text = one.acquire(WRITE_EXCLUSIVE, check=False)
        assert rc != 0 and "RESERVATION_CONFLICT" in text.upper().replace(" ", "_"), text
        one.register()
        other.register()
        for rtype, reads, writes in ((WRITE_EXCLUSIVE, True, False),
                                     (EXCLUSIVE_ACCESS, False, False),
                                     (WRITE_EXCLUSIVE_REGISTRANTS, True, True)):
            one.acquire(rtype)
            assert (one.reads(), one.writes()) == (True, True)
            assert (other.reads(), other.writes()) == (reads, writes), rtype
            one.release(rtype)
        one.acquire(WRITE_EXCLUSIVE)
        report = one.report()
        assert (report["rtype"], report["regctl"]) == (WRITE_EXCLUSIVE, 2), report
        assert namespace_status(target)["reservation"] == {
            "type": "write exclusive", "holders": [str(one.hostid)], "registrants": 2,
            "persists": False}
        holders = {entry["rkey"]: entry["rcsts"] for entry in report["regctlext"]}
        assert holders == {KEYS[0]: 1, KEYS[1]: 0}, report
        # The one that is thrown out writes no more, and is told.
        other.acquire(WRITE_EXCLUSIVE, 1, KEYS[0])
        assert (one.writes(), other.writes()) == (False, True)
        log = json.loads(vm.run(
            f"nvme resv-notif-log /dev/{one.connection.controller} -o json").stdout)
        assert log == {"NSID": 1, "count": 1, "num_logs": 0, "rn_log_type": 1}
        other.release(WRITE_EXCLUSIVE, 1)
        assert one.writes() and other.writes() and one.report()["regctl"] == 0
        assert namespace_status(target)["reservation"] is None
        one.connection.disconnect()
        other.connection.disconnect()
        assert namespace_status(target)["p2p"] == "on"


def test_preempt_and_abort__nothing_is_written_afterwards(reservable):
    """This test throws a host out while it writes: once that is answered, no byte of it comes any more."""
    vm, configuration = reservable
    with Target(vm, configuration) as target:
        one, other = Host(vm, 0), Host(vm, 1)
        one.register()
        other.register()
        one.acquire(WRITE_EXCLUSIVE)
        work = fio.start(vm, one.device, rw="randwrite", bs="64k", iodepth=32, size="64m",
                         time_based=True, runtime=120)
        wait_for(lambda: target.stats()["write_bytes"] > 4 << 20, LIMIT_S, "writes")
        other.acquire(WRITE_EXCLUSIVE, 2, KEYS[0])
        written = target.stats()["write_bytes"]
        assert work.process.wait(LIMIT_S) != 0
        assert not one.writes() and target.stats()["write_bytes"] == written
        assert other.writes()
        host.disconnect_all(vm)


def test_reservation__outlives_a_connection_and_the_drives_absence(reservable):
    """This test has a holder go, and the drive go and come back: the other host stays locked out."""
    vm, configuration = reservable
    pci = vm.pci_address("cmb")
    with Target(vm, configuration) as target:
        one, other = Host(vm, 0), Host(vm, 1)
        one.register()
        one.acquire(WRITE_EXCLUSIVE)
        one.connection.disconnect()
        assert not other.writes()
        vm.run(f"echo {pci} >/sys/bus/pci/drivers/nvme/unbind")
        wait_for(lambda: namespace_status(target)["state"] == "down", LIMIT_S, "down")
        vm.run(f"echo {pci} >/sys/bus/pci/drivers/nvme/bind")
        wait_for(lambda: namespace_status(target)["state"] == "up", LIMIT_S, "up")
        other.device = wait_for(other._find, LIMIT_S, "the device again")
        assert wait_for(other.reads, LIMIT_S, "reads") and not other.writes()
        one = Host(vm, 0)
        fio.run(vm, one.device, **JOB)
        one.connection.disconnect()
        other.connection.disconnect()


def test_persistent__outlives_the_daemon(reservable):
    """This test kills the daemon: who held the namespace still does; a file that is broken locks it."""
    vm, configuration = reservable
    configuration["daemon"] = {"state_dir": "/run/np/state"}
    vm.run("rm -rf /run/np/state")
    target = Target(vm, configuration)
    with target:
        one, other = Host(vm, 0), Host(vm, 1)
        one.register(PERSIST)
        other.register()
        one.acquire(WRITE_EXCLUSIVE)
        assert one.report()["ptpls"] == 1
        target.kill()
        host.disconnect_all(vm)
        target.start()
        one, other = Host(vm, 0), Host(vm, 1)
        assert one.writes() and other.reads() and not other.writes()
        report = other.report()
        assert (report["ptpls"], report["rtype"], report["regctl"]) == (1, WRITE_EXCLUSIVE, 2)
        host.disconnect_all(vm)
    vm.run("for f in /run/np/state/*; do cp $f /run/np/kept && head -c 100 $f >/run/np/part && "
           "cp /run/np/part $f; done")
    with target:
        status = namespace_status(target)
        assert status["state"] == "down" and "cannot be read" in status["reason"], status
    vm.run("cp /run/np/kept /run/np/state/*")
    with target:
        one = Host(vm, 0)
        one.resv("register", f"--crkey={one.key} --nrkey={one.key} --rrega=2 --cptpl={CLEAR}")
        assert vm.run("ls /run/np/state").stdout == ""
        host.disconnect_all(vm)
    with target:
        other = Host(vm, 1)
        assert other.writes() and other.report()["regctl"] == 0
        host.disconnect_all(vm)


def test_persistent__outlives_a_power_cut(reservable):
    """This test keeps reservations on a drive, cuts the power after the answer, and looks who holds."""
    vm, configuration = reservable
    mount = "mkdir -p /run/np-state && mount {} /run/np-state"
    configuration["daemon"] = {"state_dir": "/run/np-state/np"}
    vm.run(f"mkfs.ext4 -qF {vm.block_device('plain')}")
    vm.run(mount.format(vm.block_device("plain")))
    target = Target(vm, configuration).start()
    one, other = Host(vm, 0), Host(vm, 1)
    other.register()
    one.register(PERSIST)
    one.acquire(WRITE_EXCLUSIVE)
    vm.restart()
    vm.run(mount.format(vm.block_device("plain")))
    served = configuration["subsystems"][0]["namespaces"][0]
    served["device"]["path"] = vm.block_device("cmb")
    with Target(vm, configuration):
        one, other = Host(vm, 0), Host(vm, 1)
        assert one.writes() and other.reads() and not other.writes()
        report = other.report()
        assert (report["ptpls"], report["rtype"], report["regctl"]) == (1, WRITE_EXCLUSIVE, 2)
        host.disconnect_all(vm)
    vm.run("umount /run/np-state")
    assert not target.running


def test_persistent__is_refused_without_a_place(reservable):
    """This test has a state_dir that cannot be: what is not kept is not promised."""
    vm, configuration = reservable
    configuration["daemon"] = {"state_dir": "/proc/none"}
    with Target(vm, configuration) as target:
        assert "daemon.state_dir: /proc/none" in target.log
        one = Host(vm, 0)
        rc, text = one.resv("register", f"--nrkey={one.key} --rrega=0 --cptpl={PERSIST}", False)
        assert rc != 0 and "INVALID_FIELD" in text.upper().replace(" ", "_"), text
        one.register()
        assert one.report()["ptpls"] == 0
        host.disconnect_all(vm)
