# SPDX-License-Identifier: BSD-3-Clause
"""Write protection: a host protects a namespace, and it stays so for all hosts and over a restart."""
import pytest

import fio
import host
from checks import namespace_status
from target import NQN, Target, config, namespace, port, subsystem
from test_24_reservations import Host
from topology import Topology
from vm import wait_for

MACHINE = Topology(append="nvme_core.multipath=N")
STATE = "/run/np/protection"
LIMIT_S = 60
JOB = dict(rw="randwrite", bs="4k", iodepth=8, size="2m", **fio.VERIFY)

pytestmark = pytest.mark.usefixtures("daemon_built")


@pytest.fixture
def protectable(use_vm):
    """(machine, configuration) of one namespace and a folder for what is kept."""
    vm = use_vm(MACHINE)
    vm.run(f"rm -rf {STATE}")
    served = subsystem(NQN, namespace(1, vm.block_device("cmb"), p2pmem="1"))
    return vm, config([served], [port(1, [NQN], inline_data_size=0)], {"state_dir": STATE})


def protect(one, value):
    one.vm.run(f"nvme set-feature {one.device} -n 1 -f 0x84 -V {value}")


def is_read_only(one):
    return one.vm.read(f"/sys/class/block/{one.device.split('/')[-1]}/ro").strip() == "1"


def test_protected__for_all_hosts_and_over_a_crash(protectable):
    """This test protects by one host: neither writes, the other is told; so it is after a SIGKILL."""
    vm, configuration = protectable
    target = Target(vm, configuration)
    with target:
        one, other = Host(vm, 0), Host(vm, 1)
        fio.run(vm, one.device, **JOB)
        protect(one, 1)
        wait_for(lambda: is_read_only(other), LIMIT_S, "the other host to know")
        assert not one.writes() and not other.writes() and other.reads()
        assert host.identify(vm, f"id-ns {one.device}")["nsattr"] == 1
        assert namespace_status(target)["write_protected"] is True
        target.kill()
        host.disconnect_all(vm)
        target.start()
        one, other = Host(vm, 0), Host(vm, 1)
        assert is_read_only(one) and not other.writes()
        protect(one, 0)
        wait_for(lambda: not is_read_only(other), LIMIT_S, "the other host to know")
        fio.run(vm, other.device, **JOB)
        assert namespace_status(target)["write_protected"] is False
        assert vm.run(f"ls {STATE}").stdout == ""
        host.disconnect_all(vm)


def test_protected__what_cannot_be_read_is_not_served(protectable):
    """This test spoils the file: the namespace may be protected, so it stays down."""
    vm, configuration = protectable
    target = Target(vm, configuration)
    with target:
        protect(Host(vm, 0), 1)
        host.disconnect_all(vm)
    vm.run(f"for f in {STATE}/*; do echo '{{' >$f; done")
    with target:
        status = namespace_status(target)
        assert status["state"] == "down" and "cannot be read" in status["reason"], status
