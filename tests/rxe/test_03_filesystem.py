# SPDX-License-Identifier: BSD-3-Clause
"""File systems keep a tree over a disconnect."""
import host
from checks import assert_all_p2p, wait_no_connections
from target import NQN, Target, config, namespace, subsystem

TREE = "/usr/share"
MOUNT = "/tmp/np-mount"
TYPES = {1: "xfs", 2: "ext4"}


def test_file_systems__keep_a_tree(daemon_built, vm):
    """This test makes XFS and ext4, copies a tree to both, disconnects, and compares it afterwards."""
    served = [namespace(1, vm.block_device("cmb"), p2pmem="1", p2pmem_require=True),
              namespace(2, vm.block_device("plain"), p2pmem=vm.pci_address("cmb"),
                        p2pmem_require=True)]
    try:
        with Target(vm, config([subsystem(NQN, *served)])) as target:
            with host.connect(vm, NQN) as connection:
                for nsid, kind in TYPES.items():
                    fill(vm, connection.device(nsid), kind)
            wait_no_connections(target)
            with host.connect(vm, NQN) as connection:
                for nsid, kind in TYPES.items():
                    compare(vm, connection.device(nsid), kind)
            tree_bytes = int(vm.run(f"du -s --bytes {TREE}").stdout.split()[0])
            for nsid in TYPES:
                stats = target.stats(nsid)
                assert_all_p2p(stats)
                assert stats["write_bytes"] > tree_bytes / 2
                assert stats["flush_ios"] > 0 and stats["errors"] == 0
    finally:
        vm.run(f"umount -l {MOUNT}; true", check=False)


def fill(vm, device, kind):
    force = "-F" if kind == "ext4" else "-f"
    vm.run(f"set -e; mkfs.{kind} -q {force} {device}; mkdir -p {MOUNT}; mount {device} {MOUNT}; "
           f"cp -a {TREE} {MOUNT}/tree; sync; umount {MOUNT}", limit_s=600)


def compare(vm, device, kind):
    check = "e2fsck -f -n" if kind == "ext4" else "xfs_repair -n"
    vm.run(f"set -e; {check} {device}; mount -t {kind} -o ro {device} {MOUNT}; "
           f"diff -r --no-dereference {TREE} {MOUNT}/tree; umount {MOUNT}", limit_s=600)
