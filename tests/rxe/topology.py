# SPDX-License-Identifier: BSD-3-Clause
"""What a test machine consists of, and the QEMU command line for it.

Every drive has one namespace with an NSID of its own in the whole machine (7, 8, ... by position).
QEMU's trace names the namespace of a command but not the controller: the NSID tells drives apart.
"""
import os
from dataclasses import dataclass, replace

ARCH = os.environ.get("NVMET_P2P_ARCH", "amd64")
QEMU = {"amd64": "qemu-system-x86_64", "arm64": "qemu-system-aarch64"}
# On amd64 "max" costs time for features that no test wants. On arm64 its memcpy() instructions are
# wanted: by others a kernel (7.3) dies in rxe's copies from the CMB, which are unaligned, because
# QEMU (10, not yet 7.2) knows that device memory bears only aligned ones.
CPU = {"amd64": "EPYC", "arm64": "max,pauth-impdef=on"}
FIRST_NSID = 7
SERIAL_CONSOLE = "console.log"
QMP_SOCKET = "qmp"
SHELL_SOCKET = "shell"
TRACE_FILE = "trace.log"


@dataclass(frozen=True)
class Drive:
    """One emulated NVMe drive; cmb_mb 0 = no CMB, behind = "root" or "switch"."""
    name: str
    size_mb: int = 512
    cmb_mb: int = 0
    behind: str = "root"
    block_size: int = 512
    zoned: bool = False  # zones of ZONE_MB

    @property
    def serial(self):
        return f"np-{self.name}"


ZONE_MB = 4
ZONED_MORE = ("zoned.descr_ext_size=64,zoned.numzrwa=4,zoned.zrwas=64K,zoned.zrwafg=4K,"
              "zoned.max_open=8,zoned.max_active=12")
CMB_DRIVE = Drive("cmb", cmb_mb=64)
# Longer than what QEMU deallocates in one range, DMRSL: 2 GiB less a block.
PLAIN_DRIVE = Drive("plain", size_mb=3072)
DRIVES = (CMB_DRIVE, PLAIN_DRIVE)
BELOW_A_SWITCH = tuple(replace(drive, behind="switch") for drive in DRIVES)


@dataclass(frozen=True)
class Topology:
    """A machine. Two of equal value may be the same machine.

    link: "" for none, "a" or "b": the two ends of one cable between two machines.
    icount: guest time is executed instructions: slow, one thread, but repeatable.
    cpu: "" for the plain one in CPU. On amd64 "max" makes the kernel refuse peer-to-peer across the
    host bridge; on arm64 it always does, see docs/p2p.md.
    arch: in Debian's words; the guest runs what was built for it.
    numa: two nodes, each with a CPU, half of the memory and a network device, see numa_mac();
    this and nvdimm_mb are for amd64.
    """
    drives: tuple = DRIVES
    iommu: bool = False
    link: str = ""
    icount: bool = False
    cpu: str = ""
    vcpus: int = 2
    memory_mb: int = 3072
    nvdimm_mb: int = 0
    numa: bool = False
    append: str = ""
    arch: str = ARCH

    def nsid(self, name):
        """The device NSID of the drive called `name`, as the trace shows it."""
        return FIRST_NSID + [drive.name for drive in self.drives].index(name)

    def uuid(self, name):
        """The drive's own UUID, which a kernel ignores as it does all identifiers of QEMU's."""
        return f"6e766d65-0000-4000-8000-{self.nsid(name):012x}"

    def with_link(self, side):
        return replace(self, link=side)


def drive_image(workdir, drive):
    return os.path.join(workdir, f"{drive.name}.img")


def make_files(topology, workdir):
    """Create the sparse backing files that the command line names."""
    for drive in topology.drives:
        with open(drive_image(workdir, drive), "wb") as image:
            image.truncate(drive.size_mb << 20)
    if topology.nvdimm_mb:
        with open(os.path.join(workdir, "nvdimm.img"), "wb") as image:
            image.truncate(topology.nvdimm_mb << 20)


def command_line(topology, workdir, image, shares, cable=None):
    """Return QEMU's argv. shares: {tag: folder}, all read-only but the one called "share"."""
    argv = [QEMU[topology.arch], "-nodefaults", "-no-user-config", "-display", "none",
            "-cpu", topology.cpu or CPU[topology.arch], *_machine(topology, workdir),
            "-kernel", f"{image}/vmlinuz", "-initrd", f"{image}/initramfs",
            "-append", _kernel_line(topology),
            "-serial", f"file:{workdir}/{SERIAL_CONSOLE}",
            "-action", "reboot=shutdown,panic=exit-failure",
            "-qmp", f"unix:{workdir}/{QMP_SOCKET},server=on,wait=off",
            "-chardev", f"socket,id=shell,path={workdir}/{SHELL_SOCKET},server=on,wait=off",
            "-device", "virtio-serial-pci",
            "-device", "virtserialport,chardev=shell,name=shell",
            "-device", "virtio-rng-pci", "-D", f"{workdir}/{TRACE_FILE}"]
    for tag, folder in shares.items():
        mode = "" if tag == "share" else ",readonly=on"
        argv += ["-fsdev", f"local,id=fs-{tag},path={folder},security_model=none{mode}",
                 "-device", f"virtio-9p-pci,fsdev=fs-{tag},mount_tag={tag}"]
    argv += _drives(topology, workdir)
    if topology.numa:
        argv += _numa_links()
    if topology.link:
        argv += _link(topology.link, cable)
    return argv


def _machine(topology, workdir):
    memory = f"{topology.memory_mb}M"
    machine, extra = (_virt if topology.arch == "arm64" else _q35)(topology)
    if topology.nvdimm_mb:
        machine += ",nvdimm=on"
        memory += f",slots=2,maxmem={topology.memory_mb + 2 * topology.nvdimm_mb + 1024}M"
        extra += ["-object", "memory-backend-file,id=nv0,share=on,"
                  f"size={topology.nvdimm_mb}M,mem-path={workdir}/nvdimm.img",
                  "-device", "nvdimm,memdev=nv0,label-size=16M"]
    if topology.numa:
        extra += _numa_nodes(topology)
    accel = ["-accel", "tcg,thread=multi"]
    if topology.icount:
        accel = ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off"]
    return [*accel, "-smp", str(topology.vcpus), "-M", machine, "-m", memory, *extra]


def _q35(topology):
    return "q35", ["-device", "pvpanic", *(["-device", "intel-iommu"] if topology.iommu else [])]


def _virt(topology):
    # Debian's arm64 kernel has no driver for pvpanic: a panic ends in the reboot of "panic=1".
    return "virt,gic-version=3" + (",iommu=smmuv3" if topology.iommu else ""), []


def _numa_nodes(topology):
    argv = []
    for node in (0, 1):
        argv += ["-object", f"memory-backend-ram,id=mem{node},size={topology.memory_mb // 2}M",
                 "-numa", f"node,nodeid={node},cpus={node},memdev=mem{node}"]
    return argv


def _numa_links():
    """A network device of no network at each node, behind a host bridge of its own."""
    argv = []
    for node in (0, 1):
        argv += ["-device", f"pxb-pcie,id=pxb{node},bus=pcie.0,bus_nr={0x80 + 0x20 * node},"
                            f"numa_node={node}",
                 "-device", f"pcie-root-port,id=port-node{node},bus=pxb{node},"
                            f"chassis={40 + node},slot={40 + node}",
                 "-netdev", f"hubport,id=node{node},hubid={node}",
                 "-device", f"virtio-net-pci,netdev=node{node},bus=port-node{node},host_mtu=9000,"
                            f"mac={numa_mac(node)}"]
    return argv


def numa_mac(node):
    """The address of the network device at a node, to find it by in the guest."""
    return f"52:54:00:00:01:0{node}"


def _kernel_line(topology):
    line = "loglevel=4 panic=1 oops=panic mitigations=off rcupdate.rcu_expedited=1"
    if topology.arch == "arm64":
        line = f"console=ttyAMA0 {line}"
    else:
        # tsc=reliable: an emulated CPU that gets no host CPU for a while answers the clock's
        # watchdog late, and the kernel would take its clock from the HPET then. That is slow to
        # read here, and the change rewrites code that CPUs are running, which TCG does not always
        # survive ("int3").
        line = f"console=ttyS0 {line} tsc=reliable"
    if topology.iommu:
        # arm64's kernel has the driver built in, on and strict.
        line += {"amd64": " intel_iommu=on", "arm64": ""}[topology.arch] + " iommu.passthrough=0"
    return f"{line} {topology.append}".rstrip()


def _drives(topology, workdir):
    argv = []
    if any(drive.behind == "switch" for drive in topology.drives):
        argv += ["-device", "pcie-root-port,id=rp0,chassis=1,slot=1",
                 "-device", "x3130-upstream,id=up0,bus=rp0"]
    for position, drive in enumerate(topology.drives):
        if drive.behind == "switch":
            port = f"xio3130-downstream,id=port-{drive.name},bus=up0"
        else:
            port = f"pcie-root-port,id=port-{drive.name},bus=pcie.0"
        argv += [
            "-device", f"{port},chassis={position + 10},slot={position + 10}",
            "-drive", f"file={drive_image(workdir, drive)},format=raw,if=none,"
            f"id=disk-{drive.name},discard=unmap,detect-zeroes=off,cache=writeback",
            "-device", f"nvme,id={drive.name},serial={drive.serial},bus=port-{drive.name}"
            + (f",cmb_size_mb={drive.cmb_mb}" if drive.cmb_mb else ""),
            "-device", f"nvme-ns,drive=disk-{drive.name},bus={drive.name},"
            f"nsid={topology.nsid(drive.name)},uuid={topology.uuid(drive.name)},"
            f"logical_block_size={drive.block_size},physical_block_size={drive.block_size}"
            + (f",zoned=true,zoned.zone_size={ZONE_MB}M,{ZONED_MORE}" if drive.zoned else "")]
    return argv


def _link(side, cable):
    """Packets between two sockets: either machine may come, go and come back by itself."""
    other, last = ("b", 1) if side == "a" else ("a", 2)
    return ["-netdev", f"dgram,id=link0,local.type=unix,local.path={cable}-{side},"
            f"remote.type=unix,remote.path={cable}-{other}",
            "-device", f"virtio-net-pci,netdev=link0,host_mtu=9000,mac=52:54:00:00:00:0{last}"]
