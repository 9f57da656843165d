# SPDX-License-Identifier: BSD-3-Clause
"""What the emulated drives say of the commands that they were given: proof from the other side.

QEMU handles a command's pointers at once, under its big lock: the lines between `pci_nvme_io_cmd`
and the next `..._cmd` line belong to that command. A line names the namespace, not the controller;
that is why each drive of a Topology has an NSID of its own.

With an IOMMU a drive may be given I/O addresses. `vtd_dmar_translate`, on arm64
`smmuv3_translate_success`, tells what each page stood for when the drive used it, which is after
the command's own lines and before the address is given out again. A drive's own CMB is addressed
untranslated: no I/O address lies in a PCI window.
"""
import re
from dataclasses import dataclass, field

EVENTS = ("pci_nvme_io_cmd", "pci_nvme_admin_cmd", "pci_nvme_map_addr", "pci_nvme_map_addr_cmb",
          "pci_nvme_read", "pci_nvme_write", "pci_nvme_err_req_status")
IOMMU_EVENTS = {"amd64": ("vtd_dmar_translate",), "arm64": ("smmuv3_translate_success",)}

PAGE_SHIFT = 12
PAGE_MASK = (1 << PAGE_SHIFT) - 1

OPCODES = {0x00: "flush", 0x01: "write", 0x02: "read", 0x05: "compare", 0x08: "write_zeroes",
           0x09: "dsm", 0x0c: "verify", 0x19: "copy"}
_NUMBER = r"(0x[0-9a-f]+|\d+)"
# A log line may begin with "pid@seconds.microseconds:", QEMU's -msg timestamp form.
_LINE = re.compile(
    r"^(?:\d+@[\d.]+:)?(pci_nvme_\w+|vtd_dmar_translate|smmuv3_translate_success) (.*)$")
_IO = re.compile(rf"cid {_NUMBER} nsid {_NUMBER} sqid {_NUMBER} opc {_NUMBER}")
_ADDRESS = re.compile(rf"addr {_NUMBER} len {_NUMBER}")
_SIZE = re.compile(rf"count {_NUMBER} lba {_NUMBER}")
_ERROR = re.compile(rf"cid {_NUMBER} nsid {_NUMBER} status {_NUMBER} opc {_NUMBER}")
_DMAR = re.compile(
    rf"dev ([0-9a-f]+:[0-9a-f]+)\.([0-9a-f]+) iova {_NUMBER} -> gpa {_NUMBER} mask {_NUMBER}")
_SMMU = re.compile(rf"sid={_NUMBER} iova={_NUMBER} translated={_NUMBER}")


@dataclass
class Command:
    """One I/O command; `pointers` are (bus address, length in bytes) as the drive got them."""
    cid: int
    nsid: int
    sqid: int
    opcode: int
    bytes: int = 0
    lba: int = 0
    own_cmb: bool = False  # a pointer was in the CMB of the drive that got the command
    pointers: list = field(default_factory=list)
    pages: dict = field(default_factory=dict)  # I/O page -> physical page, as the IOMMU translated

    @property
    def name(self):
        return OPCODES.get(self.opcode, hex(self.opcode))

    def place(self, cmb_range):
        """Where the data is: "all", "some" or "none" of it in the CMB; "no data" without any."""
        if not self.pointers:
            return "no data"
        inside = [self._inside(pointer, cmb_range) for pointer in self.pointers]
        return "all" if all(inside) else "some" if any(inside) else "none"

    def _inside(self, pointer, cmb_range):
        """Whether every page of a pointer is in the CMB, after the IOMMU where there is one."""
        address, length = pointer
        end = address + length
        while address < end:
            step = min(end, (address | PAGE_MASK) + 1) - address
            page = address >> PAGE_SHIFT
            real = (self.pages.get(page, page) << PAGE_SHIFT) | (address & PAGE_MASK)
            if not cmb_range[0] <= real <= real + step - 1 <= cmb_range[1]:
                return False
            address += step
        return True


def _pages(pointer):
    address, length = pointer
    return range(address >> PAGE_SHIFT, ((address + length - 1) >> PAGE_SHIFT) + 1)


class Trace:
    """The commands of all drives between the making of this object and stop().

    devices: {"0000:02:00.0": NSID of the drive there}, needed with an IOMMU: I/O addresses mean
    something else for each drive.
    """

    def __init__(self, path, devices=None):
        self._path = path
        self._nsids = {}
        for address, nsid in (devices or {}).items():
            bus_slot, function = address.split(":", 1)[1].split(".")
            self._nsids[bus_slot, int(function, 16)] = nsid
        self._commands = None
        self._end = None
        self._errors = []
        with open(path, "rb") as file:
            self._start = file.seek(0, 2)

    def stop(self):
        with open(self._path, "rb") as file:
            self._end = file.seek(0, 2)

    @property
    def errors(self):
        """(cid, nsid, status, opcode) of each command that a drive refused."""
        self.commands()
        return self._errors

    def commands(self, nsid=None, opcode=None):
        """Commands in order of arrival; nsid: topology.nsid(drive), opcode: a name or None."""
        if self._commands is None:
            assert self._end is not None, "read a trace after its with block"
            self._commands = self._parse(self._lines())
        return [command for command in self._commands
                if nsid in (None, command.nsid) and opcode in (None, command.name)]

    def places(self, cmb_range, nsid=None, opcode=None):
        """Count the commands by place(), e.g. {"all": 512}."""
        counts = {}
        for command in self.commands(nsid, opcode):
            place = command.place(cmb_range)
            counts[place] = counts.get(place, 0) + 1
        return counts

    def _lines(self):
        # With an IOMMU a drive's way to peer memory is translated for every few bytes: most lines
        # of a long file are the line before.
        left, previous = self._end - self._start, None
        with open(self._path, "rb") as file:
            file.seek(self._start)
            for line in file:
                left -= len(line)
                if left < 0:
                    return
                if line != previous or b"_translate" not in line:
                    yield line.decode(errors="replace").rstrip()
                previous = line

    def _parse(self, lines):
        current = None
        waiting = {}  # (NSID, I/O page) -> commands that were given it and have not used it yet
        commands = []
        for line in lines:
            match = _LINE.match(line)
            if not match:
                continue
            event, text = match.groups()
            if event == "pci_nvme_io_cmd":
                current = Command(*_numbers(_IO, text))
                commands.append(current)
            elif event == "pci_nvme_admin_cmd":
                current = None
            elif event == "pci_nvme_err_req_status":
                self._errors.append(tuple(_numbers(_ERROR, text)))
            elif event == "vtd_dmar_translate":
                self._translate(waiting, *_dmar(text))
            elif event == "smmuv3_translate_success":
                self._translate(waiting, *_smmu(text))
            elif current is not None:
                _add(current, event, text, waiting)
        return commands

    def _translate(self, waiting, device, iova, physical, mask):
        nsid = self._nsids.get(device)
        first = (iova & ~mask) >> PAGE_SHIFT
        base = (physical & ~mask) >> PAGE_SHIFT
        for offset in range((mask >> PAGE_SHIFT) + 1):
            for command in waiting.pop((nsid, first + offset), ()):
                command.pages[first + offset] = base + offset


def _add(command, event, text, waiting):
    if event == "pci_nvme_map_addr":
        pointer = tuple(_numbers(_ADDRESS, text))
        command.pointers.append(pointer)
        for page in _pages(pointer):
            waiting.setdefault((command.nsid, page), []).append(command)
    elif event == "pci_nvme_map_addr_cmb":
        command.own_cmb = True
    elif event in ("pci_nvme_read", "pci_nvme_write"):
        command.bytes, command.lba = _numbers(_SIZE, text)


def _dmar(text):
    match = _match(_DMAR, text)
    return (match[1], int(match[2], 16)), *(int(number, 0) for number in match.groups()[2:])


def _smmu(text):
    """As _dmar(); the device is a number here, and the address that was used stands for its page."""
    stream, iova, physical = _numbers(_SMMU, text)
    device = f"{stream >> 8:02x}:{stream >> 3 & 0x1f:02x}", stream & 7
    return device, iova, physical, PAGE_MASK


def _match(pattern, text):
    match = pattern.search(text)
    if not match:
        raise ValueError(f"QEMU's trace has a form that is not known here: {text!r}")
    return match


def _numbers(pattern, text):
    return [int(number, 0) for number in _match(pattern, text).groups()]
