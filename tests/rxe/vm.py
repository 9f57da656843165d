# SPDX-License-Identifier: BSD-3-Clause
"""One running test machine: boot, commands in the guest, traces, diagnostics, end.

Files of a machine live in a temporary folder that disappears with it; NVMET_P2P_KEEP=1 keeps it.
Time limits are for a busy two-core machine without KVM: they bound a hang, they measure nothing.
"""
import atexit
import ctypes
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import namedtuple
from contextlib import contextmanager

import gdb
import topology as topo
from channel import ChannelError, ChannelTimeout
from qmp import Qmp
from shell import GuestShell
from trace import EVENTS, IOMMU_EVENTS, Trace

BOOT_LIMIT_S = 100
# Under TCG a kernel now and then dies or stands still at its boot, when it rewrites code that the
# other CPU is about to run (an int3 in the middle of nowhere). Such a machine is started again.
BOOT_TRIES = 3
START_LIMIT_S = 60
RUN_LIMIT_S = 240
KILLED = 128 + signal.SIGKILL
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PR_SET_PDEATHSIG = 1
LOOPBACK = "10.0.0.1"
LOOPBACK_MTU = 9000
LINK_ADDRESS = {"a": "10.1.0.1", "b": "10.1.0.2"}

Result = namedtuple("Result", "rc stdout stderr")


class GuestError(AssertionError):
    """A command in the guest failed or took too long."""


def wait_for(condition, limit_s, what):
    """Poll `condition` until it returns something true, which is returned.

    what: text for the failure, or a function that makes it then.
    """
    deadline = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise GuestError(f"not within {limit_s} s: {what() if callable(what) else what}")
        time.sleep(0.1)


def build_dir():
    default = {"amd64": "build", "arm64": "build/arm64"}[topo.ARCH]
    return os.environ.get("NVMET_P2P_BUILD", os.path.join(TOP, default))


def end_on_sigterm():
    """Have SIGTERM do what Ctrl-C does: machines end, and their files are removed."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def guest_image(arch):
    """Build the guest image, or find it built, and return its folder."""
    return subprocess.run([os.path.join(TOP, "scripts", "guest-image"), arch], check=True,
                          stdout=subprocess.PIPE, text=True).stdout.strip()


class Process:
    """A command in the guest; its output is in files that the host can read at any time."""

    def __init__(self, vm, command, name):
        self.vm = vm
        self.command = command
        self._files = {suffix: os.path.join(vm.share, f"{name}.{suffix}")
                       for suffix in ("out", "err")}
        self._shell = vm.shell
        self._id, self.pid = self._shell.start(name, command)

    @property
    def stdout(self):
        return _text(self._files["out"])

    @property
    def stderr(self):
        return _text(self._files["err"])

    def poll(self):
        """Return None while it runs, else its exit status, 128 + N after signal N."""
        return KILLED if self._is_of_another_boot() else self._shell.poll(self._id)

    def wait(self, limit_s=RUN_LIMIT_S):
        """Wait for its end and return its exit status."""
        if self._is_of_another_boot():
            return KILLED
        try:
            return self._shell.wait(self._id, limit_s)
        except ChannelTimeout as error:
            raise GuestError(f"not done within {limit_s} s: {self.command}") from error

    def kill(self, number=signal.SIGKILL):
        """Send a signal to the command and all that it started."""
        self.vm.run(f"kill -{int(number)} -- -{self.pid}", check=False)

    def _is_of_another_boot(self):
        return self.vm.shell is not self._shell

    def forget_output(self):
        for path in self._files.values():
            os.unlink(path)


class Vm:
    """A QEMU process; see Topology for what may be in it."""

    def __init__(self, topology=topo.Topology(), cable=None):
        self.topology = topology
        self.workdir = tempfile.mkdtemp(prefix="np-vm-")
        atexit.register(self.kill)
        self.share = os.path.join(self.workdir, "share")
        self.logs = {}  # title -> path on the host, for diagnostics()
        self.qemu = self.qmp = self.shell = None
        self.has_hung = False
        self._count = 0
        self._plugged = set()  # drives that plug() has put back
        os.mkdir(self.share)
        topo.make_files(topology, self.workdir)
        shares = {"share": self.share, "rxe": os.path.join(TOP, "tests", "rxe")}
        if os.path.isdir(build_dir()):
            shares["build"] = build_dir()
        self.argv = topo.command_line(topology, self.workdir, guest_image(topology.arch), shares,
                                      cable)

    # -- life ------------------------------------------------------------------------------

    def boot(self):
        """Start QEMU and wait for the guest's shell."""
        return self.start().await_up()

    def start(self):
        """Start QEMU; its sockets exist at the return."""
        self.has_hung = False
        libc = ctypes.CDLL(None)
        with open(os.path.join(self.workdir, "qemu.log"), "wb") as log:
            self.qemu = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        try:
            self.qmp = Qmp(os.path.join(self.workdir, topo.QMP_SOCKET))
            # The guest finds its port in use, so it need not wait for us.
            self.shell = GuestShell(os.path.join(self.workdir, topo.SHELL_SOCKET), START_LIMIT_S)
        except ChannelError as error:
            self._give_up(error)
        return self

    def await_up(self):
        """Wait for the shell of a machine that was started."""
        for tries_left in reversed(range(BOOT_TRIES)):
            try:
                self.shell.await_ready(BOOT_LIMIT_S)
                break
            except (ChannelError, GuestError) as error:
                if not tries_left:
                    self._give_up(error)
                print(f"a guest did not boot, once more: {error}", file=sys.stderr)
                self._end_qemu()
                self.start()
        if self.topology.link:
            self._configure_link()
        return self

    def _give_up(self, error):
        self.kill_qemu()
        raise GuestError(f"the machine did not start: {error}\n{self.diagnostics()}") from error

    def _configure_link(self):
        address = LINK_ADDRESS[self.topology.link]
        self.run("ip link set eth0 mtu 9000 up && "
                 f"ip address add {address}/24 dev eth0 && rdma link add rxe1 type rxe netdev eth0")

    @contextmanager
    def network_mtu(self, mtu):
        """The MTU of the loopback RNIC's network inside the with block."""
        self.run(f"ip link set d0 mtu {mtu}")
        try:
            yield
        finally:
            if self.alive:
                self.run(f"ip link set d0 mtu {LOOPBACK_MTU}")

    @property
    def alive(self):
        return self.qemu is not None and self.qemu.poll() is None

    def end_if_hung(self):
        """Kill a QEMU that does not answer any more, whatever the guest does; is it, or was it, one?"""
        if self.alive:
            try:
                self.qmp.command("query-status")
            except ChannelError:
                self.has_hung = True
                self.kill_qemu()
        return self.has_hung

    def restart(self):
        """Power off and on."""
        self._end_qemu()
        self.boot()

    def kill_qemu(self):
        """Power off: nothing is flushed, nobody is told."""
        if self.alive:
            self.qemu.kill()
            self.qemu.wait()

    def _end_qemu(self):
        self.kill_qemu()
        for channel in (self.qmp, self.shell):
            if channel is not None:
                channel.close()
        self.qmp = self.shell = None

    def kill(self):
        """End the machine and remove its folder. May be called again."""
        self._end_qemu()
        atexit.unregister(self.kill)
        if not os.environ.get("NVMET_P2P_KEEP"):
            shutil.rmtree(self.workdir, ignore_errors=True)

    # -- commands in the guest -------------------------------------------------------------

    def run(self, command, limit_s=RUN_LIMIT_S, check=True):
        """Run a bash command and return Result(rc, stdout, stderr); check: rc must be 0."""
        process = self.spawn(command)
        try:
            rc = process.wait(limit_s)
        except GuestError:
            if not self.end_if_hung():
                self.spawn(f"kill -KILL -- -{process.pid}")
            raise
        result = Result(rc, process.stdout, process.stderr)
        process.forget_output()
        if check and result.rc != 0:
            raise GuestError(f"exit code {result.rc}: {command}\n{result.stdout}{result.stderr}")
        return result

    def spawn(self, command, name=None):
        """Start a bash command in the background; see Process."""
        self._count += 1
        try:
            return Process(self, command, name or f"spawn-{self._count}")
        except ChannelError:
            self.end_if_hung()
            raise

    def wait_run(self, command, limit_s=RUN_LIMIT_S):
        """Repeat a command until its exit code is 0; return its Result."""
        def once():
            result = self.run(command, limit_s, check=False)
            return result if result.rc == 0 else None
        return wait_for(once, limit_s, command)

    def read(self, path):
        return self.run(f"cat {shlex.quote(path)}").stdout

    def dmesg(self):
        return self.run("dmesg").stdout

    # -- drives ----------------------------------------------------------------------------

    def drive(self, name):
        return next(drive for drive in self.topology.drives if drive.name == name)

    def image(self, name):
        """The drive's backing file on the host."""
        return topo.drive_image(self.workdir, self.drive(name))

    def controller(self, name):
        """The drive's controller in the guest, such as nvme0; "" while there is none."""
        script = ("for folder in /sys/class/nvme/nvme*; do read -r serial <$folder/serial; "
                  f"[[ $serial == {self.drive(name).serial} ]] && echo ${{folder##*/}}; done")
        return self.run(script, check=False).stdout.strip()

    def pci_address(self, name):
        """The drive's PCI address in the guest, such as 0000:01:00.0."""
        return self.read(f"/sys/class/nvme/{self.controller(name)}/address").strip()

    def block_device(self, name):
        """The drive's block device in the guest, such as /dev/nvme0n1."""
        # The kernel ignores the identifiers of QEMU's namespaces, so there is no UUID to look for.
        return "/dev/" + os.path.basename(self.run(
            f"echo /sys/class/nvme/{self.controller(name)}/nvme*n*").stdout.strip())

    def char_device(self, name):
        """The drive's passthrough device in the guest, such as /dev/ng0n1."""
        return self.block_device(name).replace("/dev/nvme", "/dev/ng")

    def cmb_range(self, name):
        """(first, last) bus address of the drive's CMB, from the kernel's own log."""
        found = re.findall(
            rf"{re.escape(self.pci_address(name))}: added peer-to-peer DMA memory "
            r"0x([0-9a-f]+)-0x([0-9a-f]+)", self.dmesg())
        if not found:
            raise GuestError(f"the kernel found no CMB on drive {name}")
        return int(found[-1][0], 16), int(found[-1][1], 16)

    def write_memory(self, address, data):
        """Change the machine's memory, also that of a device, unnoticed by the guest."""
        path = os.path.join(self.workdir, "gdb")
        if not os.path.exists(path):
            self.qmp.command("human-monitor-command",
                             **{"command-line": f"gdbserver unix:{path},server=on,wait=off"})
        try:
            gdb.write_memory(path, address, data)
        finally:
            self.qmp.command("cont")

    def device_counts(self, name):
        """What QEMU's block layer did for the drive, e.g. wr_operations, wr_bytes."""
        for stats in self.qmp.command("query-blockstats"):
            if stats.get("device") == f"disk-{name}":
                return stats["stats"]
        raise GuestError(f"QEMU has no drive {name}")

    def unplug(self, name):
        """Pull the drive out; returns when QEMU, which asks the guest first, has done it."""
        self.qmp.command("device_del", id=name)
        wait_for(lambda: not self.controller(name), RUN_LIMIT_S, f"{name} unplugged")
        if name in self._plugged:
            wait_for(lambda: self._delete_node(f"again-{name}"), RUN_LIMIT_S, f"{name}'s file")
            self._plugged.remove(name)

    def _delete_node(self, node):
        try:
            self.qmp.command("blockdev-del", **{"node-name": node})
        except ChannelError:
            return False  # the device still has it
        return True

    def plug(self, name):
        """Put the drive back, with the same data. Its namespace has NSID 1 from then on."""
        node = f"again-{name}"
        file = {"driver": "file", "filename": self.image(name)}
        self.qmp.command("blockdev-add", **{"node-name": node}, driver="raw", file=file)
        self._plugged.add(name)
        drive = self.drive(name)
        self.qmp.command("device_add", driver="nvme", id=name, bus=f"port-{name}", drive=node,
                         serial=drive.serial, cmb_size_mb=drive.cmb_mb)

    @property
    def output(self):
        """What QEMU itself has printed."""
        return _text(os.path.join(self.workdir, "qemu.log"))

    @contextmanager
    def traced(self):
        """Trace all drives inside the with block; yields a Trace that is full at its end."""
        events, devices = EVENTS, {}
        if self.topology.iommu:
            events += IOMMU_EVENTS[self.topology.arch]
            devices = {self.pci_address(drive.name): self.topology.nsid(drive.name)
                       for drive in self.topology.drives if self.controller(drive.name)}
        trace = Trace(os.path.join(self.workdir, topo.TRACE_FILE), devices)
        for event in events:
            self.qmp.command("trace-event-set-state", name=event, enable=True)
        try:
            yield trace
        finally:
            if self.alive:
                for event in events:
                    self.qmp.command("trace-event-set-state", name=event, enable=False)
            trace.stop()

    # -- when something went wrong ---------------------------------------------------------

    def diagnostics(self, lines=60):
        """Text for a failed test's report."""
        parts = [f"QEMU: {shlex.join(self.argv)}"]
        logs = {"QEMU's output": os.path.join(self.workdir, "qemu.log"),
                "console": os.path.join(self.workdir, topo.SERIAL_CONSOLE), **self.logs}
        for title, path in logs.items():
            parts.append(f"-- {title}:\n{_tail(path, lines)}")
        if self.alive and self.shell is not None:
            try:
                parts.append("-- dmesg:\n" + self.run(f"dmesg | tail -n {lines}", 60).stdout)
            except (ChannelError, GuestError) as error:
                parts.append(f"-- dmesg: {error}")
        else:
            parts.append(f"-- QEMU is not running, exit code {self.qemu and self.qemu.poll()}")
        return "\n".join(parts)


def _text(path):
    with open(path, errors="replace") as file:
        return file.read()


def _tail(path, lines):
    try:
        with open(path, errors="replace") as file:
            kept = [line for line in file if "TCG doesn't support" not in line]
            return "".join(kept[-lines:])
    except OSError as error:
        return str(error)
