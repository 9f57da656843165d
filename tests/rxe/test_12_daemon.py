# SPDX-License-Identifier: BSD-3-Clause
"""The daemon as a service: its start, its ports, its idleness, its end."""
import json
import os
import time

import pytest

import host
import target
from checks import guest_digest, image_digest
from vm import wait_for

pytestmark = pytest.mark.usefixtures("daemon_built")

UUID = "0c7e0b2e-95a5-4c55-8ac6-3d7a5b1e7c12"
LATE_ADDRESS = "10.0.7.1"
IPV6_ADDRESS = "fd00:7::1"
MIB = 1 << 20
TICKS_PER_S = 100  # of /proc/PID/stat


def null_subsystem(nqn=target.NQN, nsid=1):
    return target.subsystem(nqn, target.namespace(nsid, {"size_bytes": 64 * MIB}, engine="null",
                                                  uuid=UUID))


def refusal(vm, text):
    """Start the daemon with this text as its file; it must end with 1 and one line."""
    path = os.path.join(vm.share, "bad.json")
    with open(path, "w") as file:
        file.write(text)
    target.install(vm)
    result = vm.run(f"timeout 20 {target.RUNTIME}/nvmet-p2pd -c /mnt/share/bad.json", check=False)
    assert result.rc == 1, result
    assert "/mnt/share/bad.json" in result.stderr
    errors = [line for line in result.stderr.splitlines() if "error:" in line]
    assert len(errors) == 1, result.stderr
    return errors[0]


def test_start__says_what_is_wrong_and_where(vm):
    """This test gives the daemon bad files: each is refused by one line that names the place."""
    good = target.config([null_subsystem()])
    assert "line 1" in refusal(vm, "{")
    bad = json.loads(json.dumps(good))
    bad["ports"][0]["addr"]["traddr"] = "not-an-address"
    assert "ports[0].addr.traddr" in refusal(vm, json.dumps(bad))
    bad = json.loads(json.dumps(good))
    bad["subsystems"][0]["namespaces"][0].update(p2pmem="0", p2pmem_require=True)
    assert "subsystems[0].namespaces[0]" in refusal(vm, json.dumps(bad))
    bad = json.loads(json.dumps(good))
    bad["subsystems"][0]["namespaces"][0]["nsid"] = [1]
    assert "subsystems[0].namespaces[0].nsid" in refusal(vm, json.dumps(bad))
    bad = target.config([null_subsystem()], daemon={"reactors": [0, 200]})
    assert "daemon.reactors[1]: there is no CPU 200" in refusal(vm, json.dumps(bad))


def test_start__a_second_daemon_leaves_the_first_alone(vm):
    """This test starts a second daemon on the same socket: refused, and the first goes on."""
    with target.Target(vm, target.config([null_subsystem()])) as first:
        second = target.Target(vm, target.config([null_subsystem()],
                                                 daemon={"control_socket": first.socket}))
        rc, log = second.refuse()
        assert rc == 1 and first.socket in log
        assert first.running and first.cli("status")["ports"][0]["state"] == "listening"


def test_start__interrupted_by_sigterm(vm):
    """This test sends SIGTERM while memory and drives are tested: exit code 0, and no socket is left."""
    served = target.namespace(1, vm.block_device("cmb"), p2pmem="1")
    daemon = target.Target(vm, target.config([target.subsystem(target.NQN, served)]))
    daemon.spawn()
    # The socket is made before anything is tested.
    vm.run(f"until [[ -S {daemon.socket} ]]; do sleep 0.01; done; kill -TERM {daemon.process.pid}; "
           f"[[ $(<{daemon.log_path.replace(vm.share, '/mnt/share')}) != *listening* ]]")
    assert daemon.process.wait(60) == 0, daemon.log
    assert vm.run(f"[[ -e {daemon.socket} ]]", check=False).rc == 1


def test_kernel_targets_file__serves_all_that_is_rdma(vm):
    """This test has ports of TCP and loop, two namespaces on one drive, one of a high NSID and one without a drive."""
    drive, high = vm.block_device("plain"), 0xfffffffe
    served = [target.namespace(1, drive), target.namespace(high, drive),
              target.namespace(3, "/dev/nvme9n9")]
    ports = [target.port(1, [target.NQN], service=4430), target.port(2, [target.NQN]),
             target.port(3, [target.NQN])]
    ports[0]["addr"]["trtype"] = "tcp"
    ports[2]["addr"].update(trtype="loop", adrfam="", traddr="", trsvcid="")
    config = target.config([target.subsystem(target.NQN, *served)], ports)
    with target.Target(vm, config) as daemon:
        assert "ports[0].addr.trtype: \"tcp\" is not supported" in daemon.log
        assert "subsystems[0].namespaces[2]: namespace" in daemon.log
        assert [port["portid"] for port in daemon.cli("status")["ports"]] == [2]
        assert [entry["trsvcid"] for entry in host.discover(vm)] == ["4420", "4420"]
        with host.connect(vm, target.NQN) as connection:
            first, second = connection.device(1), connection.device(high)
            # Two of one identity would be refused.
            descs = f"nvme ns-descs /dev/{connection.controller} -n"
            assert vm.topology.uuid("plain") in vm.run(f"{descs} 1").stdout
            assert vm.topology.uuid("plain") not in vm.run(f"{descs} {high}").stdout
            vm.run(f"dd if=/dev/urandom of={first} bs=1M count=4 oflag=direct")
            assert guest_digest(vm, second, 0, 4 * MIB) == image_digest(vm, "plain", 0, 4 * MIB)
            assert host.find_device(vm, target.NQN, 3) is None
        assert daemon.stats(1)["write_bytes"] == 4 * MIB
        assert daemon.stats(high)["read_bytes"] >= 4 * MIB


def test_port__waits_for_its_address(vm):
    """This test gives one port an address that comes late: retried visibly, the other serves."""
    config = target.config([null_subsystem()], ports=[
        target.port(1, [target.NQN]), target.port(2, [target.NQN], address=LATE_ADDRESS)])
    daemon = target.Target(vm, config)
    daemon.spawn()
    try:
        def states():
            result = vm.run(daemon.command("status --json"), check=False)
            return result.rc == 0 and [(port["state"], port["reason"]) for port
                                       in json.loads(result.stdout)["ports"]]
        first, second = wait_for(states, 60, "the control socket")
        assert first == ("listening", "")
        assert second[0] == "retrying" and LATE_ADDRESS in second[1]
        assert LATE_ADDRESS not in [record["traddr"] for record in host.discover(vm)]
        with host.connect(vm, target.NQN):
            vm.run(f"ip address add {LATE_ADDRESS}/24 dev d0")
            wait_for(lambda: states()[1][0] == "listening", 60, "the late address")
        assert LATE_ADDRESS in [record["traddr"] for record in host.discover(vm)]
        with host.connect(vm, target.NQN, address=LATE_ADDRESS) as connection:
            connection.device(1)
        assert daemon.log.count(f"cannot listen on {LATE_ADDRESS}") == 1, "one line, not one a try"
        daemon.stop()
    finally:
        daemon.kill()
        vm.run(f"ip address del {LATE_ADDRESS}/24 dev d0", check=False)


def test_port__ipv6(vm):
    """This test serves a host at an IPv6 address."""
    vm.run(f"ip address add {IPV6_ADDRESS}/64 dev d0 nodad", check=False)
    try:
        config = target.config([null_subsystem()],
                               ports=[target.port(1, [target.NQN], address=IPV6_ADDRESS)])
        with target.Target(vm, config) as daemon:
            with host.connect(vm, target.NQN, address=IPV6_ADDRESS) as connection:
                vm.run(f"dd if={connection.device(1)} of=/dev/null bs=64k count=16 iflag=direct")
                assert daemon.cli("conns")["conns"][0]["host"].startswith("fd00:7")
            assert host.discover(vm, address=IPV6_ADDRESS)[1]["adrfam"] == "ipv6"
    finally:
        vm.run(f"ip address del {IPV6_ADDRESS}/64 dev d0", check=False)


def test_conns__shows_a_host_whatever_it_calls_itself(vm):
    """This test connects with a host NQN that is not UTF-8: `conns` lists it all the same."""
    with target.Target(vm, target.config([null_subsystem()])) as daemon:
        with host.connect(vm, target.NQN, options="-q $'nqn.2014-08.x:\\xff\\xfe'"):
            assert daemon.cli("conns")["conns"][0]["hostnqn"] == "nqn.2014-08.x:??"


def cpu_share(daemon):
    """The part of a CPU that the daemon uses, over ten seconds."""
    def ticks():
        fields = daemon.proc("stat").rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    before, start = ticks(), time.monotonic()
    daemon.vm.run("sleep 10")  # not a wait for anything: the span that is measured
    return (ticks() - before) / TICKS_PER_S / (time.monotonic() - start)


def priority(daemon):
    """The nice value of the first reactor's thread: field 19 of proc_pid_stat(5)."""
    stat = daemon.vm.run(f"grep -h '(np-reactor0)' /proc/{daemon.process.pid}/task/*/stat").stdout
    return int(stat.rpartition(")")[2].split()[16])


def test_priority__is_that_of_the_kernels_target(vm):
    """This test looks at a reactor's nice value, by default and as configured."""
    for given, expected in (({}, -20), ({"nice": 3}, 3)):
        with target.Target(vm, target.config([null_subsystem()], daemon=given)) as daemon:
            assert priority(daemon) == expected


def test_moderation__is_no_matter_of_life(vm):
    """This test asks for fewer interrupts from an RNIC that cannot: it says so and serves."""
    config = target.config([null_subsystem()], daemon={"cq_moderation_count": 16, "cq_moderation_us": 8})
    with target.Target(vm, config) as daemon, host.connect(vm, target.NQN) as connection:
        vm.run(f"dd if={connection.device(1)} of=/dev/null bs=4k count=8 iflag=direct")
        assert daemon.log.count("rxe0: completions are not moderated: Operation not supported") == 1


def test_idle__sleeps(vm):
    """This test leaves four hosts with eight connections idle: under 1 % CPU."""
    with target.Target(vm, target.config([null_subsystem()])) as daemon:
        connections = [host.connect(vm, target.NQN, options="-i 1 -D") for _ in range(4)]
        assert len(daemon.cli("conns")["conns"]) == 8
        # Time that somebody takes from the emulated CPU counts as the daemon's: noise only adds.
        assert any(cpu_share(daemon) < 0.01 for _ in range(3)), "over 1 % of a CPU"
        for connection in connections:
            connection.disconnect()


def test_memory__is_small(vm):
    """This test opens eight I/O queues of depth 128: under 64 MiB are resident beside the pools."""
    config = target.config([null_subsystem()], daemon={"host_pool_bytes": 16 * MIB})
    with target.Target(vm, config) as daemon:
        connections = [host.connect(vm, target.NQN, options="-i 1 -D") for _ in range(8)]
        depths = [conn["depth"] for conn in daemon.cli("conns")["conns"] if conn["qid"]]
        assert depths == [128] * 8
        vm.run(f"dd if={connections[0].device(1)} of=/dev/null bs=1M count=32 iflag=direct")
        rss = daemon.rss_kib * 1024
        pools = sum(entry["pool_bytes"] for entry in daemon.cli("memory")["providers"])
        assert rss < 64 * MIB + pools
        for connection in connections:
            connection.disconnect()


def test_stop__within_five_seconds_under_load(vm):
    """This test sends SIGTERM while a host reads: exit code 0 within 5 s."""
    daemon = target.Target(vm, target.config([null_subsystem()])).start()
    try:
        connection = host.connect(vm, target.NQN, options="-l 2")
        reader = vm.spawn(f"dd if={connection.device(1)} of=/dev/null bs=64k iflag=direct")
        wait_for(lambda: daemon.stats()["read_ios"] > 10, 60, "some reads")
        start = time.monotonic()
        daemon.stop()
        assert time.monotonic() - start < 10  # 5 s of the daemon, and the harness's own time
        reader.kill()
    finally:
        daemon.kill()
