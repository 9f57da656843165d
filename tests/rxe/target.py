# SPDX-License-Identifier: BSD-3-Clause
"""nvmet-p2pd in the guest: its configuration, its life, its CLI.

The daemon is copied from the build folder before each start, so that a rebuild under a running
machine is what the next start runs. Its log is a file that the host reads, also after a crash.
"""
import json
import os
import re
import shlex
import signal
from itertools import count

from topology import ARCH
from vm import LOOPBACK, build_dir, wait_for

START_LIMIT_S = 120
STOP_LIMIT_S = 60
RUNTIME = "/run/np"
PAGE = 4096
NQN = "nqn.2024-01.test:p2p"
_number = count(1)


def built():
    return os.access(os.path.join(build_dir(), "bin", "nvmet-p2pd"), os.X_OK)


def namespace(nsid, path, **more):
    """One entry of "namespaces"; more: p2pmem="1", p2pmem_require=True, engine="block", uuid=..."""
    device = {"path": path} if isinstance(path, str) else dict(path)
    for key in ("uuid", "nguid"):
        if key in more:
            device[key] = more.pop(key)
    return {"nsid": nsid, "enable": 1, "device": device, **more}


def subsystem(nqn, *namespaces, **attributes):
    return {"nqn": nqn, "allowed_hosts": [], "namespaces": list(namespaces),
            "attr": {"allow_any_host": "1", **attributes}}


def port(portid, subsystems, address=LOOPBACK, service=4420, **param):
    """One entry of "ports"; param: inline_data_size=..."""
    return {"portid": portid, "subsystems": subsystems, "referrals": [], "param": param,
            "addr": {"trtype": "rdma", "adrfam": "ipv6" if ":" in address else "ipv4",
                     "traddr": address, "trsvcid": str(service), "treq": "not specified"}}


def config(subsystems, ports=None, daemon=None):
    """A whole file; without `ports`, one port on the loopback RNIC serves all subsystems."""
    if ports is None:
        ports = [port(1, [entry["nqn"] for entry in subsystems])]
    whole = {"hosts": [], "ports": ports, "subsystems": subsystems}
    if ARCH == "arm64":
        # The CPU of these machines bears it, see CPU in topology.py.
        daemon = {"software_p2p": True, **(daemon or {})}
    if daemon:
        whole["daemon"] = daemon
    return whole


def install(vm):
    """Copy daemon and CLI into the guest, if they were built anew."""
    vm.run(f"mkdir -p {RUNTIME}; cp -pu /mnt/build/bin/nvmet-p2p* {RUNTIME}/")


class Target:
    """One daemon. Use it in a with statement, or call start() and stop()."""

    def __init__(self, vm, configuration, arguments="-v"):
        self.vm = vm
        self.name = f"target-{next(_number)}"
        self.configuration = configuration
        self.log_path = os.path.join(vm.share, f"{self.name}.err")
        self._arguments = arguments
        self.process = None
        self.socket = configuration.get("daemon", {}).get("control_socket")
        if self.socket is None:
            self.socket = f"{RUNTIME}/{self.name}.sock"
            configuration.setdefault("daemon", {})["control_socket"] = self.socket

    def write_configuration(self):
        """Write self.configuration to the daemon's file."""
        with open(os.path.join(self.vm.share, f"{self.name}.json"), "w") as file:
            json.dump(self.configuration, file, indent=2)

    def reload(self):
        """Have the daemon take self.configuration over; return what it says has changed."""
        self.write_configuration()
        return self.cli("reload")["changes"]

    def refuse_reload(self):
        """As reload(), expect a refusal, and return what it says."""
        self.write_configuration()
        result = self.vm.run(self.command("reload"), check=False)
        assert result.rc == 1, result.stdout
        return result.stderr

    def spawn(self):
        """Write the file and start the daemon; does not wait for anything."""
        self.write_configuration()
        install(self.vm)
        self.vm.logs[f"log of {self.name}"] = self.log_path
        self.process = self.vm.spawn(
            f"exec {RUNTIME}/nvmet-p2pd {self._arguments} -c /mnt/share/{self.name}.json",
            self.name)

    def start(self):
        """Start, and wait until the control socket answers that every port listens."""
        self.spawn()
        wait_for(self._listening, START_LIMIT_S, f"{self.name} listening, its log:\n{self.log}")
        return self

    def _listening(self):
        rc = self.process.poll()
        assert rc is None, f"{self.name} ended at its start with {rc}:\n{self.log}"
        status = self.vm.run(self.command("status --json"), check=False)
        if status.rc != 0:
            return False
        ports = json.loads(status.stdout)["ports"]
        return bool(ports) and all(entry["state"] == "listening" for entry in ports)

    def refuse(self):
        """Start, expect that it gives up by itself, and return (exit code, log)."""
        self.spawn()
        rc = self.process.wait(START_LIMIT_S)
        return rc, self.log

    def stop(self):
        """SIGTERM; the daemon must end by itself with exit code 0."""
        self.process.kill(signal.SIGTERM)
        rc = self.process.wait(STOP_LIMIT_S)
        assert rc == 0, f"{self.name} ended with {rc} on SIGTERM:\n{self.log}"

    def kill(self):
        """SIGKILL: no goodbye to anybody."""
        if self.running:
            self.process.kill()
            self.process.wait(STOP_LIMIT_S)

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    @property
    def log(self):
        try:
            with open(self.log_path, errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def command(self, command):
        """The CLI's command line in the guest."""
        return f"{RUNTIME}/nvmet-p2p-cli -s {shlex.quote(self.socket)} {command}"

    def cli(self, command):
        """Run `nvmet-p2p-cli COMMAND --json` and return its value."""
        return json.loads(self.vm.run(self.command(f"{command} --json")).stdout)

    def stats(self, nsid=1, nqn=NQN):
        """The counters of one namespace."""
        for entry in self.cli("stats")["namespaces"]:
            if entry["nqn"] == nqn and entry["nsid"] == nsid:
                return entry
        raise AssertionError(f"stats has no namespace {nsid} of {nqn}")

    def accounts(self, what):
        """What the daemon knows of itself now, below the heading `what`: for a failed test."""
        parts = [what]
        for command in ("status", "conns", "memory", "stats", "events"):
            answer = self.vm.run(self.command(f"{command} --json"), check=False)
            parts.append(f"-- {command}:\n{answer.stdout}{answer.stderr}")
        return "\n".join([*parts, f"-- log of {self.name}:", self.log])

    def proc(self, path):
        """Text of /proc/PID/path of the daemon."""
        return self.vm.read(f"/proc/{self.process.pid}/{path}")

    def physical_address(self, path, last_page=False):
        """Where the first (or last) page of the daemon's mapping of `path` is in the machine."""
        found = re.search(rf"^([0-9a-f]+)-([0-9a-f]+) .*{re.escape(path)}$", self.proc("maps"), re.M)
        page = (int(found[2], 16) - 1 if last_page else int(found[1], 16)) // PAGE
        entry = int(self.vm.run(f"dd if=/proc/{self.process.pid}/pagemap bs=8 skip={page} count=1 "
                                "status=none | od -An -t u8").stdout)
        # Documentation/admin-guide/mm/pagemap.rst: bit 63 present, bits 0-54 the page frame.
        assert entry >> 63, f"{path} is not mapped at page {page:x}"
        return (entry & (1 << 55) - 1) * PAGE

    @property
    def rss_kib(self):
        """Resident memory of the daemon."""
        return int(re.search(r"VmRSS:\s+(\d+) kB", self.proc("status"))[1])

    def __enter__(self):
        return self.start()

    def __exit__(self, exception_type, *_rest):
        if not self.vm.alive:
            return
        if exception_type is None:
            self.stop()  # fails if it has crashed
        else:
            self.kill()
