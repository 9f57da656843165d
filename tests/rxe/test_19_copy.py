# SPDX-License-Identifier: BSD-3-Clause
"""nvmet-p2p-cli copy: from drive to drive through a CMB, what it refuses, and what --verify finds."""
import json
import os

import pytest

import platforms
from checks import image_digest
from target import NQN, RUNTIME, Target, config, install, namespace, subsystem

MIB = 1 << 20
KIB = 1 << 10
COPIED, WRONG, REFUSED = 0, 1, 2
_SIZE = 8 * MIB
_CHUNK = 64 * KIB


def copy(vm, src, dst, via, options="--yes"):
    """Run the command; returns (exit code, report or None, what it said on standard error)."""
    install(vm)
    result = vm.run(f"{RUNTIME}/nvmet-p2p-cli copy {src} {dst} --via {via} --json {options}",
                    check=False)
    return result.rc, json.loads(result.stdout) if result.stdout else None, result.stderr


def fill(vm, drive, size=_SIZE):
    """Random bytes at the drive's begin; returns their digest, taken outside of the machine."""
    with open(os.path.join(vm.share, "data"), "wb") as file:
        file.write(os.urandom(size))
    vm.run(f"dd if=/mnt/share/data of={vm.block_device(drive)} bs=1M oflag=direct conv=fsync "
           "status=none")
    return image_digest(vm, drive, 0, size)


def data_bytes(vm, trace, drive, opcode, cmb):
    """Bytes of the drive's commands by the place of their data: {"all": ..., "none": ...}."""
    places, cmb_range = {}, vm.cmb_range(cmb)
    for command in trace.commands(vm.topology.nsid(drive), opcode):
        place = command.place(cmb_range)
        places[place] = places.get(place, 0) + command.bytes
    return places


@pytest.mark.parametrize("generic", [False, True], ids=["block", "generic"])
def test_copy__goes_through_the_cmb_only(daemon_built, vm, generic):
    """This test copies between drives; both say that no byte of the copy was in host memory."""
    digest = fill(vm, "plain")
    fill(vm, "cmb")
    # The drive that has the CMB takes passthrough commands with data in it only by luck: p2p.md.
    src = vm.char_device("plain") if generic else vm.block_device("plain")
    options = f"--yes --size {_SIZE // KIB}K --block {_CHUNK // KIB}K --depth 4"
    with vm.traced() as trace:
        rc, report, _ = copy(vm, src, vm.block_device("cmb"), vm.pci_address("cmb"), options)
    assert (rc, report["result"], report["verify"]) == (COPIED, "copied", "not asked for")
    assert (report["bytes"], report["block_bytes"], report["depth"]) == (_SIZE, _CHUNK, 4)
    assert report["memory"] == f"cmb {vm.pci_address('cmb')}" and report["peer"] is True
    assert report["src"]["engine"] == ("nvme" if generic else "block")
    assert report["mb_per_s"] > 0 and report["seconds"] > 0
    # udev looks at the begin and the end of a drive that was opened for writing: some pages.
    reads = data_bytes(vm, trace, "plain", "read", "cmb")
    assert reads.pop("all") == _SIZE and reads.pop("none", 0) <= MIB and not reads
    assert data_bytes(vm, trace, "cmb", "write", "cmb") == {"all": _SIZE}
    assert trace.commands(vm.topology.nsid("plain"), "write") == []
    assert trace.errors == []
    assert image_digest(vm, "cmb", 0, _SIZE) == digest


def test_copy__verifies_through_host_memory(daemon_built, vm):
    """This test has copy verify: what it compares has not been in the CMB, nor was it there before."""
    digest = fill(vm, "plain")
    plain, cmb = vm.block_device("plain"), vm.block_device("cmb")
    options = f"--yes --verify --size {_SIZE // MIB}M --block {_CHUNK // KIB}K"
    with vm.traced() as trace:
        rc, report, _ = copy(vm, plain, cmb, vm.pci_address("cmb"), options)
    assert (rc, report["verify"], report["different_bytes"]) == (COPIED, "equal", 0)
    assert data_bytes(vm, trace, "plain", "read", "cmb")["none"] >= _SIZE
    assert data_bytes(vm, trace, "cmb", "read", "cmb")["none"] >= _SIZE
    # Once other bytes from host memory, once the copy.
    assert data_bytes(vm, trace, "cmb", "write", "cmb") == {"none": _SIZE, "all": _SIZE}
    assert image_digest(vm, "cmb", 0, _SIZE) == digest


def test_copy__by_way_of_the_host_is_seen_in_host_memory(daemon_built, vm):
    """This test shows that the proof can fail: --via host, and no byte is in the CMB."""
    digest = fill(vm, "plain")
    with vm.traced() as trace:
        rc, report, _ = copy(vm, vm.block_device("plain"), vm.block_device("cmb"), "host",
                             f"--yes --size {_SIZE}")
    assert (rc, report["peer"]) == (COPIED, False)
    assert data_bytes(vm, trace, "cmb", "write", "cmb") == {"none": _SIZE}
    assert "all" not in data_bytes(vm, trace, "plain", "read", "cmb")
    assert image_digest(vm, "cmb", 0, _SIZE) == digest


@pytest.mark.parametrize("via", ["/dev/dax0.0", "udmabuf"])
def test_copy__goes_through_other_memory(daemon_built, dax, via):
    """This test copies through a dax device, which counts as peer memory, and through a dma-buf of RAM."""
    vm = dax
    vm.run("modprobe udmabuf", check=False)
    digest = fill(vm, "plain")
    rc, report, said = copy(vm, vm.block_device("plain"), vm.block_device("cmb"), via,
                            f"--yes --verify --size {_SIZE}")
    assert (rc, report and report["verify"]) == (COPIED, "equal"), (report, said)
    name = {"/dev/dax0.0": "dax /dev/dax0.0", "udmabuf": "dmabuf udmabuf (udmabuf)"}[via]
    assert (report["memory"], report["peer"]) == (name, via != "udmabuf")
    assert image_digest(vm, "cmb", 0, _SIZE) == digest


def test_copy__refuses_memory_in_use(daemon_built, dax):
    """This test copies through a dax device that a daemon has: its data would be overwritten."""
    served = config([subsystem(NQN, namespace(1, dax.block_device("plain"), p2pmem="dax0.0"))],
                    daemon={"memory": [{"kind": "dax", "path": "/dev/dax0.0"}]})
    dax.run("truncate -s 1M /tmp/copied")
    with Target(dax, served):
        rc, report, said = copy(dax, dax.block_device("cmb"), "/tmp/copied", "/dev/dax0.0")
    assert (rc, report) == (REFUSED, None) and "in use by another process" in said, said


def test_copy__refuses_a_destination_in_use(daemon_built, vm):
    """This test tries destinations that are mounted, swap, served, the source: none is written to."""
    plain, cmb, via = vm.block_device("plain"), vm.block_device("cmb"), vm.pci_address("cmb")
    before = vm.device_counts("plain")["wr_bytes"]

    def refuse(src, dst, words, options="--yes"):
        rc, report, said = copy(vm, src, dst, via, f"--size 1M {options}")
        assert (rc, report) == (REFUSED, None) and words in said, said

    refuse(cmb, plain, "say --yes", "")
    refuse(plain, plain, "is the source as well")
    refuse(vm.char_device("plain"), plain, "is the source as well")
    refuse(plain, vm.char_device("plain"), "is the source as well")
    vm.run(f"rm -f /tmp/np-node; mknod -m 600 /tmp/np-node b $(stat -c '0x%t 0x%T' {plain})")
    refuse(vm.char_device("plain"), "/tmp/np-node", "is the source as well")
    refuse(cmb, "/dev/null", "/dev/null")
    refuse(cmb, plain, "has only", f"--yes --size {1 << 20}M")
    assert vm.device_counts("plain")["wr_bytes"] == before
    served = config([subsystem(NQN, namespace(1, plain))])
    with Target(vm, served):
        refuse(cmb, plain, "in use")
        refuse(cmb, vm.char_device("plain"), "in use")
    vm.run(f"mkfs.ext4 -q {plain} 64M && mkdir -p /tmp/np-copy && mount {plain} /tmp/np-copy && "
           "echo kept >/tmp/np-copy/kept && sync")
    try:
        refuse(cmb, plain, "mounted")
        refuse(cmb, vm.char_device("plain"), "mounted")
    finally:
        vm.run("umount /tmp/np-copy")
    vm.run(f"e2fsck -f -n {plain}")
    vm.run(f"mkswap {plain} && swapon {plain}")
    try:
        refuse(cmb, plain, "in use")
    finally:
        vm.run(f"swapoff {plain}; wipefs -aq {plain}")


# (source, destination), with memory below the switch that one of them shares with it.
LIES = {"its-read": ("neighbour", "own"), "its-write": ("own", "neighbour")}


@pytest.mark.parametrize("way", LIES)
def test_copy__finds_a_way_that_lies(daemon_built, use_vm, way):
    """This test copies where the drive's success is a lie: --verify finds other bytes, exit code 1."""
    src, dst = LIES[way]
    vm = use_vm(platforms.MACHINES[2])
    assert vm.topology.iommu and vm.topology.cpu == "EPYC"
    digest = fill(vm, src, MIB)
    # What was there before is what is to come: that must not pass for a copy.
    vm.run(f"dd if=/mnt/share/data of={vm.block_device(dst)} bs=1M oflag=direct conv=fsync "
           "status=none")
    paths = vm.block_device(src), vm.block_device(dst), vm.pci_address("lender")
    rc, report, _ = copy(vm, *paths, "--yes --size 1M --verify")
    assert (rc, report["result"], report["verify"]) == (WRONG, "copied", "different"), report
    assert report["different_bytes"] > MIB // 2 and report["first_difference"] < 512
    assert image_digest(vm, dst, 0, MIB) != digest
    text = vm.run(f"{RUNTIME}/nvmet-p2p-cli copy {' '.join(paths[:2])} --via {paths[2]} --yes "
                  "--size 1M --verify", check=False)
    assert text.rc == WRONG and "verify    DIFFERENT: " in text.stdout, text.stdout
    # The same drives by another way.
    rc, report, _ = copy(vm, *paths[:2], "host", "--yes --size 1M --verify")
    assert (rc, report["verify"]) == (COPIED, "equal"), report
    assert image_digest(vm, dst, 0, MIB) == digest


def test_copy__reports_a_way_that_the_kernel_refuses(daemon_built, use_vm):
    """This test copies through a host bridge that is not on the kernel's list: exit code 1, and why."""
    vm = use_vm(platforms.MACHINES[1])
    assert vm.topology.cpu == "max" and not vm.topology.iommu
    fill(vm, "far", MIB)
    rc, report, _ = copy(vm, vm.block_device("far"), vm.block_device("own"), vm.pci_address("own"),
                         "--yes --size 1M --verify")
    assert (rc, report["result"], report["verify"]) == (WRONG, "failed", "not done"), report
    assert report["error"].startswith("a read at offset "), report
