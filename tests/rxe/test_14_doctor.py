# SPDX-License-Identifier: BSD-3-Clause
"""The doctor: what it says of machines that do P2P, that might, and that do not."""
import json
from dataclasses import replace

import pytest

import target
from checks import image_digest
from target import NQN, RUNTIME, Target, config, namespace, subsystem
from topology import CMB_DRIVE, PLAIN_DRIVE, Drive, Topology

pytestmark = pytest.mark.usefixtures("daemon_built")

P2P, NO_P2P, CANNOT_TELL = 0, 1, 2
NO_CMB = Topology(drives=(PLAIN_DRIVE,))
# A machine whose kernel lets no device reach another one through the host bridge.
NO_WAY_ACROSS = Topology(cpu="max", drives=(CMB_DRIVE, Drive("plain", block_size=4096)))
SWITCH = Topology(cpu="max", drives=(Drive("cmb", cmb_mb=64, behind="switch"),
                                     Drive("plain", behind="switch")))
DIGEST_BYTES = 64 << 20
SWITCH_WITH_IOMMU = replace(SWITCH, iommu=True)
NO_DAEMON = f"{RUNTIME}/no-daemon.sock"


def run(vm, arguments="", user=None, socket=NO_DAEMON):
    target.install(vm)
    command = f"{RUNTIME}/nvmet-p2p-cli -s {socket} doctor {arguments}"
    if user:
        command = f"setpriv --reuid {user} --clear-groups {command}"
    return vm.run(command, check=False)


def doctor(vm, expect, arguments="", **more):
    """The report as JSON; the exit status must be `expect`."""
    result = run(vm, f"--json {arguments}", **more)
    assert result.rc == expect and not result.stderr, result
    return json.loads(result.stdout)


def cell(vm, report, drive):
    """What the report says of rxe0, the CMB, and this drive of the machine."""
    name = vm.block_device(drive).rsplit("/", 1)[1]
    found = [entry for entry in report["matrix"]
             if (entry["rnic"], entry["drive"]) == ("rxe0", name)]
    assert len(found) == 1, report["matrix"]
    assert found[0]["memory"] == f"cmb {vm.pci_address('cmb')}"
    return found[0]


def verdict(vm, report, drive):
    found = cell(vm, report, drive)
    return found["result"], found["basis"]


def advice(report, entry):
    return [report["advice"][number - 1] for number in entry["advice"]]


def test_machine__is_expected_to_work(vm):
    """This test asks of a machine with all that P2P needs: nothing was compared, so it may work."""
    report = doctor(vm, CANNOT_TELL)
    assert verdict(vm, report, "cmb") == verdict(vm, report, "plain") == ("works", "expected")
    assert cell(vm, report, "cmb")["drive_way"] == "same device"
    assert cell(vm, report, "plain")["drive_way"] == "listed host bridge, 4 hops"
    assert cell(vm, report, "cmb")["rnic_way"] == "no PCI"
    rnic, = report["rnics"]
    assert (rnic["kind"], rnic["netdev"], rnic["netdev_mtu"], rnic["path_mtu"]) == \
        ("software", "d0", 9000, 4096)
    assert rnic["odp"] and rnic["dmabuf"] is False
    provider, = report["providers"]
    assert provider["pci"] == vm.pci_address("cmb") and provider["size_bytes"] == 64 << 20
    assert any("doctor --test" in line for line in report["advice"])
    assert report["host"]["root"] and report["unseen"] == []


def test_text__is_read_by_a_person(vm):
    """This test reads the text: the tree with the drive below its port, the matrix, the sum."""
    result = run(vm)
    assert result.rc == CANNOT_TELL
    lines = result.stdout.splitlines()
    name = vm.block_device("cmb").rsplit("/", 1)[1]
    assert [line for line in lines if line.endswith(f"{vm.pci_address('cmb')}  {name}, CMB of 64 MiB")
            and line.startswith("|  `- ")], result.stdout
    assert "`- rxe0  on d0" in lines and lines[-1].startswith("P2P may work")


def test_test__compares_bytes_and_writes_none(vm):
    """This test has the doctor test: rxe places by pages, both drives work, nothing is written."""
    before = {drive: (image_digest(vm, drive, 0, DIGEST_BYTES), vm.device_counts(drive)["wr_operations"])
              for drive in ("cmb", "plain")}
    report = doctor(vm, P2P, "--test")
    assert verdict(vm, report, "cmb") == verdict(vm, report, "plain") == ("quirk", "tested")
    assert "whole pages" in cell(vm, report, "plain")["reason"]
    assert "engine block only" in cell(vm, report, "cmb")["reason"]
    assert "engine nvme compared equal" in cell(vm, report, "plain")["reason"]
    for drive, (digest, writes) in before.items():
        assert image_digest(vm, drive, 0, DIGEST_BYTES) == digest
        assert vm.device_counts(drive)["wr_operations"] == writes
    # All that it took is free again.
    provider, = doctor(vm, CANNOT_TELL)["providers"]
    assert provider["available_bytes"] > 60 << 20


def test_mounted_drive__is_left_alone(vm):
    """This test mounts a drive: it is not tested, which is no verdict, and the other one is."""
    device = vm.block_device("cmb")
    vm.run(f"mkfs.ext4 -q {device} 100M && mkdir -p /tmp/np-mnt && mount {device} /tmp/np-mnt")
    try:
        report = doctor(vm, P2P, "--test")
        assert verdict(vm, report, "cmb") == ("quirk", "expected")
        assert "was not tested" in cell(vm, report, "cmb")["reason"]
        assert "mounted" in cell(vm, report, "cmb")["reason"]
        assert verdict(vm, report, "plain") == ("quirk", "tested")
    finally:
        vm.run(f"umount /tmp/np-mnt; wipefs -qa {device} || dd if=/dev/zero of={device} bs=1M count=8")


def test_daemon__lends_its_self_tests(vm):
    """This test asks beside a daemon that has the memory: its self-tests count, also with --test."""
    served = [namespace(1, vm.block_device("cmb"), p2pmem="1"),
              namespace(2, vm.block_device("plain"), p2pmem="1")]
    with Target(vm, config([subsystem(NQN, *served)])) as daemon:
        for arguments in ("", "--test"):
            report = doctor(vm, P2P, arguments, socket=daemon.socket)
            assert report["host"]["daemon"]
            for drive in ("cmb", "plain"):
                assert verdict(vm, report, drive) == ("quirk", "daemon")
        assert "whole pages" in cell(vm, report, "plain")["reason"]
        # Without the daemon's answer the memory is only seen to be taken, also by a test.
        for arguments in ("", "--test"):
            report = doctor(vm, CANNOT_TELL, arguments)
            assert verdict(vm, report, "plain") == ("impossible", "expected")
            assert "is taken" in cell(vm, report, "plain")["reason"]


def test_user__says_what_he_cannot_see(vm):
    """This test asks as nobody: the devices are there, what needs root is named, nothing is tested."""
    for arguments in ("", "--test"):
        report = doctor(vm, CANNOT_TELL, arguments, user="nobody")
        assert verdict(vm, report, "plain") == ("works", "expected")
        assert not report["host"]["root"] and not report["host"]["tested"]
        assert report["host"]["memlock_bytes"]
        unseen = "\n".join(report["unseen"])
        assert "without root" in unseen and "ACS" in unseen
        assert ("no self-test can run" in unseen) == bool(arguments)
    assert "ACS not seen" in json.dumps(report["tree"])


def test_small_mtu__is_named_with_its_cure(vm):
    """This test gives the network device an MTU of 1500: staged, surely so once it was tested."""
    vm.run("ip link set d0 mtu 1500")
    try:
        for arguments, expect, basis in (("", CANNOT_TELL, "expected"), ("--test", NO_P2P, "tested")):
            report = doctor(vm, expect, arguments)
            assert report["rnics"][0]["path_mtu"] == 1024
            for drive in ("cmb", "plain"):
                assert verdict(vm, report, drive) == ("staged", basis)
                found, = advice(report, cell(vm, report, drive))
                assert "network device d0 an MTU of 9000" in found
    finally:
        vm.run("ip link set d0 mtu 9000")


def test_port_down__is_impossible(vm):
    """This test takes the network device down: no port of the RNIC is active."""
    vm.run("ip link set d0 down")
    try:
        report = doctor(vm, NO_P2P)
        assert verdict(vm, report, "cmb") == ("impossible", "expected")
        assert "ip link set up dev d0" in "".join(advice(report, cell(vm, report, "cmb")))
    finally:
        vm.run("ip link set d0 up; ip address replace fd00::1/64 dev d0 nodad")


def test_host_bridge__is_named(use_vm):
    """This test asks of a machine whose host bridge is not listed: only the CMB's own drive works."""
    vm = use_vm(NO_WAY_ACROSS)
    report = doctor(vm, CANNOT_TELL)
    assert verdict(vm, report, "cmb") == ("works", "expected")
    found = cell(vm, report, "plain")
    assert (found["result"], found["drive_way"]) == ("impossible", "unlisted host bridge, 4 hops")
    assert "0000:00:00.0 (8086:29c0)" in found["reason"]
    assert "below one PCIe switch" in "".join(advice(report, found))
    report = doctor(vm, P2P, "--test")
    assert verdict(vm, report, "cmb") == ("quirk", "tested")
    assert verdict(vm, report, "plain") == ("impossible", "tested")


def test_switch__is_the_shorter_way(use_vm):
    """This test puts both drives below one switch of the same machine: now the other one works."""
    vm = use_vm(SWITCH)
    report = doctor(vm, CANNOT_TELL)
    assert cell(vm, report, "plain")["drive_way"] == "same switch, 4 hops"
    port, = [node for node in report["tree"][0]["children"] if node["children"]]
    upstream, = port["children"]
    assert (port["what"], upstream["what"]) == ("root port", "switch upstream port")
    assert [node["what"] for node in upstream["children"]] == ["switch downstream port"] * 2
    report = doctor(vm, P2P, "--test")
    assert verdict(vm, report, "plain") == ("quirk", "tested")


def test_iommu__lets_an_expected_way_fail(use_vm):
    """This test adds an IOMMU: the kernel allows the way through the switch, but no byte arrives."""
    vm = use_vm(SWITCH_WITH_IOMMU)
    report = doctor(vm, CANNOT_TELL)
    assert report["host"]["iommu"].startswith("DMA")
    assert verdict(vm, report, "plain") == ("works", "expected")
    assert "ACS redirects" in json.dumps(report["tree"])
    report = doctor(vm, P2P, "--test")
    found = cell(vm, report, "plain")
    assert (found["result"], found["basis"]) == ("staged", "tested")
    assert "reports success and leaves other bytes there" in found["reason"]
    assert "IOMMU" in "".join(advice(report, found))
    assert verdict(vm, report, "cmb") == ("quirk", "tested")


def test_no_cmb__is_impossible(use_vm):
    """This test asks of a machine whose only drive has no CMB."""
    vm = use_vm(NO_CMB)
    report = doctor(vm, NO_P2P)
    assert report["matrix"] == [] and report["providers"] == []
    assert "there is no device memory" in report["summary"]
    assert any("Controller Memory Buffer" in line for line in report["advice"])
