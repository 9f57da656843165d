# SPDX-License-Identifier: BSD-3-Clause
"""32 hosts at once, and one more than fits."""
import uuid

import fio
import host
from checks import assert_all_p2p, io_connections, wait_no_connections
from target import NQN, Target, config, namespace, subsystem
from vm import LOOPBACK, wait_for

HOSTS = 32
IO_LIMIT_S = 300


def identity(number):
    """Options that make the kernel another host."""
    name = uuid.UUID(int=0xabcdef << 64 | number)
    return f"-i 1 --hostnqn=nqn.2014-08.org.nvmexpress:uuid:{name} --hostid={name}"


def connect_all(vm):
    """Connect all hosts at the same time and return their controllers' names, by host."""
    script = [f"nvme connect -t rdma -a {LOOPBACK} -s 4420 -n {NQN} {identity(number)} & "
              f"pids[{number}]=$!" for number in range(HOSTS)]
    script.append("rc=0; for pid in ${pids[*]}; do wait $pid || rc=1; done; exit $rc")
    vm.run("\n".join(script), limit_s=IO_LIMIT_S)
    lines = vm.run("grep -H . /sys/class/nvme/nvme*/hostid").stdout.splitlines()
    names = {line.split(":", 1)[1]: line.split("/")[4] for line in lines}
    found = [names.get(str(uuid.UUID(int=0xabcdef << 64 | number))) for number in range(HOSTS)]
    assert None not in found and len(set(found)) == HOSTS, names
    return found


def requests(target):
    """Requests so far by host, of its I/O queue."""
    return {entry["hostnqn"]: entry["requests"] for entry in io_connections(target)}


def use_every_path(target, device):
    """Verified I/O spread over all controllers; each of them must have taken its part."""
    before = requests(target)
    fio.run(target.vm, device, rw="randwrite", bs="4k", iodepth=64, size="4m", **fio.VERIFY)
    after = requests(target)
    assert len(after) == len(before) == HOSTS
    idle = [name for name in after if after[name] - before[name] < 10]
    assert not idle, f"no I/O on {len(idle)} of {HOSTS} connections"


def test_crowd__is_served_and_one_more_is_refused(daemon_built, vm):
    """This test fills a subsystem with 32 hosts, is refused the next, and gets in after one has left."""
    served = namespace(1, vm.block_device("cmb"), p2pmem="1", p2pmem_require=True)
    attributes = dict(cntlid_min="1", cntlid_max=str(HOSTS))
    with Target(vm, config([subsystem(NQN, served, **attributes)])) as target:
        controllers = connect_all(vm)
        assert len(target.cli("conns")["conns"]) == 2 * HOSTS
        device = wait_for(lambda: host.find_device(vm, NQN, 1), IO_LIMIT_S, "the namespace")
        # One block device stands for all paths: take them in turn, as soon as all are there.
        path = f"/sys/block/{device.split('/')[-1]}/multipath/nvme*"
        wait_for(lambda: len(vm.run(f"ls -d {path}", check=False).stdout.split()) == HOSTS,
                 IO_LIMIT_S, "all paths")
        vm.run(f"for s in /sys/class/nvme-subsystem/*; do [[ $(cat $s/subsysnqn) == {NQN} ]] && "
               "echo round-robin >$s/iopolicy; done; true")
        use_every_path(target, device)

        assert host.refused(vm, NQN, options=identity(HOSTS)).strip()
        assert "refused: all controller ids are in use" in target.log
        wait_for(lambda: len(target.cli("conns")["conns"]) == 2 * HOSTS, IO_LIMIT_S,
                 "the refused connection's end")
        states = vm.run(" ".join(["cat", *(f"/sys/class/nvme/{name}/state"
                                           for name in controllers)])).stdout.split()
        assert states == ["live"] * HOSTS
        use_every_path(target, device)

        vm.run(f"nvme disconnect -d {controllers[7]}")
        wait_for(lambda: len(target.cli("conns")["conns"]) == 2 * (HOSTS - 1), IO_LIMIT_S,
                 "one host less")
        host.connect(vm, NQN, options=identity(HOSTS))
        use_every_path(target, device)
        host.disconnect_all(vm)
        wait_no_connections(target)
        stats = target.stats()
        assert stats["errors"] == 0
        assert_all_p2p(stats)
