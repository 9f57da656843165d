# SPDX-License-Identifier: BSD-3-Clause
"""The drive's own word that a host's bytes go from the RNIC into the CMB, and from there to the media."""
import hashlib
import os
import re

import pytest

import fio
import host
from checks import assert_all_p2p, assert_all_staged, guest_digest, image_digest, namespace_status
from target import NQN, Target, config, namespace, subsystem
from topology import ARCH, BELOW_A_SWITCH, Topology

MIB = 1 << 20
# (block size, count): data that differs at every place, written by dd one after the other; each
# begins at a multiple of its block size. Together 5 MiB.
SECTIONS = ((MIB, 2), (131072, 8), (65536, 24), (4096, 96), (512, 256))
DATA_BYTES = sum(block * count for block, count in SECTIONS)
FIO_OFFSET = 64 * MIB
FIO_BYTES = 8 * MIB
PAGE = 4096
COMPARE_FAILURE = 0x285
FIO_JOB = dict(rw="randwrite", bssplit="512/20:4k/30:24k/20:128k/20:1m/10", iodepth=16,
               offset=FIO_OFFSET, size=FIO_BYTES, **fio.VERIFY)


def make_data(vm):
    """Put random bytes where the guest can read them, and return them."""
    data = os.urandom(DATA_BYTES)
    with open(os.path.join(vm.share, "data"), "wb") as file:
        file.write(data)
    return data


def write_sections(vm, device):
    """Copy the shared random bytes to the start of the device, each section in its block size."""
    start = 0
    for block, count in SECTIONS:
        vm.run(f"dd if=/mnt/share/data of={device} bs={block} skip={start // block} "
               f"seek={start // block} count={count} oflag=direct status=none")
        start += block * count


class Run:
    """One daemon with one namespace, written and read by a host, with everything that is known of it."""

    def __init__(self, vm, drive, **memory):
        data = make_data(vm)
        path = vm.block_device(drive)
        with Target(vm, config([subsystem(NQN, namespace(1, path, **memory))])) as target:
            before = vm.device_counts(drive)
            with vm.traced() as self.trace:
                with host.connect(vm, NQN) as connection:
                    device = connection.device()
                    write_sections(vm, device)
                    job = fio.run(vm, device, **FIO_JOB)
                # A new connection has no page cache of the old one.
                with host.connect(vm, NQN) as connection:
                    device = connection.device()
                    self.read_back = [guest_digest(vm, device, 0, len(data)),
                                      guest_digest(vm, device, FIO_OFFSET, FIO_BYTES)]
            after = vm.device_counts(drive)
            self.stats = target.stats()
            self.status = namespace_status(target)
        self.written = len(data) + job["write"]["io_bytes"]
        self.drive_wrote = after["wr_bytes"] - before["wr_bytes"]
        self.on_media = [image_digest(vm, drive, 0, len(data)),
                         image_digest(vm, drive, FIO_OFFSET, FIO_BYTES)]
        self.data_digest = hashlib.sha256(data).hexdigest()

    def assert_media_right(self):
        assert self.on_media[0] == self.data_digest
        # fio has verified this range by reading it over the same way.
        assert self.read_back == self.on_media
        assert self.drive_wrote == self.written == self.stats["write_bytes"]


def assert_every_pointer(run, vm, drive, place):
    """All reads and writes of the drive have their data in this place, and they are all the bytes."""
    nsid, cmb = vm.topology.nsid(drive), vm.cmb_range("cmb")
    for opcode, total in (("write", run.written), ("read", run.stats["read_bytes"])):
        commands = run.trace.commands(nsid, opcode)
        assert run.trace.places(cmb, nsid, opcode) == {place: len(commands)}
        assert sum(command.bytes for command in commands) == total > 0
        assert all(sum(length for _, length in command.pointers) == command.bytes
                   for command in commands)
    assert run.trace.errors == []


def machine_for(drive, iommu):
    """A machine in which this drive's data can be in the CMB, see test_14_arm64.py."""
    if ARCH == "amd64" or drive == "cmb":
        return Topology(iommu=iommu)
    if iommu:
        pytest.skip("arm64: no way from drive to drive with an IOMMU")
    return Topology(drives=BELOW_A_SWITCH)


def assert_both_ways_tested(reason, drive):
    """The self-test's words: the drive wrote the CMB, and it read the CMB."""
    reads, compares = re.search(
        r"reads of 512 to (\d+) bytes by engine \w+ compared equal; Compares of 512 to (\d+) bytes too",
        reason).groups()
    assert int(reads) == MIB or drive != "cmb"
    assert int(compares) == (PAGE if drive == "cmb" else int(reads)), reason


@pytest.mark.parametrize("drive", ["cmb", "plain"])
def test_selftest__has_the_drive_read_the_cmb(daemon_built, use_vm, drive):
    """This test looks at the Compare commands of a start: of right and of wrong bytes in the CMB."""
    vm = use_vm(machine_for(drive, False))
    served = namespace(1, vm.block_device(drive), p2pmem=vm.pci_address("cmb"), p2pmem_require=True)
    with vm.traced() as trace:
        with Target(vm, config([subsystem(NQN, served)])) as target:
            assert_both_ways_tested(namespace_status(target)["p2p_reason"], drive)
    nsid = vm.topology.nsid(drive)
    compares = trace.commands(nsid, "compare")
    # As many again from host memory, to know what the drive's word is worth.
    half, = set(trace.places(vm.cmb_range("cmb"), nsid, "compare").values())
    assert trace.places(vm.cmb_range("cmb"), nsid, "compare") == {"all": half, "none": half}
    assert half > 0
    # Every second one has a changed byte, and the drive says so.
    refusals = [(status & 0x7ff, opcode) for _, refused, status, opcode in trace.errors
                if refused == nsid]
    assert refusals == [(COMPARE_FAILURE, 5)] * (len(compares) // 2)
    assert trace.commands(nsid, "write") == []


@pytest.mark.parametrize("iommu", [False, True], ids=["no-iommu", "iommu"])
@pytest.mark.parametrize("drive", ["cmb", "plain"])
def test_write__reaches_the_drive_through_the_cmb_only(daemon_built, use_vm, drive, iommu):
    """This test has the drive's trace prove that no written or read byte was in host memory."""
    vm = use_vm(machine_for(drive, iommu))
    p2pmem = "1" if drive == "cmb" else vm.pci_address("cmb")
    run = Run(vm, drive, p2pmem=p2pmem, p2pmem_require=True)
    assert (run.status["state"], run.status["p2p"]) == ("up", "on")
    assert run.status["provider"] == f"cmb {vm.pci_address('cmb')}"
    # Passthrough, but for a drive's own CMB: see docs/p2p.md.
    assert run.status["engine"] == {"cmb": "block", "plain": "nvme"}[drive]
    assert_both_ways_tested(run.status["p2p_reason"], drive)
    run.assert_media_right()
    assert_all_p2p(run.stats, run.written)
    assert_every_pointer(run, vm, drive, "all")
    # The other drive lends its memory at most.
    other = {"cmb": "plain", "plain": "cmb"}[drive]
    assert run.trace.commands(vm.topology.nsid(other)) == []


def test_write__without_p2pmem_is_seen_in_host_memory(daemon_built, vm):
    """This test shows that the proof can fail: the same run with p2pmem "0" is staged in every place."""
    run = Run(vm, "cmb", p2pmem="0")
    assert run.status["p2p"] == "off"
    run.assert_media_right()
    assert_all_staged(run.stats, run.written)
    assert_every_pointer(run, vm, "cmb", "none")
