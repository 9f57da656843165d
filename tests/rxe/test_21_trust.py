# SPDX-License-Identifier: BSD-3-Clause
"""Trust that is looked after: writes read back, fences, self-tests on demand."""
import json

import pytest

import fio
import host
from checks import assert_all_p2p, io_connections, namespace_status
from target import NQN, Target, config, namespace, port, subsystem
from vm import wait_for

LIMIT_S = 60
TRANSIENT_ERROR = "0x010400"  # error, transient internal error, log page 01h
JOB = dict(rw="randwrite", bssplit="512/20:4k/40:64k/30:1m/10", iodepth=16, size="8m",
           **fio.VERIFY)

pytestmark = pytest.mark.usefixtures("daemon_built")


def serve(vm, drive="cmb", daemon=None, **more):
    served = subsystem(NQN, namespace(1, vm.block_device(drive), p2pmem="1", **more))
    return config([served], [port(1, [NQN], inline_data_size=0)], daemon)


@pytest.mark.parametrize("drive, every", [("cmb", 1), ("plain", 5)])
def test_scrub__of_right_data(vm, drive, every):
    """This test reads back each write, or one in five: all right, P2P stays, the host notices nothing."""
    with Target(vm, serve(vm, drive, scrub=every)) as target:
        with host.connect(vm, NQN) as connection:
            job = fio.run(vm, connection.device(), **JOB)
        stats = target.stats()
        assert_all_p2p(stats, job["write"]["io_bytes"])
        assert stats["scrub_mismatches"] == stats["scrub_unsure"] == stats["errors"] == 0
        # A write larger than one command of the drive is looked at piece by piece.
        assert stats["write_ios"] // every - 1 <= stats["scrubs"]
        assert (stats["scrubs"] <= 2 * stats["write_ios"]) if every == 1 else (
            stats["scrubs"] < stats["write_ios"])
        assert namespace_status(target)["p2p"] == "on"


def test_scrub__takes_p2p_out_of_service(vm, aen_trace):
    """This test has somebody else write the same blocks: found, said, staged; a self-test gives P2P back."""
    disk = vm.block_device("cmb")
    with Target(vm, serve(vm, scrub=1)) as target, host.connect(vm, NQN) as connection:
        device = connection.device()
        vandal = vm.spawn(f"while dd if=/dev/urandom of={disk} bs=64k count=1 oflag=direct "
                          "status=none; do :; done")
        try:
            wait_for(lambda: not vm.run(
                f"dd if=/dev/zero of={device} bs=64k count=20 oflag=direct status=none; "
                f"dd if=/dev/zero of={device} bs=64k count=1 oflag=direct status=none",
                check=False).rc and target.stats()["scrub_mismatches"], LIMIT_S, "a mismatch")
        finally:
            vandal.kill()
            vandal.wait(LIMIT_S)
        status = namespace_status(target)
        assert status["p2p"] == "off" and "scrub" in status["p2p_reason"]
        found = [entry for entry in target.cli("events")["events"] if entry["kind"] == "scrub"]
        assert found and found[0]["level"] == "error" and "LBA" in found[0]["text"]
        assert TRANSIENT_ERROR in aen_trace()
        entry = host.identify(vm, f"error-log /dev/{connection.controller} -e 1")["errors"][0]
        assert (entry["cmdid"], entry["nsid"]) == (0xffff, 1)
        before = target.stats()
        job = fio.run(vm, device, **JOB)
        after = target.stats()
        assert after["p2p_write_bytes"] == before["p2p_write_bytes"]
        assert after["staged_lost_bytes"] - before["staged_lost_bytes"] >= job["write"]["io_bytes"]
        memory = target.cli("selftest")
        assert any(entry["result"] == "quirk" for provider in memory["providers"]
                   if provider["kind"] == "cmb" for entry in provider["devices"])
        assert namespace_status(target)["p2p"] == "on"
        fio.run(vm, device, **JOB)
        last = target.stats()
        assert last["p2p_write_bytes"] - after["p2p_write_bytes"] >= job["write"]["io_bytes"]


@pytest.mark.parametrize("fence, is_fenced", [("read", True), ("none", False), ("auto", False)])
def test_fence__comes_before_the_drive(vm, fence, is_fenced):
    """This test asks for fences: one for each pull into the CMB; Soft-RoCE needs none by itself."""
    with Target(vm, serve(vm, daemon={"p2p_fence": fence})) as target:
        with host.connect(vm, NQN) as connection:
            job = fio.run(vm, connection.device(), **JOB)
            fences = sum(entry["fences"] for entry in io_connections(target))
            stats = target.stats()
        assert_all_p2p(stats, job["write"]["io_bytes"])
        if is_fenced:
            assert stats["write_ios"] <= fences
        else:
            assert fences == 0


def test_selftest__on_demand_does_not_disturb(vm):
    """This test runs all self-tests again and again under fio with verification."""
    with Target(vm, serve(vm)) as target, host.connect(vm, NQN) as connection:
        work = fio.loop(vm, connection.device(), **JOB)
        first = target.cli("memory")
        for _round in range(3):
            again = target.cli("selftest")
        work.stop()
        tested = [[entry["tested_at"] for provider in result["providers"]
                   for entry in provider["devices"] + provider["drives"]]
                  for result in (first, again)]
        assert all(new > old for old, new in zip(*tested))
        assert namespace_status(target)["p2p"] == "on" and target.stats()["errors"] == 0


def test_memory_pressure__does_no_harm(vm):
    """This test has another process eat all memory under fio with verification: P2P and the daemon live on."""
    with Target(vm, serve(vm)) as target, host.connect(vm, NQN) as connection:
        work = fio.loop(vm, connection.device(), **JOB)
        # Lines without an end: tail keeps all of it, until the kernel takes it away.
        glutton = vm.spawn("echo 1000 >/proc/self/oom_score_adj; exec tail /dev/zero")
        assert glutton.wait(LIMIT_S * 3) != 0
        assert "Out of memory" in vm.dmesg()
        work.stop()
        assert target.running and target.stats()["errors"] == 0
        assert target.stats()["staged_write_bytes"] == 0


def test_events__are_followed(vm):
    """This test reads along while a host comes and goes, and ends with the daemon."""
    with Target(vm, serve(vm)) as target:
        reader = vm.spawn(f"{target.command('events --follow --json')}")
        with host.connect(vm, NQN):
            pass
        wait_for(lambda: "admin queue closed" in reader.stdout, LIMIT_S, "the host's end")
        numbers = [json.loads(line)["number"] for line in reader.stdout.splitlines()]
        assert numbers == list(range(1, len(numbers) + 1))
    assert reader.wait(LIMIT_S) != 0
