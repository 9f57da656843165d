# SPDX-License-Identifier: BSD-3-Clause
"""The initiator's side: nvme-cli and the kernel's view of what it connected."""
import json
import uuid

from vm import LOOPBACK, GuestError, wait_for

CONNECT_LIMIT_S = 120


class Connection:
    """A controller that `nvme connect` made."""

    def __init__(self, vm, nqn, controller):
        self.vm = vm
        self.nqn = nqn
        self.controller = controller  # e.g. nvme2

    @property
    def state(self):
        """The kernel's word: live, connecting, resetting, deleting; "gone" without a controller."""
        result = self.vm.run(f"cat /sys/class/nvme/{self.controller}/state", check=False)
        return result.stdout.strip() if result.rc == 0 else "gone"

    def wait_state(self, state, limit_s=CONNECT_LIMIT_S):
        wait_for(lambda: self.state == state, limit_s, f"{self.controller} {state}")

    def device(self, nsid=1):
        """Wait for the namespace and return its block device, e.g. /dev/nvme2n1."""
        return wait_for(lambda: find_device(self.vm, self.nqn, nsid), CONNECT_LIMIT_S,
                        f"namespace {nsid} of {self.nqn}")

    def disconnect(self):
        self.vm.run(f"nvme disconnect -d {self.controller}")

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        if self.vm.alive and self.state != "gone":
            self.disconnect()


def connect(vm, nqn, address=LOOPBACK, port=4420, options=""):
    """nvme connect over RDMA; `options` as on the command line, e.g. "-i 2 -k 5"."""
    result = vm.run(f"nvme connect -o json -t rdma -a {address} -s {port} -n {nqn} {options}")
    return Connection(vm, nqn, json.loads(result.stdout)["device"])


def identity(number):
    """Options of a connect that make the kernel another host for each number."""
    name = host_id(number)
    return f"--hostnqn=nqn.2014-08.org.nvmexpress:uuid:{name} --hostid={name}"


def own_nqn(vm):
    """The name of the kernel's host unless an option of connect says another one."""
    return vm.read("/etc/nvme/hostnqn").strip()


def host_id(number):
    """The Host Identifier that identity() gives."""
    return uuid.UUID(int=0xabcdef << 64 | number)


def refused(vm, nqn, address=LOOPBACK, port=4420, options=""):
    """Try to connect, expect a refusal, and return what nvme-cli printed."""
    result = vm.run(f"nvme connect -t rdma -a {address} -s {port} -n {nqn} {options}", check=False)
    assert result.rc != 0, f"a connect to {nqn} was accepted"
    return result.stdout + result.stderr


def discover(vm, address=LOOPBACK, port=4420):
    """Return the records of the discovery log."""
    result = vm.run(f"nvme discover -o json -t rdma -a {address} -s {port}")
    return json.loads(result.stdout)["records"]


def disconnect_all(vm):
    """Disconnect every fabrics controller; the drives on PCI stay."""
    vm.run("nvme disconnect-all", check=False)
    wait_for(lambda: not vm.run("grep -l rdma /sys/class/nvme/nvme*/transport",
                                check=False).stdout, CONNECT_LIMIT_S, "disconnect-all")


def find_device(vm, nqn, nsid=None, uuid=None):
    """The block device with this NQN and NSID or UUID, or None.

    Skips nvmeXcYnZ, the hidden path devices below a multipath head.
    """
    listing = vm.run(
        "for d in /sys/class/block/nvme*; do n=${d##*/}; [[ $n == *c*n* || $n == *p* ]] && "
        "continue; uuid=-; read -r nqn <$d/device/subsysnqn && read -r nsid <$d/nsid && "
        "{ read -r uuid <$d/uuid; echo $n $nqn $nsid $uuid; }; done", check=False).stdout
    for line in listing.splitlines():
        fields = line.split()
        if len(fields) != 4:
            continue  # it went away while we looked
        name, found_nqn, found_nsid, found_uuid = fields
        if found_nqn == nqn and nsid in (None, int(found_nsid)) and uuid in (None, found_uuid):
            return f"/dev/{name}"
    return None


def identify(vm, command):
    """Run an nvme-cli command that prints JSON, such as "id-ctrl /dev/nvme2"."""
    try:
        return json.loads(vm.run(f"nvme {command} -o json").stdout)
    except json.JSONDecodeError as error:
        raise GuestError(f"nvme {command} printed no JSON: {error}") from error
