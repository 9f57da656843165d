# SPDX-License-Identifier: BSD-3-Clause
"""The target's RNIC goes away under load, or its address moves to another network card."""
import re
from contextlib import contextmanager

import pytest

import fio
import host
from checks import resources, wait_no_connections, wait_resources
from target import NQN, Target, config, namespace, port, subsystem
from vm import LINK_ADDRESS, wait_for

RNIC = "rxe1"
HERE_NQN = "nqn.2024-01.test:here"
CONNECT_OPTIONS = "-l 600 -c 1 -k 5 -i 2"
LIMIT_S = 60
# A driver that waits for the daemon to let go of its RNIC must not wait long.
REMOVE_LIMIT_S = 20
# Of an RNIC: its device, its events, and the completions of the one reactor.
FDS_OF_RNIC = 3
WRITE_THEN_VERIFY = dict(rw="randwrite", bsrange="4k-64k", size="12m", iodepth=8, **fio.VERIFY)

BOND_ADDRESS, PEER_ADDRESS = "10.2.0.1", "10.2.0.2"
# Two cards on one cable, of which one is in use. Each answers only for the address that it has.
MAKE_BOND = f"""
modprobe -a bonding macvlan
sysctl -qw net.ipv4.conf.all.arp_ignore=1
ip link add bond0 type bond mode active-backup fail_over_mac active miimon 100
for card in m0 m1; do
	ip link add $card link eth0 type macvlan mode bridge
	ip link set $card mtu 9000 master bond0
done
ip link set bond0 mtu 9000 up
ip address add {BOND_ADDRESS}/24 dev bond0
rdma link add rxe2 type rxe netdev bond0
"""
REMOVE_BOND = """
rdma link delete rxe2
for link in bond0 m0 m1; do ip link delete $link; done
sysctl -qw net.ipv4.conf.all.arp_ignore=0
"""

pytestmark = pytest.mark.usefixtures("daemon_built")


def peer_subsystem(vm):
    return subsystem(NQN, namespace(1, vm.block_device("cmb"), p2pmem="1", p2pmem_require=True))


def port_state(target, portid=1):
    """(state, reason) of one port in `status`."""
    found, = (entry for entry in target.cli("status")["ports"] if entry["portid"] == portid)
    return found["state"], found["reason"]


def connections(target, nqn):
    """{id: state} of this subsystem's connections."""
    return {entry["id"]: entry["state"] for entry in target.cli("conns")["conns"]
            if entry["nqn"] == nqn}


def start_job(target, connection, **options):
    """Start fio and wait until it has written a sixth; return it."""
    job = fio.start(connection.vm, connection.device(), **options)
    wait_for(lambda: target.stats()["write_bytes"] >= 2 << 20, LIMIT_S, "2 MiB written")
    return job


def end_job(job):
    report = job.wait()
    assert report["read"]["io_bytes"] == report["write"]["io_bytes"] > 0


def test_rnic_removed__others_serve_and_it_comes_back(use_pair):
    """This test takes the RNIC away under load: all of it is freed, the other one serves; then gives it back."""
    first, second = use_pair()
    whole = config([peer_subsystem(first),
                    subsystem(HERE_NQN, namespace(1, first.block_device("plain")))],
                   [port(1, [NQN], address=LINK_ADDRESS["a"]), port(2, [HERE_NQN])])
    with Target(first, whole) as target, host.connect(first, HERE_NQN) as here:
        served_here = connections(target, HERE_NQN)
        recoveries = first.dmesg().count("starting error recovery")
        before, of_rnic = resources(target), resources(target, RNIC)
        assert of_rnic["ctx"] == of_rnic["cm_id"] == 1 and of_rnic["mr"] >= 3, of_rnic
        job_here = fio.loop(first, here.device(), **{**WRITE_THEN_VERIFY, "size": "2m"})
        with host.connect(second, NQN, LINK_ADDRESS["a"], options=CONNECT_OPTIONS) as there:
            job = start_job(target, there, **WRITE_THEN_VERIFY)
            assert list(connections(target, NQN).values()) == ["live"] * 3

            first.run(f"rdma link delete {RNIC}", limit_s=REMOVE_LIMIT_S)
            left = {kind: before[kind] - of_rnic[kind] for kind in before}
            left["fds"] -= FDS_OF_RNIC
            wait_resources(target, left)
            assert connections(target, NQN) == {}
            state, reason = port_state(target)
            assert state == "retrying" and "RDMA device" in reason, reason
            assert RNIC not in [entry["name"] for entry in target.cli("status")["devices"]]
            assert port_state(target, 2) == ("listening", "")
            assert job.process.poll() is None
            written = target.stats(nqn=HERE_NQN)["write_bytes"]
            wait_for(lambda: target.stats(nqn=HERE_NQN)["write_bytes"] > written + (2 << 20),
                     LIMIT_S, "I/O by the other RNIC")

            first.run(f"rdma link add {RNIC} type rxe netdev eth0")
            wait_for(lambda: port_state(target) == ("listening", ""), LIMIT_S, "listening again")
            there.wait_state("live")
            end_job(job)
        job_here.stop()
        wait_resources(target, before)
        assert connections(target, HERE_NQN) == served_here
        assert first.dmesg().count("starting error recovery") == recoveries
        assert target.stats(nqn=HERE_NQN)["errors"] == 0
        assert target.stats()["staged_write_bytes"] == target.stats()["staged_read_bytes"] == 0


@contextmanager
def bond(first, second):
    """An RNIC on a bond of two cards in the first machine, in reach of the second."""
    first.run(MAKE_BOND)
    second.run(f"ip address add {PEER_ADDRESS}/24 dev eth0")
    try:
        yield
    finally:
        if first.alive and second.alive:
            second.run(f"ip address delete {PEER_ADDRESS}/24 dev eth0", check=False)
            first.run(REMOVE_BOND, check=False)


def test_address_moved__target_listens_again_and_data_verifies(use_pair):
    """This test has a bond change to its other card under load: connections end, and are made anew."""
    first, second = use_pair()
    with bond(first, second), Target(first, config(
            [peer_subsystem(first)], [port(1, [NQN], address=BOND_ADDRESS)])) as target:
        before = resources(target)
        with host.connect(second, NQN, BOND_ADDRESS, options=CONNECT_OPTIONS) as connection:
            job = start_job(target, connection, **WRITE_THEN_VERIFY)
            old = connections(target, NQN)
            assert list(old.values()) == ["live"] * 3

            first.run("read -r card </sys/class/net/bond0/bonding/active_slave; "
                      "[[ $card == m0 ]] && card=m1 || card=m0; "
                      "ip link set bond0 type bond active_slave $card")
            wait_for(lambda: "its address has moved" in target.log, LIMIT_S, "the event")
            wait_for(lambda: not connections(target, NQN).keys() & old.keys(), LIMIT_S,
                     "the old connections' end")
            assert re.search(r"conn \d+ .*-> draining: RDMA_CM_EVENT_ADDR_CHANGE", target.log)
            assert job.process.poll() is None
            wait_for(lambda: port_state(target) == ("listening", ""), LIMIT_S, "listening again")
            wait_for(lambda: list(connections(target, NQN).values()) == ["live"] * 3, LIMIT_S,
                     "the host is back")
            end_job(job)
        wait_no_connections(target)
        wait_resources(target, before)
        stats = target.stats()
        assert stats["staged_write_bytes"] == stats["staged_read_bytes"] == 0
    assert target.log.count("its address has moved") == 1
