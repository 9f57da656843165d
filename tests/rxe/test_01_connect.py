# SPDX-License-Identifier: BSD-3-Clause
"""Connecting: what it leaves behind, which is nothing, and how long queues are."""
import host
from checks import io_connections, resources, wait_no_connections, wait_resources
from target import NQN, Target, config, namespace, port, subsystem
from vm import LOOPBACK

WARM_UP_ROUNDS = 5
ROUNDS = 45
# The allocator may keep a little; 45 leaked connections would be far more.
RSS_GROWTH_KIB = 1024

# Connects with both I/O queues, waits for the namespace, lists it, reads from it, disconnects.
SCRIPT = """
for ((i = 0; i < {rounds}; i++)); do
	controller=$(nvme connect -o json -t rdma -a {address} -s 4420 -n {nqn} |
		sed -n 's/.*"device" *: *"\\(nvme[0-9]*\\)".*/\\1/p') || exit 1
	[[ $controller ]] || exit 2
	for ((n = 0; n < 1200; n++)); do
		for path in /sys/class/nvme-subsystem/*/nvme*n1; do
			read -r nqn <${{path%/*}}/subsysnqn
			device=/dev/${{path##*/}}
			[[ $nqn == {nqn} && -b $device ]] && break 2
		done
		sleep 0.05
	done
	nvme list | grep -q "^$device " || exit 3
	dd if=$device of=/dev/null bs=64k count=1 iflag=direct status=none || exit 4
	nvme disconnect -d $controller || exit 5
done
"""


def run_rounds(target, rounds):
    target.vm.run(SCRIPT.format(rounds=rounds, address=LOOPBACK, nqn=NQN), limit_s=60 + 20 * rounds)
    wait_no_connections(target)


def test_connect__fifty_times_leaves_nothing_behind(daemon_built, vm):
    """This test connects, lists, reads and disconnects 50 times and counts what the daemon holds."""
    served = namespace(1, vm.block_device("cmb"), p2pmem="1", p2pmem_require=True)
    with Target(vm, config([subsystem(NQN, served)])) as target:
        before = resources(target)
        # The counting itself must see something, or it would find no leak either.
        assert before["cq"] > 0 and before["mr"] > 0 and before["fds"] > 10, before
        run_rounds(target, WARM_UP_ROUNDS)
        wait_resources(target, before)
        warm = target.rss_kib
        reads = target.stats()["read_ios"]
        assert reads >= WARM_UP_ROUNDS
        run_rounds(target, ROUNDS)
        assert target.stats()["read_ios"] >= reads + ROUNDS
        wait_resources(target, before)
        assert target.rss_kib - warm <= RSS_GROWTH_KIB
        assert all(entry["in_use_bytes"] == 0 and entry["waiting"] == 0
                   for entry in target.cli("memory")["providers"])


def test_queues__are_as_long_as_the_port_lets_them(daemon_built, vm):
    """This test has a host ask for 128 entries at a port whose queues have 32."""
    served = subsystem(NQN, namespace(1, vm.block_device("cmb"), p2pmem="1"))
    with Target(vm, config([served], [port(1, [NQN], max_queue_size=32)])) as target:
        with host.connect(vm, NQN, options="-Q 128") as connection:
            sqsize = vm.read(f"/sys/class/nvme/{connection.controller}/sqsize")
            assert int(sqsize) == 31
            assert {entry["depth"] for entry in io_connections(target)} == {32}
            vm.run(f"dd if={connection.device()} of=/dev/null bs=64k count=4 iflag=direct")
