# SPDX-License-Identifier: BSD-3-Clause
"""The kernel's own target, through configfs: what ours is compared with."""
from vm import LOOPBACK

ROOT = "/sys/kernel/config/nvmet"


class KernelTarget:
    """One port with one subsystem; devices[i] becomes NSID i + 1. Use it in a with statement."""

    def __init__(self, vm, nqn, devices, address=LOOPBACK, port=4421, inline_bytes=None):
        self.vm = vm
        self.nqn = nqn
        self._devices = devices
        self._subsystem = f"{ROOT}/subsystems/{nqn}"
        self._port = f"{ROOT}/ports/{port}"
        self._attributes = {"addr_trtype": "rdma", "addr_adrfam": "ipv4",
                            "addr_traddr": address, "addr_trsvcid": port}
        if inline_bytes is not None:
            self._attributes["param_inline_data_size"] = inline_bytes
        self.address, self.port = address, port

    def __enter__(self):
        script = ["set -e", "modprobe -a nvmet nvmet-rdma", f"mkdir -p {self._subsystem}",
                  f"echo 1 >{self._subsystem}/attr_allow_any_host"]
        for nsid, device in enumerate(self._devices, 1):
            namespace = f"{self._subsystem}/namespaces/{nsid}"
            script += [f"mkdir -p {namespace}", f"echo -n {device} >{namespace}/device_path",
                       f"echo 1 >{namespace}/enable"]
        script.append(f"mkdir -p {self._port}")
        script += [f"echo {value} >{self._port}/{key}" for key, value in self._attributes.items()]
        script.append(f"ln -s {self._subsystem} {self._port}/subsystems/")
        self.vm.run("\n".join(script))
        return self

    def __exit__(self, *_exception):
        if self.vm.alive:
            clear(self.vm)


def clear(vm):
    """Remove whatever is configured in the kernel's target."""
    vm.run(f"[ -d {ROOT} ] || exit 0; cd {ROOT}; rm -f ports/*/subsystems/*; "
           "for n in subsystems/*/namespaces/*; do "
           "[ -d $n ] && echo 0 >$n/enable && rmdir $n; done; "
           "for d in ports/* subsystems/*; do [ -d $d ] && rmdir $d; done; true")
