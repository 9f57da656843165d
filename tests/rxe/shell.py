# SPDX-License-Identifier: BSD-3-Clause
"""The guest's shell: commands go in at a serial port; when they start and end comes back out of it.

The other side is serve_commands in guest/init. The host sends ID, STEM and COMMAND, each ended by a
NUL byte. The guest sends lines: "ready" after its boot, then "ID started PID" and "ID ended STATUS"
of each command. What a command prints is in the files STEM.out and STEM.err of the machine's share.

Nobody polls: a guest that is asked whether it is done has less time to get done.
"""
import time
from itertools import count

from channel import Channel, ChannelTimeout

START_LIMIT_S = 60


class GuestShell:
    """Commands that run at the same time, each in a process group of its own."""

    def __init__(self, path, limit_s):
        self._channel = Channel(path, limit_s)
        self._ids = count(1)
        self._reports = {}  # (id, "started") -> pid, (id, "ended") -> exit status

    def await_ready(self, limit_s):
        """Wait until the guest has booted."""
        line = self._channel.receive_line(limit_s)
        assert line == "ready", line

    def start(self, stem, command):
        """Start a bash command and return (id, pid); the pid is also its process group's number."""
        number = next(self._ids)
        self._channel.send(f"{number}\0{stem}\0{command}\0")
        return number, self._await(number, "started", START_LIMIT_S)

    def wait(self, number, limit_s):
        """Return the command's exit status, 128 + N after signal N; ChannelTimeout if it runs on."""
        return self._await(number, "ended", limit_s)

    def poll(self, number):
        """Return None while the command runs, else its exit status."""
        try:
            return self.wait(number, 0)
        except ChannelTimeout:
            return None

    def close(self):
        self._channel.close()

    def _await(self, number, what, limit_s):
        deadline = time.monotonic() + limit_s
        while (number, what) not in self._reports:
            line = self._channel.receive_line(deadline - time.monotonic())
            of, reported, value = line.split()
            self._reports[int(of), reported] = int(value)
        return self._reports[number, what]
