# SPDX-License-Identifier: BSD-3-Clause
"""What several tests ask of the daemon's reports and of the drives, in one place."""
import hashlib

from target import NQN
from vm import GuestError, wait_for

SETTLE_LIMIT_S = 60


def namespace_status(target, nsid=1, nqn=NQN):
    """The entry of one namespace in `status`."""
    for entry in target.cli("status")["namespaces"]:
        if (entry["nqn"], entry["nsid"]) == (nqn, nsid):
            return entry
    raise AssertionError(f"status has no namespace {nsid} of {nqn}")


def provider(target, kind="cmb"):
    """The entry of the only provider of this kind in `memory`."""
    entry, = (entry for entry in target.cli("memory")["providers"] if entry["kind"] == kind)
    return entry


def assert_all_p2p(stats, write_bytes=None):
    """Every byte that this namespace moved was in peer memory; write_bytes: how many were written."""
    assert stats["staged_read_bytes"] == stats["staged_write_bytes"] == 0, stats
    assert stats["inline_write_bytes"] == 0, stats
    assert stats["p2p_read_bytes"] == stats["read_bytes"], stats
    assert stats["p2p_write_bytes"] == stats["write_bytes"], stats
    if write_bytes is not None:
        assert stats["p2p_write_bytes"] == write_bytes > 0, stats


def assert_all_staged(stats, write_bytes):
    """No byte that this namespace moved was in peer memory."""
    assert stats["p2p_read_bytes"] == stats["p2p_write_bytes"] == 0, stats
    assert stats["staged_read_bytes"] == stats["read_bytes"] > 0, stats
    staged = stats["staged_write_bytes"] + stats["inline_write_bytes"]
    assert staged == stats["write_bytes"] == write_bytes > 0, stats


def io_connections(target):
    """The I/O queues in `conns`."""
    return [entry for entry in target.cli("conns")["conns"] if entry["qid"] > 0]


def wait_no_connections(target):
    """Wait until the daemon has forgotten every connection."""
    wait_for(lambda: not target.cli("conns")["conns"], SETTLE_LIMIT_S, "no connection left")


def resources(target, rnic=""):
    """What the daemon holds, as the kernel counts it: {"qp": 1, ..., "fds": 19, "threads": 2}.

    rnic: of this RNIC alone, and only what the RDMA subsystem counts.
    """
    pid = target.process.pid
    kinds = ("pd", "cq", "qp", "srq", "cm_id", "mr", "ctx")
    listing = target.vm.run(
        f"for kind in {' '.join(kinds)}; do echo $kind; rdma resource show $kind; done; "
        f"echo fds; printf '%s\\n' /proc/{pid}/fd/*; "
        f"echo threads; printf '%s\\n' /proc/{pid}/task/*").stdout
    counts = dict.fromkeys((*kinds, "fds", "threads"), 0)
    for line in listing.splitlines():
        if line in counts:
            kind = line
        elif line.startswith("/proc/"):
            counts[kind] += not rnic
        else:
            counts[kind] += f" pid {pid} " in f"{line} " and f" {rnic}" in line
    return counts


def wait_resources(target, wanted):
    """Wait until the daemon holds what it did before, or what is left of that."""
    try:
        wait_for(lambda: resources(target) == wanted, SETTLE_LIMIT_S, "no leak")
    except GuestError as error:
        raise AssertionError(f"it is to hold {wanted}, it holds {resources(target)}") from error


def image_digest(vm, drive, offset, length):
    """SHA-256 of a range of a drive's backing file, read outside of the machine."""
    digest = hashlib.sha256()
    with open(vm.image(drive), "rb") as image:
        image.seek(offset)
        while length:
            data = image.read(min(length, 1 << 20))
            if not data:
                break
            digest.update(data)
            length -= len(data)
    return digest.hexdigest()


def guest_digest(vm, device, offset, length):
    """SHA-256 of a range of a block device, read in the guest past its page cache."""
    mib = 1 << 20
    assert offset % mib == length % mib == 0
    return vm.run(f"set -o pipefail; dd if={device} bs=1M skip={offset // mib} count={length // mib} "
                  "iflag=direct status=none | sha256sum").stdout.split()[0]
