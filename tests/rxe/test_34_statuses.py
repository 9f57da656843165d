# SPDX-License-Identifier: BSD-3-Clause
"""What hosts are answered because of the state of a path, a medium or a subsystem."""
import pytest

import rawclient
from target import NQN, RUNTIME, Target, config, namespace, subsystem
from vm import wait_for

STATES = ("inaccessible", "persistent-loss", "change")
MIB = 1 << 20
LIMIT_S = 60
NULL = {"size_bytes": 64 * MIB}

pytestmark = pytest.mark.usefixtures("daemon_built", "rawclient_built")


def serve(*namespaces, **attributes):
    return config([subsystem(NQN, *namespaces, **attributes)])


def test_paths(vm):
    """This test asks for namespaces by paths that do not lead to them, with and without retry delays."""
    spaces = [namespace(nsid, NULL, engine="null", ana={"grpid": nsid}, resv={"enable": 1})
              for nsid in range(1, len(STATES) + 2)]
    whole = serve(*spaces)
    whole["ports"][0]["ana_groups"] = [{"grpid": grpid, "ana": {"state": state}}
                                       for grpid, state in enumerate(STATES, 2)]
    with Target(vm, whole):
        lines = rawclient.expect_ok(vm, NQN, "state-ana-")
        assert len(lines) == len(STATES)


def test_errors_of_the_medium(vm):
    """This test serves a file of which each block fails with another errno."""
    path = f"{RUNTIME}/errnofile"
    vm.run(f"modprobe fuse; mkdir -p {RUNTIME}; touch {path}")
    mounted = vm.spawn(f"exec /mnt/build/bin/np-errnofile {path}")
    try:
        wait_for(lambda: not vm.run(f"mountpoint -q {path}", check=False).rc, LIMIT_S, "the file")
        with Target(vm, serve(namespace(1, path, engine="file"))) as target:
            rawclient.expect_ok(vm, NQN, "state-errors")
            assert target.stats()["errors"] > 0
    finally:
        vm.run(f"umount {path}", check=False)
        assert mounted.wait(LIMIT_S) == 0


def test_bad_medium(vm):
    """This test reads blocks that a SCSI disk cannot: Unrecovered Read Error, and nothing else suffers."""
    # opts: medium errors; Linux, drivers/scsi/scsi_debug.c.
    if vm.run("modprobe sd_mod && modprobe scsi_debug dev_size_mb=16 opts=2", check=False).rc:
        pytest.skip("this kernel has no scsi_debug")
    try:
        disk = wait_for(lambda: vm.run("ls /sys/class/scsi_disk/*/device/block", check=False)
                        .stdout.strip(), LIMIT_S, "the disk")
        with Target(vm, serve(namespace(1, f"/dev/{disk}", engine="block"))):
            rawclient.expect_ok(vm, NQN, "state-bad-medium")
    finally:
        vm.run("rmmod scsi_debug", check=False)


def test_full(vm):
    """This test writes to a file that is larger than what its file system has room for."""
    folder = f"{RUNTIME}/full"
    vm.run(f"mkdir -p {folder}; mount -t tmpfs -o size=16m none {folder}; "
           f"truncate -s 64m {folder}/file")
    try:
        with Target(vm, serve(namespace(1, f"{folder}/file", engine="file"))):
            rawclient.expect_ok(vm, NQN, "state-full")
    finally:
        vm.run(f"umount {folder}")


def test_all_controllers_taken(vm):
    """This test takes all of eight controller IDs; one that is given back can be had."""
    with Target(vm, serve(namespace(1, NULL, engine="null"), cntlid_min=11, cntlid_max=18)):
        lines = rawclient.expect_ok(vm, NQN, "state-all-controllers-taken")
        assert "7 controllers, the next one 181h" in lines["state-all-controllers-taken"]


def test_all_namespaces_taken(vm):
    """This test has a host create a namespace where there is no NSID left."""
    whole = serve(*(namespace(nsid, NULL, engine="null") for nsid in range(1, 8193)))
    whole["subsystems"][0]["namespace_management"] = {"folder": f"{RUNTIME}/created",
                                                      "capacity_bytes": 64 * MIB}
    with Target(vm, whole):
        rawclient.expect_ok(vm, NQN, "state-all-namespaces-taken")
