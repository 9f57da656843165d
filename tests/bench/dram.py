# SPDX-License-Identifier: BSD-3-Clause
"""How many bytes touch host DRAM for each byte that a host writes or reads.

On the target's side only, where each byte of data is touched by two devices: by the RNIC, which
puts it down or picks it up, and by the drive. What the RNIC did is the daemon's count; the kernel's
target has no other place than host memory. What the drive did is in QEMU's trace: where the data
pointers of its commands led.
"""
import fio
import host
import knvmet
import sides
import target
from channel import ChannelError
from topology import CMB_DRIVE, PLAIN_DRIVE, Topology
from vm import Vm

VOLUME_MIB = 16
JOBS = {"w4k": dict(rw="randwrite", bs="4k", iodepth=16),
        "r4k": dict(rw="randread", bs="4k", iodepth=16),
        "w128k": dict(rw="write", bs="128k", iodepth=4),
        "r128k": dict(rw="read", bs="128k", iodepth=4)}
OPCODE = {"w": "write", "r": "read"}


def run(results):
    """Add the figures of each side and job."""
    results.say("dram: boot")
    vm = Vm(Topology(drives=(CMB_DRIVE, PLAIN_DRIVE)))
    try:
        vm.boot()
        results.describe_guest(vm)
        _kernel(vm, results)
        _ours(vm, results, "host", "ours, host memory", p2pmem="0")
        _ours(vm, results, "cmb", "ours, CMB", p2pmem="1", p2pmem_require=True)
    except (ChannelError, AssertionError) as error:
        results.add_missing("dram", 0, "what comes after", error)
    finally:
        vm.kill()


def _kernel(vm, results):
    results.name_side("dram", "kernel", "kernel nvmet-rdma")
    device = vm.block_device(PLAIN_DRIVE.name)
    with knvmet.KernelTarget(vm, sides.KERNEL_NQN, [device], port=sides.KERNEL_PORT,
                             inline_bytes=0), \
            host.connect(vm, sides.KERNEL_NQN, port=sides.KERNEL_PORT) as connection:
        _all_jobs(vm, results, "kernel", connection.device(), None)


def _ours(vm, results, name, title, **memory):
    results.name_side("dram", name, title)
    namespace = target.namespace(1, vm.block_device(PLAIN_DRIVE.name),
                                 uuid=sides.UUID.format(1), **memory)
    port = target.port(1, [target.NQN], inline_data_size=0)
    config = target.config([target.subsystem(target.NQN, namespace)], [port])
    with target.Target(vm, config, arguments="") as daemon, \
            host.connect(vm, target.NQN) as connection:
        _all_jobs(vm, results, name, connection.device(), daemon)


def _all_jobs(vm, results, side, device, daemon):
    for job in JOBS:
        results.add("dram", 0, side, job, _measure(vm, device, job, daemon))


def _measure(vm, device, job, daemon):
    """Bytes of data, and how many of them each device had to do with in host memory."""
    opcode = OPCODE[job[0]]
    before = daemon.stats() if daemon else None
    # Nothing else has to do with the drive meanwhile: the host looked at it when it connected.
    with vm.traced() as trace:
        done = fio.run(vm, device, size=f"{VOLUME_MIB}m", **JOBS[job])
    after = daemon.stats() if daemon else None
    payload = done[opcode]["io_bytes"]
    commands = trace.commands(vm.topology.nsid(PLAIN_DRIVE.name), opcode)
    seen = sum(command.bytes for command in commands)
    assert seen == payload, f"{job}: fio moved {payload} bytes, the drive {seen}"
    rnic = payload if not daemon else _rnic_bytes(before, after, opcode)
    drive = _outside(commands, vm.cmb_range(CMB_DRIVE.name))
    return {"dram_per_byte": (rnic + drive) / payload, "rnic_bytes": rnic, "drive_bytes": drive,
            "payload_bytes": payload}


def _rnic_bytes(before, after, opcode):
    """What the daemon let the RNIC do in host memory: all that was not in peer memory."""
    keys = [f"staged_{opcode}_bytes"] + ["inline_write_bytes"] * (opcode == "write")
    return sum(after[key] - before[key] for key in keys)


def _outside(commands, cmb):
    """Bytes of data pointers that do not lead into the CMB; there is no IOMMU to translate them."""
    return sum(length for command in commands for address, length in command.pointers
               if not cmb[0] <= address <= address + length - 1 <= cmb[1])
