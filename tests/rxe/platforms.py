# SPDX-License-Identifier: BSD-3-Clause
"""Machines whose ways between devices differ, and what is true on each of them.

A cell is one way that data may go: the machine has an IOMMU or not, its CPU is on the kernel's list
of those whose host bridge forwards peer traffic or not, a drive takes its data from a certain CMB,
the host's connection has a certain path MTU. observe() looks at all cells of one machine and tells
what the daemon decided, having found that every byte was right. `platforms.py --write` writes the
table of docs/p2p.md from that; without --write it prints it.
"""
import argparse
import hashlib
import json
import os
import sys
from dataclasses import dataclass
from itertools import count

import fio
import host
from checks import (assert_all_p2p, assert_all_staged, guest_digest, image_digest, io_connections,
                    namespace_status, wait_no_connections)
from document import GeneratedTable, row
from target import NQN, Target, config, namespace, port, subsystem
from topology import Drive, Topology
from vm import Vm, end_on_sigterm

TABLE = GeneratedTable("p2p.md", "platforms")
MIB = 1 << 20
MTUS = ((9000, 4096), (3000, 2048), (1500, 1024))  # of the network, of the path
# (block size, count): 1 MiB written by dd, one after the other; fio's part comes behind it.
SECTIONS = ((262144, 2), (65536, 6), (4096, 30), (512, 16))
JOB = dict(rw="randwrite", bssplit="512/20:4k/30:64k/40:1m/10", iodepth=16, offset=MIB, size=MIB,
           **fio.VERIFY)
RIGHT, OTHER_BYTES, REFUSED = "right", "other bytes", "refused"
P2P, STAGED = "P2P", "staged"
# What a reason says, whatever the kernel's words and the sizes in it.
CAUSES = (("MTU", "path MTU"), ("leaves other bytes", OTHER_BYTES), ("fails", REFUSED))
EILSEQ = 84
_number = count(1)


@dataclass(frozen=True)
class Placement:
    """Where the drive of a namespace is, and whose CMB it is to use."""
    text: str
    drive: str
    memory: str


PLACEMENTS = (Placement("own CMB", "own", "own"),
              Placement("below one switch", "neighbour", "lender"),
              Placement("through the host bridge", "far", "own"))
DRIVES = (Drive("own", size_mb=64, cmb_mb=16),
          Drive("lender", size_mb=64, cmb_mb=16, behind="switch"),
          Drive("neighbour", size_mb=64, behind="switch"),
          Drive("far", size_mb=64))
MACHINES = tuple(Topology(drives=DRIVES, iommu=iommu, cpu=cpu)
                 for iommu in (False, True) for cpu in ("EPYC", "max"))


def name(topology):
    """What a machine of MACHINES is called."""
    return f"{'iommu' if topology.iommu else 'no-iommu'}-{topology.cpu}"


# -- what the platform does, without our daemon --------------------------------------------------

def raw(vm, placement):
    """Direct I/O of the drive with the CMB's memory by fio; returns the outcomes of (READ, WRITE).

    Each way is judged by the bytes, which take the other way through host memory.
    """
    drive, peer = vm.block_device(placement.drive), vm.pci_address(placement.memory)
    peer = f"--mem=mmapshared:/sys/bus/pci/devices/{peer}/p2pmem/allocate"
    first, second = "--verify_pattern=0x5eed0001%o", "--verify_pattern=0x5eed0002%o"
    jobs = (f"--name=fill --rw=write --do_verify=0 {first}",
            f"--name=read --rw=read {peer} {first}",
            f"--name=write --rw=write --do_verify=0 {peer} {second}",
            f"--name=check --rw=read {second}")
    report = f"raw-{next(_number)}.json"
    vm.run(f"fio --output-format=json --output=/mnt/share/{report} --filename={drive} --direct=1 "
           "--ioengine=io_uring --bs=16k --size=256k --iodepth=4 --verify=pattern "
           f"--verify_fatal=1 {' --stonewall '.join(jobs)} --stonewall", check=False)
    with open(os.path.join(vm.share, report)) as file:
        text = file.read()
    errors = {job["jobname"]: job["error"] for job in json.loads(text[text.index("{\n"):])["jobs"]}
    assert errors["fill"] == 0, errors
    return _outcome(errors["read"]), _outcome(errors["write"] or errors["check"])


def _outcome(error):
    return RIGHT if error == 0 else OTHER_BYTES if error == EILSEQ else REFUSED


# -- what the daemon makes of it -----------------------------------------------------------------

def target_config(vm):
    """A namespace a placement; no in-capsule data, so that a byte is either P2P or staged."""
    spaces = [namespace(nsid, vm.block_device(placement.drive),
                        p2pmem=vm.pci_address(placement.memory))
              for nsid, placement in enumerate(PLACEMENTS, 1)]
    return config([subsystem(NQN, *spaces)], [port(1, [NQN], inline_data_size=0)])


def write_and_read_back(vm, device, drive):
    """Known bytes and fio's, read back by the host and outside; returns how many were written."""
    data = os.urandom(MIB)  # other bytes each time: those of the cell before are wrong ones
    with open(os.path.join(vm.share, "data"), "wb") as file:
        file.write(data)
    start, copies = 0, []
    for block, blocks in SECTIONS:
        copies.append(f"dd if=/mnt/share/data of={device} bs={block} skip={start // block} "
                      f"seek={start // block} count={blocks} oflag=direct status=none")
        start += block * blocks
    assert start == MIB
    vm.run(" && ".join(copies))
    known = hashlib.sha256(data).hexdigest()
    assert guest_digest(vm, device, 0, MIB) == known, "the host reads bytes that it did not write"
    assert image_digest(vm, drive, 0, MIB) == known, "bytes that nobody wrote are on the medium"
    job = fio.run(vm, device, randseed=next(_number), **JOB)
    # fio has verified its part by reading it the same way.
    assert guest_digest(vm, device, MIB, MIB) == image_digest(vm, drive, MIB, MIB)
    return MIB + job["write"]["io_bytes"]


def assert_told_by_drive(vm, trace, placement, stats, written, is_p2p):
    """Counters and the data pointers that the drive was given say the same as the status."""
    (assert_all_p2p if is_p2p else assert_all_staged)(stats, written)
    nsid, cmb = vm.topology.nsid(placement.drive), vm.cmb_range(placement.memory)
    for opcode, total in (("write", written), ("read", stats["read_bytes"])):
        commands = trace.commands(nsid, opcode)
        place = "all" if is_p2p else "none"
        assert trace.places(cmb, nsid, opcode) == {place: len(commands)}, placement
        assert sum(command.bytes for command in commands) == total > 0
        assert all(sum(length for _, length in command.pointers) == command.bytes
                   for command in commands)


def verdict(status):
    """A cell of the table, from a namespace's entry in `status`."""
    assert status["state"] == "up", status
    if status["p2p"] == "on":
        return P2P
    assert status["p2p"] in ("off", "degraded"), status
    return next(f"{STAGED}: {what}" for words, what in CAUSES if words in status["p2p_reason"])


def observe_path_mtu(vm, target, path_mtu):
    """Serve one host at this path MTU; returns the verdict of each placement."""
    spaces = range(1, len(PLACEMENTS) + 1)
    before = [target.stats(nsid) for nsid in spaces]
    written, verdicts = [], []
    with vm.traced() as trace, host.connect(vm, NQN) as connection:
        assert {entry["path_mtu"] for entry in io_connections(target)} == {path_mtu}
        for nsid, placement in zip(spaces, PLACEMENTS):
            device = connection.device(nsid)
            written.append(write_and_read_back(vm, device, placement.drive))
            verdicts.append(verdict(namespace_status(target, nsid)))
    wait_no_connections(target)
    for index, placement in enumerate(PLACEMENTS):
        after = target.stats(index + 1)
        stats = {key: value - before[index][key] for key, value in after.items()
                 if isinstance(value, int)}
        assert_told_by_drive(vm, trace, placement, stats, written[index], verdicts[index] == P2P)
    assert trace.errors == [] and trace.commands(vm.topology.nsid("lender")) == []
    return verdicts


def observe(vm):
    """All cells of a machine; returns its rows of the table, and fails on a wrong byte or word."""
    rows = [[*raw(vm, placement)] for placement in PLACEMENTS]
    with Target(vm, target_config(vm)) as target:
        for mtu, path_mtu in MTUS:
            with vm.network_mtu(mtu):
                for cells, seen in zip(rows, observe_path_mtu(vm, target, path_mtu)):
                    cells.append(seen)
    for cells, placement in zip(rows, PLACEMENTS):
        assert set(cells[:2]) == {RIGHT} or P2P not in cells[2:], (placement, cells)
    return [row("on" if vm.topology.iommu else "off", vm.topology.cpu, placement.text, *cells)
            for cells, placement in zip(rows, PLACEMENTS)]


# -- the table -----------------------------------------------------------------------------------

HEAD = (row("IOMMU", "CPU", "memory of a drive", "its READ into it", "its WRITE from it",
             *(f"path MTU {path_mtu}" for _, path_mtu in MTUS))
        + "|---|---|---|---|---|---|---|---|\n")


def committed_rows(topology):
    """The rows of one machine as docs/p2p.md has them."""
    start = row("on" if topology.iommu else "off", topology.cpu).rstrip("\n")
    return [line for line in TABLE.lines() if line.startswith(start)]


def observe_machine(topology):
    vm = Vm(topology)
    try:
        return observe(vm.boot())
    except AssertionError:
        print(vm.diagnostics(), file=sys.stderr)
        raise
    finally:
        vm.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the table into docs/p2p.md")
    arguments = parser.parse_args()
    end_on_sigterm()
    table = HEAD + "".join(line for topology in MACHINES for line in observe_machine(topology))
    print(table, end="")
    if arguments.write:
        TABLE.write(table)


if __name__ == "__main__":
    main()
