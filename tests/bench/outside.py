# SPDX-License-Identifier: BSD-3-Clause
"""What the machine around the guest was busy with: figures in real time suffer from company."""
import os
import time

_TICKS = os.sysconf("SC_CLK_TCK")
# Of /proc/stat's columns: user, nice, system, irq, softirq and steal.
_BUSY_COLUMNS = (1, 2, 3, 6, 7, 8)
# Of /proc/PID/stat, after the name in brackets: utime and stime.
_OWN_COLUMNS = (11, 12)


class Watch:
    """Counts from here on."""

    def __init__(self, vm):
        self._pid = vm.qemu.pid
        self._start = time.monotonic()
        self._others_ticks = self._count()

    def others(self):
        """How many CPUs were used by others than the guest."""
        elapsed = time.monotonic() - self._start
        return (self._count() - self._others_ticks) / _TICKS / elapsed

    def _count(self):
        with open("/proc/stat") as file:
            columns = file.readline().split()
        with open(f"/proc/{self._pid}/stat") as file:
            own = file.read().rsplit(")", 1)[1].split()
        return (sum(int(columns[number]) for number in _BUSY_COLUMNS)
                - sum(int(own[number]) for number in _OWN_COLUMNS))
