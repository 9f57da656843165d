# SPDX-License-Identifier: BSD-3-Clause
"""A path MTU below what a page-granular RNIC needs: host memory, right data, and it is said."""
import fio
import host
from checks import (assert_all_p2p, assert_all_staged, io_connections, namespace_status, provider,
                    wait_no_connections)
from target import NQN, Target, config, namespace, port, subsystem

SMALL_MTU = 1500  # of the network: a path MTU of 1024
JOB = dict(rw="randwrite", bssplit="512/20:4k/30:64k/40:1m/10", iodepth=16, size="12m",
           **fio.VERIFY)


def cmb_namespace(vm):
    """P2P as a wish; without in-capsule data, so that every byte is either staged or not."""
    served = subsystem(NQN, namespace(1, vm.block_device("cmb"), p2pmem="1"))
    return config([served], [port(1, [NQN], inline_data_size=0)])


def test_device__with_small_path_mtu_is_staged(daemon_built, vm):
    """This test starts the daemon on an RNIC of path MTU 1024: the self-test must find it out."""
    with vm.network_mtu(SMALL_MTU):
        assert "active_mtu:\t\t1024" in vm.run("ibv_devinfo -d rxe0").stdout
        with Target(vm, cmb_namespace(vm)) as target:
            status = namespace_status(target)
            assert (status["state"], status["p2p"], status["provider"]) == ("up", "off", "host")
            assert "1024" in status["p2p_reason"] and "MTU" in status["p2p_reason"]
            rnic, = provider(target)["devices"]
            assert rnic["result"] == "unusable" and "MTU" in rnic["reason"]
            with host.connect(vm, NQN) as connection:
                job = fio.run(vm, connection.device(), **JOB)
                assert {entry["path_mtu"] for entry in io_connections(target)} == {1024}
                assert {entry["p2p"] for entry in io_connections(target)} == {"no"}
            assert_all_staged(target.stats(), job["write"]["io_bytes"])


def test_connection__with_small_path_mtu_is_staged_alone(daemon_built, vm):
    """This test lets one connection come with path MTU 1024 to an RNIC that can do 4096."""
    with Target(vm, cmb_namespace(vm)) as target:
        with vm.network_mtu(SMALL_MTU), host.connect(vm, NQN) as connection:
            small = io_connections(target)
            assert small and {entry["path_mtu"] for entry in small} == {1024}
            assert {entry["p2p"] for entry in small} == {"no"}
            assert all("MTU" in entry["p2p_reason"] for entry in small)
            # The RNIC cannot do it for anybody while its network is as it is.
            status = namespace_status(target)
            assert status["p2p"] == "off" and "MTU" in status["p2p_reason"]
            job = fio.run(vm, connection.device(), **JOB)
            before = target.stats()
            assert_all_staged(before, job["write"]["io_bytes"])
        wait_no_connections(target)
        with host.connect(vm, NQN) as connection:
            job = fio.run(vm, connection.device(), **JOB)
            assert {entry["path_mtu"] for entry in io_connections(target)} == {4096}
            assert {entry["p2p"] for entry in io_connections(target)} == {"yes"}
            assert namespace_status(target)["p2p"] == "on"
            after = target.stats()
        assert_all_p2p({key: value - before[key] for key, value in after.items()
                        if isinstance(value, int)}, job["write"]["io_bytes"])


def test_required_p2p__is_refused_with_small_path_mtu(daemon_built, vm):
    """This test demands P2P on an RNIC whose path MTU forbids it: down, by that reason, the other serves."""
    served = [namespace(1, vm.block_device("cmb"), p2pmem="1", p2pmem_require=True),
              namespace(2, vm.block_device("plain"))]
    with vm.network_mtu(SMALL_MTU), Target(vm, config([subsystem(NQN, *served)])) as target:
        status = namespace_status(target, 1)
        assert status["state"] == "down" and "MTU" in status["reason"]
        with host.connect(vm, NQN) as connection:
            job = fio.run(vm, connection.device(2), **JOB)
            assert host.find_device(vm, NQN, 1) is None
        assert_all_staged(target.stats(2), job["write"]["io_bytes"])
