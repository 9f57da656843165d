# SPDX-License-Identifier: BSD-3-Clause
"""The trace parser alone, on lines as QEMU 7.2 and 10.0 print them. Needs no machine."""
import pytest

from trace import Trace

CMB = (0xf8000000, 0xfbffffff)
WRITE = ("pci_nvme_io_cmd cid 5 nsid 0x8 sqid 2 opc 0x1 opname 'NVME_NVM_CMD_WRITE'\n"
         "pci_nvme_write cid 5 opname 'NVME_NVM_CMD_WRITE' nsid 8 nlb 16 count 8192 lba 0x80\n")
ADMIN = "pci_nvme_admin_cmd cid 1 sqid 0 opc 0x6 opname 'NVME_ADM_CMD_IDENTIFY'\n"


def parse(tmp_path, text, devices=None):
    path = tmp_path / "trace.log"
    path.write_text("pci_nvme_io_cmd cid 1 nsid 0x8 sqid 1 opc 0x2 opname 'before the start'\n")
    trace = Trace(str(path), devices)
    with path.open("a") as file:
        file.write(text)
    trace.stop()
    with path.open("a") as file:
        file.write(WRITE)
    return trace


def at(*addresses, length=4096):
    return "".join(f"pci_nvme_map_addr addr {address:#x} len {length}\n" for address in addresses)


def translate(device, iova, physical, mask=0xfff):
    return f"vtd_dmar_translate dev {device} iova {iova:#x} -> gpa {physical:#x} mask {mask:#x}\n"


def smmu(stream, iova, physical):
    return (f"smmuv3_translate_success smmuv3-iommu-memory-region-16-0 sid={stream:#x} "
            f"iova={iova:#x} translated={physical:#x} perm=0x3\n")


def test_command__has_what_the_drive_was_given(tmp_path):
    trace = parse(tmp_path, WRITE + at(0x1000) + ADMIN + at(0x9000))
    command, = trace.commands()
    assert (command.name, command.nsid, command.sqid, command.cid) == ("write", 8, 2, 5)
    assert (command.bytes, command.lba, command.pointers) == (8192, 0x80, [(0x1000, 4096)])
    assert trace.commands(nsid=7) == trace.commands(opcode="read") == []


@pytest.mark.parametrize("addresses, place", [
    ((0xf8000000, 0xfbfff000), "all"), ((0xf8000000, 0x1000), "some"), ((0x1000,), "none"),
    ((0xfc000000,), "none"), ((0xf7fff800,), "none"), ((0xfbfff800,), "none"), ((), "no data")])
def test_place__follows_every_pointer(tmp_path, addresses, place):
    assert parse(tmp_path, WRITE + at(*addresses)).places(CMB, 8, "write") == {place: 1}


@pytest.mark.parametrize("second_page, place", [(0xf8002000, "all"), (0x5000, "none")])
def test_place__follows_every_page_through_the_iommu(tmp_path, second_page, place):
    text = (WRITE + at(0xfffa0000, length=8192) + translate("01:00.00", 0xfffa1000, 0x5000)
            + translate("02:00.00", 0xfffa0000, 0xf8001000)
            + translate("02:00.00", 0xfffa1000, second_page)
            # The next use of the same I/O address is not this command's.
            + translate("02:00.00", 0xfffa0000, 0x7000))
    devices = {"0000:01:00.0": 7, "0000:02:00.0": 8}
    assert parse(tmp_path, text, devices).places(CMB) == {place: 1}


@pytest.mark.parametrize("second_page, place", [(0x8000002a00, "all"), (0x5a00, "some")])
def test_place__follows_every_page_through_an_smmu(tmp_path, second_page, place):
    text = (WRITE + at(0xfffa0000, 0xfffb0200, length=512)
            + smmu(0x100, 0xfffb0200, 0x5000)
            + smmu(0x20b, 0xfffa0000, 0x8000001000)
            # The drive's first use of a page may be anywhere in it.
            + smmu(0x20b, 0xfffb0a00, second_page))
    devices = {"0000:01:00.0": 7, "0000:02:01.3": 8}
    assert parse(tmp_path, text, devices).places((0x8000000000, 0x8003ffffff)) == {place: 1}


def test_place__knows_large_translations(tmp_path):
    text = WRITE + at(0x200000, length=8192) + translate("02:00.00", 0x201000, 0xf8001000, 0x1fffff)
    assert parse(tmp_path, text, {"0000:02:00.0": 8}).places(CMB) == {"all": 1}


def test_errors__are_kept(tmp_path):
    trace = parse(tmp_path, WRITE + "pci_nvme_err_req_status cid 5 nsid 8 status 0x4012 opc 0x1\n")
    assert trace.errors == [(5, 8, 0x4012, 1)]


def test_unknown_form__is_an_error(tmp_path):
    with pytest.raises(ValueError):
        parse(tmp_path, "pci_nvme_io_cmd controller 1 cid 5\n").commands()
