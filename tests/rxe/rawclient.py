# SPDX-License-Identifier: BSD-3-Clause
"""np-rawclient in the guest: a host on bare verbs, see rawclient/."""
import os

from vm import LOOPBACK, build_dir

PROGRAM = "/mnt/build/bin/np-rawclient"
# By these names it connects; the second is that of a few cases.
HOSTS = ["nqn.2024-01.test:rawclient", "nqn.2024-01.test:rawclient-2"]


def built():
    return os.access(os.path.join(build_dir(), "bin", "np-rawclient"), os.X_OK)


def cases(vm):
    """The cases that run without being named."""
    return set(vm.run(f"{PROGRAM} --list").stdout.split())


def start(vm, nqn, arguments="", service=4420):
    """Start it; arguments: options, and the beginnings of names of cases."""
    return vm.spawn(f"{PROGRAM} -a {LOOPBACK} -s {service} -n {nqn} {arguments}")


def parse(client):
    """{case: line} of a client that has ended."""
    lines = [line for line in client.stdout.splitlines() if line.startswith(("ok ", "FAIL "))]
    assert lines, f"np-rawclient ran nothing: {client.stdout}{client.stderr}"
    return {line.split()[1].rstrip(":"): line for line in lines}


def run(vm, nqn, arguments, service=4420):
    """Return (exit code, {case: line})."""
    client = start(vm, nqn, arguments, service)
    return client.wait(), parse(client)


def expect_ok(vm, nqn, arguments, service=4420):
    """Run, expect that every case is right, and return {case: line}."""
    rc, lines = run(vm, nqn, arguments, service)
    failed = [line for line in lines.values() if line.startswith("FAIL")]
    assert (rc, failed) == (0, []), (rc, failed)
    return lines
