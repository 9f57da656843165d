# SPDX-License-Identifier: BSD-3-Clause
"""Ports announced by multicast DNS: what a host's avahi finds, and that it is gone with the port."""
import copy

import pytest

from target import NQN, Target, config, namespace, port, subsystem
from vm import LOOPBACK, wait_for

LIMIT_S = 60
OTHER_PORT = 4421
DISCOVERY_NQN = "nqn.2024-01.test:discovery-itself"
WELL_KNOWN_NQN = "nqn.2014-08.org.nvmexpress.discovery"

pytestmark = pytest.mark.usefixtures("daemon_built")


class Avahi:
    """avahi's daemon in the guest, and D-Bus, by which it is spoken to."""

    def __init__(self, vm):
        self.vm = vm
        vm.run("mkdir -p /run/dbus /run/avahi-daemon; ip link set d0 multicast on; "
               "pidof dbus-daemon || dbus-daemon --system --fork --nopidfile")
        self.start()

    def start(self):
        self.vm.run("avahi-daemon --daemonize --no-drop-root --no-chroot --no-rlimits")

    def stop(self):
        self.vm.run("avahi-daemon --kill", check=False)
        wait_for(lambda: self.vm.run("pidof avahi-daemon", check=False).rc, LIMIT_S, "its end")

    def found(self):
        """{(address, port, TXT strings)} of what is announced for RoCE."""
        lines = self.vm.run("avahi-browse -rpt _nvme-disc._udp", check=False).stdout.splitlines()
        fields = [line.split(";") for line in lines if line.startswith("=")]
        return {(field[7], int(field[8]), frozenset(field[9].replace('"', "").split()))
                for field in fields}

    def wait(self, wanted, what):
        wait_for(lambda: self.found() == wanted, LIMIT_S, f"{what}: {self.found()}")


@pytest.fixture
def avahi(vm):
    """An avahi that runs."""
    daemon = Avahi(vm)
    yield daemon
    daemon.stop()
    vm.run("killall dbus-daemon", check=False)


def service(number, nqn):
    return LOOPBACK, number, frozenset({"p=roce", f"nqn={nqn}"})


def serve(**daemon):
    served = subsystem(NQN, namespace(1, {"size_bytes": 1 << 26}, engine="null"))
    ports = [port(1, [NQN]), port(2, [NQN], service=OTHER_PORT)]
    return config([served], ports, daemon={"mdns": True, **daemon})


def test_mdns__announces_ports_that_listen(vm, avahi):
    """This test browses for discovery controllers while ports come and go, and after a SIGKILL."""
    both = {service(4420, DISCOVERY_NQN), service(OTHER_PORT, DISCOVERY_NQN)}
    target = Target(vm, serve(discovery_nqn=DISCOVERY_NQN))
    with target:
        avahi.wait(both, "both ports")
        whole = copy.deepcopy(target.configuration)
        target.configuration["ports"].pop()
        target.reload()
        avahi.wait({service(4420, DISCOVERY_NQN)}, "one port")
        target.configuration = whole
        target.reload()
        avahi.wait(both, "both ports again")
        target.kill()
        avahi.wait(set(), "nothing of a dead daemon")
        target.start()
        avahi.wait(both, "both ports of the next daemon")
    avahi.wait(set(), "nothing after the end")


def test_mdns__waits_for_avahi(vm, avahi):
    """This test starts the target first, and then ends avahi and starts it again."""
    avahi.stop()
    both = {service(4420, WELL_KNOWN_NQN), service(OTHER_PORT, WELL_KNOWN_NQN)}
    with Target(vm, serve()):
        avahi.start()
        avahi.wait(both, "both ports")
        avahi.stop()
        avahi.start()
        avahi.wait(both, "both ports, as before")


def test_mdns__is_off(vm, avahi):
    """This test serves without it."""
    quiet = serve()
    del quiet["daemon"]["mdns"]
    with Target(vm, quiet):
        assert avahi.found() == set()
