# SPDX-License-Identifier: BSD-3-Clause
"""Engines file and null: the same commands, other media."""
import hashlib

import pytest

import fio
import host
from checks import assert_all_staged, namespace_status
from target import NQN, Target, config, namespace, subsystem

MIB = 1 << 20
FILE_MIB = 64
JOB = dict(rw="randrw", rwmixwrite=70, bssplit="512/10:4k/40:64k/40:1m/10", iodepth=16, size="16m",
           **fio.VERIFY)


@pytest.fixture(params=["tmpfs", "ext4"])
def file_on(request, vm):
    """(machine, path) of a sparse file of 64 MiB on this file system."""
    if request.param == "tmpfs":
        folder, setup, undo = "/dev/shm", "true", "true"
    else:
        folder, undo = "/tmp/np-ext4", "umount -l /tmp/np-ext4; rm -f /tmp/np-ext4.img"
        setup = (f"set -e; truncate -s 200M {folder}.img; mkfs.ext4 -q -F {folder}.img; "
                 f"mkdir -p {folder}; mount -o loop {folder}.img {folder}")
    vm.run(f"modprobe loop; {setup}")
    path = f"{folder}/np-backing"
    vm.run(f"rm -f {path}; truncate -s {FILE_MIB}M {path}")
    yield vm, path
    vm.run(f"rm -f {path}; {undo}", check=False)


def digest(vm, path, skip_mib, mib):
    return vm.run(f"dd if={path} bs=1M skip={skip_mib} count={mib} status=none | sha256sum"
                  ).stdout.split()[0]


def zeros(mib):
    return hashlib.sha256(bytes(mib * MIB)).hexdigest()


@pytest.mark.parametrize("engine", ["nvme", "block"])
def test_identity__is_the_drives_own(daemon_built, vm, engine):
    """This test serves a drive by either engine: a host that it changes under sees the same namespace."""
    served = namespace(1, vm.block_device("plain"), engine=engine)
    with Target(vm, config([subsystem(NQN, served)])) as target:
        assert namespace_status(target)["engine"] == engine
        assert namespace_status(target)["uuid"] == vm.topology.uuid("plain")


def test_file__holds_what_was_written_and_trimmed(daemon_built, file_on):
    """This test writes, trims and zeroes a file by NVMe commands and looks into the file itself."""
    vm, path = file_on
    with Target(vm, config([subsystem(NQN, namespace(1, path, engine="file"))])) as target:
        status = namespace_status(target)
        assert (status["engine"], status["size_bytes"]) == ("file", FILE_MIB * MIB)
        with host.connect(vm, NQN) as connection:
            device = connection.device()
            job = fio.run(vm, device, offset="32m", **JOB)
            vm.run("dd if=/dev/urandom of=/tmp/np-data bs=1M count=24 status=none; "
                   f"dd if=/tmp/np-data of={device} bs=1M oflag=direct status=none")
            assert_all_staged(target.stats(), job["write"]["io_bytes"] + 24 * MIB)
            # Blocks 0-7 stay, 8-15 are deallocated, 16-23 are zeroed.
            vm.run(f"blkdiscard -o {8 * MIB} -l {8 * MIB} {device}; "
                   f"blkdiscard -z -o {16 * MIB} -l {8 * MIB} {device}")
            stats = target.stats()
            assert stats["dsm_ios"] > 0 and stats["errors"] == 0
            # tmpfs zeroes no range: there the host is told so, and sends zeros itself.
            assert (stats["write_zeroes_ios"] > 0) == path.startswith("/tmp/np-ext4")
            vm.run(f"blockdev --flushbufs {device}")
            seen = [digest(vm, device, start, 8) for start in (0, 8, 16)]
    data = digest(vm, "/tmp/np-data", 0, 8)
    assert [digest(vm, path, start, 8) for start in (0, 8, 16)] == [data, zeros(8), zeros(8)]
    assert seen == [data, zeros(8), zeros(8)]


def test_file__frees_what_a_file_system_trims(daemon_built, vm):
    """This test runs fstrim on a file system on a file: the file gives its blocks back."""
    path = "/dev/shm/np-trim"
    vm.run(f"rm -f {path}; truncate -s 200M {path}")

    def allocated_mib():
        return int(vm.run(f"stat -c %b {path}").stdout) * 512 // MIB

    try:
        with Target(vm, config([subsystem(NQN, namespace(1, path))])) as target:
            with host.connect(vm, NQN) as connection:
                device = connection.device()
                vm.run(f"set -e; mkfs.ext4 -q {device}; mkdir -p /tmp/np-mount; "
                       f"mount {device} /tmp/np-mount; echo kept >/tmp/np-mount/kept; "
                       "dd if=/dev/urandom of=/tmp/np-mount/big bs=1M count=40 status=none; sync")
                assert allocated_mib() >= 40
                vm.run("set -e; rm /tmp/np-mount/big; sync; fstrim /tmp/np-mount; "
                       "umount /tmp/np-mount")
                assert allocated_mib() < 20
                vm.run(f"set -e; e2fsck -f -n {device}; mount -o ro {device} /tmp/np-mount; "
                       "grep -qx kept /tmp/np-mount/kept; umount /tmp/np-mount")
            assert target.stats()["dsm_ios"] > 0
    finally:
        vm.run(f"umount -l /tmp/np-mount; rm -f {path}", check=False)


def test_null__reads_zeros_and_counts(daemon_built, vm):
    """This test writes to a null namespace, reads zeros back, and finds every command counted."""
    size = 1 << 30
    served = namespace(1, {"size_bytes": size}, engine="null")
    with Target(vm, config([subsystem(NQN, served)])) as target:
        status = namespace_status(target)
        assert (status["state"], status["engine"], status["size_bytes"]) == ("up", "null", size)
        with host.connect(vm, NQN) as connection:
            device = connection.device()
            before = target.stats()
            job = fio.run(vm, device, rw="write", bs="64k", iodepth=16, size="16m")
            written = target.stats()
            assert digest(vm, f"{device} iflag=direct", 0, 16) == zeros(16)
            after = target.stats()
    assert written["write_ios"] - before["write_ios"] == job["write"]["total_ios"] == 256
    assert written["write_bytes"] - before["write_bytes"] == 16 * MIB
    assert after["read_bytes"] - written["read_bytes"] == 16 * MIB
    assert after["errors"] == after["p2p_read_bytes"] == after["p2p_write_bytes"] == 0


def test_block__that_rotates_is_a_disk_to_the_host(daemon_built, vm):
    """This test serves a device that rotates and one that does not: the host's kernel knows which."""
    vm.run("modprobe null_blk nr_devices=1 gb=1 memory_backed=1 rotational=1")
    try:
        served = subsystem(NQN, namespace(1, "/dev/nullb0"), namespace(2, vm.block_device("plain")))
        with Target(vm, config([served])), host.connect(vm, NQN) as connection:
            for nsid, rotates in ((1, "1"), (2, "0")):
                name = connection.device(nsid).rsplit("/", 1)[1]
                assert vm.read(f"/sys/class/block/{name}/queue/rotational").strip() == rotates
            controller = f"/dev/{connection.controller}"
            groups = host.identify(vm, f"list-endgrp {controller}")
            assert groups["endgrp_list"] == [{"endgrp_id": 1}]
            vm.run(f"dd if=/dev/zero of={connection.device(1)} bs=64k count=16 oflag=direct")
            log = host.identify(vm, f"endurance-log {controller} -g 1")
            assert int(log["host_write_cmds"]) >= 16
            vm.run(f"nvme rotational-media-info-log {controller} -e 1")
    finally:
        vm.run("rmmod null_blk", check=False)
