# SPDX-License-Identifier: BSD-3-Clause
"""Discovery: a name of its own, connections that stay and are told, and two targets of one subsystem."""
import copy
import json

import pytest

import fio
import host
from target import NQN, Target, config, namespace, port, subsystem
from vm import LOOPBACK, wait_for

OTHER_NQN = "nqn.2024-01.test:discovery-other"
DISCOVERY_NQN = "nqn.2024-01.test:discovery-itself"
LIMIT_S = 60
UUID = "7d5a3a0e-33a6-4c5f-8f0b-0c4d0a5c9c11"
DISCOVERY_CHANGED = "0x70f002"  # notice, discovery log page change, log page 70h

pytestmark = pytest.mark.usefixtures("daemon_built")


def test_persistent__is_told_of_changes(vm, aen_trace):
    """This test holds a discovery connection: it gets an event for a subsystem that comes, and reads."""
    plain = config([subsystem(NQN, namespace(1, vm.block_device("plain")))],
                   daemon={"discovery_nqn": DISCOVERY_NQN})
    with Target(vm, plain) as target:
        discover = f"nvme discover -o json -t rdma -a {LOOPBACK} -s 4420 --persistent"
        records = json.loads(vm.run(discover).stdout)["records"]
        itself = [entry for entry in records if entry["subtype"].startswith("current")]
        assert [entry["subnqn"] for entry in itself] == [DISCOVERY_NQN]
        wait_for(lambda: any(conn["nqn"] == DISCOVERY_NQN
                             for conn in target.cli("conns")["conns"]), LIMIT_S, "it to stay")
        assert DISCOVERY_CHANGED not in aen_trace()
        more = copy.deepcopy(target.configuration)
        more["subsystems"].append(subsystem(OTHER_NQN))
        more["ports"][0]["subsystems"].append(OTHER_NQN)
        target.configuration = more
        target.reload()
        wait_for(lambda: DISCOVERY_CHANGED in aen_trace(), LIMIT_S, "the event")
        assert OTHER_NQN in {entry["subnqn"] for entry in host.discover(vm)}
        vm.run("nvme disconnect -n " + DISCOVERY_NQN, check=False)
        host.disconnect_all(vm)


def test_two_targets__serve_one_subsystem(vm):
    """This test has two daemons offer one namespace, with ids of their own, and ends one under fio."""
    def half(portid, low, high, state):
        # What is written is nobody's business here: where it goes, and that it goes.
        nothing = namespace(1, {"size_bytes": 1 << 26}, engine="null", uuid=UUID,
                            ana={"grpid": portid})
        served = subsystem(NQN, nothing, serial="shared", cntlid_min=low, cntlid_max=high)
        return config([served], [{**port(portid, [NQN], service=4419 + portid),
                                  "ana_groups": [{"grpid": portid, "ana": {"state": state}}]}])

    first = half(1, 1, 100, "optimized")
    second = half(2, 101, 200, "non-optimized")
    with Target(vm, first) as one:
        with Target(vm, second) as two:
            ways = [host.connect(vm, NQN, port=service, options="-c 1 -l 60")
                    for service in (4420, 4421)]
            ids = [int(vm.read(f"/sys/class/nvme/{way.controller}/cntlid")) for way in ways]
            assert 1 <= ids[0] <= 100 < ids[1] <= 200
            device = ways[0].device()
            work = fio.loop(vm, device, rw="randwrite", bs="4k", iodepth=8, size="4m")
            wait_for(lambda: one.stats()["write_bytes"] > 1 << 20, LIMIT_S, "writes by the first")
            one.stop()
            wait_for(lambda: two.stats()["write_bytes"] > 1 << 20, LIMIT_S, "writes by the second")
            work.stop()
            one.start()
            ways[0].wait_state("live")
            host.disconnect_all(vm)


def test_static_controllers(vm):
    """This test serves static controllers: discovery says so, and a host that knows them does I/O twice."""
    served = subsystem(NQN, namespace(1, {"size_bytes": 1 << 26}, engine="null"), cntlid_min=70)
    served["static_controllers"] = True
    client = f"/mnt/build/bin/np-rawclient -a {LOOPBACK} -n {NQN}"
    with Target(vm, config([served])) as target:
        # The record behind the header and that of the discovery controller itself; nvme-cli hides it.
        vm.run(f"nvme discover -t rdma -a {LOOPBACK} -s 4420 -r /tmp/records")
        assert vm.run("od -An -tx2 -j 2054 -N 2 /tmp/records").stdout.strip() == "fffe"
        for _ in range(2):
            # Two controllers at a time: that of the client, and that of the case.
            assert " 0 failed" in vm.run(f"{client} -c 0xfffe connect-good log-").stdout
        told = "\n".join(entry["text"] for entry in target.cli("events")["events"])
        assert "ctrl 70:" in told and "ctrl 71:" in told and "ctrl 72:" not in told, told
        assert " 0 failed" in vm.run(f"{client} -c 70 log-").stdout
        # Linux's host asks for a dynamic one.
        host.refused(vm, NQN)
