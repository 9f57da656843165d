# SPDX-License-Identifier: BSD-3-Clause
"""What drives warn of: asked for by itself, told to the operator and to the hosts that want to know."""
import pytest

import host
from target import NQN, Target, config, namespace, subsystem
from vm import wait_for

LIMIT_S = 30
INTERVAL_S = 1
SPARE, TEMPERATURE = "0x020201", "0x020101"  # SMART / health, which of its events, log page 02h
ASYNC_EVENTS, THRESHOLD = 0x0b, 0x04

pytestmark = pytest.mark.usefixtures("daemon_built")


def serve(vm):
    return config([subsystem(NQN, namespace(1, vm.block_device("plain"), engine="nvme"))],
                  daemon={"health_interval_s": INTERVAL_S})


@pytest.fixture
def set_warnings(vm):
    """A function that has the drive warn of something: bits of its SMART log."""
    def warn(bits):
        vm.qmp.command("qom-set", path="/machine/peripheral/plain",
                       property="smart_critical_warning", value=bits)
    yield warn
    warn(0)


def want_events(vm, controller, bits):
    """Have the host ask for these events beside those that its kernel wants."""
    now = vm.run(f"nvme get-feature {controller} -f {ASYNC_EVENTS}").stdout.split(":")[-1]
    vm.run(f"nvme set-feature {controller} -f {ASYNC_EVENTS} -V {int(now, 16) | bits:#x}")


def test_warning__reaches_host_and_operator(vm, aen_trace, set_warnings):
    """This test has QEMU's drive warn of its spare blocks, and of nothing any more, and again."""
    with Target(vm, serve(vm)) as target, host.connect(vm, NQN) as connection:
        controller = f"/dev/{connection.controller}"
        want_events(vm, controller, 0x1f)
        assert SPARE not in aen_trace()
        set_warnings(1)
        wait_for(lambda: SPARE in aen_trace(), LIMIT_S, "the event")
        assert host.identify(vm, f"smart-log {controller}")["critical_warning"] == 1
        assert target.cli("status")["namespaces"][0]["drive_warnings"] == [
            "spare below its threshold"]
        assert "drive warns" in vm.run(target.command("status")).stdout
        told = [entry["text"] for entry in target.cli("events")["events"]
                if entry["kind"] == "drive"]
        assert told == [f"drive {vm.pci_address('plain')} warns: spare below its threshold"]
        set_warnings(0)
        wait_for(lambda: not target.cli("status")["namespaces"][0]["drive_warnings"], LIMIT_S,
                 "the end of the warning")
        assert aen_trace().count(SPARE) == 1
        set_warnings(1)
        wait_for(lambda: aen_trace().count(SPARE) == 2, LIMIT_S, "another event")


def test_warning__only_to_hosts_that_ask(vm, aen_trace, set_warnings):
    """This test has the drive warn while a host has not asked, which the kernel's does not."""
    with Target(vm, serve(vm)) as target, host.connect(vm, NQN):
        set_warnings(4)
        wait_for(lambda: target.cli("status")["namespaces"][0]["drive_warnings"], LIMIT_S,
                 "the warning")
        vm.run(f"sleep {2 * INTERVAL_S}")
        assert "nvme_async_event" not in aen_trace()


def test_threshold__of_the_host(vm, aen_trace):
    """This test sets a temperature threshold below what the drive has."""
    with Target(vm, serve(vm)), host.connect(vm, NQN) as connection:
        controller = f"/dev/{connection.controller}"
        kelvin = host.identify(vm, f"smart-log {controller}")["temperature"]
        want_events(vm, controller, 2)
        vm.run(f"nvme set-feature {controller} -f {THRESHOLD} -V {kelvin + 1}; "
               f"sleep {2 * INTERVAL_S}")
        assert TEMPERATURE not in aen_trace()
        vm.run(f"nvme set-feature {controller} -f {THRESHOLD} -V {kelvin}")
        wait_for(lambda: TEMPERATURE in aen_trace(), LIMIT_S, "the event")
        assert host.identify(vm, f"smart-log {controller}")["critical_warning"] == 2
