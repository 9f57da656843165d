# SPDX-License-Identifier: BSD-3-Clause
"""Drives and their memory go, come back and are reset while hosts work: nothing wrong, nothing stuck."""
import sys

import pytest

import fio
import host
from checks import namespace_status, resources, wait_resources
from target import NQN, PAGE, Target, config, namespace, port, subsystem
from channel import ChannelError
from topology import CMB_DRIVE, Drive, Topology
from vm import GuestError, wait_for

LIMIT_S = 90
# The kernel must not wait for the daemon to let go.
REMOVE_LIMIT_S = 30
MACHINE = Topology(drives=(CMB_DRIVE, Drive("plain")))
# Lives through an interruption: reconnects soon, and goes on.
PATIENT = "-c 1 -l 120 -i 2"
JOB = dict(rw="randwrite", bssplit="512/20:4k/40:64k/30:512k/10", iodepth=16, size="8m",
           **fio.VERIFY)
WAYS_OUT = {
    "sysfs-remove": ("echo 1 >/sys/bus/pci/devices/{pci}/remove", "echo 1 >/sys/bus/pci/rescan"),
    "unbind": ("echo {pci} >/sys/bus/pci/drivers/nvme/unbind",
               "echo {pci} >/sys/bus/pci/drivers/nvme/bind"),
}
RESETS = {
    "controller": "echo 1 >/sys/class/nvme/{ctrl}/reset_controller",
    "function": "echo 1 >/sys/bus/pci/devices/{pci}/reset",
}

pytestmark = pytest.mark.usefixtures("daemon_built")


@pytest.fixture
def hotplug_vm(use_vm):
    """A machine whose drives are there again afterwards."""
    vm = use_vm(MACHINE)
    places = {name: vm.pci_address(name) for name in ("cmb", "plain")}
    yield vm
    for pci in places.values():
        vm.run(f"[[ -e /sys/bus/pci/devices/{pci} ]] || echo 1 >/sys/bus/pci/rescan; "
               f"[[ -e /sys/bus/pci/devices/{pci}/driver ]] || "
               f"echo {pci} >/sys/bus/pci/drivers/nvme/bind", check=False)
    for name in places:
        wait_for(lambda: drive_is_there(vm, name), LIMIT_S, f"drive {name} after the test")


# While a drive is disabled QEMU may drop what other drives write into, or read from, its CMB, report
# success to them, and say so, once: it takes it for a device that calls itself.
DROPPED = "Blocked re-entrant IO on MemoryRegion: nvme-cmb"
TRIES = 4


def unless_qemu_failed(vm, scene, *arguments):
    """Run a scene, and again where QEMU itself has dropped data, or hangs: that says nothing about us.

    A drive that is reset deletes its queues, and QEMU 7.2 may then wait for ever in its main loop for the
    end of a command that it cancels (hw/nvme/ctrl.c, nvme_del_sq(): blk_aio_cancel() within aio_poll()).
    """
    for left in reversed(range(TRIES)):
        try:
            scene(vm, *arguments)
            return
        except (AssertionError, GuestError, ChannelError):
            has_hung = vm.end_if_hung()
            if not left or not (has_hung or DROPPED in vm.output):
                raise
            if has_hung:
                print("QEMU hangs, once more", file=sys.stderr)
                vm.restart()


def drive_is_there(vm, name):
    return vm.controller(name) and vm.run(f"test -b {vm.block_device(name)}", check=False).rc == 0


def both(vm):
    """Namespace 1 on the drive with the CMB, 2 on the other one with that CMB for its data."""
    served = subsystem(NQN, namespace(1, vm.block_device("cmb"), p2pmem="1"),
                       namespace(2, vm.block_device("plain"), p2pmem="1"))
    return config([served], [port(1, [NQN], inline_data_size=0)])


def provider(target, nsid):
    status = namespace_status(target, nsid)
    return status["provider"] if status["state"] == "up" else "down"


def wait_provider(target, nsid, start):
    wait_for(lambda: provider(target, nsid).startswith(start), LIMIT_S,
             lambda: target.accounts(f"namespace {nsid} with {start}"))


def wait_moved(target, nsid, counter, work, since=0):
    """Wait until fio has moved 1 MiB more than `since` by this counter."""
    def is_moved():
        work.check()
        return target.stats(nsid)[counter] > since + (1 << 20)

    wait_for(is_moved, LIMIT_S, lambda: target.accounts(f"{counter} of namespace {nsid}"))


def texts(target, kind):
    return [entry["text"] for entry in target.cli("events")["events"] if entry["kind"] == kind]


def take_memory_and_give_it_back(vm, out, back):
    pci = vm.pci_address("cmb")
    with Target(vm, both(vm)) as target:
        assert provider(target, 2) == f"cmb {pci}"
        before = resources(target)
        with host.connect(vm, NQN, options=PATIENT) as connection:
            work = fio.loop(vm, connection.device(2), **JOB)
            wait_moved(target, 2, "p2p_write_bytes", work)
            vm.run(out.format(pci=pci), limit_s=REMOVE_LIMIT_S)
            wait_provider(target, 2, "host")
            wait_provider(target, 1, "down")
            wait_moved(target, 2, "staged_lost_bytes", work)
            wait_for(lambda: any("given back" in text for text in texts(target, "memory")),
                     LIMIT_S, "the memory given back")
            assert not [entry for entry in target.cli("memory")["providers"]
                        if entry["kind"] == "cmb"]
            assert host.find_device(vm, NQN, 1) is None
            vm.run(back.format(pci=pci))
            wait_provider(target, 2, "cmb")
            wait_provider(target, 1, "cmb")
            wait_moved(target, 2, "p2p_write_bytes", work, target.stats(2)["p2p_write_bytes"])
            work.stop()
            fio.run(vm, connection.device(1), **JOB)
        wait_resources(target, before)


@pytest.mark.parametrize("way", WAYS_OUT)
def test_memorys_drive_goes__data_is_staged_until_it_is_back(hotplug_vm, way):
    """This test takes the CMB's drive away under fio on the other drive: staged, right, P2P again later."""
    unless_qemu_failed(hotplug_vm, take_memory_and_give_it_back, *WAYS_OUT[way])


@pytest.mark.parametrize("way", WAYS_OUT)
def test_data_drive_goes__the_rest_is_unharmed(hotplug_vm, way):
    """This test takes the data drive away under fio: its namespace goes, the other's fio sees nothing."""
    vm, (out, back) = hotplug_vm, WAYS_OUT[way]
    pci = vm.pci_address("plain")
    with Target(vm, both(vm)) as target:
        with host.connect(vm, NQN, options=PATIENT) as connection:
            work = fio.loop(vm, connection.device(1), **JOB)
            lost = fio.start(vm, connection.device(2), **{**JOB, "size": "400m"})
            wait_for(lambda: target.stats(2)["p2p_write_bytes"] > 1 << 20, LIMIT_S, "writes")
            vm.run(out.format(pci=pci), limit_s=REMOVE_LIMIT_S)
            wait_provider(target, 2, "down")
            assert "has gone" in namespace_status(target, 2)["reason"]
            # The host is told, and drops its device; what fio had on the way failed.
            wait_for(lambda: host.find_device(vm, NQN, 2) is None, LIMIT_S, "the host's device")
            assert lost.process.wait(LIMIT_S) != 0
            vm.run(back.format(pci=pci))
            wait_provider(target, 2, "cmb")
            fio.run(vm, connection.device(2), **JOB)
            work.stop()
            assert connection.state == "live"
        assert target.stats(1)["errors"] == 0


def reset_under_fio(vm, drive, kind):
    command = RESETS[kind].format(pci=vm.pci_address(drive), ctrl=vm.controller(drive))
    with Target(vm, both(vm)) as target:
        before = len(texts(target, "test"))
        with host.connect(vm, NQN, options=PATIENT) as connection:
            work = [fio.loop(vm, connection.device(nsid), **JOB) for nsid in (1, 2)]
            for _round in range(3):
                moved = [target.stats(nsid)["write_bytes"] for nsid in (1, 2)]
                vm.run(command, limit_s=REMOVE_LIMIT_S)
                for nsid in (1, 2):
                    wait_moved(target, nsid, "write_bytes", work[nsid - 1], moved[nsid - 1])
                    wait_provider(target, nsid, "cmb")
            for loop in work:
                loop.stop()
        assert len(texts(target, "test")) > before
        assert any("reset" in text for text in texts(target, "drive") + texts(target, "memory"))


@pytest.mark.parametrize("kind", RESETS)
@pytest.mark.parametrize("drive", ["cmb", "plain"])
def test_drive_is_reset__data_is_right_and_it_is_tested_again(hotplug_vm, drive, kind):
    """This test resets a drive several times under fio with verification on both namespaces."""
    unless_qemu_failed(hotplug_vm, reset_under_fio, drive, kind)


def test_memory_that_a_reset_has_cleared__is_used_again(hotplug_vm):
    """This test clears, behind the guest's back, the word that the daemon watches, and resets the drive."""
    vm = hotplug_vm
    with Target(vm, both(vm)) as target:
        with host.connect(vm, NQN, options=PATIENT) as connection:
            place = target.physical_address("/p2pmem/allocate", last_page=True)
            vm.write_memory(place, bytes(PAGE))
            fio.run(vm, connection.device(2), **JOB)
            lost = target.stats(2)["staged_lost_bytes"]
            assert lost > 1 << 20 and target.stats(2)["p2p_write_bytes"] == 0
            before = len(texts(target, "test"))
            vm.run(RESETS["controller"].format(ctrl=vm.controller("cmb")), REMOVE_LIMIT_S)
            wait_for(lambda: len(texts(target, "test")) > before, LIMIT_S, "tests after the reset")
            wait_provider(target, 2, "cmb")
            fio.run(vm, connection.device(2), **JOB)
            assert target.stats(2)["staged_lost_bytes"] == lost
            assert target.stats(2)["p2p_write_bytes"] > 1 << 20


def pull_and_put_back(vm):
    with Target(vm, both(vm)) as target:
        with host.connect(vm, NQN, options=PATIENT) as connection:
            work = fio.loop(vm, connection.device(2), **JOB)
            wait_moved(target, 2, "p2p_write_bytes", work)
            vm.unplug("cmb")
            wait_provider(target, 2, "host")
            wait_provider(target, 1, "down")
            vm.plug("cmb")
            wait_provider(target, 2, "cmb")
            wait_provider(target, 1, "cmb")
            work.stop()
            fio.run(vm, connection.device(1), **JOB)


def test_pulled_drive__is_given_up_and_taken_back(hotplug_vm):
    """This test has QEMU unplug the CMB's drive under fio, and plug it in again."""
    unless_qemu_failed(hotplug_vm, pull_and_put_back)
