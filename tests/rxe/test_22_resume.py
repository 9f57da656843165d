# SPDX-License-Identifier: BSD-3-Clause
"""The machine sleeps (S3) and wakes up under fio: nothing is trusted again before it was tested."""
import json
import os
import re
import shutil

import pytest

import target
from target import NQN
from test_17_hotplug import MACHINE, both
from topology import ARCH, SERIAL_CONSOLE
from vm import wait_for

LIMIT_S = 300
SOCKET = "/run/np/resume.sock"


def told(vm):
    """What guest/resume has said on the console: {name: value}."""
    with open(os.path.join(vm.workdir, SERIAL_CONSOLE), errors="replace") as console:
        text = console.read()
    results = dict(re.findall(r"^resume: (\S+) (.*?)\s*$", text, re.M))
    assert "failed" not in results, text
    return results


@pytest.mark.skipif(ARCH == "arm64", reason="QEMU's virt machine has no S3")
def test_resume__memory_and_drives_are_tested_again(daemon_built, use_vm):
    """This test has the machine sleep under fio with verification, and wakes it up."""
    vm = use_vm(MACHINE)
    configuration = both(vm)
    configuration["daemon"] = {"control_socket": SOCKET}
    with open(os.path.join(vm.share, "resume.json"), "w") as file:
        json.dump(configuration, file)
    shutil.copy(os.path.join(os.path.dirname(__file__), "guest", "resume"), vm.share)
    target.install(vm)
    # The machine's files are not there any more after the sleep: nothing may have one open.
    vm.spawn("cp /mnt/share/resume /run/; exec >/dev/null 2>&1; exec setsid /run/resume "
             f"/mnt/share/resume.json {SOCKET} {NQN}")
    wait_for(lambda: "sleeps" in told(vm), LIMIT_S, "fio at work")
    wait_for(lambda: vm.qmp.command("query-status")["status"] == "suspended", LIMIT_S, "sleep")
    vm.qmp.command("system_wakeup")
    results = wait_for(lambda: told(vm) if "end" in told(vm) else None, LIMIT_S,
                       lambda: f"the end: {told(vm)}")
    vm.kill()  # its shell does not survive the sleep
    assert results["fio"] == "0" and results["daemon"] == "0"
    assert int(results["moved"]) > 4000000
    # Of the RNIC with the memory, and of each drive with it.
    assert int(results["tests"]) >= 3
    assert int(results["resets"]) == 2
