# SPDX-License-Identifier: BSD-3-Clause
"""QEMU's gdb stub, to write the guest's physical memory, that of devices too, behind its back.

The guest stands still from the first connection on, until somebody has it go on. Protocol: the manual of gdb, "GDB Remote Serial
Protocol"; Qqemu.PhyMemMode: QEMU, docs/system/gdb.rst.
"""
import socket
import time

LIMIT_S = 60
MOST_BYTES = 1024  # a packet of QEMU's takes 4096 characters


def write_memory(path, address, data):
    """Write bytes at a physical address, through the stub at the unix socket `path`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stub:
        stub.settimeout(LIMIT_S)
        _connect(stub, path)
        _command(stub, "Qqemu.PhyMemMode:1")
        for at in range(0, len(data), MOST_BYTES):
            part = data[at:at + MOST_BYTES]
            _command(stub, f"M{address + at:x},{len(part):x}:{part.hex()}")
        _command(stub, "D")


def _connect(stub, path):
    deadline = time.monotonic() + LIMIT_S
    while True:
        try:
            return stub.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _command(stub, text):
    stub.sendall(f"${text}#{sum(text.encode()) % 256:02x}".encode())
    answer = b""
    # That the machine has stopped may be told in between.
    while b"$OK#9a" not in answer:
        data = stub.recv(4096)
        assert data and b"$E" not in data, f"gdb stub: {text}: {data}"
        answer += data
    stub.sendall(b"+")
