# SPDX-License-Identifier: BSD-3-Clause
"""A zoned namespace: the host sees the drive's zones, and its data goes through peer memory."""
import pytest

import fio
import host
import rawclient
from checks import assert_all_p2p, namespace_status
from target import NQN, Target, config, namespace, port, subsystem
from topology import CMB_DRIVE, ZONE_MB, Drive, Topology

ZONES = 16
MIB = 1 << 20
SECTORS = ZONE_MB * MIB // 512
MACHINE = Topology(drives=(CMB_DRIVE, Drive("zoned", size_mb=ZONES * ZONE_MB, zoned=True)))

pytestmark = pytest.mark.usefixtures("daemon_built", "rawclient_built")


@pytest.fixture
def zoned(use_vm):
    """(machine, target, the host's device) of a zoned namespace whose data is in the other drive's CMB."""
    vm = use_vm(MACHINE)
    served = subsystem(NQN, namespace(1, vm.block_device("zoned"), p2pmem="1"),
                       namespace(2, vm.block_device("cmb")))
    configuration = config([served], [port(1, [NQN], inline_data_size=0)])
    vm.run(f"blkzone reset {vm.block_device('zoned')}")
    with Target(vm, configuration) as target, host.connect(vm, NQN) as connection:
        yield vm, target, connection.device(1)


def report(vm, device, zone):
    """What the host knows of a zone: (write pointer in sectors, condition)."""
    line = vm.run(f"blkzone report -o {zone * SECTORS} -c 1 {device}").stdout
    fields = line.replace(",", " ").replace("(", " ").split()
    return int(fields[fields.index("wptr") + 1], 16), line


def test_zoned__is_announced(zoned):
    """This test reads what kernel and nvme-cli make of the namespace."""
    vm, target, device = zoned
    assert namespace_status(target)["engine"] == "nvme"
    queue = f"/sys/class/block/{device.split('/')[-1]}/queue"
    assert vm.read(f"{queue}/zoned").strip() == "host-managed"
    assert int(vm.read(f"{queue}/nr_zones")) == ZONES
    assert int(vm.read(f"{queue}/chunk_sectors")) == SECTORS
    assert 0 < int(vm.read(f"{queue}/zone_append_max_bytes")) <= 64 << 10
    own = host.identify(vm, f"zns id-ns {vm.block_device('zoned')}")
    seen = host.identify(vm, f"zns id-ns {device}")
    assert {key: seen[key] for key in ("mar", "mor", "zoc")} == {
        key: own[key] for key in ("mar", "mor", "zoc")}
    assert seen["lbafe"][0]["zsze"] == SECTORS
    assert seen["lbafe"][0]["zdes"] == 1
    for key in ("ozcs", "numzrwa", "zrwafg", "zrwasz", "zrwacap"):
        assert seen[key] == own[key]


def test_zoned__is_written_read_and_reset(zoned):
    """This test fills zones with verified data, resets one, and finds what the rules make of it."""
    vm, target, device = zoned
    fio.run(vm, device, rw="write", bs="64k", iodepth=8, zonemode="zbd", size=f"{4 * ZONE_MB}m",
            **fio.VERIFY)
    stats = target.stats()
    assert_all_p2p(stats)
    assert stats["write_bytes"] == 4 * ZONE_MB * MIB
    pointer, line = report(vm, device, 1)
    assert pointer == SECTORS or "fu" in line, line
    # A full zone takes nothing, nor does one whose write pointer is elsewhere.
    for sector in (0, 5 * SECTORS + 8):
        assert vm.run(f"dd if=/dev/zero of={device} bs=4k count=1 seek={sector // 8} oflag=direct "
                      "conv=notrunc", check=False).rc != 0
    vm.run(f"blkzone reset -o {SECTORS} -c 1 {device}")
    assert report(vm, device, 1)[0] == 0
    vm.run(f"dd if=/dev/zero of={device} bs=64k count=4 seek={SECTORS * 512 // 65536} oflag=direct")
    assert report(vm, device, 1)[0] == 4 * 128


def test_zoned__appends(zoned):
    """This test appends twice: the answer says where each went, and the data is there."""
    vm, target, device = zoned
    zone = 7 * SECTORS
    for number in range(2):
        vm.run("head -c 16384 /dev/urandom >/tmp/append")
        text = vm.run(f"nvme zns zone-append {device} -s {zone} -z 16384 -d /tmp/append").stdout
        place = zone + 32 * number
        assert str(place) in text or f"{place:x}" in text, text
        vm.run(f"cmp -n 16384 -i 0:{place * 512} /tmp/append {device}")
    assert target.stats()["p2p_write_bytes"] == 2 * 16384
    refused = vm.run(f"nvme zns zone-append {device} -s {zone} -z 131072 -d /dev/zero", check=False)
    assert refused.rc != 0
    # Commands of the zoned set have no meaning elsewhere.
    plain = host.find_device(vm, NQN, 2)
    assert vm.run(f"nvme zns reset-zone {plain} -s 0", check=False).rc != 0


def test_zoned__extensions(zoned):
    """This test gives an empty zone a descriptor of its own, and reads it in an extended report."""
    vm, _, device = zoned
    empty, text = 7 * SECTORS, "whatever the host likes to say of a zone, in sixty-four bytes..."
    vm.run(f"printf '%-64s' '{text}' >/tmp/extension; "
           f"nvme zns set-zone-desc {device} -s {empty} -d /tmp/extension")
    raw = vm.run(f"nvme zns report-zones {device} -s {empty} -d 1 -e -o binary | od -An -c | "
                 "tr -d ' \\n'").stdout
    assert text.replace(" ", "")[:40] in raw, raw
    # It made the zone a closed one: the next is empty.
    vm.run(f"nvme zns reset-zone {device} -s {empty}")


def test_zoned__random_write_area(zoned):
    """This test opens a zone with a random write area, writes in it out of order, and commits it."""
    vm, _, device = zoned
    start = 8 * SECTORS
    vm.run(f"nvme zns open-zone {device} -s {start} -r")
    vm.run("head -c 4096 /dev/urandom >/tmp/a; head -c 4096 /dev/urandom >/tmp/b")
    for file, sector in (("b", start + 8), ("a", start), ("b", start)):
        vm.run(f"nvme write {device} -s {sector} -c 7 -z 4096 -d /tmp/{file}")
    assert report(vm, device, 8)[0] == 0
    vm.run(f"nvme zns zrwa-flush-zone {device} -l {start + 15}")
    assert report(vm, device, 8)[0] == 16
    vm.run(f"nvme read {device} -s {start} -c 15 -z 8192 -d /tmp/back; cat /tmp/b /tmp/b | cmp - /tmp/back")


def test_zoned__refuses_what_the_rules_do_not_allow(zoned):
    """This test has the raw client try zones in the wrong state, and commands with wrong fields."""
    vm, target, _ = zoned
    lines = rawclient.expect_ok(vm, NQN, "-z zoned-")
    assert len(lines) > 25
    # Without all command sets the commands do not exist.
    rawclient.expect_ok(vm, NQN, "zone-")
    assert target.running
