# SPDX-License-Identifier: BSD-3-Clause
"""Every verb of nvme-cli that makes sense for a host of this target, and what it gets.

observe() runs them all, each also with JSON output, and tells the result: success, or the status that
the target answered with. `conformance.py --write` writes the table of docs/conformance.md from that;
without --write it prints it.
"""
import argparse
import json
import re
import sys

import host
from document import GeneratedTable, row
from target import NQN, Target, config, namespace, port, subsystem
from topology import ZONE_MB, Drive, Topology
from vm import Vm, end_on_sigterm

TABLE = GeneratedTable("conformance.md", "verbs")
# One host is one controller, and its device the namespace itself: no multipath in between.
MACHINE = Topology(drives=(*Topology().drives, Drive("zoned", size_mb=16 * ZONE_MB, zoned=True)),
                   append="nvme_core.multipath=N")
KIB4 = "head -c 4096 /dev/zero >/tmp/zero; "
# (verb, arguments, has JSON output): {c} is the controller, {i} its ID, {d} the block device of namespace
# 1, {z} that of a zoned one. They run in this order.
VERBS = (
    ("list", "", True), ("list-subsys", "", True),
    ("id-ctrl", "{c}", True), ("id-ns", "{d}", True), ("list-ns", "{c}", True),
    ("list-ns", "{c} --all", True), ("list-ctrl", "{c}", True), ("list-ctrl", "{c} -n 1", True), ("ns-descs", "{d}", True),
    ("cmdset-ind-id-ns", "{d}", True), ("nvm-id-ctrl", "{c}", True), ("nvm-id-ns", "{d}", True),
    ("id-iocs", "{c}", False), ("id-nvmset", "{c}", True), ("id-uuid", "{c}", True),
    ("id-domain", "{c}", True), ("id-ns-granularity", "{c}", True), ("list-endgrp", "{c}", True),
    ("list-secondary", "{c}", True), ("primary-ctrl-caps", "{c}", True), ("get-ns-id", "{d}", False),
    ("supported-log-pages", "{c}", True), ("error-log", "{c}", True), ("smart-log", "{c}", True),
    ("smart-log", "{c} -n 1", True), ("fw-log", "{c}", True), ("changed-ns-list-log", "{c}", True),
    ("effects-log", "{c}", True), ("ana-log", "{c}", True), ("resv-notif-log", "{c}", True),
    ("self-test-log", "{c}", True), ("telemetry-log", "{c} -O /tmp/telemetry", False),
    ("endurance-log", "{c}", True), ("sanitize-log", "{c}", True),
    ("persistent-event-log", "{c} -a 0", True), ("predictable-lat-log", "{c} -i 1", True),
    ("pred-lat-event-agg-log", "{c} -e 1", True), ("endurance-event-agg-log", "{c} -e 1", True),
    ("lba-status-log", "{c}", True), ("boot-part-log", "{c} -f /tmp/boot", True),
    ("media-unit-stat-log", "{c} -d 0", True), ("supported-cap-config-log", "{c} -d 0", True),
    ("mgmt-addr-list-log", "{c}", True), ("rotational-media-info-log", "{c} -e 1", True), ("fid-support-effects-log", "{c}", True),
    ("get-log", "{c} -i 2 -l 512", False),
    ("show-regs", "{c}", True), ("get-property", "{c} -O 0x14", False),
    *((("get-feature", f"{{c}} -f {fid:#x}", True)) for fid in
      (1, 2, 4, 5, 6, 7, 8, 0xa, 0xb, 0xc, 0xd, 0xe, 0xf, 0x10, 0x16, 0x19, 0x81)),
    *((("get-feature", f"{{d}} -n 1 -f {fid:#x}", True)) for fid in (0x82, 0x83, 0x84)),
    ("set-feature", "{c} -f 0xb -V 0x900", False), ("set-feature", "{c} -f 0xf -V 5000", False),
    ("set-feature", "{c} -f 6 -V 0", False),
    ("set-feature", "{c} -f 0xe -l 8 -d /tmp/zero", False),
    ("set-feature", "{d} -n 1 -f 0x82 -V 8", False), ("set-feature", "{d} -n 1 -f 0x83 -V 1", False),
    ("set-feature", "{d} -n 1 -f 0x83 -V 0", False), ("set-feature", "{d} -n 1 -f 0x84 -V 1", False),
    ("set-feature", "{d} -n 1 -f 0x84 -V 0", False),
    ("read", "{d} -s 0 -c 7 -z 4096 -d /tmp/read", False),
    ("write", "{d} -s 0 -c 7 -z 4096 -d /tmp/zero", False),
    ("compare", "{d} -s 0 -c 7 -z 4096 -d /tmp/zero", False), ("flush", "{d}", False),
    ("verify", "{d} -s 0 -c 7", False), ("write-zeroes", "{d} -s 0 -c 7", False),
    ("dsm", "{d} -d -s 0 -b 8", False), ("write-uncor", "{d} -s 0 -c 7", False),
    ("copy", "{d} -d 64 -b 7 -s 0 -f 0", False), ("get-lba-status", "{d} -s 0 -m 7 -a 0x10", True),
    ("resv-register", "{d} -n 1 --nrkey=1 --rrega=0", False),
    ("resv-acquire", "{d} -n 1 --crkey=1 --rtype=1 --racqa=0", False),
    ("resv-report", "{d} -n 1 --eds", True),
    ("resv-release", "{d} -n 1 --crkey=1 --rtype=1 --rrela=0", False),
    ("io-passthru", "{d} --opcode=2 -n 1 -l 4096 -r --cdw12=7", False),
    ("admin-passthru", "{c} --opcode=6 -l 4096 -r --cdw10=1", False),
    ("create-ns", "{c} -s 2048 -c 2048 -f 0", False), ("attach-ns", "{c} -n 3 -c {i}", False),
    ("id-ns", "{c} -n 3 --force", True), ("detach-ns", "{c} -n 3 -c {i}", False),
    ("delete-ns", "{c} -n 3", False), ("delete-ns", "{c} -n 1", False),
    ("zns id-ctrl", "{c}", True), ("zns id-ns", "{z}", True), ("zns list", "", False),
    ("zns report-zones", "{z} -d 2", True), ("zns report-zones", "{z} -d 2 -e", True),
    ("zns zone-mgmt-recv", "{z} -s 0 -l 4096", False),
    ("zns open-zone", "{z} -s 0 -r", False), ("zns zrwa-flush-zone", "{z} -l 7", False),
    ("zns close-zone", "{z} -s 0", False), ("zns finish-zone", "{z} -s 0", False),
    ("zns reset-zone", "{z} -s 0", False), ("zns zone-append", "{z} -s 0 -z 4096 -d /tmp/zero", False),
    ("zns reset-zone", "{z} -a", False), ("zns set-zone-desc", "{z} -s 0 -d /tmp/zero", False),
    ("zns offline-zone", "{z} -s 0", False), ("zns zone-mgmt-send", "{z} -s 0 -z 4", False),
    ("zns changed-zone-list", "{z}", True),
    ("format", "{d} -l 0 --force", False), ("sanitize", "{c} -a 2", False),
    ("device-self-test", "{c} -s 1", False), ("fw-commit", "{c} -s 1 -a 1", False),
    ("fw-download", "{c} -f /tmp/zero", False), ("capacity-mgmt", "{c} -O 0 -i 1", False),
    ("lockdown", "{c} -o 0 -f 0 -p 1", False), ("virt-mgmt", "{c} -c 1 -r 0 -a 1", False),
    ("io-mgmt-recv", "{d} -n 1 -m 0 -l 4096", False), ("io-mgmt-send", "{d} -n 1 -m 0 -l 4096 -d /tmp/zero", False),
    ("set-property", "{c} -O 0x20 -V 1", False), ("security-recv", "{c} -p 0 -x 512", False),
    ("security-send", "{c} -p 0 -t 512 -f /tmp/zero", False), ("dir-receive", "{d} -D 0 -O 1", True),
    ("ns-rescan", "{c}", False), ("reset", "{c}", False), ("subsystem-reset", "{c}", False),
)


def judge(result):
    """What became of a verb: "works", the target's status, or that nvme-cli or the kernel said no."""
    text = result.stdout + result.stderr
    if result.rc == 0:
        return "works"
    status = re.search(r"NVMe status: ([^:(]+)[^(]*\((0x[0-9a-f]+)\)", text)
    if status:
        return f"{status[1].strip()} ({status[2]})"
    return f"not sent: {text.strip().splitlines()[-1]}" if text.strip() else "not sent"


def is_json(vm, command):
    result = vm.run(f"{command} -o json", check=False)
    try:
        json.loads(result.stdout)
    except ValueError:
        return False
    return result.rc == 0


def observe_verb(vm, verb, arguments, has_json, names):
    command = f"nvme {verb} {arguments.format(**names)}".rstrip()
    shown = f"nvme {verb} {arguments.format(c='CTRL', d='DEV', i='ID', z='ZONED')}".rstrip()
    outcome = judge(vm.run(command, check=False))
    if not has_json or outcome != "works":
        return row(f"`{shown}`", outcome, "")
    return row(f"`{shown}`", outcome, "yes" if is_json(vm, command) else "no")


def _device(vm, connection, nsid):
    # The number in a device's name is not that of the namespace.
    found = vm.wait_run(f"grep -l '^{nsid}$' /sys/class/nvme/{connection.controller}/nvme*/nsid").stdout
    return "/dev/" + found.strip().split("/")[-2]


def observe(vm):
    """The table's lines, of a machine of this topology."""
    served = subsystem(NQN, namespace(1, vm.block_device("plain"), resv={"enable": True}),
                       namespace(2, vm.block_device("zoned"), engine="nvme"),
                       serial="SN", model="conformance")
    served["namespace_management"] = {"folder": "/run/np/created", "capacity_bytes": 1 << 30}
    served["subsystem_reset"] = True
    with Target(vm, config([served], [port(1, [NQN])], {"state_dir": "/run/np/state"})):
        with host.connect(vm, NQN) as connection:
            connection.wait_state("live")
            names = {"c": f"/dev/{connection.controller}",
                     "d": _device(vm, connection, 1), "z": _device(vm, connection, 2)}
            names["i"] = host.identify(vm, f"id-ctrl {names['c']}")["cntlid"]
            vm.run(KIB4 + f"rm -f /tmp/telemetry; test -b {names['d']}")
            return [HEAD, *(observe_verb(vm, *entry, names) for entry in VERBS)]


HEAD = row("verb", "result", "JSON") + "|---|---|---|\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true",
                        help="write the table into docs/conformance.md")
    arguments = parser.parse_args()
    end_on_sigterm()
    vm = Vm(MACHINE)
    try:
        table = "".join(observe(vm.boot()))
    except AssertionError:
        print(vm.diagnostics(), file=sys.stderr)
        raise
    finally:
        vm.kill()
    print(table, end="")
    if arguments.write:
        TABLE.write(table)


if __name__ == "__main__":
    main()
