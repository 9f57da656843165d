# SPDX-License-Identifier: BSD-3-Clause
"""Hosts that prove who they are: the kernel's host with right secrets, wrong ones and none."""
import pytest

import fio
import host
import rawclient
from checks import assert_all_p2p
from target import NQN, Target, config, namespace, port, subsystem
from vm import LOOPBACK, wait_for

LIMIT_S = 60
HASHES = ("hmac(sha256)", "hmac(sha384)", "hmac(sha512)")
JOB = dict(rw="randwrite", bs="4k", iodepth=8, size="2m", **fio.VERIFY)

pytestmark = pytest.mark.usefixtures("daemon_built")


@pytest.fixture
def auth_vm(vm):
    """The machine, whose kernel's host can authenticate."""
    vm.run("modprobe -a nvme-auth")
    return vm


def secret(vm, nqn, hmac=1):
    """A new secret of a name, as nvme-cli makes it."""
    return vm.run(f"nvme gen-dhchap-key --hmac={hmac} --nqn={nqn}").stdout.strip()


def serve(vm, hosts, require=True, daemon=None):
    served = subsystem(NQN, namespace(1, vm.block_device("cmb"), p2pmem="1"),
                       allow_any_host="0" if require else "1")
    served["allowed_hosts"] = [entry["nqn"] for entry in hosts] if require else []
    whole = config([served], [port(1, [NQN], inline_data_size=0)], daemon)
    whole["hosts"] = hosts
    return whole


def auth_of(target):
    """What each connection's host has shown."""
    return [entry["auth"] for entry in target.cli("conns")["conns"]]


def refused(vm, options):
    result = vm.run(f"nvme connect -t rdma -a {LOOPBACK} -s 4420 -n {NQN} {options}", check=False)
    assert result.rc != 0, result.stdout


@pytest.mark.parametrize("hmac, group", [(0, "null"), (1, "null"), (2, "ffdhe2048"),
                                         (3, "ffdhe4096")])
def test_host__proves_itself(auth_vm, hmac, group):
    """This test connects by secrets of each hash; data goes peer to peer as ever."""
    vm, me = auth_vm, host.own_nqn(auth_vm)
    chosen = HASHES[hmac - 1 if hmac else 0]
    entry = {"nqn": me, "dhchap_key": secret(vm, me, hmac), "dhchap_hash": chosen,
             "dhchap_dhgroup": group}
    with Target(vm, serve(vm, [entry])) as target:
        with host.connect(vm, NQN, options=f"--dhchap-secret='{entry['dhchap_key']}'") as connection:
            assert set(auth_of(target)) == {f"{chosen}, {group}"}
            job = fio.run(vm, connection.device(), **JOB)
            assert_all_p2p(target.stats(), job["write"]["io_bytes"])
        assert f"authenticated with hash {chosen} dhgroup {group}" in vm.dmesg()


def test_controller__proves_itself(auth_vm):
    """This test has the host challenge the controller: right, and with a secret that we do not have."""
    vm, me = auth_vm, host.own_nqn(auth_vm)
    entry = {"nqn": me, "dhchap_key": secret(vm, me), "dhchap_ctrl_key": secret(vm, NQN),
             "dhchap_dhgroup": "ffdhe2048"}
    by = f"--dhchap-secret='{entry['dhchap_key']}' --dhchap-ctrl-secret="
    with Target(vm, serve(vm, [entry])) as target:
        with host.connect(vm, NQN, options=f"{by}'{entry['dhchap_ctrl_key']}'"):
            assert set(auth_of(target)) == {"hmac(sha256), ffdhe2048, mutual"}
        refused(vm, f"{by}'{secret(vm, NQN)}'")
        wait_for(lambda: not auth_of(target), LIMIT_S, "no connection left")


def test_host__without_the_right_secret(auth_vm):
    """This test connects with another secret, and with none; a host that has proven itself goes on."""
    vm, me = auth_vm, host.own_nqn(auth_vm)
    other = host.identity(7).split()[0].split("=")[1]
    hosts = [{"nqn": me, "dhchap_key": secret(vm, me)}, {"nqn": other}]
    with Target(vm, serve(vm, hosts)) as target:
        # As long as there is no other connection, from which nvme-cli takes the secret.
        refused(vm, "")
        with host.connect(vm, NQN, options=f"--dhchap-secret='{hosts[0]['dhchap_key']}'") as one:
            work = fio.loop(vm, one.device(), **JOB)
            refused(vm, f"--duplicate-connect --dhchap-secret='{secret(vm, me)}'")
            assert "a wrong proof of who it is" in target.log
            # Who has no secret need not, and is somebody else.
            with host.connect(vm, NQN, options=host.identity(7)):
                assert set(auth_of(target)) == {"hmac(sha256), null", "no"}
            work.stop()
            assert one.state == "live"
        wait_for(lambda: not auth_of(target), LIMIT_S, "no connection left")


def test_secret__is_changed(auth_vm):
    """This test changes the secret under a connected host, which then proves itself anew by it."""
    vm, me = auth_vm, host.own_nqn(auth_vm)
    entry = {"nqn": me, "dhchap_key": secret(vm, me)}
    target = Target(vm, serve(vm, [entry]))
    with target, host.connect(vm, NQN, options=f"--dhchap-secret='{entry['dhchap_key']}'") as one:
        work = fio.loop(vm, one.device(), **JOB)
        old, entry["dhchap_key"] = entry["dhchap_key"], secret(vm, me)
        target.configuration["hosts"] = [entry]
        assert target.reload() == [f"host {me} has other secrets"]
        refused(vm, f"--duplicate-connect --dhchap-secret='{old}'")
        path = f"/sys/class/nvme/{one.controller}/dhchap_secret"
        # The kernel's host begins at once, and does so on each queue.
        vm.run(f"echo '{entry['dhchap_key']}' >{path}")
        wait_for(lambda: target.log.count("has proven itself") == 2, LIMIT_S, "a proof anew")
        work.stop()
        assert one.state == "live"
        # A network that was away: the host comes back by the secret that it has now.
        vm.run(f"nvme reset /dev/{one.controller}")
        one.wait_state("live")
        fio.run(vm, one.device(), **JOB)


@pytest.mark.usefixtures("rawclient_built")
def test_host__that_does_it_wrong(auth_vm):
    """This test has the raw client send what no host would, and expects that nobody else suffers."""
    vm = auth_vm
    hosts = [{"nqn": rawclient.HOSTS[0]},
             {"nqn": rawclient.HOSTS[1], "dhchap_key": secret(vm, rawclient.HOSTS[1])}]
    with Target(vm, serve(vm, hosts)) as target:
        lines = rawclient.expect_ok(vm, NQN, "auth-")
        assert len(lines) == 6
        wait_for(lambda: not auth_of(target), LIMIT_S, "no connection left")
