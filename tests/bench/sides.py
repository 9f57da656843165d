# SPDX-License-Identifier: BSD-3-Clause
"""Who is measured: each side is a context manager that yields what it Served.

Each connection has a subsystem, a controller and a block device for each namespace of its own. All
of them are on the same medium. Where nothing else is said a subsystem has one namespace, and both
targets announce their default in-capsule size, which is 4096 bytes for both; with the CMB ours
announces none.
"""
import itertools
from collections import namedtuple
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import host
import knvmet
import target
from topology import Drive

DRIVE = "data"
CMB_DRIVE = "cmb"
DRIVES = (Drive(CMB_DRIVE, size_mb=64, cmb_mb=64), Drive(DRIVE, size_mb=512))
NULL_BLOCK = "/dev/nullb0"
# How long null_blk takes for an answer, where it is told to take any time.
NULL_BLOCK_NS = 80000
NULL_ENGINE_BYTES = 1 << 30
# A host on the same machine ignores a second namespace with the drive's own identity.
UUID = "5a0d3c0e-53b0-4c5e-9f55-{:012x}"
# The side that is to have fewer buffers than commands.
SHORT = "host-short"
# In real time an I/O takes the emulator some ten times what it takes hardware, and so do the pauses
# that the daemon's default is made for.
EMULATED_POLL_US = 1000
KERNEL_NQN = "nqn.2026-01.org.example:kernel"
KERNEL_PORT = 4421
OUR_PORT = 4420
# devices: block devices of the host, by connection and then by namespace; daemon: ours, else None
Served = namedtuple("Served", "devices daemon")


@dataclass(frozen=True)
class Side:
    """
    serve: kernel_target, our_target or local; medium: the device that it serves, "" for the engine
    `null`; more: what `serve` takes beside.
    """
    name: str
    title: str
    serve: callable
    medium: str
    more: dict = field(default_factory=dict)

    def serving(self, vm, connections=1):
        """The context manager."""
        medium = vm.block_device(DRIVE) if self.medium == DRIVE else self.medium
        return self.serve(vm, medium, connections, **self.more)


def make_null_block(vm, **options):
    """Make the guest's null_blk device, of 1 GiB; options of the module as given."""
    given = " ".join(f"{key}={value}" for key, value in options.items())
    vm.run(f"modprobe null_blk nr_devices=1 gb=1 bs=512 queue_mode=2 {given}")


@contextmanager
def local(_vm, medium, _connections):
    """No target at all."""
    yield Served([medium], None)


@contextmanager
def kernel_target(vm, medium, connections, namespaces=1, inline_bytes=None):
    """nvmet-rdma, with a port and a subsystem for each connection."""
    numbers = range(connections)
    with ExitStack() as stack:
        for number in numbers:
            stack.enter_context(knvmet.KernelTarget(vm, f"{KERNEL_NQN}{number}",
                                                    [medium] * namespaces,
                                                    port=KERNEL_PORT + number,
                                                    inline_bytes=inline_bytes))
        places = [(f"{KERNEL_NQN}{number}", KERNEL_PORT + number) for number in numbers]
        yield Served(_connect(stack, vm, places, namespaces), None)


@contextmanager
def our_target(vm, medium, connections, daemon=None, p2p=False, namespaces=1, inline_bytes=None):
    """nvmet-p2pd, with a subsystem for each connection; daemon: its settings, e.g. poll_us."""
    memory = {"p2pmem": "1", "p2pmem_require": True} if p2p else {}
    path = medium or {"size_bytes": NULL_ENGINE_BYTES}
    if not medium:
        memory["engine"] = "null"
    nqns = [f"{target.NQN}{number}" for number in range(connections)]
    uuids = map(UUID.format, itertools.count(1))
    served = [target.subsystem(nqn, *(target.namespace(nsid, path, uuid=next(uuids), **memory)
                                      for nsid in range(1, namespaces + 1))) for nqn in nqns]
    capsule = {} if inline_bytes is None else {"inline_data_size": inline_bytes}
    config = target.config(served, [target.port(1, nqns, **capsule)], dict(daemon or {}))
    with ExitStack() as stack:
        running = stack.enter_context(target.Target(vm, config, arguments=""))
        yield Served(_connect(stack, vm, [(nqn, OUR_PORT) for nqn in nqns], namespaces), running)


def _connect(stack, vm, places, namespaces):
    """Connect to each (NQN, port), until the stack is closed; return the devices."""
    connections = [stack.enter_context(host.connect(vm, nqn, port=port)) for nqn, port in places]
    return [connection.device(nsid) for connection in connections
            for nsid in range(1, namespaces + 1)]


def kernel_side(medium, name="kernel", title="kernel nvmet-rdma"):
    return Side(name, title, kernel_target, medium)


def _polling(poll_us):
    """Settings of the daemon; None: its default."""
    return {} if poll_us is None else {"poll_us": poll_us}


def our_sides(medium, poll_us=None):
    """
    Host memory without polling and with the daemon's default, and the engine `null`; poll_us:
    another value in the default's place.
    """
    polling = _polling(poll_us)
    word = "adaptive" if poll_us is None else poll_us
    return (Side("host-poll0", "ours, host memory, poll_us 0", our_target, medium,
                 {"daemon": {"poll_us": 0}}),
            Side("host", f"ours, host memory, poll_us {word}", our_target, medium,
                 {"daemon": polling}),
            Side("null", f"ours, null engine, poll_us {word}", our_target, "",
                 {"daemon": polling}))


def for_icount(poll_us=None):
    """The sides of part icount, all but the engine `null` on null_blk."""
    return (kernel_side(NULL_BLOCK), *our_sides(NULL_BLOCK, poll_us))


def for_icount2(poll_us=None):
    """The sides of part icount2."""
    _, host_adaptive, _ = our_sides(NULL_BLOCK, poll_us)
    return kernel_side(NULL_BLOCK), host_adaptive


def for_time(poll_us=None):
    """The sides of part time, on the emulated drive where nothing else is said."""
    host_poll0, host_adaptive, null = our_sides(
        DRIVE, EMULATED_POLL_US if poll_us is None else poll_us)
    cmb = Side("cmb", host_adaptive.title.replace("host memory", "CMB"), our_target, DRIVE,
               {**host_adaptive.more, "p2p": True})
    return (kernel_side(DRIVE), host_poll0, host_adaptive, cmb,
            kernel_side(NULL_BLOCK, "kernel-nullblk", "kernel nvmet-rdma on null_blk"), null)


def for_scaling():
    """The sides of the runs with several connections."""
    return (kernel_side(DRIVE),
            *(Side(f"host-{count}r", f"ours, host memory, {count} reactor{'s' * (count > 1)}",
                   our_target, DRIVE, {"daemon": {"reactors": count}}) for count in (1, 2)))


def for_overload(pool_bytes, namespaces, poll_us=None):
    """
    Both targets on null_blk, ours also at the usual priority and with a host pool of so many bytes.
    No data in capsules, so that a write needs a buffer too.
    """
    shape = {"namespaces": namespaces, "inline_bytes": 0}
    polling = _polling(poll_us)
    return (Side("kernel", "kernel nvmet-rdma", kernel_target, NULL_BLOCK, shape),
            Side("host", "ours, the default host pool", our_target, NULL_BLOCK,
                 {**shape, "daemon": polling}),
            Side("host-nice0", "the same, nice 0", our_target, NULL_BLOCK,
                 {**shape, "daemon": {**polling, "nice": 0}}),
            Side(SHORT, "ours, a short host pool", our_target, NULL_BLOCK,
                 {**shape, "daemon": {**polling, "host_pool_bytes": pool_bytes}}))


def for_raw():
    """No target: what the drive and null_blk give by themselves."""
    return (Side("local", "the drive itself", local, DRIVE),
            Side("local-nullblk", "null_blk itself", local, NULL_BLOCK))
