# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures: machines that tests share, and what a failed test tells about them."""
import os
import shutil
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import host  # noqa: E402
import knvmet  # noqa: E402
import rawclient  # noqa: E402
import target  # noqa: E402
from channel import ChannelError  # noqa: E402
from topology import ARCH, QEMU, Topology  # noqa: E402
from vm import GuestError, Vm, end_on_sigterm  # noqa: E402

TRACE = "/sys/kernel/tracing"
PAIR_BUSY = 2  # machines that may be alive at once
collect_ignore = [] if ARCH == "arm64" else ["test_14_arm64.py"]


class Machines:
    """Machines by topology, kept for the next test that wants the same; at most two are alive."""

    def __init__(self, folder):
        self._folder = folder
        self._alive = []  # least recently used first
        self._count = 0

    def get(self, topology):
        """A running machine of this topology, fresh or cleaned."""
        for vm in self._alive:
            if vm.topology == topology and vm.alive:
                self._alive.remove(vm)
                self._alive.append(vm)
                return vm
        self._make_room(1)
        return self._start(topology, None).await_up()

    def pair(self, first, second):
        """Two machines on one cable."""
        first, second = first.with_link("a"), second.with_link("b")
        if [vm.topology for vm in self._alive if vm.alive] == [first, second]:
            return tuple(self._alive)
        self._make_room(2)
        self._count += 1
        cable = os.path.join(self._folder, f"cable-{self._count}")
        started = self._start(first, cable), self._start(second, cable)
        return tuple(vm.await_up() for vm in started)

    def _start(self, topology, cable):
        vm = Vm(topology, cable)
        self._alive.append(vm)
        return vm.start()

    def _make_room(self, wanted):
        while len(self._alive) > PAIR_BUSY - wanted:
            self._alive.pop(0).kill()

    def drop(self, vm):
        """This machine is not fit for another test; neither is its partner on the cable."""
        linked = bool(vm.topology.link)
        for other in list(self._alive):
            if other is vm or (linked and other.topology.link):
                self._alive.remove(other)
                other.kill()

    def clean(self, vm):
        """Take away what a test left in the guest; a machine that cannot be cleaned is dropped."""
        try:
            if not vm.alive:
                raise GuestError("QEMU is gone")
            host.disconnect_all(vm)
            vm.run("pkill -KILL nvmet-p2pd; true")
            knvmet.clear(vm)
            vm.logs.clear()
        except (GuestError, ChannelError):
            self.drop(vm)

    def end(self):
        while self._alive:
            self._alive.pop().kill()


@pytest.fixture(scope="session")
def machines(tmp_path_factory):
    missing = [tool for tool in (QEMU[ARCH], "mmdebstrap", "cpio") if
               not shutil.which(tool)]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}; run scripts/deps --vm")
    pool = Machines(str(tmp_path_factory.mktemp("m")))
    yield pool
    pool.end()


@pytest.fixture
def use_vm(request, machines):
    """use_vm(topology) returns a machine for the rest of the test."""
    used = request.node.np_machines = []

    def use(topology=Topology()):
        vm = machines.get(topology)
        used.append(vm)
        return vm

    yield use
    _finish(request, machines, used)


@pytest.fixture
def use_pair(request, machines):
    """use_pair(first, second) returns two machines on one cable; the target is on the first."""
    used = request.node.np_machines = []

    def use(first=Topology(), second=Topology(drives=())):
        used.extend(machines.pair(first, second))
        return tuple(used)

    yield use
    _finish(request, machines, used)


@pytest.fixture
def vm(use_vm):
    """The machine of most tests: drive "cmb" with a CMB, drive "plain" without, no IOMMU."""
    return use_vm()


@pytest.fixture
def aen_trace(vm):
    """A function that returns the events that the kernel's hosts got since the test began."""
    vm.run(f"mountpoint -q {TRACE} || mount -t tracefs none {TRACE}; "
           f"echo >{TRACE}/trace; echo 1 >{TRACE}/events/nvme/nvme_async_event/enable")
    yield lambda: vm.read(f"{TRACE}/trace").lower()
    vm.run(f"echo 0 >{TRACE}/events/nvme/nvme_async_event/enable")


@pytest.fixture
def null_block(vm):
    """A plain block device that is no PCI drive: /dev/nullb0, with memory."""
    vm.run("modprobe null_blk nr_devices=1 gb=1 memory_backed=1")
    yield "/dev/nullb0"
    vm.run("rmmod null_blk", check=False)


@pytest.fixture
def dax(use_vm):
    """A machine with /dev/dax0.0 on an emulated NVDIMM."""
    vm = use_vm(Topology(nvdimm_mb=272))
    vm.run("modprobe -a nfit nd_pmem dax_pmem device_dax; "
           "[[ -e /dev/dax0.0 ]] || ndctl create-namespace -f -e namespace0.0 -m devdax -M mem")
    return vm


@pytest.fixture
def daemon_built():
    if not target.built():
        pytest.skip("nvmet-p2pd is not built; set NVMET_P2P_BUILD or build in build/")


@pytest.fixture
def rawclient_built():
    if not rawclient.built():
        pytest.skip("np-rawclient is not built; it comes with NP_TESTS=ON")


def _finish(request, machines, used):
    failed = getattr(request.node, "np_failed", False)
    for vm in used:
        # After a failure the guest's state is anybody's guess: boot the next one afresh.
        (machines.drop if failed else machines.clean)(vm)


def pytest_configure():
    end_on_sigterm()


def pytest_collection_modifyitems(items):
    # Pairs of machines last: they take the place of those that all other tests share.
    items.sort(key=lambda item: "use_pair" in item.fixturenames)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if not report.failed:
        return
    item.np_failed = True
    report.np_machine_failed = call.excinfo.errisinstance(ChannelError)
    for vm in getattr(item, "np_machines", ()):
        report.sections.append((f"machine {vm.workdir}", vm.diagnostics()))


def pytest_terminal_summary(terminalreporter):
    # A test that fails in its tear-down, or there as well, is one failure. See run.
    stats = terminalreporter.stats
    reports = [*stats.get("failed", []), *stats.get("error", [])]
    failed = {report.nodeid for report in reports}
    passed = {report.nodeid for report in stats.get("passed", [])} - failed
    terminalreporter.write_line(f"{len(passed)} passed, {len(failed)} failed, "
                                f"{len(stats.get('skipped', []))} skipped")
    for test in sorted(failed):
        if all(report.np_machine_failed for report in reports if report.nodeid == test):
            terminalreporter.write_line(f"machine failed: {test}")
