# SPDX-License-Identifier: BSD-3-Clause
"""32 hosts at once, and one more than fits."""
import re

import fio
import host
from checks import assert_all_p2p, io_connections, wait_no_connections
from target import NQN, Target, config, namespace, subsystem
from vm import LOOPBACK, wait_for

HOSTS = 32
IO_LIMIT_S = 300
# That many connections share at first, see transport/rdma/rq.c.
SHARED_RECEIVES = 1024


def identity(number):
    """Options that make the kernel another host, with one I/O queue."""
    return f"-i 1 {host.identity(number)}"


def connect_hosts(vm, numbers):
    """Connect these hosts at the same time."""
    script = [f"nvme connect -t rdma -a {LOOPBACK} -s 4420 -n {NQN} {identity(number)} & "
              f"pids[{number}]=$!" for number in numbers]
    script.append("rc=0; for pid in ${pids[*]}; do wait $pid || rc=1; done; exit $rc")
    vm.run("\n".join(script), limit_s=IO_LIMIT_S)


def find_controllers(vm):
    """The controllers' names, by host."""
    lines = vm.run("grep -H . /sys/class/nvme/nvme*/hostid").stdout.splitlines()
    names = {line.split(":", 1)[1]: line.split("/")[4] for line in lines}
    found = [names.get(str(host.host_id(number))) for number in range(HOSTS)]
    assert None not in found and len(set(found)) == HOSTS, names
    return found


def cq_entries(target):
    """What the daemon's two completion queues have room for, the smaller one first."""
    listing = target.vm.run("rdma resource show cq").stdout.splitlines()
    sizes = [int(re.search(r" cqe (\d+) ", line)[1]) for line in listing
             if f" pid {target.process.pid} " in line]
    assert len(sizes) == 2, listing
    return sorted(sizes)


def connect_under_load(target):
    """Connect one host, and the others while it writes: the completion queues must grow meanwhile."""
    vm = target.vm
    connect_hosts(vm, [0])
    device = wait_for(lambda: host.find_device(vm, NQN, 1), IO_LIMIT_S, "the namespace")
    before = cq_entries(target)
    load = fio.loop(vm, device, rw="randwrite", bs="4k", iodepth=16, size="2m", **fio.VERIFY)
    wait_for(lambda: target.stats()["write_ios"] > 0, IO_LIMIT_S, "the first write")
    connect_hosts(vm, range(1, HOSTS))
    # A send queue has an entry for each command; admin queues share receives, and so do I/O queues.
    commands = sum(entry["depth"] for entry in target.cli("conns")["conns"])
    small, large = cq_entries(target)
    assert before[1] < 2 * SHARED_RECEIVES <= small, (before, small)
    assert commands <= large, (commands, large)
    load.stop(IO_LIMIT_S)
    return device


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
        device = connect_under_load(target)
        controllers = find_controllers(vm)
        assert len(target.cli("conns")["conns"]) == 2 * HOSTS
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
