# SPDX-License-Identifier: BSD-3-Clause
"""What nvme-cli shows of a namespace behind the target."""
import pytest

import host
import target
from vm import wait_for

pytestmark = pytest.mark.usefixtures("daemon_built")

UUID = "2f0b9a51-2d0f-4a39-9b06-6a3a5c2c1d13"
MIB = 1 << 20


@pytest.fixture
def served(vm):
    """(vm, daemon, connection, controller device, block device) of a null namespace."""
    namespace = target.namespace(3, {"size_bytes": 64 * MIB}, engine="null", uuid=UUID)
    config = target.config([target.subsystem(target.NQN, namespace, serial="SN-13", model="m13")])
    with target.Target(vm, config) as daemon, host.connect(vm, target.NQN) as connection:
        yield vm, daemon, connection, f"/dev/{connection.controller}", connection.device(3)


def test_identify(served):
    """This test reads id-ctrl, id-ns, list-ns, ns-descs and nvme list."""
    vm, _, _, controller, device = served
    ctrl = host.identify(vm, f"id-ctrl {controller}")
    assert ctrl["sn"].strip() == "SN-13" and ctrl["mn"].strip() == "m13"
    assert ctrl["subnqn"] == target.NQN
    assert 4096 << ctrl["mdts"] == MIB
    assert ctrl["cntrltype"] == 1 and ctrl["kas"] >= 1
    assert (ctrl["ioccsz"] * 16, ctrl["iorcsz"] * 16) == (64 + 4096, 16)
    ns = host.identify(vm, f"id-ns {device}")
    assert ns["nsze"] == ns["ncap"] == 64 * MIB // 512
    assert ns["lbafs"][0]["ds"] == 9
    listing = host.identify(vm, f"list-ns {controller}")
    assert [entry["nsid"] for entry in listing["nsid_list"]] == [3]
    assert UUID in vm.run(f"nvme ns-descs {device}").stdout
    assert vm.read(f"/sys/class/block/{device.split('/')[-1]}/uuid").strip() == UUID
    assert device in vm.run("nvme list").stdout


def test_logs(served):
    """This test reads the SMART, error, firmware and effects logs; SMART counts what was read."""
    vm, _, _, controller, device = served
    before = host.identify(vm, f"smart-log {controller}")
    vm.run(f"dd if={device} of=/dev/null bs=512000 count=4 iflag=direct")
    after = host.identify(vm, f"smart-log {controller}")
    assert int(after["data_units_read"]) - int(before["data_units_read"]) >= 4
    assert int(after["host_read_commands"]) > int(before["host_read_commands"])
    # A command with a bad field is refused and leaves an entry.
    refused = vm.run(f"nvme get-feature {controller} -f 0x7e", check=False)
    assert "INVALID_FIELD" in (refused.stdout + refused.stderr).upper().replace(" ", "_")
    errors = host.identify(vm, f"error-log {controller}")["errors"]
    assert errors[0]["error_count"] > 0
    vm.run(f"nvme fw-log {controller}")
    effects = vm.run(f"nvme effects-log {controller}").stdout
    assert "Read" in effects and "Write" in effects


def test_health__is_that_of_the_drive(vm):
    """This test asks the target for SMART, and the drive itself."""
    keys = ("temperature", "avail_spare", "spare_thresh", "percent_used", "power_on_hours",
            "unsafe_shutdowns", "media_errors")
    drive = vm.block_device("plain")
    own = host.identify(vm, f"smart-log {drive}")
    served = target.namespace(1, drive, engine="nvme")
    with target.Target(vm, target.config([target.subsystem(target.NQN, served)])):
        with host.connect(vm, target.NQN) as connection:
            for options in ("", "-n 1"):
                log = host.identify(vm, f"smart-log /dev/{connection.controller} {options}")
                assert {key: log[key] for key in keys} == {key: own[key] for key in keys}
            assert own["temperature"] > 273


def test_features(served):
    """This test reads and sets features."""
    vm, _, _, controller, _ = served
    queues = vm.run(f"nvme get-feature {controller} -f 7 -H").stdout
    assert "Number of IO" in queues
    for feature in (1, 2, 4, 5, 0xb, 0xf):
        vm.run(f"nvme get-feature {controller} -f {feature}")
    vm.run(f"nvme set-feature {controller} -f 0xb -V 0x100")
    assert "0x00000100" in vm.run(f"nvme get-feature {controller} -f 0xb").stdout


def test_commands(served):
    """This test flushes, zeroes, discards, compares and verifies by hand."""
    vm, daemon, _, _, device = served
    vm.run(f"nvme flush {device}")
    vm.run(f"nvme write-zeroes {device} -s 0 -c 7")
    vm.run(f"nvme dsm {device} -d -s 0 -b 8")
    vm.run(f"blkdiscard -o 0 -l {MIB} {device}")
    vm.run(f"head -c 4096 /dev/zero >/tmp/zero; nvme compare {device} -s 0 -c 7 -z 4096 -d /tmp/zero")
    vm.run(f"head -c 4096 /dev/urandom >/tmp/noise")
    failed = vm.run(f"nvme compare {device} -s 0 -c 7 -z 4096 -d /tmp/noise", check=False)
    assert failed.rc != 0 and "ompare" in failed.stdout + failed.stderr
    vm.run(f"nvme verify {device} -s 0 -c 65535")
    stats = daemon.stats(3)
    assert stats["verify_ios"] == 1 and stats["read_bytes"] < 32 * MIB
    assert stats["write_zeroes_ios"] >= 1 and stats["dsm_ios"] >= 2 and stats["compare_ios"] == 2


@pytest.mark.parametrize("options", ["", "-i 1", "-Q 32", "-Q 1024", "-k 1", "-l 30 -c 1", "-i 4 -D"])
def test_connect_options(vm, options):
    """This test connects with each option, does I/O and disconnects."""
    namespace = target.namespace(1, {"size_bytes": 64 * MIB}, engine="null", uuid=UUID)
    with target.Target(vm, target.config([target.subsystem(target.NQN, namespace)])) as daemon:
        with host.connect(vm, target.NQN, options=options) as connection:
            vm.run(f"dd if={connection.device(1)} of=/dev/null bs=64k count=32 iflag=direct")
            if "-k 1" in options:
                vm.run("sleep 4")  # several keep-alive periods without I/O
                assert connection.state == "live"
        wait_for(lambda: not daemon.cli("conns")["conns"], 30, "no connection left")


def test_reset(served):
    """This test resets the controller, also while the host reads."""
    vm, daemon, connection, controller, device = served
    vm.run(f"nvme reset {controller}")
    connection.wait_state("live")
    reader = vm.spawn(f"rm -f /run/np/enough; until [[ -e /run/np/enough ]]; do "
                      f"dd if={device} of=/dev/null bs=64k iflag=direct status=none || exit 1; done")
    before = daemon.stats(3)["read_ios"]
    wait_for(lambda: daemon.stats(3)["read_ios"] > before, 30, "the first read")
    vm.run(f"nvme reset {controller}")
    connection.wait_state("live")
    assert reader.poll() is None
    vm.run("touch /run/np/enough")
    assert reader.wait() == 0
    assert daemon.stats(3)["errors"] == 0


def test_subsystem_reset__is_for_all_hosts(vm):
    """This test lets one host reset the subsystem of two: both come back, and what was written stays."""
    served = target.subsystem(target.NQN, target.namespace(1, vm.block_device("plain")))
    resettable = {**served, "subsystem_reset": True}
    with target.Target(vm, target.config([resettable])) as daemon:
        first, second = (host.connect(vm, target.NQN, options=host.identity(number))
                         for number in (1, 2))
        vm.run(f"dd if=/dev/urandom of=/tmp/noise bs=1M count=1 2>&1; "
               f"dd if=/tmp/noise of={first.device(1)} bs=64k oflag=direct conv=notrunc")
        before = {conn["cntlid"] for conn in daemon.cli("conns")["conns"]}
        vm.run(f"nvme subsystem-reset /dev/{first.controller}")
        for connection in (first, second):
            connection.wait_state("live")
        wait_for(lambda: before.isdisjoint(
            {conn["cntlid"] for conn in daemon.cli("conns")["conns"]}), 60, "new controllers")
        second.wait_state("live")
        vm.run(f"cmp -n {MIB} /tmp/noise {first.device(1)}")
        told = [entry["text"] for entry in daemon.cli("events")["events"]]
        assert any("resets subsystem" in text for text in told)


def test_subsystem_reset__has_to_be_allowed(served):
    """This test asks for a reset where the operator has not allowed it."""
    vm, _, connection, controller, _ = served
    assert vm.run(f"nvme subsystem-reset {controller}", check=False).rc != 0
    assert connection.state == "live"
