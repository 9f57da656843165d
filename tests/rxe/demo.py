# SPDX-License-Identifier: BSD-3-Clause
"""The demo: what the README's first command shows. See scripts/demo.

A virtual machine with two emulated NVMe drives, one of them with a CMB, and Soft-RoCE. nvmet-p2pd
serves the drive without a CMB; the kernel's own initiator connects to it. Every figure in the table
is measured: by the host's kernel, by the target, by the emulated drive, and on the backing file.
"""
import argparse
import os
import sys
import time

import fio
import host
import target
from checks import guest_digest, image_digest
from topology import Drive, Topology
from vm import Vm, end_on_sigterm

MIB = 1 << 20
NQN = "nqn.2026-01.org.example:demo"
# Small, so that a run is quick. The namespace lives on a drive that has no memory of its own.
SIZE_MIB = 96
MACHINE = Topology(drives=(Drive("cmb", size_mb=64, cmb_mb=64), Drive("data", size_mb=SIZE_MIB)))
KNOWN_MIB = 16


class Progress:
    def __init__(self, elapsed):
        self._start = time.monotonic() - elapsed

    def __call__(self, text):
        print(f"{time.monotonic() - self._start:3.0f} s  {text}", flush=True)


def written_by_host(vm, device):
    """Bytes that the host's kernel wrote to the device, by its own count."""
    sectors = vm.read(f"/sys/class/block/{os.path.basename(device)}/stat").split()[6]
    return int(sectors) * 512


def exercise(vm, device, say):
    """fio with verification, a file system, and a file whose bytes are known outside."""
    say("fio: random writes and reads of 4 KiB to 512 KiB, crc32c verified")
    job = fio.run(vm, device, rw="randrw", bsrange="4k-512k", size="24m", offset="64m",
                  iodepth=16, **fio.VERIFY)
    errors = job["error"]
    say("ext4: copy a tree, unmount, mount, compare")
    vm.run(f"mkfs.ext4 -q {device} && mkdir -p /mnt/demo && mount {device} /mnt/demo && "
           "cp -a /etc /mnt/demo/ && umount /mnt/demo && mount -o ro {0} /mnt/demo && "
           "diff -r --no-dereference /etc /mnt/demo/etc && umount /mnt/demo".format(device))
    say(f"{KNOWN_MIB} MiB of random bytes, to be compared outside the machine")
    with open(os.path.join(vm.share, "known"), "wb") as file:
        file.write(os.urandom(KNOWN_MIB * MIB))
    vm.run(f"dd if=/mnt/share/known of={device} bs=128k oflag=direct conv=fsync status=none")
    return errors


def outside_is_equal(vm, seen_by_host):
    """
    Whether the drive's backing file, outside of the machine, holds what was written: the known bytes
    are there, and all of it is what the host has read, of which fio and diff verified their parts.
    """
    with open(vm.image("data"), "rb") as image, \
            open(os.path.join(vm.share, "known"), "rb") as known:
        if image.read(KNOWN_MIB * MIB) != known.read():
            return False
    return image_digest(vm, "data", 0, SIZE_MIB * MIB) == seen_by_host


def run(vm, say):
    ns = target.namespace(1, vm.block_device("data"), p2pmem="1", p2pmem_require=True,
                          uuid="7f9b8ed5-6b6e-4c6b-9b3a-0d9f5c1f2a11")
    config = target.config([target.subsystem(NQN, ns)])
    say("start nvmet-p2pd; it tests its RDMA device and drives with the CMB")
    with target.Target(vm, config, arguments="") as daemon:
        for line in daemon.log.splitlines():
            print("          " + line)
        records = host.discover(vm)
        say(f"nvme discover: {', '.join(record['subnqn'] for record in records)}")
        with vm.traced() as trace, host.connect(vm, NQN) as connection:
            device = connection.device(1)
            say(f"nvme connect: {device}")
            verify_errors = exercise(vm, device, say)
            host_bytes = written_by_host(vm, device)
            stats = daemon.stats(1, NQN)
            say(f"read all {SIZE_MIB} MiB back")
            seen_by_host = guest_digest(vm, device, 0, SIZE_MIB * MIB)
            say("nvme disconnect")
    zeros = sum(zero.bytes for zero in trace.commands(vm.topology.nsid("data"), "write_zeroes"))
    writes = trace.commands(vm.topology.nsid("data"), "write")
    places = trace.places(vm.cmb_range("cmb"), vm.topology.nsid("data"), "write")
    is_equal = outside_is_equal(vm, seen_by_host)
    return {
        "fio verification errors": (verify_errors, verify_errors == 0),
        "bytes written, by the host's count": (
            host_bytes, host_bytes == stats["write_bytes"] + zeros),
        "  of these, zeros by a command without data": (zeros, True),
        "bytes that landed in the CMB, by the target": (
            stats["p2p_write_bytes"], stats["p2p_write_bytes"] == stats["write_bytes"]),
        "bytes in write commands, by the drive": (
            sum(write.bytes for write in writes),
            sum(write.bytes for write in writes) == stats["write_bytes"]),
        "bytes staged in host DRAM": (
            stats["staged_write_bytes"] + stats["inline_write_bytes"],
            stats["staged_write_bytes"] + stats["inline_write_bytes"] == 0),
        "NVMe write commands seen by the drive": (len(writes), len(writes) > 0),
        "  of these, all data pointers in the CMB": (
            places.get("all", 0), places.get("all", 0) == len(writes)),
        "backing file outside holds the bytes written": (
            "yes" if is_equal else "NO", is_equal),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--elapsed", type=float, default=0, help="seconds that went before")
    say = Progress(parser.parse_args().elapsed)
    say("boot a virtual machine: 2 NVMe drives, one with a 64 MiB CMB; Soft-RoCE")
    end_on_sigterm()
    vm = Vm(MACHINE)
    try:
        table = run(vm.boot(), say)
    finally:
        vm.kill()
    say("done\n")
    for name, (value, is_right) in table.items():
        text = f"{value:,}" if isinstance(value, int) else value
        print(f"  {name:<46} {text:>14}  {'' if is_right else '<- WRONG'}".rstrip())
    good = all(is_right for _, is_right in table.values())
    print("\nEvery byte went from the RDMA device into the CMB and from there to the drive."
          if good else "\nNot as it should be: see the lines marked WRONG.")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
